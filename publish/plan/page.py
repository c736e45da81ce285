"""A plan as one HTML page that needs nothing beside itself: for a review, a mail, an artefact of CI."""

import html
from collections.abc import Iterator

from publish.plan import show
from publish.plan.plan import FileChange, Plan
from sealpress.commands.console import size
from sealpress.problems import printable

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.3rem } h2 { font-size: 1.1rem; margin-top: 2rem }
li { margin: .3rem 0 } ul { list-style: none; padding: 0 }
b { display: inline-block; width: 1.2em; text-align: center }
p { margin: .2rem 0 .8rem 1.4rem } p.why { opacity: .7 }
ins { background: #2a73; text-decoration: none } del { background: #d333 }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing that the texts hold may load or run anything


def render(plan: Plan) -> str:
    """The whole page."""
    title = _text(show.headline(plan))
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    head += f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">{head}\n<h1>{title}</h1>\n' + "\n".join(_sections(plan)) + "\n</html>\n"


def _sections(plan: Plan) -> Iterator[str]:
    for sentence in (*plan.missing, *(f"edge: {one}" for one in plan.edges), *plan.gaps):
        yield f'<p class="why">{_text(sentence)}</p>'
    for title, is_page in (("pages", True), ("other files", False)):
        changed = [one for one in plan.files if one.is_page is is_page]
        if changed:
            yield from _list(f"{title}: {show.counts(plan, is_page=is_page)}", map(_change, changed))
    if plan.items:
        lines = (_line("+", f"{item.title or item.id}  {item.path or item.id}") for item in plan.items)
        yield from _list("new in the feeds", lines)
    for title, settings in show.tables(plan):
        lines = (
            _line(show.sign(one), f"{one.name}  {' → '.join(filter(None, (one.before, one.after)))}")
            for one in settings
        )
        yield from _list(title, lines)
    if plan.lost:
        yield from _list("lost, which stops the publish", (_line("-", show.lost(one)) for one in plan.lost))
    if show.is_empty(plan):
        yield "<p>readers would see no change</p>"
    if plan.bytes is not None:
        yield f"<p>to send: {size(plan.bytes)}</p>"


def _list(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"<h2>{_text(title)}</h2>\n<ul>"
    yield from (f"<li>{line}</li>" for line in lines)
    yield "</ul>"


def _line(mark: str, text: str) -> str:
    return f"<b>{mark}</b>{_text(text)}"


def _change(change: FileChange) -> str:
    line = _line(show.SIGNS[change.kind], change.url)
    if change.why:
        line += f'<p class="why">{_text(change.why)}</p>'
    if change.words:
        tags = {"added": "ins", "removed": "del", "same": "span"}
        pieces = (f"<{tags[one.kind]}>{_text(one.text or '…')}</{tags[one.kind]}>" for one in change.words)
        line += f"<p>{' '.join(pieces)}</p>"
    return line


def _text(text: str) -> str:
    return html.escape(printable(text))
