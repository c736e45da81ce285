"""The one thread that owns the engine of a preview. Others leave it a note: what changed, or which file they wait for.

An edit cuts in while the rest of an earlier one is made. What the open pages show is made first. A file that somebody
asks for is made of all that was noted before, so nobody gets one that is older than what was saved.
"""

import datetime as dt
import gc
import json
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Final

from sealpress.commands.console import Console
from sealpress.config import redirects, sitefile
from sealpress.config.redirects import Redirect
from sealpress.files import files
from sealpress.problems import Problem
from sealpress.tree.tree import REDIRECTS, media_type
from ssg.build.engine import Interrupted, Turn
from ssg.build.inputs import Request
from ssg.build.overlay import NOTHING, Snapshot
from ssg.cache.last_build import without_collector
from ssg.preview.answers import INDEX, SiteAnswers
from ssg.preview.bar import bar
from ssg.preview.headers import SiteHeaders, named
from ssg.preview.maker import Maker, Opened
from ssg.preview.notes import Listener, Note, Wish
from ssg.preview.upstream import Answered, asked

_PATIENCE: Final = 120.0  # seconds that a reader waits for a page
_CHANGE: Final = 3.0  # seconds that one image may take to follow another
_LOOK: Final = 0.02  # seconds between two tries to reach it
_NAMED: Final = 3  # paths of an edit that the terminal shows
_IDLE: Final = 2.0  # seconds without a note after which Python's collector may look through all that came since
_CALM: Final = 0.04  # seconds without one after which the rest is made, which keeps threads that answer from their work
_TURNS: Final = 50  # turns after which it looks through what came since it last did, which is less


