"""The titles of alerts and admonitions that have none of their own: in the language of the text."""

import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.dialects.conversion import BOXES
from ssg.markup.text.converted import MarkdownOptions

FRENCH = MarkdownOptions(titles=(("note", "Note"), ("recipe", "Recette <&>"), ("warning", "*Attention*")))

WRITTEN = [
    "> [!WARNING]\n> a",
    "> [!warning]\n> a",
    "!!! warning\n    a",
    "!!! Warning wide\n    a",
    "- > [!WARNING]\n  > a",
    "> !!! warning\n>     a",
    "??? warning\n    a",
    "???+ warning\n    a",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_box_without_a_title_has_the_string_of_its_language_as_it_stands(text: str) -> None:
    found = convert(text, FRENCH, language("fr"))
    assert ">*Attention*</" in found.html
    assert found.warnings == found.faults == ()


def test_a_word_of_the_site_s_own_has_a_string_too() -> None:
    assert ">Recette &lt;&amp;&gt;</p>" in convert("!!! recipe\n    a", FRENCH, language("fr")).html


@pytest.mark.parametrize("text", ["> [!WARNING] Chaud\n> a", '!!! warning "Chaud"\n    a', '??? tip "Chaud"\n    a'])
def test_a_title_of_the_author_s_stays(text: str) -> None:
    found = convert(text, FRENCH, language("fr"))
    assert ">Chaud</" in found.html
    assert found.warnings == ()


def test_no_title_stays_none() -> None:
    found = convert('!!! tip ""\n    a', FRENCH, language("fr"))
    assert "admonition-title" not in found.html
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a\n\n> [!TIP]\n> b", 3, 5), ("a\n\n!!! tip\n    b", 3, 5), ("- a\n\n  ??? tip\n      b", 3, 7)],
)
def test_an_english_word_on_a_page_in_another_language_is_told(text: str, line: int, column: int) -> None:
    found = convert(text, FRENCH, language("fr"))
    assert ">Tip</" in found.html
    assert [(one.message, one.line, one.column, one.length) for one in found.warnings] == [
        ('this box has the English title "Tip", on a page in Français', line, column, 3)
    ]
    assert "admonition_tip" in found.warnings[0].hint


def test_neither_english_nor_a_word_of_the_author_s_own_is_told() -> None:
    assert convert("> [!TIP]\n> b", MarkdownOptions(), language("en-GB")).warnings == ()
    assert convert("!!! recette\n    b", FRENCH, language("fr")).warnings == ()


def test_each_alert_of_github_has_a_string() -> None:
    assert {"note", "tip", "important", "warning", "caution"} <= BOXES
