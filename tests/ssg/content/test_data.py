"""Data files: what they say, by the names that templates call them, and what is wrong with them."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Problem
from ssg.content import data
from ssg.content.data import DataFiles, read
from ssg.content.formats import yaml
from ssg.content.sources import list_sources


def data_files(root: Path, files: Mapping[str, str], folder: str = "data") -> DataFiles:
    for name, text in files.items():
        (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (root / folder / name).write_text(text, encoding="utf-8")
    return DataFiles(folder, list_sources(root, [folder], in_git=False))


def faults(root: Path, files: Mapping[str, str]) -> list[str]:
    """What is wrong with the names of files that say nothing wrong."""
    with pytest.raises(Problem) as caught:
        data_files(root, files).names  # noqa: B018 - which looks at them
    return [f"{one.place}: {one.message}" for one in caught.value.each]


SAME = {
    ".toml": """\
name = "Ada"
since = 2026-05-04
at = 2026-05-04T18:30:00Z
is_here = true
height = 1.5
tags = ["x", 2]
[home]
town = "1:30"
""",
    ".yaml": """\
name: Ada
since: 2026-05-04
at: 2026-05-04T18:30:00Z
is_here: true
height: 1.5
tags: [x, 2]
home: {town: 1:30}
""",
}
ADA = {
    "name": "Ada",
    "since": dt.date(2026, 5, 4),
    "at": dt.datetime(2026, 5, 4, 18, 30, tzinfo=dt.UTC),
    "is_here": True,
    "height": 1.5,
    "tags": ("x", 2),
    "home": {"town": "1:30"},
}


@pytest.mark.parametrize("ending", SAME)
def test_toml_and_yaml_say_the_same(ending: str) -> None:
    found = read(SAME[ending].encode(), f"data/ada{ending}")
    assert found == ADA
    assert repr(found) == repr(read(SAME[ending].replace("\n", "\r\n").encode(), f"data/ada{ending}"))


def test_json_has_no_dates() -> None:
    assert read(b'{"a": "2026-05-04", "b": [1, 1.5, true, null]}', "x.json") == {
        "a": "2026-05-04",
        "b": (1, 1.5, True, None),
    }


@pytest.mark.parametrize("text", ["a: no", "a: off", "a: 1:30", "a: 0o7", "a: 2026-5", "a: 1_000"])
def test_yaml_has_no_surprises(text: str) -> None:
    assert read(text.encode(), "x.yml") == {"a": text.removeprefix("a: ")}


@pytest.mark.parametrize(
    ("source", "text"), [("x.toml", ""), ("x.yaml", ""), ("x.yaml", "# only this\n"), ("x.json", "{}")]
)
def test_an_empty_file_is_an_empty_table(source: str, text: str) -> None:
    assert read(text.encode(), source) == {}


@pytest.mark.parametrize(
    ("source", "text"), [("x.toml", "a = [{b = 1}]"), ("x.yaml", "a: [{b: 1}]"), ("x.json", '{"a":[{"b":1}]}')]
)
def test_all_of_it_is_read_only(source: str, text: str) -> None:
    found = read(text.encode(), source)
    assert isinstance(found, MappingProxyType)
    assert isinstance(found["a"], tuple)
    assert isinstance(found["a"][0], MappingProxyType)


def test_a_mark_of_byte_order_is_no_text() -> None:
    for source, text in (("x.toml", "a = 1"), ("x.yaml", "a: 1"), ("x.json", '{"a": 1}')):
        assert read(b"\xef\xbb\xbf" + text.encode(), source) == {"a": 1}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x.toml", "a = " + "[" * 30 + "]" * 30),
        ("x.toml", "a = " + "[" * 9000 + "]" * 9000),
        ("x.yaml", "[" * 30 + "]" * 30),
        ("x.json", "[" * 30 + "]" * 30),
        ("x.json", "[" * 100_000 + "]" * 100_000),
    ],
)
def test_nothing_is_nested_without_end(source: str, text: str) -> None:
    with pytest.raises(Problem, match="nested too deeply"):
        read(text.encode(), source)


@pytest.mark.parametrize("ending", [".toml", ".yaml", ".json"])
@given(given_bytes=st.binary(max_size=60) | st.text(alphabet='{}[]:,"\\ud8\n a1=-', max_size=40).map(str.encode))
def test_any_bytes_are_a_value_or_a_problem_with_a_place(ending: str, given_bytes: bytes) -> None:
    source = f"data/x{ending}"
    found: object = None
    problems: tuple[Problem, ...] = ()
    try:
        found = read(given_bytes, source)
    except Problem as problem:
        problems = problem.each
    assert bool(problems) is not isinstance(found, Mapping | tuple)
    assert all(one.place and one.place.file == source and one.place.line for one in problems)


@pytest.mark.parametrize(
    ("source", "text"),
    [("x.toml", f"a = 0x{'f' * 9000}"), ("x.toml", f"a = {'9' * 9000}"), ("x.json", f"[{'9' * 900}]")],
)
def test_no_number_is_without_end(source: str, text: str) -> None:
    with pytest.raises(Problem) as caught:
        read(text.encode(), source)
    assert caught.value.place


def test_all_formats_may_be_nested_as_deeply() -> None:
    assert data.DEPTH == yaml.DEPTH


def test_files_are_called_by_their_paths(tmp_path: Path) -> None:
    found = data_files(
        tmp_path,
        {"authors.toml": "", "team/people.yaml": "", "team/old/people.yml": "", "équipe.json": "{}", "read.me": "x"},
    )
    assert dict(found.names) == {
        "authors": "data/authors.toml",
        "team": "",
        "team/old": "",
        "team/old/people": "data/team/old/people.yml",
        "team/people": "data/team/people.yaml",
        "équipe": "data/équipe.json",
    }
    assert found.within("") == ("authors", "team", "équipe")
    assert found.within("team") == ("old", "people")
    assert found.within("nowhere") == ()


def test_the_folder_may_lie_deeper(tmp_path: Path) -> None:
    found = data_files(tmp_path, {"a.toml": "x = 1"}, "about/data/")
    assert dict(found.names) == {"a": "about/data/a.toml"}
    assert found.value("about/data/a.toml") == {"x": 1}


@pytest.mark.parametrize("name", ["team-members", "2026", "_hidden", "a b", "a.b", ".toml", "items", "get", "½"])
def test_a_name_that_no_template_can_say_is_refused(name: str, tmp_path: Path) -> None:
    assert faults(tmp_path, {f"{name}.toml": ""}) == [f'data/{name}.toml: "{name}" can\'t be the name of data']


def test_a_folder_s_name_is_refused_once(tmp_path: Path) -> None:
    assert faults(tmp_path, {"my-team/a.toml": "", "my-team/b.toml": ""}) == [
        'data/my-team: "my-team" can\'t be the name of data'
    ]


def test_two_files_or_a_file_and_a_folder_have_no_name_in_common(tmp_path: Path) -> None:
    assert faults(tmp_path, {"a.toml": "", "a.yaml": "", "b.json": "{}", "b/c.toml": "", "b/d.toml": ""}) == [
        "data/a.yaml: data/a.toml and data/a.yaml would both be site.data.a",
        "data/b/c.toml: data/b.json and data/b/c.toml would both be site.data.b",
    ]


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    found = data_files(tmp_path, {"a.toml": "x", "b.json": "{", "c.yaml": "a: 1", "no.txt": "{"})
    with pytest.raises(Problem) as caught:
        found.check(found.sources.files)
    assert [str(one.place) for one in caught.value.each] == ["data/a.toml:1:2", "data/b.json:1:2"]


def test_a_long_file_takes_no_long_time() -> None:
    """Places of values are not looked for: that takes time by the square of the length."""
    text = "".join(f'[p{number}]\nname = "N"\n' for number in range(20_000))
    found = read(text.encode(), "x.toml")
    assert isinstance(found, Mapping)
    assert len(found) == 20_000
