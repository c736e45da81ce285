"""New layers, told by those that a host has: what comes together there is the new layer, byte by byte."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebake.image.entries import Bytes, File
from imagebake.image.layers import Layer, described
from publish.deploy import splice
from publish.deploy.splice import Splice


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path_factory.mktemp("cache")))


TREES = st.dictionaries(
    st.sampled_from([f"{name}.html" for name in "abcdefghij"] + ["é" * 60, "x/y/z"]),
    st.binary(max_size=3) | st.sampled_from([bytes(range(256)) * 40, b"long" * 4000, b"long" * 4001]),
    max_size=12,
)


def layer(tree: dict[str, bytes], created_by: str = "") -> Layer:
    return described("pages", lambda: [File(path, Bytes(data)) for path, data in tree.items()], created_by)


def whole(one: Layer) -> bytes:
    return b"".join(one.stream())


def put_together(made: Splice, old: list[Layer]) -> dict[str, bytes]:
    """As `dd` does it on the host."""
    sources = {"": made.literal, **{one.diff_id: whole(one) for one in old}}
    found: dict[str, bytes] = {}
    for target, source, first, count in made.ranges:
        piece = sources[source][first * 512 : (first + count) * 512]
        assert len(piece) == count * 512
        found[target] = found.get(target, b"") + piece
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TREES, max_size=3), st.lists(TREES, min_size=1, max_size=3))
def test_what_comes_together_is_the_new_layer(before: list[dict[str, bytes]], after: list[dict[str, bytes]]) -> None:
    old = [*map(layer, before)]
    new = list({one.diff_id: one for one in map(layer, after)}.values())  # as an image has them
    splice.learn(old)
    made = splice.of(new, [one.diff_id for one in old])
    by_id = {one.diff_id: whole(one) for one in new}
    for diff_id, data in put_together(made, old).items():
        assert data == by_id[diff_id]


def test_of_a_large_file_only_what_changed_is_sent() -> None:
    lines = [f"{number:064x} page-{number}\n".encode() for number in range(2000)]
    old = layer({"seal": b"".join(lines), "a": b"a"})
    new = layer({"seal": b"".join([*lines[:700], b"f" * 64 + lines[700][64:], *lines[701:]]), "a": b"a"})
    splice.learn([old])
    made = splice.of([new], [old.diff_id])
    assert put_together(made, [old]) == {new.diff_id: whole(new)}
    assert len(made.literal) <= 8192  # the header of the file, and where it changed


def test_nothing_is_made_of_layers_that_nobody_here_has_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = layer({"a": b"a" * 9000, "b": b"b"}), layer({"a": b"a" * 9000, "b": b"c"})
    assert splice.of([new], [old.diff_id]) == Splice()
    splice.learn([old])
    assert splice.of([new], [old.diff_id]).layers == {new.diff_id}
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "another"))
    assert splice.of([new], [old.diff_id]) == Splice()


def test_a_layer_that_has_little_of_an_older_one_is_sent_whole_as_a_package_is() -> None:
    old = layer({"a": b"a" * 9000})
    splice.learn([old])
    assert splice.of([layer({"a": b"b" * 9000})], [old.diff_id]) == Splice()
    package = layer({"a": b"a" * 9000, "b": b""}, "imagebake: pool/a_1.deb")
    assert splice.of([package], [old.diff_id]) == Splice()
