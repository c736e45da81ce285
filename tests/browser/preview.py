"""A preview in a process of its own, and Chromium with its pages open, driven by Playwright."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import FLAGS
from tests.ssg.blogs import Blog

SECONDS = 20
MILLISECONDS = 1000 * SECONDS

# Without the flags that hold for a single visit: time runs as it does, and the console is heard.
DRIVEN = [flag for flag in FLAGS if not flag.startswith(("--virtual-time", "--enable-logging", "--host-resolver"))]
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"


@contextmanager
def driven(program: str) -> Iterator[Browser]:
    """Chromium without a window, which can reach nothing but this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*DRIVEN, NOWHERE])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A page that is open. `asked` are the addresses that it asked for, `said` its complaints."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(MILLISECONDS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def waits(self, condition: str, argument: object = None) -> None:
        """Until a JavaScript expression of `it` holds. Raises TimeoutError."""
        self.page.wait_for_function(f"it => {condition}", arg=argument)

    def shows(self, text: str) -> None:
        """Waits until a text stands in the page."""
        self.waits("document.body.innerText.includes(it)", text)

    def mark(self) -> None:
        """Something that is gone with the page's object."""
        self.page.evaluate("window.marked = true")

    @property
    def is_marked(self) -> bool:
        return bool(self.page.evaluate("window.marked === true"))

    def overlay(self) -> str:
        """Waits for the overlay, and gives its text."""
        self.waits("document.querySelector('sealpress-overlay')?.shadowRoot?.querySelector('pre')")
        return self.page.locator("sealpress-overlay pre").first.text_content() or ""

    def without_overlay(self) -> None:
        self.waits("!document.querySelector('sealpress-overlay')")

    @property
    def strangers(self) -> list[str]:
        """What it asked beyond this machine."""
        return [url for url in self.asked if urlsplit(url).hostname not in ("localhost", "127.0.0.1")]


class Preview:
    """`ssg preview` of a blog. `said` are its lines so far."""

    def __init__(self, blog: Blog, *arguments: str, port: int = 0) -> None:
        self.blog = blog
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        environment = os.environ | {"HOME": str(blog.folder / "home"), "XDG_CACHE_HOME": str(blog.folder / "cache")}
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("ssg"), "preview", "--port", str(port), *arguments],
            cwd=blog.root,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        found = None
        while not found:
            found = re.search(r"http://localhost:([0-9]+)/\S*", self.line())
        self.port, self.address = int(found[1]), found[0]

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            self._lines.put(line)

    def line(self) -> str:
        """The next one that it says."""
        try:
            return self._lines.get(timeout=SECONDS)
        except queue.Empty:
            raise AssertionError("".join(self.said)) from None

    def interrupt(self, times: int = 1) -> int:
        """As Ctrl-C does; its exit code."""
        for _ in range(times):
            self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return code


@contextmanager
def previewed(blog: Blog, *arguments: str, port: int = 0) -> Iterator[Preview]:
    committed(blog)
    preview = Preview(blog, *arguments, port=port)
    try:
        yield preview
    finally:
        if preview.process.poll() is None:
            preview.process.kill()
        preview.end()
    assert not any("Traceback" in line for line in preview.said), "".join(preview.said)


def committed(blog: Blog) -> None:
    """A commit of all that is there."""
    identity = ("-c", "user.name=T", "-c", "user.email=t@t.example.org")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "--allow-empty", "-m", "One")):
        subprocess.run(["git", *command], cwd=blog.root, check=True, timeout=SECONDS)


def saved(file: Path, text: str) -> None:
    """As most editors save: another file, put into its place."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def processes_below(folder: Path) -> list[str]:
    """The command lines of processes that work in a folder."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if (one / "cwd").readlink().is_relative_to(folder):
                found.append((one / "cmdline").read_text())
        except OSError:
            continue
    return found


def edited(blog: Blog, path: str, old: str, new: str) -> None:
    """Puts other words into a file of the blog."""
    file = blog.root / path
    text = file.read_text("utf-8")
    assert old in text
    saved(file, text.replace(old, new))
