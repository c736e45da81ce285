"""Fenced code: what its first line says. It is put back highlighted at the end.

    ```python hl_lines="2 4-6" linenums title="x.py"
    ``` {.python #id .class hl_lines="2"}

The language is the first word or class. `hl_lines` are lines to mark, counted from 1 and as ranges; `linenums` numbers
lines, from 1 or from its value; `title` stands above the code. `#id` and further classes go to the block. A fence may
stand in a list, a quotation, a footnote or a definition, indented or quoted like the rest of it.

What authors of other generators write for the same is read, too: ```js:file.js, ```js {1,3-4}, ```rust,no_run,
```{python}, ```lang-js, `hl_lines=[1,"3-4"]`, `linenos=table,linenostart=9`, `filename="x.py"`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import did_you_mean
from ssg.markup.text.positions import MarkdownSource

OPTIONS: Final = ("hl_lines", "linenums", "title")

# What other generators call them.
_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {name: name for name in (*OPTIONS, "id")}
    | dict.fromkeys(["hl", "highlight", "mark", "emphasize-lines"], "hl_lines")
    | dict.fromkeys(["linenos", "lineno", "linenumbers", "line-numbers", "showlinenumbers"], "linenums")
    | dict.fromkeys(["numberlines", "number-lines", "linenostart", "lineno-start", "startfrom", "start"], "linenums")
    | dict.fromkeys(["filename", "file", "name", "caption"], "title")
)
_LONGEST: Final = 1000  # characters of an info string that are read

# A language, and what some write right behind it: js:file.js, js=12.
_LANGUAGE: Final = re.compile(
    r"\.?(?:(?P<name>[^\s{}:,=\"']+)(?=[\s{},]|:(?:[\s{,]|$)|$)"
    r"|(?P<titled>[A-Za-z0-9#+._-]+):(?:title=)?(?P<title>[^\s{},/:][^\s{},:]*\.[A-Za-z0-9]+)(?=[\s{,]|$)"
    r"|(?P<numbered>[A-Za-z0-9#+._-]+)=(?P<first>[0-9]*)(?=[\s{,]|$)"
    r"|(?P<other>[^\s{},=\"']+)(?=[\s{},]|$))"
)
_OPTION: Final = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9_.:-]*)=(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|\[(?P<list>[^\]]*)\]"
    r"|\{(?P<braces>[^}]*)\}|(?P<bare>[^\s{},]*))"
    r"|(?P<sign>[.#])(?P<name>[^\s{},]+)|(?P<lines>[0-9]+(?:-[0-9]+)?)(?=[\s,}]|$)|(?P<word>[^\s{},]+)"
)


@frozen
class Fence:
    """A block of fenced code. `line` and `column` are where its language stands (from 1), or the fence itself."""

    language: str
    code: str
    line: int
    column: int
    id: str = ""
    classes: tuple[str, ...] = ()
    title: str = ""
    first_number: int | None = None  # of its lines; None: not numbered
    marked: frozenset[int] = frozenset()  # lines, from 1


def fence_of(info: str, code: str, place: tuple[int, int], source: MarkdownSource) -> Fence:
    """The Fence of an info string at `place`, or of none, where that is the fence's own.

    An option that can't be read is a fault, one of another generator a warning.
    """
    reading = _InfoReading(source, place, info[:_LONGEST], code.count("\n"))
    reading.read()
    language, at = reading.language
    line, column = place
    return Fence(
        language,
        code,
        line,
        column + at,
        id=reading.id,
        classes=tuple(reading.classes),
        title=reading.title,
        first_number=reading.first_number,
        marked=frozenset(reading.marked),
    )


@dataclass(slots=True)
class _InfoReading:
    """What an info string says, while it is read. `language` is its name, and where that stands."""

    source: MarkdownSource
    place: tuple[int, int]  # of the info string
    info: str
    count: int  # of the lines
    language: tuple[str, int] = ("", 0)
    id: str = ""
    classes: list[str] = field(default_factory=list)
    title: str = ""
    first_number: int | None = None
    marked: set[int] = field(default_factory=set)

    def read(self) -> None:
        info = self.info
        if not info:
            return
        end = 0
        is_open = info.startswith("{")
        found = None if is_open else _LANGUAGE.match(info)
        if found and not (found["first"] is not None and found["numbered"].lower() in _CALLED):
            group = next(name for name in ("name", "titled", "numbered", "other") if found[name])
            self._name(found[group], found.start(group))
            self.title = found["title"] or ""
            if found["first"] is not None:
                self.first_number = int(found["first"][:6] or 1)
            end = found.end()
        for option in _OPTION.finditer(info, end):
            if option["key"]:
                written = next(
                    value for value in option.group("double", "single", "list", "braces", "bare") if value is not None
                )
                self._option(option["key"], written, option.start())
            elif option["sign"] == "#":
                self.id = option["name"]
            elif option["lines"] and (self.marked or "{" in info[: option.start()]):
                self._mark(option["lines"], option.start())
            elif is_open and not self.language[0]:
                self._name(option["name"] or option["word"], option.start("name" if option["name"] else "word"))
            elif option["sign"] and _CALLED.get(option["name"].lower()) == "linenums":
                self.first_number = self.first_number or 1  # {.python .numberLines}
            elif option["sign"]:
                self.classes.append(option["name"])
            else:
                self._word(option["word"] or option["lines"], option.start())

    def _name(self, name: str, at: int) -> None:
        """Takes the language, without what highlighters in browsers put before it."""
        bare = re.sub(r"^(?:lang|language)-", "", name, flags=re.IGNORECASE)
        self.language = (bare or name, at + len(name) - len(bare or name))

    def _option(self, key: str, value: str, at: int) -> None:
        behind = at + len(key) + 1
        match _CALLED.get(key.lower()):
            case "hl_lines":
                self._mark(value, behind)
            case "linenums":
                self._number(value, behind)
            case "title":
                self.title = value
            case "id":
                self.id = value
            case _:
                self._unknown(key, at)

    def _word(self, word: str, at: int) -> None:
        match _CALLED.get(word.lower()):
            case "linenums":
                self.first_number = self.first_number or 1
            case "hl_lines" | "title" | "id":
                self._complain(f"{word} needs a value", f'write {word}="…", or leave it out', word, at)
            case _ if self.info[at - 1 : at] != ",":  # ```rust,no_run tells a compiler, and no reader
                self._unknown(word, at)

    def _number(self, value: str, at: int) -> None:
        if value.lower() in {"", "true", "table", "inline"}:
            self.first_number = self.first_number or 1
        elif value.isascii() and value.isdigit() and len(value) < 7:
            self.first_number = int(value)
        elif value.lower() != "false":
            self._complain(
                f'linenums can\'t be "{value}"', 'write linenums, or the first number: linenums="12"', value, at
            )

    def _mark(self, value: str, at: int) -> None:
        for part in re.findall(r"[^\s,\"']+", value):
            found = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            if 1 <= first <= last <= self.count:
                self.marked.update(range(first, last + 1))
            else:
                hint = f'the code has {self.count} lines; write hl_lines="1 3-4", counted from 1'
                self._complain(f'hl_lines can\'t be "{part}"', hint, part, at)

    def _unknown(self, key: str, at: int) -> None:
        hint = f"options of code are {', '.join(OPTIONS)}, a #name and .classes"
        if near := did_you_mean(key.lower(), OPTIONS):
            self._complain(f'code has no option "{key}"{near}', hint, key, at)
        else:
            self.source.warn(f'code has no option "{key}": it is passed over', hint, self._at(at), len(key))

    def _complain(self, message: str, hint: str, word: str, at: int) -> None:
        self.source.fault(message, hint, self._at(max(at, self.info.find(word, at))), max(1, len(word)))

    def _at(self, at: int) -> tuple[int, int]:
        line, column = self.place
        return line, column + at
