"""Bytes from a mirror, over HTTP or from a folder: checked by the sha256 that they must have before anybody sees them.

A file appears in the cache under its name only when it is whole, so that any number of processes may share it.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, TypeVar
from urllib.parse import unquote, urlsplit

from imagebake.fetch import http
from imagebake.fetch.cache import Pinned, fresh
from imagebake.fetch.http import ConnectionFailed
from sealpress.commands.console import Advance
from sealpress.files import given
from sealpress.problems import LockProblem, MachineProblem, Problem

TIMEOUT: Final = 30.0  # seconds without a byte
_CHUNK: Final = 1 << 18
_PAUSES: Final = (0.3, 1.5)  # seconds before the second and the third attempt
_ELSEWHERE: Final = "set another mirror under [image] in site.toml"

_Result = TypeVar("_Result")


class Gone(Exception):  # noqa: N818 - an answer, not an error
    """The mirror is there and does not have the file."""


def store(file: Path, pinned: Pinned, urls: Sequence[str], advance: Advance = lambda _done: None) -> None:
    """Fetches from the first URL that has it, checks, and puts it whole at `file`, in the cache.

    Raises Problem (exit 4; 9 for a cache that can't be written), and Gone where no URL has it.
    """
    for url in urls:
        try:
            with fresh(file) as out:
                _write(out, pinned, url, advance)
        except Gone:
            continue
        except OSError as error:
            raise MachineProblem(
                f"can't write the cache at {file.parent}: {error.strerror or error}",
                hint="make room there, or set SEALPRESS_CACHE to another folder",
            ) from None
        return
    raise Gone


def _write(out: BinaryIO, pinned: Pinned, url: str, advance: Advance) -> None:
    """Writes what is pinned, and nothing that is larger. Raises Problem where it is anything else."""

    def attempt() -> str:
        out.seek(0)
        out.truncate()
        sha = hashlib.sha256()
        done = 0
        try:
            for chunk in _exactly(pinned, url):
                done += len(chunk)
                sha.update(chunk)
                out.write(chunk)
                advance(len(chunk))
        except ConnectionFailed:
            advance(-done)
            raise
        return sha.hexdigest()

    found = _persistent(attempt, pinned.what, url)
    if found != pinned.sha256:
        raise _wrong(pinned, url, f"has the sha256 {found}, not {pinned.sha256}: it was damaged or changed on the way")


def _exactly(pinned: Pinned, url: str) -> Iterator[bytes]:
    left = pinned.size
    for chunk in _pieces(url):
        left -= len(chunk)
        if left < 0:
            raise _wrong(pinned, url, f"is larger than the {pinned.size} bytes that it should have")
        yield chunk
    if left:
        raise ConnectionFailed(f"it ended {left} bytes early, of {pinned.size}")


def _wrong(pinned: Pinned, url: str, how: str) -> Problem:
    hint = f"nothing was unpacked; try again, or {_ELSEWHERE}"
    return LockProblem(f"{pinned.what} from {url} {how}", hint=hint)


def small(url: str, limit: int, what: str) -> bytes:
    """A small file whose content isn't known beforehand. Raises Problem (exit 4), Gone."""

    def attempt() -> bytes:
        data = b""
        for chunk in _pieces(url):
            data += chunk
            if len(data) > limit:
                raise LockProblem(f"{what} from {url} is larger than {limit} bytes")
        return data

    return _persistent(attempt, what, url)


def _persistent(attempt: Callable[[], _Result], what: str, url: str) -> _Result:
    """The result of the first attempt that isn't interrupted. Raises Problem after the last."""
    for pause in _PAUSES:
        try:
            return attempt()
        except ConnectionFailed:
            time.sleep(pause)
    try:
        return attempt()
    except ConnectionFailed as error:
        hint = f"check the network, or {_ELSEWHERE}"
        raise LockProblem(f"can't fetch {what} from {url}: {error}", hint=hint) from None


def _pieces(url: str) -> Iterator[bytes]:
    """The content of an http, https or file URL. Raises Gone, or ConnectionFailed where another attempt may help."""
    if url.startswith("file:"):
        yield from _of_file(url)
        return
    try:
        with (
            closing(http.Client(TIMEOUT, TIMEOUT, lambda _url: None, is_secret=False)) as client,
            client.answered("GET", url, {}, is_large=True) as response,
        ):
            if response.status in {404, 410}:
                raise Gone
            if response.status != 200:
                raise ConnectionFailed(f"HTTP {response.status} {response.reason}")
            yield from http.pieces(response, url)
    except http.Refused as error:
        raise LockProblem(f"{url} {error}", hint=error.hint or _ELSEWHERE) from None
    except http.NoAddress as error:
        raise ConnectionFailed(f"it leads to {str(error)[:200]!a}, which is no address") from None


def _of_file(url: str) -> Iterator[bytes]:
    try:
        with given.opened(unquote(urlsplit(url).path)) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except (FileNotFoundError, NotADirectoryError):
        raise Gone from None
    except (OSError, ValueError) as error:
        raise ConnectionFailed(str(getattr(error, "strerror", None) or error)) from None
