"""How these tests convert: with typography off, unless they are about it, and with links resolved to what they name."""

from collections.abc import Callable

import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import Converted, MarkdownOptions
from tests.ssg.markup.written import as_written

PLAIN = MarkdownOptions(typography=False, permalinks=False)


@pytest.fixture
def converted() -> Callable[..., Converted]:
    def run(text: str, options: MarkdownOptions = PLAIN, tag: str = "en") -> Converted:
        return convert(text, options, language(tag))

    return run


@pytest.fixture
def rendered(converted: Callable[..., Converted]) -> Callable[..., str]:
    def run(text: str, options: MarkdownOptions = PLAIN, tag: str = "en") -> str:
        found = converted(text, options, tag)
        assert found.faults == ()
        return as_written(found)

    return run
