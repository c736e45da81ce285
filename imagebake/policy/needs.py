"""What the documents of a tree need, and where. Each is read once: findings are kept in the cache by each file's
sha256, all of a site in one file, so a warm bake reads no page again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from imagebake.fetch import cache
from imagebake.image.entries import FromFile
from sealpress.policy import pages
from sealpress.policy.source import LONGEST, TextSource, TooLongError, texts
from sealpress.policy.source_lists import FoundNeed, Needs, key
from sealpress.problems import Place, Problem, TreeProblem, raise_all
from sealpress.tree.tree import OutputTree, TreeFile, changed, unreadable

_RULES: Final = 5
"""Counts the ways of reading documents: with each change, what the cache holds is read anew."""


def documents(tree: OutputTree) -> list[TreeFile]:
    """Those that may load or run something."""
    return [entry for entry in tree.entries if entry.media_type in pages.READERS]


def unread(tree: OutputTree, name: str) -> list[TreeFile]:
    """The documents that the cache doesn't know."""
    known = _recall(_index(name))
    return [entry for entry in documents(tree) if key(entry) not in known]


def read(tree: OutputTree, entries: Iterable[TreeFile]) -> dict[str, Needs]:
    """What these documents need, for `of`. It leaves out those that can't be read, and `of` says why."""
    found: dict[str, Needs] = {}
    for entry in entries:
        with suppress(Problem):
            found[key(entry)] = _needs_of(tree, entry)
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
        name_of = key(entry)
        if name_of in needs:
            continue
        if (found := known.get(name_of)) is not None:
            needs[name_of] = found
            continue
        try:
            needs[name_of] = _needs_of(tree, entry)
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    if needs != kept:
        _keep(index, needs)
    return needs


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


def pieces(tree: OutputTree, entry: TreeFile) -> Iterator[bytes]:
    """A file's bytes, CHUNK at a time. Raises Problem (exit 5) where it can't be read, or, once all of it was read,
    where it has other bytes than the tree says.
    """
    sha = hashlib.sha256()
    try:
        for piece in FromFile(tree.file(entry), entry.size).chunks():
            sha.update(piece)
            yield piece
    except OSError as error:
        raise unreadable(entry.path, error) from None
    if sha.hexdigest() != entry.sha256:
        raise changed(entry.path)


_AROUND: Final = 1000  # characters of a line behind what is shown


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
