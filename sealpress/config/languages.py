"""The languages of a site: which there are, and what each says of its own in [language.TAG]."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from sealpress.config import taxonomies
from sealpress.config.document import CheckedText, Node
from sealpress.config.settings import LanguageSettings, Settings
from sealpress.problems import Place, Problem, did_you_mean


def merged(document: Node, settings: Settings, tag: str, language: LanguageSettings) -> LanguageSettings:
    """A language's settings, with those of all languages where it says nothing of its own."""
    given = document.at("language", tag, "permalinks")
    names = given.value if given and isinstance(given.value, Mapping) else {}
    own = {name: getattr(language.permalinks, name) for name in names} if language.permalinks else {}
    menus = MappingProxyType({**settings.menus, **(language.menus or {})})
    found = replace(settings.permalinks, **own)
    declared = taxonomies.of_language(found, language.taxonomies, settings.taxonomies)
    return replace(language, permalinks=found, taxonomies=declared, menus=menus)


def texts(settings: Settings) -> Iterator[CheckedText]:
    """Their tags, each with the path of its key, and what checks it."""
    return ((("site", "languages", number), tag, _tag) for number, tag in enumerate(settings.site.languages))


def check(settings: Settings, document: Node, place: Callable[..., Place | None]) -> Iterator[Problem]:
    """What is wrong between them: one that is named twice, one that is none of them."""
    languages = settings.site.languages
    if not languages:
        yield Problem("[site] languages is empty", place=place("site", "languages"), hint='languages = ["en"]')
        return
    for number, tag in enumerate(languages):
        if tag in languages[:number]:
            yield Problem(f'[site] languages names "{tag}" twice', place=place("site", "languages", number))
    if settings.site.default_language not in languages:
        yield Problem(
            f'[site] default_language "{settings.site.default_language}" is not one of languages',
            place=place("site", "default_language"),
            hint=f"languages: {', '.join(languages)}",
        )
    for tag in settings.language:
        if tag not in languages:
            table = document.at("language", tag)
            yield Problem(
                f"[language.{tag}] is not one of [site] languages{did_you_mean(tag, languages)}",
                place=table.key if table else None,
                hint=f'add "{tag}" to [site] languages, or remove the table',
            )


def _tag(text: str) -> str | None:
    if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
        return None
    return f'has "{text}", which is not a language tag such as "en", "fr" or "pt-BR" (BCP 47)'
