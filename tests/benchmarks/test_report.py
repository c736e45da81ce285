"""The report holds what was measured, names who is missing and why, and says nothing of the day or the folder."""

from pathlib import Path

from benchmarks import report
from benchmarks.batch import Batch
from benchmarks.census import Census
from benchmarks.measure import Run
from benchmarks.peers import Missing, Peer
from benchmarks.scenarios import EDITS, Session
from benchmarks.steps import Profile

EACH = {"posts": 1000, "index": 100, "tag": 300, "tags": 1, "entries": 20, "addresses": 1100}


def session(wall: float, census: Census) -> Session:
    return Session(dict.fromkeys(EDITS, Run(wall, wall * 2, 50_000_000)), census)


def results(own: Census) -> report.Results:
    hugo = Census(**EACH)
    small = Batch(1000, [{"hugo": session(2.0, hugo), "sealpress": session(1.0, own)}])
    large = Batch(10_000, [{"hugo": session(20.0, hugo), "sealpress": session(11.0, own)}])
    large.failed["pelican"] = "not done after 300 s"
    large.left_out["jekyll"] = "a cold build would take about 400 s, more than 300 s"
    able = [Peer("sealpress", "commit abc", ("/secret/bin/python", "-m", "ssg.cli")), Peer("hugo", "1.0", ("/x/hugo",))]
    missing = Missing("nikola", "there is no network")
    profile = Profile(
        1000, 5.0, {"Python-Markdown": 0.75, "Jinja2": 0.25}, {"Python-Markdown": 0.003, "Pygments": 0.001}
    )
    return report.Results("make bench", 300, 0.5, [*able, missing], [small, large], profile)


def test_a_report_has_ratios_and_everybody_who_is_not_in_it() -> None:
    text = report.text(results(Census(**EACH)))
    assert "| sealpress | 1.00 s (0.50) |" in text
    assert "| sealpress | 1.00 ms | 1.10 ms | 1.10 |" in text
    assert "- nikola **not installed**: there is no network" in text
    assert "- pelican **failed**: not done after 300 s" in text
    assert "- jekyll left out: a cold build would take about 400 s, more than 300 s" in text
    assert "| Python-Markdown | 75% | 3.75 ms |" in text
    assert "All built the same." in text
    assert "Not the same" not in text


def test_who_builds_less_is_named_in_the_report() -> None:
    text = report.text(results(Census(**EACH | {"tag": 100})))
    assert "**Not the same:** sealpress has 100 tag, hugo has 300" in text


def test_a_report_has_no_path_of_the_machine() -> None:
    text = report.text(results(Census(**EACH)))
    assert "/secret" not in text
    assert str(Path.cwd()) not in text
