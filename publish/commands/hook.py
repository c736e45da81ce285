"""`publish hook`: git's pre-push hook builds and checks what is pushed, before the remote gets it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from publish.commands.options import site_option
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.config.sitefile import NAME
from sealpress.problems import MachineProblem, Problem, in_short

if TYPE_CHECKING:
    from publish.publishing.pipeline import Product, SiteSource
    from sealpress.config.settings import HookSettings
    from sealpress.config.sitefile import SiteFile
    from sealpress.git.repository import Repository

_CAVEATS = (
    "it publishes before the remote has the commit: a remote that refuses the push changes nothing about that",
    "git push --dry-run runs hooks too, and publishes",
)


@click.group()
def hook() -> None:
    """Build and check what is pushed, in git's pre-push hook.

    The pushed commit is built from a clean copy, not the files that lie here; a fault refuses the push, and the remote
    gets nothing. Pushes to other branches than those of [hook] in site.toml are let through. To push without it once:
    git push --no-verify.
    """


@hook.command()
@click.option("--branch", "branches", multiple=True, metavar="BRANCH", help="Of the remote; in the place of [hook].")
@site_option
@output_options
def install(*, branches: tuple[str, ...], site_file: Path | None, console: Console) -> None:
    """Put the hook into this repository.

    A hook that is there is kept, and runs first. Where a hook manager keeps the hooks, or core.hooksPath names one
    folder for all repositories, nothing is written: the line to add is printed.
    """
    from publish.hook import script  # noqa: PLC0415 - --help need not wait for it

    site, repository = _here(site_file)
    settings = site.settings.hook
    options = [word for branch in branches for word in ("--branch", branch)]
    inside = os.path.relpath(site.root.resolve() / site.name, repository.root.resolve())
    if inside != NAME:
        options += ["--site", inside]
    publishes = settings.publish if settings.on == "pre-push" else ""
    if publishes:
        options += ["--publish", publishes]
    done = script.install(repository, options)
    named = " and ".join(branches or settings.branches)
    if done.written:
        console.say(f"A push to {named} is built and checked first: {done.file}")
        if done.kept:
            console.say(f"The hook that was there runs before it: {done.kept}")
        console.say("To push without it once: git push --no-verify")
    else:
        console.say(f"Nothing was written, since {done.reason}. Add this line yourself:")
        console.say(f"  {done.line}")
    for caveat in _CAVEATS if publishes else ():
        console.note(f"{publishes}: {caveat}")
    console.result(
        {
            "file": str(done.file),
            "written": done.written,
            "line": done.line,
            "before": done.kept,
            "branches": list(branches or settings.branches),
            "publish": publishes,
        }
    )


@hook.command()
@site_option
@output_options
def uninstall(*, site_file: Path | None, console: Console) -> None:
    """Take the hook away; one that was there before is put back."""
    from publish.hook import script  # noqa: PLC0415 - as above
    from publish.publishing import kept_tree  # noqa: PLC0415

    site, repository = _here(site_file)
    file = script.uninstall(repository)
    kept_tree.forget(site.root.resolve())
    console.say(f"Taken away: {file}" if file else "There is no hook of ours here")
    console.result({"file": str(file) if file else None})


@hook.command()
@click.argument("remote", default="")
@click.argument("url", default="")
@click.option("--branch", "branches", multiple=True, metavar="BRANCH", help="Of the remote; in the place of [hook].")
@click.option("--publish", "target", metavar="TARGET", help="Then publish what was checked to this target.")
@site_option
@output_options
def run(
    *, remote: str, url: str, branches: tuple[str, ...], target: str | None, site_file: Path | None, console: Console
) -> None:
    """What the hook runs: builds each commit that standard input names.

    REMOTE and URL are what git gives to a pre-push hook, as is the input (githooks(5)).
    """
    from publish.hook import pushed  # noqa: PLC0415
    from publish.publishing import pipeline  # noqa: PLC0415 - as above
    from sealpress.config.sitefile import find  # noqa: PLC0415
    from sealpress.git import call  # noqa: PLC0415
    from sealpress.git import repository as git  # noqa: PLC0415

    del url
    for name in call.LOCAL:  # true of the repository that pushes, and not of the copy that is built
        os.environ.pop(name, None)
    refs = pushed.read(sys.stdin.buffer.read(pushed.LIMIT)) or pushed.from_pre_commit(os.environ)
    if not any(ref.branch and not ref.is_deletion for ref in refs):
        return
    file = (site_file or find(Path.cwd()) or Path(NAME)).absolute()
    repository = git.discover(file.parent if file.parent.is_dir() else Path.cwd())
    if repository is None:
        raise MachineProblem(f"{Path.cwd()} is in no git repository")
    wanted = branches or _branches(file)
    told: dict[str, dict[str, object]] = {}
    for ref in refs:
        branch = ref.branch
        if ref.is_deletion or not branch or ref.object in told or (wanted and branch not in wanted):
            continue
        commit = repository.commit(ref.object)
        began = time.monotonic()
        with pipeline.committed(repository, commit, file.parent.resolve(), file.name) as made_from:
            settings = made_from.site.settings.hook
            if not wanted and branch not in settings.branches:
                continue
            with _limit(settings):
                product = _built(made_from, replace(console, quiet=True))
            seconds, files = time.monotonic() - began, len(product.tree.entries)
            for line in in_short(product.warnings):
                console.note(line)
            console.note(
                f"{remote or 'remote'} {branch}: commit {commit.id[:12]} builds, {files} files in {seconds:.1f} s"
                " (git push --no-verify pushes without this)"
            )
            told[ref.object] = {"branch": branch, "commit": commit.id, "files": files}
            if target:
                _publish(made_from, target, console)
    console.result({"checked": list(told.values())})


def _branches(file: Path) -> tuple[str, ...]:
    """Those of the site file as it lies here, so that a push to others costs nothing; () where it can't be read."""
    from sealpress.config import sitefile  # noqa: PLC0415 - as above

    try:
        return sitefile.load(file).settings.hook.branches
    except Problem:
        return ()


def _built(made_from: "SiteSource", console: Console) -> "Product":
    """The tree stays, so that the next push makes only what is another file then."""
    from publish.publishing import pipeline  # noqa: PLC0415 - as above

    assert made_from.kept  # noqa: S101 - it is made from a commit
    return pipeline.produce(made_from, made_from.kept, console, dirty=False, lasting=True)


def _publish(made_from: "SiteSource", target: str, console: Console) -> None:
    from publish.publishing.publication import Wishes, publish_site  # noqa: PLC0415
    from publish.target import targets  # noqa: PLC0415 - as above

    name, settings = targets.choose(made_from.site, target)
    targets.check(settings)
    # A lock that is missing is not written here: a push leaves the work tree as it is.
    publish_site(made_from, name, settings, Wishes(locked=True), console)


@contextmanager
def _limit(settings: "HookSettings") -> Iterator[None]:
    """Ends a build that takes too long: nobody waits for a push for ever."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise MachineProblem(
            f"the build took longer than {settings.timeout} s, and the push waits for it",
            hint="[hook] timeout in site.toml says how long it may take; git push --no-verify pushes without it",
        )

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(settings.timeout)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _here(site_file: Path | None) -> "tuple[SiteFile, Repository]":
    from sealpress.config import sitefile  # noqa: PLC0415 - as above
    from sealpress.git import repository as git  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    repository = git.discover(site.root)
    if repository is None:
        raise MachineProblem(f"{site.root} is in no git repository", hint="git init")
    return site, repository
