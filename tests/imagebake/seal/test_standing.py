"""An archive or a layout is what an engine loads: whatever else an engine could read from it is found, exit 10."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebake.image import oci, tar
from imagebake.seal import folder as beside
from imagebake.seal import verification
from imagebake.seal.envelope import Seal
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.seal.conftest import SITE, Baked

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


def refused(path: Path, seal: Seal) -> str:
    with pytest.raises(Problem) as caught:
        verification.images(path, seal, SILENT)
    assert caught.value.code is Exit.SEAL, caught.value
    return caught.value.message


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
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


# --- layouts ----------------------------------------------------------------------------------------------------------


def _touch(path: str, data: bytes = b"x") -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / path).parent.mkdir(exist_ok=True, parents=True)
        (root / path).write_bytes(data)

    return write


def _edit(path: str, edit: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda root: _touch(path, edit((root / path).read_bytes()))(root)


def _linked(path: str) -> Callable[[Path], None]:
    def link(root: Path) -> None:
        (root / path).rename(root.parent / "elsewhere")
        (root / path).symlink_to(root.parent / "elsewhere")

    return link


def _alone(root: Path) -> None:
    """Without the image for arm64, which an engine on such a machine would then look for elsewhere."""
    top = json.loads((root / "index.json").read_bytes())
    inner = json.loads((root / oci.blob_path(top["manifests"][0]["digest"])).read_bytes())
    (root / oci.blob_path(top["manifests"][0]["digest"])).unlink()
    found = oci.index([])
    wanted = next(one for one in inner["manifests"] if one["platform"]["architecture"] == "amd64")
    found = oci.OciDocument(oci.INDEX_TYPE, oci.canonical({**inner, "manifests": [wanted]}))
    (root / oci.blob_path(found.digest)).write_bytes(found.data)
    top["manifests"][0] |= {"digest": found.digest, "size": found.size}
    (root / "index.json").write_bytes(oci.canonical(top))


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "one more blob": _touch("blobs/sha256/" + "0" * 64),
    "one more file": _touch("manifest.json", b"[]"),
    "a name in another case": _touch("INDEX.JSON", b"{}"),
    "one more kind of digest": _touch("blobs/sha512/" + "0" * 128),
    "a pipe": lambda root: os.mkfifo(root / "pipe"),
    "a link to the index": _linked("index.json"),
    "a link to all blobs": _linked("blobs"),
    "another tag": _edit("index.json", lambda data: data.replace(b'ref.name":"', b'ref.name":"x')),
    "a blank": _edit("index.json", lambda data: data + b"\n"),
    "an index in place of a layout": _edit("oci-layout", lambda data: data + b" "),
    "one image alone": _alone,
    "no index": lambda root: (root / "index.json").unlink(),
    "no oci-layout": lambda root: (root / "oci-layout").unlink(),
    "no blobs": lambda root: shutil.rmtree(root / "blobs"),
}


@pytest.mark.parametrize("attack", LAYOUTS)
@pytest.mark.parametrize("below", ["oci", ""])
def test_a_layout_holds_nothing_else(baked: Baked, tmp_path: Path, attack: str, below: str) -> None:
    """The folder of a bake, or the layout alone."""
    layout = tmp_path / "image" / below
    shutil.copytree(baked.folder / "oci", layout)
    assert len(verification.images(tmp_path / "image", baked.seal, SILENT)) == 2
    LAYOUTS[attack](layout)
    refused(tmp_path / "image", baked.seal)


def test_the_seal_itself_may_lie_in_a_layout(baked: Baked, tmp_path: Path) -> None:
    """The one that it is verified by; another file of that name is one file more."""
    layout = tmp_path / "layout"
    shutil.copytree(baked.folder / "oci", layout)
    shutil.copy(baked.folder / "seal.json", layout)
    assert len(verification.images(layout, baked.seal, SILENT, file=layout / "seal.json")) == 2
    with pytest.raises(Problem, match=r"it holds 'seal\.json', which the seal does not name"):
        verification.images(layout, baked.seal, SILENT, file=baked.folder / "seal.json")


# --- the folder -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(baked: Baked, tmp_path: Path) -> Iterator[Path]:
    """A copy, with site.toml and the signers beside it."""
    shutil.copytree(baked.folder.parent, tmp_path / "blog")
    return tmp_path / "blog" / "image"


def verify(image: Path, *options: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagebake.cli", "verify", *options],
        cwd=at or image.parent,
        env={**os.environ, "CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_all_that_a_bake_wrote_is_verified_and_the_rest_is_told(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "old.tar").write_text("whatever")
    done = verify(folder, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    names = [f"blog-example-org-{one}{end}" for one in ("amd64", "arm64") for end in (".spdx.json", ".tar")]
    assert told["verified"] == [*names, "oci", "seal.json"]
    assert told["not_verified"] == ["notes.txt", "old.tar"]
    assert "image/notes.txt was not verified" in done.stderr


def test_what_a_bake_for_more_architectures_left_is_told_as_that(baked: Baked, folder: Path) -> None:
    images = verification.images(folder, baked.seal, SILENT)
    amd64 = [image for image in images if image.architecture == "amd64"]
    with pytest.raises(Problem, match="the seal names no image for arm64") as caught:
        beside.check(folder, amd64, baked.seal.statement, folder / "seal.json")
    assert caught.value.code is Exit.SEAL
    assert "an earlier bake may have left it there" in caught.value.hint


FOLDERS: dict[str, Callable[[Path], None]] = {
    "an archive of the other machine": lambda folder: (
        shutil.copy(folder / "blog-example-org-arm64.tar", folder / "blog-example-org-amd64.tar") and None
    ),
    "an archive with more behind it": _edit("blog-example-org-amd64.tar", lambda data: data + bytes(512)),
    "a damaged archive": _edit("blog-example-org-arm64.tar", lambda data: data[:-2000]),
    "a compressed archive": _edit("blog-example-org-arm64.tar", lambda data: gzip.compress(data, 1)),
    "a folder of that name": lambda folder: _as_folder(folder / "blog-example-org-arm64.tar"),
    "another bill": _edit("blog-example-org-amd64.spdx.json", lambda data: data.replace(b"server", b"sorver", 1)),
    "a bill with more": _edit("blog-example-org-amd64.spdx.json", lambda data: data + b"\n"),
    "an empty bill": _edit("blog-example-org-amd64.spdx.json", lambda _data: b""),
    "a seal cut short": _edit("seal.json", lambda data: data[:-10]),
    "a seal that is a pipe": lambda folder: _as_pipe(folder / "seal.json"),
}


def _as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _as_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("change", FOLDERS)
def test_what_a_user_would_use_is_as_it_was_sealed(folder: Path, change: str) -> None:
    FOLDERS[change](folder)
    done = verify(folder)
    assert (done.returncode, done.stdout) == (Exit.SEAL, ""), done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr


def test_an_archive_of_an_earlier_bake_does_not_pass_for_this_one_s(folder: Path, packages: Path) -> None:
    """Baked again for one architecture alone: what lies there for the other is of no image that the seal names."""
    environment = {**os.environ, "SEALPRESS_CACHE": str(packages), "CI": "true"}
    command = [sys.executable, "-m", "imagebake.cli", "bake", "public", "-q", "--no-sign", "--arch", "amd64"]
    subprocess.run(command, cwd=folder.parent, env=environment, check=True, timeout=100)
    done = verify(folder, "--unsigned")
    assert done.returncode == Exit.SEAL
    assert "blog-example-org-arm64" in done.stderr
    for file in folder.glob("*arm64*"):
        file.unlink()
    assert verify(folder, "--unsigned").returncode == 0


def test_the_site_is_the_one_that_is_meant(folder: Path, tmp_path: Path) -> None:
    """Of site.toml, here or by --site, or by --name; outside of any blog it is said that nothing tells."""
    assert "  site     blog-example-org\n" in verify(folder).stdout
    signers = ("--allowed-signers", str(folder.parent / "allowed_signers"))
    outside = verify(folder, str(folder), *signers, at=tmp_path)
    assert outside.returncode == 0, outside.stderr
    assert "  site     blog-example-org: nothing here says which site it should be\n" in outside.stdout
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "site.toml"
    other.write_text(SITE.replace("blog.example.org", "shop.example.org"))
    for done in (
        verify(folder, str(folder), *signers, at=other.parent),
        verify(folder, "--site", str(other), *signers),
        verify(folder, "--name", "shop"),
    ):
        assert (done.returncode, done.stdout) == (Exit.SEAL, ""), done.stderr
        assert "the seal is that of the site 'blog-example-org'" in done.stderr
    assert verify(folder, str(folder), *signers, "--name", "blog-example-org", at=other.parent).returncode == 0
