"""The page for who takes this over names paths and functions: each of them is there, in both languages."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.docs.pages import CONTENT, ROOT, codes

EXPLANATION = CONTENT / "docs" / "explanation"
PAGES = [EXPLANATION / "contributing.md", EXPLANATION / "contributing.fr.md"]
FOLDERS = ("ssg", "imagebake", "publish", "sealpress", "site", "tests", "tools", "benchmarks", ".ci")

in_both = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def named(text: str) -> list[tuple[str, str]]:
    """(path, name in it or "") of each place that stands in backticks."""
    found = (re.fullmatch(r"([\w./-]+/[\w./-]*)(?:: ([\w.]+))?", code) for code in codes(text))
    return [(one[1], one[2] or "") for one in found if one and one[1].split("/")[0] in FOLDERS]


def defined(source: str) -> set[str]:
    """What a module defines: "function", "Class", "Class.method", "CONSTANT"."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found |= {name, *(f"{name}.{one.name}" for one in body if isinstance(one, ast.FunctionDef))}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


def missing(text: str) -> list[str]:
    """The places that aren't there."""
    found = []
    for path, name in named(text):
        file: Path = ROOT / path
        if not file.exists() or (name and name not in defined(file.read_text("utf-8"))):
            found.append(f"{path}: {name}")
    return found


@in_both
def test_every_place_that_the_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(named(text)) > 50
    assert missing(text) == []


@in_both
def test_every_bare_name_belongs_to_a_module_that_the_page_names(page: Path) -> None:
    """`load` after `ssg/x.py: look` is a function of a module that stands in the same paragraph or list item."""
    lost = []
    for block in re.split(r"\n(?=\n|\d\. |- |\|)", page.read_text("utf-8")):
        modules = [ROOT / path for path, _name in named(block) if path.endswith(".py")]
        known = {name for module in modules for name in defined(module.read_text("utf-8"))}
        bare = [code for code in codes(block) if re.fullmatch(r"[a-z_]+", code)]
        lost += [name for name in bare if modules and name not in known | {"path", "publish"}]
    assert lost == []


def test_both_languages_name_the_same_places() -> None:
    english, french = (named(page.read_text("utf-8")) for page in PAGES)
    assert sorted(english) == sorted(french)


@pytest.mark.parametrize(
    "place",
    ["ssg/build/nowhere.py", "ssg/build/build.py: nothing", "ssg/rendering/plan.py: Renderer.nothing", "tests/none/"],
)
def test_a_place_that_is_gone_is_found(place: str) -> None:
    assert missing(f"See `{place}`, and `ssg/build/build.py: build`.") == [place if ": " in place else f"{place}: "]


def test_what_the_quick_tests_leave_out_are_marks_that_there_are(pytestconfig: pytest.Config) -> None:
    left_out = re.search(r"^FAST := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert left_out
    marks = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert {word for word in left_out[1].split() if word not in {"not", "and"}} <= marks


def test_no_folder_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    """A folder is that has one of the names that pytest doesn't look into, such as "build"."""
    folders = {part for file in (ROOT / "tests").rglob("test_*.py") for part in file.relative_to(ROOT).parts[:-1]}
    assert {"ssg", "build"} <= folders
    left_out = pytestconfig.getini("norecursedirs")
    assert [name for name in folders if any(fnmatch(name, pattern) for pattern in left_out)] == []
