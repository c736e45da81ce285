"""Tiny programs, packages and whole mirrors, made by the tests themselves: well-formed unless a test bends them."""

import gzip
import hashlib
import io
import lzma
import struct
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pysequoia
import pytest

from imagebake.fetch import download
from sealpress.config.settings import ImageSettings

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MACHINES = {"amd64": 62, "arm64": 183}
INTERPRETERS = {"amd64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}


def elf(architecture: str = "amd64", *, needed: Iterable[str] = (), soname: str = "", interpreter: str = "") -> bytes:
    """An ELF file with a dynamic section, and nothing to run."""
    base = 0x400000
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text) - 1

    tags = [(1, string(name)) for name in needed]
    tags += [(14, string(soname))] if soname else []
    interpreter_at = string(interpreter) if interpreter else 0
    start = 64 + 3 * 56
    at = start + len(strings)
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in [*tags, (5, base + start), (0, 0)])
    total = at + len(dynamic)
    segments = [(1, 0, base, total), (2, at, base + at, len(dynamic))]
    segments += [(3, start + interpreter_at, 0, len(interpreter) + 1)] if interpreter else []
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9),
        *(3, MACHINES[architecture], 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0),
    )
    table = b"".join(struct.pack("<IIQQQQQQ", kind, 5, at, va, va, size, size, 8) for kind, at, va, size in segments)
    return (header + table).ljust(start, b"\0") + bytes(strings) + dynamic


@dataclass(frozen=True)
class Member:
    """One member of a tar, as hostile as a test wants it."""

    path: str
    data: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    target: str = ""


def tar(members: Iterable[Member], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.mode, info.type, info.linkname, info.size = member.mode, member.kind, member.target, len(member.data)
            archive.addfile(info, io.BytesIO(member.data))
    return out.getvalue()


def ar(members: Iterable[tuple[str, bytes]]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".xz": lzma.compress,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": lambda _data: b"\x28\xb5\x2f\xfd",
}


def deb(
    files: Iterable[Member] | bytes, *, name: str = "tiny", version: str = "1", packing: str = ".xz", **fields: str
) -> bytes:
    """A .deb; `files` as members of data.tar, or data.tar's own bytes."""
    control = "".join(
        f"{key.replace('_', '-')}: {value}\n" for key, value in {"Package": name, "Version": version, **fields}.items()
    )
    data = files if isinstance(files, bytes) else tar(files)
    pack = PACKERS[packing]
    return ar(
        [
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", lzma.compress(tar([Member("./control", control.encode())]))),
            (f"data.tar{packing}", pack(data)),
        ]
    )


@dataclass
class FakeMirror:
    """A mirror of a tiny Debian in a folder, signed with its own key."""

    root: Path
    key: Any = field(default_factory=lambda: pysequoia.Tsk.generate("Tiny Archive <tiny@example.org>"))
    date: datetime = datetime(2026, 11, 19, 2, 12, 54, tzinfo=UTC)
    valid_until: datetime | None = datetime(2026, 11, 26, tzinfo=UTC)
    codename: str = "trixie"
    entries: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def keys(self) -> list[Any]:
        return [self.key.extract_certificate()]

    @property
    def settings(self) -> ImageSettings:
        url = self.root.as_uri()
        return ImageSettings(mirror=f"{url}/debian", security_mirror=f"{url}/security")

    def add(
        self,
        name: str,
        files: Iterable[Member],
        *,
        version: str = "1",
        architecture: str = "amd64",
        archive: str = "main",
        licence: bool = True,
        **fields: str,
    ) -> Path:
        """Puts a package into the pool and the next index; gives its file."""
        members = [*files, *([Member(f"./usr/share/doc/{name}/copyright", b"free\n")] if licence else [])]
        data = deb(members, name=name, version=version, Architecture=architecture, **fields)
        path = f"pool/{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        file = self._base(archive) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        described = {
            "Package": name,
            "Version": version,
            "Architecture": architecture,
            "Filename": path,
            "Size": str(len(data)),
            "SHA256": hashlib.sha256(data).hexdigest(),
            **{key.replace("_", "-"): value for key, value in fields.items()},
        }
        text = "".join(f"{key}: {value}\n" for key, value in described.items())
        self.entries.setdefault((archive, architecture), []).append(text)
        return file

    def drop(self, name: str) -> None:
        """Takes a package out of all indexes; its file goes too."""
        for texts in self.entries.values():
            texts[:] = [text for text in texts if not text.startswith(f"Package: {name}\n")]
        for file in self.root.rglob(f"{name}_*.deb"):
            file.unlink()

    def publish(self) -> None:
        """Writes the indexes and signs the Release files."""
        for archive in ("main", "updates", "security"):
            suite = self.codename if archive == "main" else f"{self.codename}-{archive}"
            folder = self._base(archive) / "dists" / (suite.replace(self.codename, "trixie"))
            listed = []
            for architecture in MACHINES:
                packed = lzma.compress("\n".join(self.entries.get((archive, architecture), [])).encode())
                sha256 = hashlib.sha256(packed).hexdigest()
                path = f"main/binary-{architecture}/Packages.xz"
                by_hash = folder / f"main/binary-{architecture}/by-hash/SHA256/{sha256}"
                by_hash.parent.mkdir(parents=True, exist_ok=True)
                by_hash.write_bytes(packed)
                listed.append(f" {sha256} {len(packed)} {path}\n")
            text = f"Origin: Tiny\nSuite: stable\nCodename: {suite}\nDate: {format_datetime(self.date)}\n"
            if self.valid_until:
                text += f"Valid-Until: {format_datetime(self.valid_until)}\n"
            text += "Acquire-By-Hash: yes\nArchitectures: amd64 arm64\nSHA256:\n" + "".join(listed)
            signed = pysequoia.sign(self.key.signer(), text.encode(), mode=pysequoia.SignatureMode.CLEAR)
            (folder / "InRelease").write_bytes(signed)

    def _base(self, archive: str) -> Path:
        return self.root / ("security" if archive == "security" else "debian")


