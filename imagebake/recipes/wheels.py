"""Python wheels as the files of a layer: verified, unpacked as the specification says, and nothing of them is run.

    usr/local/lib/python3.13/dist-packages/    the modules, and NAME.dist-info with its licences
    usr/local/bin/                             scripts and console entry points, for the image's own Python
    usr/local/                                 what the wheel calls data

A wheel is pinned by its sha256, and every file in it by its own RECORD. What can't be verified, has another name than
it says, or would stand somewhere else, is refused.

Sources: Python Packaging User Guide, "Binary distribution format", "Recording installed projects", "Entry points
specification", "Platform compatibility tags" and "Core metadata".
"""

import base64
import configparser
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.parser import HeaderParser
from pathlib import Path
from posixpath import basename, dirname
from typing import Final

from imagebake.image.entries import Bytes, Entry, File, Symlink
from imagebake.packages import copyright as copyrights
from imagebake.packages import elf
from imagebake.packages.selection import elf_data, is_left_out, library_folders
from imagebake.recipes.sbom import Component, purl
from sealpress.config.settings import Architecture
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import LockProblem, Problem, raise_all
from sealpress.tree.tree import unfit

PREFIX: Final = "usr/local"

_FILE_LIMIT: Final = 256 << 20  # bytes of one file
_TOTAL_LIMIT: Final = 512 << 20  # bytes of one wheel, unpacked
_COUNT_LIMIT: Final = 20_000
MACHINES: Final[Mapping[Architecture, str]] = {"amd64": "x86_64", "arm64": "aarch64"}
_HASHES: Final = ("sha256", "sha384", "sha512")
_LINK: Final = 0o120000
_SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")  # of the archive as it was: what is installed has a RECORD of its own


@frozen
class Pin:
    """A wheel that a recipe wants. `architecture` None: it is the same for all."""

    name: str
    version: str
    sha256: str
    architecture: Architecture | None = None


@frozen
class Wheel:
    """A verified wheel. `tags`: what it says that it runs on; `licence`: an SPDX expression, "" where it tells none."""

    pin: Pin
    tags: tuple[str, ...]
    licence: str
    file: Path

    @property
    def component(self) -> Component:
        """As the bill of materials has it."""
        pin = self.pin
        name = normalized(pin.name)
        licence = copyrights.Licence(self.licence)
        at = purl("pypi", name, pin.version)
        return Component("pypi", name, pin.version, at, pin.sha256, licence, architecture=pin.architecture or "")


@frozen
class _WheelFile:
    path: str
    data: bytes
    is_program: bool


def load(file: Path, pin: Pin) -> Wheel:
    """The wheel in `file`, which must be the pinned one.

    Raises Problem (exit 4): other bytes, a broken archive, a RECORD that doesn't fit, another project or version.
    """
    with _named(pin):
        members = _members(file, pin)
        info = _info_folder(members, pin)
        head = _headers(members, f"{info}/WHEEL")
        if not re.fullmatch(r"1\.[0-9]+", head.get("Wheel-Version", [""])[0]):
            raise _refused(f"it has the format {head.get('Wheel-Version', ['?'])[0]}; format 1 is understood")
        about = _headers(members, f"{info}/METADATA")
        found = (about.get("Name", [""])[0], about.get("Version", [""])[0])
        if (normalized(found[0]), found[1]) != (normalized(pin.name), pin.version):
            raise _refused(f"it is {' '.join(found)}")
        _check_record(members, info)
        return Wheel(pin, tuple(_tags(head.get("Tag", []))), _licence(about), file)


