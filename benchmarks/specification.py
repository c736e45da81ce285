"""How much of CommonMark's specification is read as it says: its examples, which npm has, counted."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.report import table
from benchmarks.structure import structure
from sealpress.problems import Problem
from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.text.converted import LINK, MarkdownOptions, closed
from ssg.markup.text.positions import MarkdownSource

VERSION: Final = "0.31.2"
PACKAGES: Final = (f"commonmark-spec@{VERSION}", f"commonmark@{VERSION}")
"""The specification, and the reference parser that tests ask."""

EXAMPLES: Final = 652

_BARE: Final = MarkdownOptions(typography=False, highlight=False, permalinks=False)
_LIMIT: Final = 100  # seconds


@dataclass(frozen=True, slots=True)
class Read:
    """`examples` there are; so many have the structure that the specification gives: with CommonMark alone, and with
    all additions. `differing` are the texts that these read in another way.
    """

    examples: int
    alone: int
    extended: int
    differing: tuple[str, ...]


def install(folder: Path) -> Path:
    """Has npm put PACKAGES below `folder`, and gives the folder that they are in. Raises Problem where it can't."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", ".", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    try:
        subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Problem(f"npm's {' and '.join(PACKAGES)} can't be had: {error}") from None
    return folder / "node_modules"


def examples(packages: Path) -> Iterator[tuple[str, str]]:
    """Each example's Markdown and HTML."""
    text = (packages / "commonmark-spec" / "spec.txt").read_text("utf-8")
    for found in re.finditer(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", text, re.DOTALL | re.MULTILINE):
        yield found[1].replace("→", "\t"), found[2].replace("→", "\t")


def html_of(text: str, *, extended: bool) -> str:
    """A text's HTML, with all additions or as CommonMark alone."""
    one = converter.instance(html=True, extended=extended)
    found = converter.converted(one, MarkdownSource(text), _BARE, language("en"))
    given = [slot.target if slot.kind == LINK else "" for slot in found.slots]
    return closed(found.html, given.__getitem__)


def count(found: list[tuple[str, str]]) -> Read:
    """Counts examples."""
    alone = sum(structure(html_of(text, extended=False)) == structure(html) for text, html in found)
    differing = tuple(text for text, html in found if structure(html_of(text, extended=True)) != structure(html))
    return Read(len(found), alone, len(found) - len(differing), differing)


def lacking(found: Read) -> list[str]:
    """What is not as it should be."""
    right = found.examples == found.alone == EXAMPLES
    return [] if right else [f"specification: {found.alone} of {found.examples} examples, not {EXAMPLES}"]


def counts(found: Read, command: str) -> str:
    """The part of the report."""
    rows = [
        ["CommonMark alone", f"{found.alone} of {found.examples}"],
        ["with all additions", f"{found.extended} of {found.examples}"],
    ]
    others = "\n".join(f"- `{text.strip()}`" for text in found.differing)
    return "\n\n".join(
        [
            f"# CommonMark {VERSION}",
            "The examples of the specification that are read as it says: the same elements, attributes and texts.",
            table(["", "examples"], rows),
            *([f"Read in another way with the additions:\n\n{others}"] if others else []),
            f"`{command}`",
        ]
    )
