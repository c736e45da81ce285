"""The folder that a build fills: one of its own, in which no source and no repository lies, and which lies in none.

Twice: by the words of site.toml, wherever it is read; and by what stands on the disk, before ssg writes.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from sealpress.config.settings import LOCK_NAME, Settings
from sealpress.files import given, home
from sealpress.files.files import above, is_git, real, repository
from sealpress.problems import MachineProblem, Place, Problem

_GIT: Final = ".git"
_OWN_NAME: Final = "give it a folder of its own"


def sources(settings: Settings) -> Mapping[str, str]:
    """All that a site is made of and kept in, relative to site.toml, by what messages call it."""
    build = settings.build
    return {
        "content": build.content,
        "static": build.static,
        "templates": build.templates,
        "data": build.data,
        "theme": settings.site.theme,
        "the strings": "i18n",
        "the site file": "site.toml",
        "the lock": LOCK_NAME,
        "what sealpress keeps": ".sealpress",
    }


def check(settings: Settings, place: Callable[..., Place]) -> Iterable[Problem]:
    """What is wrong with [build] output, as it is written: names that some file system takes for one are one here."""
    output = settings.build.output
    path = _folded(output)
    if not path.parts:  # said already
        return
    if any(map(is_git, path.parts)):
        yield Problem("[build] output must be a folder of its own: it is overwritten", place=place("build", "output"))
    for name, source in sources(settings).items():
        folder = _folded(source)
        if folder.parts and (path.is_relative_to(folder) or folder.is_relative_to(path)):
            yield Problem(
                f'[build] output "{output}" and {name} "{source}" lie in one another',
                place=place("build", "output"),
                hint=f"the output is overwritten: {_OWN_NAME}",
            )


def found(path: Path, root: Path, settings: Settings) -> Path:
    """The real path of the folder that a person or site.toml names, for a site at `root`.

    Raises Problem (exit 9): a link of the repository is on the way; or the folder is, holds or lies in what is no
    build's to write: the site's sources, a git repository's own files, the home folder, what sealpress keeps.
    """
    folder = real(path, repository(root))
    if os.path.lexists(folder) and not folder.is_dir():
        raise _refused(path, "is a file")
    # A site may lie in what only looks like a repository: then so may its output.
    around = frozenset(above(Path(os.path.realpath(root))))
    if any(is_git(one.name) or (one not in around and _is_git(one)) for one in above(folder)):
        raise _refused(path, "lies in what git keeps of a repository")
    way = {_identity(one): one for one in above(folder)} | {one: one for one in above(folder)}
    here = {folder, _identity(folder)} - {None}
    for name, kept in _kept(root, settings):
        if not here.isdisjoint({one for step in above(kept) for one in (step, _identity(step))}):
            raise _refused(path, f"is or holds {name}: {kept}")
        if name != _HOME and (kept in way or (_identity(kept) or kept) in way):
            raise _refused(path, f"lies in {name}: {kept}")
    if os.path.lexists(folder / _GIT):
        raise _refused(path, f"holds {_GIT}")
    return folder


_HOME: Final = "the home folder"


def _kept(root: Path, settings: Settings) -> Iterator[tuple[str, Path]]:
    """What no build may write over, by its real path and, where a link leads to it, by its own."""
    top = Path(os.path.realpath(root))
    for name, source in sources(settings).items():
        if PurePosixPath(source).parts:
            for one in {top / source, Path(os.path.realpath(top / source))}:
                yield name, one
    for folder in _git_folders(repository(root)):
        yield "what git keeps of the repository", folder
    if own := home.folder():
        yield _HOME, Path(os.path.realpath(own))
    with suppress(Problem):
        yield "the state folder", Path(os.path.realpath(home.state_folder()))


def _git_folders(top: Path) -> Iterator[Path]:
    """Where git keeps a repository: a linked worktree and a submodule have it elsewhere (gitrepository-layout)."""
    file = top / _GIT
    yield file
    with suppress(OSError, UnicodeDecodeError):
        if file.is_file():
            own = top / _text(file).removeprefix("gitdir:").strip()
            yield Path(os.path.realpath(own))
            yield Path(os.path.realpath(own / _text(own / "commondir")))


def _text(file: Path) -> str:
    return given.read(file, given.SETTINGS).decode().strip()


def _is_git(folder: Path) -> bool:
    """Whether git would take the folder for a bare repository (gitrepository-layout)."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same of two names of one folder, on file systems without case and below bind mounts."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _folded(text: str) -> PurePosixPath:
    return PurePosixPath(text.casefold())


def _refused(path: Path, why: str) -> Problem:
    return MachineProblem(
        f"{path} can't be the output folder: it {why}",
        hint=f"{_OWN_NAME}: ssg build -o /tmp/look, or [build] output in site.toml",
    )
