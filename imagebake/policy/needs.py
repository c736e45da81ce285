"""What the documents of a tree need, and where. Each is read once: findings are kept in the cache by each file's
sha256, all of a site in one file, so a warm bake reads no page again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from imagebake.fetch import cache
from imagebake.policy import pages
from imagebake.policy.source import LONGEST, TextSource, TooLongError, pieces, texts
from sealpress.problems import Place, Problem, TreeProblem, raise_all
from sealpress.tree.tree import OutputTree, TreeFile

_RULES: Final = 5
"""Counts the ways of reading documents: with each change, what the cache holds is read anew."""

Needs = frozenset[tuple[str, str]]
"""What one document needs: directives, each with a source."""


@dataclass(frozen=True, slots=True)
class FoundNeed:
    """A need, and the first file of the tree that has it; how many more there are."""

    directive: str
    source: str
    first: TreeFile
    more: int


def documents(tree: OutputTree) -> list[TreeFile]:
    """Those that may load or run something."""
    return [entry for entry in tree.entries if entry.media_type in pages.READERS]


def unread(tree: OutputTree, name: str) -> list[TreeFile]:
    """The documents that the cache doesn't know."""
    known = _recall(_index(name))
    return [entry for entry in documents(tree) if _key(entry) not in known]


def read(tree: OutputTree, entries: Iterable[TreeFile]) -> dict[str, Needs]:
    """What these documents need, for `of`. It leaves out those that can't be read, and `of` says why."""
    found: dict[str, Needs] = {}
    for entry in entries:
        with suppress(Problem):
            found[_key(entry)] = _needs_of(tree, entry)
    return found


def of(tree: OutputTree, name: str, read_before: Mapping[str, Needs]) -> dict[str, Needs]:
    """What each document of the tree needs, for `firsts`. `name` is whose findings the cache keeps them as.

    Raises Problem or Problems (exit 5) for those that can't be read.
    """
    index = _index(name)
    kept = _recall(index)
    known = {**kept, **read_before}
    needs: dict[str, Needs] = {}
    problems: list[Problem] = []
    for entry in documents(tree):
        key = _key(entry)
        if key in needs:
            continue
        if (found := known.get(key)) is not None:
            needs[key] = found
            continue
        try:
            needs[key] = _needs_of(tree, entry)
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    if needs != kept:
        _keep(index, needs)
    return needs


def firsts(entries: Sequence[TreeFile], needs: Mapping[str, Needs]) -> list[FoundNeed]:
    """What these documents need, each once, in the order in which they have it first."""
    having: dict[Needs, TreeFile] = {}
    counts: dict[Needs, int] = {}
    for entry in entries:
        one = needs[_key(entry)]
        having.setdefault(one, entry)
        counts[one] = counts.get(one, 0) + 1
    found: dict[tuple[str, str], FoundNeed] = {}
    for one, entry in having.items():
        for directive, source in sorted(one):
            before = found.get((directive, source))
            found[directive, source] = FoundNeed(
                directive,
                source,
                before.first if before else entry,
                before.more + counts[one] if before else counts[one] - 1,
            )
    return list(found.values())


def place(tree: OutputTree, one: FoundNeed) -> Place:
    """Where the first file asks for it: read once more, since the cache keeps no places."""
    for load in _loads(tree, one.first):
        if (load.directive, load.source) == (one.directive, one.source):
            return _line(tree, one.first, load.at)
    return Place(one.first.path)


def _line(tree: OutputTree, entry: TreeFile, at: int) -> Place:
    """The line of an offset, and of a long one what stands around it."""
    before, number, offset = "", 1, 0
    text = ""
    for piece in texts(pieces(tree, entry)):
        if offset + len(piece) <= at:
            number += piece.count("\n")
            before = (before + piece).rpartition("\n")[2] if "\n" in piece else before + piece
            offset += len(piece)
            continue
        text += piece
        if len(text) > at - offset + _AROUND:
            break
    at -= offset
    number += text.count("\n", 0, at)
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    column = at - start + 1
    if not start:
        line, column = before + line, column + len(before)
    return Place(entry.path, number, column, line)


_AROUND: Final = 1000  # characters of a line behind what is shown


def _key(entry: TreeFile) -> str:
    """Files of the same bytes are read alike where they are of one type."""
    return f"{entry.sha256} {entry.media_type}"


def _needs_of(tree: OutputTree, entry: TreeFile) -> Needs:
    return frozenset((load.directive, load.source) for load in _loads(tree, entry))


def _loads(tree: OutputTree, entry: TreeFile) -> list[pages.Load]:
    data = pieces(tree, entry)
    try:
        loads = pages.READERS[entry.media_type](TextSource(texts(data)))
    except UnicodeError:
        raise TreeProblem("the document is UTF-16", place=Place(entry.path), hint="write it as UTF-8") from None
    except TooLongError:
        raise TreeProblem(
            f"one part of the document, such as a script or an attribute, has more than {LONGEST} characters",
            place=Place(entry.path),
            hint='put it into a file of its own; or write the policy yourself: policy = "…" under [image]',
        ) from None
    for _ in data:
        pass  # what the rest of it says matters to nobody, but it must be what the tree says
    return loads


def _index(name: str) -> str:
    return f"policies/{name}.json"


def _recall(index: str) -> dict[str, Needs]:
    """What the cache knows; nothing where its file is missing, anybody else's or of other rules."""
    said = json.loads(cache.recalled(index) or b'{"rules": null}')
    if said["rules"] != _RULES:
        return {}
    sets = [frozenset((directive, source) for directive, source in one) for one in said["sets"]]
    return {key: sets[number] for key, number in said["files"].items()}


def _keep(index: str, needs: Mapping[str, Needs]) -> None:
    numbers: dict[Needs, int] = {}
    files = {key: numbers.setdefault(one, len(numbers)) for key, one in needs.items()}
    said = {"rules": _RULES, "sets": [sorted(one) for one in numbers], "files": files}
    cache.remember(index, json.dumps(said).encode())
