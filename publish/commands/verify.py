"""`publish verify`: what the host answers, or a live site, beside what the image of its commit does."""

from contextlib import ExitStack
from pathlib import Path

import click

from publish.commands.options import site_and_target, site_option, target_argument
from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console
from sealpress.files import scratch
from sealpress.problems import ReleaseProblem, UsageProblem


@click.command()
@target_argument
@site_option
@click.option("--dirty", is_flag=True, help="Compare with the working tree as it is, not with the last commit.")
@allow_option
@output_options
def verify(*, target: str | None, site_file: Path | None, dirty: bool, allow_command: bool, console: Console) -> None:
    """Compare what the host answers with the last commit.

    Builds it, and asks the host for every file, redirect and page that is gone: bytes, status and headers. With an
    address, such as https://blog.example.org, in the place of the target, the live site is asked as its readers reach
    it: which commit it says it is of, and for all of that. No host is logged into. Ends with 0 where all is as it was
    sealed, with 1 where anything differs.
    """
    from publish.publishing import live, pipeline, report  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.releases import history  # noqa: PLC0415
    from publish.target import fleet  # noqa: PLC0415
    from sealpress.config import sitefile  # noqa: PLC0415

    if target and live.is_address(target):
        if dirty:
            hint = "leave it out"
            raise UsageProblem("--dirty goes with a target: a live site says itself which commit it is of", hint=hint)
        console.result(live.verify(sitefile.open_site(site_file), target, console, allow_command=allow_command))
        return
    site, name, settings = site_and_target(site_file, target)
    with (
        scratch.folder("publish") as folder,
        pipeline.source(site, console, dirty=dirty) as made_from,
        ExitStack() as stack,
    ):
        product = pipeline.produce(made_from, folder, console, dirty=dirty, allow_command=allow_command)
        hosts = stack.enter_context(fleet.opened(site, name, settings, console))
        each: list[dict[str, object]] = []
        for there in hosts:
            called = fleet.called(hosts, there)
            found = history.read(there.engine, there.line)
            if not found:
                raise ReleaseProblem(f"{called}nothing is published there yet", hint="publish first")
            compared = report.verify(there, found[0].site.id, product.tree, made_from.site, console, called)
            if found[0].commit != product.commit:
                console.note(called + report.other_commit(found[0].commit, product.commit))
            elif product.commit:
                console.say(f"{called}{there.name} is commit {product.commit[:12]}")
            told = {"site": there.line.site, "commit": product.commit, "runs": found[0].commit}
            each.append(compared | told)
        fleet.result(hosts, each, console)
