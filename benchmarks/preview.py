"""From a save to the changed text in Chromium: servers that show a site while it is written, side by side.

Each server has its own site of the same posts, and each edit is saved as editors save, by rename. The page itself tells
when it shows it: the clock is that of the machine.
"""

import datetime as dt
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from benchmarks import corpus, peers
from benchmarks.chance import Chance
from benchmarks.measure import resident
from benchmarks.scenarios import prepare
from sealpress.commands.console import Progress
from sealpress.problems import Problem

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OWN: Final = "sealpress"
EDITS: Final = 30
MANY: Final = 500
"""Edits of which none may be lost."""

_NEWEST: Final = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)  # after all posts, and before their commit
_START: Final = 300.0  # seconds until the first page
_PATIENCE: Final = 30.0  # seconds until an edit is lost
_MOST: Final = 10.0  # seconds for the edits of one kind, of which at least _LEAST are made
_LEAST: Final = 3
_REST: Final = 0.3  # seconds between two edits: what is left of one is made
_SOME: Final = Chance("preview")  # no edit keeps step with what looks for it
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")

# What follows the program, its style sheet, and its outermost template.
_PEERS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "hugo": ("server --bind 127.0.0.1 --port {port}", "static/style.css", "layouts/baseof.html"),
        "eleventy": ("--serve --port {port}", "style.css", "_includes/base.njk"),
        "astro": ("dev --host 127.0.0.1 --port {port}", "src/style.css", "src/layouts/Base.astro"),
        "zensical": ("serve --dev-addr 127.0.0.1:{port}", "docs/style.css", "overrides/main.html"),
    }
)

# The number of each edit that a page shows: in its text, its title, or a property of its style sheet.
_WATCH: Final = """
(() => {
  let before = "";
  const look = () => {
    const root = document.documentElement;
    if (!root || document.readyState === "loading") return;
    const style = getComputedStyle(root).getPropertyValue("--edited");
    const seen = `${root.textContent} ${style && `edited-${style.trim()}`}`.match(/edited-[0-9]+/g) ?? [];
    const now = [...new Set(seen)].sort().join();
    if (now === before) return;
    before = now;
    window.told(JSON.stringify([Date.now(), now.split(",").map((one) => Number(one.slice(7)))]));
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
  document.addEventListener("readystatechange", look);
  document.addEventListener("load", look, true);
  setInterval(look, 4);
})();
"""
# A page with a script is never swapped.
_SCRIPT: Final = "addEventListener('DOMContentLoaded', () => document.head.append(document.createElement('script')));"


@dataclass(frozen=True, slots=True)
class Server:
    """`command` gives what to run for a port; `style` and `base` are the style sheet and the outermost template, by
    their paths in the site.
    """

    peer: peers.Peer
    command: Callable[[int], tuple[str, ...]]
    style: str
    base: str

    @property
    def name(self) -> str:
        return self.peer.name


@dataclass(frozen=True, slots=True)
class Shown:
    """What one server took, in milliseconds. `first` is the first page of a second start. `memory` are the bytes of its
    processes before and after many edits, of which `lost` were never shown.
    """

    first: float
    edits: Mapping[str, tuple[float, ...]]
    memory: tuple[int, int] = (0, 0)
    many: int = 0
    lost: int = 0

    def median(self, kind: str) -> float:
        return statistics.median(self.edits[kind])

    def late(self, kind: str) -> float:
        """The 95th percentile."""
        found = sorted(self.edits[kind])
        return found[min(len(found) - 1, round(0.95 * len(found)))]


@dataclass(frozen=True, slots=True)
class Previews:
    """`sizes` are what each server took by the number of posts, `left_out` why one is not there."""

    sizes: Mapping[int, Mapping[str, Shown]]
    versions: Mapping[str, str]
    left_out: Mapping[str, str]
    load: float


