"""The one thread that owns the engine of a preview. Others leave it a note: what changed, or which file they wait for.

An edit cuts in while the rest of an earlier one is made. What the open pages show is made first. A file that somebody
asks for is made of all that was noted before, so nobody gets one that is older than what was saved.
"""

import json
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sealpress.commands.console import Console
from sealpress.config import redirects, sitefile
from sealpress.config.redirects import Redirect
from sealpress.problems import Problem
from sealpress.tree.tree import REDIRECTS
from ssg.build.engine import Engine, Interrupted, Turn
from ssg.build.inputs import Request
from ssg.build.overlay import NOTHING, Snapshot
from ssg.preview.answers import INDEX, SiteAnswers

_PATIENCE: Final = 120.0  # seconds that a reader waits for a page
_NAMED: Final = 3  # paths of an edit that the terminal shows


@dataclass(slots=True)
class _Wish:
    """A file that somebody waits for."""

    path: str
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False, slots=True)
class Listener:
    """An open page: the file that it shows, and the messages that it gets (None: the end)."""

    path: str
    messages: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)


class Session:
    """A preview of the site that a Request names. `run` works until `stop`; all else may be called by any thread."""

    def __init__(self, request: Request, console: Console) -> None:
        self._request = request
        self._console = console
        self._notes: queue.SimpleQueue[frozenset[str] | _Wish | None] = queue.SimpleQueue()
        self._edited = threading.Event()  # a note of an edit waits
        self._stopping = threading.Event()
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self.snapshot: Snapshot = NOTHING
        self.answers = SiteAnswers(frozenset())
        self.started = threading.Event()
        self.failure: Exception | None = None

    # For any thread.

    def changed(self, paths: frozenset[str] | None) -> None:
        """Somebody saw these paths change; None: perhaps any."""
        self._notes.put(paths if paths is not None else frozenset({""}))
        self._edited.set()

    def read(self, path: str) -> bytes | None:
        """A file as it is after all edits that were noted; None where it can't be made."""
        wish = _Wish(path)
        self._notes.put(wish)
        wish.done.wait(_PATIENCE)
        try:
            return self.snapshot.read(path)
        except KeyError:
            return None

    def listen(self, path: str) -> Listener:
        listener = Listener(path)
        with self._lock:
            self._listeners.add(listener)
        listener.messages.put(self._message(listener, frozenset()))
        return listener

    def forget(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def stop(self) -> None:
        self._stopping.set()
        self._notes.put(None)
        with self._lock:
            for listener in self._listeners:
                listener.messages.put(None)

    # For its own.

    def run(self) -> None:
        """Until `stop`. What ends it before that is kept as `failure`, for whoever waits to raise."""
        try:
            self._work()
        except Exception as failure:  # noqa: BLE001 - it is raised where a person is told
            self.failure = failure
        finally:
            self.started.set()

    def _work(self) -> None:
        with Engine.opened(self._request) as engine:
            self._turn(engine, None)
            self.started.set()
            while not self._stopping.is_set():
                if engine.left and self._notes.empty():
                    self._rest(engine)
                    if self._notes.empty() and engine.left:
                        continue
                paths, wishes = self._taken()
                if paths is not None:
                    self._turn(engine, None if "" in paths else paths)
                for wish in wishes:
                    self._make(engine, wish)

    def _taken(self) -> tuple[frozenset[str] | None, list[_Wish]]:
        """All notes that wait, and the first that comes; the edits among them in one."""
        notes = [self._notes.get()]
        while not self._notes.empty():
            notes.append(self._notes.get())
        self._edited.clear()
        edits = [one for one in notes if isinstance(one, frozenset)]
        return frozenset().union(*edits) if edits else None, [one for one in notes if isinstance(one, _Wish)]

    def _turn(self, engine: Engine, paths: Iterable[str] | None) -> None:
        began = time.monotonic()
        named = None if paths is None else frozenset(paths)
        with self._lock:
            shown = sorted({one.path for one in self._listeners})
        try:
            turn = engine.turn(named, first=shown or [INDEX], cut=self._edited.is_set)
        except Interrupted:
            return
        self._publish(engine)
        self._told(turn, named, time.monotonic() - began)
        self._announce(frozenset(turn.changed) | turn.gone)

    def _make(self, engine: Engine, wish: _Wish) -> None:
        try:
            if wish.path in self.snapshot.files and engine.make(wish.path):
                self._announce(frozenset({wish.path}))
            self._publish(engine)
        finally:
            wish.done.set()

    def _rest(self, engine: Engine) -> None:
        made = frozenset(engine.rest(lambda: not self._notes.empty()))
        problems = self.snapshot.problems
        self._publish(engine)
        if made or problems != self.snapshot.problems:
            self._announce(made)

    def _publish(self, engine: Engine) -> None:
        self.snapshot = snapshot = engine.snapshot
        settings = engine.request.site.settings
        self.answers = SiteAnswers(
            snapshot.files.keys(),
            sitefile.below(settings.site.url),
            self._moved(engine, snapshot),
            {tag.lower(): self._folder(tag, snapshot.files) for tag in settings.image.negotiate_languages},
        )

    def _moved(self, engine: Engine, snapshot: Snapshot) -> tuple[Redirect, ...]:
        site = engine.request.site
        try:
            data = snapshot.read(REDIRECTS) if REDIRECTS in snapshot.files else b""
            own = redirects.parse((data or b"").decode("utf-8", "replace"))
            return own + redirects.of_table(site.settings.image.redirects, site.document.at("image", "redirects"))
        except Problem:  # which a bake tells
            return ()

    @staticmethod
    def _folder(tag: str, files: Mapping[str, object]) -> str:
        return next((name for name in (tag, tag.lower()) if f"{name}/{INDEX}" in files), "")

    def _told(self, turn: Turn, paths: frozenset[str] | None, seconds: float) -> None:
        for problem in turn.problems:
            self._console.problem(problem)
        if paths is None and not self.started.is_set():
            return
        names = sorted(paths or ())
        shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        count = len(turn.changed) + len(turn.gone) + len(turn.left)
        self._console.note(f"{shown or 'the site'}: {count} files, {round(1000 * seconds)} ms")

    def _announce(self, changed: frozenset[str]) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.messages.put(self._message(listener, changed))

    def _message(self, listener: Listener, changed: frozenset[str]) -> str:
        files = self.snapshot.files
        problems = [problem.as_data() | {"text": str(problem)} for problem in self.snapshot.problems]
        return json.dumps(
            {
                "page": listener.path in changed,
                "gone": bool(files) and listener.path not in files,
                "styles": any(path.endswith(".css") for path in changed),
                "images": sorted(path for path in changed if _is_image(path)),
                "problems": problems,
            }
        )


def _is_image(path: str) -> bool:
    return path.rpartition(".")[2].lower() in {"png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp"}
