"""What is read back from an archive or a layout is true, or it is refused: attacks, damage and lies."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import archive, inspection, layers, oci
from imagebake.image.entries import Bytes, Entry, File
from imagebake.image.layers import Layer
from sealpress.problems import Exit, Problem

RUNTIME = oci.Runtime(
    entrypoint=("/x",), user="101:101", port=8080, stop_signal="SIGQUIT", labels={"org.sealpress.site": "x"}
)
REFERENCE = "localhost/site/x:0123456789abcdef"


def layer(name: str, text: bytes) -> Layer:
    entries: list[Entry] = [File(name, Bytes(text))]
    return layers.described(name, lambda: entries, f"imagebake: {name}")


IMAGE = oci.seal(RUNTIME, [layer("one", b"1"), layer("two", b"2")], "amd64", datetime(2026, 6, 1, tzinfo=UTC))
WHOLE = b"".join(archive.stream(IMAGE, REFERENCE))


def members() -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as tar:
        return {item.name: file.read() for item in tar if (file := tar.extractfile(item))}


def tar_of(files: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in more:
            tar.addfile(info)
    return out.getvalue()


def refusal(tmp_path: Path, data: bytes) -> str:
    file = tmp_path / "image.tar"
    file.write_bytes(data)
    with pytest.raises(Problem) as caught:
        inspection.inspect(file)
    assert caught.value.code is Exit.TREE
    return caught.value.message


def test_an_archive_tells_what_the_image_is(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(WHOLE)
    (found,) = inspection.inspect(tmp_path / "image.tar")
    assert (found.reference, found.digest, found.config_digest) == (
        REFERENCE,
        IMAGE.manifest.digest,
        IMAGE.config.digest,
    )
    assert (found.architecture, found.created, found.config.execution.user, found.config.execution.ports) == (
        "amd64",
        "2026-06-01T00:00:00Z",
        "101:101",
        ("8080/tcp",),
    )
    assert dict(found.labels) == {"org.sealpress.site": "x"}
    assert [(one.name, one.diff_id, one.size, one.is_there) for one in found.layers] == [
        (one.name, one.diff_id, one.size, True) for one in IMAGE.layers
    ]
    assert found.size == 4096


def test_a_layer_that_was_left_out_is_told(tmp_path: Path) -> None:
    omit = {IMAGE.layers[0].diff_id}
    (tmp_path / "image.tar").write_bytes(b"".join(archive.stream(IMAGE, REFERENCE, omit)))
    (found,) = inspection.inspect(tmp_path / "image.tar")
    assert [one.is_there for one in found.layers] == [False, True]


def test_a_layout_and_the_folder_above_it_tell_every_architecture(tmp_path: Path) -> None:
    arm = oci.seal(RUNTIME, [layer("one", b"arm")], "arm64", datetime(2026, 6, 1, tzinfo=UTC))
    oci.write_layout([IMAGE, arm], REFERENCE, tmp_path / "oci")
    for path in (tmp_path, tmp_path / "oci"):
        found = inspection.inspect(path)
        assert [(one.architecture, one.digest) for one in found] == [
            ("amd64", IMAGE.manifest.digest),
            ("arm64", arm.manifest.digest),
        ]


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (entry("../../etc/cron.d/x"), 'the path "../../etc/cron.d/x" leads out of it'),
        (entry("blobs/../../x"), 'the path "blobs/../../x" leads out of it'),
        (entry("/etc/passwd"), 'the path "/etc/passwd" leads out of it'),
        (entry("index.json", tarfile.SYMTYPE, "/etc/passwd"), '"index.json" is neither a file nor a folder'),
        (entry("x", tarfile.LNKTYPE, "index.json"), '"x" is neither a file nor a folder'),
        (entry("null", tarfile.CHRTYPE), '"null" is neither a file nor a folder'),
        (entry("pipe", tarfile.FIFOTYPE), '"pipe" is neither a file nor a folder'),
    ],
)
def test_an_attack_is_refused(tmp_path: Path, attack: tarfile.TarInfo, message: str) -> None:
    assert message in refusal(tmp_path, tar_of(members(), attack))


@pytest.mark.parametrize(("size", "message"), [(8**11 - 1, "too large"), (1 << 50, "a number that can't be read")])
def test_a_huge_size_is_refused_before_anything_is_read(tmp_path: Path, size: int, message: str) -> None:
    huge = tarfile.TarInfo("blobs/sha256/" + "0" * 64)
    huge.size = size
    assert message in refusal(tmp_path, huge.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Two readers could take another one each."""
    twice = tar_of({"index.json": b"{}"})[:1024] + tar_of(members())
    assert '"index.json" stands in it twice' in refusal(tmp_path, twice)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="it is no file"):
        inspection.inspect(tmp_path / "pipe")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    assert "too large" in refusal(tmp_path, tar_of({f"{number}": b"" for number in range(1000)}))