def entries(wheel: Wheel, python: str, exclude: Sequence[str] = ()) -> tuple[Entry, ...]:
    """The wheel's files as they stand in the image, with `python` as "3.13".

    `exclude` are patterns as in `selection.Root`, of paths in the image; they leave NAME.dist-info alone. The same
    arguments give the same entries. Raises Problem (exit 4), also for a wheel that doesn't run on this Python or on
    the pin's architecture.
    """
    pin = wheel.pin
    with _named(pin):
        if not any(_runs_on(tag, python, pin.architecture) for tag in wheel.tags):
            machine = pin.architecture or "every machine"
            raise _refused(f"it is made for {', '.join(wheel.tags) or 'nothing'}, not for Python {python} on {machine}")
        members = _members(wheel.file, pin)
        info = _info_folder(members, pin)
        site = f"{PREFIX}/lib/python{python}/dist-packages"
        placed: dict[str, File] = {}
        for member in members.values():
            for file in _placed(member, info, site, python):
                if file.path in placed:
                    raise _refused(f'two of its files would stand at "{file.path}"')
                if file.path.startswith(f"{site}/{info}/") or not is_left_out(file.path, exclude):
                    placed[file.path] = file
        for script in _entry_points(members, info, python):
            placed.setdefault(script.path, script)
        placed[f"{site}/{info}/INSTALLER"] = File(f"{site}/{info}/INSTALLER", Bytes(b"imagebake\n"))
        record = f"{site}/{info}/RECORD"
        placed[record] = File(record, Bytes(_record(placed, site, record)))
        return tuple(placed[path] for path in sorted(placed, key=str.encode))


def check_libraries(programs: Iterable[Entry], present: Iterable[Entry], architecture: Architecture) -> None:
    """Whether all that the wheels' programs and libraries need is there: in `present`, or among themselves.

    Otherwise a module fails when it is first imported, with a message about something else. Raises Problem (exit 4).
    """
    folders = library_folders(architecture)
    given = {
        basename(entry.path)
        for entry in present
        if dirname(entry.path) in folders and isinstance(entry, File | Symlink)
    }
    parsed: list[tuple[str, elf.Elf]] = []
    for entry in programs:
        if isinstance(entry, File) and (data := elf_data(entry)):
            file = elf.parse(data, f'"{entry.path}"')
            if file.machine != architecture:
                raise LockProblem(f'"{entry.path}" is for {file.machine}, not for {architecture}')
            parsed.append((entry.path, file))
            given.add(basename(entry.path))
    raise_all(
        [
            LockProblem(
                f'the library "{name}" is missing: "{path}" needs it, and no package of the image has it',
                hint="name the package that has it among the recipe's roots",
            )
            for path, file in parsed
            for name in file.needed
            if name not in given
        ]
    )


