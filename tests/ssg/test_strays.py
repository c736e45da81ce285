"""What strays into a blog's folders is not built into its site, whichever way a build takes to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from sealpress.problems import Exit
from sealpress.tree import strays, tree
from ssg.build.result import Built
from tests.sealpress.tree.test_strays import CERTIFICATE, KEY
from tests.ssg.blogs import Blog

PATHS = ["static/c.md~", "content/.DS_Store", "content/posts/._one.md", "static/.vscode/x", "content/.#one.md"]


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    found = Blog(tmp_path)
    found.page("index.md", "Home")
    found.page("posts/one.md", "One")
    return found


def built(blog: Blog) -> Built:
    found = blog.built()
    assert isinstance(found, Built), found
    return found


def refused(blog: Blog) -> list[str]:
    found = blog.built()
    assert isinstance(found, list), found.files
    assert {code for _, _, _, code in found} == {Exit.SITE}
    assert all(hint for _, _, hint, _ in found)
    return [str(place) for _, place, _, _ in found]


def test_leftovers_stay_out_and_are_told_of_by_every_build(blog: Blog) -> None:
    clean = built(blog).digest
    for path in PATHS:
        blog.write(path, "x")
    first, again = built(blog), built(blog)
    assert first.digest == again.digest == clean
    assert sorted(first.leftovers) == sorted(again.leftovers)
    assert sorted(first.leftovers) == sorted([*(path for path in PATHS if "/x" not in path), "static/.vscode/"])


def test_what_is_kept_is_published_and_the_bake_takes_it(blog: Blog) -> None:
    blog.write("static/.nojekyll", "")
    blog.write("static/.well-known/security.txt", "Contact: mailto:me@example.org")
    blog.write("content/posts/ca.pem", CERTIFICATE.decode())
    assert {".well-known/security.txt", "posts/ca.pem"} <= set(built(blog).files)
    blog.set("build", "keep", [".nojekyll"])
    found = built(blog)
    assert (".nojekyll" in found.files, found.leftovers) == (True, ())
    assert tree.scan(blog.output, (".nojekyll",)) == found.tree


@pytest.mark.parametrize("path", ["static/.env", "content/posts/id_ed25519", "static/.GIT/config", "content/a.kdbx"])
def test_secrets_and_histories_stop_a_build(blog: Blog, path: str) -> None:
    built(blog)
    blog.write(path, "x")
    (place,) = refused(blog)
    assert path.startswith(place)


def test_a_key_is_seen_by_what_it_is_in_every_build(blog: Blog) -> None:
    built(blog)
    blog.write("static/notes.txt", KEY.decode())
    assert refused(blog) == refused(blog) == ["static/notes.txt"]
    blog.set("build", "keep", ["notes.txt"])
    assert "notes.txt" in built(blog).files
    blog.set("build", "keep", [])
    assert refused(blog) == ["static/notes.txt"]


def test_a_post_about_keys_and_files_that_nobody_publishes_are_no_concern(blog: Blog) -> None:
    blog.page("posts/two.md", f"How\n\n```\n{KEY.decode()}```\n")
    blog.write("data/.env", "x")
    blog.write("templates/x.html~", "x")
    assert built(blog).leftovers == ()


def test_a_theme_of_its_own_is_looked_at_too(blog: Blog) -> None:
    blog.own_theme()
    blog.set("site", "theme", "own")
    blog.write("own/static/style.css~", "x")
    blog.write("own/.stylelintrc", "x")
    assert built(blog).leftovers == ("own/static/style.css~",)
    blog.write("own/static/server.key", "x")
    assert refused(blog) == ["own/static/server.key"]


def test_a_link_to_a_leftover_says_what_it_is(blog: Blog) -> None:
    blog.write("content/old.txt.bak", "x")
    blog.page("index.md", "[Old](old.txt.bak)")
    found = blog.built()
    assert isinstance(found, list)
    assert found[0][0] == '"content/old.txt.bak" is a hidden or left-over file'
    assert found[0][2] == 'rename it, or keep = ["old.txt.bak"] under [build]'


def test_no_page_gets_a_path_that_a_bake_would_leave_out(blog: Blog) -> None:
    blog.set("permalinks", "page", "/.notes/{path}/")
    blog.page("about.md", "About")
    found = blog.built()
    assert isinstance(found, list)
    assert found[0][0].startswith('the path ".notes/about/index.html" is one that no site publishes')


def test_whiteouts_are_refused_before_they_could_delete_a_file(blog: Blog) -> None:
    blog.write("static/.wh.index.html", "")
    assert refused(blog) == ["static/.wh.index.html"]


def test_git_lists_what_is_tracked_and_the_command_says_one_line(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("index.md", "Home")
    blog.write("static/.DS_Store", "x")
    blog.write("static/a~", "x")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "A"]):
        subprocess.run([*git, *words], cwd=blog.root, check=True, timeout=30)
    done = subprocess.run(
        [sys.executable, "-m", "ssg.cli", "build", "-o", str(blog.output)],
        cwd=blog.root,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stderr.count(strays.told(["static/.DS_Store", "static/a~"])) == 1
