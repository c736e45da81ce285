"""What the last build into a folder read, asked and wrote: so that the next one does only what has to be done anew.

Four files in the store's folder "builds", named after the output folder:

    NAME.told     what the build was of, in one digest, and what it said
    NAME.tree     the files of the output folder: with the first one, enough where nothing changed
    NAME.known    sources, pages, questions with their answers, and outputs with the questions that each asked
    NAME.changes  what builds that changed little have changed in that

All are believed only as this user's own (sealpress.files.signing), and both can be deleted at any time.
"""

import gc
import hashlib
import marshal
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from sealpress.files import files, signing
from sealpress.frozen import frozen
from sealpress.problems import Place
from ssg.cache.answers import KeptAnswer, KnownAnswers, renumbered, used
from ssg.cache.codec import Codec, at, number
from ssg.cache.settings import Stated
from ssg.cache.stamps import Stamp
from ssg.cache.table import Plain, Table, since
from ssg.cache.tracing import Key

FOLDER: Final = "builds"
_LIMIT: Final = 8  # output folders whose builds are remembered
_BYTES: Final = 512 << 20  # of all of these together; the newest stays, however large it is
_KINDS: Final = (".known", ".told", ".tree", ".changes")

Changes = dict[str, Any]
"""By the name of a table: what is new in it. `of` is the id of the build that it changes."""


class SeenSource(NamedTuple):
    """What a source looked like, and its sha256. Without a stamp it must be read again to know whether it changed."""

    stamp: Stamp | None
    sha256: str


class KeptFile(NamedTuple):
    """A file of the tree as it is described (sealpress.tree.tree.TreeFile), and what it looked like."""

    sha256: str
    size: int
    media_type: str
    cache: str
    stamp: Stamp


class KeptAsset(NamedTuple):
    """A file of the theme as it is served (ssg.rendering.theme.assets.ThemeAsset)."""

    name: str
    path: str
    origin: str


class KeptImage(NamedTuple):
    """An image by its content, and what was seen of it (ssg.images.variants.Dimensions)."""

    sha256: str
    width: int
    height: int
    is_still: bool
    doubts: tuple[tuple[str, str], ...]


@frozen
class KeptWarning:
    """A Problem, less what only a fault has."""

    message: str
    place: Place | None
    hint: str | None
    code: int
    said: tuple[str, ...]
    block: tuple[str, ...]


seen_stamp, seen_sha256 = at(SeenSource, "stamp"), at(SeenSource, "sha256")
UNSEEN: Final[Plain] = tuple(SeenSource(None, ""))
stamp_of, sha256_of = at(KeptFile, "stamp"), at(KeptFile, "sha256")


@dataclass(slots=True)
class LastTree:
    """The tree as the last build left it. `seen` is a digest of all that it was made of, as it looked from outside.

    `files` are plain Files by path, `folders` what they looked like, "" for the whole: a file that comes or goes
    changes its folder's time. `inputs` are the sha256 of sources by name. `report` is what the build said, plain.
    """

    id: str
    seen: str
    report: dict[str, Any]
    files: dict[str, Annotated[Plain, KeptFile]]
    folders: dict[str, Stamp]
    inputs: dict[str, str]
    changes: Changes = field(default_factory=dict)

    def is_untouched(self, root: Path) -> bool:
        """Whether all files and folders in the output folder look as they were left."""
        top, look = str(root), os.lstat
        left = chain(zip(self.files, map(stamp_of, self.files.values()), strict=True), self.folders.items())
        try:
            for path, seen in left:
                now = look(f"{top}/{path}")
                if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != seen:
                    return False
        except OSError:
            return False
        return True

    def stamps(self) -> dict[str, Stamp]:
        """What all files looked like."""
        return {path: stamp_of(file) for path, file in self.files.items()}

    def apply(self, changes: Changes) -> None:
        for name in ("files", "folders", "inputs"):
            getattr(self, name).update(changes.get(name, {}))
        self.changes = changes


class KeptOutput(NamedTuple):
    """A file of the tree by how it is made.

    `kind` and `subject` say that (ssg.rendering.output_kind), `origin` what messages call it. `because` is what it
    was made anew for when it last was: sentences, and questions that got another answer.
    """

    kind: str
    subject: str
    origin: str
    because: tuple[str | Key, ...]