def normalized(name: str) -> str:
    """A project's name as all its spellings have it ("Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _members(file: Path, pin: Pin) -> dict[str, _WheelFile]:
    """All files of the archive, whose sha256 is the pin's: read once, hashed, then opened."""
    try:
        data = given.read(file, given.ASSET)
    except OSError as error:
        raise _refused(f"{file} can't be read: {error.strerror}") from None
    if (found := hashlib.sha256(data).hexdigest()) != pin.sha256:
        raise _refused(f"it has the sha256 {found}, not {pin.sha256}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return dict(_read(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise _refused(f"it is no archive that can be read ({error})") from None


def _read(archive: zipfile.ZipFile) -> Iterator[tuple[str, _WheelFile]]:
    items = archive.infolist()
    if len(items) > _COUNT_LIMIT or sum(item.file_size for item in items) > _TOTAL_LIMIT:
        raise _refused("it is too large")
    seen: set[str] = set()
    for item in items:
        path = item.orig_filename.removesuffix("/")
        mode = item.external_attr >> 16
        _check_path(path)
        if path in seen:
            raise _refused(f'"{path}" stands in it twice')
        seen.add(path)
        if mode & 0o170000 == _LINK:
            raise _refused(f'"{path}" is a link')
        if item.is_dir():
            continue
        with archive.open(item) as member:
            # What the archive says of a size is not believed.
            data = member.read(min(item.file_size, _FILE_LIMIT) + 1)
        if len(data) != item.file_size or len(data) > _FILE_LIMIT:
            raise _refused(f'"{path}" has another size than it says, or more than {_FILE_LIMIT} bytes')
        yield path, _WheelFile(path, data, bool(mode & 0o111))


def _check_path(path: str) -> None:
    parts = path.split("/")
    is_wild = any(ord(char) < 0x20 or ord(char) == 0x7F or char in "\\:" for char in path)
    if path.startswith("/") or {"", ".", ".."} & {*parts} or is_wild:
        raise _refused(f'the path "{path}" leads elsewhere')
    if wrong := unfit(path):
        raise _refused(f'"{path}" {wrong}')


def _info_folder(members: Collection[str], pin: Pin) -> str:
    folders = sorted({path.split("/")[0] for path in members if path.split("/")[0].endswith(".dist-info")})
    if len(folders) != 1:
        raise _refused(f"it has {len(folders)} .dist-info folders")
    name, _, version = folders[0].removesuffix(".dist-info").rpartition("-")
    if normalized(name) != normalized(pin.name) or version.replace("_", "-") != pin.version.replace("_", "-"):
        raise _refused(f'its folder "{folders[0]}" is of another project or version')
    return folders[0]


def _headers(members: Mapping[str, _WheelFile], path: str) -> dict[str, list[str]]:
    if path not in members:
        raise _refused(f'it has no "{path}"')
    message = HeaderParser().parsestr(members[path].data.decode("utf-8", "replace"))
    found: dict[str, list[str]] = {}
    for name, value in message.items():
        found.setdefault(name, []).append(str(value).strip())
    return found


def _licence(about: Mapping[str, list[str]]) -> str:
    """License-Expression is SPDX already; of the older free text only what is plainly one licence's name."""
    return copyrights.plain(about.get("License-Expression", [""])[0]) or copyrights.known(about.get("License", [""])[0])


def _tags(lines: Iterable[str]) -> Iterator[str]:
    """One tag may stand for several: "py2.py3-none-any"."""
    for line in lines:
        parts = line.split("-")
        if len(parts) == 3:
            for python in parts[0].split("."):
                for abi in parts[1].split("."):
                    yield from (f"{python}-{abi}-{platform}" for platform in parts[2].split("."))


def _runs_on(tag: str, python: str, architecture: Architecture | None) -> bool:
    language, abi, platform = tag.split("-")
    major, _, minor = python.partition(".")
    is_platform = platform == "any" or (
        architecture is not None
        and re.fullmatch(rf"(many)?linux[0-9_]*_{MACHINES[architecture]}", platform) is not None
    )
    if not is_platform:
        return False
    if abi == "none":
        return language in {f"py{major}", f"py{major}{minor}", f"cp{major}{minor}"}
    older = re.fullmatch(rf"cp{major}([0-9]+)", language)
    if abi == "abi3":
        return older is not None and int(older[1]) <= int(minor)
    return language == abi == f"cp{major}{minor}"


def _check_record(members: Mapping[str, _WheelFile], info: str) -> None:
    """Every file but RECORD itself and its signatures stands in RECORD, with a hash that it has."""
    own = f"{info}/RECORD"
    if own not in members:
        raise _refused(f'it has no "{own}"')
    exempt = {own, *(f"{info}/{name}" for name in _SIGNATURES)}
    recorded: set[str] = set()
    try:
        rows = list(csv.reader(io.StringIO(members[own].data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(f"its RECORD can't be read ({error})") from None
    for row in rows:
        if len(row) != 3 or row[0] in recorded:
            raise _refused(f"its RECORD is broken at {row}")
        path, hashed, size = row
        recorded.add(path)
        if path in exempt:
            continue
        member = members.get(path)
        if member is None:
            raise _refused(f'its RECORD names "{path}", which is not in it')
        name, _, digest = hashed.partition("=")
        if name not in _HASHES:
            raise _refused(f'its RECORD gives no good hash for "{path}"')
        if _hash(name, member.data) != digest or size not in {"", str(len(member.data))}:
            raise _refused(f'"{path}" is not the file that its RECORD says')
    if missing := sorted(members.keys() - recorded - exempt):
        raise _refused(f'"{missing[0]}" does not stand in its RECORD')


def _hash(name: str, data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.new(name, data).digest()).rstrip(b"=").decode()


def _placed(member: _WheelFile, info: str, site: str, python: str) -> Iterator[File]:
    """Where a file of the archive stands in the image."""
    path, mode = member.path, 0o755 if member.is_program else 0o644
    if dirname(path) == info and basename(path) in {"RECORD", "INSTALLER", *_SIGNATURES}:
        return
    data_folder = f"{info.removesuffix('.dist-info')}.data"
    if not path.startswith(f"{data_folder}/"):
        yield File(f"{site}/{path}", Bytes(member.data), mode)
        return
    kind, _, rest = path.removeprefix(f"{data_folder}/").partition("/")
    match kind:
        case _ if not rest:
            raise _refused(f'"{path}" stands in no folder of its data')
        case "purelib" | "platlib":
            yield File(f"{site}/{rest}", Bytes(member.data), mode)
        case "scripts":
            yield File(f"{PREFIX}/bin/{rest}", Bytes(_script(member.data, python)), 0o755)
        case "data":
            yield File(f"{PREFIX}/{rest}", Bytes(member.data), mode)
        case "headers":
            name = info.removesuffix(".dist-info").rpartition("-")[0]
            yield File(f"{PREFIX}/include/python{python}/{name}/{rest}", Bytes(member.data), mode)
        case _:
            raise _refused(f'its data has a folder "{kind}", which the specification does not know')


def _script(data: bytes, python: str) -> bytes:
    """`#!python` becomes the image's Python, as an installer would have it."""
    first, newline, rest = data.partition(b"\n")
    if re.fullmatch(rb"#!pythonw?\r?", first):
        return f"#!/usr/bin/python{python}".encode() + newline + rest
    return data


def _entry_points(members: Mapping[str, _WheelFile], info: str, python: str) -> Iterator[File]:
    """Console scripts, as an installer would write them."""
    if (member := members.get(f"{info}/entry_points.txt")) is None:
        return
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(member.data.decode())
    except (UnicodeDecodeError, configparser.Error):
        raise _refused("its entry_points.txt can't be read") from None
    if not parser.has_section("console_scripts"):
        return
    for name, target in parser.items("console_scripts"):
        found = re.fullmatch(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[[^\]]*\])?", target, re.ASCII)
        if not found or not re.fullmatch(r"[\w][\w.-]*", name, re.ASCII):
            raise _refused(f'its entry point "{name}" is broken')
        module, thing = found[1], found[2]
        text = (
            f"#!/usr/bin/python{python}\nimport sys\n\nfrom {module} import {thing.partition('.')[0]}\n\n"
            f'if __name__ == "__main__":\n    sys.exit({thing}())\n'
        )
        yield File(f"{PREFIX}/bin/{name}", Bytes(text.encode()), 0o755)


def _record(placed: Mapping[str, File], site: str, own: str) -> bytes:
    """RECORD of what is installed, with paths relative to the folder of modules."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    up = "../" * (site.count("/") + 1 - PREFIX.count("/") - 1)
    for path in sorted({*placed, own}, key=str.encode):
        shown = path.removeprefix(f"{site}/") if path.startswith(f"{site}/") else up + path.removeprefix(f"{PREFIX}/")
        if path == own:
            writer.writerow([shown, "", ""])
        else:
            data = b"".join(placed[path].content.chunks())
            writer.writerow([shown, f"sha256={_hash('sha256', data)}", len(data)])
    return out.getvalue().encode()


@contextmanager
def _named(pin: Pin) -> Iterator[None]:
    """Adds to a Problem which wheel it is about."""
    try:
        yield
    except Problem as problem:
        message = f"the wheel {pin.name} {pin.version} is refused: {problem.message}"
        raise LockProblem(message, hint=problem.hint) from None


def _refused(why: str) -> Problem:
    """Says only what is wrong; `_named` adds of which wheel."""
    return LockProblem(why)
