"""`ssg preview`: serves the site on this machine, and shows each edit in the pages that are open."""

import datetime as dt
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console
from ssg.commands.options import site_option, today

if TYPE_CHECKING:
    from sealpress.config.sitefile import SiteFile
    from ssg.build.inputs import Request
    from ssg.preview.maker import Opened
    from ssg.preview.server import PreviewServer
    from ssg.preview.session import Session
    from ssg.preview.watching import Watcher

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, the end of the process, that of its terminal
_TRIED = 20  # ports
_PATIENCE = 10.0  # seconds for the watcher to begin
_SWITCH = 0.0005  # seconds that one thread waits for another, which makes pages that nobody asked for
_LOOK = 0.05  # seconds between two looks whether it is over


@click.command()
@click.option("--drafts", is_flag=True, help="Take pages in that are marked as drafts.")
@click.option("--future", is_flag=True, help="Take pages in that are dated after that day.")
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Show the site of that day. [default: today]",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=4000, show_default=True, help="Or the next free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--open", "opens", is_flag=True, help="Open the browser.")
@click.option("--poll", is_flag=True, help="Look at the files again and again, where the system can't tell of changes.")
@click.option("--sealed", is_flag=True, help="Bake after each edit, and show the sealed image as it runs.")
@allow_option
@site_option
@output_options
def preview(
    *,
    drafts: bool,
    future: bool,
    day: dt.datetime | None,
    port: int,
    host: str,
    opens: bool,
    poll: bool,
    sealed: bool,
    allow_command: bool,
    site_file: Path | None,
    console: Console,
) -> None:
    """Serve the site on this machine while you write; Ctrl-C ends it.

    An edit shows in the pages that are open, without a reload where that can be; a fault shows over the page until it
    is mended. Files that git doesn't track yet are taken in. Nothing is written into the output folder. Where site.toml
    names a [build] command, that runs after each edit, and a copy of what it fills is served. With --sealed, all of it
    is baked after each edit, and the image itself answers.
    """
    import os  # noqa: PLC0415 - --help need not wait for what the work imports
    import webbrowser  # noqa: PLC0415

    from sealpress.config import sitefile  # noqa: PLC0415
    from sealpress.files import scratch  # noqa: PLC0415
    from sealpress.problems import Problem  # noqa: PLC0415
    from ssg.build.inputs import Request  # noqa: PLC0415
    from ssg.cache.store import folder_of  # noqa: PLC0415
    from ssg.content.sources import Options  # noqa: PLC0415
    from ssg.preview import editor  # noqa: PLC0415
    from ssg.preview import sealed as images  # noqa: PLC0415
    from ssg.preview.server import is_loopback, listening  # noqa: PLC0415
    from ssg.preview.session import Session  # noqa: PLC0415
    from ssg.preview.watching import Watcher  # noqa: PLC0415

    site = sitefile.open_site(site_file, is_tolerant=True)
    build = site.settings.build

    def changed(paths: frozenset[str] | None) -> None:
        if paths is None or site.name in paths:
            with suppress(Problem):  # which the engine tells
                found = sitefile.load(site.root / site.name, site.name, is_tolerant=True)
                watcher.folders, watcher.single = watched(found)
        session.changed(paths)

    request = Request(
        site,
        site.root / build.output,
        Options(drafts=drafts, future=future),
        dirty=True,
        store=folder_of(site.root),
        stable=not sealed,
    )
    command = editor.of(os.environ) if is_loopback(host) else ()
    opened, watched = _maker(request, console, allowed=allow_command)
    with scratch.folder("preview") as mark, images.served(site, console) if sealed else nullcontext() as image:
        opened = partial(images.sealed, opened, image) if image else opened
        session = Session(request, opened, console, _clock(site, day and day.date()), has_editor=bool(command))
        watcher = Watcher(
            Path(os.path.realpath(site.root)),
            *watched(site),
            Path(os.path.realpath(mark)),
            changed,
            console.note,
            polls=poll,
        )
        ports = range(port, min(port + _TRIED, 65_536)) if port else (0,)
        with listening(host, ports, session, watcher.settled, console.note, command) as server:
            with _at_work(watcher, session, server) as works:
                chosen = server.server_address[1]
                if port not in (0, chosen):
                    console.note(f"port {port} is taken")
                if not is_loopback(host):
                    console.note("warning: everybody who reaches this machine can read what you write")
                name = "localhost" if host == "127.0.0.1" else f"[{host}]" if ":" in host else host
                address = f"http://{name}:{chosen}/{sitefile.below(site.settings.site.url)}"
                console.say(f"Preview: {address}  (Ctrl-C ends it)")
                if opens:
                    webbrowser.open(address)
                while all(work.is_alive() for work in works):
                    works[0].join(1)
            if session.failure:
                raise session.failure


