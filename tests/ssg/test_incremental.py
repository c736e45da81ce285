"""An incremental build equals a clean one, byte for byte, after any sequence of edits; its faults do too.

SEALPRESS_HUNT=N runs every machine over N sequences, and all kinds of edits in one machine besides.
"""

import datetime as dt
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sealpress import sitefile
from sealpress.tree import MARKER
from ssg import crew, lastbuild, making
from ssg.build import Built, Request, build
from ssg.options import Options
from tests.ssg.blogs import Blog, files, told

HUNT = int(os.environ.get("SEALPRESS_HUNT", "0"))

WORDS = ["red", "tan", "sky", "elm"]  # of one length: an edit that keeps the size must be seen too
NAMES = ["posts/a", "posts/b", "posts/c", "posts/d", "docs/x", "docs/y", "docs/index", "posts/index", "index", "about"]
SUFFIXES = ["", "", "", ".fr"]
BODIES = [
    "*{word}*",
    'It\'s "{word}" -- so.',
    "Same start.\n\nThen {word}.",
    "First.\n\n<!-- more -->\n\nMore {word}.",
    "## Part {word}\n\n### Under\n\n#### Deep\n\n{word}",
    "## Part\n\n[here](#part)\n\nSee.[^1]\n\n[^1]: A {word} note.",
    "```python\nprint('{word}')\n```\n\n{word}",
    "{word}\n\n```python\nprint('same')\n```",
    "[to](/content/{other})",
    "[to](/{other}.md)",
    "[to](/{other}.md#part)\n\n{word}",
    "[to](/{other}.md#part-red)",
    "[tags](/tags/) [feed](/feed.xml) {word}",
    "![p](p.txt)",
    "[sheet](/assets/extra.css)",
    "<p>raw {word}</p>",
]
KEYS = {
    "title": ["Red", "It's", '"A: b"', "A–b"],
    "date": ["2026-01-01", "2026-01-09", "2025-12-31T23:30:00Z", "2026-03-01", "2026-01-05T10:00:00"],
    "updated": ["", "2026-02-01", "2026-01-05", "2020-01-01"],
    "slug": ["", "red", "tan", "a"],
    "tags": ["", "[red]", "[Red, tan]", "[tan, sky]", "[RED]"],
    "key": ["", "one", "two"],
    "draft": ["", "true", "false"],
    "description": ["", "Told"],
    "summary": ["", "Short"],
    "author": ["", "Ada"],
    "order": ["", "1", "-1"],
    "toc": ["", "true", "false"],
    "template": ["", "", "special.html", "nowhere.html"],
    "params": ["", "{a: 1}", "{a: [1, x]}", "{a: {b: 2026-01-01}}"],
    "tilte": ["", "", "x"],
    "# a comment": ["", "x"],
}
TEMPLATES = {
    "404.html": ["<p>WORD {{ site.title }}</p>", '{% from "own.html" import latest %}{{ latest() }}'],
    "post.html": [
        '{% extends "theme/post.html" %}{% block head %}WORD {{ site.posts(limit=2) | length }}{% endblock %}',
        '{% import "own.html" as own %}{{ own.latest() }}{{ own.row() }}{{ page.content }}',
        '{% extends "theme/post.html" %}{% block head %}{% include "extra.html" ignore missing %}{% endblock %}',
        "{{ page.title }}{% set n %}style.css{% endset %}{{ asset(n) }}{{ page.next.title if page.next }}",
        "{{ page.nothing }}",
    ],
    "page.html": [
        '{% for post in site.posts(tag="red") %}{{ post.summary }}{% endfor %}{{ t("feed") }}',
        '{{ page.params | length }}{{ page.params.get("a", "") is mapping }}',
        '{% include ["extra.html", "special.html"] %}{{ site.params.get("a", "none") }}',
        '{{ site.page("about.md").title }}',
        '{% import "own.html" as own %}{{ own.row() }}',
    ],
    "base.html": [
        '{% extends "theme/base.html" %}{% block head %}<i>WORD{{ theme.footer }}</i>{% endblock %}',
        "{% import 'macros.html' as m %}{{ page.url }}{% block head %}{% endblock %}{% block main %}{% endblock %}",
    ],
    "own.html": [
        """{% set all = site.posts() %}{% macro latest() %}{{ all[0].title if all }}{% endmacro %}
        {% macro row() %}WORD{% endmacro %}""",
        """{% set rows = cycler("odd", "even") %}{% macro row() %}{{ rows.next() }}{% endmacro %}
        {% macro latest() %}{{ site.post_count }}{% endmacro %}""",
        """{% set all = site.posts() | map(attribute="title") %}{% macro row() %}{{ all | join(" ") }}{% endmacro %}
        {% macro latest() %}{% endmacro %}""",
    ],
    "extra.html": ["WORD", "None", "{{ site.description }}"],
    "special.html": ["WORD {{ page.title }} {{ page.content }}"],
    "broken.html": ["{% if %}"],
}
FRENCH_FIRST = ["fr", "en"]
SETTINGS = [
    *[("site", "title", value) for value in ("One", "It's Two")],
    *[("site", "description", value) for value in (None, "Told")],
    *[("site", "author", value) for value in (None, "Bea")],
    *[("site", "url", value) for value in ("https://t.example.org/", "https://o.example.org/sub/")],
    *[("site", "languages", value) for value in (["en"], ["en", "fr"], FRENCH_FIRST)],
    *[("site", "default_language", value) for value in (None, "fr")],
    *[("site", "timezone", value) for value in ("UTC", "Pacific/Auckland")],
    *[("site", "theme", value) for value in ("plain", "own")],
    *[("theme", "accent", value) for value in ("blue", "green")],
    *[("theme", "footer", value) for value in ("", "It's", {"en": "E", "fr": "F"})],
    *[("theme", "posts_at_home", value) for value in (0, 2)],
    *[("theme", "contents_from", value) for value in (1, 3)],
    *[("theme", "stylesheet", value) for value in ("", "/own.css")],
    *[("permalinks", "post", value) for value in ("/posts/{slug}/", "/{year}/{slug}.html", "/{slug}/")],
    *[("permalinks", "tag", value) for value in ("/tags/{slug}/", "/t/{slug}/")],
    *[("permalinks", "archive", value) for value in ("/archive/", "/posts/a/")],
    *[("lists", "per_page", value) for value in (1, 2, 10)],
    *[("feeds", "limit", value) for value in (1, 2, 20)],
    *[("feeds", "full", value) for value in (True, False)],
    *[("feeds", "enabled", value) for value in (True, False)],
    *[
        ("menus", "main", value)
        for value in (None, [{"title": "It's", "url": "/"}], [{"title": "A", "url": "about.md"}])
    ],
    *[("params", "a", value) for value in (None, "x", 2)],
    *[("markdown", "typography", value) for value in (True, False)],
    *[("markdown", "toc_depth", value) for value in (2, 3)],
    *[("markdown", "highlight", value) for value in (True, False)],
    *[("markdown", "html", value) for value in (True, False)],
    *[("language.fr", "title", value) for value in (None, "Un")],
]
STRINGS = {
    "feed": ["Feed", "Feed!"],
    "previous_post": ["Before", "Avant"],
    "heading_link": ["To {title}", "At {title}"],
}

