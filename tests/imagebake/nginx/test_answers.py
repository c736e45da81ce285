"""The table of requests, of the real sealed nginx with the configuration that a bake makes."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import answers
from tests.answers import Answer, Request
from tests.imagebake.nginx.servers import Server, Way, dressed, serving

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def servers(rootfs: Path, open_folder: Path) -> Iterator[Mapping[str, tuple[Server, Mapping[str, bytes]]]]:
    found = {}
    with ExitStack() as stack:
        for number, below in enumerate(answers.PATHS):
            folder = answers.written(open_folder / f"answers-{number}", below)
            site, files = answers.built(folder)
            root = dressed(rootfs, files, site.settings.image, open_folder / f"answers-{number}-image", below)
            found[below] = (stack.enter_context(serving(root, Way("ld.so"))), files)
        yield found


@pytest.mark.parametrize(("below", "asked", "answer"), answers.ROWS)
def test_nginx_answers_as_the_table_says(
    servers: Mapping[str, tuple[Server, Mapping[str, bytes]]], below: str, asked: Request, answer: Answer
) -> None:
    server, files = servers[below]
    answers.check(server.port, files, asked, answer)
