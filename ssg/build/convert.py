"""Sources of pages, read and converted: many at once, and none that is known.

A conversion is a function of text, options, language and code, so it is kept by a digest of all four: neither the
store nor the number of workers can change a byte. Converted bodies stay on disk; of each a build keeps its ParsedPage.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from sealpress.commands.console import Progress
from sealpress.config.settings import Settings
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem
from sealpress.processes import workers as pool
from ssg.build.records import PARSED_PAGES
from ssg.cache import software
from ssg.cache.codec import Codec
from ssg.cache.store import Store
from ssg.cache.table import Plain
from ssg.content.front_matter import read
from ssg.content.location import locate
from ssg.content.model import Page, ParsedPage
from ssg.l10n.language import Language
from ssg.markup.text.converted import Converted, MarkdownOptions
from ssg.rendering.queries.excerpts import Excerpt

_RECENT: Final = 8  # whole bodies in memory: a page asks for its own several times in a row
_BODIES: Final = Codec(Converted, besides=("html", "plain_text"))


@frozen
class ReadPage:
    """One source as it was read: a manuscript, as plain data, with what lists show of its body; or why it's no use.

    A page whose front matter is at fault has both: a `problem`, and what can be told of it in spite of that.

    It crosses from one process to another. `seconds` went into the conversion, or into
    finding it where it was `kept` from an earlier build; `code` are those of highlighting, by language.
    """

    source: str
    sha256: str = ""
    parsed_page: Plain = None
    excerpt: Excerpt | None = None
    problem: Problem | None = None
    seconds: float = 0.0
    kept: bool = False
    code: Mapping[str, float] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Converter:
    """Where manuscripts are read: the site's folder, and all that a conversion depends on besides the text.

    `store` keeps what is converted. `tools` are versions that conversions depend on. `pause` is called before each,
    and raises what is to end it.
    """

    root: Path
    settings: Settings
    languages: Mapping[str, Language]
    options: Mapping[str, MarkdownOptions]
    store: Store
    tools: Mapping[str, str] = field(default_factory=dict)
    drafts: bool = False
    pause: Callable[[], None] = pool.go_on

    def conversion(self) -> str:
        """A digest of all that conversions depend on besides a page's own text."""
        options = [f"{tag} {json.dumps(astuple(one))}" for tag, one in sorted(self.options.items())]
        # These tell which language a page is in that says none, and which keys front matter may have.
        site = [self.settings.site.default_language, *self.settings.site.languages, *self.settings.taxonomies]
        return hashlib.sha256("\0".join([*site, *options, *self.software]).encode()).hexdigest()

    def read(self, sources: Sequence[str], workers: int, progress: Progress) -> Iterator[ReadPage]:
        """Every source once, in an order of chance; a draft that isn't wanted is not converted."""
        with progress.track("Reading and converting pages", len(sources)) as advance:
            for part, found in pool.shared(self.read_all, sources, workers):
                yield from found
                advance(len(part))
        if workers > 1:
            self.store.refresh()

    def converted(self, page: Page) -> Converted:
        """A page's body, once more: from its source, where the store has lost it."""
        document = read(given.read(self.root / page.source, given.TEXT), page.source)
        return self._converted(document.body, page.language, _KeptBlocks(self))[1]

    def read_all(self, sources: Sequence[str]) -> list[ReadPage]:
        found: list[ReadPage] = []
        with self.store.together():
            for source in sources:
                self.pause()
                found.append(self._read(source))
        return found

    def _read(self, source: str) -> ReadPage:
        try:
            data = given.read(f"{self.root}/{source}", given.TEXT)
        except OSError as error:
            hint = "ssg reads it as the user that runs it: look at its mode and owner"
            return ReadPage(source, problem=Problem(f"can't be read: {error.strerror}", place=Place(source), hint=hint))
        sha256 = hashlib.sha256(data).hexdigest()
        wrong: Problem | None = None
        taxonomies = tuple(self.settings.taxonomies)
        try:
            language = locate(self.settings, source).language
            document = read(data, source, taxonomies)
        except Problem as problem:
            return ReadPage(source, sha256, problem=problem)
        try:
            front = document.front_matter
        except Problem as problem:
            wrong, front = problem, document.provisional
        if front.draft and not self.drafts:
            made = ParsedPage(sha256, front, document.body_line)
            return ReadPage(source, sha256, PARSED_PAGES.pack(made), problem=wrong)
        began = time.perf_counter()
        blocks = _KeptBlocks(self)
        key, body, kept = self._converted(document.body, language, blocks)
        made = ParsedPage(sha256, front, document.body_line, key, body.links, body.faults, body.warnings)
        seconds = time.perf_counter() - began
        return ReadPage(source, sha256, PARSED_PAGES.pack(made), Excerpt.of(body), wrong, seconds, kept, blocks.seconds)

    def _converted(self, text: str, language: str, blocks: "_KeptBlocks") -> tuple[str, Converted, bool]:
        """Its key in the store, the body, and whether it was there."""
        key = self._key(text, language)
        if data := self.store.get(key):
            return key, decoded(data), True
        from ssg.markup.converter import convert  # noqa: PLC0415 - a build that converts nothing need not load it

        body = convert(text, self.options[language], self.languages[language], blocks)
        self.store.put(key, encoded(body))
        return key, body, False

    def _key(self, text: str, language: str) -> str:
        depends = _depends(self.options[language], language, self.software)
        return hashlib.sha256(f"{text}\0{depends}".encode()).hexdigest()

    @cached_property
    def software(self) -> tuple[str, ...]:
        """What conversions depend on besides text and options."""
        return software.digest(), *(f"{name} {version}" for name, version in sorted(self.tools.items()))


