"""Which files of which packages an image needs: what a recipe asks for, and what that needs to run.

From every kept program and library the walk goes along DT_NEEDED and PT_INTERP through the packages, as the dynamic
linker will. A library that no package has is an error here, not a crash in the image. Of each package that gives a
file, its licence is kept too.

    usr/sbin/nginx                              what a root names, at its own path
    usr/lib/x86_64-linux-gnu/libpcre2-8.so.0    a library, under the name that it is needed by, without further links
    lib64/ld-linux-x86-64.so.2                  the ELF interpreter, at the path that programs name
    usr/share/doc/nginx/copyright

What a root leaves out (`exclude`) is not there at all, its licence aside. What it joins (`joined`) is one file in the
place of many: the certificates of CA roots, as `update-ca-certificates` would write them, without running it.

Source: ld.so(8), "DESCRIPTION"; Debian Policy 4.7, section 12.5 (copyright files).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from posixpath import dirname, normpath
from typing import Final, Protocol

from imagebake.image.entries import Bytes, Directory, Entry, File, Symlink, parents
from imagebake.packages import elf
from imagebake.packages.deb import MERGED
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import LockProblem

TRIPLETS: Final[Mapping[Architecture, str]] = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

_LINK_LIMIT: Final = 16


@frozen
class Root:
    """What a recipe wants of a package. `path` is relative to the image's root; `*` stands for any part of a name,
    `**` for any part of a path.

    `exclude` takes the same patterns: a file that matches is left out, and a folder that matches with all below it.
    `joined`: the path of one file that holds all that match, sorted by their paths, each ended by a line feed; they
    themselves are not kept.
    """

    package: str
    path: str
    exclude: tuple[str, ...] = ()
    joined: str = ""

    def takes(self, path: str) -> bool:
        """Whether a path of the package is one that this root names."""
        return _pattern(self.path).fullmatch(path) is not None and not is_left_out(path, self.exclude)


def is_left_out(path: str, exclude: Iterable[str]) -> bool:
    """Whether one of the patterns matches the path, or a folder that it is in."""
    return any(_pattern(one).fullmatch(part) for one in exclude for part in (path, *parents(path)))


class PackageSource(Protocol):
    """Packages, unpacked where they are asked for."""

    def entries(self, package: str) -> Mapping[str, Entry]:
        """Those entries of a package that `wanted` lets through. Raises Problem where there is no such package."""
        ...

    def near(self, package: str) -> Iterator[str]:
        """Names of packages that may hold what this one needs, itself first, then by the order of its dependencies."""
        ...


@frozen
class Selected:
    """What an image takes of one package."""

    package: str
    entries: tuple[Entry, ...]


def wanted(package: str, roots: Iterable[Root], architecture: Architecture) -> Callable[[str], bool]:
    """Says of a package's path whether it may be kept: all else needn't be unpacked."""
    asked = [root for root in roots if root.package == package]
    folders = library_folders(architecture)
    licence = (f"usr/share/doc/{package}", _licence_path(package))

    def is_wanted(path: str) -> bool:
        return (
            (dirname(path) in folders and ".so" in path) or path in licence or any(root.takes(path) for root in asked)
        )

    return is_wanted


def select(roots: Sequence[Root], architecture: Architecture, source: PackageSource) -> tuple[Selected, ...]:
    """What the image takes, package by package, in the order of layers.

    First the packages that are only needed, those that need nothing before those that need them; then the recipe's
    own, in the order in which `roots` first names them. Raises Problem (exit 4): a root or a library that isn't there,
    a file for another machine, a link to nothing, a package without a licence.
    """
    walk = _Walk(architecture, source, library_folders(architecture))
    for root in roots:
        walk.keep_root(root)
    walk.follow()
    walk.check_links()
    for package in list(walk.kept):
        walk.keep_licence(package)
    named = list(dict.fromkeys(root.package for root in roots))
    needed = sorted(
        (package for package in walk.kept if package not in named), key=lambda one: (walk.depth(one, frozenset()), one)
    )
    return tuple(
        Selected(package, tuple(walk.kept[package][path] for path in sorted(walk.kept[package], key=str.encode)))
        for package in (*needed, *named)
    )


@dataclass(slots=True)
class _Walk:
    architecture: Architecture
    source: PackageSource
    folders: tuple[str, ...]
    kept: dict[str, dict[str, Entry]] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)  # packages by the packages that need them
    found: dict[str, str] = field(default_factory=dict)  # the package that gives a library, by the library's name
    queue: list[tuple[str, str, elf.Elf]] = field(default_factory=list)

    def keep_root(self, root: Root) -> None:
        entries = self.source.entries(root.package)
        matches = [path for path, entry in entries.items() if root.takes(path) and _fits(root, entry)]
        if not matches:
            raise LockProblem(
                f'the package {root.package} has no "{root.path}"',
                hint="the recipe asks for it; does it fit the suite under [image] in site.toml?",
            )
        if root.joined:
            self._put(root.package, _joined(root.joined, [entries[path] for path in sorted(matches, key=str.encode)]))
            return
        for path in matches:
            self._keep(root.package, entries[path])

    def follow(self) -> None:
        """Along DT_NEEDED, breadth first, until nothing is missing."""
        # Interpreters first: libc needs its own by name, and finds it then at the path that programs name.
        for package, path, file in list(self.queue):
            if file.interpreter:
                self._keep_interpreter(package, path, file.interpreter)
        at = 0
        while at < len(self.queue):
            package, path, file = self.queue[at]
            at += 1
            for soname in file.needed:
                self._keep_library(package, path, soname)

    def check_links(self) -> None:
        kept = {path for entries in self.kept.values() for path in entries}
        folders = {parent for path in kept for parent in parents(path)}
        for package, entries in self.kept.items():
            for entry in entries.values():
                if isinstance(entry, Symlink) and pointed(entry) not in kept | folders:
                    raise LockProblem(
                        f'the link "{entry.path}" of {package} points to "{entry.target}", which is not kept',
                        hint="name the file that it points to among the recipe's roots, too, or exclude the link",
                    )

    def keep_licence(self, package: str) -> None:
        """The copyright file, or a link to the package that has it: binaries of one source may share one folder."""
        for _ in range(_LINK_LIMIT):
            entries = self.source.entries(package)
            path, folder = _licence_path(package), f"usr/share/doc/{package}"
            match entries.get(path), entries.get(folder):
                case File() as file, _:
                    self._put(package, file)
                    return
                case (Symlink() as link, _) | (_, Symlink() as link):
                    parts = pointed(link).split("/")
                    self._put(package, link)
                    if parts[:3] != ["usr", "share", "doc"] or len(parts) < 4:
                        break
                    self.needs.setdefault(package, set()).add(parts[3])
                    package = parts[3]
                case _:
                    break
        raise LockProblem(f"the package {package} has no copyright file")

    def depth(self, package: str, above: frozenset[str]) -> int:
        """The longest way down; packages that need each other end it."""
        below = self.needs.get(package, set()) - above - {package}
        return max((1 + self.depth(other, above | {package}) for other in below), default=0)

    def _keep(self, package: str, entry: Entry) -> None:
        if self._put(package, entry) and isinstance(entry, File) and (data := elf_data(entry)):
            file = elf.parse(data, f'"{entry.path}" of {package}')
            if file.machine != self.architecture:
                raise LockProblem(f'"{entry.path}" of {package} is for {file.machine}, not for {self.architecture}')
            self.queue.append((package, entry.path, file))

    def _put(self, package: str, entry: Entry) -> bool:
        kept = self.kept.setdefault(package, {})
        is_new = entry.path not in kept
        kept[entry.path] = entry
        return is_new

    def _keep_interpreter(self, needer: str, path: str, interpreter: str) -> None:
        exact = normpath(interpreter).lstrip("/")
        name = exact.rpartition("/")[2]
        if name not in self.found:
            package, file = self._find(needer, (f"usr/{exact.removeprefix('usr/')}",), name, path)
            self.found[name] = package
            self._keep(package, File(exact, file.content, file.mode))
        self.needs.setdefault(needer, set()).add(self.found[name])

    def _keep_library(self, needer: str, path: str, soname: str) -> None:
        if soname not in self.found:
            package, file = self._find(needer, tuple(f"{folder}/{soname}" for folder in self.folders), soname, path)
            self.found[soname] = package
            self._keep(package, file)
        self.needs.setdefault(needer, set()).add(self.found[soname])

    def _find(self, needer: str, places: tuple[str, ...], name: str, path: str) -> tuple[str, File]:
        for package in self.source.near(needer):
            entries = self.source.entries(package)
            for place in places:
                if file := _resolved(entries, place):
                    return package, File(place, file.content, file.mode)
        raise LockProblem(
            f'the library "{name}" is missing: "{path}" of {needer} needs it, and no package that {needer} depends'
            " on has it",
            hint="name the package that has it among the recipe's roots",
        )


def _fits(root: Root, entry: Entry) -> bool:
    """Only files can be joined."""
    return isinstance(entry, File) or not root.joined


def _joined(path: str, entries: Iterable[Entry]) -> File:
    texts = (b"".join(entry.content.chunks()) for entry in entries if isinstance(entry, File))
    return File(path, Bytes(b"".join(text if text.endswith(b"\n") else text + b"\n" for text in texts if text)))


def elf_data(file: File) -> bytes:
    """The whole content of a file that is ELF, else b""."""
    if isinstance(file.content, Bytes):
        return file.content.data if file.content.data.startswith(elf.MAGIC) else b""
    chunks = file.content.chunks()
    start = next(chunks, b"")
    return b"".join([start, *chunks]) if start.startswith(elf.MAGIC) else b""


def _resolved(entries: Mapping[str, Entry], path: str) -> File | None:
    """The file at `path`, through links that stay in the package."""
    for _ in range(_LINK_LIMIT):
        match entries.get(path):
            case File() as file:
                return file
            case Symlink() as link:
                path = pointed(link)
            case Directory() | None:
                return None
    return None


def pointed(link: Symlink) -> str:
    """Where a link points, as a path from the image's root."""
    path = normpath("/" + (link.target if link.target.startswith("/") else f"{dirname(link.path)}/{link.target}"))
    path = path.lstrip("/")
    return f"usr/{path}" if path.split("/")[0] in MERGED else path


def library_folders(architecture: Architecture) -> tuple[str, ...]:
    """Where the dynamic linker looks by itself, in its order."""
    return (f"usr/lib/{TRIPLETS[architecture]}", "usr/lib", "usr/lib64")


def _licence_path(package: str) -> str:
    return f"usr/share/doc/{package}/copyright"


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = (_WILD.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", path))
    return re.compile("".join(parts), re.DOTALL)


_WILD: Final = {"**": ".*", "*": "[^/]*"}