def compare(
    folder: Path, installed: Path, sizes: tuple[int, ...], large: tuple[str, ...], edits: int, progress: Progress
) -> Previews:
    """Of the sizes after the first, only with those that are named in `large`. Raises Problem where there is no
    Chromium, or sealpress itself fails.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        raise Problem("there is no chromium on this machine (tools/test-machine installs it)")
    load = os.getloadavg()[0]
    servers, left_out = _servers(installed, progress)
    found: dict[int, dict[str, Shown]] = {}
    with _chromium(program) as browser:
        for posts in sizes:
            found[posts] = {}
            for server in (one for one in servers if posts == sizes[0] or one.name in {OWN, *large}):
                progress.note(f"preview: {server.name}, {posts:,} posts")
                try:
                    found[posts][server.name] = _measured(
                        server, folder / f"{server.name}-{posts}", posts, edits, browser
                    )
                except Problem as problem:
                    if server.name == OWN:
                        raise
                    left_out[f"{server.name}, {posts:,} posts"] = problem.message
    versions = {server.name: server.peer.version for server in servers} | {"chromium": browser.version}
    return Previews(found, versions, left_out, load)


def _servers(folder: Path, progress: Progress) -> tuple[list[Server], dict[str, str]]:
    own = peers.sealpress(folder, None)
    program = (*own.command[: own.command.index("build")], "preview")
    found = [
        Server(
            replace(own, command=program),
            partial(_command, program, "--port {port}"),
            "theme/static/style.css",
            "theme/templates/base.html",
        )
    ]
    left_out: dict[str, str] = {}
    for peer in peers.install(tuple(_PEERS), folder, progress):
        if isinstance(peer, peers.Missing):
            left_out[peer.name] = peer.reason
        else:
            words, style, base = _PEERS[peer.name]
            quiet = tuple(word for word in peer.command if word != "--quiet")
            found.append(Server(peer, partial(_command, quiet, words), style, base))
    return found, left_out


def _command(program: tuple[str, ...], words: str, port: int) -> tuple[str, ...]:
    return (*program, *words.format(port=port).split())


@contextmanager
def _chromium(program: str) -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of the tests, which no other part needs

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _measured(server: Server, folder: Path, posts: int, edits: int, browser: "Browser") -> Shown:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    prepare(server.peer, folder, posts)
    with _running(server, folder):  # what a first start keeps for later ones is kept
        time.sleep(_REST)
    began = time.monotonic()
    try:
        with _running(server, folder) as (address, pid):
            first = 1000 * (time.monotonic() - began)
            writer = _Writer(server, folder, corpus.post(posts // 2))
            found: dict[str, tuple[float, ...]] = {}
            page = f"{address}posts/{writer.post.slug}/"
            with _open(browser, page) as tab:
                for kind in ("body", "title", "style sheet", "base template"):
                    with _unless_own(server):
                        found[kind] = _times(tab, writer.edits[kind], edits)
            if server.name == OWN:
                with _open(browser, page, _SCRIPT) as tab:
                    found["body, reloaded"] = _times(tab, writer.edits["body"], edits)
            with _open(browser, address) as tab, _unless_own(server):
                found |= _coming_and_going(tab, writer, edits)
            if server.name != OWN:
                return Shown(first, found)
            many = MANY if edits == EDITS else edits
            with _open(browser, page) as tab:
                for _ in range(_LEAST):
                    tab.seconds(writer.edits["body"])
                before = resident(pid)
                lost = sum(_is_lost(tab, writer) for _ in range(many))
                return Shown(first, found, (before, resident(pid)), many, lost)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _unless_own(server: Server) -> Iterator[None]:
    """What another server never shows has no figure."""
    try:
        yield
    except Problem:
        if server.name == OWN:
            raise


@contextmanager
def _running(server: Server, folder: Path) -> Iterator[tuple[str, int]]:
    """Its address, once that answers, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    with folder.with_name(f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            server.command(port),
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **server.peer.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _until_answered(address, process)
            yield address, process.pid
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_answered(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address, timeout=_START) as answer:
            if answer.status == 200:
                return
        time.sleep(0.005)
    raise Problem("it did not answer" if process.poll() is None else f"it ended with exit code {process.returncode}")


@dataclass
class _Tab:
    """A page that is open. `told` are the moments at which it showed other edits than before, with these."""

    page: "Page"
    told: list[tuple[float, frozenset[int]]] = field(default_factory=list)

    def hear(self, text: str) -> None:
        moment, numbers = json.loads(text)
        self.told.append((moment / 1000, frozenset(numbers)))

    def seconds(self, edit: Callable[[], int], *, gone: int = 0) -> float | None:
        """From the save until the page shows the edit, or no longer the one that is `gone`; None: it is lost."""
        self.told.clear()
        began = time.time()
        number = edit()
        while time.time() < began + _PATIENCE:
            for moment, numbers in self.told:
                if (gone not in numbers) if gone else (number in numbers):
                    return moment - began
            self.page.wait_for_timeout(3)
        return None


@contextmanager
def _open(browser: "Browser", address: str, script: str = "") -> Iterator[_Tab]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    try:
        tab = _Tab(context.new_page())
        tab.page.expose_function("told", tab.hear)
        tab.page.add_init_script(_WATCH + script)
        tab.page.goto(address)
        tab.page.wait_for_timeout(1000)  # its events are heard
        yield tab
    finally:
        context.close()


def _times(tab: _Tab, edit: Callable[[], int], count: int) -> tuple[float, ...]:
    """Milliseconds. Raises Problem where an edit is lost."""
    found: list[float] = []
    end = time.monotonic() + _MOST
    while len(found) < count and (time.monotonic() < end or len(found) < _LEAST):
        tab.page.wait_for_timeout(1000 * _REST + _SOME.below(20))
        seconds = tab.seconds(edit)
        if seconds is None:
            raise Problem("an edit was never shown")
        found.append(1000 * seconds)
    return tuple(found)


def _coming_and_going(tab: _Tab, writer: "_Writer", count: int) -> dict[str, tuple[float, ...]]:
    new: list[float] = []
    deleted: list[float] = []
    end = time.monotonic() + 2 * _MOST
    while len(new) < count and (time.monotonic() < end or len(new) < _LEAST):
        tab.page.wait_for_timeout(1000 * _REST)
        there = tab.seconds(writer.new)
        tab.page.wait_for_timeout(1000 * _REST)
        gone = tab.seconds(writer.delete, gone=writer.number)
        if there is None or gone is None:
            raise Problem("a new or deleted post was never shown")
        new.append(1000 * there)
        deleted.append(1000 * gone)
    return {"new post": tuple(new), "deleted post": tuple(deleted)}


def _is_lost(tab: _Tab, writer: "_Writer") -> bool:
    time.sleep(_SOME.below(30) / 1000)
    return tab.seconds(writer.edits["body"]) is None


class _Writer:
    """Saves edits, each with a number of its own, which it gives."""

    def __init__(self, server: Server, folder: Path, post: corpus.Post) -> None:
        self.post = post
        self.number = 0
        self._name, self._folder = server.name, folder
        source = corpus.source(server.name, folder, post)
        self.edits: Mapping[str, Callable[[], int]] = MappingProxyType(
            {
                "body": self._edit(source, lambda text, number: f"{text}\nWords, edited-{number}.\n"),
                "title": self._edit(source, lambda text, number: text.replace(post.title, f"An edited-{number}", 1)),
                "style sheet": self._edit(
                    folder / server.style, lambda text, number: f"{text}\n:root {{ --edited: {number} }}\n"
                ),
                "base template": self._edit(
                    folder / server.base, lambda text, number: text.replace("The end", f"The end, edited-{number}")
                ),
            }
        )

    def _edit(self, file: Path, changed: Callable[[str, int], str]) -> Callable[[], int]:
        text = file.read_text("utf-8")

        def edit() -> int:
            self.number += 1
            _save(file, changed(text, self.number))
            return self.number

        return edit

    def new(self) -> int:
        self.number += 1
        _save(self._new, corpus.text(self._name, self._post))
        return self.number

    def delete(self) -> int:
        self._new.unlink()
        return 0

    @property
    def _post(self) -> corpus.Post:
        """The newest."""
        moment = _NEWEST + dt.timedelta(minutes=self.number)
        return replace(self.post, slug=f"new-{self.number}", title=f"New, edited-{self.number}", date=moment)

    @property
    def _new(self) -> Path:
        return corpus.source(self._name, self._folder, self._post)


def _save(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
