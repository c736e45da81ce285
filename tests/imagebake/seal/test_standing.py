"""An archive or a layout is what an engine loads: whatever else an engine could read from it is found, exit 10."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebake.image import oci, tar
from imagebake.seal import verification
from sealpress.commands.console import SILENT
from tests.imagebake.seal.conftest import Baked, refused

EVIL = b"".join(tar.stream([]))


@dataclass(frozen=True)
class Part:
    """A member, as it goes into an archive."""

    name: str
    data: bytes
    header: bytes

    def bytes(self) -> bytes:
        return self.header + self.data + bytes(-len(self.data) % 512)


def parts_of(file: Path) -> list[Part]:
    data = file.read_bytes()
    with tarfile.open(file) as found:
        return [
            Part(item.name, data[item.offset_data : item.offset_data + item.size], data[item.offset :][:512])
            for item in found
        ]


def joined(parts: list[Part], end: bytes = bytes(1024)) -> bytes:
    return b"".join(part.bytes() for part in parts) + end


def part(name: str, data: bytes, kind: bytes = b"0", **more: Any) -> Part:
    return Part(name, data, tar.header(name, kind, mode=0o644, size=len(data), **more))


def swapped(parts: list[Part], name: str, edit: Callable[[Any], object]) -> list[Part]:
    """With one document edited, and all else in order: sizes, times, checksums."""
    import hashlib

    def new(one: Part) -> Part:
        if one.name != name:
            return one
        data = oci.canonical(edit(json.loads(one.data)))
        return part(name, data, mtime=tar.mtime(hashlib.sha256(data).hexdigest()))

    return [new(one) for one in parts]


def docker(edit: Callable[[Any], Any]) -> Callable[[list[Part]], list[Part]]:
    def changed(document: Any) -> Any:
        edit(document)
        return document

    return lambda parts: swapped(parts, "manifest.json", changed)


def index(edit: Callable[[Any], Any]) -> Callable[[list[Part]], list[Part]]:
    def changed(document: Any) -> Any:
        edit(document)
        return document

    return lambda parts: swapped(parts, "index.json", changed)


def raw(name: str, edit: Callable[[bytes], bytes]) -> Callable[[list[Part]], list[Part]]:
    def new(one: Part) -> Part:
        return part(one.name, edit(one.data)) if one.name == name else one

    return lambda parts: [new(one) for one in parts]


def renamed(name: str, to: str) -> Callable[[list[Part]], list[Part]]:
    return lambda parts: [part(to, one.data) if one.name == name else one for one in parts]


def headed(form: int = tarfile.PAX_FORMAT, **fields: Any) -> Callable[[list[Part]], list[Part]]:
    """With the headers of all blobs written by Python's tarfile, and these fields in them."""

    def new(one: Part) -> Part:
        info = tarfile.TarInfo.frombuf(one.header, "utf-8", "strict")
        for key, value in fields.items():
            setattr(info, key, value)
        return replace(one, header=info.tobuf(form))

    return lambda parts: [new(one) if one.name.startswith("blobs/sha256/") else one for one in parts]


def patched(at: int, data: bytes) -> Callable[[list[Part]], list[Part]]:
    """With these bytes in the header of the last member, whose sum is right."""

    def changed(header: bytes) -> bytes:
        return _summed(header[:at] + data + header[at + len(data) :])

    return lambda parts: [*parts[:-1], replace(parts[-1], header=changed(parts[-1].header))]


def more(*found: Part) -> Callable[[list[Part]], list[Part]]:
    return lambda parts: [*parts, *found]


def first(*found: Part) -> Callable[[list[Part]], list[Part]]:
    return lambda parts: [*found, *parts]


