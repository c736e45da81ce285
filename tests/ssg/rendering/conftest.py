"""A small site in memory, so that rendering is tested without a converter."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sealpress.config import sitefile
from sealpress.config.document import Node
from sealpress.problems import raise_all
from ssg.cache.store import Store
from ssg.content.links import Doubts
from ssg.content.model import Asset, FrontMatter, Page, PageKind, Site, output_of, prefix
from ssg.content.taxonomies import terms_of
from ssg.images.gallery import Gallery
from ssg.l10n.language import language
from ssg.markup.text.converted import LINK, Converted, Heading, Slot, slot_marker
from ssg.rendering import menus, plan
from ssg.rendering.queries.excerpts import Excerpt
from ssg.rendering.queries.page_queries import Basis
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme import assets, theme

SITE_TOML = """\
[site]
title = "The Shed"
url = "https://shed.example.org/"
languages = ["en", "fr"]
author = "Ada"
description = "Notes on glass."
timezone = "Europe/Paris"

[language.fr]
title = "L'Atelier"
description = "Notes sur le verre."

[lists]
per_page = 2
"""


@dataclass(frozen=True)
class MemoryBodies:
    """Bodies whose HTML is a page's own text, with a marker in place of each link's target."""

    texts: Mapping[str, str]
    headings: Mapping[str, Sequence[Heading]]

    def converted(self, page: Page) -> Converted:
        text = self.texts[page.source]
        parts = re.split('href="([^"]*)', f"<p>{text}</p>")
        links = tuple(Slot(LINK, target, 1, 1, 1) for target in parts[1::2])
        marked = [f'href="{slot_marker(number, "=")}{part}' for number, part in enumerate(parts[2::2])]
        return Converted(
            html=parts[0] + "".join(marked),
            slots=links,
            externals=(),
            headings=tuple(self.headings.get(page.source, ())),
            ids=frozenset(),
            summary_html=f"<p>{text.split(chr(10))[0]}</p>",
            summary_text="",
            plain_text=text,
            has_code="highlight" in text,
            faults=(),
        )

    def html(self, page: Page) -> str:
        return self.converted(page).html

    def excerpt(self, page: Page) -> Excerpt:
        return Excerpt.of(self.converted(page))


def make_page(source: str, settings: Any, **given: Any) -> Page:
    """A page as reading would give it, from the path of its source: content/[fr/]posts/x.md."""
    parts = source.removeprefix("content/").removesuffix(".md").split("/")
    tag = parts.pop(0) if parts[0] in settings.site.languages else settings.site.default_language
    folder, stem = "/".join(parts[:-1]), parts[-1]
    is_index = stem == "index"
    kind = PageKind.POST if folder.startswith("posts") and not (is_index and folder == "posts") else PageKind.PAGE
    terms = tuple((name, given.pop(name)) for name in settings.taxonomies if name in given)
    front = FrontMatter(**{"title": stem.title(), "terms": terms, **given})
    slug = front.slug or (folder.rpartition("/")[2] if is_index else stem)
    above = folder.rpartition("/")[0] if is_index else folder
    path = prefix(settings, tag) + (f"/{above}/{slug}/" if above else f"/{slug}/" if slug else "/")
    if is_index and folder == "posts":
        path = prefix(settings, tag) + settings.permalinks.posts
    return Page(
        source=source,
        kind=kind,
        language=tag,
        key=front.key or "/".join(parts),
        title=front.title,
        slug=slug,
        path=path,
        output=output_of(path),
        body_line=1,
        front_matter=front,
        folder=folder,
        is_index=is_index,
        date=front.date if isinstance(front.date, dt.datetime) else None,
        updated=front.updated if isinstance(front.updated, dt.datetime) else None,
        terms=front.terms,
        author=front.author or settings.site.author,
    )


def day(number: int, month: int = 5, year: int = 2026) -> dt.datetime:
    return dt.datetime(year, month, number, tzinfo=dt.timezone(dt.timedelta(hours=2)))


@dataclass
class Blog:
    """A site to be: add pages, templates and settings, then render."""

    root: Path
    settings_text: str = SITE_TOML
    given: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    assets: list[str] = field(default_factory=list)
    files: list[str] | None = None
    headings: dict[str, Sequence[Heading]] = field(default_factory=dict)

    def page(self, source: str, **given: Any) -> None:
        self.texts[source] = given.pop("body", f"Text of {source}.")
        self.given.append((source, given))
        front = {"title": "Untitled"} | {key: given[key] for key in ("title", "template") if key in given}
        head = "\n".join(f"{key} = {json.dumps(value)}" for key, value in front.items())
        self.write(source, f"+++\n{head}\n+++\n{self.texts[source]}")

    def post(self, name: str, date: dt.datetime, **given: Any) -> None:
        folder = "content/posts" if not name.startswith("fr/") else "content/fr/posts"
        self.page(f"{folder}/{name.removeprefix('fr/')}.md", date=date, **given)

    def write(self, name: str, text: str) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def site(self) -> tuple[Site, Node]:
        self.write("site.toml", self.settings_text)
        file = sitefile.load(self.root / "site.toml", "site.toml")
        pages = tuple(sorted((make_page(s, file.settings, **g) for s, g in self.given), key=lambda page: page.source))
        assets = tuple(Asset(f"static{path}", path, output_of(path), self.root / path[1:]) for path in self.assets)
        site = Site(self.root, file.settings, pages, (), assets, day(31, 12))
        languages = {tag: language(tag) for tag in file.settings.site.languages}
        terms = terms_of(file.settings, site.posts_by_language, languages)
        return Site(self.root, file.settings, pages, terms, assets, day(31, 12)), file.document

    def queries(self) -> SiteQueries:
        site, document = self.site()
        found = theme.load(self.root, site.settings, document, self.files)
        bodies = MemoryBodies(self.texts, self.headings)
        gallery = Gallery(self.root, site.settings.images, Store(self.root / "store"), {})
        made = assets.make(found)
        return SiteQueries(Basis(site.settings, site.by_source, lambda: site, bodies, found, made, gallery, site.as_of))

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        queries = self.queries()
        files = list(plan.files(queries, plan.kinds()))
        raise_all(list(menus.check(queries, frozenset(file.path for file in files), Doubts())))
        renderer = plan.Renderer(queries)
        yield from ((file.path, renderer.make(file)[0]) for file in files if not file.kind.is_copy)

    def rendered(self) -> dict[str, str]:
        """Every output's text, by path."""
        every: dict[str, str] = {}
        for path, content in self.outputs():
            assert path not in every, f"two outputs at {path}"
            every[path] = content.decode()
        return every