words = st.sampled_from(WORDS)


def some(table: dict[str, list[str]]) -> st.SearchStrategy[tuple[str, str]]:
    """One of a table's keys with one of its values."""
    return st.sampled_from([(key, value) for key, values in table.items() for value in values])


class Machine(RuleBasedStateMachine):
    """A blog that is built after each edit, on top of what was there and from nothing."""

    @initialize(small=st.booleans())
    def begin(self, small: bool) -> None:
        self.blog = Blog(Path(tempfile.mkdtemp(prefix="sealpress-edits-")))
        self.faults = 0
        # Only a large site keeps what changed apart from the whole.
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(lastbuild, "_SMALL", 0 if small else 1000)
        for name in ("a", "b", "c"):
            self.blog.page(f"posts/{name}.md", f"It's {name}.")
        self.blog.page("about.md", "[tags](/tags/)\n\n## Part")

    def teardown(self) -> None:
        if hasattr(self, "blog"):
            self.patches.undo()
            shutil.rmtree(self.blog.folder)

    def mend(self) -> None:
        """Takes away whatever may be at fault."""
        shutil.rmtree(self.blog.root)
        self.blog.__post_init__()
        for name in ("a", "b"):
            self.blog.page(f"posts/{name}.md", "Mended.", tags="[red, tan]")
        self.blog.page("about.md", "Mended [tags](/tags/)\n\n## Part")

    @invariant()
    def the_incremental_tree_is_the_clean_one(self) -> None:
        if not hasattr(self, "blog"):
            return
        clean = told(self.blog.clean())
        before = files(self.blog.output)
        for turn in range(2):  # the second finds nothing changed
            result = self.blog.built()
            assert told(result) == clean
            if isinstance(result, list):
                assert files(self.blog.output) == before
            else:
                assert files(self.blog.output) == files(self.blog.folder / "clean")
                assert not (self.blog.output / MARKER / "new").exists()
                assert not turn or result.written == 0
        self.faults = self.faults + 1 if isinstance(clean, list) else 0
        if self.faults == 3:
            self.mend()


