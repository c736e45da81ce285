"""What belongs to one conversion: the Markdown instance outlives it, so this is set anew before each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from markdown import Markdown

from sealpress.frozen import frozen
from sealpress.problems import did_you_mean
from ssg.l10n.language import Language
from ssg.markup.blocks.definitions import Definitions
from ssg.markup.code.fences import Fence
from ssg.markup.html.tags import Html
from ssg.markup.text.block import Position, Text
from ssg.markup.text.converted import CODE_STUB, ETX, MarkdownOptions
from ssg.markup.text.positions import MarkdownSource

_MOST_GUESSES: Final = 200
"""Names among which the one that was meant is looked for: it takes a comparison with each."""


# fmt: off
BOXES: Final = frozenset({
    "note", "tip", "important", "warning", "caution", "attention", "danger", "error", "hint", "info", "abstract",
    "question", "success", "failure", "bug", "example", "quote",
})
# fmt: on
"""Words that are English, and no author's own."""


def code_stub(number: int) -> str:
    """What stands for a fence until the end. It looks like a block, so that no paragraph is put around it."""
    return f"{CODE_STUB}{number}{ETX}></pre>"


@dataclass(slots=True)
class Conversion:
    """`html`: whether tags are tags. `md` is the Markdown instance, once there is one; `origins` tells of its stash
    where each piece of HTML stands: in which text, and from which character of it.
    """

    html: bool
    md: Any = None
    source: MarkdownSource = field(default_factory=lambda: MarkdownSource(""))
    fences: list[Fence] = field(default_factory=list)
    definitions: Definitions = field(default_factory=Definitions)
    origins: dict[int, tuple[Text, int]] = field(default_factory=dict)
    has_attributes: bool = False  # whether a text has the sign of an attribute list
    language: Language | None = None
    titles: Mapping[str, str] = field(default_factory=dict)  # of boxes, by their words

    def begin(self, source: MarkdownSource, options: MarkdownOptions, language: Language) -> None:
        self.source = source
        self.language = language
        self.titles = dict(options.titles)
        self.fences = []
        self.definitions = Definitions()
        self.origins = {}
        self.has_attributes = False

    def raw(self, html: str, text: Text, at: int) -> str:
        """HTML put away, as the placeholder for it. It stands at `at` in `text`."""
        self.origins[self.md.htmlStash.html_counter] = (text, at)
        placeholder: str = self.md.htmlStash.store(html)
        return placeholder

    def store_fence(self, fence: Fence) -> str:
        """A fence put away, as the placeholder for it."""
        self.fences.append(fence)
        placeholder: str = self.md.htmlStash.store(code_stub(len(self.fences) - 1))
        return placeholder

    def define(self, definitions: Definitions) -> None:
        """Takes what the text defines, and gives Python-Markdown and its extensions what is theirs."""
        self.definitions = definitions
        self.md.references.update(definitions.targets)

    def title(self, word: str, place: Position) -> str:
        """What stands above a box of which the author wrote a word alone, in the language of the text."""
        if word in self.titles:
            return self.titles[word]
        if word in BOXES and self.language and not self.language.tag.startswith("en"):
            self.source.warn(
                f'this box has the English title "{word.capitalize()}", on a page in {self.language.name}',
                f'write a title behind the word, or admonition_{word} = "…" in i18n/{self.language.tag}.toml',
                place,
                len(word),
            )
        return word.capitalize()

    def lost_reference(self, name: str, place: Position) -> None:
        shown = " ".join(name.split())
        known = self.md.references
        near = did_you_mean(shown.lower(), known) if len(known) <= _MOST_GUESSES else ""
        self.source.fault(
            f'no link is defined for "{shown}"{near}',
            f"define it on a line of its own, [{shown}]: address, or escape the bracket: \\[",
            place,
            max(1, len(name)),
        )

    def lost_footnote(self, name: str, place: Position) -> None:
        self.source.fault(f'no footnote is called "{name}"', f"write it below: [^{name}]: text", place, len(name) + 3)

    def unclosed_fence(self, place: Position, sign: str) -> None:
        self.source.fault(
            "this code fence is never closed", f"write {sign} on a line of its own below the code", place, len(sign)
        )

    def unended(self, place: Position, sign: str) -> None:
        """Tells of HTML that takes all that follows into itself."""
        what, end = ("comment", "-->") if sign == "<!--" else ("tag", ">")
        hint = f"write {end} where it ends; or, if it is no {what}, put it in backticks or write &lt;{sign[1:]}"
        self.source.fault(f"this {what} never ends: {sign}", hint, place, len(sign))

    def too_deep(self, place: Position) -> None:
        self.source.fault("this text is nested too deeply", "use fewer levels of lists, quotations or tags", place)


@frozen
class MarkdownInstance:
    """A Markdown instance, the state of what it converts, and how it makes HTML of a text."""

    markdown: Markdown
    state: Conversion
    html: Callable[[str], Html]
