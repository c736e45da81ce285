"""What the last build into a folder read, asked and wrote: so that the next one does only what has to be done anew.

Four files in the store's folder "builds", named after the output folder:

    NAME.told     what the build was of, in one digest, and what it said: enough where nothing changed
    NAME.known    sources, pages, questions with their answers, and outputs with the questions that each asked
    NAME.changes  what builds that changed little have changed in that

All are believed only as this user's own (ssg.private), and both can be deleted at any time.
"""

import gc
import hashlib
import marshal
import os
import secrets
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ssg import private
from ssg.stamps import Stamp
from ssg.tracing import GONE, Answers, Key

FOLDER: Final = "builds"
_FORMAT: Final = 5
_LIMIT: Final = 8  # output folders whose builds are remembered

Changes = dict[str, Any]
"""By the name of a table: what is new in it. `of` is the id of the build that it changes."""

Source = tuple[Stamp | None, str]
"""What a source looked like, and its sha256. Without a stamp it must be read again to know whether it changed."""


class File(NamedTuple):
    """A file of the tree as it is described (sealpress.tree.Entry), and what it looked like."""

    sha256: str
    size: int
    media_type: str
    cache: str
    stamp: Stamp


@dataclass(slots=True)
class LastTree:
    """The tree as the last build left it. `seen` is a digest of all that it was made of, as it looked from outside.

    `files` are plain Files by path, `folders` what they looked like, "" for the whole: a file that comes or goes
    changes its folder's time. `inputs` are the sha256 of sources by name. `report` is what the build said, plain.
    """

    id: str
    seen: str
    report: dict[str, Any]
    files: dict[str, tuple[Any, ...]]
    folders: dict[str, Stamp]
    inputs: dict[str, str]
    changes: Changes = field(default_factory=dict)

    def looks(self, root: Path) -> dict[str, Stamp] | None:
        """What all files look like; None where anything in the output folder was touched since."""
        found = {path: file[-1] for path, file in self.files.items()}
        top, look = str(root), os.lstat
        try:
            for path, seen in (*found.items(), *self.folders.items()):
                now = look(f"{top}/{path}")
                if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != seen:
                    return None
        except OSError:
            return None
        return found

    def apply(self, changes: Changes) -> None:
        for name in ("files", "folders", "inputs"):
            getattr(self, name).update(changes.get(name, {}))
        self.changes = changes


class Output(NamedTuple):
    """A file of the tree as it was written.

    `make` and `subject` say how it is made (ssg.rendering.plan, or a copy). `asked` are the numbers of the questions of
    its trace, four bytes each. `because` is what it was made anew for when it last was: sentences,
    and questions that got another answer.
    """

    make: str
    subject: str
    origin: str
    sha256: str
    size: int
    stamp: Stamp
    asked: bytes
    because: tuple[str | Key, ...]


_ASKED: Final = 6
_ORDERED: Final = ("sources", "manuscripts", "pages", "outputs")
_TABLES: Final = (*_ORDERED, "anchored")
_WHOLE: Final = (
    "world",
    "scope",
    "conversion",
    "published",
    "left_out",
    "shape",
    "theme_key",
    "theme_files",
    "settings",
)
_SMALL: Final = 0.05  # changes for each source, up to which they are kept apart
_SLACK: Final = 1.25  # of questions that are kept over those that are asked


