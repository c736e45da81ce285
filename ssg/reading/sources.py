"""Which files a build reads: what git tracks; outside git, all that .gitignore does not leave out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sealpress.git import Repository, discover, files_without_git
from sealpress.problems import Exit, Place, Problem, raise_all
from sealpress.tree import check_names


@dataclass(frozen=True, slots=True)
class Sources:
    """The files below `root`, relative to it, with "/" and sorted. `left_out`: untracked and not asked for."""

    root: Path
    files: tuple[str, ...]
    repository: Repository | None = None
    left_out: tuple[str, ...] = ()

    def below(self, folder: str) -> list[str]:
        """The files in a folder, as they stand in `files`."""
        start = str(PurePosixPath(folder)) + "/"
        return [file for file in self.files if file.startswith(start)]


def list_sources(root: Path, folders: Iterable[str], *, dirty: bool = False, in_git: bool = True) -> Sources:
    """The files of a blog at `root`, in the folders that a build reads.

    `dirty` takes untracked files in too. `in_git` False: an export of a commit, every file counts.
    Raises Problem (exit 3) for a link, a name that is not UTF-8, or names that only some file systems tell apart.
    """
    repository = discover(root) if in_git else None
    if repository:
        tracked, untracked = repository.tracked(root), repository.untracked(root)
        found = sorted({*tracked, *untracked}) if dirty else tracked
    else:
        found, untracked = files_without_git(root) if in_git else _everything(root), []
    starts = tuple(str(PurePosixPath(folder)) + "/" for folder in folders)
    files = [file for file in found if file.startswith(starts)]
    _check(root, files)
    left_out = () if dirty else tuple(file for file in untracked if file.startswith(starts))
    return Sources(root, tuple(files), repository, left_out)


def _everything(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files]
    return sorted(found)


def _check(root: Path, files: list[str]) -> None:
    problems = []
    for file in files:
        if not _is_utf8(file):
            shown = os.fsencode(file).decode("utf-8", "backslashreplace")
            problems.append(Problem(f'the file name "{shown}" is not UTF-8', hint="rename the file"))
        elif (root / file).is_symlink():
            problems.append(
                Problem(
                    "is a symbolic link, which could leave the repository",
                    place=Place(file),
                    hint="put the file itself in its place",
                )
            )
        elif any(ord(char) < 0x20 or ord(char) == 0x7F for char in file) or "\\" in file:
            problems.append(Problem(f"the file name {file!a} has a control character or a backslash"))
    raise_all(problems)
    try:
        check_names(files)
    except Problem as problem:
        raise_all([Problem(p.message, place=p.place, hint=p.hint, code=Exit.SITE) for p in problem.each])


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
