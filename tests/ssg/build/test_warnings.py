"""Warnings: what an author should know, and what stops no build, unless it is strict."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.problems import Exit, Place, Problem, Problems
from ssg import cli
from ssg.build.result import Built
from ssg.content.findings import Findings
from tests.ssg.blogs import Blog, files, tried

LEFT = "100. a\n\n    b"  # "this no longer belongs to the list above", at its third line
DEEP = "- a\n\n        b"
DEAD = "[x](nowhere.md)"
MESSAGE = "this no longer belongs to the list above"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    made = Blog(tmp_path)
    made.page("about.md", LEFT)
    made.page("index.md", "Home.")
    return made


@pytest.fixture
def run(blog: Blog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `ssg build` in the blog, as a shell would; gives its code, and what it said to both streams."""
    monkeypatch.chdir(blog.root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(blog.folder))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ssg", "build", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def warned(result: Built | list[object]) -> list[tuple[str, str]]:
    assert isinstance(result, Built), result
    return [(str(one.place), one.message) for one in result.warnings]


def test_a_warning_has_its_place_excerpt_and_hint_and_is_counted_last(run: Run) -> None:
    code, out, err = run()
    assert code == Exit.OK
    assert err.splitlines()[-5:] == [
        f"warning: content/about.md:6:5: {MESSAGE}",
        "6 |     b",
        "        ^",
        "hint: indent it by 5 columns, as the text of its last item is; or begin it where the list begins",
        "1 warning; ssg build --strict makes it an error",
    ]
    assert out.startswith("Built ")


@pytest.mark.parametrize("workers", [1, 2])
def test_warnings_are_told_again_by_every_build(blog: Blog, workers: int) -> None:
    blog.workers = workers
    left = ("content/about.md:6:5", MESSAGE)
    assert warned(blog.built()) == warned(blog.built()) == [left]  # the second finds nothing changed
    blog.page("index.md", "Another home.")
    assert warned(blog.built()) == warned(blog.built()) == [left]
    blog.page("other.md", DEEP)
    deep = ("content/other.md:6:7", "each line of this code begins with 2 blanks")
    assert warned(blog.built()) == warned(blog.built()) == [left, deep]
    blog.page("about.md", f"A line more.\n\n{LEFT}")
    moved = ("content/about.md:8:5", MESSAGE)
    assert warned(blog.built()) == warned(blog.built()) == [moved, deep] == warned(blog.clean())
    blog.page("about.md", "Mended.")
    assert warned(blog.built()) == warned(blog.built()) == [deep]
    (blog.root / "content/other.md").unlink()
    assert warned(blog.built()) == warned(blog.built()) == [] == warned(blog.clean())


def test_what_is_not_published_is_not_warned_of(blog: Blog) -> None:
    blog.page("about.md", LEFT, draft="true")
    assert warned(blog.built()) == []
    blog.page("about.md", LEFT)
    assert len(warned(blog.built())) == 1


def test_a_strict_build_takes_warnings_for_faults_and_places_nothing(run: Run, blog: Blog) -> None:
    code, _, err = run("--strict")
    assert (code, err.splitlines()[-4]) == (Exit.SITE, f"error: content/about.md:6:5: {MESSAGE}")
    assert "warning" not in err
    assert not (blog.root / "public").exists()


def test_a_strict_build_stops_where_nothing_changed_since_one_that_was_not(run: Run, blog: Blog) -> None:
    assert run()[0] == Exit.OK
    before = files(blog.root / "public")
    for _ in range(2):
        code, out, err = run("--strict")
        assert (code, out) == (Exit.SITE, "")
        assert err.startswith(f"error: content/about.md:6:5: {MESSAGE}\n")
        assert files(blog.root / "public") == before
    assert run()[0] == Exit.OK


def test_the_site_file_can_ask_for_strictness(run: Run, blog: Blog) -> None:
    blog.set("build", "strict", True)
    assert run()[0] == Exit.SITE
    blog.page("about.md", "Mended.")
    assert run()[0] == Exit.OK


def test_a_machine_is_told_warnings_as_it_is_told_errors(run: Run) -> None:
    code, out, err = run("--json")
    assert (code, json.loads(out)["warnings"]) == (
        Exit.OK,
        [
            {
                "block": [],
                "code": 3,
                "column": 5,
                "file": "content/about.md",
                "hint": "indent it by 5 columns, as the text of its last item is; or begin it where the list begins",
                "kind": MESSAGE,
                "length": 1,
                "line": 6,
                "message": MESSAGE,
                "said": [],
            }
        ],
    )
    assert "warning: content/about.md" in err
    code, out, err = run("--json", "--strict")
    assert (code, len(json.loads(out)["errors"])) == (Exit.SITE, 1)
    assert "warnings" not in json.loads(out)


def test_a_quiet_build_does_not_warn_unless_it_is_strict_or_for_a_machine(run: Run) -> None:
    code, out, err = run("--quiet")
    assert (code, err) == (Exit.OK, "")
    assert out.startswith("Built ")
    assert "warnings" in json.loads(run("--quiet", "--json")[1])
    assert run("--quiet", "--strict")[0] == Exit.SITE


def test_warnings_stand_above_the_faults_that_ended_the_build_and_both_are_counted(run: Run, blog: Blog) -> None:
    blog.page("other.md", DEAD)
    code, out, err = run("--json")
    assert code == Exit.SITE
    shown = [line for line in err.splitlines() if line.startswith(("warning", "error"))]
    assert [line.split(":")[:2] for line in shown] == [["warning", " content/about.md"], ["error", " content/other.md"]]
    assert err.endswith("\n1 error and 1 warning\n")
    told = json.loads(out)
    assert [len(told[name]) for name in ("errors", "warnings")] == [1, 1]
    code, _, err = run("--quiet")
    assert (code, "warning" in err) == (Exit.SITE, False)
    code, _, err = run("--strict")
    assert (code, err.splitlines()[-1]) == (Exit.SITE, "2 errors")


