"""The table of requests, of a preview: the sealed nginx answers alike, in tests/imagebake/nginx/test_answers.py."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests import answers
from tests.answers import Answer, Request
from tests.ssg.preview.test_session import Preview, running

Previews = Mapping[str, tuple[Preview, Mapping[str, bytes]]]


@pytest.fixture(scope="module", params=["ssg", "command"])
def previews(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    """Of what ssg makes, and of what a command has filled the output folder with."""
    found = {}
    with ExitStack() as stack:
        for below in answers.PATHS:
            folder = answers.written(tmp_path_factory.mktemp("answers") / "site", below)
            _, files = answers.built(folder)
            options = []
            if request.param == "command":
                with (folder / "site.toml").open("a") as settings:
                    settings.write('\n[build]\ncommand = ["true"]\n')
                options = ["--allow-command"]
            found[below] = (stack.enter_context(running(folder, *options)), files)
        yield found


@pytest.mark.parametrize(("below", "asked", "answer"), answers.ROWS)
def test_a_preview_answers_as_the_table_says(previews: Previews, below: str, asked: Request, answer: Answer) -> None:
    preview, files = previews[below]
    answers.check(preview.port, files, asked, answer)