ATTACKS: dict[str, Callable[[list[Part]], list[Part]]] = {
    "another configuration": docker(lambda found: found[0].update(Config="blobs/sha256/" + "0" * 64)),
    "one more layer": docker(lambda found: found[0]["Layers"].append(found[0]["Layers"][0])),
    "one layer less": docker(lambda found: found[0]["Layers"].pop()),
    "layers in another order": docker(lambda found: found[0]["Layers"].reverse()),
    "another name": docker(lambda found: found[0].update(RepoTags=["docker.io/library/nginx:latest"])),
    "one more name": docker(lambda found: found[0]["RepoTags"].append("debian:12")),
    "no name": docker(lambda found: found[0].update(RepoTags=None)),
    "two images": docker(lambda found: found.append({**found[0], "RepoTags": ["x:1"]})),
    "a key in another case": docker(lambda found: found[0].update(config="blobs/sha256/" + "0" * 64)),
    "a key of an older engine": docker(lambda found: found[0].update(Parent="sha256:" + "0" * 64)),
    "sources of layers": docker(lambda found: found[0].update(LayerSources={})),
    "a key that stands twice": raw("manifest.json", lambda data: data.replace(b'"Config"', b'"Config":"x","Config"')),
    "blanks": raw("manifest.json", lambda data: data + b" "),
    "escapes": raw("manifest.json", lambda data: data.replace(b"Config", b"\\u0043onfig")),
    "no manifest.json": lambda parts: [one for one in parts if one.name != "manifest.json"],
    "no index.json": lambda parts: [one for one in parts if one.name != "index.json"],
    "another reference in the index": index(
        lambda found: found["manifests"][0]["annotations"].update({"io.containerd.image.name": "debian:12"})
    ),
    "a second manifest": index(lambda found: found["manifests"].append(found["manifests"][0])),
    "annotations of the index": index(lambda found: found.update(annotations={"io.containerd.image.name": "x"})),
    "another platform": index(lambda found: found["manifests"][0].update(platform={"os": "windows"})),
    "an artifact type": index(lambda found: found["manifests"][0].update(artifactType="x")),
    "a size that is not": index(lambda found: found["manifests"][0].update(size=1)),
    "another layout": raw("oci-layout", lambda _data: b'{"imageLayoutVersion":"2.0.0"}'),
    "repositories": more(part("repositories", b"{}")),
    "a layer of an older engine": more(part("1/json", b"{}"), part("1/layer.tar", EVIL), part("1/VERSION", b"1.0")),
    "a second manifest.json": more(part("manifest.json", b"[]")),
    "a first manifest.json": first(part("manifest.json", b"[]")),
    "a second blob of one name": lambda parts: [*parts, parts[2]],
    "./manifest.json": more(part("./manifest.json", b"[]")),
    "./ alone": renamed("manifest.json", "./manifest.json"),
    "/manifest.json": more(part("/manifest.json", b"[]")),
    "a way up": more(part("blobs/../manifest.json", b"[]")),
    "two slashes": more(part("blobs//sha256/x", b"[]")),
    "another case": more(part("Manifest.json", b"[]")),
    "a link": lambda parts: [*parts, Part("x", b"", tar.header("x", b"2", mode=0o777, target="manifest.json"))],
    "a hard link": lambda parts: [*parts, Part("x", b"", tar.header("x", b"1", mode=0o644, target="manifest.json"))],
    "a folder": more(Part("more/", b"", tar.header("more/", b"5", mode=0o755))),
    "a device": more(Part("x", b"", tar.header("x", b"3", mode=0o644))),
    "a path in a pax header": headed(pax_headers={"path": "blobs/sha256/x"}),
    "a harmless pax header": headed(pax_headers={"comment": "x"}),
    "a size in a pax header": headed(pax_headers={"size": "1"}),
    "a sparse file": headed(pax_headers={"GNU.sparse.major": "1", "GNU.sparse.name": "manifest.json"}),
    "pax for all": lambda parts: [
        replace(
            parts[0],
            header=tarfile.TarInfo.create_pax_global_header({"path": "manifest.json"}) + parts[0].header,
        ),
        *parts[1:],
    ],
    "a long name": lambda parts: [
        *parts,
        Part("x" * 200, b"", tarfile.TarInfo("x" * 200).tobuf(tarfile.GNU_FORMAT)),
    ],
    "GNU's form": headed(form=tarfile.GNU_FORMAT),
    "an old form": patched(257, bytes(8)),
    "a prefix": patched(345, b"x"),
    "another mode": patched(100, b"0000755"),
    "another owner": patched(108, b"0000001"),
    "another group": patched(116, b"0000001"),
    "another time": patched(136, b"00000000001"),
    "another type": patched(156, b"7"),
    "a type of older tars": patched(156, b"\0"),
    "a target": patched(157, b"x"),
    "an owner's name": patched(265, b"root"),
    "a device's number": patched(329, b"0000001"),
    "something in the reserve": patched(500, b"x"),
    "something behind the name": patched(98, b"x"),
    "a number in another form": patched(124, b" "),
    "another order": lambda parts: parts[::-1],
    "a layer left out": lambda parts: [one for one in parts if len(one.data) != max(len(two.data) for two in parts)],
}


