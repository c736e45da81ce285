"""What is there and not on the site is told as that, with the way out, wherever it is named."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.git.repository import History, discover
from sealpress.problems import Problem
from ssg.build.build import build as build_site
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.content import absence
from ssg.content.sources import list_sources
from ssg.explain import left_out
from ssg.rendering.theme.theme import built_in_folder
from tests.ssg.blogs import Blog

pytestmark = pytest.mark.long

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed site with one page."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    root = tmp_path / "site"
    write(root, "site.toml", '[site]\ntitle = "A"\nurl = "https://example.org/"\n')
    write(root, "content/index.md", "---\ntitle: Home\n---\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "One", date="2026-05-04T10:00:00+00:00")
    return root


def git(root: Path, *arguments: str, date: str = "") -> None:
    environment = {**os.environ, **({"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date} if date else {})}
    subprocess.run([*GIT, *arguments], cwd=root, check=True, timeout=30, env=environment)


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def build(root: Path, *options: str, code: int = 3) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "ssg"), "build", "--no-cache", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done


def page(text: str) -> str:
    return f"---\ntitle: Home\n---\n{text}\n"


def own_theme(root: Path) -> None:
    shutil.copytree(built_in_folder() / "plain", root / "own")
    write(root, "site.toml", '[site]\ntitle = "A"\nurl = "https://example.org/"\ntheme = "own"\n')


def menu(url: str) -> Callable[[Path], None]:
    text = f'[site]\ntitle = "A"\nurl = "https://example.org/"\n[[menus.main]]\ntitle = "X"\nurl = "{url}"\n'
    return lambda root: write(root, "site.toml", text)


def linked(text: str) -> Callable[[Path], None]:
    return lambda root: write(root, "content/index.md", page(text))


def template(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: write(root, f"templates/{name}", text)


def asking_theme(text: str) -> Callable[[Path], None]:
    def step(root: Path) -> None:
        own_theme(root)
        write(root, "own/templates/page.html", text)
        write(root, "content/a.md", page(""))

    return step


def in_german(root: Path) -> None:
    write(root, "site.toml", '[site]\ntitle = "A"\nurl = "https://example.org/"\nlanguages = ["de"]\n')


def style_sheet(root: Path) -> None:
    text = '[site]\ntitle = "A"\nurl = "https://example.org/"\n[theme]\nstylesheet = "/custom.css"\n'
    write(root, "site.toml", text)


def with_template(root: Path) -> None:
    write(root, "content/index.md", "---\ntitle: Home\ntemplate: mine.html\n---\n")


# What names a file, and the file: the one is committed, the other is not.
NAMED = {
    "a page": (linked("[x](about.md)"), "content/about.md"),
    "a page with an anchor": (linked("[x](/docs/a.md#b)"), "content/docs/a.md"),
    "a page by its path": (linked("[x](/about/)"), "content/about.md"),
    "an image": (linked("![x](<a b.png>)"), "content/a b.png"),
    "a file beside a page": (linked("[x](a.pdf)"), "content/a.pdf"),
    "a static file": (linked("[x](/a.pdf)"), "static/a.pdf"),
    "a page of a menu": (menu("about.md"), "content/about.md"),
    "a static file of a menu": (menu("/a.pdf"), "static/a.pdf"),
    "a style sheet in an option": (style_sheet, "static/custom.css"),
    "an address of a template": (template("home.html", '<link rel="stylesheet" href="/a.css">'), "static/a.css"),
    "a page's template": (with_template, "templates/mine.html"),
    "a template's parent": (template("home.html", '{% extends "mine.html" %}'), "templates/mine.html"),
    "an included template": (template("home.html", '{% include "mine.html" %}'), "templates/mine.html"),
    "a link of a template": (template("home.html", '{{ url("about.md") }}'), "content/about.md"),
    "a data file": (template("home.html", "{{ site.data.people }}"), "data/people.yaml"),
    "a data file in a folder": (template("home.html", "{{ site.data.team.people }}"), "data/team/people.toml"),
    "a theme's file": (asking_theme('{{ asset("new.css") }}'), "own/static/new.css"),
    "a theme's template": (asking_theme('{% include "mine.html" %}'), "own/templates/mine.html"),
    "interface strings of a new language": (in_german, "i18n/de.toml"),
    "a theme's interface strings": (own_theme, "own/i18n/en.toml"),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_added_to_git_is_not_to_be_taken_out(name: str, site: Path) -> None:
    step, file = NAMED[name]
    step(site)
    if name == "a data file in a folder":
        write(site, "data/team/other.toml", "")
    git(site, "add", ".")
    if (site / file).is_file():
        git(site, "rm", "--quiet", "--cached", file)
    else:
        write(site, file, "x" if not file.endswith((".md", ".toml")) else page("") if file.endswith(".md") else "")
    said = build(site).stderr
    quoted = f"'{file}'" if " " in file else file
    assert "not added to git" in said
    assert f"git add {quoted}" in said
    assert "take the link out" not in said


@pytest.mark.parametrize("name", ["a page", "a page by its path", "an image", "a static file", "a page's template"])
def test_what_git_ignores_is_told_as_that(name: str, site: Path) -> None:
    step, file = NAMED[name]
    step(site)
    write(site, file, page(""))
    for excluding in (".git/info/exclude", ".gitignore"):  # and the user's own file
        (site / ".git/info/exclude").write_text("")
        write(site, excluding, f"{file.rpartition('/')[2]}\n")
        said = build(site).stderr
        assert f'{file}" is ignored by git' in said or f'{file}", which is ignored by git' in said
        assert "git add --force" in said
        assert "git check-ignore -v" in said
    shutil.rmtree(site / ".git")
    assert "hint: change the line in .gitignore that names it" in build(site).stderr


@pytest.mark.parametrize(
    ("link", "there", "said"),
    [
        (
            "[x](About.md)",
            "content/about.md",
            'this links to "content/About.md", which is "content/about.md" with other',
        ),
        ("![x](A.PDF)", "content/a.pdf", '"content/A.PDF" is "content/a.pdf" with other letters'),
        ("[x](/File.pdf)", "static/file.pdf", '"/File.pdf": "static/File.pdf" is "static/file.pdf" with other'),
        ("[x](/About/)", "content/about.md", '"content/About.md" is "content/about.md" with other letters'),
        ("[x](ÄÖ.md)", "content/äö.md", 'this links to "content/ÄÖ.md", which is "content/äö.md" with other letters'),
    ],
)
def test_a_name_that_differs_in_case_alone_is_told_as_that(link: str, there: str, said: str, site: Path) -> None:
    write(site, "content/index.md", page(link))
    write(site, there, page(""))
    git(site, "add", ".")
    assert said in build(site).stderr


def test_a_link_to_a_draft_or_a_scheduled_page_says_so_by_source_and_by_path(site: Path) -> None:
    links = "[a](draft.md) [b](/draft/) [c](later.md) [d](/later/) [e](/posts/p/)"
    write(site, "content/index.md", page(links))
    write(site, "content/draft.md", "---\ntitle: D\ndraft: true\n---\n")
    write(site, "content/later.md", "---\ntitle: L\ndate: 2026-06-01\n---\n")
    write(site, "content/posts/p.md", "---\ntitle: L\ndate: 2026-06-01 18:30+02:00\n---\n")
    git(site, "add", ".")
    by_source = build(site).stderr
    assert 'this links to "content/draft.md", which is a draft' in by_source
    assert 'this links to "content/later.md", which is due on 2026-06-01' in by_source
    assert "a commit, or SOURCE_DATE_EPOCH, of 2026-06-01 or later brings it out; --future does so now" in by_source
    write(site, "content/index.md", page("[b](/draft/) [d](/later/) [e](/posts/p/)"))
    by_path = build(site).stderr
    assert 'nothing on the site is at "/draft/": "content/draft.md" is a draft' in by_path
    assert '"content/later.md" is due on 2026-06-01' in by_path
    assert '"content/posts/p.md" is due on 2026-06-01 18:30+02:00' in by_path
    build(site, "--drafts", "--future", code=0)


def test_a_file_of_another_repository_within_is_told_as_that(site: Path) -> None:
    write(site, "content/index.md", page("[x](sub/a.pdf)"))
    write(site, "content/sub/a.pdf", "x")
    git(site / "content/sub", "init", "--quiet")
    assert 'is in a repository of its own, "content/sub"' in build(site).stderr


def test_what_is_nowhere_or_outside_is_no_absence(site: Path) -> None:
    sources = list_sources(site, ["content", "static"])
    write(site, "static/x.txt", "x")
    (site / "static/link.txt").symlink_to("x.txt")
    for name in (
        "content/no.md",
        "content/index.md",
        "../site/static/x.txt",
        "/etc/passwd",
        "site.toml",
        "static/link.txt",
    ):
        assert absence.of(sources, name, {}) is None, name
    assert absence.of(list_sources(site, ["content", "static"]), "static/x.txt", {})


def test_what_was_left_out_is_told_with_its_dates_and_the_way_in(site: Path) -> None:
    write(site, "content/draft.md", "---\ntitle: D\ndraft: true\n---\n")
    write(site, "content/later.md", "---\ntitle: L\ndate: 2026-06-02\n---\n")
    write(site, "content/next.md", "---\ntitle: N\ndate: 2026-06-01 18:30\n---\n")
    git(site, "add", ".")
    write(site, "content/new.md", page(""))
    done = build(site, code=0)
    drafts, scheduled, untracked = [line for line in done.stderr.split("\n") if line.startswith("left out")]
    assert drafts == "left out: 1 draft (content/draft.md); --drafts takes it in"
    assert scheduled == (
        "left out: 2 scheduled pages (content/next.md on 2026-06-01 18:30+00:00, content/later.md on 2026-06-02); "
        "a commit, or SOURCE_DATE_EPOCH, of 2026-06-01 18:30+00:00 or later brings the first out; "
        "--future takes them in now"
    )
    assert untracked == "left out: 1 untracked file (content/new.md); git add it, or build with --dirty"
    told = json.loads(build(site, "--json", code=0).stdout)
    assert told["due"] == {
        "content/later.md": "2026-06-02T00:00:00+00:00",
        "content/next.md": "2026-06-01T18:30:00+00:00",
    }
    assert (told["drafts"], told["scheduled"]) == (["content/draft.md"], ["content/next.md", "content/later.md"])


def test_a_day_later_the_first_is_out(tmp_path: Path) -> None:
    """What is told is true: also by a build that knows of an earlier one."""
    blog = Blog(tmp_path, clock=dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
    blog.page("a.md", "", date="2026-06-01")
    blog.page("b.md", "", date="2026-06-02")
    for day, left in ((30, ["content/a.md", "content/b.md"]), (1, ["content/b.md"]), (2, [])):
        blog.clock = dt.datetime(2026, 5 if day == 30 else 6, day, tzinfo=dt.UTC)
        for _ in range(2):
            built = blog.built()
            assert isinstance(built, Built)
            assert list(built.scheduled) == left
            lines = list(left_out.lines(built, is_release=True))
            assert len(lines) == bool(left)
            assert all("--future" not in line and "a commit of 2026-06-0" in line for line in lines)


def test_an_export_of_a_commit_tells_what_lies_beside_it(site: Path, tmp_path: Path) -> None:
    write(site, "content/index.md", page("[x](about.md)"))
    git(site, "add", ".")
    git(site, "commit", "--quiet", "-m", "Two")
    write(site, "content/about.md", page(""))
    repository = discover(site)
    assert repository
    commit = repository.commit("HEAD")
    with repository.checkout(commit) as tree:
        history = History(repository, site, commit.id)
        request = Request(
            sitefile.load(tree / "site.toml", "site.toml"), tmp_path / "out", in_git=False, history=history
        )
        with pytest.raises(Problem, match="not in this commit") as caught:
            build_site(request)
    assert caught.value.hint == "git add content/about.md, and commit it"
