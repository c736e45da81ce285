"""Gzip that any reader takes, and a reader that takes no other."""

import gzip
import os
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.registry.compression import compress, expand, recall, remember, write, writer
from sealpress.problems import Exit, Problem


@given(st.lists(st.binary(max_size=3000), max_size=6))
def test_what_is_compressed_comes_back_everywhere(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    packed = b"".join(compress(pieces))
    assert gzip.decompress(packed) == data
    assert b"".join(expand([packed[:7], packed[7:]], len(data), "x")) == data


def test_the_bytes_tell_nothing_of_the_machine() -> None:
    """No time, no name, no operating system, and the pieces that it came in leave no trace."""
    packed = b"".join(compress([b"hello"] * 5000))
    assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    assert packed == b"".join(compress([b"hello" * 5000]))
    assert zlib.ZLIB_RUNTIME_VERSION in writer()


@given(st.binary(max_size=300))
def test_what_is_no_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        list(expand([data], 1000, "x"))
    assert caught.value.code is Exit.REGISTRY


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data + data])
def test_what_is_cut_or_goes_on_is_refused(spoil) -> None:
    with pytest.raises(Problem):
        list(expand([spoil(gzip.compress(b"hello"))], 1000, "x"))


def test_a_bomb_stops_at_its_limit() -> None:
    """1 GB out of 1 MB is neither held nor passed on."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(1000)) + deflate.flush()

    def all_of_it() -> Iterator[int]:
        for piece in expand([bomb], 50 << 20, "the layer"):
            yield len(piece)

    tracemalloc.start()
    try:
        with pytest.raises(Problem, match="the layer from the registry is larger than"):
            sum(all_of_it())
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_a_layer_that_was_compressed_is_known_again(tmp_path: Path) -> None:
    compressed = write([b"hello" * 100], tmp_path / "x")
    assert (tmp_path / "x").stat().st_size == compressed.size
    diff_id = "sha256:" + "a" * 64
    assert recall(diff_id) is None
    remember(diff_id, compressed)
    assert recall(diff_id) == compressed
    (memory,) = (file for file in (Path(os.environ["SEALPRESS_CACHE"]) / "compressed").rglob("*") if file.is_file())
    memory.write_bytes(b"damaged")
    assert recall(diff_id) is None
