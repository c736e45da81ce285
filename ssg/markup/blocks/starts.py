"""What may begin a block, by the first character of what is left of a line (CommonMark 4 and 5, GFM, Python-Markdown).

Each start is asked with the parser, the block that the line goes on in, the column where that block's content begins,
and the column of the first character. It gives None where it is none; the column where what it opened goes on; or DONE.
"""

import re
from types import MappingProxyType
from typing import Final

from ssg.markup.blocks import definitions, raw_html, tables
from ssg.markup.blocks.parser import DONE, BlockParser, Starts
from ssg.markup.text.block import Block

_HEADING: Final = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_HEADING_END: Final = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_FENCE: Final = re.compile(r"(`{3,}+)(?!.*`)|(~{3,})")
_RULE: Final = re.compile(r"(?:(?:\*[ \t]*+){3,}|(?:_[ \t]*+){3,}|(?:-[ \t]*+){3,})$")
_UNDERLINE: Final = re.compile(r"(=+|-+)[ \t]*$")
_MARKER: Final = re.compile(r"(?:[*+-]|([0-9]{1,9})([.)]))(?=[ \t]|$)")
_FOOTNOTE: Final = re.compile(r"\[\^([^\]\s]+)\]:[ \t]*")
# So long at most: each length that there is, is looked for at each word.
_ABBREVIATION: Final = re.compile(r"\*\[([^\\\]]{1,100})\][ ]?:[ ]*(.*)$")
_ADMONITION: Final = re.compile(r'(?:!!!|\?\?\?(\+?))[ ]*+([\w-]+(?:[ ]+[\w-]+)*)(?:[ ]+"(.*?)")?[ \t]*$')


def _quote(parser: BlockParser, _container: Block, _pos: int, at: int) -> int:
    parser.add("quote", at)
    return at + 2 if parser.line.text[at + 1 : at + 2] == " " else at + 1


def _heading(parser: BlockParser, _container: Block, _pos: int, at: int) -> int | None:
    line = parser.line
    found = _HEADING.match(line.text, at)
    if found is None:
        return None
    heading = parser.add("heading", at)
    heading.level = len(found[1])
    inner = line.rest(found.end())
    end = _HEADING_END.search(inner) if "#" in inner else None
    heading.take((inner[: end.start()] if end else inner).strip(" \t"), line.place(line.next(found.end())))
    parser.close()
    return DONE


def _fence(parser: BlockParser, _container: Block, pos: int, at: int) -> int | None:
    line = parser.line
    found = _FENCE.match(line.text, at)
    if found is None:
        return None
    fence = parser.add("fence", at)
    fence.sign = line.text[at]
    fence.level = len(found[0])
    fence.indent = at - pos
    fence.word = line.text[found.end() :].strip(" \t")
    fence.word_place = line.place(line.next(found.end()))
    return DONE


def _html(parser: BlockParser, _container: Block, pos: int, at: int) -> int | None:
    line = parser.line
    if not parser.html:
        if not raw_html.MORE.match(line.text, at):
            return None
        parser.add("html", at).take(raw_html.MORE_TAG, line.place(at))
        parser.close()
        return DONE
    end = raw_html.begins(line.text, at, in_paragraph=parser.in_paragraph())
    if end is None:
        return None
    block = parser.add("html", pos)
    block.sign = end
    block.take(line.rest(pos), line.place(pos))
    if raw_html.ends(line.text, at, end) or (not end and _is_whole_in_element(parser, at)):
        parser.close()
    return DONE


def _is_whole_in_element(parser: BlockParser, at: int) -> bool:
    """Whether a line is an end tag, or an element from tag to tag, within HTML that holds Markdown: then the next line
    is Markdown again.
    """
    if not any(one.kind == "element" for one in parser.stack):
        return False
    text = parser.line.text[at:].rstrip(" \t").lower()
    return re.fullmatch(r"(?:<([a-z][a-z0-9-]*+).*</\1|</[a-z][a-z0-9-]*+)>", text) is not None


