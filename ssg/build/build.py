"""The build: what to make, where; and the shortest way to it. A function of sources, site.toml and the moment alone.

Where nothing at all was touched since the last build, that one is told again; else ssg.build.steps does what is needed.
Nothing is put in place before everything is made and checked, so a build that fails leaves the old tree as it was.
"""

import datetime as dt
import hashlib
import marshal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sealpress import VERSION, outputfolder, signing, tools
from sealpress import clock as commits
from sealpress import workers as pool
from sealpress.console import SILENT, Progress
from sealpress.git import History
from sealpress.problems import Place, Problem, raise_all
from sealpress.sitefile import SiteFile
from sealpress.tree import CacheClass, Entry, OutputTree
from ssg.build.records import of_problem, problem
from ssg.build.timing import Timings
from ssg.cache import stamps
from ssg.cache.last_build import LastBuild, LastTree, Memory, without_collector
from ssg.cache.stamps import Stamp
from ssg.cache.store import NAME, Store
from ssg.content import absence, other_generators
from ssg.content.findings import as_faults
from ssg.content.sources import Sources, list_sources, to_ignore
from ssg.options import Options
from ssg.output.record import mark_of

if TYPE_CHECKING:
    from ssg.build.steps import Made
    from ssg.output.stage import Stage

_COMMITTED: Final = (
    f"{NAME}/cache is committed: nothing in it is believed or changed; to have one: git rm -r --cached {NAME}/cache"
)

_MANY: Final = 32  # conversions
_MANY_FILES: Final = 500  # to look at them takes as long as to start a process that does

STRINGS: Final = "i18n"  # as in ssg.l10n.strings, which takes long to load


@dataclass(frozen=True, slots=True)
class Request:
    """What to build and where to put it.

    `as_of` is the moment of the build; None: SOURCE_DATE_EPOCH, else the commit's, else that of the newest page.
    `in_git` False: the site's folder is an export of a commit, and all of it counts; `history` is then the commit's.
    `adopting` and `lasting` as in ssg.output.stage.staged: what may be replaced, and whether it is on record.
    `store` is where results of earlier builds are kept (None: nowhere), `workers` how many processes may work,
    `profile` whether the time that templates take is measured; none of these can change a byte. `strict`: a warning
    ends the build, as `[build] strict` says of all of them.
    """

    site: SiteFile
    output: Path
    options: Options = field(default_factory=Options)
    dirty: bool = False
    in_git: bool = True
    history: History | None = None
    as_of: dt.datetime | None = None
    store: Path | None = None
    workers: int = 1
    profile: bool = False
    adopting: bool = False
    lasting: bool = True
    strict: bool = False

    @property
    def is_strict(self) -> bool:
        return self.strict or self.site.settings.build.strict