class Words(Machine):
    """Pages are written, changed, moved and taken away; the clock goes forwards and back."""

    @rule(name=st.sampled_from(NAMES), suffix=st.sampled_from(SUFFIXES), word=words, key=some(KEYS))
    def write_a_page(self, name: str, suffix: str, word: str, key: tuple[str, str]) -> None:
        self.blog.page(f"{name}{suffix}.md", f"New {word}.", **dict([key]))

    @rule(at=st.integers(0, 20), body=st.sampled_from(BODIES), word=words, other=st.integers(0, 20))
    def edit_a_body(self, at: int, body: str, word: str, other: int) -> None:
        pages = self.blog.pages()
        named = pages[other % len(pages)].removesuffix(".md")
        self.blog.body(pages[at % len(pages)], body.format(word=word, other=named))

    @rule(at=st.integers(0, 20), key=some(KEYS), also=some(KEYS))
    def edit_a_head(self, at: int, key: tuple[str, str], also: tuple[str, str]) -> None:
        pages = self.blog.pages()
        path = pages[at % len(pages)]
        body = (self.blog.root / "content" / path).read_text("utf-8").split("\n---\n", 1)[1]
        self.blog.page(path, body, **dict([key, also]))

    @rule(at=st.integers(0, 20))
    def delete(self, at: int) -> None:
        pages = self.blog.pages()
        if len(pages) > 1:
            (self.blog.root / "content" / pages[at % len(pages)]).unlink()

    @rule(at=st.integers(0, 20), name=st.sampled_from(NAMES), suffix=st.sampled_from(SUFFIXES))
    def rename(self, at: int, name: str, suffix: str) -> None:
        pages = self.blog.pages()
        target = self.blog.root / "content" / f"{name}{suffix}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.blog.root / "content" / pages[at % len(pages)]).replace(target)

    @rule(at=st.integers(0, 20))
    def bundle(self, at: int) -> None:
        """A page gets a folder of its own, or leaves it."""
        pages = self.blog.pages()
        page = self.blog.root / "content" / pages[at % len(pages)]
        name, dot, rest = page.name.partition(".")
        target = page.parent.with_suffix(dot + rest) if name == "index" else page.parent / name / f"index{dot}{rest}"
        if page.parent.name not in {"content", "posts", "docs"} or name != "index":
            target.parent.mkdir(parents=True, exist_ok=True)
            page.replace(target)

    @rule(at=st.integers(0, 20), word=words)
    def lay_a_file_beside(self, at: int, word: str) -> None:
        pages = self.blog.pages()
        (self.blog.root / "content" / pages[at % len(pages)]).with_name("p.txt").write_text(word)

    @rule(at=st.integers(0, 20))
    def take_a_file_away(self, at: int) -> None:
        found = sorted(self.blog.root.glob("content/**/*.txt"))
        if found:
            found[at % len(found)].unlink()

    @rule(name=st.sampled_from(["word.txt", "own.css", "notes", "posts/x.txt", "robots.txt", "404.html"]), word=words)
    def change_a_static_file(self, name: str, word: str) -> None:
        self.blog.write(f"static/{name}", word)

    @rule(name=st.sampled_from(["word.txt", "own.css", "notes", "robots.txt", "404.html"]))
    def delete_a_static_file(self, name: str) -> None:
        (self.blog.root / "static" / name).unlink(missing_ok=True)

    @rule(day=st.sampled_from([None, dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime(2026, 2, 1, tzinfo=dt.UTC)]))
    def move_the_clock(self, day: dt.datetime | None) -> None:
        self.blog.clock = day

    @rule(drafts=st.booleans(), future=st.booleans())
    def ask_for_more(self, drafts: bool, future: bool) -> None:
        self.blog.options = Options(drafts=drafts, future=future)