@dataclass(frozen=True)
class Make:
    """The builders above, for tests."""

    now = NOW
    Member = Member
    elf = staticmethod(elf)
    tar = staticmethod(tar)
    ar = staticmethod(ar)
    deb = staticmethod(deb)

    @staticmethod
    def program(path: str, *needed: str, architecture: str = "amd64") -> Member:
        data = elf(architecture, needed=needed, interpreter=INTERPRETERS[architecture])
        return Member(f"./{path}", data, 0o755)

    @staticmethod
    def library(soname: str, *needed: str, architecture: str = "amd64") -> list[Member]:
        """A library as Debian packages it: a file with the whole version, and the link of its soname."""
        folder = "./usr/lib/" + {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[architecture]
        data = elf(architecture, needed=needed, soname=soname)
        link = Member(f"{folder}/{soname}", kind=tarfile.SYMTYPE, target=f"{soname}.0.1")
        return [Member(f"{folder}/{soname}.0.1", data), link]

    @staticmethod
    def libc(architecture: str = "amd64") -> list[Member]:
        folder = "usr/lib/" + {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[architecture]
        linker = INTERPRETERS[architecture].rpartition("/")[2]
        at = "usr" + INTERPRETERS[architecture]
        up = "../" * at.removeprefix("usr/").count("/")
        return [
            Member(f"./{folder}/{linker}", elf(architecture, soname=linker), 0o755),
            Member(f"./{at}", kind=tarfile.SYMTYPE, target=f"{up}{folder.removeprefix('usr/')}/{linker}"),
            Member(f"./{folder}/libc.so.6", elf(architecture, needed=[linker], soname="libc.so.6"), 0o755),
        ]


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


def tiny_mirror(folder: Path) -> FakeMirror:
    """A mirror with a server, what it needs, and things that it doesn't: published, for both architectures."""
    mirror = FakeMirror(folder)
    for architecture in MACHINES:
        server = [Make.program("usr/sbin/server", "libssl.so.3", "libc.so.6", architecture=architecture)]
        add = mirror.add
        add("server", server, architecture=architecture, Depends="libc6 (>= 1), libssl3, editor, server-common (= 1)")
        add("server-common", [Member("./etc/server/types", b"t")], architecture=architecture, Depends="editor")
        libssl = Make.library("libssl.so.3", "libz.so.1", "libc.so.6", architecture=architecture)
        add("libssl3", libssl, architecture=architecture, Depends="libc6, zlib1g (>= 1) | zlib-ng")
        zlib = Make.library("libz.so.1", "libc.so.6", architecture=architecture)
        add("zlib1g", zlib, architecture=architecture, Pre_Depends="libc6 (>= 1)")
        add("libc6", Make.libc(architecture), architecture=architecture)
        add("editor", [Member("./usr/bin/editor", b"#!")], architecture=architecture)
    mirror.publish()
    return mirror


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    return tiny_mirror(tmp_path / "mirror")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts, and no snapshot mirror from outside where a package has to be gone."""
    # Pauses are for mirrors that recover, and no caller chooses them.
    monkeypatch.setattr(download, "_PAUSES", (0.0, 0.0))
    monkeypatch.delenv("SEALPRESS_SNAPSHOT_MIRROR", raising=False)
