"""Views that pages and lists share."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

from sealpress.frozen import frozen
from ssg.cache.tracing import Question
from ssg.l10n.language import Direction
from ssg.rendering.queries.lists import Version
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View

V = TypeVar("V", bound=View)


def asking(name: str, pages: type[View] | None = None) -> Callable[[type[V]], type[V]]:
    """Gives a view an attribute for each question that is `asked_as` one of it: `title` for "page.title".

    What the question takes are fields of the view, called alike. `pages` is the view of pages, None: this one.
    """

    def asks(view: type[V]) -> type[V]:
        for question in SiteQueries.declared.values():
            of, _, attribute = question.asked_as.partition(".")
            if of == name:
                if attribute in vars(view):
                    raise TypeError(f"{view.__name__} says itself what {question.asked_as} is")
                setattr(view, attribute, _asked(view, question, pages or view))
        return view

    return asks


def _asked(view: type[View], question: Question, page: Callable[[SiteQueries, str], View]) -> property:
    ask = getattr(SiteQueries, question.name)
    names = {field.name.removeprefix("_"): field.name for field in fields(view)}  # type: ignore[arg-type]
    own = attrgetter("_queries", *(names[one] for one in question.parameters))

    def answer(self: Any) -> Any:
        return ask(*own(self))

    def answer_of_site(self: Any) -> Any:
        return ask(self._queries)

    def pages(self: Any) -> object:
        found = ask(*own(self))
        if isinstance(found, tuple):
            return tuple(page(self._queries, source) for source in found)
        return page(self._queries, found) if found else None

    get = pages if question.are_pages else answer if question.parameters else answer_of_site
    return property(get, doc=ask.__doc__)


@frozen
class LanguageView(View):
    """A language. `name` is its own name for itself."""

    tag: str
    name: str
    direction: Direction


@frozen
class LinkView(View):
    title: str
    url: str


@frozen
class VersionView(View):
    """A page in one language. Where the page isn't translated, `url` is that language's home page."""

    language: LanguageView
    url: str
    absolute_url: str
    is_current: bool
    is_translation: bool


def language_view(queries: SiteQueries, tag: str) -> LanguageView:
    language = queries.theme.languages[tag]
    return LanguageView(tag, language.name, language.direction)


def alternates(queries: SiteQueries, versions: Sequence[Version], current: str) -> tuple[VersionView, ...]:
    """For hreflang: the page in all languages that have it, or nothing where only one has."""
    if len(versions) < 2:
        return ()
    return tuple(_version(queries, tag, path, current, is_translation=True) for tag, path in versions)


def default_version(queries: SiteQueries, versions: Sequence[Version], current: str) -> VersionView | None:
    """For hreflang="x-default": the page in the site's default language, else in its first one that has it."""
    views = alternates(queries, versions, current)
    default = queries.default_language()
    return next((view for view in views if view.language.tag == default), views[0] if views else None)


def switcher(queries: SiteQueries, versions: Sequence[Version], current: str) -> tuple[VersionView, ...]:
    """One for each language of the site."""
    paths = dict(versions)
    return tuple(
        _version(queries, tag, paths.get(tag) or queries.home_path(tag), current, is_translation=tag in paths)
        for tag in queries.languages()
    )


def _version(queries: SiteQueries, tag: str, path: str, current: str, *, is_translation: bool) -> VersionView:
    return VersionView(
        language_view(queries, tag),
        queries.url(path),
        queries.absolute_url(path),
        is_current=tag == current,
        is_translation=is_translation,
    )