_TABLES: Final = (
    "sources",
    "parsed_pages",
    "pages",
    "outputs",
    "traces",
    "anchored",
    "brought",
    "aims",
    "questions",
    "images",
    "warnings",
)
_ORDERED: Final = ("sources", "parsed_pages", "pages", "outputs")
_SMALL: Final = 0.05  # changes for each source, up to which they are kept apart
_SLACK: Final = 1.25  # of questions that are kept over those that are asked


@dataclass(slots=True)
class LastBuild:
    """All that a build knows afterwards. `world` is the software, `scope` what was asked of it: options, settings;
    `rows` is the format of what is kept of pages.

    `parsed_pages` and `pages` are plain (ssg.build.records), by source. `published` is how far the clock can move
    before other pages are published: the newest page's moment and that of the first scheduled one. `counts` are the
    pages of each language, and all posts. `anchored` are, of each page that links to anchors of pages, these;
    `brought`, of each of these with slots that may have anchors, what they bring (ssg.build.check); `aims` the same as
    `anchored` of files of the tree, by their paths (ssg.checks.addresses). `shape` is a digest of all that links can
    lead to. `theme_files` are the theme's own files as they are served. `images` is what is known of each image
    (ssg.images.gallery), `warnings` what was warned of, by subject (ssg.content.findings).

    `kinds` are those of outputs by name, each with the digest of the code that made it (ssg.rendering.output_kind).
    `outputs` are plain Outputs by path, `traces` what was asked for each, `questions` and `count` as in
    ssg.cache.answers, of which `parts` are those about settings and the theme. `settings` are the keys of site.toml
    (ssg.cache.settings). `used` counts the questions that somebody asked when they were last counted. `files` are those
    of the tree, kept with it; a build that went `elsewhere` has none.
    """

    id: str = ""
    world: str = ""
    rows: str = ""
    scope: str = ""
    conversion: str = ""
    sources: dict[str, Annotated[Plain, SeenSource]] = field(default_factory=dict)
    parsed_pages: Table = field(default_factory=Table)
    pages: Table = field(default_factory=Table)
    published: tuple[str, str] = ("", "")
    counts: tuple[dict[str, int], int] = field(default_factory=lambda: ({}, 0))
    left_out: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    anchored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    brought: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aims: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    shape: str = ""
    theme_key: str = ""
    theme_files: tuple[Annotated[Plain, KeptAsset], ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    questions: Table = field(default_factory=Table)
    count: int = 0
    parts: tuple[Key, ...] = ()
    outputs: dict[str, Annotated[Plain, KeptOutput]] = field(default_factory=dict)
    traces: dict[str, bytes] = field(default_factory=dict)
    settings: Stated = field(default_factory=dict)
    used: int = 0
    images: dict[str, Annotated[Plain, KeptImage]] = field(default_factory=dict)
    warnings: dict[str, tuple[Annotated[Plain, KeptWarning], ...]] = field(default_factory=dict)
    files: dict[str, Plain] = field(default_factory=dict, init=False)
    elsewhere: bool = field(default=False, init=False)
    changes: Changes = field(default_factory=dict, init=False)

    def apply(self, changes: Changes) -> None:
        """Brings it up to date with what later builds have changed."""
        for name in _TABLES:
            setattr(self, name, getattr(self, name) | changes[name])
        self.count = changes["count"]
        self.changes = changes

    def changed_to(self, build: "LastBuild") -> Changes | None:
        """What leads from what is kept of this build to a later one; None where that is too much to be worth it.

        Where something came or went, or stands elsewhere, it is too much.
        """
        if not self.id or any(list(getattr(self, name)) != list(getattr(build, name)) for name in _ORDERED):
            return None
        found = {name: since(getattr(build, name), getattr(self, name)) for name in _TABLES}
        changes: Changes = {name: self.changes.get(name, {}) | rows for name, rows in found.items()}
        is_small = sum(map(len, changes.values())) < _SMALL * len(build.sources)
        is_same = all(getattr(self, name) == getattr(build, name) for name in _WHOLE)
        return {"of": self.id, "count": build.count, **changes} if is_same and is_small else None

    def known(self) -> KnownAnswers:
        """The questions and their answers, to be added to."""
        return KnownAnswers(self.questions, self.count)

    def compact(self) -> "LastBuild":
        """The same without what nothing is warned of; and without questions that nobody asks any more, once there are
        many.
        """
        self.warnings = {subject: found for subject, found in self.warnings.items() if found}
        if self.count < _SLACK * self.used:
            return self
        self.used = len(used(self.traces))
        if self.count < _SLACK * self.used:
            return self
        questions, traces = renumbered(self.questions, self.traces)
        left = {key for key, _ in KnownAnswers(questions).items()}
        parts = tuple(key for key in self.parts if key in left)
        return replace(self, questions=questions, traces=traces, count=self.used, parts=parts)


_WHOLE: Final = {one.name for one in fields(LastBuild) if one.init} - {*_TABLES, "id", "count", "used"}
"""What no change leads to: where any of it is another one, all is kept anew."""

_BUILDS: Final = Codec(LastBuild)
WARNINGS: Final = Codec(KeptWarning)

FORMAT: Final = number(11, LastBuild, LastTree, KeptAnswer)
"""Of all files."""


@frozen
class Memory:
    """Where the last build into `output` is kept, within the folder of a store."""

    folder: Path
    name: str

    @classmethod
    def of(cls, store: Path, output: Path) -> "Memory":
        return cls(store / FOLDER, hashlib.sha256(os.fsencode(os.path.realpath(output))).hexdigest()[:16])

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

    def recall(self, tree: LastTree | None) -> LastBuild | None:
        """The last build that came to an end, which left `tree`."""
        if not tree:
            return None
        try:
            build = _BUILDS.unpack(self._load("known"))
        except (TypeError, ValueError):  # there is none
            return None
        if build.id != tree.id:
            return None
        build.files = tree.files
        changes = self._load("changes")
        if changes and changes["of"] == build.id:
            build.apply(changes)
        return build

    def elsewhere(self, world: str) -> LastBuild | None:
        """The newest build into another folder, by the same software: what it knows of the site is as true here."""
        others: list[Path] = []
        with suppress(OSError):
            others = sorted(self.folder.glob("*.told"), key=lambda file: file.stat().st_mtime, reverse=True)
        for name in (file.stem for file in others if file.stem != self.name):
            other = replace(self, name=name)
            if (build := other.recall(other.tree())) and build.world == world:
                found = replace(build, id="")
                found.elsewhere = True
                return found
        return None

    def keep(self, build: LastBuild, changes: Changes | None, tree: LastTree) -> None:
        """Keeps a finished build: all of it, or with `changes` only what is not kept already.

        A disk that refuses costs only time.
        """
        self.forget()
        try:
            files.make(self.folder.parent, FOLDER)
            files.hide(self.folder.parent)
        except OSError:
            return
        if changes:
            self._save("changes", changes)
        else:
            build.id = tree.id = secrets.token_hex(8)
            tree.changes = {}
            self._save("known", _BUILDS.pack(build))
            self._save("tree", {name: getattr(tree, name) for name in ("id", "files", "folders", "inputs")})
            with suppress(OSError):
                self._file("changes").unlink()
            self._trim()
        self._save("told", {name: getattr(tree, name) for name in ("id", "seen", "report", "changes")})

    def forget(self) -> None:
        with suppress(OSError):
            if files.is_folder(self.folder):
                self._file("told").unlink()

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    def _load(self, kind: str) -> Any:
        """None for what this user didn't write, for what is no data, and for another version's."""
        with without_collector(), suppress(OSError, ValueError, EOFError, TypeError):
            with files.opened(self._file(kind)) as file:
                data = signing.opened(self._what(kind), file.read())
            if data is not None:
                told, plain = marshal.loads(data)  # noqa: S302 - signed by this user
                return plain if told == FORMAT else None
        return None

    def _save(self, kind: str, plain: Any) -> None:
        files.keep(self._file(kind), [signing.seal(self._what(kind), marshal.dumps((FORMAT, plain)))])

    def _what(self, kind: str) -> str:
        return f"ssg build {self.name}.{kind}"

    def _trim(self) -> None:
        """Drops the builds that were longest ago, until the rest is within the limits; also what a killed one left."""
        with suppress(OSError):
            builds = sorted(self.folder.glob("*.known"), key=lambda file: file.stat().st_mtime, reverse=True)
            kept = 0
            for number, build in enumerate(builds):
                parts = [file for kind in _KINDS if (file := build.with_suffix(kind)).exists()]
                kept += sum(file.stat().st_size for file in parts)
                if number and (number >= _LIMIT or kept > _BYTES):
                    for file in parts:
                        file.unlink(missing_ok=True)
            files.sweep(self.folder, builds[0].stat().st_mtime)


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
