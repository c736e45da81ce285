"""An incremental build equals a clean one, byte for byte, after any sequence of edits; its faults do too.

SEALPRESS_HUNT=N runs every machine over N sequences, and all kinds of edits in one machine besides.
"""

import datetime as dt
import os
import shutil
import time
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import rule
from PIL import Image

from sealpress.processes import workers as pool
from ssg.content.sources import Options
from tests.ssg.blogs import files
from tests.ssg.build.edits import (
    BODIES,
    HUNT,
    KEYS,
    NAMES,
    SETTINGS,
    STRINGS,
    SUFFIXES,
    TEMPLATES,
    WORDS,
    Machine,
    case,
    some,
    words,
)
from tests.ssg.images import pictures

IMAGES = ["p.png", "p.jpg", "q.webp", "r.gif"]
SHOWING = [
    "![a]({image}) {word}",
    "![a]({image}) ![b]({image}){{width=20}}\n\n{word} ![c]({image})",
    "{word}\n\n<!-- more -->\n\n<img src='{image}'>",
    "[large]({image}) {word}",
]
IMAGE_SETTINGS = [
    *[("widths", value) for value in (None, [], [16], [16, 32], [20, 45, 60])],
    *[("quality", value) for value in (None, 40)],
    *[("sizes", value) for value in (None, "50vw")],
]


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


DATA = ["red.toml", "red.yaml", "red.json", "team/red.json", "team/sky.yml", "red/x.toml", "read.me", "a-b.toml"]
SAYINGS = {
    "toml": [
        'word = "WORD"',
        '# WORD\nword = "red"',
        "word = 'red'",
        'word = "red"\nword = "tan"',
        "[table]",
        "word = 1",
    ],
    "json": ['{"word": "WORD"}', '{"word":"red"}', '["WORD"]', '{"word": 1, "word": 2}', '{"word": null}'],
    "yaml": ["word: WORD", "# WORD\nword: red", "word: 'red'", "- WORD", "word: no", "WORD", "word: {a: 2026-01-01}"],
}
SHOWN = [
    "{{ site.data.team.red.word }}",
    '{{ site.data.get("red", {}).get("word", "none") }}{{ site.data.red is defined }}',
    "{% for name, one in site.data.items() %}{{ name }}{{ one.word if one.word is string }}{% endfor %}",
    "{% for name in site.data.team %}{{ name }}{% endfor %}{{ site.data.red | tojson }}",
    '{% import "data.html" as data %}{{ data.words() }}',
]


class Data(Machine):
    """Data files come, change, move and go, and so do the templates that read them."""

    @rule(name=st.sampled_from(DATA), at=st.integers(0, 20), word=words)
    def write_data(self, name: str, at: int, word: str) -> None:
        sayings = SAYINGS.get(name.rpartition(".")[2], SAYINGS["yaml"])
        self.blog.write(f"data/{name}", sayings[at % len(sayings)].replace("WORD", word))

    @rule(
        text=st.sampled_from(SHOWN),
        template=st.sampled_from(["home.html", "post.html"]),
        name=st.sampled_from(DATA[:5]),
        word=words,
    )
    def show_data(self, text: str, template: str, name: str, word: str) -> None:
        """A template that reads it, and something to read."""
        self.blog.page("index.md", "Home.")
        self.blog.write(f"templates/{template}", text)
        top = "{% set red = site.data.red %}"
        self.blog.write("templates/data.html", f"{top}{{% macro words() %}}{word}{{{{ red.word }}}}{{% endmacro %}}")
        self.write_data(name, 0, word)

    @rule(at=st.integers(0, 20))
    def delete_data(self, at: int) -> None:
        found = self.blog.data()
        if found:
            found[at % len(found)].unlink()

    @rule(at=st.integers(0, 20), name=st.sampled_from(DATA))
    def rename_data(self, at: int, name: str) -> None:
        found, target = self.blog.data(), self.blog.root / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if found:
            found[at % len(found)].replace(target)

    @rule(template=st.sampled_from(["home.html", "post.html"]))
    def hide_data(self, template: str) -> None:
        (self.blog.root / "templates" / template).unlink(missing_ok=True)

    @rule(folder=st.sampled_from([None, "data/team", "content/posts"]))
    def read_another_folder(self, folder: str | None) -> None:
        self.blog.set("build", "data", folder)

    @rule(at=st.integers(0, 20), word=words)
    def edit_some_body(self, at: int, word: str) -> None:
        pages = self.blog.pages()
        self.blog.body(pages[at % len(pages)], word)


