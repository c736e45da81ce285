"""What a build starts from: the sources, the settings, the clock, and the software, each named in one digest."""

import datetime as dt
import hashlib
import marshal
import os
import stat
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sealpress import VERSION, tools
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.git.repository import History, as_of
from sealpress.problems import Place, Problem, raise_all
from ssg.cache import software, stamps
from ssg.cache.stamps import Stamp
from ssg.cache.store import NAME as STORE
from ssg.content import absence, other_generators
from ssg.content.sources import Listed, Options, Sources, exported, list_sources, with_others

if TYPE_CHECKING:
    from ssg.rendering.output_kind import OutputKind

STRINGS: Final = "i18n"  # as in ssg.l10n.strings, which takes long to load


@frozen
class Request:
    """What to build and where to put it.

    `as_of` is the moment of the build; None: SOURCE_DATE_EPOCH, else the commit's, else that of the newest page.
    `in_git` False: the site's folder is an export of a commit, and all of it counts; `history` is then the commit's.
    `adopting` and `lasting` as in ssg.output.stage.staged: what may be replaced, and whether it is on record.
    `store` is where results of earlier builds are kept (None: nowhere), `workers` how many processes may work,
    `profile` whether the time that templates take is measured; none of these can change a byte. `strict`: a warning
    ends the build, as `[build] strict` says of all of them. `kinds` are those of output besides ssg's own. `stable`:
    the theme's own files are called as they are, for a preview.
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
    kinds: Sequence["OutputKind"] = ()
    stable: bool = False

    @property
    def is_strict(self) -> bool:
        return self.strict or self.site.settings.build.strict


@frozen
class Inputs:
    """All that a build starts from. `clock` is the moment of the build, where it doesn't hang on the pages.

    `world` names the software, `scope` what was asked of it besides the sources; `began` is the file system's clock.
    `looked`: only these sources can be others than in the turn before; None: any.
    """

    request: Request
    sources: Sources
    clock: dt.datetime | None
    head: str
    world: str
    scope: str
    began: int
    looked: frozenset[str] | None = None

    def have_theme_of(self, before: "Inputs") -> bool:
        """Whether nothing of the theme, of templates, strings and settings is another one than then."""
        if before.request.site is not self.request.site:
            return False
        settings = self.request.site.settings
        folders = (settings.build.templates, settings.site.theme, STRINGS)
        starts = tuple(f"{PurePosixPath(folder)}/" for folder in folders)
        if self.looked is not None:
            return not any(path.startswith(starts) for path in self.looked)
        then, now = (
            {path: stamp for path, stamp in one.sources.stamps.items() if path.startswith(starts)}
            for one in (before, self)
        )
        is_settled = all(stamps.is_settled(stamp, before.began) for stamp in then.values())
        return then == now and is_settled and before.sources.submodules == self.sources.submodules


def inputs_of(request: Request) -> Inputs:
    """Raises Problem or Problems (exit 3)."""
    sources = _sources(request)
    clock = request.as_of or as_of(sources.repository)
    head = sources.history.tip() if sources.history and request.site.settings.build.git_dates else None
    began = stamps.now(request.store) if request.store and not sources.has_cache else 0
    world = [
        VERSION,
        sys.version,
        *(f"{name} {found}" for name, found in sorted(tools.of_tree().items())),
        software.looks(),
    ]
    tip = head.id if head else ""
    return Inputs(request, sources, clock, tip, _digest(world), _scope(request, sources, tip), began)


def _scope(request: Request, sources: Sources, head: str) -> str:
    told = (sources.left_out, sources.leftovers, sources.submodules, sources.elsewhere)
    return _digest([repr(request.site.settings), repr(request.options), head, repr(told)])


def named(before: Inputs, paths: Collection[str], folder: Path) -> Inputs | None:
    """The same with what the sources at these `paths` look like now; None where that takes a look at everything.

    So it is where more than single files come or go, and where git or site.toml have others say which there are.
    `folder` is one whose clock stamps files as that of the sources does. Raises Problem or Problems (exit 3).
    """
    sources = before.sources
    stamps_now = dict(sources.stamps)
    began = stamps.now(folder)
    other: list[str] = []  # there now and not before, or the other way round
    for path in paths:
        status = _status(sources.root / path)
        if path in stamps_now and status and stat.S_ISREG(status.st_mode):
            stamps_now[path] = stamps.of(status)
        elif path in stamps_now or (_may_matter(before, path) and not _never_was(before, path)):
            if not _stands_alone(before, path, status) or len(other) == _SINGLE:
                return None
            other.append(path)
            stamps_now.pop(path, None)
    looked = frozenset(path for path in paths if path in stamps_now or path in other)
    if not other:
        return replace(before, sources=replace(sources, stamps=stamps_now), began=began, looked=looked)
    listed = _listed_anew(sources, other)
    found = with_others(sources, listed, other, stamps_now, other_generators.ELSEWHERE)
    if not found or not _has_pages(before.request, found):
        found = _sources(before.request, listed, stamps_now)
    looked |= found.stamps.keys() - stamps_now.keys()  # another came back meanwhile
    return replace(before, sources=found, scope=_scope(before.request, found, before.head), began=began, looked=looked)


_SINGLE: Final = 16  # files that come and go one by one


def _status(file: Path) -> os.stat_result | None:
    try:
        return os.lstat(file)
    except OSError:
        return None


def _stands_alone(before: Inputs, path: str, status: os.stat_result | None) -> bool:
    """Whether a file that came or went changes nothing but that it is a source now, or is none any more."""
    sources = before.sources
    if (
        not before.request.dirty
        or not (sources.listed and sources.listed.repository)
        or not path.startswith(sources.folders)
        or path.rpartition("/")[2] in _ASKED
        or _is_told(before, path)
        or (status and not stat.S_ISREG(status.st_mode))
        or sources.below(path)
    ):
        return False
    above = [sources.root / folder for folder in PurePosixPath(path).parents][:-1]
    return not any(os.path.lexists(folder / ".git") for folder in above)  # of a repository in this one


def _listed_anew(sources: Sources, paths: Sequence[str]) -> Listed:
    """What there is to choose from, if nothing but these files came or went."""
    listed = sources.listed
    assert listed  # noqa: S101 - see _stands_alone
    assert listed.repository  # noqa: S101
    there = [path for path in paths if os.path.lexists(sources.root / path)]
    _, untracked = listed.repository.listed(sources.root, there) if there else ((), ())
    others = {*listed.untracked}.difference(paths)
    return replace(listed, untracked=sorted(others.union(untracked)))


_ASKED: Final = frozenset({".gitignore", ".gitattributes", ".gitmodules"})


def _may_matter(before: Inputs, path: str) -> bool:
    """Whether what is at a path that is no source can change which sources there are, or what is asked of them."""
    first = path.partition("/")[0]
    return (
        path == before.request.site.name
        or first in {"", "..", ".", ".git", STORE, *other_generators.ELSEWHERE}
        or path.rpartition("/")[2] in _ASKED
        or any(f"{path}/".startswith(start) or start.startswith(f"{path}/") for start in before.sources.folders)
    )


def _never_was(before: Inputs, path: str) -> bool:
    """Whether there is nothing at a path below a folder of sources, and was nothing: what editors put there for a
    moment.
    """
    sources = before.sources
    if not path.startswith(sources.folders) or path.rpartition("/")[2] in _ASKED or _is_told(before, path):
        return False
    return not os.path.lexists(sources.root / path) and not sources.below(path)


def _is_told(before: Inputs, path: str) -> bool:
    """Whether something is said of what is at a path, or of the site's files as a whole."""
    sources = before.sources
    told = [f"{one.rstrip('/')}/" for one in (*sources.left_out, *sources.leftovers, *sources.submodules)]
    return bool(sources.problems) or any(f"{path}/".startswith(one) or one.startswith(f"{path}/") for one in told)


def _sources(
    request: Request, listed: Listed | None = None, known: Mapping[str, Stamp] = MappingProxyType({})
) -> Sources:
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
        listed=listed,
        stamps=known,
    )
    if request.history:
        sources = exported(sources, request.history)
    if not _has_pages(request, sources):
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


def _has_pages(request: Request, sources: Sources) -> bool:
    return any(file.endswith(".md") for file in sources.below(request.site.settings.build.content))


def _digest(texts: Iterable[str], data: bytes = b"") -> str:
    return hashlib.blake2b(
        "\0".join(texts).encode("utf-8", "surrogateescape") + b"\0" + data, digest_size=20
    ).hexdigest()


def fingerprint(inputs: Inputs) -> str:
    """Of all that the tree and the report depend on, as it looks from outside. "" where a look can't tell."""
    found = inputs.sources.stamps
    if (
        inputs.sources.problems
        or inputs.request.site.problems
        or not all(stamps.is_settled(stamp, inputs.began) for stamp in found.values())
    ):
        return ""
    kinds = [(kind.name, kind.code) for kind in inputs.request.kinds]
    facts = [inputs.world, inputs.scope, str(inputs.clock), repr(kinds)]
    return _digest(facts, marshal.dumps(tuple(found.items()), 2))