def _summed(header: bytes) -> bytes:
    total = sum(header[:148]) + 8 * 0x20 + sum(header[156:])
    return header[:148] + b"%06o\0 " % total + header[156:]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_else_an_engine_could_read_is_found(baked: Baked, tmp_path: Path, attack: str) -> None:
    parts = ATTACKS[attack](parts_of(baked.archive))
    (tmp_path / "x.tar").write_bytes(joined(parts))
    assert joined(parts) != baked.archive.read_bytes()
    refused(tmp_path / "x.tar", baked.seal)


@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
def test_the_document_that_was_altered_is_blamed(baked: Baked, tmp_path: Path, name: str) -> None:
    parts = raw(name, lambda data: data + b" ")(parts_of(baked.archive))
    (tmp_path / "x.tar").write_bytes(joined(parts))
    assert f"its {name} is not that of the image" in refused(tmp_path / "x.tar", baked.seal)


def test_the_parts_alone_make_the_archive_that_is_verified(baked: Baked, tmp_path: Path) -> None:
    """So what is refused above is refused for what was changed."""
    (tmp_path / "x.tar").write_bytes(joined(parts_of(baked.archive)))
    assert (tmp_path / "x.tar").read_bytes() == baked.archive.read_bytes()
    assert len(verification.images(tmp_path / "x.tar", baked.seal, SILENT)) == 1


def _padded(data: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as found:
        at = found.getmember("oci-layout").offset_data + 400
    return data[:at] + b"x" + data[at + 1 :]


ENDS: dict[str, Callable[[bytes], bytes]] = {
    "more blocks of nothing": lambda data: data + bytes(512),
    "something behind the end": lambda data: data + b"x",
    "another archive behind it": lambda data: data + data,
    "another archive in place of the end": lambda data: data[:-1024] + data,
    "one block of the end": lambda data: data[:-512],
    "no end": lambda data: data[:-1024],
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda _data: b"",
    "gzip": lambda data: gzip.compress(data, 1),
    "gzip, twice": lambda data: gzip.compress(data, 1) * 2,
    "no tar": lambda _data: b"PK\3\4" + bytes(2000),
    "something in the padding": _padded,
}


@pytest.mark.parametrize("end", ENDS)
def test_an_archive_ends_where_it_ends(baked: Baked, tmp_path: Path, end: str) -> None:
    (tmp_path / "x.tar").write_bytes(ENDS[end](baked.archive.read_bytes()))
    message = refused(tmp_path / "x.tar", baked.seal)
    assert ("is compressed" in message) == end.startswith("gzip")


@settings(max_examples=300)
@given(st.data())
def test_no_byte_of_an_archive_can_be_changed(baked: Baked, tmp_path: Path, data: st.DataObject) -> None:
    """Above all none of those that no digest covers: headers, padding, the two documents, the end."""
    whole = bytearray(baked.archive.read_bytes())
    with tarfile.open(baked.archive) as found:
        members = found.getmembers()
    ranges = [st.integers(0, len(whole) - 1), st.integers(len(whole) - 1024, len(whole) - 1)]
    ranges += [st.integers(one.offset, one.offset + 511) for one in members]
    ranges += [st.integers(one.offset_data, one.offset_data + one.size + 100) for one in members[-3:]]
    at = min(data.draw(st.one_of(ranges)), len(whole) - 1)
    whole[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "x.tar").write_bytes(whole)
    refused(tmp_path / "x.tar", baked.seal)
