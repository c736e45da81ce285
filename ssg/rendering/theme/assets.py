"""The theme's own files, under names that hold a digest of their content, so that browsers may keep them for ever.

static/style.css becomes /assets/style.0a1b2c3d4e5f.css. What a style sheet refers to is renamed in it.
"""

import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean
from ssg.content.assets import FOLDER, fingerprint
from ssg.content.model import output_of
from ssg.rendering.theme.theme import Theme

CODE: Final = "code.css"
"""The style sheet of highlighted code, which the generator writes unless the theme brings its own."""


@frozen
class ThemeAsset:
    """A file of the theme as it is served: its name in static/, its path in the tree, what messages call it."""

    name: str
    path: str
    origin: str


@frozen
class Assets:
    """The theme's files. `content` gives what one holds, by its name in static/."""

    files: tuple[ThemeAsset, ...]
    content: Callable[[str], bytes]

    def path(self, name: str) -> str:
        """Where a file is served. Raises Problem for one that the theme doesn't have."""
        if name not in self._paths:
            raise Problem(
                f'the theme has no file "static/{name}"{did_you_mean(name, self._paths)}',
                hint="a file of the site's own static folder is linked by its path: /name.css",
            )
        return self._paths[name]

    @property
    def _paths(self) -> Mapping[str, str]:
        return {file.name: f"/{file.path}" for file in self.files}


def make(theme: Theme, *, stable: bool = False) -> Assets:
    """All files of the theme's static/ folder, and the style sheet for code.

    `stable`: their names stay whatever they hold, for somebody who looks while it is written.

    Raises Problem at the line of a style sheet that refers to a file which is not there.
    """
    making = _AssetBuilder(theme, stable)
    if CODE not in theme.static:
        from ssg.markup.code import highlighting  # noqa: PLC0415 - it loads Pygments

        making.add(CODE, highlighting.stylesheet().encode(), "the style sheet for code")
    for name in theme.static:
        making.path(name)
    files = tuple(sorted(making.files, key=lambda file: file.path.encode()))
    return Assets(files, making.contents.__getitem__)


def key(theme: Theme, *, stable: bool = False) -> str:
    """A digest of all that `make` depends on besides the software."""
    sha256 = hashlib.sha256(b"stable\n" if stable else b"")
    for name, file in sorted(theme.static.items()):
        content = hashlib.sha256(given.content(file.path, given.ASSET, file.shown)).hexdigest()
        sha256.update(f"{name}\0{file.shown}\0{content}\n".encode())
    return sha256.hexdigest()


@dataclass(slots=True)
class _AssetBuilder:
    theme: Theme
    stable: bool = False
    paths: dict[str, str] = field(default_factory=dict)
    files: list[ThemeAsset] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def path(self, name: str) -> str:
        """Where a file goes; those that it refers to go first, since their names are part of its content."""
        if name not in self.paths:
            file = self.theme.static[name]
            content = given.content(file.path, given.ASSET, file.shown)
            if name.endswith(".css"):
                self.open.append(name)
                content = self._rewritten(name, content)
                self.open.pop()
            self.add(name, content, file.shown)
        return self.paths[name]

    def add(self, name: str, content: bytes, origin: str) -> None:
        stem, dot, ending = name.rpartition(".")
        marked = f"{stem}.{fingerprint(content)}.{ending}" if dot else f"{name}.{fingerprint(content)}"
        marked = name if self.stable else marked
        self.paths[name] = FOLDER + marked
        self.files.append(ThemeAsset(name, output_of(FOLDER + marked), origin))
        self.contents[name] = content

    def _rewritten(self, name: str, content: bytes) -> bytes:
        file = self.theme.static[name]
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise Problem(f"{file.shown} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None

        def renamed(found: re.Match[str]) -> str:
            if found["target"] is None:
                return found[0]
            target, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", found["target"], re.DOTALL).groups()  # type: ignore[union-attr]
            if not target or target.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target):
                return found[0]
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            place = _place(file.shown, text, found.start("target"), len(target))
            if wanted not in self.theme.static:
                raise Problem(
                    f'there is no "static/{wanted}" in the theme{did_you_mean(wanted, self.theme.static)}', place=place
                )
            if wanted in self.open:
                raise Problem(f'"{name}" and "{wanted}" refer to each other', place=place)
            new = posixpath.relpath(self.path(wanted), posixpath.dirname(FOLDER + name))
            return found[0].replace(found["target"], new + mark + rest)

        return _REFERENCE.sub(renamed, text).encode()


# Comments are matched only to be passed over. Source: CSS Syntax Level 3; CSS Values 4, section 4.5.
_REFERENCE: Final = re.compile(
    r"""/\*.*?\*/|(?:\burl\(\s*["']?|@import\s+["'])(?P<target>[^"')]+?)\s*["')]""",
    re.DOTALL,
)


def _place(file: str, text: str, at: int, length: int) -> Place:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    return Place(file, text.count("\n", 0, at) + 1, at - start + 1, line, length)
