"""`ssg why`: what a file was made from and why it was made anew, as the last build knows it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sealpress.config import sitefile
from sealpress.files import signing
from sealpress.problems import Exit, Problem
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.stale import FIRST, NEW, OTHER, TOUCHED
from ssg.cache.store import folder_of
from ssg.cli import ssg
from ssg.explain.columns import section
from ssg.explain.why import ChangesSince, Explanation, Use, asked
from ssg.explain.wording import said
from ssg.rendering.queries.site_queries import SiteQueries
from tests.ssg.explain.whys import SITE, begun, made, part, post, shown, why, write


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blog that stays as it is."""
    return begun(tmp_path_factory.mktemp("still"))


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A blog to change."""
    return begun(tmp_path)


def test_every_question_is_said_with_all_that_it_is_asked_with() -> None:
    """None is told from another by its words and what it is about."""
    asked = [(name, *question.parameters) for name, question in SiteQueries.declared.items()]
    sentences = [said(key).sentence() for key in asked]
    assert len(set(sentences)) == len(sentences)
    for key, sentence in zip(asked, sentences, strict=True):
        assert all(str(one) in sentence for one in key[1:]), sentence
        assert not set("{}") & set(sentence)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (("title", "content/x.md"), "title of content/x.md"),
        (("neighbours", "content/x.md"), "neighbours of content/x.md"),
        (("posts", "en", 5, "red"), "posts the newest 5 of tag red (en)"),
        (("posts", "en", None, None), "posts all (en)"),
        (("terms_of", "content/x.md", "series"), "series of content/x.md"),
        (("term", "series", "en", "deep"), "name and path of series/deep (en)"),
        (("taxonomy", "series", "en"), "[taxonomies] series (en)"),
        (("site_title", "fr"), "[site] title (fr)"),
        (("menu", "en", "main"), "[menus] main (en)"),
        (("option", "accent", "en"), "theme option accent (en)"),
        (("string", "read_more", "en"), "interface string read_more (en)"),
        (("template", "base.html"), "template base.html"),
        (("asset", "style.css"), "theme file style.css"),
        (("has_terms", "tags"), "whether there are tags"),
        (("data", "data/authors.toml"), "data of data/authors.toml"),
        (("data_named", "team/people"), "the data named team.people"),
        (("data_names", "team"), "all data in folder team/"),
        (("a_question_of_tomorrow", "x", None), "a question of tomorrow x"),
    ],
)
def test_a_question_is_a_sentence(key: tuple[str | int | None, ...], sentence: str) -> None:
    assert said(key).sentence() == sentence


@pytest.mark.parametrize(
    "name",
    [
        "posts/middle/index.html",
        "posts/middle/",
        "posts/middle",
        "/posts/middle/",
        "/blog/posts/middle/",
        "https://t.example.org/blog/posts/middle/?x#y",
        "https://T.example.org:443/blog/posts/middle/",
        "http://t.example.org/blog/posts/middle/",
        "public/posts/middle/index.html",
        "{root}/public/posts/middle/index.html",
        "./public/posts/middle",
    ],
)
def test_a_file_is_found_by_all_its_names(still: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(still)
    found = why(still, name.format(root=still))
    assert isinstance(found, Explanation)
    assert found.path == "posts/middle/index.html"
    assert found.served == "/posts/middle/"


def test_the_home_page_and_a_file_without_a_folder_are_found(still: Path) -> None:
    assert [getattr(why(still, name), "path", "") for name in ("/", "feed.xml", "/plan.txt")] == [
        "index.html",
        "feed.xml",
        "plan.txt",
    ]


def test_a_page_tells_what_it_was_made_from(still: Path) -> None:
    lines = shown(still, "/posts/middle/")
    own = part(lines, "Source: content/posts/middle.md")
    assert own[0].startswith("front matter title, date,")
    assert own[1].startswith("body text, ")
    others = part(lines, "Other pages")
    assert {"content/posts/early.md title, path", "content/posts/late.md title, path"} < set(others)
    assert not [row for row in others if "content/posts/middle.md" in row]
    assert "neighbours of this page" in part(lines, "Asked of the site")
    assert any(line.startswith("[site] ") and "title" in line for line in part(lines, "Settings"))
    assert any("accent" in line for line in part(lines, "Theme options"))
    assert "post.html themes/plain/templates/post.html" in part(lines, "Templates")
    assert "style.css themes/plain/static/style.css" in part(lines, "Theme files")
    assert "jinja2 " in part(lines, "Tools")[0]


def test_a_template_of_the_site_s_own_is_named_by_its_file(still: Path) -> None:
    assert part(shown(still, "404.html"), "Templates") == ["404.html templates/404.html"]


def test_a_copy_has_a_source_and_no_tools(still: Path) -> None:
    lines = shown(still, "plan.txt")
    assert "Source: static/plan.txt" in lines
    assert "Tools" not in lines


def test_the_first_build_made_everything(still: Path) -> None:
    assert part(shown(still, "/"), "Last made anew because") == [FIRST]


def test_a_change_elsewhere_is_named(blog: Path) -> None:
    write(blog, "content/posts/late.md", post("Later", 3))
    made(blog)
    assert part(shown(blog, "/posts/middle/"), "Last made anew because") == ["content/posts/late.md title"]
    assert part(shown(blog, "/about/"), "Last made anew because") == [FIRST]


def test_an_edited_body_is_named(blog: Path) -> None:
    write(blog, "content/posts/late.md", post("Late", 3, "New words"))
    made(blog)
    row = part(shown(blog, "/posts/late/"), "Last made anew because")[0]
    assert row.startswith("content/posts/late.md ")
    assert "text" in row


def test_a_new_file_a_touched_one_and_a_setting_are_named(blog: Path) -> None:
    write(blog, "content/posts/newest.md", post("Newest", 4))
    (blog / "public/about/index.html").unlink()
    made(blog)
    assert part(shown(blog, "/posts/newest/"), "Last made anew because") == [NEW]
    assert part(shown(blog, "/about/"), "Last made anew because") == [TOUCHED]
    assert part(shown(blog, "/posts/late/"), "Last made anew because") == ["neighbours of this page"]
    write(blog, "site.toml", SITE.replace("blue", "green"))
    made(blog)
    assert part(shown(blog, "/about/"), "Last made anew because") == ["theme option accent (en)"]


def test_other_tools_are_named(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealpress.tools.TREE", ("markdown", "pillow"))
    made(blog)
    assert part(shown(blog, "/about/"), "Last made anew because") == [OTHER]


def test_what_changed_since_is_told(blog: Path) -> None:
    write(blog, "content/posts/middle.md", post("Muddle", 2))
    write(blog, "content/notes/deep.md", "---\ntitle: Deeper\n---\n")
    write(blog, "public/posts/middle/index.html", "by hand")
    (blog / "public/plan.txt").unlink()
    found = why(blog, "/posts/middle/")
    assert found.changes.sources == ("content/posts/middle.md",)
    lines = shown(blog, "/posts/middle/")
    assert "the file was changed by hand: the next build stops at it" in lines
    assert "changed since the last build: content/posts/middle.md" in lines
    assert "the file is gone: the next build makes it anew" in shown(blog, "plan.txt")
    assert why(blog, "/posts/early/").changes.sources == ("content/posts/middle.md",)
    assert why(blog, "content/notes/deep.md").changes.sources == ("content/notes/deep.md",)


def test_a_touched_file_with_the_same_bytes_has_not_changed(blog: Path) -> None:
    os.utime(blog / "content/posts/middle.md", (1, 1))
    os.utime(blog / "public/posts/middle/index.html", (1, 1))
    found = why(blog, "/posts/middle/")
    assert found.changes.sources == ()
    assert found.changes.output == ""


def test_a_changed_setting_is_told_to_who_read_settings(blog: Path) -> None:
    write(blog, "site.toml", SITE.replace("blue", "green"))
    found = why(blog, "/posts/middle/").changes
    assert (found.sources, found.settings) == (("site.toml",), ("[theme] accent",))
    assert why(blog, "plan.txt").changes == ChangesSince()


def test_the_keys_of_settings_that_changed_are_named(blog: Path) -> None:
    write(blog, "site.toml", SITE.replace('"T"', '"U"').replace("[theme]", "[theme]\nfont = 'serif'"))
    write(blog, "content/posts/middle.md", post("Muddle", 2))
    lines = shown(blog, "/posts/middle/")
    assert "changed since the last build: content/posts/middle.md" in lines
    assert "changed since the last build: site.toml: [site] title, [theme] font" in lines
    assert "changed since the last build: [site] title, [theme] font" in shown(blog, "site.toml")
    told = why(blog, "/posts/middle/").data()["changed_since"]
    assert isinstance(told, dict)
    assert told["settings"] == ["[site] title", "[theme] font"]
    made(blog)
    assert why(blog, "/posts/middle/").changes == ChangesSince()


def test_a_comment_in_site_toml_changes_nothing(blog: Path) -> None:
    write(blog, "site.toml", f"# A comment\n{SITE}[lists]\nper_page = 10\n")  # which is the default
    assert why(blog, "/posts/middle/").changes == ChangesSince()


def test_sources_that_git_does_not_track_are_seen_where_they_are_asked_for(blog: Path) -> None:
    git(blog, "init", "-q")
    git(blog, "add", "site.toml", "content", "static", "templates")
    made(blog)
    write(blog, "content/posts/new.md", post("New", 9))
    site = sitefile.load(blog / "site.toml", "site.toml")
    build(Request(site, blog / "public", dirty=True, store=folder_of(blog)))
    write(blog, "templates/post.html", "New")
    for dirty, expected in ((False, ()), (True, ("templates/post.html",))):
        assert asked(site, blog / "public", "/posts/new/", dirty=dirty).changes.sources == expected
    write(blog, "content/posts/new.md", post("Newer", 9))
    for dirty in (False, True):  # the last build has read it
        assert "content/posts/new.md" in asked(site, blog / "public", "/posts/new/", dirty=dirty).changes.sources


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, timeout=60)


def test_a_source_tells_who_asked_for_it(still: Path) -> None:
    found = why(still, "content/posts/middle.md")
    assert isinstance(found, Use)
    assert {"posts/middle/index.html", "posts/early/index.html", "index.html", "feed.xml", "about/index.html"} <= (
        found.files.keys()
    )
    assert "plan.txt" not in found.files
    assert "posts/early/index.html title, path" in shown(still, "content/posts/middle.md")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("static/plan.txt", "plan.txt"),
        ("templates/404.html", "404.html"),
        ("themes/plain/templates/post.html", "posts/early/index.html"),
        ("themes/plain/i18n/en.toml", "posts/early/index.html"),
        ("themes/plain/static/style.css", "about/index.html"),
        ("site.toml", "404.html"),
    ],
)
def test_other_sources_than_pages_tell_it_too(still: Path, source: str, expected: str) -> None:
    found = why(still, source)
    assert isinstance(found, Use)
    assert expected in found.files
    assert len(found.files) < len(list((still / "public").rglob("*.*")))


def test_a_data_file_is_told_both_ways(blog: Path) -> None:
    write(blog, "data/authors.toml", 'ada = "Ada"\n')
    write(blog, "templates/post.html", "{{ site.data.authors.ada }}\n")
    made(blog)
    lines = shown(blog, "/posts/late/")
    assert part(lines, "Data files") == ["data/authors.toml"]
    assert "the data named authors" in part(lines, "Asked of the site")
    assert "posts/late/index.html data" in shown(blog, "data/authors.toml")
    write(blog, "data/authors.toml", 'ada = "Adele"\n')
    assert "changed since the last build: data/authors.toml" in shown(blog, "/posts/late/")
    made(blog)
    assert part(shown(blog, "/posts/late/"), "Last made anew because") == ["data of data/authors.toml"]


def test_a_draft_is_in_no_file(blog: Path) -> None:
    write(blog, "content/posts/idea.md", "---\ntitle: Idea\ndate: 2026-01-01\ndraft: true\n---\n")
    made(blog)
    lines = shown(blog, "content/posts/idea.md")
    assert "left out of the last build: a draft" in lines
    assert lines[-1] == "No file of the last build asked anything of it."


def test_long_lists_are_folded_unless_all_is_wanted(blog: Path) -> None:
    for number in range(9):
        write(blog, f"content/posts/more-{number}.md", post(f"More {number}", number + 4))
    made(blog)
    folded = part(shown(blog, "/archive/"), "Pages")
    assert "and 9 more pages title, path, date" in folded
    assert len(folded) == 5
    assert len(part(shown(blog, "/archive/", whole=True), "Pages")) == 13


def test_without_a_last_build_there_is_a_way_out(still: Path) -> None:
    site = sitefile.load(still / "site.toml", "site.toml")
    with pytest.raises(Problem, match=r"no build into .*elsewhere is remembered") as caught:
        asked(site, still / "elsewhere", "index.html")
    assert caught.value.code is Exit.USAGE
    assert "ssg build" in (caught.value.hint or "")


def test_another_user_s_build_is_not_believed(still: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    signing._key.cache_clear()
    try:
        with pytest.raises(Problem, match="another user's"):
            why(still, "index.html")
    finally:
        signing._key.cache_clear()


def test_another_version_s_build_is_not_believed(still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealpress.tools.TREE", ("markdown", "pillow"))
    with pytest.raises(Problem, match="other versions"):
        why(still, "index.html")


@pytest.mark.parametrize(
    ("path", "near"),
    [("posts/midle/index.html", "posts/middle/index.html"), ("content/abuot.md", "content/about.md")],
)
def test_an_unknown_path_is_answered_with_the_nearest(still: Path, path: str, near: str) -> None:
    with pytest.raises(Problem, match=f'did you mean "{near}"') as caught:
        why(still, path)
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize("path", ["", "../../etc/passwd", "https://else.example.org/", "\udcff", "a\0b"])
def test_no_path_is_too_odd_to_be_unknown(still: Path, path: str) -> None:
    if not path:
        assert isinstance(why(still, path), Explanation | Use)
        return
    with pytest.raises(Problem, match="nothing is known"):
        why(still, path)


def test_json_tells_everything(still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(still / "content")
    done = CliRunner().invoke(ssg, ["why", "/posts/middle/", "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert told["source"] == "content/posts/middle.md"
    assert told["because"] == [{"said": FIRST}]
    assert told["files"]["post.html"] == "themes/plain/templates/post.html"
    assert {
        "question": "title",
        "arguments": ["content/posts/late.md"],
        "group": "pages",
        "said": "title of content/posts/late.md",
    } in told["questions"]
    used = CliRunner().invoke(ssg, ["why", "posts/early.md", "--json"], catch_exceptions=False)
    assert "feed.xml" in json.loads(used.stdout)["files"]


def test_the_command_shows_it_to_a_person(still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(still)
    done = CliRunner().invoke(ssg, ["why", "about", "-o", "public", "--site", "site.toml"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.startswith("about/index.html\n  a page, ")
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_shell_completes_a_path(still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(still)
    environment = {"_SSG_COMPLETE": "bash_complete", "COMP_WORDS": "ssg why posts/mi", "COMP_CWORD": "2"}
    done = CliRunner().invoke(ssg, prog_name="ssg", env=environment)
    assert done.stdout.split() == ["plain,posts/middle/index.html"]


def test_columns_wrap_below_themselves() -> None:
    assert section("T", [("a", "b " * 30), ("long" * 15, "x"), ("", "alone"), ("", "")], 40) == [
        "",
        "T",
        "  a  b b b b b b b b b b b b b b b b b b",
        "     b b b b b b b b b b b b",
        f"  {'long' * 15}",
        "     x",
        "  alone",
    ]
