"""The img tags of a body whose links are still open: what a browser needs to choose among variants and to keep room.

What the author wrote stays; only attributes that aren't there are added. Source: HTML, 4.8.3 and 4.8.4.
"""

import html as entities
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from ssg.images.variants import Picture, Size
from ssg.markup.html.tags import tag
from ssg.markup.text.converted import ETX, STX

T = TypeVar("T")
Of = Callable[[int], T | None]
"""Gives what is known of the image that a link leads to, by the link's number; None for what is no such image."""

# A tag with a link in it was written anew (ssg.markup.html.links): every value is quoted, and no ">" stands in one.
_IMG: Final = re.compile(f"<img ([^<>]*{STX}link[^<>]*)>")
_LINK: Final = re.compile(f"{STX}link([0-9]+)%?{ETX}")


def fitted(html: str, picture: Of[Picture], url: Callable[[str], str], sizes: str, eager: int) -> str:
    """Images with their size and their variants; all but the first `eager` ones load when the reader comes near.

    `url` gives the address of a path of the site, `sizes` is how wide images are shown.
    """
    number = 0

    def dressed(found: re.Match[str]) -> str:
        nonlocal number
        number += 1
        own = _attributes(found[0])
        added: dict[str, str] = {}
        if number > eager and "loading" not in own:
            # All of it before the address, which a browser may ask for as soon as it reads it.
            added = {"loading": "lazy", "decoding": own.get("decoding", "async")}
        if shown := _asked(own, picture):
            added |= _room(own, (shown.width, shown.height))
            if shown.variants and "srcset" not in own:
                added["srcset"] = ", ".join(f"{url(f'/{one.output}')} {one.width}w" for one in shown.variants)
                added["sizes"] = own.get("sizes") or _sizes(own, sizes, is_lazy=(own | added).get("loading") == "lazy")
        return _with(added, own, found[1])

    return _IMG.sub(dressed, html)


def measured(html: str, size: Of[Size]) -> str:
    """Images with their size alone, for readers of feeds."""

    def dressed(found: re.Match[str]) -> str:
        own = _attributes(found[0])
        shown = _asked(own, size)
        return _with(_room(own, shown) if shown else {}, own, found[1])

    return _IMG.sub(dressed, html)


def _attributes(raw: str) -> dict[str, str]:
    return {name.lower(): value or "" for name, value in tag(raw).attributes.items()}


def _asked(own: Mapping[str, str], known: Of[T]) -> T | None:
    link = _LINK.fullmatch(own.get("src", ""))
    return known(int(link[1])) if link else None


def _room(own: Mapping[str, str], size: Size) -> dict[str, str]:
    """Width and height, so that the page does not jump when the image comes. Where the author gave one, the other."""
    width, height = (own.get(side) for side in ("width", "height"))
    if width is None and height is None:
        return {"width": str(size[0]), "height": str(size[1])}
    if height is None and width is not None and _PIXELS.fullmatch(width):
        return {"height": str(max(1, round(int(width) * size[1] / size[0])))}
    if width is None and height is not None and _PIXELS.fullmatch(height):
        return {"width": str(max(1, round(int(height) * size[0] / size[1])))}
    return {}


def _sizes(own: Mapping[str, str], sizes: str, *, is_lazy: bool) -> str:
    """How wide the image will stand. Of a lazy one the browser knows that when it comes to it (HTML, 4.8.4.2.2), but it
    can come too early: where the author gave a width, that is told.
    """
    width = own.get("width", "")
    if _PIXELS.fullmatch(width):
        return f"(max-width: {width}px) 100vw, {width}px"
    return f"auto, {sizes}" if is_lazy else sizes


def _with(added: Mapping[str, str], own: Mapping[str, str], rest: str) -> str:
    new = [f'{name}="{entities.escape(value)}"' for name, value in added.items() if name not in own]
    return f"<img {' '.join([*new, rest])}>"


_PIXELS: Final = re.compile(r"[1-9][0-9]{0,4}")
