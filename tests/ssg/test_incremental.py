"""An incremental build equals a clean one, byte for byte, after any sequence of edits."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sealpress import sitefile
from sealpress.problems import Problem
from ssg import making
from ssg.build import Built, Request, build
from ssg.options import Options

SITE = """\
[site]
title = "{title}"
url = "https://t.example.org/"
languages = [{languages}]
[theme]
accent = "{accent}"
"""
NAMES = ["a", "b", "c"]
WORDS = ["red", "tan", "sky", "elm"]  # of one length: an edit that keeps the size must be seen too


def built(root: Path, output: Path, store: Path | None) -> Built | str:
    try:
        site = sitefile.load(root / "site.toml", "site.toml")
        return build(Request(site, output, in_git=False, store=store))
    except Problem as problem:
        return str(problem)


def told(result: Built | str) -> object:
    return result if isinstance(result, str) else (result.tree.digest, result.pages, result.posts, result.drafts)


class Edits(RuleBasedStateMachine):
    """A small blog, changed in every way that an author changes one."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sealpress-edits-"))
        self.root = self.folder / "blog"
        self.title, self.languages, self.accent = "One", ["en", "fr"], "blue"
        self.write_site()
        for name in NAMES:
            self.write(f"content/posts/{name}.md", f"---\ntitle: {name}\ndate: 2026-01-01\ntags: [red]\n---\n{name}\n")
        self.write("content/about.md", "---\ntitle: About\n---\n[tags](/tags/)\n")

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def write_site(self) -> None:
        languages = ", ".join(f'"{tag}"' for tag in self.languages)
        self.write("site.toml", SITE.format(title=self.title, languages=languages, accent=self.accent))

    @rule(name=st.sampled_from(NAMES), word=st.sampled_from(WORDS), suffix=st.sampled_from(["", ".fr"]))
    def edit_a_body(self, name: str, word: str, suffix: str) -> None:
        self.write(f"content/posts/{name}{suffix}.md", f"---\ntitle: {name}\ndate: 2026-01-01\n---\n*{word}*\n")

    @rule(name=st.sampled_from(NAMES), word=st.sampled_from(WORDS), day=st.integers(1, 9), draft=st.booleans())
    def edit_front_matter(self, name: str, word: str, day: int, draft: bool) -> None:
        head = f"title: {word}\ndate: 2026-01-0{day}\nslug: {word}-{name}\ntags: [{word}]\ndraft: {str(draft).lower()}"
        self.write(f"content/posts/{name}.md", f"---\n{head}\n---\nBody\n")

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def link(self, name: str, other: str) -> None:
        self.write(f"content/posts/{name}.md", f"---\ntitle: {name}\ndate: 2026-01-01\n---\n[x]({other}.md)\n")

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        (self.root / f"content/posts/{name}.md").unlink(missing_ok=True)

    @rule(name=st.sampled_from(NAMES))
    def rename(self, name: str) -> None:
        if (self.root / f"content/posts/{name}.md").exists():
            (self.root / f"content/posts/{name}.md").replace(self.root / f"content/posts/{name}-new.md")

    @rule(word=st.sampled_from(WORDS))
    def override_a_template(self, word: str) -> None:
        self.write("templates/404.html", f"<p>{word} {{{{ site.title }}}}</p>")

    @rule()
    def take_the_template_back(self) -> None:
        (self.root / "templates/404.html").unlink(missing_ok=True)

    @rule(title=st.sampled_from(["One", "Two"]), accent=st.sampled_from(["blue", "green"]))
    def change_settings(self, title: str, accent: str) -> None:
        self.title, self.accent = title, accent
        self.write_site()

    @rule(languages=st.sampled_from([["en"], ["en", "fr"]]))
    def change_languages(self, languages: list[str]) -> None:
        self.languages = languages
        self.write_site()

    @rule(word=st.sampled_from(WORDS))
    def change_an_asset(self, word: str) -> None:
        self.write("static/word.txt", word)

    @rule(word=st.sampled_from(WORDS))
    def spoil_the_output(self, word: str) -> None:
        if (self.folder / "public").is_dir():
            (self.folder / "public" / "index.html").write_text(word)
            (self.folder / "public" / "stray.html").write_text(word)

    @rule()
    def lose_the_store(self) -> None:
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    @invariant()
    def the_incremental_tree_is_the_clean_one(self) -> None:
        clean = told(built(self.root, self.folder / "clean", None))
        for _ in range(2):  # the second finds nothing changed
            assert told(built(self.root, self.folder / "public", self.folder / "store")) == clean
        if not isinstance(clean, str):
            assert files(self.folder / "public") == files(self.folder / "clean")


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


TestEdits = pytest.mark.timeout(300)(Edits.TestCase)
TestEdits.settings = settings(max_examples=12, stateful_step_count=10, deadline=None)


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    root = tmp_path / "blog"
    (root / "content").mkdir(parents=True)
    (root / "site.toml").write_text(SITE.format(title="T", languages='"en"', accent="blue"))
    (root / "content/a.md").write_text("---\ntitle: A\n---\nred\n")
    age(root)
    return root


def age(root: Path) -> None:
    """Waits until the file system's clock tells now from the last change: an author is slower than that anyway."""
    import time

    time.sleep(0.1)
    assert root.is_dir()


def test_nothing_is_made_anew_when_nothing_changed(blog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(blog, tmp_path / "public", tmp_path / "store")
    monkeypatch.setattr(making, "make", lambda *_: pytest.fail("built again"))
    assert told(built(blog, tmp_path / "public", tmp_path / "store")) == told(first)


@pytest.mark.parametrize("change", ["size kept", "draft option", "touched output", "clock", "damaged", "other folder"])
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
        case "touched output":
            (output / "a/index.html").write_text("x")
        case "clock":
            monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        case "damaged":
            kept.write_bytes(kept.read_bytes().replace(b"posts", b"pasts"))
        case "other folder":
            output = tmp_path / "elsewhere"
    calls = []
    real = making.make
    monkeypatch.setattr(making, "make", lambda *given: calls.append(given) or real(*given))
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
