"""The pages of this project's own site, as the tests of the documentation read them: fences, commands, tables.

```toml {title="site.toml"}      a file, which is written before the next command runs
```console                       lines that begin with "$ " are commands; the lines below one are what it prints

<!-- not run: REASON -->         the next console block is not run, only parsed
<!-- network -->                 it needs a Debian mirror, and so do those behind it on the page
<!-- ends with 3 -->             its last command ends with that exit code
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
CONTENT = SITE / "content"

_FENCE = re.compile(r"(?P<fence>`{3,})(?P<language>[a-z0-9+]*)(?: \{(?P<options>.*)\})?$")
_TITLE = re.compile(r'title="([^"]*)"')
_COMMENT = re.compile(r"<!-- (?P<text>.*?) -->$")
MARKER = re.compile(r"not run: (?P<reason>\S.*)|(?P<network>network)|ends with (?P<code>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Command:
    """`text` without the "$ "; `output` are the lines that the page shows of it. `line` is its line in the file."""

    text: str
    output: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `marker` is the comment right above it, "" where there is none."""

    language: str
    title: str
    text: str
    line: int
    marker: str

    @property
    def found(self) -> re.Match[str] | None:
        return MARKER.fullmatch(self.marker)

    @property
    def reason(self) -> str:
        """Why it isn't run; "" for one that is."""
        return (self.found["reason"] or "") if self.found else ""

    @property
    def needs_network(self) -> bool:
        return bool(self.found and self.found["network"])

    @property
    def code(self) -> int:
        return int(self.found["code"]) if self.found and self.found["code"] else 0

    @property
    def commands(self) -> tuple[Command, ...]:
        found: list[Command] = []
        for number, line in enumerate(self.text.splitlines(), self.line + 1):
            if line.startswith("$ "):
                found.append(Command(line[2:], (), number))
            elif found:
                last = found[-1]
                found[-1] = Command(last.text, (*last.output, line), last.line)
        return tuple(found)


def pages(language: str = "") -> list[Path]:
    """All pages, or those of one language ("en", "fr"), sorted."""
    every = sorted(CONTENT.rglob("*.md"))
    return [page for page in every if not language or (language == "fr") == page.name.endswith(".fr.md")]


def twin(page: Path) -> Path:
    """Where the page's translation must be."""
    if page.name.endswith(".fr.md"):
        return page.with_name(page.name.removesuffix(".fr.md") + ".md")
    return page.with_name(page.name.removesuffix(".md") + ".fr.md")


def name(page: Path) -> str:
    return page.relative_to(CONTENT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks that stand at the margin, in their order."""
    lines = page.read_text("utf-8").splitlines()
    found: list[Block] = []
    at = 0
    marker = ""
    while at < len(lines):
        if opening := _FENCE.fullmatch(lines[at]):
            end = lines.index(opening["fence"], at + 1)
            title = _TITLE.search(opening["options"] or "")
            text = "".join(f"{line}\n" for line in lines[at + 1 : end])
            found.append(Block(opening["language"], title[1] if title else "", text, at + 1, marker))
            at = end
            marker = ""
        elif comment := _COMMENT.fullmatch(lines[at]):
            marker = comment["text"]
        elif lines[at].strip():
            marker = ""
        at += 1
    return found


def comments(page: Path) -> list[str]:
    """The text of every comment that has a line of its own, outside of fences."""
    text = _without_fences(page.read_text("utf-8"))
    return [found["text"] for line in text.splitlines() if (found := _COMMENT.fullmatch(line))]


def section(page: Path, anchor: str) -> str:
    """What stands below the heading with this anchor, up to the next heading of its level or above."""
    text = _without_fences(page.read_text("utf-8"))
    heading = re.search(rf"^(#+) .*\{{#{re.escape(anchor)}\}}$", text, re.MULTILINE)
    assert heading, f"{name(page)} has no heading {{#{anchor}}}"
    rest = text[heading.end() :]
    following = re.search(rf"^#{{1,{len(heading[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows, without heads and rules."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            if all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                found.pop()  # the head above the rule
            else:
                found.append(cells)
    return found


def codes(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def anchors(page: Path) -> list[str]:
    return re.findall(r"^#+ .*\{#([^}]+)\}$", _without_fences(page.read_text("utf-8")), re.MULTILINE)


def _without_fences(text: str) -> str:
    return re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
