"""`publish push`: git push, and then exactly the commit that the remote accepted is published."""

from pathlib import Path

import click

from publish.commands.options import site_option
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import MachineProblem, ReleaseProblem


@click.command()
@click.argument("remote", default="")
@click.argument("branch", default="")
@click.option("--to", "target", metavar="TARGET", help="The target. [default: [hook] publish, else the only one]")
@site_option
@output_options
def push(*, remote: str, branch: str, target: str | None, site_file: Path | None, console: Console) -> None:
    """Push, then publish the commit that the remote accepted.

    It is the branch that is checked out that is pushed.

    REMOTE and BRANCH are those of git push; without them, the remote and branch that git push itself takes. What the
    remote has afterwards is read back: where somebody else pushed in between, nothing is published.
    """
    from publish.publishing import pipeline  # noqa: PLC0415 - --help need not wait for it
    from publish.publishing.publication import Wishes, publish_site  # noqa: PLC0415
    from publish.target import targets  # noqa: PLC0415
    from sealpress.config import sitefile  # noqa: PLC0415
    from sealpress.git import remotes  # noqa: PLC0415
    from sealpress.git import repository as git  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    repository = git.discover(site.root)
    head = repository.head() if repository else None
    if repository is None or head is None:
        raise MachineProblem(f"{site.root} is in no git repository with a commit", hint="git init, git commit")
    targets.check(targets.choose(site, target or site.settings.hook.publish or None)[1])
    where = remotes.push(repository, remote, branch)
    accepted = remotes.read_back(repository, where)
    if not repository.holds(accepted):
        raise ReleaseProblem(
            f"{where} is at {accepted[:12]} now, which is not in this repository: nothing was published",
            hint="somebody else has pushed: git pull, then publish push",
        )
    commit = repository.commit(accepted)
    console.note(f"{where} has commit {accepted[:12]}")
    with pipeline.committed(repository, commit, site.root.resolve(), site.name) as made_from:
        name, settings = targets.choose(made_from.site, target or made_from.site.settings.hook.publish or None)
        targets.check(settings)
        publish_site(made_from, name, settings, Wishes(), console)
