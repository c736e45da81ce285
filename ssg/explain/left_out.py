"""What a build left out, in a line of each kind for a person: which pages and files, why, and what takes them in."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from ssg.build.result import Built
from ssg.content.absence import said

_FEW: Final = 3


def lines(built: Built, *, is_release: bool = False) -> Iterator[str]:
    """`is_release`: the build is one of a commit, which has no options of its own."""
    if built.drafts:
        way = "take draft out of the front matter to publish {them}" if is_release else "--drafts takes {them} in"
        yield _line("draft", built.drafts, way)
    if built.scheduled:
        due = {source: dt.datetime.fromisoformat(when) for source, when in built.scheduled.items()}
        first = min(due.values())
        way = f"a commit{'' if is_release else ', or SOURCE_DATE_EPOCH,'} of {said(first)} or later brings"
        way += " it out" if len(due) == 1 else " the first out"
        named = [f"{source} on {said(when)}" for source, when in due.items()]
        yield _line("scheduled page", named, way if is_release else f"{way}; --future takes {{them}} in now")
    if built.untracked:
        yield _line("untracked file", built.untracked, "git add {them}, or build with --dirty")


def _line(name: str, found: Sequence[str], way: str) -> str:
    is_one = len(found) == 1
    shown = ", ".join(found[:_FEW]) + (", …" if len(found) > _FEW else "")
    return f"left out: {len(found)} {name}{'' if is_one else 's'} ({shown}); " + way.format(
        them="it" if is_one else "them"
    )
