"""Taxonomies: what posts are grouped by, the terms of each in each language, and their posts. Tags are one of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from sealpress.config.document import keys_of
from sealpress.config.settings import TAGS, Settings
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Place, Problem, raise_all
from ssg.content.model import FrontMatter, Page, PageKind, Term, Terms, prefix
from ssg.l10n.language import Language
from ssg.l10n.slugs import name_slug, same_name

MOST_TERMS: Final = 100
"""Of one page in one taxonomy. Each of them has a page that lists it with all its terms: n of them write n² links."""

_LONGEST: Final = 100  # characters

PlaceOf = Callable[..., Place]
"""Where a value of a page's front matter stands: of a key, of an item of its list."""


def kinds(taxonomy: str) -> tuple[str, str]:
    """What the page with all terms and that of one term are called: kinds of pages, and names of their templates."""
    return ("tags", "tag") if taxonomy == TAGS else ("taxonomy", "term")


def keys(site: SiteFile) -> tuple[str, ...]:
    """The keys of front matter that list terms. Raises Problem or Problems (exit 3) for one that means something else
    there.
    """
    raise_all(
        [
            Problem(
                f'[taxonomies.{name}]: "{name}" is a key of front matter already',
                place=site.place("taxonomies", name),
                hint="give it another name: front matter lists a post's terms below it",
            )
            for name in site.settings.taxonomies
            if name in keys_of(FrontMatter) and name != "terms"
        ]
    )
    return tuple(site.settings.taxonomies)


def names_of(front: FrontMatter, language: Language, place: PlaceOf, problems: list[Problem]) -> Terms:
    """What a page's front matter lists, each name once and with single blanks. What can't be a term is told in
    `problems`, and left out.
    """
    found = ((taxonomy, _names(taxonomy, listed, language, place, problems)) for taxonomy, listed in front.terms)
    return tuple((taxonomy, names) for taxonomy, names in found if names)


def _names(
    taxonomy: str, listed: tuple[str, ...], language: Language, place: PlaceOf, problems: list[Problem]
) -> tuple[str, ...]:
    _, term = kinds(taxonomy)
    if len(listed) > MOST_TERMS:
        message = f"the page has {len(listed)} {term}s; {MOST_TERMS} is the most"
        hint = f"each {term} has a page that lists this one with all its {term}s: keep those that readers look for"
        problems.append(Problem(message, place=place(taxonomy, MOST_TERMS), hint=hint))
        return ()
    names: dict[str, None] = {}
    for number, name in enumerate(listed):
        if len(name) > _LONGEST:
            message, hint = (
                f"the {term} has {len(name)} characters; {_LONGEST} is the most",
                f"a {term} is a word or two",
            )
            problems.append(Problem(message, place=place(taxonomy, number), hint=hint))
        elif name_slug(name, language):
            names[" ".join(name.split())] = None
        else:
            message = f'the {term} "{name}" has no letter or digit'
            hint = "its page needs a path: give it a name in words"
            problems.append(Problem(message, place=place(taxonomy, number), hint=hint))
    return tuple(names)


def shared(
    pages: Iterable[Page], languages: Mapping[str, Language], place: Callable[[Page], PlaceOf]
) -> Iterator[Problem]:
    """Two terms that are not one name can't have one address."""
    seen: dict[tuple[str, str, str], tuple[str, Page]] = {}
    known: dict[tuple[str, str], set[str]] = {}
    for page in pages:
        language = languages[page.language]
        for taxonomy, names in page.terms if page.kind is PageKind.POST else ():
            looked_at = known.setdefault((taxonomy, page.language), set())
            for name in () if looked_at.issuperset(names) else names:
                if name in looked_at:
                    continue
                looked_at.add(name)
                made = name_slug(name, language)
                other, first = seen.setdefault((taxonomy, page.language, made or name), (name, page))
                if same_name(other, language) != same_name(name, language):
                    listed = dict(page.front_matter.terms)[taxonomy]
                    number = [" ".join(one.split()) for one in listed].index(name)
                    term = kinds(taxonomy)[1]
                    yield Problem(
                        f'the {term}s "{name}" and "{other}", in {first.source}, would have one page, "{made}"',
                        place=place(page)(taxonomy, number),
                        hint=f"one {term} is written alike everywhere; of two, give one a name that differs in letters",
                    )


def slug_of(name: str, language: Language) -> str:
    """By which a term is known, whatever it is called."""
    return name_slug(name, language) or name


def terms_of(
    settings: Settings, posts: Mapping[str, tuple[Page, ...]], languages: Mapping[str, Language]
) -> tuple[Term, ...]:
    """Every term of every taxonomy and language, its posts in the order of `posts`. Names with one slug are one term:
    they differ by no more than case or accents.

    Sorted by the site's order of taxonomies and languages, then as the language sorts names.
    """
    return tuple(
        term
        for taxonomy in settings.taxonomies
        for tag, language in languages.items()
        for term in _terms(settings, taxonomy, posts[tag], language)
    )


def _terms(settings: Settings, taxonomy: str, posts: tuple[Page, ...], language: Language) -> list[Term]:
    members: dict[str, list[Page]] = {}
    names: dict[str, str] = {}
    having: dict[str, list[Page]] = {}  # by name, which stands on many posts
    for page in posts:
        for name in page.terms_of(taxonomy):
            if name not in having:
                key = slug_of(name, language)
                names.setdefault(key, name)
                having[name] = members.setdefault(key, [])
            pages = having[name]
            if not pages or pages[-1] is not page:  # two names of one slug on one page
                pages.append(page)
    pattern = prefix(settings, language.tag) + settings.language[language.tag].taxonomies[taxonomy].term_path
    return [
        Term(taxonomy, language.tag, names[key], key, pattern.format_map({"slug": key}), tuple(members[key]))
        for key in sorted(names, key=lambda key: (language.sort_key(names[key]), key))
    ]
