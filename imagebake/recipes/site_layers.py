"""The parts of a recipe that hold a tree: one layer for each share of it (placement.py), siblings beside their files.

All but the front depend on the tree alone, so they can be made on all cores before anything else is known.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from imagebake import nginx
from imagebake.image import tar
from imagebake.image.entries import Entry, File, FromFile
from imagebake.image.layers import Layer, Part, is_remembered, remembered
from imagebake.policy import needs
from imagebake.policy.needs import Needs
from imagebake.recipes import placement, precompressed
from imagebake.recipes.placement import Share
from sealpress import crew
from sealpress.console import Progress
from sealpress.problems import Problem
from sealpress.tree import Entry as TreeEntry
from sealpress.tree import OutputTree

_ALONE: Final = 8  # pieces of work that one process has done before another has started
_WORKERS: Final = 8
_BATCH: Final = 32  # documents that are read at a time


@dataclass(frozen=True, slots=True)
class TreeParts:
    """`below` the front, from what changes least to what changes most; `front` takes further small files."""

    below: tuple[Part, ...]
    front: Callable[[Sequence[File]], Part]


def of(tree: OutputTree, site: str) -> TreeParts:
    """The parts of a tree. `site` names what siblings are cached for, and is in no byte."""
    packed = precompressed.candidates(tree)
    *below, front = placement.shares(tree.entries)
    return TreeParts(
        tuple(_part(tree, share, packed, site, []) for share in below), partial(_part, tree, front, packed, site)
    )


def ahead(
    tree: OutputTree,
    below: Sequence[Part],
    documents: Sequence[TreeEntry],
    begin: Callable[[], object],
    progress: Progress,
    blobs: Path | None,
) -> dict[str, Needs]:
    """Makes the layers of these parts that the cache doesn't know, and reads documents for a policy, on all cores.

    Layers are then found in the cache and in `blobs`; what was read is the result. `begin` starts what this process has
    to do beside it. Where there is little to do, it is left to who asks for it; so is whatever goes wrong here. So
    problems come in the order in which one process alone finds them.
    """
    tasks: list[Callable[[], dict[str, Needs]]] = [
        partial(_made, part, blobs) for part in below if not is_remembered(part.description)
    ]
    tasks += [partial(needs.read, tree, documents[at : at + _BATCH]) for at in range(0, len(documents), _BATCH)]
    # Forked beside another thread, a process may find locks that nobody will ever open.
    workers = min(crew.cores(), _WORKERS) if threading.active_count() == 1 else 1
    if workers < 2 or len(tasks) < _ALONE:
        begin()
        return {}
    found: dict[str, Needs] = {}
    with progress.track("Making layers", len(tasks)) as advance:
        for some, results in crew.shared(_all, tasks, workers, alone=_ALONE, joining=begin):
            for one in results:
                found |= one
            advance(len(some))
    return found


def _all(tasks: Sequence[Callable[[], dict[str, Needs]]]) -> list[dict[str, Needs]]:
    return [task() for task in tasks]


def _made(part: Part, blobs: Path | None) -> dict[str, Needs]:
    with suppress(Problem):  # told where its turn comes
        layer(part, blobs)
    return {}


def layer(part: Part, blobs: Path | None) -> Layer:
    """The layer of a part that has no programs to check."""
    return remembered(part.name, part.description, part.entries, f"imagebake: {part.name}", blobs)


def _part(tree: OutputTree, share: Share, packed: frozenset[str], site: str, more: Sequence[File]) -> Part:
    """One layer of the tree: files, and beside them the siblings of those in `packed` that pay; `more` goes with it."""
    return Part(
        share.name,
        f"{_names(share.entries, packed)} {tree.below!a} {precompressed.RULES} {tar.digest(more).diff_id}",
        lambda: [*_files(tree, share.entries, packed, f"{site} {share.name}"), *more],
    )


def _files(tree: OutputTree, entries: Sequence[TreeEntry], packed: frozenset[str], pack: str) -> list[Entry]:
    prefix = f"{nginx.ROOT}/{tree.below}"
    whole = [File(f"{prefix}{one.path}", FromFile(tree.file(one), one.size, one.sha256)) for one in entries]
    return [*whole, *precompressed.of(tree, (one for one in entries if one.path in packed), prefix, pack)]


def _names(entries: Iterable[TreeEntry], packed: frozenset[str]) -> str:
    lines = (f"{one.sha256} {one.path in packed} {one.path}\0" for one in entries)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
