"""What posts are grouped by: the taxonomies that site.toml declares, and tags, which every site has."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from sealpress.config import permalinks
from sealpress.config.document import CheckedText, KeyPath, Node
from sealpress.config.settings import TAGS, PermalinkSettings, Settings, TaxonomySettings
from sealpress.problems import did_you_mean

_LONGEST_NAME: Final = 40  # characters
_PATHS: Final = (("path", "tags"), ("term_path", "tag"))
"""Where lists are, each with the key of [permalinks] that says it for tags."""


def of_language(
    of_tags: PermalinkSettings, *declared: Mapping[str, TaxonomySettings]
) -> Mapping[str, TaxonomySettings]:
    """All of them, tags first, with nothing left open but the title of tags. The first of `declared` says what differs
    in a language, the last which there are.
    """
    found: dict[str, TaxonomySettings] = {}
    for name in dict.fromkeys((TAGS, *declared[-1])):
        given = [table[name] for table in declared if name in table]
        if name == TAGS:
            given.append(TaxonomySettings("", of_tags.tags, of_tags.tag))
        path = next((one.path for one in given if one.path), f"/{name}/")
        below = f"{path.removesuffix('.html').rstrip('/')}/{{slug}}/"
        term_path = next((one.term_path for one in given if one.term_path), below)
        found[name] = TaxonomySettings(given[0].title, path, term_path)
    return MappingProxyType(found)


def texts(settings: Settings, document: Node) -> Iterator[CheckedText]:
    """What site.toml says of them, each text with the path of its key, and what checks it."""
    tables: list[tuple[KeyPath, Mapping[str, TaxonomySettings]]] = [(("taxonomies",), settings.taxonomies)]
    for tag, language in settings.language.items():
        tables.append((("language", tag, "taxonomies"), language.taxonomies))
        given = document.at("language", tag, "taxonomies")
        for name in given.value if given and isinstance(given.value, Mapping) else ():
            yield (*tables[-1][0], name), name, partial(_undeclared, settings.taxonomies)
    for path, taxonomies in tables:
        for name, one in taxonomies.items():
            found: list[CheckedText] = [((*path, name), name, _name), ((*path, name, "title"), one.title, _title)]
            for key, kind in _PATHS:
                check = _elsewhere if name == TAGS else partial(permalinks.wrong, kind)
                found.append(((*path, name, key), getattr(one, key), check))
            yield from (each for each in found if document.at(*each[0]))


def _undeclared(known: Mapping[str, TaxonomySettings], text: str) -> str | None:
    return None if text in known else f"is not declared in [taxonomies], for all languages{did_you_mean(text, known)}"


def _name(text: str) -> str | None:
    if re.fullmatch(r"[a-z][a-z0-9_-]*", text) and len(text) <= _LONGEST_NAME:
        return None
    return f"can't be a key of front matter: at most {_LONGEST_NAME} small letters, digits, - and _, a letter first"


def _title(text: str) -> str | None:
    return None if text.strip() else "is empty"


def _elsewhere(_path: str) -> str:
    return "can't be set: where tags are is said by [permalinks] tags and tag"
