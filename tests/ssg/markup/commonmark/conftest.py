"""What others say about CommonMark: its specification and its reference parser, from npm."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.converted import MarkdownOptions, resolve

SPECIFICATION = "commonmark-spec@0.31.2"
REFEREE = "commonmark@0.31.2"
BARE = MarkdownOptions(typography=False, highlight=False, permalinks=False)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of npm's packages. Where they can't be had, the test is skipped; under CI=true that is a failure."""
    folder = tmp_path_factory.mktemp("npm")
    npm = shutil.which("npm")
    command = [npm or "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", SPECIFICATION, REFEREE]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=100, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = f"npm's {SPECIFICATION} and {REFEREE} can't be had: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return folder / "node_modules"


def html_of(text: str, options: MarkdownOptions = BARE) -> str:
    found = converter.convert(text, options, language("en"))
    return resolve(found.html, [link.target for link in found.links])


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Converts CommonMark and no more."""
    made = {html: converter.instance(html=html, extended=False) for html in (True, False)}

    def own(html: bool) -> object:
        return made[html]

    own.cache_clear = lambda: None
    monkeypatch.setattr(converter, "_own", own)
    return html_of