@dataclass(slots=True)
class LastBuild:
    """All that a build knows afterwards. `world` is the software, `scope` what was asked of it: options, settings.

    `manuscripts` and `pages` are plain (ssg.plain), by source. `published` is how far the clock can move before other
    pages are published: the newest page's moment and that of the first scheduled one. `anchored` are, of each page that
    links to anchors of pages, these. `shape` is a digest of all that links can lead to. `theme_files` are the theme's
    own files as they are served.

    `answers` stand in the order of `questions`; GONE for a question that nobody asks any more.
    `settings` is a digest of those in site.toml. `used` counts the questions that somebody asked when they were last
    counted.
    """

    id: str = ""
    world: str = ""
    scope: str = ""
    conversion: str = ""
    sources: dict[str, Source] = field(default_factory=dict)
    manuscripts: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)
    published: tuple[str, str] = ("", "")
    left_out: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    anchored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shape: str = ""
    theme_key: str = ""
    theme_files: tuple[tuple[str, str, str], ...] = ()
    questions: list[Key] = field(default_factory=list)
    answers: list[object] = field(default_factory=list)
    outputs: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    settings: str = ""
    used: int = 0
    changes: Changes = field(default_factory=dict, init=False)

    def apply(self, changes: Changes) -> None:
        """Brings it up to date with what later builds have changed."""
        for name in _TABLES:
            getattr(self, name).update(changes[name])
        self.questions += changes["questions"]
        self.answers += [GONE] * len(changes["questions"])
        for number, answer in changes["answers"].items():
            self.answers[number] = answer
        self.changes = changes

    def changed_to(self, build: "LastBuild", answered: Iterable[int]) -> Changes | None:
        """What leads from what is kept of this build to a later one; None where that is too much to be worth it.

        `answered` are the numbers of questions with new answers. Where something came or went, or stands elsewhere, it
        is too much.
        """
        if not self.id or any(list(getattr(self, name)) != list(getattr(build, name)) for name in _ORDERED):
            return None
        changes: Changes = {"of": self.id}
        for name in _TABLES:
            old, new = getattr(self, name), getattr(build, name)
            found = {key: value for key, value in new.items() if old.get(key) is not value and old.get(key) != value}
            changes[name] = self.changes.get(name, {}) | found
        count = len(self.questions)
        changes["questions"] = self.changes.get("questions", []) + build.questions[count:]
        changes["answers"] = self.changes.get("answers", {}) | {number: build.answers[number] for number in answered}
        is_small = sum(map(len, changes.values())) < _SMALL * len(build.sources)
        is_same = all(getattr(self, name) == getattr(build, name) for name in _WHOLE)
        return changes if is_same and is_small else None

    def known(self) -> "Known":
        """The questions and their answers, to be added to."""
        return Known(self.questions, self.answers)

    def compact(self) -> "LastBuild":
        """The same without questions that nobody asks any more, once there are many."""
        if len(self.questions) < _SLACK * self.used:
            return self
        used = sorted({number for one in self.outputs.values() for number in array("I", one[_ASKED])})
        self.used = len(used)
        if len(self.questions) < _SLACK * self.used:
            return self
        new = {number: place for place, number in enumerate(used)}
        outputs = {
            path: (
                *one[:_ASKED],
                array("I", (new[old] for old in array("I", one[_ASKED]))).tobytes(),
                *one[_ASKED + 1 :],
            )
            for path, one in self.outputs.items()
        }
        questions, answers = ([column[number] for number in used] for column in (self.questions, self.answers))
        return replace(self, outputs=outputs, questions=questions, answers=answers)


class Known:
    """Questions by number, with their answers: a trace is kept as numbers, since most questions are asked often."""

    def __init__(self, questions: Iterable[Key] = (), answers: Iterable[object] = ()) -> None:
        self.questions = list(questions)
        self.answers = list(answers)
        self.changed: set[int] = set()
        self._numbers = dict(zip(self.questions, range(len(self.questions)), strict=True))

    def items(self) -> Iterator[tuple[Key, object]]:
        """The questions with their answers; GONE for those that have none any more."""
        return zip(self.questions, self.answers, strict=True)

    def answer(self, key: Key) -> object:
        """What is known of a question; GONE for nothing."""
        number = self._numbers.get(key)
        return GONE if number is None else self.answers[number]

    def learn(self, answers: Answers) -> None:
        """Takes answers in, and the numbers of those that are new into `changed`."""
        for key, answer in answers.items():
            number = self._number(key)
            if self.answers[number] != answer:
                self.answers[number] = answer
                self.changed.add(number)

    def forget(self, keys: Iterable[Key]) -> None:
        """Their answers are true no more."""
        self.learn(dict.fromkeys(keys, GONE))

    def asked(self, trace: Iterable[Key]) -> bytes:
        """A trace as its questions' numbers, four bytes each."""
        numbers = self._numbers
        try:
            found = [numbers[key] for key in trace]  # the usual way: what was asked was learned before
        except KeyError:
            found = [self._number(key) for key in trace]
        return array("I", sorted(found)).tobytes()

    def keys(self, asked: bytes) -> list[Key]:
        """The questions of a trace."""
        return [self.questions[number] for number in array("I", asked)]

    def among(self, changed: Collection[Key]) -> "Among":
        known = ((key, self._numbers[key]) for key in changed if key in self._numbers)
        return Among({array("I", [number]).tobytes(): key for key, number in known})

    def _number(self, key: Key) -> int:
        number = self._numbers.setdefault(key, len(self.questions))
        if number == len(self.questions):
            self.questions.append(key)
            self.answers.append(GONE)
        return number