class Mishaps(Machine):
    """The output and the store are spoiled, files are touched, other processes help."""

    @rule(workers=st.sampled_from([1, 2]))
    def share_the_work(self, workers: int) -> None:
        """Even of a small site, among the cores."""
        self.patches.setattr(pool, "ALONE", 2)
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
        self.away = [file] if how != "gone" else []
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
        self.away = [folder / "stray" if how == "stray" else folder] if how != "gone" else []
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
        else:
            self.away = []

    @rule()
    def lose_the_output(self) -> None:
        shutil.rmtree(self.blog.output, ignore_errors=True)

    @rule(place=st.sampled_from(["public", "other/public"]))
    def build_into(self, place: str) -> None:
        """Also back into a folder that has not seen the last edits."""
        self.blog.place = place

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
        found = [path for path in found if path.parent.name == "builds"] if at % 2 else found
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


class Pictures(Machine):
    """Images come, change, turn out to be something else, and go; pages show them; [images] changes."""

    bundle = Words.bundle
    rename = Words.rename
    edit_a_head = Words.edit_a_head
    share_the_work = Mishaps.share_the_work
    spoil_the_output = Mishaps.spoil_the_output
    lose_the_output = Mishaps.lose_the_output
    build_into = Mishaps.build_into
    lose_the_store = Mishaps.lose_the_store

    @rule(at=st.integers(0, 20), body=st.sampled_from(SHOWING), word=words, name=st.sampled_from(IMAGES))
    def show(self, at: int, body: str, word: str, name: str) -> None:
        pages = self.blog.pages()
        page = pages[at % len(pages)]
        file = self.blog.root / "content" / page
        if not file.with_name(name).exists():
            pictures.save(file.with_name(name), pictures.gradient(50, 40))
        self.blog.body(page, body.format(word=word, image=name))

    @rule(at=st.integers(0, 20), name=st.sampled_from(IMAGES), size=st.sampled_from([(10, 9), (50, 40), (40, 50)]))
    def lay_an_image_beside(self, at: int, name: str, size: tuple[int, int]) -> None:
        pages = self.blog.pages()
        file = self.blog.root / "content" / pages[at % len(pages)]
        exif = Image.Exif()
        exif[pictures.ORIENTATION] = 1 + at % 8
        pictures.save(file.with_name(name), pictures.gradient(*size), exif=exif)

    @rule(at=st.integers(0, 20), other=st.integers(0, 20))
    def copy_an_image(self, at: int, other: int) -> None:
        found = self._images()
        if found:
            found[other % len(found)].with_stem("twin").write_bytes(found[at % len(found)].read_bytes())

    @rule(at=st.integers(0, 20), how=st.sampled_from(["cut", "text", "other", "trailing"]))
    def spoil_an_image(self, at: int, how: str) -> None:
        found = self._images()
        if not found:
            return
        file = found[at % len(found)]
        match how:
            case "cut":
                file.write_bytes(file.read_bytes()[:-40])
            case "text":
                file.write_text("text")
            case "other":
                pictures.save(file, pictures.corners(), format="gif")
            case "trailing":  # another content that looks the same
                file.write_bytes(file.read_bytes() + b"?")

    @rule(at=st.integers(0, 20))
    def take_an_image_away(self, at: int) -> None:
        if found := self._images():
            found[at % len(found)].unlink()

    @rule(setting=st.sampled_from(IMAGE_SETTINGS))
    def change_a_setting_of_images(self, setting: tuple[str, object]) -> None:
        self.blog.set("images", *setting)

    def _images(self) -> list[Path]:
        endings = {Path(name).suffix for name in IMAGES}
        return sorted(file for file in self.blog.root.glob("content/**/*") if file.suffix in endings)


class Everything(Words, Looks, Mishaps, Pictures, Data):
    """All of it, in one sequence."""


TestWords = case(Words, 6, 10)
TestLooks = case(Looks, 6, 10)
TestData = case(Data, 6, 10)
TestMishaps = case(Mishaps, 6, 10)
TestPictures = case(Pictures, 6, 10)
if HUNT:
    TestEverything = case(Everything, 0, 40)
