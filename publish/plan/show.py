"""A plan told: on the terminal, and to a machine."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from imagebake.image.comparison import Setting
from publish.plan.plan import FileChange, Plan
from publish.plan.words import Piece
from publish.publishing import report
from publish.publishing.ledger import Lost
from sealpress.commands.console import Console, size

_SHOWN: Final = 20  # of a long list
One = TypeVar("One")

SIGNS: Final = {"added": "+", "changed": "~", "removed": "-"}
_STYLES: Final = {"+": "32", "-": "31", "~": "33"}


def show(plan: Plan, console: Console) -> None:
    """Everything that would change, for a person; the same for a machine."""
    console.say(headline(plan))
    for sentence in plan.missing:
        console.note(f"warning: {sentence}")
    for title, is_page in (("pages", True), ("other files", False)):
        changed = [one for one in plan.files if one.is_page is is_page]
        if changed:
            console.say(f"{title}: {counts(plan, is_page=is_page)}")
            for one in _some(changed, console):
                _change(one, console)
    if plan.items:
        console.say(f"new in the feeds: {len(plan.items)}")
        for item in _some(plan.items, console):
            _line("+", f"{item.title or item.id}  {item.path or item.id}", console)
    for title, settings in tables(plan):
        console.say(f"{title}:")
        for setting in _some(settings, console):
            _line(
                sign(setting), f"{setting.name}  {' → '.join(filter(None, (setting.before, setting.after)))}", console
            )
    if plan.lost:
        console.say(f"lost, which stops the publish: {len(plan.lost)}")
        for gone in _some(plan.lost, console):
            _line("-", lost(gone), console)
    if is_empty(plan):
        console.say("readers would see no change")
    for edge in plan.edges:
        console.say(f"edge: {edge}")
    for sentence in plan.gaps:
        console.say(sentence)
    if plan.bytes is not None:
        console.say(f"to send: {size(plan.bytes)}" if plan.bytes else "to send: nothing, the host has the image")
    console.detail("nothing was changed")
    console.result(as_data(plan))


def headline(plan: Plan) -> str:
    comes = f"commit {plan.commit[:12]}" if plan.commit else "files that no commit holds"
    if plan.runs is None:
        return f"{plan.target}: nothing is published to {plan.host} yet; {comes} would be the first release"
    runs = f"generation {plan.runs.generation}, {report.short(plan.runs)}"
    return f"{plan.target}: {runs} runs on {plan.host}; {comes} would take its place"


def lost(one: Lost) -> str:
    return f"{one.url}  keep it: {one.line}" if one.line else f"{one.url}  {one.id} → {one.now}"


def counts(plan: Plan, *, is_page: bool) -> str:
    """As in "3 added, 1 removed"."""
    found = ((kind, len(plan.changes(kind, is_page=is_page))) for kind in SIGNS)
    return ", ".join(f"{count} {kind}" for kind, count in found if count)


def tables(plan: Plan) -> Iterator[tuple[str, Sequence[Setting]]]:
    """Those that change, by their titles."""
    for title, settings in (("redirects", plan.redirects), ("headers", plan.headers), ("packages", plan.packages)):
        # Of a first release all packages are new, which tells nobody anything.
        if settings and (plan.runs or title == "redirects"):
            yield title, settings


def sign(setting: Setting) -> str:
    return "+" if setting.before is None else "-" if setting.after is None else "~"


def is_empty(plan: Plan) -> bool:
    return not (plan.files or plan.items or plan.lost or any(tables(plan)))


def as_data(plan: Plan) -> dict[str, object]:
    """For a machine. `words` is null where they were not compared."""

    def table(settings: Sequence[Setting] | None) -> list[dict[str, object]] | None:
        return None if settings is None else [asdict(one) for one in settings]

    return {
        "target": plan.target,
        "host": plan.host,
        "runs": plan.runs.as_data() if plan.runs else None,
        "commit": plan.commit or None,
        "pages": [_data(one) for one in plan.files if one.is_page],
        "files": [{"url": one.url, "change": one.kind} for one in plan.files if not one.is_page],
        "feed_items": [asdict(one) for one in plan.items],
        "redirects": table(plan.redirects),
        "headers": table(plan.headers),
        "packages": table(plan.packages),
        "lost": [one.as_data() for one in plan.lost],
        "bytes": plan.bytes,
        "gaps": list(plan.gaps),
        "edges": list(plan.edges),
        "missing": list(plan.missing),
    }


def _data(change: FileChange) -> dict[str, object]:
    words = None if change.words is None else [{"kind": one.kind, "text": one.text} for one in change.words]
    return {"url": change.url, "change": change.kind, "words": words, "why": change.why or None}


def _some(found: Sequence[One], console: Console) -> Iterator[One]:
    yield from found if console.whole else found[:_SHOWN]
    if len(found) > _SHOWN and not console.whole:
        console.say(f"  … and {len(found) - _SHOWN} more; --all shows each")


def _change(change: FileChange, console: Console) -> None:
    _line(SIGNS[change.kind], change.url, console)
    if change.why:
        console.say(f"      {change.why}")
    if change.words:
        console.say_painted([("      ", ""), *_painted(change.words, console)])


def _line(mark: str, text: str, console: Console) -> None:
    console.say_painted([(f"  {mark} ", _STYLES[mark]), (text, "")])


def _painted(words: Sequence[Piece], console: Console) -> Iterator[tuple[str, str]]:
    """Colours where there are some; else the marks of `git diff --word-diff`."""
    is_plain = not console.paints(console.out)
    for number, piece in enumerate(words):
        if number:
            yield " ", ""
        text = piece.text or "…"
        match piece.kind:
            case "added":
                yield f"{{+{text}+}}" if is_plain else text, "32"
            case "removed":
                yield f"[-{text}-]" if is_plain else text, "31"
            case "same":
                yield text, ""
