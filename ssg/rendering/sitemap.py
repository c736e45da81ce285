"""sitemap.xml and robots.txt, for search engines. Source: the sitemap protocol 0.9; RFC 9309.

A sitemap holds at most 50,000 URLs and 50 MB. Beyond that, sitemap.xml is an index of sitemap-1.xml and so on.

It is written as text: a tree of elements takes three times as long, and twice the memory (5,300 pages in 17 languages).
"""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from sealpress.frozen import frozen
from ssg.content.formats import dates
from ssg.rendering import xml
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.queries.site_queries import SiteQueries

NAME: Final = "sitemap.xml"


@frozen
class Limits:
    """What one sitemap may hold; `size` in bytes, before it is compressed."""

    urls: int = 50_000
    size: int = 50 << 20


LIMITS: Final = Limits()

_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_URLSET: Final = f'<urlset xmlns="{_NAMESPACE}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
_ENTRY: Final = 100  # bytes at most of what stands around the addresses of a <url>, its <lastmod> among them
_LINK: Final = 70  # and of one <xhtml:link>, less the address
_LONGEST: Final = 2048  # bytes of an address that the protocol takes
_OF_ONE: Final = 12  # bytes of a character at most: four, as %F0 each

ListedAddress = tuple[str, bool]
"""What scene.subjects() tells of."""


def names(queries: SiteQueries, limits: Limits = LIMITS) -> list[str]:
    """The files: sitemap.xml alone, or the parts before it."""
    most = len(queries.pages) + len(queries.lists)
    return _names(1 if _is_one(queries, most, limits) else len(_parts(queries, limits)))


def _names(count: int) -> list[str]:
    return [f"sitemap-{number}.xml" for number in range(1, count + 1)] + [NAME] if count > 1 else [NAME]


def sitemap(queries: SiteQueries, name: str, limits: Limits = LIMITS) -> bytes:
    """One of the files."""
    parts = _parts(queries, limits)
    if name != NAME:
        return _urls(queries, parts[int(name.removeprefix("sitemap-").removesuffix(".xml")) - 1])
    return _urls(queries, parts[0]) if len(parts) == 1 else _index(queries, _names(len(parts))[:-1])


def robots(queries: SiteQueries) -> bytes:
    """Everybody may read everything."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {queries.absolute_url(f'/{NAME}')}\n".encode()


SITEMAP: Final[OutputKind] = OutputKind(
    name="sitemap",
    files=lambda queries: (OutputFile(name, SITEMAP, name, "the sitemap") for name in names(queries)),
    make=lambda rendering, file: sitemap(rendering.queries, file.subject),
    has_addresses=False,  # all are those of pages and lists
    weight=10,
)


def _robots(queries: SiteQueries) -> Iterator[OutputFile]:
    # The site's own static/robots.txt comes before this one.
    if all(asset.output != "robots.txt" for asset in queries.site.assets):
        yield OutputFile("robots.txt", ROBOTS, "", "robots.txt")


ROBOTS: Final[OutputKind] = OutputKind(
    name="robots", files=_robots, make=lambda rendering, _file: robots(rendering.queries), has_addresses=False
)


def _parts(queries: SiteQueries, limits: Limits) -> list[Sequence[ListedAddress]]:
    """The subjects of each sitemap, as many as fit. How many do hangs on addresses and languages, on no date."""
    subjects = queries.subjects()
    if _is_one(queries, len(subjects), limits):
        return [subjects]
    cuts, size = [0], 0
    for number, subject in enumerate(subjects):
        more = _size(queries, subject)
        if number > cuts[-1] and (number - cuts[-1] == limits.urls or _ENTRY * 3 + size + more > limits.size):
            cuts.append(number)
            size = 0
        size += more
    return [subjects[start:end] for start, end in zip(cuts, [*cuts[1:], len(subjects)], strict=True)]


def _is_one(queries: SiteQueries, count: int, limits: Limits) -> bool:
    """Whether so many subjects fit into one sitemap for sure."""
    return count <= limits.urls and (
        _at_most(queries, count, _LONGEST) <= limits.size or _at_most(queries, count, _longest(queries)) <= limits.size
    )


def _longest(queries: SiteQueries) -> int:
    """The bytes of the longest address at most, as if each of its characters were the longest one in a URL and XML.

    No path is asked for, which would have to be looked up in what is known of it: who makes a sitemap asks for each.
    """
    paths = (*(page.path for page in queries.pages), *(one.path for one in queries.lists))
    longest = max(map(len, paths), default=0)
    return _length(queries.absolute_url("/")) + _OF_ONE * longest


def _at_most(queries: SiteQueries, count: int, longest: int) -> int:
    """The bytes of a sitemap of so many subjects, each in every language, with addresses of that length."""
    links = len(queries.languages()) + 1
    return _ENTRY * 3 + count * (_ENTRY + longest + links * (_LINK + longest))


def _size(queries: SiteQueries, subject: ListedAddress) -> int:
    """The bytes of one <url>, or a few more."""
    links = _links(queries, subject)
    return (
        _ENTRY
        + _length(_address(queries, subject))
        + sum(_LINK + _length(queries.absolute_url(path)) for _, path in links)
    )


def _length(url: str) -> int:
    return len(_quoted(url).encode())


def _index(queries: SiteQueries, parts: list[str]) -> bytes:
    lines = [
        f"  <sitemap>\n    <loc>{_escaped(queries.absolute_url(f'/{name}'))}</loc>\n  </sitemap>\n" for name in parts
    ]
    return f'{_HEAD}<sitemapindex xmlns="{_NAMESPACE}">\n{"".join(lines)}</sitemapindex>\n'.encode()


def _urls(queries: SiteQueries, subjects: Sequence[ListedAddress]) -> bytes:
    lines = [_HEAD, _URLSET]
    for subject in subjects:
        queries.pause()
        lines += _url(queries, subject)
    return "".join([*lines, "</urlset>\n"]).encode()


def _url(queries: SiteQueries, subject: ListedAddress) -> Iterator[str]:
    name, is_page = subject
    yield f"  <url>\n    <loc>{_escaped(xml.clean(_address(queries, subject)))}</loc>\n"
    if changed := _changed(queries, name) if is_page else queries.newest_change(name):
        yield f"    <lastmod>{changed}</lastmod>\n"
    for language, path in _links(queries, subject):
        href = _quoted(queries.absolute_url(path))
        yield f'    <xhtml:link rel="alternate" hreflang="{language}" href="{href}" />\n'
    yield "  </url>\n"


def _links(queries: SiteQueries, subject: ListedAddress) -> Sequence[tuple[str, str]]:
    """All versions of a subject that has several, by language; at last the one for readers of any other."""
    name, is_page = subject
    versions = queries.versions_of_page(name) if is_page else queries.versions_of_list(name)
    if len(versions) < 2:
        return ()
    default = dict(versions).get(queries.default_language(), versions[0][1])
    return (*versions, ("x-default", default))


def _address(queries: SiteQueries, subject: ListedAddress) -> str:
    name, is_page = subject
    return queries.absolute_url(queries.path(name) if is_page else name)


def _quoted(url: str) -> str:
    return _escaped(xml.clean(url)).replace('"', "&quot;")


def _changed(queries: SiteQueries, source: str) -> str:
    moment = queries.last_change(source)
    return dates.rfc3339(moment) if moment else ""


def _escaped(text: str) -> str:
    """As XML wants text. xml.sax.saxutils does the same, and loads urllib.request, which takes 10 ms."""
    return html.escape(text, quote=False)