class Session:
    """A preview of the site that a Request names, made by what is `opened`, as of the moment that `clock` tells at each
    turn. `run` works until `stop`; all else may be called by any thread.
    """

    def __init__(
        self,
        request: Request,
        opened: Opened,
        console: Console,
        clock: Callable[[], dt.datetime | None],
        *,
        has_editor: bool = False,
    ) -> None:
        self._request, self._opened = request, opened
        self._console = console
        self._clock = clock
        self._has_editor = has_editor
        self._notes: queue.SimpleQueue[Note] = queue.SimpleQueue()
        self._edited = threading.Event()  # a note of an edit waits
        self._stopping = threading.Event()
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._name = secrets.token_hex(4)  # of this run
        self._number = 0
        self._turns = 0  # since the last look for what nobody needs any more
        self._changed: dict[str, int] = {}  # the number since which a file is as it is, or gone
        self.snapshot: Snapshot = NOTHING
        self.answers = SiteAnswers(frozenset())
        self.headers: SiteHeaders | None = None  # None: there is no site yet
        self._sources: Container[str] = ()
        self.started = threading.Event()
        self.failure: Exception | None = None

    # For any thread.

    def changed(self, paths: frozenset[str] | None) -> None:
        """Somebody saw these paths change; None: perhaps any."""
        self._edited.set()  # before the note: what is set after it is taken would cut the very turn that takes it
        self._notes.put(paths if paths is not None else frozenset({""}))

    def read(self, path: str) -> bytes | None:
        """A file as it is after all edits that were noted; None where it can't be made."""
        return self.versioned(path)[0]

    def beside(self, path: str) -> bytes | None:
        """A file as it is with one that was just read: waits for nothing that is made already."""
        return self.versioned(path, waits=False)[0]

    def versioned(self, path: str, *, waits: bool = True) -> tuple[bytes | None, str]:
        """The same, with the version of the site that it is of: `listen` tells what changed after that. Unless it
        `waits`, a file that is made already may be older than what was noted.
        """
        if not waits:
            with self._lock:
                snapshot, version = self.snapshot, self.version
            if path in snapshot.files and path not in snapshot.left and (content := snapshot.read(path)) is not None:
                return content, version
        wish = Wish(path)
        self._notes.put(wish)
        wish.done.wait(_PATIENCE)
        with self._lock:
            snapshot, version = self.snapshot, self.version
        try:
            return snapshot.read(path), version
        except KeyError:
            return None, version

    def sealed(self, line: bytes, headers: Iterable[tuple[str, str]], without: Collection[str] = ()) -> Answered:
        """What the sealed image answers, which is there: as ssg.preview.upstream.asked has it."""
        headers = tuple(headers)
        until = time.monotonic() + _CHANGE
        while True:
            address = self.snapshot.address
            assert address  # noqa: S101 - an image goes where the next one is there
            try:
                return asked(address, line, headers, without)
            except (OSError, HTTPException):  # as one image takes the place of another
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOK)

    def listen(self, path: str, address: str = "", version: str = "") -> Listener:
        """From now on a page gets messages: the first of what changed after the version that it shows, at once."""
        listener = Listener(path, address, version)
        self._notes.put(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        with self._lock:
            listener.is_gone = True
            self._listeners.discard(listener)

    def source(self, path: str) -> Path | None:
        """The file of a source, as long as the site has it and no link stands in its way; None for all else."""
        if path not in self._sources:
            return None
        root = self._request.site.root.resolve()
        with suppress(Problem):
            return files.real(root / path, root)
        return None

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
        with self._opened(self._stopping.is_set) as engine, without_collector():
            is_due = self._turn(engine, None)
            gc.freeze()  # of a large site Python's collector would look through all for half a second, in mid-edit
            wishes: list[Wish | Listener] = []
            while not self._stopping.is_set():
                if is_due and not (notes := self._noted(_CALM)):
                    is_due = self._rest(engine)
                    continue
                paths, more = self._taken(notes if is_due else ())
                wishes += more
                if paths is not None:
                    if not self._turn(engine, None if "" in paths else paths):
                        continue
                    is_due = True
                for wish in wishes:
                    if isinstance(wish, Wish):
                        self._make(engine, wish)
                    else:
                        self._greet(engine, wish)
                wishes = []

    def _noted(self, seconds: float | None = None) -> list[Note]:
        """The first note that comes, if it comes so soon."""
        with suppress(queue.Empty):
            return [self._notes.get(timeout=seconds)]
        return []

    def _taken(self, notes: Iterable[Note]) -> tuple[frozenset[str] | None, list[Wish | Listener]]:
        """All notes that wait, behind those that were taken, or the first that comes; the edits among them in one."""
        taken = [*notes] or self._noted(0 if self._turns > _TURNS else _IDLE)
        if not taken:
            if self._turns:
                gc.collect(0 if self._turns > _TURNS else 2)
            self._turns = 0
            taken = self._noted()
        while not self._notes.empty():
            taken.append(self._notes.get())
        self._edited.clear()
        edits = [one for one in taken if isinstance(one, frozenset)]
        return frozenset().union(*edits) if edits else None, [one for one in taken if isinstance(one, Wish | Listener)]

    def _turn(self, engine: Maker, paths: Iterable[str] | None) -> bool:
        """Whether it came to its end: another edit cuts it."""
        self._turns += 1
        began = time.monotonic()
        named = None if paths is None else frozenset(paths)
        with self._lock:
            shown = sorted({one.path for one in self._listeners})
        early: set[str] = set()

        def publish(turn: Turn) -> None:
            early.update(turn.gone.union(turn.changed))
            self._publish(engine, frozenset(early))

        try:
            engine.ask(self._request.options, self._clock())
            turn = engine.turn(named, first=shown or [INDEX], cut=self._is_cut, shown=publish)
        except Interrupted:
            return False
        if turn is None:
            return True
        sheets = self.headers.sheets if self.headers else ()
        styles = {path for path in sheets if path in turn.left and engine.make(path)}
        late = turn.gone.union(turn.changed, styles) - early
        self._publish(engine, late, tells=bool(late or not early) or self._has_findings(engine))
        self._told(turn, named, time.monotonic() - began)
        self.started.set()
        return True

    def _is_cut(self) -> bool:
        return self._edited.is_set() or self._stopping.is_set()

    def _make(self, engine: Maker, wish: Wish) -> None:
        try:
            if wish.path in self.snapshot.files:
                changed = frozenset({wish.path}) if engine.make(wish.path) else frozenset()
                tells = bool(changed) or self._has_findings(engine)
                if tells or wish.path in self.snapshot.left:
                    self._publish(engine, changed, tells=tells)
        finally:
            wish.done.set()

    def _greet(self, engine: Maker, listener: Listener) -> None:
        with self._lock:
            if not listener.is_gone:
                self._listeners.add(listener)
                listener.messages.put(self._message(engine, listener, self._since(listener.version)))

    def _rest(self, engine: Maker) -> bool:
        """Whether there is more of it."""
        left = engine.left
        made = frozenset(engine.rest(lambda: not self._notes.empty()))
        self._publish(engine, made, tells=bool(made) or self._has_findings(engine))
        return not self._notes.empty() or bool(engine.left and engine.left != left)

    def _has_findings(self, engine: Maker) -> bool:
        """Whether others are known than those that the open pages were told of."""
        return (self.snapshot.problems, self.snapshot.warnings) != (engine.problems, engine.warnings)

    def _publish(self, engine: Maker, changed: frozenset[str], *, tells: bool = True) -> None:
        """Lets all see what the engine has, and `tells` the open pages."""
        snapshot = engine.snapshot
        settings = engine.request.site.settings
        answers = SiteAnswers(
            snapshot.files.keys(),
            sitefile.below(settings.site.url),
            self._moved(engine, snapshot),
            {tag.lower(): self._folder(tag, snapshot.files) for tag in settings.image.negotiate_languages},
        )
        # A file that was to be made, and wasn't yet, is new to nobody.
        old = self.snapshot
        changed = frozenset(path for path in changed if path in old.made or path in old.standing)
        headers = self.headers
        if not old.files or old.files is not snapshot.files:
            others = snapshot.files.keys() ^ old.files.keys()
            changed |= others if old.files else frozenset()
            if not headers or any(media_type(path) != "text/html" for path in others):
                headers = SiteHeaders.of(engine.request.site, snapshot.files)
        if headers and headers.site is not engine.request.site:
            headers = replace(headers, site=engine.request.site)
        with self._lock:
            self._number += bool(changed)
            self._changed.update(dict.fromkeys(changed, self._number))
            self.snapshot, self.answers, self.headers = snapshot, answers, headers
            self._sources = engine.prepared.inputs.sources.stamps if engine.prepared else ()
            for listener in self._listeners if tells else ():
                listener.messages.put(self._message(engine, listener, changed))

    def _moved(self, engine: Maker, snapshot: Snapshot) -> tuple[Redirect, ...]:
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
        # Without what editors write beside a file, where there is more to tell.
        names = sorted(path for path in paths or () if not path.rpartition("/")[2].startswith(".")) or sorted(
            paths or ()
        )
        shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        count = len(turn.changed) + len(turn.gone) + len(turn.left)
        self._console.note(f"{shown or 'the site'}: {count} files, {round(1000 * seconds)} ms")

    @property
    def version(self) -> str:
        return f"{self._name}.{self._number}"

    def _since(self, version: str) -> frozenset[str] | None:
        """The files that changed after a version; None, which is of another run: perhaps all."""
        name, _, number = version.rpartition(".")
        if name != self._name:
            return None if version else frozenset()
        seen = int(number) if re.fullmatch("[0-9]{1,18}", number) else 0
        return frozenset(path for path, at in self._changed.items() if at > seen)

    def _message(self, engine: Maker, listener: Listener, changed: frozenset[str] | None) -> str:
        """`page`: it is another one now, which `html` is (None: it is to be asked for); `styles`: some are; `images`:
        these are; `policy` names that of the page, where it may be another one; `version`: of all that; `bar` is that
        of ssg.preview.bar.
        """
        problems = [problem.as_data() | {"text": str(problem)} for problem in self.snapshot.problems]
        has_moved = changed is None or self._has_moved(listener)
        has_page = has_moved or listener.path in (changed or ())
        has_styles = any(path.endswith(".css") for path in changed or ())
        policy = self._policy(listener) if has_page or has_styles else None
        is_known = has_page and not has_moved and policy is not None
        html = self.snapshot.read(listener.path) if is_known else None
        return json.dumps(
            {
                "page": has_page,
                "html": html.decode("utf-8", "replace") if html is not None else None,
                "styles": has_styles,
                "policy": policy,
                "images": sorted(path for path in changed or () if _is_image(path)),
                "problems": problems,
                "bar": self._bar(engine, listener.path),
                "version": self.version,
            }
        )

    def _policy(self, listener: Listener) -> str | None:
        """None: not known yet, or here."""
        content = self.snapshot.read(listener.path) if listener.path in self.snapshot.files else None
        if content is None or not self.headers or self.snapshot.address:
            return None
        with suppress(LookupError):
            return named(self.headers.policy(listener.path, content, self.snapshot.read))
        return None

    def _bar(self, engine: Maker, path: str) -> dict[str, object] | None:
        if not engine.prepared:
            return None
        now = dt.datetime.now(dt.UTC)  # noqa: TID251 - what is scheduled is told to a person
        content = self.snapshot.read(path) if path in self.snapshot.files else None
        refused = self.headers.refused(path, content) if content is not None and self.headers else []
        return bar(engine.prepared, self.snapshot.warnings, path, now, has_editor=self._has_editor, refused=refused)

    def _has_moved(self, listener: Listener) -> bool:
        """Whether another file answers at the address of a page."""
        if not listener.address or not self.snapshot.files:
            return False
        answer = self.answers.to(listener.address, from_site=True)
        return (answer.location or answer.file) != listener.path


def _is_image(path: str) -> bool:
    return path.rpartition(".")[2].lower() in {"png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp"}
