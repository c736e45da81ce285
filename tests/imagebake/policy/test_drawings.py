"""Drawings have a policy of their own, and no page needs more for them."""

from pathlib import Path

import pytest

from sealpress.config.settings import ImageSettings
from sealpress.policy.pages import digest
from tests.imagebake.policy.conftest import NOTHING, directives, policies, refused

DRAWING = "<svg xmlns='http://www.w3.org/2000/svg'>{}</svg>"


def test_drawings_count_for_themselves_and_no_page_needs_more_for_them(tmp_path: Path) -> None:
    styled = DRAWING.format("<style>a{b:c}</style>" + "".join(f"<g style='x:{number}'/>" for number in range(1545)))
    found = policies(tmp_path, {"index.html": "<img src=a.svg>", "a.svg": styled})
    assert found.pages == NOTHING.replace("object", "img-src 'self'; object")
    assert found.drawings == NOTHING.replace("object", "style-src 'unsafe-inline'; object")


def test_a_drawing_may_load_what_it_names_and_run_just_its_own_scripts(tmp_path: Path) -> None:
    files = {
        "index.html": "<p>",
        "a.svg": DRAWING.format("<script>a()</script><image href='b.png'/><g onclick='c()'/>"),
        "b.svg": '<?xml-stylesheet href="d.css"?>' + DRAWING.format(""),
        "d.css": "@font-face{src:url(e.woff2)}",
        "b.png": "",
        "e.woff2": "",
    }
    found = policies(tmp_path, files)
    assert "script" not in found.pages
    drawn = directives(found.drawings)
    assert drawn["script-src"] == ["'self'", digest("a()")] or drawn["script-src"] == [digest("a()")]
    assert drawn["script-src-attr"] == ["'unsafe-hashes'", digest("c()")]
    assert (drawn["img-src"], drawn["font-src"], drawn["style-src"]) == (["'self'"], ["'self'"], ["'self'"])
    assert "unsafe-inline" not in found.drawings


def test_what_is_listed_for_a_drawing_runs_in_no_page(tmp_path: Path) -> None:
    font = "<style>@font-face{src:url(https://fonts.example/a.woff2)}</style>"
    files = {"index.html": "<script>a()</script><img src=a.svg>", "a.svg": DRAWING.format(font)}
    found = policies(tmp_path, files, ImageSettings(third_parties=("https://fonts.example",)))
    assert "fonts.example" not in found.pages
    assert directives(found.drawings)["font-src"] == ["https://fonts.example"]


@pytest.mark.parametrize(
    ("drawing", "asks"),
    [
        ("<image href='https://e.example/a.png'/>", "loads an image from https://e.example"),
        ("<style>@import url(https://e.example/a.css)</style>", "loads a style sheet from https://e.example"),
        ("<image href='//e.example/a.png'/>", "loads an image from e.example"),
        ("<style>@font-face { src: url(https://e.example/f) }</style>", "https://e.example"),
    ],
)
def test_what_a_drawing_asks_of_others_is_withheld_and_told(tmp_path: Path, drawing: str, asks: str) -> None:
    """An `img` loads none of it, listed or not."""
    found = policies(tmp_path, {"index.html": "<img src=a.svg>", "a.svg": DRAWING.format(drawing)})
    assert "e.example" not in found.pages + found.drawings
    (line,) = found.withheld
    assert line.startswith("a.svg:1:")
    assert asks in line
    assert 'third_parties = ["https://e.example"]' in line


def test_of_many_drawings_the_first_few_are_told(tmp_path: Path) -> None:
    files = {f"{n}.svg": DRAWING.format(f"<image href='https://e{n}.example/a.png'/>") for n in range(9)}
    assert [line.partition(":")[0] for line in policies(tmp_path, files).withheld] == [
        "0.svg",
        "1.svg",
        "2.svg",
        "6 more of the kind, in other drawings",
    ]


@pytest.mark.parametrize("drawing", ["<a href='javascript:x()'>a</a>", "<image href='https://[::1/'/>"])
def test_what_no_policy_allows_is_refused_in_drawings_too(tmp_path: Path, drawing: str) -> None:
    assert refused(tmp_path, {"a.svg": DRAWING.format(drawing)}).place.file == "a.svg"


def test_without_drawings_there_is_one_policy(tmp_path: Path) -> None:
    assert policies(tmp_path, {"index.html": "<p style='a:b'>"}).drawings == ""
