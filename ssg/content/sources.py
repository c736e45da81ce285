"""Which files a build reads: what git tracks; outside git, all that .gitignore does not leave out."""

import os
import re
import stat
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from sealpress.frozen import frozen
from sealpress.git.repository import History, Repository, discover, files_without_git
from sealpress.problems import Exit, Place, Problem, raise_all
from sealpress.tree import strays
from sealpress.tree.tree import NAME_LIMIT, check_names, unfit
from ssg.cache.stamps import Stamp, of

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./ -]+")  # names that need no closer look

_CACHE: Final = ".sealpress/cache/"  # as ssg.cache.store has it
_CACHE_ITSELF: Final = frozenset({".sealpress", ".sealpress/cache"})  # as links

# Files for git itself, which stand in content folders too: no part of a site.
_GIT_FILES: Final = frozenset({".gitignore", ".gitattributes", ".gitkeep", ".gitmodules"})
_REPOSITORY: Final = frozenset({"head", "objects", "refs", "config", "packed-refs"})  # as sealpress.tree.strays has it
_LOCK: Final = ".#"  # how Emacs calls the link that it lays beside a file while somebody edits it


@frozen
class Listed:
    """What there is to choose sources from, as git tells it: `committed` may be gone by now. Without git there is no
    `repository`, and what .gitignore doesn't leave out is untracked.
    """

    repository: Repository | None
    committed: Sequence[str]
    untracked: Sequence[str]


@frozen
class Sources:
    """The files below `root`, relative to it, with "/" and sorted, each with what it looks like.

    `left_out`: untracked and not asked for; `leftovers`: of editors and systems. `history` tells when they were
    written; an export of a commit has none of its own. `has_cache`: what builds keep is committed, so that it could be
    anybody's. `problems` are those of names and of what may be no part of a site; what has one is not among the files.
    `folders` are how the paths of sources begin. `submodules` are those within these, and those that hold one of them;
    `elsewhere`, of the folders that others read, those that hold files. `listed` is what all of it was chosen from.
    """

    root: Path
    stamps: Mapping[str, Stamp]
    repository: Repository | None = None
    left_out: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    history: History | None = None
    has_cache: bool = False
    problems: tuple[Problem, ...] = ()
    folders: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    listed: Listed | None = None

    def refuses(self, file: str) -> bool:
        """Whether it has a problem, or a folder that it lies in."""
        paths = [one.place.file.rstrip("/") for one in self.problems if one.place]
        return any(file == path or file.startswith(f"{path}/") for path in paths)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(self.stamps)

    def below(self, folder: str) -> list[str]:
        """The files in a folder, as they stand in `files`."""
        return files_below(self.files, folder)


def files_below(files: Sequence[str], folder: str) -> list[str]:
    """Those of sorted files that are in a folder."""
    name = str(PurePosixPath(folder))
    return list(files[bisect_left(files, f"{name}/") : bisect_left(files, f"{name}0")])  # the character after "/"