@frozen
class KeptBodies:
    """Converted bodies, as rendering asks for them: a few in memory, the rest on disk.

    `excerpts` are those that are known already, by source.
    """

    converter: Converter
    parsed_pages: Mapping[str, ParsedPage]
    excerpts: dict[str, Excerpt]
    _recent: dict[str, "_KeptBody"] = field(default_factory=dict)

    def converted(self, page: Page) -> Converted:
        return self._body(page).whole

    def html(self, page: Page) -> str:
        return self._body(page).html

    def excerpt(self, page: Page) -> Excerpt:
        if page.source not in self.excerpts:
            self.excerpts[page.source] = Excerpt.of(self.converted(page))
        return self.excerpts[page.source]

    def _body(self, page: Page) -> "_KeptBody":
        found = self._recent.get(page.source)
        if found is None:
            data = self.converter.store.get(self.parsed_pages[page.source].key)
            found = _KeptBody(data or encoded(self.converter.converted(page)))
            if len(self._recent) >= _RECENT:
                self._recent.pop(next(iter(self._recent)))
            self._recent[page.source] = found
        return found


@dataclass(frozen=True)
class _KeptBody:
    """A body as it is kept: most pages want its HTML, and nothing of the rest."""

    data: bytes

    @cached_property
    def html(self) -> str:
        return _html_of(self.data.partition(b"\n")[2], int(self.data[1 : self.data.index(b",")]))

    @cached_property
    def whole(self) -> Converted:
        return decoded(self.data)


@frozen
class _KeptBlocks:
    """Highlighted code, kept apart from the bodies: an edit of the prose around it need not load Pygments.

    `seconds` are those that went into the blocks that were not there, by language.
    """

    converter: Converter
    seconds: dict[str, float] = field(default_factory=dict)
    _missed: list[float] = field(default_factory=lambda: [0.0])  # when one was not there

    def get(self, key: str) -> str | None:
        data = self.converter.store.get(self._whole(key))
        self._missed[0] = time.perf_counter()
        return data.decode("utf-8", "surrogatepass") if data else None

    def put(self, key: str, html: str, language: str) -> None:
        took = time.perf_counter() - self._missed[0]
        self.seconds[language] = self.seconds.get(language, 0.0) + took
        self.converter.store.put(self._whole(key), html.encode("utf-8", "surrogatepass"))

    def _whole(self, key: str) -> str:
        return hashlib.sha256("\0".join(["block", key, *self.converter.software]).encode()).hexdigest()


@cache
def _depends(options: MarkdownOptions, language: str, software: tuple[str, ...]) -> str:
    return "\0".join([json.dumps(astuple(options)), language, *software])


def encoded(body: Converted) -> bytes:
    """A Converted as data, never as code: a line of JSON, and behind it the two long texts as they are."""
    html, plain = (text.encode("utf-8", "surrogatepass") for text in (body.html, body.plain_text))
    return json.dumps([len(html), _BODIES.pack(body)], separators=(",", ":")).encode() + b"\n" + html + plain


def decoded(data: bytes) -> Converted:
    """The Converted that `encoded` gave these bytes for."""
    head, _, texts = data.partition(b"\n")
    size, body = json.loads(head)
    plain = texts[size:].decode("utf-8", "surrogatepass")
    return _BODIES.unpack(body, html=_html_of(texts, size), plain_text=plain)


def _html_of(texts: bytes, size: int) -> str:
    return texts[:size].decode("utf-8", "surrogatepass")
