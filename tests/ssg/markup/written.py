"""Bodies with each link leading to what the author named."""

from ssg.markup.text.converted import LINK, Converted, closed


def as_written(found: Converted, html: str | None = None) -> str:
    """Its HTML, or the part of it that is given, with its links closed by their own targets and nothing else added."""
    given = [slot.target if slot.kind == LINK else "" for slot in found.slots]
    return closed(found.html if html is None else html, given.__getitem__)