@dataclass(frozen=True, slots=True)
class Among:
    """Some questions, to be looked for in many traces."""

    needles: Mapping[bytes, Key]

    def of(self, asked: bytes) -> list[Key]:
        """Those that a trace has."""
        return [key for needle, key in self.needles.items() if _holds(asked, needle)]


def _holds(asked: bytes, needle: bytes) -> bool:
    at = asked.find(needle)
    while at % 4 and at >= 0:
        at = asked.find(needle, at + 1)
    return at >= 0


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the last build into `output` is kept, within the folder of a store."""

    folder: Path
    name: str

    @classmethod
    def of(cls, store: Path, output: Path) -> "Memory":
        return cls(store / FOLDER, hashlib.sha256(str(output).encode("utf-8", "surrogateescape")).hexdigest()[:16])

    def tree(self) -> LastTree | None:
        """The tree of the last build that came to an end."""
        told, plain = self._load("told"), self._load("tree")
        if not told or not plain or told["id"] != plain["id"]:
            return None
        tree = LastTree(told["id"], told["seen"], told["report"], plain["files"], plain["folders"], plain["inputs"])
        tree.apply(told["changes"])
        return tree

    def exists(self) -> bool:
        """Whether there is anything to recall, readable or not."""
        return self._file("known").exists()

    def recall(self) -> LastBuild | None:
        plain = self._load("known")
        if not plain or len(plain) != sum(one.init for one in fields(LastBuild)):
            return None
        build = LastBuild(*plain)
        changes = self._load("changes")
        if changes and changes["of"] == build.id:
            build.apply(changes)
        return build

    def keep(self, build: LastBuild, changes: Changes | None, tree: LastTree) -> None:
        """Keeps a finished build: all of it, or with `changes` only what is not kept already.

        A disk that refuses costs only time.
        """
        self.forget()
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            ignore = self.folder.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        if changes:
            self._save("changes", changes)
        else:
            build.id = tree.id = secrets.token_hex(8)
            tree.changes = {}
            self._save("known", tuple(getattr(build, one.name) for one in fields(LastBuild) if one.init))
            self._save("tree", {name: getattr(tree, name) for name in ("id", "files", "folders", "inputs")})
            with suppress(OSError):
                self._file("changes").unlink()
            self._trim()
        self._save("told", {name: getattr(tree, name) for name in ("id", "seen", "report", "changes")})

    def forget(self) -> None:
        with suppress(OSError):
            self._file("told").unlink()

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    def _load(self, kind: str) -> Any:
        with without_collector(), suppress(OSError, ValueError, EOFError, TypeError):
            data = private.opened(self._file(kind).read_bytes())
            if data is not None:
                number, plain = marshal.loads(data)  # noqa: S302 - signed by this user
                return plain if number == _FORMAT else None
        return None

    def _save(self, kind: str, plain: Any) -> None:
        data = private.seal(marshal.dumps((_FORMAT, plain)))
        if data is not None:
            private.write(self._file(kind), data)

    def _trim(self) -> None:
        with suppress(OSError):
            builds = sorted(self.folder.glob("*.known"), key=lambda file: file.stat().st_mtime, reverse=True)
            for file in builds[_LIMIT:]:
                file.unlink()
                for other in (".told", ".tree", ".changes"):
                    file.with_suffix(other).unlink(missing_ok=True)


@contextmanager
def without_collector() -> Iterator[None]:
    """Python's collector would walk through everything again and again while a build fills the memory."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