@dataclass(frozen=True)
class Built:
    """A finished build. `pages` counts them by language; `drafts` and so on are sources that were left out, `scheduled`
    with the moments (ISO 8601) when they are due.

    `files` are those of the tree, plain (ssg.cache.last_build.File), in its order. `inputs` are the sha256 of all files
    that it was made from, by name: what a seal vouches for. `made` counts the files that were made anew, `kept` those
    that an earlier build had rendered; `written` are those among both that have other bytes than before. `warnings` are
    all that there are, by place, whatever was made anew.
    """

    root: Path
    files: Mapping[str, tuple[Any, ...]]
    digest: str
    pages: Mapping[str, int]
    posts: int
    drafts: tuple[str, ...] = ()
    scheduled: Mapping[str, str] = field(default_factory=dict)
    untracked: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    as_of: dt.datetime = field(default=commits.NO_DATE)
    inputs: Mapping[str, str] = field(default_factory=dict)
    made: int = 0
    kept: int = 0
    written: int = 0
    timings: Timings = field(default_factory=Timings)
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def tree(self) -> OutputTree:
        caches = {one.value: one for one in CacheClass}
        entries = tuple(
            Entry(path, sha256, size, kind, caches[cache])
            for path, (sha256, size, kind, cache, _) in self.files.items()
        )
        return OutputTree(self.root, entries, self.digest)

    @property
    def size(self) -> int:
        """Of all files together, in bytes."""
        return sum(size for _, size, *_ in self.files.values())


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a build starts from. `clock` is the moment of the build, where it doesn't hang on the pages.

    `world` names the software, `scope` what was asked of it besides the sources; `began` is the file system's clock.
    """

    request: Request
    sources: Sources
    clock: dt.datetime | None
    head: str
    world: str
    scope: str
    began: int


def build(request: Request, progress: Progress = SILENT) -> Built:
    """Builds the site into `request.output` and describes the tree.

    Raises Problem or Problems (exit 3), as many as one stage can find, with nothing put in place.
    """
    timings = Timings()
    for folder in (request.store.parent, request.store) if request.store else ():
        if folder.is_symlink():
            progress.note(f"{folder} is a link, which could lead anywhere: nothing is kept there, and nothing taken")
            request = replace(request, store=None)
            break
    output = outputfolder.found(request.output, request.site.root, request.site.settings)
    complaint = signing.complaint()  # before the first fork: all processes have one key
    if request.store and complaint:
        progress.note(complaint)
    if not signing.is_lasting():
        request = replace(request, store=None)
    memory = Memory.of(request.store, output) if request.store else None
    with timings.phase("remembering"):
        last_mark = mark_of(output)
        tree = memory.tree() if memory else None
    with _hands(tree, output, request) as (untouched, mate):
        with timings.phase("listing sources"):
            situation = situation_of(request)
            seen = _fingerprint(situation)
        if memory and situation.sources.has_cache:
            progress.note(_COMMITTED)
            request, memory, tree = replace(request, store=None), None, None
            situation = replace(situation, request=request)
        with timings.phase("looking at the output"):
            if tree and tree.seen == seen != "" and untouched():
                return _retold(tree, request.output, situation, timings)
        with timings.phase("starting"):
            from ssg.build.steps import make  # noqa: PLC0415 - a build in which nothing changed need not load it
        with timings.phase("looking at the output"):
            found = tree.stamps() if tree and untouched() else None
        with without_collector(), _stage(request, output, found, tree, last_mark, progress) as stage:
            is_first = stage.record.is_empty
            with timings.phase("remembering"):
                if memory and stage.found is not found:  # another build was at work since
                    tree = memory.tree()
                last = (memory.recall(tree) or memory.elsewhere(situation.world) if memory else None) or LastBuild()
            store = Store(request.store or stage.scratch)
            made = make(situation, last, stage, store, mate, timings, progress)
            if memory:
                with timings.phase("remembering"):
                    # A source that was changed meanwhile looks different next time, whatever is told now. Where the
                    # output folder was touched by hand, all of it is looked at anew.
                    changes = made.changes if found is not None else None
                    memory.keep(made.build, changes, _tree(seen, made, tree if changes else None))
                    # Looking through the store takes as long as a small build: one in sixteen of these does it.
                    if made.converted >= _MANY or (made.converted and seen.startswith("0")):
                        store.trim()
    if is_first and request.lasting and situation.sources.repository:
        for line in to_ignore(output, situation.sources):
            progress.note(line)
    return made.built


def _stage(
    request: Request,
    output: Path,
    found: Mapping[str, Stamp] | None,
    tree: LastTree | None,
    mark: Stamp | None,
    progress: Progress,
) -> AbstractContextManager["Stage"]:
    from ssg.output.stage import staged  # noqa: PLC0415 - as ssg.build.steps

    left = tree.files if tree else {}
    return staged(output, found, mark, progress, left=left, adopting=request.adopting, lasting=request.lasting)


@contextmanager
def _hands(
    tree: LastTree | None, output: Path, request: Request
) -> Iterator[tuple[Callable[[], bool], pool.Mate | None]]:
    """Whether the output folder is as the last build left it; and, where that is a long look, who looks.

    That process then gets ready to convert a page, since something will have changed.
    """

    def look() -> bool:
        return tree is not None and tree.is_untouched(output)

    def prepare() -> None:
        from ssg.build import convert  # noqa: PLC0415

        if request.store:
            convert.prepare(request.site.settings, request.store)

    if request.workers > 1 and tree and len(tree.files) >= _MANY_FILES:
        with pool.mate(look, prepare) as (mate, (untouched, _)):
            yield untouched, mate
    else:
        yield look, None


def situation_of(request: Request) -> Situation:
    """Raises Problem or Problems (exit 3)."""
    sources = _sources(request)
    clock = request.as_of or commits.as_of(sources.repository)
    head = sources.history.tip() if sources.history and request.site.settings.build.git_dates else None
    began = stamps.now(request.store) if request.store and not sources.has_cache else 0
    world = [VERSION, sys.version, *(f"{name} {found}" for name, found in sorted(tools.of_tree().items())), _software()]
    scope = [
        repr(request.site.settings),
        repr(request.options),
        head.id if head else "",
        repr((sources.left_out, sources.leftovers, sources.submodules, sources.elsewhere)),
    ]
    return Situation(request, sources, clock, head.id if head else "", _digest(world), _digest(scope), began)


def _fingerprint(situation: Situation) -> str:
    """Of all that the tree and the report depend on, as it looks from outside. "" where a look can't tell."""
    found = situation.sources.stamps
    if (
        situation.sources.problems
        or situation.request.site.problems
        or not all(stamps.is_settled(stamp, situation.began) for stamp in found.values())
    ):
        return ""
    facts = [situation.world, situation.scope, str(situation.clock)]
    return _digest(facts, marshal.dumps(tuple(found.items()), 2))


