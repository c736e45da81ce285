"""What publish tells the seal about a release: the commit and its files, the same from every folder and command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from publish import pipeline
from sealpress import provenance, sitefile
from sealpress.console import SILENT
from sealpress.provenance import Provenance

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=20
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
