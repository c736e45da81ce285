"""Texts that somebody may write to keep a converter busy: each a function of a size, that many of one thing.

Twice the size is at most twice the work: `make bench ARGS="--parts growth"` measures it, and tests count it for the
worst.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Flood = Callable[[int], str]


def _many(piece: str, before: str = "", behind: str = "") -> Flood:
    return lambda size: before + piece * size + behind


def _numbered(piece: str, before: str = "", behind: str = "") -> Flood:
    """Each with its number in the place of {}."""
    return lambda size: before + "".join(piece.replace("{}", str(number)) for number in range(size)) + behind


def _around(opening: str, inner: str, closing: str) -> Flood:
    return lambda size: opening * size + inner + closing * size


def _lines_below(before: Flood, line: str) -> Flood:
    return lambda size: before(size) + "\n" + line * size


FLOODS: Final[Mapping[str, Flood]] = MappingProxyType(
    {
        # Other systems' syntax
        "template code": _many("{{ a }} "),
        "template code that never closes": _many("{{ a "),
        "template code that closes far away": _many("{{ ", behind="}}"),
        "escaped template code": _many("\\{{ a }} "),
        "formulas": _many("$$x^2$$ "),
        "formulas that never close": _many("\\( x "),
        "containers": _many("::: a\n"),
        # Links and brackets
        "links": _many("[a](b) "),
        "links on lines": _many("[a](b)\n"),
        "links with titles": _many('[a](b "c") '),
        "links with braces": _many("[a](<b c>) "),
        "links to one definition": _many("[a] ", "[a]: b\n\n"),
        "links to many definitions": lambda size: _numbered("[a{}]: b\n")(size) + "\n" + _numbered("[a{}] ")(size),
        "links to nothing": _many("[a][b] "),
        "links to many nothings": _numbered("[a][b{}] "),
        "nothings beside many definitions": lambda size: _numbered("[a{}]: b\n")(size) + "\n" + "[c][d] " * size,
        "images": _many("![a](b) "),
        "images in images": _around("![", "a", "](b)"),
        "text in images in images": _around("![a ", "a", "](b)"),
        "opening brackets": _many("["),
        "opening images": _many("!["),
        "closing brackets": _many("]"),
        "nested brackets": _around("[", "a", "]"),
        "nested brackets with text": _around("[a ", "a", " b]"),
        "links that never close": _many("[a](b"),
        "links in braces that never close": _many("[a](<b"),
        "links with titles that never close": _many('[a](b "'),
        "links with other titles that never close": _many("[a](b 'c"),
        "parentheses that never close": _many("[a]((((b"),
        "labels that never close": _many("[a][b"),
        "long labels": lambda size: "[" + "a" * size + "]" + "[" + "b" * size + "]" + "[c" * size,
        "escaped parentheses": _many("\\(", "[a](", ")"),
        "links in links": _around("[a ", "a", "](b)"),
        "footnote signs without footnotes": _numbered("[^{}] "),
        "footnotes": lambda size: _numbered("[^{}] ")(size) + "\n\n" + _numbered("[^{}]: a\n\n")(size),
        "footnotes without signs": _numbered("[^{}]: a\n\n"),
        "footnotes on lines without signs": _numbered("[^{}]: a\n"),
        "signs of one footnote": _many("[^a] ", "", "\n\n[^a]: b\n"),
        "footnotes in footnotes": lambda size: "[^0]\n\n" + "".join(f"[^{n}]: a [^{n + 1}]\n\n" for n in range(size)),
        # Definitions
        "definitions": _numbered("[a{}]: b\n"),
        "definitions with titles": _numbered('[a{}]: b "c"\n'),
        "definitions with titles that never close": _numbered('[a{}]: b "\n'),
        "definitions with titles on other lines": _numbered("[a{}]: b\n'c\n"),
        "definitions of one name": _many("[a]: b\n"),
        "half definitions": _many("[a]:\n"),
        "abbreviations": lambda size: _numbered("*[A{}]: b\n\n")(size) + _numbered("A{} ")(size),
        # Emphasis
        "emphasis": _many("*a* "),
        "emphasis that opens": _many("*a "),
        "emphasis that closes": _many("a* "),
        "strong emphasis that opens": _many("**a "),
        "emphasis by turns": _many("*a _b "),
        "emphasis that never meets": _many("*a ", "", "b_ "),
        "emphasis of two lengths": _many("*a **b "),
        "emphasis within words": _many("a*b_c"),
        "underscores": _many("_a__b_ __c "),
        "a long run": _many("*", "a ", " b"),
        "nested emphasis": _around("*a ", "b", " c*"),
        "deletions that open": _many("~~a "),
        "deletions and emphasis": lambda size: "*a " * size + "b~~ " * size,
        "deletions by turns": _many("~~a ~b "),
        # Code and escapes
        "backticks": _many("`a"),
        "runs of backticks of all lengths": lambda size: "".join(
            "`" * n + " " for n in range(1, int(2 * size**0.5) + 1)
        ),
        "code": _many("`a` "),
        "two backticks and one": _many("``a` "),
        "backslashes": _many("\\"),
        "escapes": _many("\\* "),
        "references": _many("&amp; "),
        "references to nothing": _many("&a"),
        "references that never end": _many("&"),
        # HTML
        "tags": _many("<b>a</b> "),
        "tags that never close": _many("<b>*"),
        "tags that open only": _many("<b>"),
        "half tags": _many("<a "),
        "half attributes": _many('<a b="'),
        "attributes": _many(" b", "<a", ">"),
        "attributes without an end": _many(" b", "a <a"),
        "blanks in a tag": _many(" ", "a <a b", "c"),
        "comments that never end": _many("a <!-- "),
        "instructions that never end": _many("a <? "),
        "declarations that never end": _many("a <!A "),
        "sections that never end": _many("a <![CDATA[ "),
        "scripts": _many("<script>a</script>\n"),
        "HTML blocks": _many("<div>\n\na\n\n</div>\n\n"),
        "HTML blocks that open": _many("<div>\n\n"),
        "HTML with Markdown": _many('<div markdown="1">\n*a*\n</div>\n\n'),
        "nested HTML with Markdown": lambda size: '<div markdown="1">\n' * min(size, 40) + "a\n\n" * size,
        "links in HTML": _many('<a href="b">c</a>\n'),
        "links in one line of HTML": _many('<a href="b">c</a> ', "<div>"),
        # Addresses
        "addresses": _many("https://a.b/c "),
        "addresses with parentheses": _many(")", "https://a.b/(c"),
        "addresses with references": _many("&a;", "https://a.b/?c"),
        "an address without an end": _many("a.", "https://"),
        "mails": _many("a@b.c "),
        "half mails": _many("a@"),
        "a long half mail": _many("a.", "", " @"),
        "autolinks": _many("<https://a.b> "),
        "half autolinks": _many("<https://a.b "),
        # Blocks
        "paragraphs": _many("a\n\n"),
        "one paragraph": _many("a\n"),
        "headings": _many("# a\n"),
        "headings of one name": _many("## a\n\n"),
        "underlined headings": _many("a\n=\n"),
        "rules": _many("***\n"),
        "quotes": _many("> a\n\n"),
        "deep quotes": _around("> ", "a", ""),
        "quotes by turns": _many("> a\n>> b\n"),
        "text below deep quotes": _lines_below(lambda size: "> " * min(size, 60) + "a", "b\n"),
        "lists": _many("- a\n"),
        "loose lists": _many("- a\n\n"),
        "deep lists": _around("- ", "a", ""),
        "stairs of lists": lambda size: "".join(f"{'  ' * (n % 40)}- a\n" for n in range(size)),
        "blank lines below deep lists": _lines_below(lambda size: "- " * min(size, 60) + "a", "\n"),
        "text below deep lists": _lines_below(lambda size: "- " * min(size, 60) + "a", "b\n"),
        "a fence in deep lists": _lines_below(lambda size: "- " * min(size, 60) + "```", "\n"),
        "lists of two kinds": _many("- a\n* b\n"),
        "numbered lists": _numbered("1. a\n"),
        "task lists": _many("- [ ] a\n"),
        "empty items": _many("-\n"),
        "fences": _many("```\na\n```\n"),
        "fences by turns": _many("```\na\n~~~\n"),
        "a fence that never closes": _many("a\n", "```\n"),
        "code by indentation": _many("    a\n\n"),
        "blank lines": _many("\n", "a", "b"),
        "blank lines in code": _many("    \n", "    a\n", "    b"),
        "tabs": _many("\t", "", "a"),
        "lines with tabs": _many("-\ta\n"),
        "glossaries": _many("a\n: b\n\n"),
        "definitions of one term": _many(": b\n", "a\n"),
        "terms": _many("a\n", "", ": b\n"),
        "admonitions": _many("!!! note\n    a\n\n"),
        "alerts": _many("> [!NOTE]\n> a\n\n"),
        "wide tables": lambda size: "|a" * size + "\n" + "|-" * size + "\n" + "|b" * size,
        "long tables": _many("|b|c|\n", "|a|b|\n|-|-|\n"),
        "half tables": _many("|a|b\n|-\n"),
        "rows of dashes": _many("|-|-|\n"),
        "attribute lists": _many("*a*{.b} "),
        "half attribute lists": _many("*a*{.b "),
        "contents": _many("[TOC]\n\n# a\n\n"),
        # Typography
        "quotation marks": _many('"a '),
        "apostrophes": _many("'a "),
        "dashes": _many("-- "),
        "dots": _many("... "),
    }
)
