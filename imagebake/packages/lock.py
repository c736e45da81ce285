"""imagebake.lock: which packages an image is made of, each by digest, so that the same lock gives the same layers.

The file is TOML, written by `imagebake lock` alone and kept under version control. Its order is the order of layers:
from what changes least often to what changes most often.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imagebake.packages.control import Archive, is_name, is_pool_path, is_sha256
from imagebake.packages.selection import Root
from imagebake.packages.version import is_version
from sealpress.config import toml
from sealpress.config.document import KeyPath, Node, decode
from sealpress.config.settings import Architecture
from sealpress.files import given, scratch
from sealpress.frozen import frozen
from sealpress.problems import Exit, LockProblem, MachineProblem, Place, Problem, raise_all

FORMAT: Final = 1

_DIGEST: Final = "# digest = "
_RENEW: Final = "don't edit the lock by hand; take it back from git, or delete it and write a new one: imagebake lock"
_SIZE_LIMIT: Final = 1 << 30  # bytes of one package
_FILE_LIMIT: Final = 4 << 20


@frozen
class LockedPackage:
    """One layer. `architecture` is the image's, also for a package that is the same for all.

    `sha256` (hex), `size` (bytes) and `path` (below a mirror's root) are the .deb's; `diff_id` ("sha256:…") is the
    digest of the layer that its kept files make.
    """

    name: str
    version: str
    architecture: Architecture
    archive: Archive
    path: str
    sha256: str
    size: int
    diff_id: str


@frozen
class Lock:
    """`date`: that of the newest Release which the packages were taken from, in UTC. `packages`: in layer order,
    one architecture after the other.
    """

    suite: str
    date: datetime
    roots: tuple[Root, ...]
    packages: tuple[LockedPackage, ...]

    @property
    def digest(self) -> str:
        """Over the lock as `dump` writes it, so comments and layout don't count: "sha256:" and 64 hex digits."""
        return "sha256:" + hashlib.sha256(dump(self).encode()).hexdigest()

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """Sorted."""
        return tuple(sorted({package.architecture for package in self.packages}))

    def of(self, architecture: Architecture) -> tuple[LockedPackage, ...]:
        """The packages of one image, in layer order. Raises Problem (exit 4) where the lock has none."""
        found = tuple(package for package in self.packages if package.architecture == architecture)
        if not found:
            raise LockProblem(
                f"the lock has no packages for {architecture}, only for {', '.join(self.architectures)}",
                hint=f'add "{architecture}" to architectures under [image] in site.toml, then: imagebake lock',
            )
        return found


def dump(lock: Lock) -> str:
    """The lock's text: the same lock gives the same text."""
    head = [
        "# Written by `imagebake lock`, which also renews it. Keep it under version control, and don't edit it.",
        f"version = {FORMAT}",
        f"suite = {_quoted(lock.suite)}",
        f"date = {lock.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "roots = [",
        *(f"    {{ {_root(root)} }}," for root in lock.roots),
        "]",
    ]
    return "\n".join([*head, *(line for package in lock.packages for line in _package_lines(package))]) + "\n"


def text_of(lock: Lock) -> str:
    """The file: what `dump` gives, with its own digest as a last line, by which an edit by hand is known."""
    return f"{dump(lock)}\n{_DIGEST}{lock.digest}\n"


def _root(root: Root) -> str:
    """Without what it doesn't say, so that a root looks the same to every sealpress that knows its keys."""
    text = f"package = {_quoted(root.package)}, path = {_quoted(root.path)}"
    if root.exclude:
        text += f", exclude = [{', '.join(map(_quoted, root.exclude))}]"
    return f"{text}, joined = {_quoted(root.joined)}" if root.joined else text


def _package_lines(package: LockedPackage) -> Iterable[str]:
    yield ""
    yield "[[package]]"
    for field in fields(package):
        value = getattr(package, field.name)
        yield f"{field.name} = {value if isinstance(value, int) else _quoted(value)}"


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")


def load(path: Path) -> Lock:
    """Reads and checks a lock. Raises Problem (exit 4), with line and column where a value is wrong."""
    try:
        data = given.read(path, _FILE_LIMIT, inside=True)
    except FileNotFoundError:
        raise LockProblem(
            f"there is no {path.name}", place=Place(str(path)), hint="write one: imagebake lock"
        ) from None
    except OSError as error:
        raise LockProblem(f"can't read it: {error.strerror}", place=Place(str(path))) from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise LockProblem("it is not UTF-8 text", place=Place(str(path)), hint=_RENEW) from None
    return parse(text, str(path))


def save(lock: Lock, path: Path) -> None:
    """Writes the lock whole or not at all. Raises Problem (exit 9)."""
    try:
        scratch.save(path, [text_of(lock).encode()])
    except OSError as error:
        raise MachineProblem(f"can't write it: {error.strerror}", place=Place(str(path))) from None


@frozen
class _LockFile:
    """The lock as the file has it."""

    version: int
    suite: str
    date: datetime
    roots: tuple[Root, ...]
    package: tuple[LockedPackage, ...]


def parse(text: str, file: str) -> Lock:
    """A lock from its text; `file` is how messages name it. Raises Problem (exit 4)."""
    node = _node(text, file)
    _check_format(node)
    found = decode(node, _LockFile, "the lock", Exit.LOCK)
    problems = list(_wrong_values(node, found))
    raise_all(problems)
    date = found.date.astimezone(UTC).replace(microsecond=0)
    lock = Lock(found.suite, date, found.roots, found.package)
    _check_digest(text, lock, file)
    return lock


def _check_digest(text: str, lock: Lock, file: str) -> None:
    """Holds a lock against the digest that it was written with; one of before has none."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_DIGEST) and line.removeprefix(_DIGEST).strip() != lock.digest:
            raise LockProblem(
                "this lock was edited by hand, or merged: it is not as imagebake lock wrote it",
                place=Place(file, number, 1, line, len(line)),
                hint=_RENEW,
            )


def _node(text: str, file: str) -> Node:
    try:
        return toml.parse(text, file, code=Exit.LOCK)
    except RecursionError:
        raise LockProblem("it is nested too deeply", place=Place(file), hint=_RENEW) from None


def _check_format(node: Node) -> None:
    given = node.at("version")
    if given and isinstance(given.value, int) and given.value != FORMAT:
        raise LockProblem(
            f"the lock has format {given.value}; this sealpress reads format {FORMAT}",
            place=given.place,
            hint="use the sealpress that wrote it, or delete the lock and write a new one: imagebake lock",
        )


_CHECKS: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    "name": ("a package's name", is_name),
    "version": ("a package's version", is_version),
    "path": ("a path to a .deb on a mirror", is_pool_path),
    "sha256": ("64 hex digits", is_sha256),
    "diff_id": ('"sha256:" and 64 hex digits', lambda text: text[:7] == "sha256:" and is_sha256(text[7:])),
}


def _wrong_values(node: Node, found: _LockFile) -> Iterable[Problem]:
    if found.date.tzinfo is None or not 1993 <= found.date.year <= 9000:
        yield _wrong(node, ("date",), "date must be a time with its zone, like 2026-11-19T02:12:54Z")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", found.suite):
        yield _wrong(node, ("suite",), f'suite can\'t be "{found.suite}"')
    if not found.roots:
        yield _wrong(node, ("roots",), "roots is empty: the image would hold nothing")
    for number, root in enumerate(found.roots):
        if not is_name(root.package):
            yield _wrong(node, ("roots", number, "package"), f'package must be a package\'s name, not "{root.package}"')
        for key, path in (("path", root.path), *((("joined", root.joined),) if root.joined else ())):
            if not path or path.startswith("/") or ".." in path.split("/"):
                yield _wrong(node, ("roots", number, key), f'{key} must be below the image\'s root, not "{path}"')
    seen: set[tuple[str, str]] = set()
    for number, package in enumerate(found.package):
        for key, (wanted, is_right) in _CHECKS.items():
            if not is_right(value := getattr(package, key)):
                yield _wrong(node, ("package", number, key), f'{key} must be {wanted}, not "{value}"')
        if not 0 < package.size <= _SIZE_LIMIT:
            yield _wrong(node, ("package", number, "size"), f"size can't be {package.size}")
        if (package.name, package.architecture) in seen:
            yield _wrong(node, ("package", number, "name"), f"{package.name} stands twice for {package.architecture}")
        seen.add((package.name, package.architecture))


def _wrong(node: Node, path: KeyPath, message: str) -> Problem:
    at = node.at(*path)
    return LockProblem(message, place=at.place if at else node.place, hint=_RENEW)
