"""A theme's interface strings: i18n/en.toml, i18n/fr.toml, each a flat table of texts.

    read_more = "Read more"
    posts = {one = "{count} post", other = "{count} posts"}

A text may hold {named} fields. A table gives a text per CLDR plural category of `count`. All languages of a site are
equals: each has every key and every plural form that its numbers need, or it is a Problem before anything is rendered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Final

from sealpress import given, toml
from sealpress.document import Node
from sealpress.problems import Place, Problem, did_you_mean, raise_all
from ssg.l10n.language import Language

FOLDER: Final = "i18n"
_LONGEST: Final = 1_000_000  # characters of a text with its fields filled
_CATEGORIES: Final = ("zero", "one", "two", "few", "many", "other")

Value = str | int | float


@dataclass(frozen=True, slots=True)
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
    Problem for a language without a file, a key or plural form that only other languages have, and a broken text.
    """
    problems: list[Problem] = []
    found = {one.tag: _language(folders, one, name, problems) for one in languages}
    raise_all(problems)
    every = {key: strings.file for strings in reversed(found.values()) for key in strings.texts}
    raise_all(
        [
            Problem(
                f'the interface string "{key}" is missing in {strings.language.name}',
                place=Place(strings.file),
                hint=f"{every[key]} has it; add its translation",
            )
            for strings in found.values()
            for key in sorted(every.keys() - strings.texts.keys())
        ]
    )
    return MappingProxyType(found)


def _language(folders: Sequence[Path], language: Language, name: str, problems: list[Problem]) -> Strings:
    texts: dict[str, str | Mapping[str, str]] = {}
    shown = f"{FOLDER}/{language.tag}.toml"
    files = [file for folder in folders if (file := folder / f"{language.tag}.toml").is_file()]
    if not files:
        have = sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.toml")})
        listed = f"; it has {', '.join(have)}" if have else ""
        problems.append(
            Problem(
                f"{name} has no interface strings in {language.name} ({language.tag}){listed}",
                hint=f"write {shown} with a translation of each string",
            )
        )
    for file in files:
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
