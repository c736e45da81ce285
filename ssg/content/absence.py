"""Why a file that something names is no source of a build although it is there, and how it becomes one.

Only a Problem asks: the disk is looked at for nothing else.
"""

import datetime as dt
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from sealpress.config.settings import Settings
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem
from ssg.content.sources import Sources

LEFTOVER: Final = "a hidden or left-over file"


@frozen
class Absence:
    """`reason` stands behind "which is": "not added to git". `hint` is the way out."""

    reason: str
    hint: str

    def problem(self, message: str, named: str, place: Place | None = None) -> Problem:
        """What is missing, `message`, with where it is after all: in the file `named`."""
        return Problem(f'{message}: "{named}" is {self.reason}', place=place, hint=self.hint)


@dataclass(frozen=True)
class Absences:
    """Of one build. `drafts` and `due`, the moments of scheduled pages, are sources that were read and left out."""

    sources: Sources
    drafts: tuple[str, ...] = ()
    due: Mapping[str, dt.datetime] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def _spelled(self) -> Mapping[str, str]:
        """The name of each source by the same in small letters."""
        return {file.casefold(): file for file in self.sources.files}

    def of(self, file: str) -> Absence | None:
        """Why `file`, relative to the site's folder, is not on the site; None where there is no such file."""
        if file in self.drafts:
            return Absence("a draft", "take draft out of its front matter, or build with --drafts")
        if file in self.due:
            when = self.due[file]
            hint = f"a commit, or SOURCE_DATE_EPOCH, of {said(when)} or later brings it out; --future does so now"
            return Absence(f"due on {said(when)}", hint)
        return of(self.sources, file, self._spelled)

    def at(self, path: str, settings: Settings) -> tuple[str, Absence] | None:
        """The file that would be at a path of the site by what it is called, and why it isn't."""
        build, name = settings.build, path.strip("/")
        first, _, rest = name.partition("/")
        names = [f"{build.static}/{name}", f"{build.content}/{name}"]
        if name:
            names += [f"{build.content}/{name}.md", f"{build.content}/{name}/index.md"]
        if first in settings.site.languages and rest:
            names += [f"{build.content}/{rest}.{first}.md", f"{build.content}/{rest}/index.{first}.md"]
        return next(((one, found) for one in names if (found := self.of(one))), None)


def said(when: dt.datetime) -> str:
    """A moment, for a person: the day alone where that is all that was said."""
    return str(when.date()) if when.time() == dt.time() else when.isoformat(" ", "minutes")


def of(sources: Sources, file: str, spelled: Mapping[str, str]) -> Absence | None:
    """Why `file`, relative to the site's folder, is none of the `sources`; None where there is no such file.

    `spelled` are the names of sources by the same in small letters.
    """
    if file in sources.stamps or not file.startswith(sources.folders) or not _is_plain(file):
        return None
    if file in sources.leftovers:
        return Absence(LEFTOVER, f'rename it, or keep = ["{PurePosixPath(file).name}"] under [build]')
    if file in sources.left_out:
        return Absence("not added to git", f"git add {_argument(file)}, or build with --dirty")
    if other := spelled.get(file.casefold()):
        return Absence(f'"{other}" with other letters', "write the name as the file has it: A and a are two letters")
    if _is_file(sources.root, file):
        return _passed_over(sources, file)
    if sources.history and _is_file(sources.history.folder, file):  # an export of a commit is built
        if inner := next((one for one in sources.submodules if file.startswith(f"{one}/")), None):
            return _of_its_own(inner)
        return Absence("not in this commit", f"git add {_argument(file)}, and commit it")
    return None


def _passed_over(sources: Sources, file: str) -> Absence:
    """What git doesn't list: it is told not to, or the file belongs to another repository."""
    if inner := next((str(one) for one in PurePosixPath(file).parents if _has_git(sources.root, one)), None):
        return _of_its_own(inner)
    if not sources.repository:
        return Absence("left out by .gitignore", "change the line in .gitignore that names it")
    name = _argument(file)
    return Absence("ignored by git", f"git add --force {name}; or see which line says so: git check-ignore -v {name}")


def _of_its_own(folder: str) -> Absence:
    return Absence(f'in a repository of its own, "{folder}"', of_submodule(folder))


def is_submodule(sources: Sources, folder: str) -> bool:
    """Whether a folder is a repository of its own: in a commit, a submodule is an empty one."""
    if folder in sources.submodules or _has_git(sources.root, PurePosixPath(folder)):
        return True
    at = sources.root / folder
    return bool(sources.history and not sources.repository and at.is_dir() and not any(at.iterdir()))


def of_submodule(folder: str) -> str:
    """How a repository within becomes a part of the one that is built: a commit holds nothing of it."""
    name = _argument(folder)
    take = f"git rm -q --cached {name}; rm -rf {name}/.git; git add {name}"
    return f"make its files a part of this repository: git submodule update --init {name}; {take}"


def _has_git(root: Path, folder: PurePosixPath) -> bool:
    return bool(folder.name) and (root / folder / ".git").exists()


def _is_plain(file: str) -> bool:
    """Whether it names something below the site's folder, and no more than that."""
    path = PurePosixPath(file)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and file.isprintable()


def _is_file(root: Path, file: str) -> bool:
    """A regular file, behind no link."""
    path = root / file
    try:
        is_file = stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
    return is_file and not any((root / above).is_symlink() for above in PurePosixPath(file).parents)


def _argument(file: str) -> str:
    """A name as a shell takes it."""
    import shlex  # noqa: PLC0415 - for a Problem alone

    return shlex.quote(file)
