"""`ssg build --profile`: where the time went, of all processes; and that a build without it is not slowed."""

import json
import time
from pathlib import Path

import jinja2
import pytest
from click.testing import CliRunner

from sealpress.config import sitefile
from sealpress.problems import Problem
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.cache.store import folder_of
from ssg.cli import ssg
from ssg.explain import profile as profiling
from ssg.rendering.theme.stopwatch import COMPILING, Stopwatch

SITE = '[site]\ntitle = "T"\nurl = "https://t.example.org/"\nlanguages = ["en"]\n'
SLOW = "{% for one in range(5000) %}{% endfor %}"


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    write(tmp_path, "site.toml", SITE)
    for number in range(45):
        write(tmp_path, f"content/posts/p{number}.md", f"---\ntitle: P{number}\ndate: 2026-01-01\n---\nText {number}\n")
    time.sleep(0.1)  # so that a later change shows by its time
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def made(root: Path, *, workers: int = 1, profile: bool = True, output: str = "public") -> Built:
    site = sitefile.load(root / "site.toml", "site.toml")
    request = Request(site, root / output, store=folder_of(root), workers=workers, profile=profile)
    return build(request)


def test_a_template_s_time_is_its_own(blog: Path) -> None:
    """Not that of what it extends, includes, or imports, nor of the blocks that others put into it."""
    macros = f"{{% macro slow() %}}{SLOW * 8}{{% endmacro %}}"
    write(blog, "templates/slow-macros.html", macros)
    write(blog, "templates/part.html", SLOW * 2)
    write(blog, "templates/frame.html", "{% block inner %}{% endblock %}")
    write(
        blog,
        "templates/post.html",
        '{% extends "frame.html" %}{% from "slow-macros.html" import slow %}'
        '{% block inner %}{{ super() }}{{ slow() }}{% include "part.html" %}{% endblock %}',
    )
    times = made(blog).timings.templates
    assert times["slow-macros.html"] > times["part.html"] > times["post.html"]
    assert times["part.html"] > times["frame.html"]
    assert times[COMPILING] > 0


def test_measuring_changes_no_byte(blog: Path) -> None:
    assert made(blog, output="a").tree.digest == made(blog, profile=False, output="b").tree.digest


def test_nothing_is_measured_unless_it_is_asked_for(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssg.build.steps.Stopwatch", None)
    assert made(blog, profile=False).timings.templates == {}


def test_times_of_all_processes_come_together(blog: Path) -> None:
    """Posts are made in other processes than this one, where there are more than one."""
    timings = made(blog, workers=2).timings
    assert timings.templates["post.html"] > 0
    assert {f"content/posts/p{number}.md" for number in range(45)} <= timings.pages.keys()
    assert timings.conversions == 45
    assert timings.kept == 0


def test_conversions_that_were_kept_are_counted(blog: Path) -> None:
    made(blog)
    write(blog, "content/posts/p0.md", "---\ntitle: Other\ndate: 2026-01-01\n---\nText 0\n")
    write(blog, "content/posts/p1.md", "---\ntitle: P1\ndate: 2026-01-01\n---\nOther\n")
    built = made(blog)
    assert (built.timings.conversions, built.timings.kept) == (2, 1)


def test_a_draft_is_no_conversion(blog: Path) -> None:
    write(blog, "content/posts/idea.md", "---\ntitle: Idea\ndate: 2026-01-01\ndraft: true\n---\n")
    assert made(blog).timings.conversions == 45


def test_a_fault_in_a_measured_template_is_shown_at_its_line(blog: Path) -> None:
    write(blog, "templates/post.html", "\n{{ pag.title }}")
    with pytest.raises(Problem, match='nothing is called "pag" here') as caught:
        made(blog)
    assert caught.value.place
    assert caught.value.place.line == 2


def test_phases_have_shares_and_the_slowest_come_first(blog: Path) -> None:
    built = made(blog)
    lines = profiling.lines(built)
    phases = lines[lines.index("Phases") + 1 : lines.index("", 1)]
    assert [line.split("  ")[1] for line in phases[:-1]] == list(built.timings.phases)
    assert 98 <= sum(int(line.rpartition(" ")[2].rstrip("%")) for line in phases[:-1]) <= 102
    start = lines.index("Slowest pages, conversion and rendering") + 1
    times = [float(line.split()[-2].replace(",", "")) for line in lines[start : start + 10]]
    assert times == sorted(times, reverse=True)
    assert lines[start + 10] == ""
    assert f"  files made anew  {built.made}, and {built.kept} kept from earlier builds" in lines
    assert f"  files written    {built.written}, which have other bytes than before" in lines


def test_languages_of_code_are_named_with_what_their_highlighting_took(blog: Path) -> None:
    code = "\n\n".join(f"```{language}\na = 1\n```" for language in ("python", "JS", "text", "nope"))
    write(blog, "content/code.md", f"---\ntitle: Code\n---\n\n{code}\n")
    built = made(blog)
    assert set(built.timings.code) == {"python", "js"}
    assert all(seconds > 0 for seconds in built.timings.code.values())
    lines = profiling.lines(built)
    start = lines.index("Slowest languages of code, highlighting") + 1
    assert sorted(line.split()[0] for line in lines[start : start + 2]) == ["js", "python"]
    assert set(profiling.data(built)["code"]) == {"python", "js"}  # type: ignore[call-overload]


def test_a_build_in_which_nothing_changed_says_so(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(blog, output="public")
    monkeypatch.chdir(blog)
    shown = CliRunner().invoke(ssg, ["build", "--profile", "-o", str(blog / "public")], catch_exceptions=False).stdout
    assert "Made:  nothing, since nothing changed\n" in shown
    assert shown.endswith("Nothing changed since the last build: no page was read, and no file made.\n")


def test_json_has_the_numbers(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(blog)
    told = json.loads(CliRunner().invoke(ssg, ["build", "--profile", "--json"], catch_exceptions=False).stdout)
    assert told["made"] == told["written"] == told["files"]
    assert len(told["profile"]["pages"]) == 10
    assert told["profile"]["conversions"] == 45
    assert "rendering" in told["profile"]["phases"]
    plain = json.loads(CliRunner().invoke(ssg, ["build", "--json"], catch_exceptions=False).stdout)
    assert "profile" not in plain
    assert plain["made"] == plain["written"] == 0


def test_a_person_is_told_how_much_was_made(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealpress.commands.console._PATIENCE", 600)  # the machine may be busy
    monkeypatch.chdir(blog)
    done = CliRunner().invoke(ssg, ["build"], catch_exceptions=False)
    assert "Rendering" not in done.stderr
    write(blog, "content/posts/p0.md", "---\ntitle: P0\ndate: 2026-01-01\n---\nOther text\n")
    (blog / "public/robots.txt").unlink()
    done = CliRunner().invoke(ssg, ["build"], catch_exceptions=False)
    made_line = next(line for line in done.stdout.splitlines() if line.startswith("Made:"))
    made, written = (int(word) for word in made_line.replace(",", "").split() if word.isdigit())
    assert 2 <= written <= made < 20


def test_a_stopwatch_runs_for_the_top_alone() -> None:
    clock = Stopwatch()
    clock.start("outer")
    clock.start("inner")
    clock.stop()
    clock.stop()
    taken = clock.taken()
    assert taken.keys() == {"outer", "inner"}
    assert clock.taken() == {}


def test_templates_are_not_measured_by_other_environments() -> None:
    """The class that measures is made for one environment; Jinja2's own stays as it is."""
    assert jinja2.Template("{{ 1 }}").render() == "1"
    assert jinja2.Environment.template_class is jinja2.Template
