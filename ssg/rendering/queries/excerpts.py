"""What rendering asks of the converter: bodies, and what lists show of them."""

from typing import Protocol

from sealpress.frozen import frozen
from ssg.content.model import Page
from ssg.markup.text.converted import Converted, OpenSlot
from ssg.rendering.queries.reading_time import minutes


@frozen
class Excerpt:
    """What other pages show of a body. `slots` are all that it has, by their numbers."""

    summary_html: str
    summary_text: str
    has_code: bool
    minutes: int
    slots: tuple[OpenSlot, ...]

    @classmethod
    def of(cls, body: Converted) -> "Excerpt":
        slots = tuple((slot.kind, slot.target, slot.given) for slot in body.slots)
        return cls(body.summary_html, body.summary_text, body.has_code, minutes(body.plain_text), slots)


class Bodies(Protocol):
    """Converted bodies, the slots in their HTML still open. Each may be made or read anew when it is asked for."""

    def converted(self, page: Page) -> Converted:
        """The page's whole body."""
        ...

    def html(self, page: Page) -> str:
        """Its HTML, without the rest of it where that can be."""
        ...

    def excerpt(self, page: Page) -> Excerpt:
        """What lists show of it, without the rest of it where that can be."""
        ...
