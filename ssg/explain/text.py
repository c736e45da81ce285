"""What `ssg why` shows: its answers as lines of text, in two columns.

Long lists are folded: the first of each kind, and how many more there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sealpress.commands.console import size
from sealpress.config.sitefile import NAME
from ssg.cache.tracing import AnswerOrigin, Key
from ssg.explain.columns import WIDTH, TextRow, section
from ssg.explain.why import Explanation, Use
from ssg.explain.wording import FACTS, ITSELF, OF_PAGES, Said, facts, said
from ssg.rendering.output_kind import Subject

_SOURCE: Final = "Source:"
_SHOWN: Final = 3  # of each kind before the rest is counted
_REPEATED: Final = 24  # characters that may stand in row after row


def lines(found: Explanation | Use, width: int = WIDTH, *, whole: bool = False) -> list[str]:
    """An answer of ssg.explain.why. `whole`: nothing is folded."""
    if isinstance(found, Explanation):
        return _explanation(found, width, whole=whole)
    return _use(found, width, whole=whole)


def _explanation(found: Explanation, width: int, *, whole: bool) -> list[str]:
    """A file of the tree: what it is, what it was made from, why it was made anew."""
    keys = found.questions
    subject = found.source if found.kind.subject is Subject.PAGE else ""
    sections: list[tuple[str, list[TextRow]]] = []
    if subject:
        sections.append((f"{_SOURCE} {subject}", _own(keys, subject)))
    elif found.source:
        sections.append((f"{_SOURCE} {found.source}", []))
    others = [key for key in keys if key[1:] != (subject,)]
    sections.append(("Other pages" if subject else "Pages", _pages(others, whole=whole)))
    sections += [(title, rows) for title, rows in _rest(keys, found, subject, whole=whole)]
    sections.append(("Tools", [("", ", ".join(f"{name} {version}" for name, version in found.tools.items()))]))
    sections.append(("Last made anew because", _because(found.because, subject, whole=whole)))
    what = f"  {found.kind.words(found.origin, found.source)}, {size(found.size)}, served at {found.served}"
    lines = [found.path, what, f"  in {found.at.parent}", *_changes(found, whole=whole)]
    for title, rows in sections:
        if any(map(any, rows)) or title.startswith(_SOURCE):
            lines += section(title, rows, width)
    return lines


def _use(found: Use, width: int, *, whole: bool) -> list[str]:
    """A source: the files for which something was asked of it, and what."""
    count = len(found.files)
    lines = [found.source]
    if found.note:
        lines.append(f"  left out of the last build: {found.note}")
    if found.changes.sources:
        settings = f": {_listed(found.changes.settings, whole=whole)}" if found.changes.settings else ""
        lines.append(f"  changed since the last build{settings}")
    rows: dict[str, list[str]] = {}
    for path, keys in found.files.items():
        asked = _asked_of(found.source, keys, whole=whole)
        rows.setdefault(asked or found.made.get(path, ""), []).append(path)
    if not count:
        return [*lines, "", "No file of the last build asked anything of it."]
    title = f"Asked for {count} file{'s' if count > 1 else ''}"
    return [*lines, *section(title, _folded(rows, "file", whole=whole), width)]


def _changes(found: Explanation, *, whole: bool) -> list[str]:
    lines = []
    if found.changes.output:
        then = "makes it anew" if found.changes.output == "is gone" else "stops at it"
        lines.append(f"  the file {found.changes.output}: the next build {then}")
    if files := [source for source in found.changes.sources if source != NAME]:
        shown = ", ".join(files[:_SHOWN])
        more = len(files) - _SHOWN
        lines.append(f"  changed since the last build: {shown}" + (f" and {more} more" if more > 0 else ""))
    if found.changes.settings:
        lines.append(f"  changed since the last build: {NAME}: {_listed(found.changes.settings, whole=whole)}")
    return lines


def _own(keys: Sequence[Key], subject: str) -> list[TextRow]:
    """What was asked of the page itself, by where the answer comes from."""
    asked = facts(key for key in keys if key[1:] == (subject,))
    rows = [(part.value, ", ".join(words for words, origin in asked.items() if origin is part)) for part in OF_PAGES]
    return [(part, words) for part, words in rows if words]


def _pages(keys: Iterable[Key], *, whole: bool) -> list[TextRow]:
    """What was asked of pages: those of which the same was asked stand together."""
    asked: dict[str, list[Key]] = {}
    for key in keys:
        if key[0] in FACTS:
            asked.setdefault(str(key[1]), []).append(key)
    rows: dict[str, list[str]] = {}
    for page, own in asked.items():
        rows.setdefault(", ".join(facts(own)), []).append(page)
    return _folded(rows, "page", whole=whole)


def _folded(rows: dict[str, list[str]], kind: str, *, whole: bool) -> list[TextRow]:
    """Rows by their right half. Of many with the same one, the first and a count."""
    found: list[TextRow] = []
    for right, lefts in rows.items():
        shown = lefts if whole or len(lefts) <= _SHOWN + 1 else lefts[:_SHOWN]
        again = right if len(right) <= _REPEATED else "the same"
        found += [(left, again if number else right) for number, left in enumerate(shown)]
        if more := len(lefts) - len(shown):
            found.append((f"and {more} more {kind}s", again))
    return found


def _rest(keys: Sequence[Key], found: Explanation, subject: str, *, whole: bool) -> Iterable[tuple[str, list[TextRow]]]:
    """All that is not asked of pages."""
    words = [said(key, subject) for key in keys if key[0] not in FACTS]
    many = len({one.language for one in words if one.language}) > 1
    for origin in (AnswerOrigin.SITE, AnswerOrigin.SETTINGS, AnswerOrigin.OPTIONS, AnswerOrigin.STRINGS):
        title = "Asked of the site" if origin is AnswerOrigin.SITE else origin.capitalize()
        yield title, _grouped([one for one in words if one.origin is origin], many=many, whole=whole)
    yield "Data files", [(one.about, "") for one in words if one.origin is AnswerOrigin.DATA]
    for origin in (AnswerOrigin.TEMPLATES, AnswerOrigin.FILES):
        names = [one.what for one in words if one.origin is origin]
        yield origin.capitalize(), [(name, found.files.get(name, "made by ssg")) for name in names]


def _grouped(words: Iterable[Said], *, many: bool, whole: bool) -> list[TextRow]:
    """Things by what they are about. The language is told only where there are `many`."""
    rows: dict[str, list[str]] = {}
    for one in words:
        in_language = f" ({one.language})" if many and one.language else ""
        thing = f"{one.what}{in_language}".strip()
        listed = rows.setdefault(one.about, [])
        if thing and thing not in listed:
            listed.append(thing)
    return [(about, _listed(things, whole=whole)) for about, things in rows.items()]


def _listed(things: Sequence[str], *, whole: bool) -> str:
    limit = 4 * _SHOWN
    if whole or len(things) <= limit + 1:
        return ", ".join(things)
    return f"{', '.join(things[:limit])} and {len(things) - limit} more"


def _because(because: Sequence[str | Key], subject: str, *, whole: bool) -> list[TextRow]:
    keys = [one for one in because if not isinstance(one, str)]
    sentences = [one for one in because if isinstance(one, str)]
    other = [said(key, subject) for key in keys if key[0] not in FACTS]
    rest = [one.sentence() for one in other]
    shown = rest if whole or len(rest) <= _SHOWN + 1 else [*rest[:_SHOWN], f"and {len(rest) - _SHOWN} more answers"]
    return [*(("", one) for one in sentences), *_pages(keys, whole=whole), *(("", one) for one in shown)]


def _asked_of(source: str, keys: Sequence[Key], *, whole: bool) -> str:
    """What was asked of a source for one file, in a few words."""
    others = [replace(said(key, source), language="") for key in keys if key[0] not in FACTS]
    rest = [
        f"{one.about} it" if one.what == ITSELF else one.what if one.about == source else one.sentence()
        for one in others
    ]
    return _listed(list(dict.fromkeys([*facts(keys), *rest])), whole=whole)
