"""How large a drawing is by itself, and what is no drawing."""

from pathlib import Path

import pytest

from sealpress.problems import Exit, Problem
from ssg.images import svg
from ssg.images.svg import UNKNOWN, look, measured
from ssg.images.variants import Dimensions

SPACE = 'xmlns="http://www.w3.org/2000/svg"'


def size(attributes: str) -> Dimensions:
    return measured(f"<svg {SPACE} {attributes}><path/></svg>".encode(), "x.svg")


@pytest.mark.parametrize(
    ("attributes", "width", "height"),
    [
        ('width="30" height="20"', 30, 20),
        ('width="30px" height="20PX"', 30, 20),
        ('width=" 30 " height="20.4"', 30, 20),
        ('width="1in" height="2.54cm"', 96, 96),
        ('width="25.4mm" height="101.6Q"', 96, 96),
        ('width="72pt" height="6pc"', 96, 96),
        ('width="1e2" height="+.5e2"', 100, 50),
        ('width="0.1" height="0.1"', 1, 1),
        ('viewBox="0 0 30 20"', 30, 20),
        ('viewBox="-5,-5,30,20"', 30, 20),
        ('viewBox=" 0  0\t30.4 19.6 "', 30, 20),
        ('width="60" viewBox="0 0 30 20"', 60, 40),
        ('height="10" viewBox="0 0 30 20"', 15, 10),
        ('width="100%" height="100%" viewBox="0 0 30 20"', 30, 20),
        ('width="2em" height="3rem" viewBox="0 0 30 20"', 30, 20),
        ('width="100%" height="10" viewBox="0 0 30 20"', 15, 10),
        ('width="30" height="20" viewBox="0 0 1 1"', 30, 20),
        ('width="30" height="20" viewBox="none"', 30, 20),
    ],
)
def test_a_size_is_that_of_the_attributes_else_of_the_box(attributes: str, width: int, height: int) -> None:
    assert size(attributes) == Dimensions(width, height, is_still=False)


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'width="30"',
        'width="30" height="100%"',
        'width="0" height="20"',
        'width="-3" height="20"',
        'width="1e9" height="20"',
        'width="1e99" height="20"',
        'width="nan" height="inf"',
        'width="٣" height="20"',
        'viewBox="0 0 0 20"',
        'viewBox="0 0 30"',
        'viewBox="0 0 30 20 10"',
        f'viewBox="0 0 {"9" * 400} 20"',
        'style="width: 30px; height: 20px"',
    ],
)
def test_what_says_nothing_certain_has_no_size(attributes: str) -> None:
    assert size(attributes) == UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg {SPACE} viewBox="0 0 30 20"/>',
        f'<?xml version="1.0" encoding="ISO-8859-1"?><!-- \xe9 --><svg {SPACE} viewBox="0 0 30 20"/>',
        f'\ufeff<svg {SPACE} viewBox="0 0 30 20"/>',
        f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x.test/svg11.dtd"><svg {SPACE} viewBox="0 0 30 20"/>',
        '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;" viewBox="0 0 30 20"/>',
        '<s:svg xmlns:s="http://www.w3.org/2000/svg" viewBox="0 0 30 20"/>',
        f'<svg {SPACE} viewBox="0 0 30 20"><svg width="1" height="1"/></svg>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_drawings_of_all_programs_are_read(text: str, encoding: str) -> None:
    if (encoding == "latin-1" and "UTF-8" in text) or (encoding != "utf-8" and "\ufeff" in text):
        return
    if encoding == "utf-8" and "ISO" in text:
        text = text.replace("\xe9", "e")
    if encoding == "utf-16" and "encoding=" in text:
        text = text[text.index("?>") + 2 :].lstrip()
    assert measured(text.encode(encoding), "x.svg") == Dimensions(30, 20, is_still=False)


@pytest.mark.parametrize(
    ("data", "words", "line", "column"),
    [
        (b"", "there is no element in it", 1, 1),
        (b" \n", "there is no element in it", 2, 1),
        (f"<svg {SPACE}>\n<g>\n".encode(), "is not well formed: no element found", 3, 1),
        (f"<svg {SPACE}>\n  <g></a>\n</svg>".encode(), "is not well formed: mismatched tag", 2, 8),
        (f"<svg {SPACE}>&nbsp;</svg>".encode(), "is not well formed: undefined entity", 1, 41),
        (f"<svg {SPACE} a=b/>".encode(), "is not well formed", 1, 43),
        (b"<svg viewBox='0 0 30 20'/>", "its outermost element is svg", None, None),
        (
            b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
            "outermost element is http://www.w3.org/1999/xhtml html",
            None,
            None,
        ),
        (b"hello", "is not well formed: syntax error", 1, 1),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a pointer of Git LFS", None, None),
    ],
)
def test_what_browsers_show_nothing_of_is_a_problem(data: bytes, words: str, line: int, column: int) -> None:
    with pytest.raises(Problem) as caught:
        measured(data, "content/x.svg")
    assert words in caught.value.message
    assert caught.value.hint
    assert caught.value.code is Exit.SITE
    place = caught.value.place
    assert place is not None
    assert (place.file, place.line, place.column) == ("content/x.svg", line, column)


def test_entities_within_entities_are_not_unfolded() -> None:
    parts = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE svg [<!ENTITY e0 "{"x" * 100}">{parts}]><svg {SPACE} viewBox="0 0 3 2">&e11;</svg>'
    with pytest.raises(Problem, match="amplification"):
        measured(bomb.encode(), "x.svg")


def test_nothing_that_a_drawing_names_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("30")
    text = f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{secret.as_uri()}">]><svg {SPACE} width="30" height="20">&e;</svg>'
    assert measured(text.encode(), "x.svg") == Dimensions(30, 20, is_still=False)


def test_deep_and_large_drawings_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = f"<svg {SPACE} viewBox='0 0 3 2'>" + "<g>" * 100_000 + "</g>" * 100_000 + "</svg>"
    assert measured(deep.encode(), "x.svg") == Dimensions(3, 2, is_still=False)
    file = tmp_path / "x.svg"
    file.write_text(deep)
    monkeypatch.setattr(svg, "LARGEST", 1000)
    assert look(file, "x.svg") == UNKNOWN


def test_an_encoding_that_nobody_knows_is_left_to_browsers() -> None:
    data = f'<?xml version="1.0" encoding="x-klingon"?><svg {SPACE} viewBox="0 0 3 2"/>'.encode()
    assert measured(data, "x.svg") == UNKNOWN
