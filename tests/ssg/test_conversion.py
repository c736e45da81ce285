"""Neither the store nor the number of workers changes a byte."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.console import SILENT
from ssg import conversion
from ssg.conversion import ALONE, Job, Workshop, decoded, encoded
from ssg.l10n.language import language
from ssg.markup.converted import MarkdownOptions
from ssg.markup.converter import convert
from ssg.store import Store
from tests.ssg.test_golden import GOLDEN, build_golden

EN = language("en")


def jobs(count: int) -> list[Job]:
    text = "## Part {n}\n\nText [link](x{n}.md) and `code`.[^1]\n\n```python\nprint({n})\n```\n\n[^1]: Note {n}.\n"
    return [Job(text.replace("{n}", str(number)), MarkdownOptions(), EN) for number in range(count)]


@given(text=st.text(max_size=300))
def test_a_conversion_survives_being_kept(text: str) -> None:
    body = convert(text, MarkdownOptions(), EN)
    assert decoded(encoded(body)) == body


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_workers_give_what_one_process_gives(workers: int) -> None:
    wanted = [convert(job.text, job.options, job.language) for job in jobs(2 * ALONE)]
    assert Workshop(workers=workers).convert(jobs(2 * ALONE), SILENT) == wanted


def test_the_second_time_nothing_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Workshop(Store(tmp_path)).convert(jobs(3), SILENT)
    monkeypatch.setattr(conversion, "convert", lambda *_: pytest.fail("converted again"))
    assert Workshop(Store(tmp_path)).convert(jobs(3), SILENT) == first


@pytest.mark.parametrize("change", ["text", "options", "language", "tools"])
def test_whatever_a_conversion_depends_on_makes_it_new(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workshop(Store(tmp_path), tools={"markdown": "1"}).convert(jobs(1), SILENT)
    made = []
    monkeypatch.setattr(conversion, "convert", lambda *given: made.append(given) or convert(*given))
    job = jobs(1)[0]
    other = {
        "text": Job(job.text + "!", job.options, job.language),
        "options": Job(job.text, MarkdownOptions(typography=False), job.language),
        "language": Job(job.text, job.options, language("fr")),
    }.get(change, job)
    Workshop(Store(tmp_path), tools={"markdown": "2" if change == "tools" else "1"}).convert([other], SILENT)
    assert len(made) == 1


def test_a_worker_that_is_killed_costs_only_time(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [convert(job.text, job.options, job.language) for job in jobs(2 * ALONE)]
    parent = os.getpid()

    def killed(*given: object) -> object:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return convert(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(conversion, "convert", killed)
    assert Workshop(workers=2).convert(jobs(2 * ALONE), SILENT) == wanted


def test_a_build_with_a_store_gives_the_golden_tree(tmp_path: Path) -> None:
    plain = build_golden(GOLDEN / "site", tmp_path / "plain")
    for output in ("cold", "warm"):
        built = build_golden(GOLDEN / "site", tmp_path / output, store=tmp_path / "store", workers=2)
        assert built.digest == plain.digest
