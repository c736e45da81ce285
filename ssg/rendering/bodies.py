"""What rendering asks of the converter: finished bodies."""

from collections.abc import Sequence
from typing import Protocol

from ssg.markup.converted import Heading
from ssg.model import Page


class Bodies(Protocol):
    """Converted bodies, their links resolved. HTML comes without <html> and <body>."""

    def html(self, page: Page, absolute: bool = False) -> str:  # noqa: FBT001, FBT002
        """The whole body. `absolute`: every link and image with the site's URL, for feeds."""
        ...

    def summary(self, page: Page, absolute: bool = False) -> str:  # noqa: FBT001, FBT002
        """What lists show, as HTML; `absolute` as in `html`."""
        ...

    def text(self, page: Page) -> str:
        """The body without markup."""
        ...

    def description(self, page: Page) -> str:
        """A plain sentence or two, for search engines and previews."""
        ...

    def headings(self, page: Page) -> Sequence[Heading]:
        """All of them, in the order of the body."""
        ...

    def has_code(self, page: Page) -> bool:
        """Whether the body needs the style sheet for highlighted code."""
        ...