class Looks(Machine):
    """Templates, the theme, interface strings and settings are changed."""

    @rule(template=some(TEMPLATES), word=words)
    def write_a_template(self, template: tuple[str, str], word: str) -> None:
        self.blog.write(f"templates/{template[0]}", template[1].replace("WORD", word))

    @rule(name=st.sampled_from(sorted(TEMPLATES)))
    def take_a_template_back(self, name: str) -> None:
        (self.blog.root / "templates" / name).unlink(missing_ok=True)

    @rule(setting=st.sampled_from(SETTINGS))
    def change_a_setting(self, setting: tuple[str, str, object]) -> None:
        self.blog.own_theme()
        self.blog.set(*setting)

    @rule(setting=st.sampled_from(SETTINGS), other=st.sampled_from(SETTINGS))
    def change_two_settings(self, setting: tuple[str, str, object], other: tuple[str, str, object]) -> None:
        self.blog.own_theme()
        self.blog.set(*setting)
        self.blog.set(*other)

    @rule(file=st.sampled_from(["static/extra.css", "static/style.css", "templates/own.html"]), word=words)
    def change_the_own_theme(self, file: str, word: str) -> None:
        self.blog.own_theme()
        self.blog.write(f"own/{file}", f"/* {word} */" if file != "static/extra.css" else f"{word} {{}}")

    @rule(default=st.sampled_from(["true", "false"]))
    def change_an_option_of_the_own_theme(self, default: str) -> None:
        self.blog.own_theme()
        file = self.blog.root / "own/theme.toml"
        mark = "[options.show_reading_time]\ndefault = "
        start, _, rest = file.read_text("utf-8").partition(mark)
        file.write_text(start + mark + default + "\n" + rest.partition("\n")[2], encoding="utf-8")

    @rule(string=some(STRINGS), tags=st.sampled_from([["en"], ["fr"], ["en", "fr"]]))
    def change_a_string(self, string: tuple[str, str], tags: list[str]) -> None:
        for tag in tags:
            self.blog.write(f"i18n/{tag}.toml", f'{string[0]} = "{string[1]}"\n')

    @rule(tag=st.sampled_from(["en", "fr"]))
    def take_strings_back(self, tag: str) -> None:
        (self.blog.root / f"i18n/{tag}.toml").unlink(missing_ok=True)

    @rule(at=st.integers(0, 3), name=st.sampled_from(NAMES[:6]), suffix=st.sampled_from(SUFFIXES))
    def write_some_page(self, at: int, name: str, suffix: str) -> None:
        self.blog.page(
            f"{name}{suffix}.md", BODIES[at].format(word="red"), **({"template": "special.html"} if at else {})
        )


