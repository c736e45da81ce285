"""The way from one page of a list to the others, as templates see it."""

from sealpress.frozen import frozen
from ssg.rendering.queries import pagination
from ssg.rendering.queries.lists import Listing
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View
from ssg.rendering.views.shared import LinkView


@frozen
class PaginationView(View):
    """The pages of one list. `previous` is nearer to its start."""

    _queries: SiteQueries
    _listing: Listing

    def __repr__(self) -> str:
        return f"<page {self.number} of {self.count}>"

    @property
    def number(self) -> int:
        return self._listing.number

    @property
    def count(self) -> int:
        return self._listing.count

    @property
    def previous(self) -> LinkView | None:
        return self._link(self.number - 1) if self.number > 1 else None

    @property
    def next(self) -> LinkView | None:
        return self._link(self.number + 1) if self.number < self.count else None

    @property
    def links(self) -> tuple[LinkView | None, ...]:
        """The first page, the last, and those around the current one; None where some are left out."""
        shown = pagination.shown(self.number, self.count)
        return tuple(None if number is None else self._link(number) for number in shown)

    def _link(self, number: int) -> LinkView:
        return LinkView(str(number), self._queries.url(pagination.page_path(self._listing.start, number)))
