"""Every file of a site that isn't copied: the one entry to rendering."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from sealpress.console import SILENT, Progress
from sealpress.problems import Place, Problem, did_you_mean
from ssg.model import Output, Page, Site
from ssg.rendering import assets
from ssg.rendering.bodies import Bodies
from ssg.rendering.feeds import feeds
from ssg.rendering.functions import functions
from ssg.rendering.listings import Listing, ListKind
from ssg.rendering.menus import check
from ssg.rendering.scene import Scene
from ssg.rendering.sitemap import robots, sitemap
from ssg.rendering.templates import Templates, environments
from ssg.rendering.theme import OWN, Theme
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView
from ssg.rendering.views.shared import language_view
from ssg.rendering.views.sites import SiteView

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ListKind.HOME: "list.html",
        ListKind.POSTS: "list.html",
        ListKind.TAG: "tag.html",
        ListKind.TAGS: "tags.html",
        ListKind.ARCHIVE: "archive.html",
        ListKind.YEAR: "archive.html",
        ListKind.MISSING: "404.html",
    }
)
"""The template of each kind of list. A page's is that of its front matter, else by its kind."""


def render(site: Site, bodies: Bodies, theme: Theme, progress: Progress = SILENT) -> Iterator[Output]:
    """The theme's files, then every page, list, feed and sitemap, in an order of their own.

    Two outputs may be for one path: who writes them sees that. Raises Problem (exit 3) at a template's line, or at the
    front matter that names a template which isn't there.
    """
    scene = Scene(site, bodies, theme, assets.make(theme))
    check(scene)
    yield from scene.assets.outputs
    templates = _templates(scene)
    with progress.track("Rendering pages", len(scene.pages) + len(scene.listings)) as advance:
        for page in scene.pages:
            name = _template_of(theme, page)
            yield _render(templates, page.language, name, PageView(scene, page), page.output, page.source)
            advance(1)
        for listing in scene.listings:
            yield _render_list(scene, templates, listing)
            advance(1)
    yield from feeds(scene)
    yield from sitemap(scene)
    yield from robots(scene)


def _templates(scene: Scene) -> Mapping[str, Templates]:
    values: dict[str, Mapping[str, Any]] = {
        language: {
            "site": SiteView(scene, language),
            "lang": language_view(scene, language),
            "theme": MappingProxyType({name: scene.theme.option(name, language) for name in scene.theme.options}),
        }
        for language in scene.site.languages
    }
    return environments(scene.theme.templates, functions(scene), values)


def _template_of(theme: Theme, page: Page) -> str:
    wanted = page.front_matter.template
    if not wanted:
        name = "home.html" if page.is_home else f"{page.kind}.html"
        return _known(theme, name, page.source)
    if wanted in theme.templates:
        return wanted
    node = page.document.at("template")
    known = sorted(name for name in theme.templates if not name.startswith(OWN))
    raise Problem(
        f'there is no template "{wanted}"{did_you_mean(wanted, known)}',
        place=node.place if node else Place(page.source),
        hint=f"templates: {', '.join(known)}",
    )


def _render_list(scene: Scene, templates: Mapping[str, Templates], listing: Listing) -> Output:
    introduction = listing.introduction
    wants_own = introduction is not None and introduction.front_matter.template
    name = _template_of(scene.theme, introduction) if introduction and wants_own else TEMPLATES[listing.kind]
    name = _known(scene.theme, name, listing.origin)
    return _render(templates, listing.language, name, ListView(scene, listing), listing.output, listing.origin)


def _known(theme: Theme, name: str, subject: str) -> str:
    if name in theme.templates:
        return name
    raise Problem(
        f'the theme "{theme.name}" has no template "{name}", which {subject} needs',
        hint=f"write templates/{name}, in the theme or in the site's own templates",
    )


def _render(
    templates: Mapping[str, Templates], language: str, name: str, page: PageView | ListView, path: str, origin: str
) -> Output:
    text = templates[language].render(name, {"page": page}, origin)
    return Output(path, text.encode(), origin)
