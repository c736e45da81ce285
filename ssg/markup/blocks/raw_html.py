"""Where HTML begins and ends in Markdown (CommonMark 4.6 and 6.6), and Markdown in HTML: markdown="1"."""

import re
from typing import Final

from sealpress.frozen import frozen

_ATTRIBUTE: Final = r"""(?:\s++[a-zA-Z_:][a-zA-Z0-9:._-]*+(?:\s*+=\s*+(?:[^\s"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+"))?)"""
# Blanks before "=" may belong to an attribute or to none, so this one gives them back.
_ATTRIBUTES: Final = _ATTRIBUTE.replace(r"(?:\s*+=", r"(?:\s*=")
# None is given back: a way back for each would take more memory than the text. A look ahead gives nothing back in any
# Python, as a possessive group does not before 3.11.5.
_OPENING: Final = rf"<[A-Za-z][A-Za-z0-9-]*+(?=(?P<given>{_ATTRIBUTES}*))(?P=given)\s*+/?>"
_CLOSING: Final = r"</[A-Za-z][A-Za-z0-9-]*+\s*+>"
_BLOCKS: Final = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)

TAG: Final = re.compile(f"{_OPENING}|{_CLOSING}", re.ASCII)
"""One tag, as it may stand in a line of text (6.6)."""

SPANS: Final = (("<!-->", ""), ("<!--->", ""), ("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"))
"""What else may stand in a line of text: how it begins, and how it ends."""

DECLARATION: Final = re.compile(r"<![A-Za-z]")

# 4.6, kinds 1 to 5: what they begin with, and what ends them.
_BEGINNINGS: Final = (
    (re.compile(r"<(?:script|pre|textarea|style)(?:\s|>|$)", re.IGNORECASE | re.ASCII), "verbatim"),
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<![A-Za-z]"), ">"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
)
_VERBATIM_END: Final = re.compile(r"</(?:script|pre|textarea|style)>", re.IGNORECASE)
# Kinds 6 and 7, which a blank line ends. The last can't interrupt a paragraph.
_BLOCK: Final = re.compile(rf"</?(?:{_BLOCKS})(?:\s|/?>|$)", re.IGNORECASE | re.ASCII)
_ALONE: Final = re.compile(rf"(?:{_OPENING}|{_CLOSING})\s*$", re.ASCII)

MORE: Final = re.compile(r"<!--[ ]*more[ ]*-->[ \t]*$", re.IGNORECASE)
"""What ends a summary, also where there is no HTML."""

MORE_TAG: Final = "<!-- more -->"


def begins(text: str, at: int, *, in_paragraph: bool) -> str | None:
    """Whether an HTML block begins there: None, or what ends it; "" is a blank line."""
    for beginning, end in _BEGINNINGS:
        if beginning.match(text, at):
            return end
    if _BLOCK.match(text, at) or (not in_paragraph and _ALONE.match(text, at)):
        return ""
    return None


def ends(text: str, at: int, end: str) -> bool:
    """Whether a line holds what ends an HTML block."""
    if end == "verbatim":
        return _VERBATIM_END.search(text, at) is not None
    return bool(end) and end in text[at:]


_ELEMENT: Final = re.compile(r"<(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?P<attributes>\s[^<>]*+)>")
_MARKDOWN: Final = re.compile(r"""(?<!\s)\s++markdown(?:\s*=\s*["']?(?P<mode>1|block|span)["']?)?(?=\s|\Z)""")
_SPAN_TAGS: Final = frozenset(
    {"address", "dd", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "legend", "li", "p", "summary", "td", "th"}
)


@frozen
class Asking:
    """A tag that asks for Markdown in its element: `tag` is it without that attribute, `end` where it ends.

    `is_span`: Markdown in the element is one run of text, by its mode, else by what HTML allows in it.
    """

    name: str
    tag: str
    is_span: bool
    end: int


def asking(text: str, at: int) -> Asking | None:
    """The tag with an attribute `markdown` that begins there, if one does."""
    found = _ELEMENT.match(text, at)
    # One search after the other: a single expression would look for the tag's end from each of its attributes.
    asked = _MARKDOWN.search(found["attributes"]) if found and "markdown" in found["attributes"] else None
    if found is None or asked is None:
        return None
    name, attributes = found["name"], found["attributes"]
    is_span = asked["mode"] == "span" or (asked["mode"] != "block" and name.lower() in _SPAN_TAGS)
    tag = f"<{name}{attributes[: asked.start()]}{attributes[asked.end() :]}>"
    return Asking(name, tag, is_span, found.end())


def markdown_less(tag: str) -> str:
    """A tag without the attribute that asked for Markdown in it."""
    found = asking(tag, 0)
    return found.tag if found else tag
