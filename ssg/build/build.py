"""The build: what to make, where; and the shortest way to it. A function of sources, site.toml and the moment alone.

Where nothing at all was touched since the last build, that one is told again; else ssg.build.steps does what is needed.
Nothing is put in place before everything is made and checked, so a build that fails leaves the old tree as it was.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sealpress.commands.console import SILENT, Progress
from sealpress.config import output_folder
from sealpress.files import signing
from ssg.build.inputs import Request, fingerprint, inputs_of
from ssg.build.result import Built, report_of, retold
from ssg.build.timing import Timings
from ssg.cache import stamps
from ssg.cache.last_build import LastBuild, LastTree, Memory, without_collector
from ssg.cache.stamps import Stamp
from ssg.cache.store import NAME, Store
from ssg.content.sources import to_ignore
from ssg.output.record import mark_of

if TYPE_CHECKING:
    from ssg.build.result import Finished
    from ssg.output.stage import Stage

_COMMITTED: Final = (
    f"{NAME}/cache is committed: nothing in it is believed or changed; to have one: git rm -r --cached {NAME}/cache"
)

_MANY: Final = 32  # conversions


def build(request: Request, progress: Progress = SILENT) -> Built:
    """Builds the site into `request.output` and describes the tree.

    Raises Problem or Problems (exit 3), as many as one stage can find, with nothing put in place.
    """
    timings = Timings()
    request = believed(request, progress)
    output = output_folder.found(request.output, request.site.root, request.site.settings)
    memory = Memory.of(request.store, output) if request.store else None
    with timings.phase("remembering"):
        last_mark = mark_of(output)
        tree = memory.tree() if memory else None
    with timings.phase("listing sources"):
        inputs = inputs_of(request)
        seen = fingerprint(inputs)
    if memory and inputs.sources.has_cache:
        progress.note(_COMMITTED)
        request, memory, tree = replace(request, store=None), None, None
        inputs = replace(inputs, request=request)
    with timings.phase("looking at the output"):
        found = tree.stamps() if tree and tree.is_untouched(output) else None
    if tree and found is not None and tree.seen == seen != "":
        return retold(tree, request.output, inputs, timings)
    with timings.phase("starting"):
        from ssg.build.steps import make  # noqa: PLC0415 - a build in which nothing changed need not load it
    with without_collector(), _stage(request, output, found, tree, last_mark, progress) as stage:
        is_first = stage.record.is_empty
        with timings.phase("remembering"):
            if memory and stage.found is not found:  # another build was at work since
                tree = memory.tree()
            last = (memory.recall(tree) or memory.elsewhere(inputs.world) if memory else None) or LastBuild()
        store = Store(request.store or stage.scratch)
        made = make(inputs, last, stage, store, timings, progress)
        if memory:
            with timings.phase("remembering"):
                # A source that was changed meanwhile looks different next time, whatever is told now. Where the
                # output folder was touched by hand, all of it is looked at anew.
                changes = made.changes if found is not None else None
                memory.keep(made.build, changes, _tree(seen, made, tree if changes else None))
                # Looking through the store takes as long as a small build: one in sixteen of these does it.
                if made.converted >= _MANY or (made.converted and seen.startswith("0")):
                    store.trim()
    if is_first and request.lasting and inputs.sources.repository:
        for line in to_ignore(output, inputs.sources):
            progress.note(line)
    return made.built


def believed(request: Request, progress: Progress) -> Request:
    """The same, without a store that nobody should believe."""
    for folder in (request.store.parent, request.store) if request.store else ():
        if folder.is_symlink():
            progress.note(f"{folder} is a link, which could lead anywhere: nothing is kept there, and nothing taken")
            request = replace(request, store=None)
            break
    complaint = signing.complaint()  # before the first fork: all processes have one key
    if request.store and complaint:
        progress.note(complaint)
    return request if signing.is_lasting() else replace(request, store=None)


def _stage(
    request: Request,
    output: Path,
    found: Mapping[str, Stamp] | None,
    tree: LastTree | None,
    mark: Stamp | None,
    progress: Progress,
) -> AbstractContextManager["Stage"]:
    from ssg.output.stage import staged  # noqa: PLC0415 - as ssg.build.steps

    left = tree.files if tree else {}
    return staged(output, found, mark, progress, left=left, adopting=request.adopting, lasting=request.lasting)


def _tree(seen: str, made: "Finished", before: LastTree | None) -> LastTree:
    """The tree as it is left. `before` as it was, where only a few files of it are others now."""
    built, root = made.built, made.built.root
    if before is None:
        from ssg.output.stage import folders  # noqa: PLC0415 - as ssg.build.steps

        names = {"", *(folder for path in built.files for folder in folders(path))}
        looks = {folder: found for folder in sorted(names) if (found := stamps.stamp(f"{root}/{folder}"))}
        return LastTree("", seen, report_of(built), dict(built.files), looks, dict(built.inputs))
    files = {path: file for path, file in built.files.items() if before.files.get(path) != file}
    touched = sorted({"", *(path.rpartition("/")[0] for path in files)})  # the scaffold may have stood in it
    looks = {folder: found for folder in touched if (found := stamps.stamp(f"{root}/{folder}"))}
    inputs = {name: sha256 for name, sha256 in built.inputs.items() if before.inputs.get(name) != sha256}
    tables = {"files": files, "folders": looks, "inputs": inputs}
    changes = {name: before.changes.get(name, {}) | table for name, table in tables.items()}
    return LastTree(before.id, seen, report_of(built), before.files, before.folders, before.inputs, changes)
