"""What others say about CommonMark: its specification and its reference parser, from npm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.specification import install
from sealpress.problems import Problem
from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.text.converted import MarkdownOptions
from tests.needs import unavailable
from tests.ssg.markup.written import as_written

BARE = MarkdownOptions(typography=False, highlight=False, permalinks=False)


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of npm's packages. Where they can't be had, the test is skipped; under CI=true that is a failure."""
    try:
        return install(tmp_path_factory.mktemp("npm"))
    except Problem as problem:
        unavailable(problem.message)


def html_of(text: str, options: MarkdownOptions = BARE) -> str:
    found = converter.convert(text, options, language("en"))
    return as_written(found)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Converts CommonMark and no more."""
    made = {html: converter.instance(html=html, extended=False) for html in (True, False)}

    def own(html: bool) -> object:
        return made[html]

    own.cache_clear = lambda: None
    monkeypatch.setattr(converter, "_own", own)
    return html_of
