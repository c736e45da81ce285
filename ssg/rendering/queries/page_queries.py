"""What templates may ask of one page, and of the settings and the theme. Every question is recorded
(ssg.cache.tracing).

A fact depends on the page's own front matter and body, on settings and on the theme, but on no other page: what lies
between pages is asked of a SiteQueries. A data file is a source with one fact, what it says.
"""

import datetime as dt
import html
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from sealpress.config.settings import PermalinkSettings, Settings
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Problem
from sealpress.processes import workers
from ssg.cache.tracing import AnswerOrigin, Key, Questions, fact, part
from ssg.content.absence import Absence, Absences
from ssg.content.data import NONE, DataFiles
from ssg.content.model import Page, Site, encoded, prefix
from ssg.images.gallery import Gallery
from ssg.images.variants import Picture, Size
from ssg.l10n.strings import Value
from ssg.markup.html.prose import on_one_line
from ssg.markup.html.typography import typeset
from ssg.markup.text.converted import STX, Converted, Heading, OpenSlot
from ssg.rendering.queries.excerpts import Bodies
from ssg.rendering.theme.assets import Assets
from ssg.rendering.theme.theme import Theme

DESCRIPTION_LENGTH: Final = 200  # characters; search engines show no more
_CODE: Final = 'class="highlight'


@frozen
class Basis:
    """What questions are answered from: the pages by source, their bodies, the settings, the theme, the data.

    `site` and `absences` are called when a question can't be answered without them. What takes long calls `pause` now
    and then, which raises what is to end it.
    """

    settings: Settings
    pages: Mapping[str, Page]
    site: Callable[[], Site]
    bodies: Bodies
    theme: Theme
    assets: Assets
    gallery: Gallery
    as_of: dt.datetime
    data: DataFiles = NONE
    absences: Callable[[], Absences] = lambda: Absences(NONE.sources)
    pause: Callable[[], None] = workers.go_on


