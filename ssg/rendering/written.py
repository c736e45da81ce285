"""What templates wrote, looked through for what no page may have: a value of site.toml, of front matter or of a data
file becomes a link there without passing a function that would look at it.
"""

import re
from typing import Final

from sealpress.problems import Place, Problem

# In none of them, nothing has to be looked at more closely: a page in ten thousand.
_SIGNS: Final = (
    *(b"script:", b"data:text", b"data:application", b'"data:', b"'data:", b"=data:"),
    *(b"blob:", b"filesystem:", b"view-source:", b"<base", b"&colon;", b"&tab;", b"&newline;"),
)
# Whatever stands for a letter, a colon or white space: in a scheme, nobody has any reason to write one.
_REFERENCE: Final = re.compile(rb"&#(?!3[489];|60;|62;|160;)")
_SMALL: Final = bytes(range(256)).lower()


def check(html: bytes, origin: str, template: str) -> None:
    """Raises Problem (exit 3) for a page with a URL that runs something, or with a base for its links.

    `origin` is what was rendered, `template` the file that it was rendered with.
    """
    seen = html.translate(_SMALL, b"\t\n\r")
    for sign in _SIGNS:
        if sign in seen:
            break
    else:
        if b"&#" not in seen or not _REFERENCE.search(seen):
            return
    from ssg.markup.links import active_urls  # noqa: PLC0415 - hardly any page needs it
    from ssg.markup.tags import cut  # noqa: PLC0415

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