def _tree(seen: str, made: "Made", before: LastTree | None) -> LastTree:
    """The tree as it is left. `before` as it was, where only a few files of it are others now."""
    built, root = made.built, made.built.root
    if before is None:
        from ssg.output.stage import folders  # noqa: PLC0415 - as ssg.build.steps

        names = {"", *(folder for path in built.files for folder in folders(path))}
        looks = {folder: found for folder in sorted(names) if (found := stamps.stamp(f"{root}/{folder}"))}
        return LastTree("", seen, _report(built), dict(built.files), looks, dict(built.inputs))
    files = {path: file for path, file in built.files.items() if before.files.get(path) != file}
    touched = sorted({"", *(path.rpartition("/")[0] for path in files)})  # the scaffold may have stood in it
    looks = {folder: found for folder in touched if (found := stamps.stamp(f"{root}/{folder}"))}
    inputs = {name: sha256 for name, sha256 in built.inputs.items() if before.inputs.get(name) != sha256}
    tables = {"files": files, "folders": looks, "inputs": inputs}
    changes = {name: before.changes.get(name, {}) | table for name, table in tables.items()}
    return LastTree(before.id, seen, _report(built), before.files, before.folders, before.inputs, changes)


def _software() -> str:
    """What the code and the built-in themes look like from outside: an edit of sealpress itself is seen too."""
    package = Path(__file__).parents[1]
    folders = [package, package.parent / "sealpress", package.parent / "themes"]
    found = [(str(folder), *one) for folder in folders if folder.is_dir() for one in stamps.below(str(folder), "")]
    return _digest([], marshal.dumps(sorted(one for one in found if "__pycache__" not in one[1]), 2))


def _digest(texts: Iterable[str], data: bytes = b"") -> str:
    return hashlib.blake2b(
        "\0".join(texts).encode("utf-8", "surrogateescape") + b"\0" + data, digest_size=20
    ).hexdigest()


def _sources(request: Request) -> Sources:
    build_settings = request.site.settings.build
    folders = [
        build_settings.content,
        build_settings.static,
        build_settings.templates,
        build_settings.data,
        STRINGS,
        request.site.settings.site.theme,
    ]
    sources = list_sources(
        request.site.root,
        folders,
        published=[build_settings.content, build_settings.static, f"{request.site.settings.site.theme}/static"],
        keep=build_settings.keep,
        others=other_generators.ELSEWHERE,
        dirty=request.dirty,
        in_git=request.in_git,
        is_tolerant=True,
    )
    if request.history:
        sources = replace(sources, history=request.history)
    if not any(file.endswith(".md") for file in sources.below(build_settings.content)):
        raise_all(sources.problems)
        write = f"write one: {build_settings.content}/index.md"
        hint = "git add them, or build with --dirty" if sources.left_out else write
        hint = other_generators.home_of_pages(request.site.root, build_settings.content) or hint
        if absence.is_submodule(sources, build_settings.content):
            hint = (
                f"it is a submodule, of which no build reads anything: {absence.of_submodule(build_settings.content)}"
            )
        raise Problem(
            f'there are no pages in "{build_settings.content}"', place=Place(build_settings.content), hint=hint
        )
    return sources


def _report(built: Built) -> dict[str, Any]:
    """A build as plain data, less the files."""
    return {
        "digest": built.digest,
        "pages": dict(built.pages),
        "posts": built.posts,
        "drafts": built.drafts,
        "scheduled": built.scheduled,
        "as_of": built.as_of.isoformat(),
        "warnings": [of_problem(one) for one in built.warnings],
    }


def _retold(tree: LastTree, root: Path, situation: Situation, timings: Timings) -> Built:
    """What `_report` was made from; nothing is made anew. Raises Problem or Problems (exit 3) where it is strict."""
    report = tree.report
    warnings = tuple(map(problem, report["warnings"]))
    if situation.request.is_strict:
        raise_all(as_faults(warnings))
    return Built(
        root,
        files=tree.files,
        digest=report["digest"],
        pages=MappingProxyType(report["pages"]),
        posts=report["posts"],
        drafts=report["drafts"],
        scheduled=report["scheduled"],
        untracked=situation.sources.left_out,
        leftovers=situation.sources.leftovers,
        as_of=dt.datetime.fromisoformat(report["as_of"]),
        inputs=MappingProxyType(tree.inputs),
        timings=timings,
        warnings=warnings,
    )