@pytest.fixture
def empty(tmp_path: Path) -> Blog:
    """A blog without a page."""
    return Blog(tmp_path)


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    """A home page, docs in a tree, posts over two years, tags, some of it in French."""
    found = Blog(tmp_path)
    fill(found)
    return found


def fill(found: Blog) -> None:
    found.page("content/index.md", title="Welcome")
    found.page("content/fr/index.md", title="Bienvenue")
    found.page("content/about.md", title='About "us" & <them>', updated=day(3))
    found.page("content/fr/about.md", title="À propos", slug="a-propos")
    found.page("content/docs/index.md", title="Docs", order=1)
    found.page("content/docs/how-to/index.md", title="How-to", order=1)
    found.page("content/docs/how-to/grind.md", title="Grind")
    found.page("content/docs/coat.md", title="Coat", order=2, body='<b id="a"></b><b id="b"></b><b id="été"></b>')
    found.post("one", day(1, 1, 2025), title="One", tags=("Glass",))
    found.post("two", day(2), title="Two", tags=("Glass", "Wood"), updated=day(9), author="Guest")
    found.post("three", day(3), title="Three", body='See <a href="/about/">us</a>\nand \x0c more')
    found.post("fr/two", day(2), title="Deux", tags=("Glass",), slug="deux")
    found.headings["content/docs/coat.md"] = [
        Heading(2, "a", "A", "A"),
        Heading(3, "b", "B & C", "<code>B &amp; C</code>"),
        Heading(2, "été", "Été", "Été"),
    ]


@pytest.fixture
def problem_of() -> Callable[[Blog], str]:
    """The whole text of the Problem that rendering a blog ends with."""
    from sealpress.problems import Problem

    def text(blog: Blog) -> str:
        with pytest.raises(Problem) as caught:
            blog.rendered()
        return str(caught.value)

    return text