class Mishaps(Machine):
    """The output and the store are spoiled, files are touched, other processes help."""

    @rule(workers=st.sampled_from([1, 2]))
    def share_the_work(self, workers: int) -> None:
        self.patches.setattr(crew, "ALONE", 2)
        self.blog.workers = workers

    @rule(
        at=st.integers(0, 99),
        how=st.sampled_from(["spoil", "same size", "gone", "folder", "full folder", "link", "long"]),
    )
    def spoil_the_output(self, at: int, how: str) -> None:
        found = sorted(files(self.blog.output))
        if not found:
            return
        file = self.blog.output / found[at % len(found)]
        data = file.read_bytes()
        time.sleep(0.01)  # the file system's clock must have moved on
        match how:
            case "spoil":
                file.write_text("spoiled")
            case "same size":
                file.write_bytes(data[:-1] + b"?")
            case "long":
                file.write_bytes(data + b"?")
            case _:
                file.unlink()
        match how:
            case "folder":
                file.mkdir()
            case "full folder":
                (file / "deep").mkdir(parents=True)
                (file / "deep" / "x").write_text("x")
            case "link":
                elsewhere = self.blog.folder / "elsewhere"
                elsewhere.write_bytes(data)
                file.symlink_to(elsewhere)

    @rule(
        how=st.sampled_from(["gone", "link", "file", "stray"]),
        name=st.sampled_from(["posts", "tags", "assets", "archive"]),
    )
    def spoil_a_folder(self, how: str, name: str) -> None:
        folder = self.blog.output / name
        if how == "stray":
            (folder / "stray").mkdir(parents=True, exist_ok=True)
            (folder / "stray" / "x").write_text("x")
        elif folder.is_dir() and not folder.is_symlink():
            copy = self.blog.folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            folder.replace(copy)
            if how == "link":  # what stands behind it is just what the build would write
                folder.symlink_to(copy)
            elif how == "file":
                folder.write_text("x")

    @rule()
    def lose_the_output(self) -> None:
        shutil.rmtree(self.blog.output, ignore_errors=True)

    @rule()
    def lose_the_store(self) -> None:
        shutil.rmtree(self.blog.store, ignore_errors=True)

    @rule(
        at=st.integers(0, 99),
        byte=st.integers(0, 10_000),
        how=st.sampled_from(["flip", "cut", "empty", "gone", "folder", "no folder"]),
    )
    def damage_the_store(self, at: int, byte: int, how: str) -> None:
        found = sorted(path for path in self.blog.store.rglob("*") if path.is_file())
        # The two files of the last build are as many cases as all the others.
        found = sorted(self.blog.store.glob("builds/*")) if at % 2 else found
        if not found:
            return
        file = found[at % len(found)]
        data = bytearray(file.read_bytes())
        match how:
            case "flip" if data:
                data[byte % len(data)] ^= 1 << byte % 8
                file.write_bytes(data)
            case "cut":
                file.write_bytes(data[: byte % (len(data) + 1)])
            case "empty":
                file.write_bytes(b"")
            case "gone":
                file.unlink()
            case "folder":
                file.unlink()
                file.mkdir()
            case "no folder":
                shutil.rmtree(file.parent)
                if file.parent != self.blog.store:
                    file.parent.write_text("in the way")

    @rule(at=st.integers(0, 20))
    def touch(self, at: int) -> None:
        pages = self.blog.pages()
        os.utime(self.blog.root / "content" / pages[at % len(pages)])

    @rule(at=st.integers(0, 20), word=words)
    def edit_keeping_size_and_time(self, at: int, word: str) -> None:
        pages = self.blog.pages()
        file = self.blog.root / "content" / pages[at % len(pages)]
        self.blog.body(pages[at % len(pages)], f"It's {word}.")
        time.sleep(0.01)
        stamp = file.stat()
        file.write_text(file.read_text("utf-8").replace(word, WORDS[WORDS.index(word) - 1]), encoding="utf-8")
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    @rule(at=st.integers(0, 20))
    def replace_by_a_copy(self, at: int) -> None:
        """As editors do that write beside and rename."""
        pages = self.blog.pages()
        file = self.blog.root / "content" / pages[at % len(pages)]
        shutil.copy2(file, file.with_name("new"))
        file.with_name("new").replace(file)


class Everything(Words, Looks, Mishaps):
    """All of it, in one sequence."""


def case(machine: type[Machine], examples: int, steps: int) -> type:
    found = machine.TestCase
    found.settings = settings(
        max_examples=HUNT or examples,
        stateful_step_count=40 if HUNT else steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink] if HUNT else list(Phase),
        print_blob=True,
    )
    return pytest.mark.timeout(0 if HUNT else 300)(found)


TestWords = case(Words, 8, 10)
TestLooks = case(Looks, 8, 10)
TestMishaps = case(Mishaps, 7, 10)
if HUNT:
    TestEverything = case(Everything, 0, 40)


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