def list_sources(
    root: Path,
    folders: Iterable[str],
    *,
    published: Iterable[str] = (),
    keep: Sequence[str] = (),
    others: Iterable[str] = (),
    dirty: bool = False,
    in_git: bool = True,
    is_tolerant: bool = False,
    listed: Listed | None = None,
    stamps: Mapping[str, Stamp] = MappingProxyType({}),
) -> Sources:
    """The files of a blog at `root`, in the folders that a build reads.

    From those that are `published` as they are, leftovers are sifted (sealpress/tree/strays.py); `keep` is `[build]
    keep`. `others` are folders that other generators read. `dirty` takes untracked files in too. `in_git` False: an
    export of a commit, every file counts. Raises Problem (exit 3) for a link, a name that is not UTF-8, or names that
    only some file systems tell apart; for secrets and histories in what is published. `is_tolerant`: these are the
    `problems` of what it gives. `listed` is what there is and `stamps` what files look like, as far as that is known.
    """
    listed = listed or _listed(root, in_git=in_git)
    repository, committed, untracked = listed.repository, listed.committed, listed.untracked
    found = sorted({*committed, *untracked}) if dirty or not repository else committed
    starts = tuple(str(PurePosixPath(folder)) + "/" for folder in folders)
    wanted = _wanted(found, starts)
    shown = tuple(str(PurePosixPath(folder)) + "/" for folder in published)
    problems: list[Problem] = []
    sifted = strays.Sifted([])
    public = [file for file in wanted if file.startswith(shown)]
    try:
        sifted = strays.sift(root, public, keep, Exit.SITE)
    except Problem as problem:
        problems += problem.each
        refused = tuple(one.place.file.rstrip("/") for one in problem.each if one.place)
        with suppress(Problem):
            rest = [file for file in public if not f"{file}/".startswith(tuple(f"{name}/" for name in refused))]
            sifted = strays.sift(root, rest, keep, Exit.SITE)
    if sifted.left_out:
        out = set(sifted.strayed)
        wanted = [file for file in wanted if file not in out]
    looks = _looked_at(root, sorted(wanted), stamps)
    problems += _names(root, looks, starts)
    if not is_tolerant:
        raise_all(problems)
    left_out = tuple(_wanted(untracked, starts)) if repository and not dirty else ()
    history = History(repository, root) if repository else None
    has_cache = any(file.startswith(_CACHE) or file in _CACHE_ITSELF for file in committed)
    there = {file: stamp for file, stamp in looks.items() if stamp}
    sources = Sources(
        root,
        there,
        repository,
        left_out,
        sifted.left_out,
        history,
        has_cache,
        tuple(problems),
        starts,
        tuple(_submodules(root, set(committed).difference(looks), starts)) if repository else (),
        tuple(sorted({file.partition("/")[0] for file in found if "/" in file}.intersection(others))),
        listed,
    )
    if not problems:
        return sources
    fit = {file: stamp for file, stamp in there.items() if _is_utf8(file) and not sources.refuses(file)}
    return replace(sources, stamps=fit)


def with_others(
    sources: Sources, listed: Listed, paths: Sequence[str], stamps: Mapping[str, Stamp], others: Collection[str]
) -> Sources | None:
    """The same where nothing but the files at these `paths` came or went, `listed` anew; None where there may be more
    to say of them than that they are there. `stamps` are those of all other files, `others` as in `list_sources`.
    """
    rest = [file for file in (*listed.committed, *listed.untracked) if file not in stamps]
    found = _looked_at(sources.root, _wanted(rest, sources.folders), {})
    names = {path.lower() for path in stamps}
    if sources.problems or len(names) < len(stamps) or not all(map(str.isascii, stamps)):
        return None
    every = dict(stamps)
    for path, stamp in found.items():
        folders = PurePosixPath(path).parents[:-1]
        is_plain = _PLAIN.fullmatch(path) and "/.wh." not in path and len(path) < NAME_LIMIT
        if (
            stamp is None
            or not is_plain
            or path.lower() in names
            or strays.may_stray([path])
            or not _REPOSITORY.isdisjoint(path.lower().split("/"))
            or any((sources.root / folder).is_symlink() for folder in folders)
        ):
            return None
        names.add(path.lower())
        every[path] = stamp
    if not {path.partition("/")[0] for path in paths}.isdisjoint(others):
        return None
    return replace(sources, stamps={file: every[file] for file in sorted(every)}, listed=listed)


def _listed(root: Path, *, in_git: bool) -> Listed:
    repository = discover(root) if in_git else None
    if repository:
        return Listed(repository, *repository.listed(root))
    return Listed(None, [], files_without_git(root)) if in_git else Listed(None, _everything(root), [])


