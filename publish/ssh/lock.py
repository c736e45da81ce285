"""One publish at a time for a site on a host: an flock(2) there, which frees itself when its holder dies.

The lock is a file of /run/lock (else /tmp) that anybody may open and nobody writes. Who holds it, for a second publish
to read, stands beside it in a file of each account's own: a world-writable one could be turned into a link.

Over ssh the lock is held by a shell that waits for a sign of life every few seconds. When this program ends, so does
the shell's input; when the network dies without a word, the signs stop, and the lock is free a little later.
"""

import fcntl
import getpass
import hashlib
import os
import re
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, cast

from publish.ssh.connection import Connection, end
from sealpress.problems import HostProblem, MachineProblem, Problem
from sealpress.processes.pipes import hear

_BEAT: Final = 20.0  # seconds between two signs of life
_SILENCE: Final = 120  # seconds without one, until the host frees the lock
_ANSWERED_WITHIN: Final = 30.0
_FOLDERS: Final = ("/run/lock", "/tmp")  # noqa: S108 - see the docstring: nothing there is written that another could turn

# $1 the lock's name, $2 who asks, $3 seconds of silence, $4 a word before every answer. Fd 9 holds the lock, and no
# child inherits it. The file is opened for reading only: fs.protected_regular refuses more on another account's file.
_SCRIPT: Final = """
for folder in /run/lock /tmp; do [ -d "$folder" ] && [ -w "$folder" ] && break; done
lock="$folder/$1.lock"
[ -e "$lock" ] || (umask 022; set -C; : >"$lock") 2>/dev/null
[ -f "$lock" ] && [ ! -L "$lock" ] && exec 9<"$lock" || { echo "$4 broken $lock can't be opened"; exit 1; }
command -v flock >/dev/null || { echo "$4 broken there is no flock (util-linux)"; exit 1; }
if ! flock -n 9; then
    holder=$(ls -t "$folder/$1".by.* 2>/dev/null 9<&- | head -n 1 9<&-)
    echo "$4 held $(head -c 300 "$holder" 2>/dev/null 9<&- | tr '\\n' ' ')"
    exit 1
fi
mine="$folder/$1.by.$(id -u)"
trap 'rm -f "$mine" 9<&-' EXIT
trap 'exit 1' HUP INT TERM PIPE
rm -f "$mine" 9<&-
(umask 022; set -C; printf '%s, since %s\\n' "$2" "$(date -u '+%Y-%m-%d %H:%M:%S UTC')" >"$mine") 2>/dev/null 9<&-
echo "$4 locked"
while [ -n "$(timeout "$3" dd bs=1 count=1 2>/dev/null 9<&-)" ]; do :; done
"""


def lock_name(site: str) -> str:
    """A file name for the site's lock: its own name where that is plain, with a digest where it is not."""
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", site):
        return f"sealpress-{site}"
    plain = re.sub(r"[^a-z0-9_-]+", "-", site.lower()).strip("-")[:40]
    return f"sealpress-{plain}-{hashlib.sha256(site.encode()).hexdigest()[:16]}"


def who() -> str:
    """Names this process for another person: "ada@laptop, process 4711"."""
    return f"{login()}, process {os.getpid()}"


def login() -> str:
    """Who is logged in where: "ada@laptop"."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@contextmanager
def hold_over_ssh(connection: Connection, site: str) -> Iterator[None]:
    """Holds the lock on the host while the context lasts.

    Raises Problem (exit 6) where another publish holds it, saying who and since when; or the host can't lock.
    """
    word = secrets.token_hex(8)
    process = connection.start(["sh", "-c", _SCRIPT, "sealpress-lock", lock_name(site), who(), str(_SILENCE), word])
    released = threading.Event()
    beating = threading.Thread(target=_beat, args=(process, released), daemon=True)
    try:
        _take(connection, process, word, site)
        beating.start()
        yield
    finally:
        released.set()
        if beating.ident is not None:
            beating.join()
        _release(process)


@contextmanager
def hold_here(site: str, title: str = "this machine", folders: Sequence[str] = _FOLDERS) -> Iterator[None]:
    """Holds the same lock on this machine. Raises Problem (exit 6) as `hold_over_ssh` does."""
    folder = next((Path(name) for name in folders if os.access(name, os.W_OK)), None)
    if folder is None:
        raise MachineProblem(f"no folder for a lock can be written: {', '.join(folders)}")
    path = folder / f"{lock_name(site)}.lock"
    descriptor = _open_lock(path)
    mine = path.with_suffix(f".by.{os.getuid()}")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(site, title, _holder(path)) from None
        with suppress(OSError):
            mine.unlink(missing_ok=True)
            with mine.open("x", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o644)
                since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
                file.write(f"{who()}, since {since}\n")
        try:
            yield
        finally:
            with suppress(OSError):
                mine.unlink(missing_ok=True)
    finally:
        # Said, not left to the closing: a process that is being started may still hold the descriptor, too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(descriptor, 0o644)  # whatever the umask is: other accounts open it, too
            return descriptor
        return os.open(path, flags)
    except OSError as error:
        raise MachineProblem(
            f"the lock {path} can't be opened: {error.strerror}", hint="look at that file, or remove it"
        ) from None


def _holder(path: Path) -> str:
    """What the newest of the holders' files says; "" where there is none."""
    with suppress(OSError):
        newest = max(path.parent.glob(f"{path.stem}.by.*"), key=lambda file: file.lstat().st_mtime_ns, default=None)
        if newest and newest.is_file() and not newest.is_symlink():
            with newest.open("rb") as file:
                return file.read(300).decode("utf-8", "replace").strip()
    return ""


def _held(site: str, title: str, holder: str) -> Problem:
    return HostProblem(
        f'"{site}" is being published to {title} by {holder or "somebody else"}',
        hint="wait for it to end; the lock frees itself",
    )


def _take(connection: Connection, process: subprocess.Popen[bytes], word: str, site: str) -> None:
    """Reads the script's answer: locked, held by somebody, or broken."""
    said = re.compile(rf"{word} (locked|held|broken)(.*)\n".encode())
    try:
        heard, _ = hear(process, _ANSWERED_WITHIN, until=said.search)
    except (TimeoutError, ValueError):
        heard = b""
    found = said.search(heard)
    if not found:
        raise connection.cut() or HostProblem(f"{connection.address} did not answer when asked for the lock")
    answer = found[2].decode("utf-8", "replace").strip()
    match found[1]:
        case b"held":
            raise _held(site, str(connection.address), answer)
        case b"broken":
            message = f"{connection.address} can't hold a lock: {answer}"
            raise HostProblem(message, hint="look at that on the host")


def _beat(process: subprocess.Popen[bytes], released: threading.Event) -> None:
    stdin = cast("IO[bytes]", process.stdin)
    while not released.wait(_BEAT):
        try:
            os.write(stdin.fileno(), b".")
        except OSError:
            return


def _release(process: subprocess.Popen[bytes]) -> None:
    """The end of its input ends the script, which frees the lock; waits for that, so that a next publish may follow."""
    with suppress(OSError):
        cast("IO[bytes]", process.stdin).close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    end(process)
