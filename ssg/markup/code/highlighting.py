"""Highlighted code: Pygments' classes and never its styles, so that a page needs no inline style and can turn dark."""

import hashlib
import html as entities
import re
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from sealpress.problems import Problem, did_you_mean
from ssg.markup.code import languages
from ssg.markup.code.fences import Fence
from ssg.markup.text.converted import HighlightedBlocks
from ssg.markup.text.positions import MarkdownSource

if TYPE_CHECKING:
    from pygments.formatters import HtmlFormatter
    from pygments.lexer import Lexer

LIGHT: Final = "xcode"
DARK: Final = "lightbulb"
# Of Pygments' styles, the two whose every colour stands out enough from its ground: WCAG 2.2, 1.4.3 (4.5 to 1).


# More tokens than any code has: at most a few to a character, some of them empty.
_TOKENS_EACH: Final = 8
_TOKENS: Final = 1000
_PIECES: Final = 500

LONGEST: Final = 100_000
"""Characters of a block that is highlighted: some of Pygments' lexers take four times as long for twice as much."""


def block(
    fence: Fence, source: MarkdownSource, *, highlight: bool = True, blocks: HighlightedBlocks | None = None
) -> str:
    """The HTML of a fence. A language that nobody knows is shown plain, with a warning of the source.

    Pygments is not so much as imported for code that `blocks` has.

        <pre class="highlight" tabindex="0"><code class="language-python">…</code></pre>

    With a title, a <figure class="code"> around it. Lines are <span class="line"> where they are numbered (the number
    in data-line, for the style sheet to show, so that it is never copied) or marked (class "marked").
    """
    inner = None
    if highlight and not languages.is_plain(fence.language):
        key = key_of(fence)
        inner = None if blocks is None else blocks.get(key)
        if inner is None:
            inner = _highlighted(fence, source)
            if blocks is not None and inner is not None:
                blocks.put(key, inner, fence.language.lower())
    if inner is None:
        inner = entities.escape(fence.code, quote=False)
    if fence.first_number is not None or fence.marked:
        inner = _lines(inner, fence)
    classes = " ".join(["highlight", *fence.classes])
    name = f' id="{entities.escape(fence.id)}"' if fence.id else ""
    language = f' class="language-{entities.escape(fence.language)}"' if fence.language else ""
    # tabindex: a block that scrolls sideways must be reachable without a mouse (WCAG 2.2, 2.1.1).
    pre = f'<pre{name} class="{entities.escape(classes)}" tabindex="0"><code{language}>{inner}</code></pre>'
    if not fence.title:
        return pre
    return f'<figure class="code"><figcaption>{entities.escape(fence.title)}</figcaption>{pre}</figure>'


def key_of(fence: Fence) -> str:
    """What the spans of a fence are kept by: SHA-256 over the language as written, in lower case, and the code."""
    return hashlib.sha256(f"{fence.language.lower()}\0{fence.code}".encode("utf-8", "surrogatepass")).hexdigest()


def _highlighted(fence: Fence, source: MarkdownSource) -> str | None:
    """Pygments' spans, without the elements around them; None, and a warning of the source, where it has none or takes
    too long.
    """
    name = languages.lexer_of(fence.language)
    if not name:
        _warn(
            fence,
            source,
            f'no highlighting for "{fence.language}"{languages.near(fence.language)}: this code is shown plain',
            "write the name of a language that Pygments knows, or text",
        )
        return None
    if len(fence.code) > LONGEST:
        _warn(
            fence,
            source,
            f'this code in "{fence.language}" is shown without colours: it has more than {LONGEST:,} characters',
            "write text as its language, or make several blocks of it",
        )
        return None
    most = _TOKENS_EACH * len(fence.code) + _TOKENS
    tokens = list(islice(_lexer(name).get_tokens(fence.code), most))
    if len(tokens) == most:
        # Some of Pygments' lexers go round for ever on texts of another language.
        _warn(
            fence,
            source,
            f'this code is shown without colours: the highlighting for "{fence.language}" comes to no end',
            "write the name of another language, or leave it out",
        )
        return None
    from pygments import format as formatted  # noqa: PLC0415 - as _lexer

    return formatted(tokens, _formatter())


def _warn(fence: Fence, source: MarkdownSource, message: str, hint: str) -> None:
    source.warn(message, hint, (fence.line, fence.column), len(fence.language))


def _lines(inner: str, fence: Fence) -> str:
    # Pygments closes its spans at the end of each line, so lines can be wrapped one by one.
    parts = []
    for number, line in enumerate(inner.removesuffix("\n").split("\n"), 1):
        marked = " marked" if number in fence.marked else ""
        shown = "" if fence.first_number is None else f' data-line="{fence.first_number + number - 1}"'
        parts.append(f'<span class="line{marked}"{shown}>{line}\n</span>')
    return "".join(parts)


@cache
def _lexer(name: str) -> "Lexer":
    from pygments.lexers import find_lexer_class  # noqa: PLC0415

    from ssg.markup.fast import lexing  # noqa: PLC0415 - it loads Pygments

    found = find_lexer_class(name)
    assert found is not None  # noqa: S101 - Pygments gave the name
    lexer = found(stripnl=False)
    if lexing.is_on():
        lexing.accelerate(lexer)
    return lexer


@cache
def _formatter() -> "HtmlFormatter[str]":
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415

    formatter = HtmlFormatter(nowrap=True)
    # Pygments keeps the HTML of a hundred pieces of code, and a site's are several hundred that come back.
    pieces = lru_cache(_PIECES)(formatter._translate_parts)  # type: ignore[attr-defined] # noqa: SLF001
    vars(formatter)["_translate_parts"] = pieces
    return formatter


@cache
def stylesheet(light: str = LIGHT, dark: str | None = DARK) -> str:
    """The style sheet of highlighted code: one Pygments style, and another for readers who prefer dark.

    A theme with a switch of its own gives <html data-theme="light|dark">, which wins over the reader's system.
    Raises Problem for a style that Pygments doesn't have.
    """
    rules = [_LINES, _rules(light, ".highlight")]
    if dark is not None:
        rules += [
            "@media (prefers-color-scheme: dark) {\n"
            + _rules(dark, ':root:not([data-theme="light"]) .highlight')
            + "}\n",
            _rules(dark, ':root[data-theme="dark"] .highlight'),
        ]
    return "".join(rules)


_LINES: Final = """\
.highlight .line { display: block; }
.highlight .line[data-line]::before {
  content: attr(data-line); display: inline-block; min-width: 2.5em; padding-right: 1em; text-align: right;
  opacity: .7; user-select: none;
}
.highlight .marked { background: color-mix(in srgb, currentColor 12%, transparent); }
"""

_UNWANTED: Final = re.compile(r"linenos|\.hll |^pre ")


def _rules(style: str, selector: str) -> str:
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415
    from pygments.styles import STYLE_MAP  # noqa: PLC0415 - Pygments' own: plugins are not the same on every machine

    known = sorted(STYLE_MAP)
    if style not in known:
        raise Problem(f'Pygments has no style "{style}"{did_you_mean(style, known)}', hint=f"it has {', '.join(known)}")
    formatter: HtmlFormatter[str] = HtmlFormatter(style=style)
    written = str(formatter.get_style_defs(selector))  # type: ignore[no-untyped-call]
    lines = (re.sub(r" */\*.*?\*/", "", line) for line in written.split("\n"))
    return "".join(f"{line}\n" for line in lines if line and not _UNWANTED.search(line))
