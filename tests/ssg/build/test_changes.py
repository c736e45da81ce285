"""A change is seen whatever it is, and a build in which nothing changed makes nothing."""

import os
import time
from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.build import steps
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.content.sources import Options
from tests.ssg.blogs import told


def built(root: Path, output: Path, store: Path) -> Built:
    return build(Request(sitefile.load(root / "site.toml", "site.toml"), output, in_git=False, store=store))


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    root = tmp_path / "blog"
    (root / "content").mkdir(parents=True)
    (root / "site.toml").write_text('[site]\ntitle = "T"\nurl = "https://t.example.org/"\n')
    (root / "content/a.md").write_text("---\ntitle: A\n---\nred\n")
    age(root)
    return root


def age(root: Path) -> None:
    """Waits until the file system's clock tells now from the last change: an author is slower than that anyway."""
    time.sleep(0.1)
    assert root.is_dir()


def test_nothing_is_made_anew_when_nothing_changed(blog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(blog, tmp_path / "public", tmp_path / "store")
    monkeypatch.setattr(steps, "make", lambda *_: pytest.fail("built again"))
    assert told(built(blog, tmp_path / "public", tmp_path / "store")) == told(first)


@pytest.mark.parametrize("change", ["size kept", "draft option", "lost output", "clock", "damaged", "other folder"])
def test_any_change_is_seen(change: str, blog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(blog, tmp_path / "public", tmp_path / "store")
    output, options = tmp_path / "public", Options()
    (kept,) = (tmp_path / "store" / "builds").glob("*.told")
    match change:
        case "size kept":
            stamp = (blog / "content/a.md").stat()
            (blog / "content/a.md").write_text("---\ntitle: A\n---\ntan\n")
            os.utime(blog / "content/a.md", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        case "draft option":
            options = Options(drafts=True)
        case "lost output":
            (output / "a/index.html").unlink()
        case "clock":
            monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        case "damaged":
            kept.write_bytes(kept.read_bytes().replace(b"posts", b"pasts"))
        case "other folder":
            output = tmp_path / "elsewhere"
    calls = []
    real = steps.make
    monkeypatch.setattr(steps, "make", lambda *given: calls.append(given) or real(*given))
    site = sitefile.load(blog / "site.toml", "site.toml")
    result = build(Request(site, output, options, in_git=False, store=tmp_path / "store"))
    clean = build(Request(site, tmp_path / "clean", options, in_git=False))
    assert len(calls) == 2
    assert result.tree.digest == clean.tree.digest
    assert result.posts == clean.posts


def test_a_file_changed_in_the_same_tick_is_read_again(blog: Path, tmp_path: Path) -> None:
    """A second change within the same tick of the file system's clock would look like none."""
    for word in ("sky", "elm", "tan", "red", "oak", "fir"):
        (blog / "content/a.md").write_text(f"---\ntitle: A\n---\n{word}\n")
        built(blog, tmp_path / "public", tmp_path / "store")
        assert word in (tmp_path / "public/a/index.html").read_text()
