"""The site in one language, as templates see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ssg.model import Page
from ssg.rendering.listings import has_posts, posts_page, posts_path
from ssg.rendering.scene import Scene
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView, page_views
from ssg.rendering.views.shared import LanguageView, TagView, language_view, tag_view

# Kinds of pages that a reader has come to by way of the posts.
_OF_POSTS = frozenset({"post", "posts", "tag", "tags", "archive", "year"})


@dataclass(frozen=True, slots=True, repr=False)
class SiteView:
    """In a template: `site`, in the language of the page that is being rendered."""

    _scene: Scene
    _language: str

    def __repr__(self) -> str:
        return f"<site in {self._language}>"

    @property
    def title(self) -> str:
        return self._scene.site_title(self._language)

    @property
    def description(self) -> str:
        return self._scene.site_description(self._language)

    @property
    def author(self) -> str:
        own = self._scene.site.language_settings(self._language).author
        return own if own is not None else self._scene.site.settings.site.author

    @property
    def url(self) -> str:
        """The home page's href."""
        return self._scene.site.url(f"{self._scene.site.prefix(self._language)}/")

    @property
    def language(self) -> LanguageView:
        return language_view(self._scene, self._language)

    @property
    def languages(self) -> tuple[LanguageView, ...]:
        return tuple(language_view(self._scene, tag) for tag in self._scene.site.languages)

    @property
    def params(self) -> Mapping[str, object]:
        """[params], with those of the language over them."""
        own = self._scene.site.language_settings(self._language).params
        return MappingProxyType({**self._scene.site.settings.params, **own})

    @property
    def has_posts(self) -> bool:
        return has_posts(self._scene.site)

    @property
    def post_count(self) -> int:
        return len(self._scene.site.posts_by_language[self._language])

    def posts(self, limit: int | None = None, tag: str | None = None) -> tuple[PageView, ...]:
        """The newest first; `tag` is a tag's name or slug."""
        found = self._scene.site.posts_by_language[self._language]
        if tag is not None:
            of_tag = (one for one in self._scene.site.tags if one.language == self._language)
            found = next((one.posts for one in of_tag if tag in {one.name, one.slug}), ())
        return page_views(self._scene, found[:limit])

    @property
    def tags(self) -> tuple[TagView, ...]:
        """In the language's alphabetical order."""
        return tuple(tag_view(self._scene, tag) for tag in self._scene.site.tags if tag.language == self._language)

    def pages(self, folder: str = "") -> tuple[PageView, ...]:
        """The pages right below a folder of the content ("docs"), in their order."""
        return page_views(self._scene, self._scene.site.below(folder, self._language))

    def page(self, source: str) -> PageView:
        """The page at a source path below the content folder, in this language where it is translated."""
        return PageView(self._scene, self._scene.find(source, self._language))

    @property
    def posts_url(self) -> str | None:
        """Where the list of posts begins; None on a site without posts."""
        return self._scene.site.url(posts_path(self._scene.site, self._language)) if self.has_posts else None

    @property
    def tags_url(self) -> str | None:
        return self._path(self._scene.site.permalinks(self._language).tags) if self._scene.site.tags else None

    @property
    def archive_url(self) -> str | None:
        return self._path(self._scene.site.permalinks(self._language).archive) if self.has_posts else None

    @property
    def feed_url(self) -> str | None:
        """None where feeds are off, and on a site without posts."""
        return self._scene.site.url(self._scene.feed_path(self._language)) if self._scene.has_feeds else None

    def menu(self, name: str = "main") -> tuple["MenuView", ...]:
        """A menu of site.toml. Where it has no "main": the posts, and the pages at the top of the content."""
        menus = self._scene.site.language_settings(self._language).menus or {}
        if name in menus:
            return tuple(
                MenuView(self._typeset(item.title), self._scene.target(item.url, self._language), self)
                for item in menus[name]
            )
        return tuple(self._default_menu()) if name == "main" else ()

    def _default_menu(self) -> list["MenuView"]:
        site = self._scene.site
        found = [
            MenuView(self._typeset(page.title), site.url(page.path), self)
            for page in site.below("", self._language)
            if self._is_own(page)
        ]
        posts = self.posts_url
        if posts and posts != self.url:
            introduction = posts_page(site, self._language)
            title = (
                self._typeset(introduction.title)
                if introduction
                else self._scene.theme.strings[self._language].text("posts")
            )
            found.insert(0, MenuView(title, posts, self))
        return found

    def _is_own(self, page: Page) -> bool:
        return page is not posts_page(self._scene.site, self._language)

    def _typeset(self, text: str) -> str:
        return self._scene.typeset(text, self._language)

    def _path(self, path: str) -> str:
        return self._scene.site.url(self._scene.site.prefix(self._language) + path)


@dataclass(frozen=True, slots=True)
class MenuView:
    """One link of a menu."""

    title: str
    url: str
    _site: SiteView

    def current(self, page: PageView | ListView) -> str:
        """For aria-current: "page" where it leads to this page, "true" where the page is below it, else ""."""
        if self.url == page.url:
            return "page"
        of_posts = page.kind in _OF_POSTS and self.url == self._site.posts_url
        below = self.url.endswith("/") and self.url != self._site.url and page.url.startswith(self.url)
        return "true" if of_posts or below else ""