def to_ignore(output: Path, sources: Sources) -> Iterator[str]:
    """Says the line for .gitignore, where the next `git add` would take the output folder in."""
    repository = sources.repository
    if not repository or repository.ignores(output) or repository.tracked(output):
        return
    top = next(one for one in (Path(os.path.realpath(sources.root)), repository.root) if output.is_relative_to(one))
    name = re.sub(r"[\\*?\[\]!# ]", r"\\\g<0>", output.relative_to(top).as_posix())
    yield f'git does not ignore {output}: put the line "/{name}/" into {top / ".gitignore"}'


def exported(sources: Sources, history: History) -> Sources:
    """The same, as an export of a commit that `history` knows: a folder that is empty there is a submodule."""
    empty = (Path(top) for top, names, files in os.walk(sources.root) if not names and not files)
    listed = [folder.relative_to(sources.root).as_posix() for folder in empty]
    return replace(sources, history=history, submodules=tuple(_submodules(sources.root, listed, sources.folders)))


def _submodules(root: Path, listed: Iterable[str], starts: tuple[str, ...]) -> Iterator[str]:
    """Of what git lists and what is no file, those that are folders: empty ones where they were not fetched."""
    homes = {str(folder) for start in starts for folder in (PurePosixPath(start), *PurePosixPath(start).parents)}
    for file in sorted(listed):
        if file in homes or file.startswith(starts):
            folder = root / file
            is_empty = folder.is_dir() and not any(folder.iterdir())
            if not folder.is_symlink() and (is_empty or (folder / ".git").exists()):
                yield file


def _wanted(files: Iterable[str], starts: tuple[str, ...]) -> list[str]:
    return [file for file in files if file.startswith(starts) and file.rpartition("/")[2] not in _GIT_FILES]


def _looked_at(root: Path, files: Iterable[str], known: Mapping[str, Stamp]) -> dict[str, Stamp | None]:
    """Those that are there: git lists what was deleted by hand too. A link has no stamp."""
    found: dict[str, Stamp | None] = {}
    for file in files:
        if file in known:
            found[file] = known[file]
            continue
        try:
            status = os.lstat(f"{root}/{file}")
        except OSError:
            continue
        if stat.S_ISLNK(status.st_mode):
            if not file.rpartition("/")[2].startswith(_LOCK):
                found[file] = None
        elif stat.S_ISREG(status.st_mode):
            found[file] = of(status)
    return found


def _everything(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]  # for _check to refuse
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files + links]
    return sorted(found)


def _names(root: Path, files: Mapping[str, Stamp | None], starts: tuple[str, ...]) -> list[Problem]:
    folders = {file.rpartition("/")[0] for file in files}
    folders |= {str(above) for folder in folders for above in PurePosixPath(folder).parents}
    folders |= {start.rstrip("/") for start in starts}
    problems = [_link(folder) for folder in sorted(folders) if (root / folder).is_symlink()]
    for file, stamp in files.items():
        is_plain = _PLAIN.fullmatch(file) and "/.wh." not in file and len(file) < NAME_LIMIT
        odd = [] if is_plain else _odd_name(file)
        problems += odd or ([_link(file)] if stamp is None else [])
    try:
        check_names([file for file in files if _is_utf8(file)])
    except Problem as problem:
        problems += [Problem(p.message, place=p.place, hint=p.hint, code=Exit.SITE) for p in problem.each]
    return problems


def _odd_name(file: str) -> list[Problem]:
    if not _is_utf8(file):
        shown = os.fsencode(file).decode("utf-8", "backslashreplace")
        return [Problem(f'the file name "{shown}" is not UTF-8', hint="rename the file")]
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in file) or "\\" in file:
        return [Problem(f"the file name {file!a} has a control character or a backslash", hint="rename the file")]
    if wrong := unfit(file):
        return [Problem(f'"{file}" {wrong}', place=Place(file), hint="rename it")]
    return []


def _link(path: str) -> Problem:
    return Problem(
        "a symbolic link, which could lead out of the repository",
        place=Place(path),
        hint="put what it leads to in its place",
    )


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@frozen
class Options:
    """`drafts`: pages that are marked as such; `future`: pages that are dated after the clock of the build."""

    drafts: bool = False
    future: bool = False
