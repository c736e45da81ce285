"""sitemap.xml and robots.txt, for search engines. Source: the sitemap protocol 0.9; RFC 9309.

A sitemap holds at most 50,000 URLs and 50 MB. Beyond that, sitemap.xml is an index of sitemap-1.xml and so on.

It is written as text: a tree of elements takes three times as long, and twice the memory (5,300 pages in 17 languages).
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ssg.content.formats import dates
from ssg.rendering import xml
from ssg.rendering.queries.site_queries import SiteQueries

NAME: Final = "sitemap.xml"


@dataclass(frozen=True, slots=True)
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

Subject = tuple[str, bool]
"""What scene.subjects() tells of."""


def names(scene: SiteQueries, limits: Limits = LIMITS) -> list[str]:
    """The files: sitemap.xml alone, or the parts before it."""
    count = len(_parts(scene, limits))
    return [f"sitemap-{number}.xml" for number in range(1, count + 1)] + [NAME] if count > 1 else [NAME]


def sitemap(scene: SiteQueries, name: str, limits: Limits = LIMITS) -> bytes:
    """One of the files."""
    parts = _parts(scene, limits)
    if name != NAME:
        return _urls(scene, parts[int(name.removeprefix("sitemap-").removesuffix(".xml")) - 1])
    return _urls(scene, parts[0]) if len(parts) == 1 else _index(scene, names(scene, limits)[:-1])


def robots(scene: SiteQueries) -> bytes:
    """Everybody may read everything."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {scene.absolute_url(f'/{NAME}')}\n".encode()


def _parts(scene: SiteQueries, limits: Limits) -> list[Sequence[Subject]]:
    """The subjects of each sitemap, as many as fit. How many do hangs on addresses and languages, on no date."""
    subjects = scene.subjects()
    if len(subjects) <= limits.urls and (
        _at_most(scene, len(subjects), _LONGEST) <= limits.size
        or _at_most(scene, len(subjects), max(_length(_address(scene, one)) for one in subjects)) <= limits.size
    ):
        return [subjects]
    cuts, size = [0], 0
    for number, subject in enumerate(subjects):
        more = _size(scene, subject)
        if number > cuts[-1] and (number - cuts[-1] == limits.urls or _ENTRY * 3 + size + more > limits.size):
            cuts.append(number)
            size = 0
        size += more
    return [subjects[start:end] for start, end in zip(cuts, [*cuts[1:], len(subjects)], strict=True)]


def _at_most(scene: SiteQueries, count: int, longest: int) -> int:
    """The bytes of a sitemap of so many subjects, each in every language, with addresses of that length."""
    links = len(scene.languages()) + 1
    return _ENTRY * 3 + count * (_ENTRY + longest + links * (_LINK + longest))


def _size(scene: SiteQueries, subject: Subject) -> int:
    """The bytes of one <url>, or a few more."""
    links = _links(scene, subject)
    return (
        _ENTRY + _length(_address(scene, subject)) + sum(_LINK + _length(scene.absolute_url(path)) for _, path in links)
    )


def _length(url: str) -> int:
    return len(_quoted(url).encode())


def _index(scene: SiteQueries, parts: list[str]) -> bytes:
    lines = [
        f"  <sitemap>\n    <loc>{_escaped(scene.absolute_url(f'/{name}'))}</loc>\n  </sitemap>\n" for name in parts
    ]
    return f'{_HEAD}<sitemapindex xmlns="{_NAMESPACE}">\n{"".join(lines)}</sitemapindex>\n'.encode()


def _urls(scene: SiteQueries, subjects: Sequence[Subject]) -> bytes:
    lines = [line for subject in subjects for line in _url(scene, subject)]
    return "".join([_HEAD, _URLSET, *lines, "</urlset>\n"]).encode()


def _url(scene: SiteQueries, subject: Subject) -> Iterator[str]:
    name, is_page = subject
    yield f"  <url>\n    <loc>{_escaped(xml.clean(_address(scene, subject)))}</loc>\n"
    if changed := _changed(scene, name) if is_page else scene.newest_change(name):
        yield f"    <lastmod>{changed}</lastmod>\n"
    for language, path in _links(scene, subject):
        href = _quoted(scene.absolute_url(path))
        yield f'    <xhtml:link rel="alternate" hreflang="{language}" href="{href}" />\n'
    yield "  </url>\n"


def _links(scene: SiteQueries, subject: Subject) -> Sequence[tuple[str, str]]:
    """All versions of a subject that has several, by language; at last the one for readers of any other."""
    name, is_page = subject
    versions = scene.versions_of_page(name) if is_page else scene.versions_of_list(name)
    if len(versions) < 2:
        return ()
    default = dict(versions).get(scene.default_language(), versions[0][1])
    return (*versions, ("x-default", default))


def _address(scene: SiteQueries, subject: Subject) -> str:
    name, is_page = subject
    return scene.absolute_url(scene.path(name) if is_page else name)


def _quoted(url: str) -> str:
    return _escaped(xml.clean(url)).replace('"', "&quot;")


def _changed(scene: SiteQueries, source: str) -> str:
    moment = scene.last_change(source)
    return dates.rfc3339(moment) if moment else ""


def _escaped(text: str) -> str:
    """As XML wants text. xml.sax.saxutils does the same, and loads urllib.request, which takes 10 ms."""
    return html.escape(text, quote=False)
