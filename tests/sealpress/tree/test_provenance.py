"""What a tree was made from: read as it was written, the same on every machine, and nothing of another shape."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress import tools
from sealpress.problems import Exit, Problem
from sealpress.tree import provenance
from sealpress.tree.provenance import Provenance

COMMIT = "c" * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_inputs_are_named_by_content_and_sorted_by_bytes(tmp_path: Path) -> None:
    for name, data in (("b.md", b"b"), ("a/é.md", b"e"), ("a/z.md", b"z")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link").symlink_to("b.md")
    (tmp_path / "public").mkdir()
    (tmp_path / "public/x.html").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_bytes(b"")
    names = provenance.files_below(tmp_path, without=["public"])
    found = provenance.of_files(tmp_path, names, commit=COMMIT, clean=True)
    assert found.inputs == (
        ("a/z.md", sha256(b"z")),
        ("a/é.md", sha256(b"e")),
        ("b.md", sha256(b"b")),
        ("link", sha256(b"b.md")),  # as git has it, never what it leads to
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    told = Provenance(COMMIT, True, (("a.md", "0" * 64), ("é.md", "1" * 64)), {"markdown": "3"})
    for one in (told, Provenance("", False, ())):
        provenance.save(one, tmp_path / "deep" / "p.json")
        assert provenance.load(tmp_path / "deep" / "p.json") == one
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["p.json"]


def test_the_tools_are_those_that_are_pinned() -> None:
    """All that pyproject.toml pins exactly for the generator's output, and CLDR; nothing of the machine."""
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = {name: version for name, _, version in (one.partition("==") for one in project["dependencies"]) if version}
    found = provenance.tools()
    for name in tools.TREE:
        assert found[name] == pinned[name]
    # imagebake names its own encoder in the seal.
    assert pinned.keys() - {*tools.TREE} == {*tools.IMAGE}, "a tool that reaches the output is missing in the seal"
    assert found.keys() == {*tools.TREE, "cldr", "sealpress"}


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "xyz"},
        {"commit": 1},
        {"clean": 1},
        {"inputs": []},
        {"inputs": {"a": "0"}},
        {"inputs": {"../a": "0" * 64}},
        {"inputs": {"/a": "0" * 64}},
        {"inputs": {"": "0" * 64}},
        {"tools": {"a": 1}},
        {"more": 1},
    ],
)
def test_another_shape_is_refused_with_the_file_s_name(change: dict[str, object], tmp_path: Path) -> None:
    whole: dict[str, object] = {"commit": COMMIT, "clean": True, "inputs": {"a": "0" * 64}, "tools": {}}
    (tmp_path / "p.json").write_text(json.dumps(whole))
    provenance.load(tmp_path / "p.json")
    (tmp_path / "p.json").write_text(json.dumps(whole | change))
    with pytest.raises(Problem, match=r"p\.json: this is no provenance") as caught:
        provenance.load(tmp_path / "p.json")
    assert caught.value.code is Exit.USAGE


def test_a_missing_input_or_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't read the input"):
        provenance.of_files(tmp_path, ["none"], commit="", clean=False)
    with pytest.raises(Problem, match="can't read"):
        provenance.load(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for file, what in ((tmp_path / "pipe", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(Problem, match=f"can't read {file}: it is {what}, and no file"):
            provenance.load(file)


_json = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)


@given(_json | st.fixed_dictionaries(dict.fromkeys(("commit", "clean", "inputs", "tools"), _json)))
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        found = provenance.from_json(document, "x")
    except Problem as problem:
        code = problem.code
    else:
        code = Exit.USAGE
        assert provenance.from_json(found.as_json(), "x") == found
    assert code is Exit.USAGE


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    """Not the file that a hand slipped on to, and nothing that a link leads to."""
    one = Provenance(COMMIT, True, (), {})
    (tmp_path / "letters").write_text("years of work")
    (tmp_path / "link").symlink_to("letters")
    (tmp_path / ".p.json-new").symlink_to("letters")
    for name in ("letters", "link"):
        with pytest.raises(Problem, match="is there already and is no provenance") as caught:
            provenance.save(one, tmp_path / name)
        assert caught.value.code is Exit.MACHINE
    for _ in range(2):
        provenance.save(one, tmp_path / "p.json")
    assert (tmp_path / "letters").read_text() == "years of work"
