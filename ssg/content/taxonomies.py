"""Tags: which there are in each language, and their posts."""

from collections.abc import Mapping

from sealpress.config.settings import Settings
from ssg.content.model import Page, Tag, output_of, prefix
from ssg.l10n.language import Language
from ssg.l10n.slugs import name_slug


def tags_of(
    settings: Settings, posts: Mapping[str, tuple[Page, ...]], languages: Mapping[str, Language]
) -> tuple[Tag, ...]:
    """Every tag of every language, its posts in the order of `posts`. Names with one slug are one tag: they differ
    by no more than case or accents (ssg.content.pages).

    Sorted by the site's order of languages, then as the language sorts names.
    """
    return tuple(tag for name, language in languages.items() for tag in _tags(settings, posts[name], language))


def _tags(settings: Settings, posts: tuple[Page, ...], language: Language) -> list[Tag]:
    members: dict[str, list[Page]] = {}
    names: dict[str, str] = {}
    for page in posts:
        for name in page.tags:
            key = name_slug(name, language) or name
            names.setdefault(key, name)
            tagged = members.setdefault(key, [])
            if not tagged or tagged[-1] is not page:  # two names of one slug on one page
                tagged.append(page)
    before = prefix(settings, language.tag)
    permalinks = settings.language[language.tag].permalinks or settings.permalinks
    tags = []
    for key in sorted(names, key=lambda key: (language.sort_key(names[key]), key)):
        path = before + permalinks.tag.format_map({"slug": key})
        tags.append(Tag(names[key], key, language.tag, path, output_of(path), tuple(members[key])))
    return tags
