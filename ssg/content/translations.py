"""Translations: the pages of several languages that are one another's, since they have one key.

The key is what the front matter says, or follows from the file's place: content/posts/x.md and x.fr.md have one.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sealpress.problems import Problem
from ssg.content.location import Location
from ssg.content.model import FrontMatter, Page, Site
from ssg.content.places import in_front_matter


def key_of(where: Location, front: FrontMatter) -> str:
    return front.key or "/".join(part for part in (where.folder, where.stem) if part)


def translation(site: Site, page: Page, language: str) -> Page | None:
    """The page in another language, or None."""
    return site.by_key.get((page.key, language))


def translations(site: Site, page: Page) -> tuple[Page, ...]:
    """The page in every language that has it, itself among them, in the site's order of languages."""
    found = (translation(site, page, language) for language in site.languages)
    return tuple(page for page in found if page)


def shared_keys(root: Path, pages: Iterable[Page]) -> Iterator[Problem]:
    """Two pages of one language can't both be the translation of a third."""
    seen: dict[tuple[str, str], Page] = {}
    for page in pages:
        twin = seen.setdefault((page.key, page.language), page)
        if twin is not page:
            yield Problem(
                f'the key "{page.key}" is already that of {twin.source}, in the same language',
                place=in_front_matter(root, page.source, "key"),
                hint="give each page of a language a key of its own",
            )
