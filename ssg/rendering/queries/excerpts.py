"""What rendering asks of the converter: bodies, and what lists show of them."""

from dataclasses import dataclass
from typing import Protocol

from ssg.content.model import Page
from ssg.markup.text.converted import Converted
from ssg.rendering.queries.reading_time import minutes


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What other pages show of a body. `links` are the targets of its links, as written."""

    summary_html: str
    summary_text: str
    has_code: bool
    minutes: int
    links: tuple[str, ...]

    @classmethod
    def of(cls, body: Converted) -> "Excerpt":
        targets = tuple(link.target for link in body.links)
        return cls(body.summary_html, body.summary_text, body.has_code, minutes(body.plain_text), targets)


class Bodies(Protocol):
    """Converted bodies, the links in their HTML still open. Each may be made or read anew when it is asked for."""

    def converted(self, page: Page) -> Converted:
        """The page's whole body."""
        ...

    def excerpt(self, page: Page) -> Excerpt:
        """What lists show of it, without the rest of it where that can be."""
        ...
