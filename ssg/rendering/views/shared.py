"""Views that pages and lists share."""

from dataclasses import dataclass

from ssg.l10n.language import Direction
from ssg.model import Page, Tag
from ssg.rendering.listings import Listing
from ssg.rendering.scene import Scene


@dataclass(frozen=True, slots=True)
class LanguageView:
    """A language. `name` is its own name for itself."""

    tag: str
    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class LinkView:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """A page in one language. Where the page isn't translated, `url` is that language's home page."""

    language: LanguageView
    url: str
    absolute_url: str
    is_current: bool
    is_translation: bool


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag with the number of its posts."""

    name: str
    slug: str
    url: str
    count: int


def tag_view(scene: Scene, tag: Tag) -> TagView:
    return TagView(tag.name, tag.slug, scene.site.url(tag.path), len(tag.posts))


def language_view(scene: Scene, tag: str) -> LanguageView:
    language = scene.theme.languages[tag]
    return LanguageView(tag, language.name, language.direction)


def alternates(scene: Scene, subject: Page | Listing) -> tuple[VersionView, ...]:
    """For hreflang: the page in all languages that have it, or nothing where only one has."""
    versions = scene.versions(subject)
    if len(versions) < 2:
        return ()
    return tuple(_version(scene, subject, tag, path, is_translation=True) for tag, path in versions)


def default_version(scene: Scene, subject: Page | Listing) -> VersionView | None:
    """For hreflang="x-default": the page in the site's default language, else in its first one that has it."""
    views = alternates(scene, subject)
    default = scene.site.settings.site.default_language
    return next((view for view in views if view.language.tag == default), views[0] if views else None)


def switcher(scene: Scene, subject: Page | Listing) -> tuple[VersionView, ...]:
    """One for each language of the site."""
    versions = dict(scene.versions(subject))
    return tuple(
        _version(scene, subject, tag, versions.get(tag, f"{scene.site.prefix(tag)}/"), is_translation=tag in versions)
        for tag in scene.site.languages
    )


def _version(scene: Scene, subject: Page | Listing, tag: str, path: str, *, is_translation: bool) -> VersionView:
    return VersionView(
        language_view(scene, tag),
        scene.site.url(path),
        scene.site.absolute_url(path),
        is_current=tag == subject.language,
        is_translation=is_translation,
    )