class PageQueries(Questions):
    """One thing asked at a time. `recall` as in Questions."""

    def __init__(self, basis: Basis, recall: Callable[[Key], object] | None = None) -> None:
        super().__init__(recall)
        self.theme, self.assets, self.gallery = basis.theme, basis.assets, basis.gallery
        self._settings, self._pages, self._bodies = basis.settings, basis.pages, basis.bodies
        self._basis = basis
        self.pause = basis.pause

    # Of what is missing: asked for a Problem alone, which nothing is made from.

    def absence(self, source: str) -> Absence | None:
        """Why a file is not on the site; None where there is no such file."""
        return self._basis.absences().of(source)

    def absent_at(self, path: str) -> tuple[str, Absence] | None:
        """The file that would be at a path, and why it isn't."""
        return self._basis.absences().at(path, self._settings)

    def absent_below(self, folder: str, *names: str) -> tuple[str, Absence] | None:
        """The first file that is not on the site of those that a folder of the theme's, or the site's own, might have.

        `folder` is "templates", "static" or "data", as it is called by default.
        """
        own = getattr(self._settings.build, folder)
        places = (own, f"{self._settings.site.theme}/{folder}")
        files = (f"{place}/{name}" for place in places for name in names)
        return next(((file, found) for file in files if (found := self.absence(file))), None)

    def converted(self, source: str) -> Converted:
        """A page's whole body, with the places of all in it: for checks and a Problem, which nothing is made from."""
        return self._bodies.converted(self._pages[source])

    # Of one page.

    @fact("title", AnswerOrigin.FRONT, asked_as="page.title")
    def title(self, source: str) -> str:
        """As the language prints it, with its quotes and spaces."""
        page = self._pages[source]
        return self.typeset(page.title, page.language)

    @fact("path", AnswerOrigin.PLACE)
    def path(self, source: str) -> str:
        return self._pages[source].path

    @fact("date", AnswerOrigin.FRONT, asked_as="page.date")
    def date(self, source: str) -> dt.datetime | None:
        return self._pages[source].date

    @fact("day of the last change", AnswerOrigin.FRONT, asked_as="page.updated")
    def updated(self, source: str) -> dt.datetime | None:
        """When it was last changed, where that is known and was on a later day than `date`."""
        page = self._pages[source]
        return page.updated if page.updated and not (page.date and page.updated.date() <= page.date.date()) else None

    @fact("moment of the last change", AnswerOrigin.FRONT)
    def last_change(self, source: str) -> dt.datetime | None:
        """When it was last written or changed, where that is known."""
        return self._pages[source].last_change

    @fact("author", AnswerOrigin.FRONT, asked_as="page.author")
    def author(self, source: str) -> str:
        return self._pages[source].author

    @fact("description", AnswerOrigin.FRONT, asked_as="page.description")
    def description(self, source: str) -> str:
        """Plain text for search engines and previews; may be ""."""
        page = self._pages[source]
        front = page.front_matter
        return front.description or _shortened(front.summary or self._bodies.excerpt(page).summary_text)

    @fact("params", AnswerOrigin.FRONT, asked_as="page.params")
    def params(self, source: str) -> Mapping[str, object]:
        """The free keys of the front matter; `page.params.get("x")` for one that may be absent."""
        return self._pages[source].front_matter.params

    @fact("toc", AnswerOrigin.FRONT, asked_as="page.wants_contents")
    def wants_contents(self, source: str) -> bool | None:
        """What the front matter says of a table of contents; None: nothing, so the theme decides."""
        return self._pages[source].front_matter.toc

    @fact("template", AnswerOrigin.FRONT)
    def wanted_template(self, source: str) -> str:
        """What the front matter says; ""."""
        return self._pages[source].front_matter.template

    @fact("text", AnswerOrigin.BODY, keep=False)
    def body_html(self, source: str) -> str:
        """The whole body; the slots in it still open."""
        return self._bodies.html(self._pages[source])

    @fact("summary", AnswerOrigin.BODY)
    def summary_html(self, source: str) -> str:
        """What lists show; the slots in it still open."""
        page = self._pages[source]
        if text := page.front_matter.summary.replace(STX, "\ufffd"):  # no slot of the body's
            return f"<p>{html.escape(text)}</p>"
        return self._bodies.excerpt(page).summary_html

    @fact("links", AnswerOrigin.BODY)
    def slots(self, source: str) -> tuple[OpenSlot, ...]:
        """What the author wrote for each slot of its body."""
        return self._bodies.excerpt(self._pages[source]).slots

    @fact("headings", AnswerOrigin.BODY, keep=False)
    def headings(self, source: str) -> tuple[Heading, ...]:
        """Those of the table of contents."""
        depth = self._settings.markdown.toc_depth
        return tuple(one for one in self._bodies.converted(self._pages[source]).headings if one.level <= depth)

    @fact("number of headings", AnswerOrigin.BODY, asked_as="page.heading_count")
    def heading_count(self, source: str) -> int:
        """How many headings the table of contents has."""
        return len(self.headings(source))

    @fact("whether there is code", AnswerOrigin.BODY, asked_as="page.has_code")
    def has_code(self, source: str) -> bool:
        """Whether the style sheet for code is needed."""
        return self._bodies.excerpt(self._pages[source]).has_code

    @fact("whether there is code in the summary", AnswerOrigin.BODY)
    def summary_has_code(self, source: str) -> bool:
        return _CODE in self.summary_html(source)

    @fact("reading time", AnswerOrigin.BODY, asked_as="page.reading_minutes")
    def reading_minutes(self, source: str) -> int:
        """At least 1."""
        return self._bodies.excerpt(self._pages[source]).minutes

    @fact("kind", AnswerOrigin.PLACE, asked_as="page.kind")
    def kind(self, source: str) -> str:
        """Either "post", "page" or "home"."""
        page = self._pages[source]
        return "home" if page.is_home else page.kind.value

    @fact("language", AnswerOrigin.PLACE)
    def language(self, source: str) -> str:
        return self._pages[source].language

    @fact("folder", AnswerOrigin.PLACE)
    def place_in_tree(self, source: str) -> tuple[str, bool]:
        """Its folder, and whether it is that folder's index page."""
        page = self._pages[source]
        return page.folder, page.is_index

    # Of one image, one data file.

    @fact("size and variants of", AnswerOrigin.SITE)
    def image(self, source: str) -> Picture | None:
        """Size and variants of a file beside a page; None for one that is no image. Raises Problem for a bad one."""
        return self.gallery.picture(source)

    @fact("size of", AnswerOrigin.SITE)
    def image_size(self, source: str) -> Size | None:
        """The same without the variants, for what doesn't show them."""
        found = self.gallery.picture(source)
        return (found.width, found.height) if found else None

    @fact("data", AnswerOrigin.DATA)
    def data(self, source: str) -> object:
        """What it says (ssg.content.data)."""
        return self._basis.data.value(source)

    # Of the build and the settings.

    @part("the clock", "of the build")
    def as_of(self) -> dt.datetime:
        """The clock of the build."""
        return self._basis.as_of

    @part("[site]", "url")
    def site_url(self) -> str:
        return self._settings.site.url

    @part("[site]", "title", asked_as="site.title")
    def site_title(self, language: str) -> str:
        title = self._settings.language[language].title or self._settings.site.title
        return self.typeset(title, language)

    @part("[site]", "description", asked_as="site.description")
    def site_description(self, language: str) -> str:
        own = self._settings.language[language].description
        return self.typeset(self._settings.site.description if own is None else own, language)

    @part("[site]", "author", asked_as="site.author")
    def site_author(self, language: str) -> str:
        own = self._settings.language[language].author
        return own if own is not None else self._settings.site.author

    @part("[params]", "all", asked_as="site.params")
    def site_params(self, language: str) -> Mapping[str, object]:
        """[params], with those of the language over them."""
        return MappingProxyType({**self._settings.params, **self._settings.language[language].params})

    @part("[site]", "languages")
    def languages(self) -> tuple[str, ...]:
        return self._settings.site.languages

    @part("[site]", "default_language")
    def default_language(self) -> str:
        return self._settings.site.default_language

    @part("[taxonomies]", "names")
    def taxonomies(self) -> tuple[str, ...]:
        """What posts are grouped by."""
        return tuple(self._settings.taxonomies)

    @part("[taxonomies]", "{taxonomy}")
    def taxonomy(self, taxonomy: str, language: str) -> tuple[str, str]:
        """A taxonomy's title, "" where that is an interface string, and the path of the list of its terms."""
        found = self._settings.language[language].taxonomies[taxonomy]
        return found.title, prefix(self._settings, language) + found.path

    @part("[permalinks]", "archive")
    def archive_path(self, language: str) -> str:
        return prefix(self._settings, language) + self._permalinks(language).archive

    @part("[feeds]", "enabled")
    def wants_feeds(self) -> bool:
        return self._settings.feeds.enabled

    @part("[feeds]", "limit and full")
    def feed_wishes(self) -> tuple[int, bool]:
        """Of how many posts feeds are, and whether whole or only their summaries."""
        return self._settings.feeds.limit, self._settings.feeds.full

    @part("[images]", "sizes")
    def image_sizes(self) -> str:
        """How wide images are shown."""
        return self._settings.images.sizes

    @part("[images]", "quality")
    def image_quality(self) -> int:
        """Of variants, 1 to 100."""
        return self._settings.images.quality

    @part("[markdown]", "dialect")
    def dialect(self) -> str:
        """How Markdown is read: in "commonmark", ids have no colon."""
        return self._settings.markdown.dialect

    @part("[markdown]", "typography")
    def has_typography(self) -> bool:
        return self._settings.markdown.typography

    @part("[menus]", "{name}")
    def menu(self, language: str, name: str) -> tuple[tuple[str, str], ...] | None:
        """Titles and targets of a menu of site.toml; None where it has no such menu."""
        items = (self._settings.language[language].menus or {}).get(name)
        return None if items is None else tuple((item.title, item.url) for item in items)

    # Of the theme.

    @part(AnswerOrigin.OPTIONS, "{name}")
    def option(self, name: str, language: str) -> object:
        """A theme's option, a translated one in the language."""
        return self.theme.option(name, language)

    @part(AnswerOrigin.OPTIONS, "list of options")
    def option_names(self) -> tuple[str, ...]:
        return tuple(self.theme.options)

    @part(AnswerOrigin.STRINGS, "{key}")
    def string(self, key: str, language: str) -> object:
        """An interface string, its fields open; None where there is none."""
        return self.theme.strings[language].texts.get(key)

    @part(AnswerOrigin.FILES, "{name}")
    def asset(self, name: str) -> str:
        """Where a file of the theme's static folder is served. Raises Problem for one that isn't there."""
        try:
            return self.assets.path(name)
        except Problem as problem:
            if absent := self.absent_below("static", name):
                raise absent[1].problem(problem.message.partition(" (")[0], absent[0]) from None
            raise

    @part(AnswerOrigin.TEMPLATES, "{name}")
    def template(self, name: str) -> str | None:
        """What a template says; None where there is none."""
        file = self.theme.templates.get(name)
        return self._texts(file.path) if file else None

    # What needs no record: it follows from its arguments, or from what is asked here.

    def url(self, path: str) -> str:
        """What stands in an href: the path below the site's own one, percent-encoded."""
        return _path_of(self.site_url()) + encoded(path)

    def absolute_url(self, path: str) -> str:
        """The whole URL, for feeds, sitemaps and canonical links."""
        return self.site_url().rstrip("/") + encoded(path)

    def home_path(self, language: str) -> str:
        return "/" if language == self.default_language() else f"/{language}/"

    def feed_path(self, language: str) -> str:
        return f"{self.home_path(language)}feed.xml"

    def text(self, key: str, language: str, /, **values: Value) -> str:
        """An interface string, its fields filled. Raises Problem for one that isn't there."""
        self.string(key, language)
        return self.theme.strings[language].text(key, **values)

    def typeset(self, text: str, language: str) -> str:
        """A title as the language prints it."""
        if not self.has_typography():
            return text
        parts = typeset([html.escape(text, quote=False)], self.theme.languages[language])
        return html.unescape("".join(parts))

    def _permalinks(self, language: str) -> PermalinkSettings:
        return self._settings.language[language].permalinks or self._settings.permalinks

    def _texts(self, file: Path) -> str:
        if file not in self._read:
            self._read[file] = given.content(file, given.SETTINGS, file.name).decode("utf-8", "surrogateescape")
        return self._read[file]

    @cached_property
    def _read(self) -> dict[Path, str]:
        return {}


@cache
def _path_of(site_url: str) -> str:
    return urlsplit(site_url).path.rstrip("/")


def _shortened(text: str) -> str:
    """Cut at a word, with an ellipsis where something is gone."""
    text = on_one_line(text)
    if len(text) <= DESCRIPTION_LENGTH:
        return text
    return text[:DESCRIPTION_LENGTH].rpartition(" ")[0].rstrip(",;:.– ") + "…"
