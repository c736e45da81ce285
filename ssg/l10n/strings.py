"""A theme's interface strings: i18n/en.toml, i18n/fr.toml, each a flat table of texts.

    read_more = "Read more"
    posts = {one = "{count} post", other = "{count} posts"}

A text may hold {named} fields. A table gives a text per CLDR plural category of `count`. All languages of a site are
equals: each has every key and every plural form that its numbers need, or it is a Problem before anything is rendered,
which gives the lines to translate. In a language that the theme doesn't have, an empty text is one not yet translated.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Final

from sealpress.config import toml
from sealpress.config.document import Node
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean, raise_all
from ssg.l10n.language import Language, language

FOLDER: Final = "i18n"
_LONGEST: Final = 1_000_000  # characters of a text with its fields filled
_CATEGORIES: Final = ("zero", "one", "two", "few", "many", "other")

Value = str | int | float


@frozen
class Strings:
    """The strings of one language. `file` is how messages name where they stand."""

    language: Language
    file: str
    texts: Mapping[str, str | Mapping[str, str]]

    def text(self, key: str, /, **values: Value) -> str:
        """The text of `key` with its fields filled. Plain text: whoever puts it into HTML escapes it.

        Numbers are written as the language writes them. Raises Problem for an unknown key and a field without value.
        """
        if key not in self.texts:
            raise Problem(
                f'no interface string is called "{key}"{did_you_mean(key, self.texts)}',
                place=Place(self.file),
                hint=f'add it to {self.file} and to the files of the other languages: {key} = "…"',
            )
        found = self.texts[key]
        pattern = found if isinstance(found, str) else self._plural(key, found, values)
        return self.language.spaced(self._fill(key, pattern, values))

    def below(self, prefix: str) -> tuple[tuple[str, str], ...]:
        """The texts without fields whose keys begin with `prefix`, by the rest of their keys, in these keys' order."""
        keys = sorted(key for key, text in self.texts.items() if key.startswith(prefix) and isinstance(text, str))
        return tuple((key.removeprefix(prefix), self.text(key)) for key in keys)

    def _plural(self, key: str, forms: Mapping[str, str], values: Mapping[str, Value]) -> str:
        count = values.get("count")
        if not isinstance(count, int | float):
            raise Problem(
                f'the interface string "{key}" has plural forms and needs a number',
                place=Place(self.file),
                hint=f'give it a count: text("{key}", count=…)',
            )
        # A form that only numbers of a million and more take ("many" in French) may be left out.
        return forms.get(self.language.plural(count), forms[self.language.plural_forms[-1]])

    def _fill(self, key: str, pattern: str, values: Mapping[str, Value]) -> str:
        parts: list[str] = []
        size = 0
        for literal, name, _, _ in Formatter().parse(pattern):
            parts.append(literal)
            if name is None:
                continue
            if name not in values:
                raise Problem(
                    f'the interface string "{key}" needs a value for {{{name}}}{did_you_mean(name, values)}',
                    place=Place(self.file),
                    hint=f'give it one: text("{key}", {name}=…)',
                )
            value = values[name]
            parts.append(value if isinstance(value, str) else self.language.number(value))
            size += len(parts[-1])
            if size > _LONGEST:
                raise Problem(
                    f'the interface string "{key}" gets more than {_LONGEST:,} characters', place=Place(self.file)
                )
        return "".join(parts)


def load(folders: Sequence[Path], languages: Sequence[Language], name: str = "the theme") -> Mapping[str, Strings]:
    """The strings of every language, by tag. A later folder's strings stand in for those of an earlier one.

    `folders` are folders of i18n/ (the theme's, then the site's own); `name` is how messages call the theme. Raises
    Problem for a broken text, and for a language that lacks strings: one, with all lines that are to be translated.
    """
    problems: list[Problem] = []
    found = {one.tag: _language(folders, one, problems) for one in languages}
    raise_all(problems)
    pattern = found.get(_PATTERN) or _language(folders[:1], language(_PATTERN), [])
    every = {
        key: (strings, text) for strings in (*reversed(found.values()), pattern) for key, text in strings.texts.items()
    }
    order = dict.fromkeys((*pattern.texts, *every))
    for strings in found.values():
        is_whole = bool(folders) and (folders[0] / f"{strings.language.tag}.toml").is_file()
        lacking = {key: every[key] for key in order if key not in strings.texts}
        if lacking or not (strings.texts or is_whole):
            problems.append(_untranslated(strings, lacking, name, _have(folders)))
        empty = [] if is_whole else [key for key, text in strings.texts.items() if not _is_translated(text)]
        if empty:
            problems.append(_untranslated(strings, {key: every[key] for key in empty}, name, "", stand_there=True))
    raise_all(problems)
    return MappingProxyType(found)


_PATTERN: Final = "en"
"""The language whose texts are shown to whoever translates, where the theme has it."""