def rename(name: str, change: Callable[[Any], Any]) -> dict[str, bytes]:
    """The archive's files with a changed document; whatever names it by its digest still does so."""
    files = members()
    files[name] = json.dumps(change(json.loads(files[name]))).encode()
    return files


MANIFEST = oci.blob_path(IMAGE.manifest.digest)
CONFIG = oci.blob_path(IMAGE.config.digest)
LAYER = oci.blob_path(IMAGE.layers[1].diff_id)


@pytest.mark.parametrize("name", [MANIFEST, CONFIG, LAYER])
def test_a_blob_with_one_changed_byte_is_refused(tmp_path: Path, name: str) -> None:
    files = members()
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    assert "has other bytes than its name says" in refusal(tmp_path, tar_of(files))


def signed_over(
    manifest: Callable[[dict[str, Any]], None], config: Callable[[dict[str, Any]], None]
) -> dict[str, bytes]:
    """An archive whose digests are all right, and whose documents are not."""
    files = members()
    inner = json.loads(files.pop(CONFIG))
    config(inner)
    data = json.dumps(inner).encode()
    outer = json.loads(files.pop(MANIFEST))
    outer["config"] |= {"digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}
    manifest(outer)
    above = json.dumps(outer).encode()
    index = json.loads(files["index.json"])
    index["manifests"][0] |= {"digest": "sha256:" + hashlib.sha256(above).hexdigest(), "size": len(above)}
    files[oci.blob_path(outer["config"]["digest"])] = data
    files[oci.blob_path(index["manifests"][0]["digest"])] = above
    files["index.json"] = json.dumps(index).encode()
    return files


def nothing(_document: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize(
    ("manifest", "config"),
    [
        (lambda one: one["layers"].reverse(), nothing),
        (lambda one: one.pop("layers"), nothing),
        (lambda one: one["layers"][0].update(digest="sha256:../../x"), nothing),
        (lambda one: one["layers"][0].update(size="12"), nothing),
        (lambda one: one["layers"][0].update(size=99), nothing),
        (lambda one: one["layers"].__setitem__(0, []), nothing),
        (nothing, lambda one: one.pop("rootfs")),
        (nothing, lambda one: one["rootfs"].update(diff_ids=[1, 2])),
        (nothing, lambda one: one.update(config=[])),
        (nothing, lambda one: one["config"].update(Labels=[1])),
        (nothing, lambda one: one["config"].update(ExposedPorts=8080)),
    ],
)
def test_documents_that_contradict_each_other_are_refused(
    tmp_path: Path, manifest: Callable[[dict[str, Any]], None], config: Callable[[dict[str, Any]], None]
) -> None:
    refusal(tmp_path, tar_of(signed_over(manifest, config)))


def test_the_forger_of_these_tests_makes_archives_that_are_read(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    (tmp_path / "image.tar").write_bytes(tar_of(signed_over(nothing, nothing)))
    assert len(inspection.inspect(tmp_path / "image.tar")) == 1


def test_an_index_that_holds_itself_ends(tmp_path: Path) -> None:
    files = members()
    deep = files["index.json"]
    for _ in range(5):
        name = "sha256:" + hashlib.sha256(deep).hexdigest()
        files[oci.blob_path(name)] = deep
        descriptor = {"mediaType": oci.INDEX_TYPE, "digest": name, "size": len(deep)}
        deep = json.dumps({"schemaVersion": 2, "manifests": [descriptor]}).encode()
    files["index.json"] = deep
    assert "its index lists no manifests" in refusal(tmp_path, tar_of(files))


def test_a_link_in_a_layout_is_not_followed(tmp_path: Path) -> None:
    oci.write_layout([IMAGE], REFERENCE, tmp_path / "oci")
    blob = tmp_path / "oci" / MANIFEST
    blob.replace(tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match="it has no blobs/sha256/"):
        inspection.inspect(tmp_path / "oci")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8b" + bytes(100), bytes(1024), WHOLE[:700], b"[" * 5000])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    refusal(tmp_path, data)


def test_what_is_not_there_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tar", tmp_path):
        with pytest.raises(Problem):
            inspection.inspect(path)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.booleans())
def test_any_damage_is_refused_or_changes_nothing(tmp_path: Path, at: int, flip: int, cut: bool) -> None:
    """Padding and a tar's unused fields may differ; what is told of the image may not."""
    (tmp_path / "whole.tar").write_bytes(WHOLE)
    damaged = WHOLE[:at] if cut else WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :]
    (tmp_path / "damaged.tar").write_bytes(damaged)
    try:
        (found,) = inspection.inspect(tmp_path / "damaged.tar")
    except Problem:
        return
    (whole,) = inspection.inspect(tmp_path / "whole.tar")
    assert (found.digest, found.config_digest, found.labels) == (whole.digest, whole.config_digest, whole.labels)
    assert [one.diff_id for one in found.layers] == [one.diff_id for one in whole.layers]