def test_many_warnings_are_grouped_as_faults_are(run: Run, blog: Blog) -> None:
    for number in range(20):
        blog.page(f"p{number:02}.md", f"{LEFT}\n\n{DEEP}")
    _, _, err = run()
    assert err.count("warning: ") == 6
    assert err.count("… and ") == 2
    assert "… and 18 more like these\n" in err
    assert err.endswith("\n41 warnings of 2 kinds; --all shows each; ssg build --strict makes them errors\n")
    _, _, err = run("--all")
    assert err.count("warning: ") == 41
    blog.page("other.md", DEAD)
    _, _, err = run()
    assert err.endswith("\n1 error and 41 warnings of 2 kinds; --all shows each\n")


def test_what_a_warning_quotes_drives_no_terminal(run: Run, blog: Blog) -> None:
    blog.page("about.md", LEFT.replace("b", "\u202eerror: \u2028b"))
    assert warned(blog.built())
    _, out, err = run("--json")
    assert "\u202e" not in err + out
    assert "\\u202eerror: \\u2028b" in err


def test_the_store_of_another_build_gives_the_same_warnings(blog: Blog) -> None:
    first = warned(blog.built())
    blog.place = "elsewhere"
    assert warned(blog.built()) == first != []


WARNING = Problem("odd", place=Place("a.md", 2, 1, "x"), hint="mend it", is_warning=True)


def test_findings_raise_faults_and_hand_on_what_they_warn_of() -> None:
    findings = Findings()
    findings.tell("a.md", [WARNING])
    findings.check()
    assert findings.warnings == (WARNING,)
    findings.tell("b.md", [Problems([Problem("one"), Problem("two")])])
    with pytest.raises(Problems) as raised:
        findings.check()
    assert [one.message for one in raised.value.each] == ["one", "two"]
    assert raised.value.warnings == (WARNING,)


def test_findings_keep_of_the_last_build_what_nobody_looked_at_again() -> None:
    first = Findings()
    for subject in ("a.md", "b.md", "c.md", "d.md"):
        first.tell(subject, [Problem("odd", place=Place(subject), is_warning=True)])
    second = Findings(first.plain())
    second.keep(["a.md", "b.md"])
    second.tell("b.md")
    second.tell("c.md", [Problem("other", place=Place("c.md"), is_warning=True)])
    assert [(str(one.place), one.message) for one in second.warnings] == [("a.md", "odd"), ("c.md", "other")]
    assert {subject: len(found) for subject, found in second.plain().items()} == {
        "a.md": 1,
        "b.md": 0,
        "c.md": 1,
        "d.md": 0,
    }


def test_warnings_stand_by_place_whichever_room_was_first_and_each_once() -> None:
    findings = Findings()
    for line in (10, 9, 2, 9):
        findings.tell("templates", [Problem("odd", place=Place("b.md", line), is_warning=True)])
    findings.tell("pages", [Problem("z", place=Place("a.md"), is_warning=True), Problem("no place", is_warning=True)])
    assert [str(one.place) for one in findings.warnings] == ["None", "a.md", "b.md:2", "b.md:9", "b.md:10"]


def test_strict_findings_raise_what_they_warn_of_among_the_faults() -> None:
    findings = Findings(strict=True)
    findings.tell("a.md", [WARNING])
    assert tried(findings.check) == [("odd", WARNING.place, "mend it", Exit.SITE)]
    findings.tell("a.md", [Problem("one")])
    with pytest.raises(Problems) as raised:
        findings.check()
    assert [one.message for one in raised.value.each] == ["one", "odd"]
    assert raised.value.warnings == ()


def test_a_stage_that_raises_lets_the_next_one_find_more() -> None:
    findings = Findings()
    for number in (2, 1):
        with findings.collecting("tree"):
            raise Problem(f"fault {number}", place=Place("b.md", number))
    findings.tell(
        "site", [Problem("of the site", place=Place("site.toml", 9)), Problem("fault 1", place=Place("b.md", 1))]
    )
    with pytest.raises(Problems) as raised:
        findings.check()
    assert [one.message for one in raised.value.each] == ["of the site", "fault 1", "fault 2"]


def test_a_folder_of_posts_that_is_called_as_hugo_calls_it_is_warned_of_once(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "Text.")
    for name in "ab":
        blog.page(f"post/{name}.md", "Text.", date="2026-01-05")
    blog.page("_index.md".removeprefix("_"), "Home.")
    for _ in range(2):
        built = blog.built()
        assert isinstance(built, Built)
        (warning,) = built.warnings
        assert str(warning) == (
            'content/post: "post" is no folder of posts here\n'
            "hint: posts are in content/posts: git mv content/post content/posts"
        )
    blog.page("posts/c.md", "Text.")  # into a folder that is there, git mv would put the folder itself
    built = blog.built()
    assert isinstance(built, Built)
    assert (built.warnings[0].hint or "").endswith("git mv content/post/* content/posts")


def test_a_folder_of_pages_without_dates_may_be_called_post(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("post/index.md", "By post.")
    blog.page("post/stamps.md", "Text.")
    built = blog.built()
    assert isinstance(built, Built)
    assert built.warnings == ()
