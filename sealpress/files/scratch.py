"""Folders for the time of a run, and what a killed run left of them: the next run sweeps it.

    <temporary folder>/sealpress-UID/NAME-12345678/   what is of use for a while; only this user can enter
    <state folder>/unfinished/NAME-12345678/place     which folder lies beside an output until that is whole

Each has a file that its run keeps locked, and the system lets go of it with the process: so a folder whose file is not
locked is nobody's any more, and none that is of use to another run is ever taken. Nothing else is touched, whatever its
name, and no link is followed.

Sources: flock(2); rename(2).
"""

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Final

from sealpress.files import files, home
from sealpress.problems import MachineProblem, Problem

_LOCK: Final = "in-use"
_INSIDE: Final = "files"
_PLACE: Final = "place"


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """An empty folder that only this user can enter, gone after use. Raises Problem (exit 9) where none can be made."""
    sweep()
    base = _temporary()
    if base is None:
        import tempfile  # noqa: PLC0415

        try:
            opened = tempfile.TemporaryDirectory(prefix=f"sealpress-{name}-")
        except OSError as error:
            raise _nowhere(error) from None
        with opened as made:
            yield Path(made)
        return
    with _locked(base, name) as made:
        (made / _INSIDE).mkdir()
        yield made / _INSIDE


@contextmanager
def beside(output: Path, name: str, *, back: bool = False) -> Iterator[Path]:
    """An empty folder beside an output, from where it can be put in place by a rename; gone after use.

    `back`: an older output waits in it, under the output's own name, until the new one is there. Where a killed run
    left no output, the older one is put back. Raises OSError where the folder can't be made.
    """
    sweep()
    place = output.absolute().parent / f".{output.name}-{name}-{os.urandom(4).hex()}"
    base = _recorded()
    try:
        with _locked(base, name) if base else nullcontext() as record:
            place.mkdir(mode=0o700)
            found = place.lstat()
            if record:
                told = {"path": os.fsencode(place).hex(), "seen": [found.st_dev, found.st_ino], "back": back}
                (record / _PLACE).write_text(json.dumps({**told, "name": os.fsencode(output.name).hex()}))
            yield place
    finally:
        _remove(place)


def save(
    file: Path, pieces: Iterable[bytes], advance: Callable[[int], None] = lambda _done: None, *, sync: bool = True
) -> None:
    """Puts a file for all to read in a folder of other people's, whole or not at all, and leaves nothing else there.

    `sync` as in files.writing: what takes long and can be made anew does without. Raises OSError, also where its folder
    isn't there, and as `pieces` do.
    """
    with beside(file, "new") as around:
        with (around / file.name).open("wb") as out:
            for piece in pieces:
                out.write(piece)
                advance(len(piece))
            files.finish(out, mode=0o644, sync=sync)
        (around / file.name).replace(file)


@cache
def sweep() -> None:
    """Removes what killed runs of this user left; once in a process."""
    for base in (_last_temporary(), _recorded(make=False)):
        with suppress(OSError):
            for item in os.scandir(base) if base else ():
                if item.is_dir(follow_symlinks=False):
                    _sweep(Path(item.path))


def _sweep(made: Path) -> None:
    """Raises OSError where it is of use to another run, or none of ours."""
    with suppress(OSError):
        lock = os.open(made / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(OSError, ValueError, KeyError, TypeError):  # killed while it was written
                _sweep_beside(json.loads((made / _PLACE).read_text()))
            _remove(made / _INSIDE)  # first, so that there is something to find until all is gone
            _remove(made)
        finally:
            os.close(lock)


def _sweep_beside(told: dict[str, object]) -> None:
    """Only the very folder that was made: something else may have come into its place."""
    place = Path(os.fsdecode(bytes.fromhex(str(told["path"]))))
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or [found.st_dev, found.st_ino] != told["seen"]:
        return
    name = os.fsdecode(bytes.fromhex(str(told["name"])))
    if told["back"] and not os.path.lexists(place.parent / name) and os.path.lexists(place / name):
        (place / name).rename(place.parent / name)
    _remove(place)


@contextmanager
def _locked(base: Path, name: str) -> Iterator[Path]:
    """A folder of this run in `base`, gone after use."""
    import tempfile  # noqa: PLC0415

    while True:
        try:
            made = Path(tempfile.mkdtemp(dir=base, prefix=f"{name}-"))
        except OSError as error:
            raise _nowhere(error) from None
        lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # a file system that knows no locks: then nobody sweeps there either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists(made / _LOCK):  # else it was swept before it could be locked
            break
        os.close(lock)
    try:
        yield made
    finally:
        _remove(made)
        os.close(lock)


def _temporary() -> Path | None:
    """The user's own folder in the temporary one, made; None where another user was there first."""
    import tempfile  # noqa: PLC0415

    with suppress(OSError):
        return _own_of(tempfile.gettempdir(), make=True)
    return None


def _last_temporary() -> Path | None:
    """The same where it is there already. Each command looks for it, --help too, and tempfile, which writes a file to
    find out, takes as long to import as a tenth of that: so its rules are followed here (tempfile.gettempdir).
    """
    named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    places = (place for place in (*named, "/tmp", "/var/tmp", "/usr/tmp") if place)  # noqa: S108
    usable = (place for place in places if Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK))
    with suppress(OSError):
        return _own_of(next(usable, os.curdir), make=False)
    return None


def _own_of(place: str, *, make: bool) -> Path | None:
    return _own(Path(place).absolute() / f"sealpress-{os.getuid()}", make=make)


def _recorded(*, make: bool = True) -> Path | None:
    """The user's list of what lies beside outputs; None for a user without a home."""
    try:
        return _own(home.state_folder() / "unfinished", make=make)
    except Problem:
        return None


def _own(base: Path, *, make: bool) -> Path | None:
    """A folder that only this user can enter; None where it is not there, or is anything else."""
    try:
        if make:
            base.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                base.mkdir(mode=0o700)
        found = base.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return base if is_own else None


def _nowhere(error: OSError) -> Problem:
    return MachineProblem(
        f"no temporary folder can be made: {error.strerror}",
        hint="make room in the one that there is, or set TMPDIR to another",
    )


def _remove(folder: Path) -> None:
    """With all in it, also where folders in it were closed. No link is followed."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.is_dir() and not folder.is_symlink():
        for top, names, _ in os.walk(folder):
            for name in ("", *names):
                if not (closed := Path(top, name)).is_symlink():
                    with suppress(OSError):
                        closed.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