def _element(parser: BlockParser, _container: Block, _pos: int, at: int) -> int | None:
    """<div markdown="1">: a block whose content is Markdown, up to its end tag."""
    line = parser.line
    found = raw_html.asking(line.text, at) if parser.html and "markdown" in line.text else None
    if found is None or parser.in_paragraph():
        return None
    block = parser.add("element", at)
    block.word = found.name
    block.title = found.tag
    block.is_tight = found.is_span
    block.level = 1
    start = line.next(found.end)
    if start == line.length:
        return DONE
    rest = line.text[start:].rstrip(" \t")
    end = f"</{block.word.lower()}>"
    is_closed = rest.lower().endswith(end)
    inner = (rest[: -len(end)] if is_closed else rest).rstrip(" \t")
    if inner:
        parser.add("paragraph", start).take(inner, line.place(start))
    if is_closed:
        block.is_closed = True
        parser.cut(parser.stack.index(block))
    return DONE


def _underline(parser: BlockParser, container: Block, _pos: int, at: int) -> int | None:
    """A line of = or - below a paragraph makes it a heading (4.3)."""
    if container.kind != "paragraph" or parser.depth != len(parser.stack):
        return None
    line = parser.line
    found = _UNDERLINE.match(line.text, at)
    if found is None:
        return None
    definitions.take(container, parser.definitions)
    if not container.lines:  # nothing but definitions stood there: the line is text
        container.kind = "empty"
        parser.cut(parser.depth - 1)
        parser.depth = len(parser.stack)
        return None
    container.kind = "heading"
    container.level = 1 if line.text[at] == "=" else 2
    container.end = line.number
    parser.close()
    return DONE


def _table(parser: BlockParser, container: Block, _pos: int, at: int) -> int | None:
    if container.kind != "paragraph" or parser.depth != len(parser.stack):
        return None
    line = parser.line
    row = line.text[at:].rstrip(" \t")
    if not tables.begins(container, row):
        return None
    head, place = container.lines.pop(), container.places.pop()
    if container.lines:
        container.end -= 1
        parser.close()
        parser.depth = len(parser.stack)
        table = parser.add("table", at)
        table.line, table.column = place
    else:
        table = container
        table.kind = "table"
    table.end = line.number
    table.aligns = tables.aligns(row)
    table.rows = [tables.cells(head.rstrip(" \t"), place)]
    return DONE


def _rule(parser: BlockParser, _container: Block, _pos: int, at: int) -> int | None:
    if not _RULE.match(parser.line.text, at):
        return None
    parser.add("rule", at)
    parser.close()
    return DONE


def _item(parser: BlockParser, container: Block, pos: int, at: int) -> int | None:
    """An item of a list, which is a new one where the sign is another (5.2, 5.3)."""
    line = parser.line
    found = _MARKER.match(line.text, at)
    if found is None:
        return None
    end = found.end()
    content = line.next(end)
    is_empty = content == line.length
    if container.kind == "paragraph" and (is_empty or (found[1] and int(found[1]) != 1)):
        return None
    blanks = content - end
    if is_empty or blanks > 4:
        blanks = 1
    sign = found[2] or found[0]
    if container.kind != "list" or container.sign != sign:
        made = parser.add("list", at)
        made.sign = sign
        made.number = int(found[1]) if found[1] else None
    parser.add("item", at).indent = end + blanks - pos
    return min(end + blanks, line.length)


def _footnote(parser: BlockParser, _container: Block, _pos: int, at: int) -> int | None:
    """[^name]: text, with more of it below, indented by four columns."""
    found = _FOOTNOTE.match(parser.line.text, at)
    if found is None or any(block.kind == "footnote" for block in parser.stack[: parser.depth]):
        return None
    footnote = parser.add("footnote", at)
    footnote.word = found[1]
    footnote.indent = 4
    parser.definitions.footnotes[found[1]] = footnote
    return found.end()


