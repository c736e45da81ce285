"""`ssg list`: every page, with what a build of this commit does with it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from sealpress.config import sitefile
from sealpress.problems import Problem
from ssg.authoring.overview import pages
from ssg.cli import ssg

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
PAGES = {
    "content/about.md": "---\ntitle: About\n---\n",
    "content/posts/old.md": "---\ntitle: Old\ndate: 2026-01-01\ntags: [x]\nseries: [s, t]\n---\n",
    "content/posts/new.fr.md": "---\ntitle: Neuf\ndate: 2026-02-01\n---\n",
    "content/posts/later.md": "---\ntitle: Later\ndate: 2027-01-01\n---\n",
    "content/posts/draft.md": "---\ntitle: Draft\ndate: 2026-03-01\ndraft: true\n---\n",
}


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "content/posts").mkdir(parents=True)
    (tmp_path / "site.toml").write_text(
        '[site]\ntitle = "T"\nurl = "https://t.example.org/"\nlanguages = ["en", "fr"]\n'
        '[taxonomies.series]\ntitle = "Series"\n'
    )
    for source, text in PAGES.items():
        (tmp_path / source).write_text(text)
    when = {"GIT_COMMITTER_DATE": "2026-06-01T00:00:00Z", "GIT_AUTHOR_DATE": "2026-06-01T00:00:00Z"}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True, timeout=60, env=os.environ | when)
    (tmp_path / "content/posts/fresh.md").write_text("---\ntitle: Fresh\ndate: 2026-07-01\n---\n")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_page_with_its_standing_the_newest_first(blog: Path) -> None:
    found = [(one.page.source.rpartition("/")[2], one.standing.value) for one in pages(sitefile.open_site())]
    assert found == [
        ("later.md", "scheduled"),
        ("fresh.md", "untracked"),
        ("draft.md", "draft"),
        ("new.fr.md", "published"),
        ("old.md", "published"),
        ("about.md", "published"),
    ]


def test_the_command_lists_what_is_asked_for(blog: Path) -> None:
    def titles(*options: str) -> list[str]:
        told = json.loads(CliRunner().invoke(ssg, ["list", "--json", *options]).stdout)
        return [one["title"] for one in told["pages"]]

    assert titles("--drafts") == ["Draft"]
    assert titles("--scheduled") == ["Later"]
    assert titles("--drafts", "--scheduled") == ["Later", "Draft"]
    assert len(titles()) == 6
    told = json.loads(CliRunner().invoke(ssg, ["list", "--json"]).stdout)["pages"]
    assert [one["terms"] for one in told if one["terms"]] == [{"tags": ["x"], "series": ["s", "t"]}]
    shown = CliRunner().invoke(ssg, ["list", "--scheduled"]).stdout
    assert "2027-01-01  scheduled  en  content/posts/later.md  Later" in shown
    (blog / "content/posts/draft.md").unlink()
    assert CliRunner().invoke(ssg, ["list", "--drafts"]).stdout == "there is none\n"


def test_every_fault_is_told_at_its_place(blog: Path) -> None:
    (blog / "content/about.md").write_text("---\ntitel: About\n---\n")
    (blog / "content/posts/old.md").write_text("no front matter\n")
    with pytest.raises(Problem) as caught:
        pages(sitefile.open_site())
    places = {str(one.place) for one in caught.value.each}
    assert places == {"content/about.md:2:1", "content/posts/old.md:1:1"}