def _clock(site: "SiteFile", day: dt.date | None) -> Callable[[], dt.datetime | None]:
    """The moment that a preview is of: the end of a day, by default of the author's own, on which the next commit will
    be made. None, and no other than `ssg build` has it, where there is no commit yet.
    """
    import os  # noqa: PLC0415

    from sealpress.git import repository as git  # noqa: PLC0415
    from sealpress.problems import Problem  # noqa: PLC0415
    from ssg.l10n.timezones import timezone  # noqa: PLC0415

    where: SiteFile | None = site
    zone: dt.tzinfo = dt.UTC
    try:
        zone = timezone(site.settings.site.timezone)
    except Problem:  # which the engine tells
        where = None

    @cache
    def end_of(day: dt.date, *, is_given: bool) -> dt.datetime | None:
        end = dt.datetime.combine(day, dt.time(23, 59, 59), zone)
        if is_given:
            return end
        commit = git.as_of(git.discover(site.root))
        return commit if commit is None or "SOURCE_DATE_EPOCH" in os.environ else max(commit, end)

    return lambda: end_of(day or today(where), is_given=day is not None)


_Watched = Callable[["SiteFile"], tuple[tuple[str, ...], tuple[str, ...]]]
"""The folders to watch, and the files besides."""


def _maker(request: "Request", console: Console, *, allowed: bool) -> tuple["Opened", _Watched]:
    """What makes the site, and what it is made of. Raises Problem (exit 2) for a command that may not run."""
    from sealpress.commands import generator  # noqa: PLC0415
    from sealpress.problems import UsageProblem  # noqa: PLC0415
    from ssg.build.engine import Engine  # noqa: PLC0415
    from ssg.content.sources import Options  # noqa: PLC0415
    from ssg.preview import generated  # noqa: PLC0415

    site = request.site
    if not (command := site.settings.build.command):
        return lambda _: Engine.opened(request), _watched
    place = site.place("build", "command")
    if request.options != Options():
        hint = "give the command options of its own"
        raise UsageProblem("--drafts and --future are for sites that ssg builds", place=place, hint=hint)
    generator.need_consent(command, site.root, place, console, allowed=allowed)
    return partial(generated.Generated.opened, request, command, console.note), generated.watched


def _watched(site: "SiteFile") -> tuple[tuple[str, ...], tuple[str, ...]]:
    from sealpress.config.settings import LOCK_NAME  # noqa: PLC0415
    from ssg.build.inputs import STRINGS  # noqa: PLC0415

    build = site.settings.build
    folders = (build.content, build.static, build.templates, build.data, STRINGS, site.settings.site.theme)
    return folders, (site.name, LOCK_NAME, ".git/index", ".git/HEAD")


@contextmanager
def _at_work(watcher: "Watcher", session: "Session", server: "PreviewServer") -> Iterator[list[threading.Thread]]:
    """The threads of a preview, which end with the block. Ctrl-C ends the block."""
    serve = partial(server.serve_forever, _LOOK)
    works = [threading.Thread(target=work) for work in (watcher.run, session.run, serve)]
    sys.setswitchinterval(_SWITCH)
    ends = [one for one in _ENDS if one is signal.SIGINT or signal.getsignal(one) is signal.SIG_DFL]
    before = [(one, signal.signal(one, _interrupt)) for one in ends]
    try:
        for work in works:
            work.start()
            watcher.ready.wait(_PATIENCE)
        yield works
    except KeyboardInterrupt:
        pass
    finally:
        _ignore()
        watcher.stop()
        session.stop()
        for work in works:
            if work.is_alive():
                if work is works[-1]:
                    server.shutdown()
                work.join()
        for one, handler in before:
            signal.signal(one, handler)


def _ignore() -> None:
    for one in _ENDS:
        signal.signal(one, signal.SIG_IGN)


def _interrupt(*_: object) -> None:
    """Once: a wrapper may hand Ctrl-C on besides, and that would end the end."""
    _ignore()
    raise KeyboardInterrupt
