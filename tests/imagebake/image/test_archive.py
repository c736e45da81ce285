"""The hybrid archive: complete for three engines, of a size known beforehand, never held in memory."""

import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import archive, layers, oci
from imagebake.image.entries import CHUNK, Bytes, Entry, File
from imagebake.image.layers import Layer
from sealpress.problems import Problem

CREATED = datetime(2026, 6, 1, tzinfo=UTC)
RUNTIME = oci.Runtime(entrypoint=("/x",), user="101:101", port=8080, stop_signal="SIGQUIT")
REFERENCE = "localhost/site/example:0123456789abcdef"


def layer(name: str, text: bytes) -> Layer:
    entries: list[Entry] = [File(name, Bytes(text))]
    return layers.described(name, lambda: entries, "")


LAYERS = [layer("one", b"1"), layer("two", b"2" * 5000), layer("three", b"3" * (2 * CHUNK))]
IMAGE = oci.seal(RUNTIME, LAYERS, "arm64", CREATED)


def read(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        opened = {item.name: tar.extractfile(item) for item in tar if item.isfile()}
        return {name: file.read() for name, file in opened.items() if file}


def test_it_holds_what_each_engine_looks_for() -> None:
    found = read(b"".join(archive.stream(IMAGE, REFERENCE)))
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (docker,) = json.loads(found["manifest.json"])
    assert docker["RepoTags"] == [REFERENCE]
    assert found[docker["Config"]] == IMAGE.config.data
    assert [found[name] for name in docker["Layers"]] == [b"".join(one.stream()) for one in LAYERS]
    (manifest,) = json.loads(found["index.json"])["manifests"]
    assert found[oci.blob_path(manifest["digest"])] == IMAGE.manifest.data
    assert manifest["annotations"]["io.containerd.image.name"] == REFERENCE
    assert manifest["annotations"]["org.opencontainers.image.ref.name"] == "0123456789abcdef"
    assert manifest["platform"]["architecture"] == "arm64"


@given(st.sets(st.sampled_from([one.diff_id for one in LAYERS])))
def test_its_size_is_known_beforehand_whatever_is_left_out(omit: set[str]) -> None:
    data = b"".join(archive.stream(IMAGE, REFERENCE, omit))
    assert len(data) == archive.size(IMAGE, REFERENCE, omit)
    found = read(data)
    assert {oci.blob_path(one.diff_id) in found for one in LAYERS if one.diff_id in omit} <= {False}
    assert {oci.blob_path(one.diff_id) in found for one in LAYERS if one.diff_id not in omit} <= {True}
    assert len(json.loads(found["manifest.json"])[0]["Layers"]) == len(LAYERS), "what is left out is still named"


def test_the_size_costs_nothing() -> None:
    def never() -> list[Entry]:
        raise AssertionError("produced")

    known = [Layer(one.name, one.diff_id, one.size, "", never) for one in LAYERS]
    image = oci.seal(RUNTIME, known, "arm64", CREATED)
    assert archive.size(image, REFERENCE) == archive.size(IMAGE, REFERENCE)
    omitted = frozenset(one.diff_id for one in LAYERS)
    assert b"".join(archive.stream(image, REFERENCE, omitted)), "what is left out is not produced"


@dataclass(frozen=True)
class Zeros:
    size: int

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, self.size, CHUNK):
            yield bytes(min(CHUNK, self.size - start))


def test_a_large_image_is_never_held() -> None:
    large = layers.described("large", lambda: [File("large", Zeros(48 * CHUNK))], "")
    image = oci.seal(RUNTIME, [large], "amd64", CREATED)
    tracemalloc.start()
    try:
        total = sum(map(len, archive.stream(image, REFERENCE)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == archive.size(image, REFERENCE)
    assert peak < 8 * CHUNK


def test_a_layer_with_other_bytes_ends_the_stream() -> None:
    """The engine gets a broken archive, never a wrong image."""
    liar = Layer("liar", "sha256:" + "0" * 64, 2048, "", lambda: [File("a", Bytes(b"x"))])
    with pytest.raises(Problem, match='the layer "liar" has other bytes than its name says'):
        list(archive.stream(oci.seal(RUNTIME, [liar], "amd64", CREATED), REFERENCE))
