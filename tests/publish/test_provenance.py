"""What publish tells the seal about a release: the commit and its files, the same from every folder and command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from publish.publishing import pipeline
from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.tree import provenance, tree
from sealpress.tree.provenance import Provenance

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str, date: str = "2026-01-01T12:00:00Z") -> str:
    environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    return subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=20, env=environment
    ).stdout.strip()


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A site in a folder of a repository, with a file beside it that is no part of the site."""
    folder = tmp_path / "repository" / "blog"
    (folder / "content").mkdir(parents=True)
    (folder / "site.toml").write_text('[site]\ntitle = "Notes"\nurl = "https://blog.example.org/"\n')
    (folder / "content/index.md").write_text("---\ntitle: Home\n---\nHello\n")
    (folder / ".gitignore").write_text("/public/\n")
    (folder.parent / "README").write_text("beside the site")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "--message", "one")
    return folder


def told(blog: Path, *, dirty: bool = False) -> Provenance:
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=dirty) as made_from:
        return made_from.provenance


def test_a_commit_s_files_are_the_inputs(blog: Path) -> None:
    """Whatever the work tree has by now."""
    before = told(blog)
    assert before.commit == git(blog, "rev-parse", "HEAD")
    assert before.clean
    assert [name for name, _ in before.inputs] == [".gitignore", "content/index.md", "site.toml"]
    assert before.tools == provenance.tools()
    (blog / "content/index.md").write_text("edited")
    (blog / "content/new.md").write_text("new")
    assert told(blog) == before


def test_ssg_build_tells_the_same(blog: Path) -> None:
    """So an image is the same, whether publish bakes it or imagebake."""
    command = [sys.executable, "-m", "ssg.cli", "build", "--quiet", "--provenance", "public/../p.json"]
    subprocess.run(command, cwd=blog, check=True, timeout=60, capture_output=True)
    (blog / "p.json").rename(blog.parent / "p.json")
    assert provenance.load(blog.parent / "p.json") == told(blog)
    assert json.loads((blog.parent / "p.json").read_text())["clean"] is True


def test_a_dirty_tree_is_told_as_it_is(blog: Path) -> None:
    assert told(blog, dirty=True) == told(blog)
    (blog / "content/new.md").write_text("new")
    found = told(blog, dirty=True)
    assert (found.commit, found.clean) == (git(blog, "rev-parse", "HEAD"), False)
    assert "content/new.md" in dict(found.inputs)
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=True) as made_from:
        assert made_from.commit == "", "no commit holds it"


def test_another_generator_s_tools_are_not_known(blog: Path) -> None:
    with (blog / "site.toml").open("a") as file:
        file.write('[build]\ncommand = ["true"]\n')
    assert told(blog, dirty=True).tools == {}


def test_the_dates_of_a_commit_s_files_are_git_s(blog: Path, tmp_path: Path) -> None:
    """They lie in a folder without a repository then; the tree is the one that ssg builds where they were written."""
    with (blog / "site.toml").open("a") as file:
        file.write("[build]\ngit_dates = true\n")
    for name, day in (("old", 1), ("new", 2)):
        (blog / "content" / f"{name}.md").write_text(f"---\ntitle: {name}\n---\nText\n")
        git(blog, "add", "--all")
        when = f"2026-03-0{day}T12:00:00Z"
        git(blog, "commit", "--quiet", "--message", name, date=when)
    command = [sys.executable, "-m", "ssg.cli", "build", "--quiet", "--no-cache", "--output", str(tmp_path / "public")]
    subprocess.run(command, cwd=blog, check=True, timeout=60, capture_output=True)
    built = tree.scan(tmp_path / "public")
    assert b"2026-03-01" in (tmp_path / "public/sitemap.xml").read_bytes()
    (blog / "content/new.md").write_text("edited and not committed")
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=False) as made_from:
        product = pipeline.produce(made_from, tmp_path / "scratch", SILENT, dirty=False)
    assert product.tree.digest == built.digest