def _is_translated(text: str | Mapping[str, str]) -> bool:
    return all(text.values()) if isinstance(text, Mapping) else bool(text)


def _have(folders: Sequence[Path]) -> str:
    found = sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.toml")})
    return f"; it has {', '.join(found)}" if found else ""


def _untranslated(
    strings: Strings,
    texts: Mapping[str, tuple[Strings, str | Mapping[str, str]]],
    name: str,
    have: str,
    *,
    stand_there: bool = False,
) -> Problem:
    """The one Problem of a language that lacks strings, with the lines that are to be filled in. `texts` are what there
    is of these in another language. `stand_there`: the lines are in the file, but empty.
    """
    tag, called = strings.language.tag, strings.language.name
    many = (
        f"{len(texts)} interface strings are"
        if len(texts) > 1
        else f'the interface string "{next(iter(texts), "")}" is'
    )
    message = f"{many} {'not translated' if stand_there else 'missing'} in {called} ({tag})"
    if not strings.texts:
        message = f"{name} has no interface strings in {called} ({tag}){have}"
    lines = []
    for key, (other, text) in texts.items():
        forms = dict.fromkeys(strings.language.plural_forms, "")
        empty = _toml(forms if isinstance(text, Mapping) else "")
        source = "" if other.language.tag == _PATTERN else f"{other.language.name}: "
        lines.append(f"{_toml_key(key)} = {empty}  # {source}{_toml(text)}")
    where = (
        f"fill these lines of {strings.file} in" if stand_there else f"put these lines into {strings.file}, translated"
    )
    return Problem(message, place=Place(strings.file), hint=f"{where}; the original is behind each #", block=lines)


def _toml(text: str | Mapping[str, str]) -> str:
    """As a value of TOML. JSON's texts are TOML's, too."""
    if isinstance(text, str):
        return json.dumps(text, ensure_ascii=False)
    return "{" + ", ".join(f"{form} = {_toml(one)}" for form, one in text.items()) + "}"


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)


def _language(folders: Sequence[Path], language: Language, problems: list[Problem]) -> Strings:
    texts: dict[str, str | Mapping[str, str]] = {}
    shown = f"{FOLDER}/{language.tag}.toml"
    for file in (folder / f"{language.tag}.toml" for folder in folders):
        if not file.is_file():
            continue
        try:
            table = toml.parse(given.content(file, given.SETTINGS, shown).decode(), shown).value
        except UnicodeDecodeError:
            problems.append(Problem(f"{shown} is not UTF-8", place=Place(shown), hint="save it as UTF-8"))
            continue
        except Problem as problem:
            problems.append(problem)
            continue
        assert isinstance(table, Mapping)  # noqa: S101 - a TOML document is a table
        for key, node in table.items():
            _collect(key, node, language, texts, problems)
    return Strings(language, shown, MappingProxyType(texts))


def _collect(
    key: str,
    node: Node,
    language: Language,
    texts: dict[str, str | Mapping[str, str]],
    problems: list[Problem],
) -> None:
    match node.value:
        case str() as text:
            problems += _check(key, text, node)
            texts[key] = text
        case Mapping() as forms:
            problems += _check_forms(key, forms, node, language)
            texts[key] = MappingProxyType({form: str(one.value) for form, one in forms.items()})
        case _:
            problems.append(
                Problem(
                    f'the interface string "{key}" must be text, or a table of plural forms',
                    place=node.place,
                    hint=f'{key} = "…", or {key} = {{one = "…", other = "…"}}',
                )
            )


def _check_forms(key: str, forms: Mapping[str, Node], node: Node, language: Language) -> list[Problem]:
    problems: list[Problem] = []
    for form, one in forms.items():
        if form not in _CATEGORIES:
            problems.append(
                Problem(
                    f'"{form}" is not a plural form{did_you_mean(form, _CATEGORIES)}',
                    place=one.key,
                    hint=f"{language.name} has {', '.join(language.plural_forms)}",
                )
            )
        elif isinstance(one.value, str):
            problems += _check(key, one.value, one)
        else:
            problems.append(Problem(f'the plural form "{form}" of "{key}" must be text', place=one.place))
    if missing := [form for form in language.plural_forms if form not in forms]:
        listed = ", ".join(f'"{form}"' for form in missing)
        problems.append(
            Problem(
                f'the interface string "{key}" lacks the plural form {listed}',
                place=node.key or node.place,
                hint=f"{language.name} has {', '.join(language.plural_forms)}",
            )
        )
    return problems


def _check(key: str, text: str, node: Node) -> list[Problem]:
    """Fields are names in braces and nothing more: no attribute, no index, no format."""
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text) if name is not None]
    except ValueError:
        fields = [("", "", None)]
    if all(name.isidentifier() and not spec and not conversion for name, spec, conversion in fields):
        return []
    return [
        Problem(
            f'the interface string "{key}" has a field that is not a name in braces',
            place=node.place,
            hint='write {count}, and "{{" for a brace itself',
        )
    ]
