"""Neither the store nor the number of workers changes a byte of a conversion."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.processes.workers import ALONE
from ssg.build.convert import Converter, decoded, encoded
from ssg.build.records import PARSED_PAGES
from ssg.cache.store import Store
from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.code import highlighting
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions
from tests.ssg.test_golden import GOLDEN, build_golden

SITE = '[site]\ntitle = "T"\nurl = "https://t.example.org/"\nlanguages = ["en", "fr"]\n'
TEXT = "## Part {n}\n\nText [link](x{n}.md) and `code`.[^1]\n\n```python\nprint({n})\n```\n\n[^1]: Note {n}.\n"

Found = dict[str, tuple[Any, bytes]]


@pytest.fixture
def conversions(tmp_path: Path) -> Converter:
    (tmp_path / "content").mkdir()
    (tmp_path / "site.toml").write_text(SITE)
    settings = sitefile.load(tmp_path / "site.toml", "site.toml").settings
    languages = {tag: language(tag) for tag in ("en", "fr")}
    options = dict.fromkeys(languages, MarkdownOptions())
    return Converter(tmp_path, settings, languages, options, Store(tmp_path / "store"), {"markdown": "1"})


def written(conversions: Converter, count: int) -> list[str]:
    names = [f"content/p{number}.md" for number in range(count)]
    for number, name in enumerate(names):
        (conversions.root / name).write_text(f"---\ntitle: P{number}\n---\n" + TEXT.replace("{n}", str(number)))
    return names


def read(conversions: Converter, names: list[str], workers: int = 1) -> Found:
    """Each source's manuscript, and the body that it is kept with."""
    return {
        one.source: (one.parsed_page, conversions.store.get(PARSED_PAGES.unpack(one.parsed_page).key) or b"")
        for one in list(conversions.read(names, workers, SILENT))  # what others kept is seen when all is read
    }


@given(text=st.text(max_size=300))
def test_a_conversion_survives_being_kept(text: str) -> None:
    body = convert(text, MarkdownOptions(), language("en"))
    assert decoded(encoded(body)) == body


@pytest.mark.parametrize("workers", [2, 8])
def test_workers_give_what_one_process_gives(conversions: Converter, workers: int, tmp_path: Path) -> None:
    names = written(conversions, 2 * ALONE)
    alone = read(replace(conversions, store=Store(tmp_path / "other")), names)
    assert len(alone) == 2 * ALONE
    assert read(conversions, names, workers) == alone


def test_the_second_time_nothing_is_converted(conversions: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    names = written(conversions, 3)
    first = read(conversions, names)
    monkeypatch.setattr(converter, "convert", lambda *_: pytest.fail("converted again"))
    assert read(conversions, names) == first


def test_code_that_was_highlighted_is_not_highlighted_again(
    conversions: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prose around it was edited: its body is another one, its code the same."""
    (name,) = written(conversions, 1)
    read(conversions, [name])
    source = (conversions.root / name).read_text()
    called = []
    real = highlighting._highlighted
    monkeypatch.setattr(highlighting, "_highlighted", lambda *given: called.append(given) or real(*given))
    (conversions.root / name).write_text(source.replace("Text", "Other text"))
    (edited,) = read(conversions, [name]).values()
    assert b"Other text" in edited[1]
    assert b'class="language-python"' in edited[1]
    assert called == []
    (conversions.root / name).write_text(source.replace("print(0)", "print(1)"))
    read(conversions, [name])
    assert len(called) == 1


CHANGES: dict[str, Callable[[Converter], Converter]] = {
    "options": lambda conversions: replace(
        conversions, options=dict.fromkeys(conversions.languages, MarkdownOptions(typography=False))
    ),
    "tools": lambda conversions: replace(conversions, tools={"markdown": "2"}),
    "language": lambda conversions: conversions,
    "text": lambda conversions: conversions,
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_conversion_depends_on_makes_it_new(
    change: str, conversions: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = written(conversions, 1)
    read(conversions, [name])
    if change == "text":
        (conversions.root / name).write_text((conversions.root / name).read_text() + "!")
    if change == "language":
        french = name.replace(".md", ".fr.md")
        (conversions.root / name).rename(conversions.root / french)
        name = french
    made = []
    monkeypatch.setattr(converter, "convert", lambda *given: made.append(given) or convert(*given))
    other = CHANGES[change](conversions)
    read(other, [name])
    assert len(made) == 1
    assert (other.conversion() == conversions.conversion()) == (change in {"text", "language"})


def test_a_draft_is_read_but_not_converted(conversions: Converter) -> None:
    (conversions.root / "content/d.md").write_text("---\ntitle: D\ndraft: true\n---\nx\n")
    (found,) = conversions.read(["content/d.md"], 1, SILENT)
    assert PARSED_PAGES.unpack(found.parsed_page).front_matter.draft
    assert PARSED_PAGES.unpack(found.parsed_page).key == ""
    (found,) = replace(conversions, drafts=True).read(["content/d.md"], 1, SILENT)
    assert PARSED_PAGES.unpack(found.parsed_page).key != ""


def test_a_file_that_can_not_be_read_is_a_problem(conversions: Converter) -> None:
    """Gone since it was listed, or of another user."""
    (found,) = conversions.read(["content/gone.md"], 1, SILENT)
    assert str(found.problem).startswith("content/gone.md: can't be read: No such file or directory")


def test_a_worker_that_is_killed_costs_only_time(
    conversions: Converter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = written(conversions, 2 * ALONE)
    alone = read(replace(conversions, store=Store(tmp_path / "other")), names)
    parent = os.getpid()

    def killed(*given: object) -> object:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return convert(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(converter, "convert", killed)
    assert read(conversions, names, workers=2) == alone


def test_a_build_with_a_store_gives_the_golden_tree(tmp_path: Path) -> None:
    clean = build_golden(GOLDEN / "site", tmp_path / "plain")
    for output in ("cold", "warm"):
        built = build_golden(GOLDEN / "site", tmp_path / output, store=tmp_path / "store", workers=2)
        assert built.digest == clean.digest
