"""What templates wrote, looked through for what no page may have: a value of site.toml, of front matter or of a data
file becomes a link there without passing a function that would look at it.
"""

import re
from typing import Final

from sealpress.problems import Place, Problem
from ssg.markup.html.links import active_urls
from ssg.markup.html.tags import cut

# Without any of these, nothing has to be looked at more closely: as in nearly all pages. A colon that follows none of
# the names is passed over first.
_NAMES: Final = (b"script", b"data", b"blob", b"filesystem", b"view-source")
_SIGNS: Final = (
    *(b"script:", b"data:text", b"data:application", b'"data:', b"'data:", b"=data:"),
    *(b"blob:", b"filesystem:", b"view-source:"),
)
_BASE: Final = re.compile(rb"<base")  # an expression finds it in half the time that `in` takes
# Whatever stands for a letter, a colon or white space: in a scheme, nobody has any reason to write one.
_REFERENCE: Final = re.compile(rb"&(?:colon;|tab;|newline;|#(?!3[489];|60;|62;|160;))")
_SMALL: Final = bytes(range(256)).lower()

_HTML: Final = re.compile(rb"<html(?=[\s>])([^>]*)", re.IGNORECASE)
_BEGINS: Final = re.compile(rb"\s*(?:<!--.*?-->\s*)*<!doctype html\b", re.IGNORECASE | re.DOTALL)
_TITLE: Final = re.compile(rb"<title>\s*[^\s<]", re.IGNORECASE)
_LANGUAGE: Final = re.compile(rb"\slang\s*=\s*[\"']?[^\s\"']", re.IGNORECASE)


def doubts(html: bytes, template: str) -> list[Problem]:
    """Warnings of what readers miss in a whole page; of all pages of one `template`, the same. A part of one, which has
    no <html>, is its author's business.

    Sources: HTML, 13.1 (a page without its doctype is laid out by the rules of 1998), 4.2.2 and 3.2.6.2.
    """
    if not (root := _HTML.search(html)):
        return []
    lacking = []
    if not _BEGINS.match(html):
        lacking.append(("begin with <!doctype html>", "without it, browsers lay a page out by the rules of 1998"))
    if not _TITLE.search(html):
        hint = "search engines, tabs and bookmarks show it: <title>{{ page.title }}</title>"
        lacking.append(("have a <title>", hint))
    if not _LANGUAGE.search(root[1]):
        hint = 'screen readers and hyphenation go by it: <html lang="{{ lang.tag }}">'
        lacking.append(("say their language", hint))
    return [
        Problem(f"pages of this template don't {what}", place=Place(template), hint=hint, is_warning=True)
        for what, hint in lacking
    ]


def check(html: bytes, origin: str, template: str) -> None:
    """Raises Problem (exit 3) for a page with a URL that runs something, or with a base for its links.

    `origin` is what was rendered, `template` the file that it was rendered with.
    """
    seen = html.translate(_SMALL, b"\t\n\r")
    is_scheme = any(part.endswith(_NAMES) for part in seen.split(b":")) and any(sign in seen for sign in _SIGNS)
    if not is_scheme and not _BASE.search(seen) and not _REFERENCE.search(seen):
        return
    page = cut(html.decode())
    for element, attribute, scheme in active_urls(page):
        raise Problem(
            f'{origin} gets a <{element} {attribute}> that leads to "{scheme}"',
            place=Place(template),
            hint="look at what the template puts there, and where that comes from: front matter, site.toml, data",
        )
    if any(tag.name == "base" and "href" in map(str.lower, tag.attributes) for tag in page.tags):
        hint = 'every link of the page would lead elsewhere: write them with the function url, {{ url("/") }}'
        raise Problem(f"{origin} gets a <base href>", place=Place(template), hint=hint)
