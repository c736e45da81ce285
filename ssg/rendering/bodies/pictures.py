"""What an <img> is given besides its own attributes: what a browser needs to choose among variants and to keep room.

What the author wrote stays; only attributes that aren't there are added. Source: HTML, 4.8.3 and 4.8.4.
"""

import html as entities
import re
from collections.abc import Callable, Mapping
from typing import Final

from ssg.images.variants import Picture, Size

_PIXELS: Final = re.compile(r"[1-9][0-9]{0,4}")


def fitted(
    own: Mapping[str, str], picture: Picture | None, url: Callable[[str], str], sizes: str, *, is_late: bool
) -> str:
    """Its size and its variants, where it is a `picture` of the site; one that `is_late` loads when the reader comes
    near.

    `own` are the attributes that it has. `url` gives the address of a path of the site, `sizes` is how wide images are
    shown.
    """
    added: dict[str, str] = {}
    if is_late and "loading" not in own:
        # All of it before the address, which a browser may ask for as soon as it reads it.
        added = {"loading": "lazy", "decoding": own.get("decoding", "async")}
    if picture:
        added |= _room(own, (picture.width, picture.height))
        if picture.variants and "srcset" not in own:
            added["srcset"] = ", ".join(f"{url(f'/{one.output}')} {one.width}w" for one in picture.variants)
            added["sizes"] = _sizes(own, sizes, is_lazy={**own, **added}.get("loading") == "lazy")
    return _written(added, own)


def measured(own: Mapping[str, str], size: Size | None) -> str:
    """Its size alone, for readers of feeds."""
    return _written(_room(own, size) if size else {}, own)


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


def _written(added: Mapping[str, str], own: Mapping[str, str]) -> str:
    return "".join(f' {name}="{entities.escape(value)}"' for name, value in added.items() if name not in own)