def _abbreviation(parser: BlockParser, container: Block, _pos: int, at: int) -> int | None:
    """*[HTML]: Hypertext Markup Language."""
    found = None if container.kind == "paragraph" else _ABBREVIATION.match(parser.line.text, at)
    if found is None or not found[1].strip() or not found[2].strip():
        return None
    parser.add("empty", at)
    parser.close()
    parser.definitions.abbreviations[found[1].strip()] = found[2].strip()
    return DONE


def _admonition(parser: BlockParser, _container: Block, _pos: int, at: int) -> int | None:
    """!!! note "Title", and ??? for one that is folded, ???+ for one that can be folded."""
    found = _ADMONITION.match(parser.line.text, at)
    if found is None:
        return None
    block = parser.add("admonition", at)
    block.sign = "!" if found[1] is None else found[1] or "?"
    block.word = found[2]
    block.title = found[3]
    block.word_place = parser.line.place(found.start(2) if found[3] is None else found.start(3))
    block.indent = 4
    return DONE


def _definition(parser: BlockParser, container: Block, pos: int, at: int) -> int | None:
    """`:   text` below its terms, or below a blank line below them."""
    line = parser.line
    if line.text[at + 1 : at + 2] != " " or line.next(at + 1) == line.length:
        return None
    stack = parser.stack
    if container.kind == "glossary":
        parser.cut(parser.depth)
    elif parser.depth != len(stack):
        return None
    terms: Block | None = None
    is_loose = False
    if container.kind == "paragraph":
        terms = container
        stack.pop()
        stack[-1].children.pop()
    elif container.kind == "glossary":
        is_loose = container.children[-1].end < line.number - 1
    else:
        last = container.children[-1] if container.children else None
        if last is None or container.kind == "list" or last.kind != "paragraph" or last.end != line.number - 2:
            return None
        terms = container.children.pop()
        is_loose = True
    parser.depth = len(stack)
    if terms is not None:
        _add_terms(parser, terms, at)
    definition = parser.add("definition", at)
    content = line.next(at + 1)
    definition.indent = min(content - pos if content - at <= 4 else at - pos + 2, 4)
    definition.is_loose = is_loose
    return pos + (content - pos if content - at <= 4 else at - pos + 2)


def _add_terms(parser: BlockParser, terms: Block, at: int) -> None:
    """The lines of a paragraph as terms, in the glossary that stands before it or in a new one."""
    siblings = parser.stack[-1].children
    if siblings and siblings[-1].kind == "glossary":
        parser.stack.append(siblings[-1])
        parser.depth = len(parser.stack)
    else:
        glossary = parser.add("glossary", at)
        glossary.line, glossary.column = terms.line, terms.column
    for text, place in zip(terms.lines, terms.places, strict=True):
        term = Block("term", *place, place[0])
        term.take(text, place)
        parser.stack[-1].children.append(term)


_DIGITS: Final = dict.fromkeys("0123456789", (_item,))

STARTS: Final[Starts] = MappingProxyType(
    {
        ">": (_quote,),
        "#": (_heading,),
        "`": (_fence,),
        "~": (_fence,),
        "<": (_html,),
        "=": (_underline,),
        "-": (_underline, _rule, _item),
        "*": (_rule, _item),
        "_": (_rule,),
        "+": (_item,),
        **_DIGITS,
    }
)
"""CommonMark's own."""

EXTENDED: Final[Starts] = MappingProxyType(
    {
        **STARTS,
        "<": (_element, _html),
        "-": (_underline, _table, _rule, _item),
        "*": (_rule, _abbreviation, _item),
        ":": (_table, _definition),
        "|": (_table,),
        "[": (_footnote,),
        "!": (_admonition,),
        "?": (_admonition,),
    }
)
"""With GFM's and Python-Markdown's."""


def parser(*, extended: bool, html: bool) -> BlockParser:
    """A parser for one text. `extended` False: CommonMark and no more. `html` False: tags are text."""
    return BlockParser(EXTENDED if extended else STARTS, html=html)
