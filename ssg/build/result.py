"""What a build gives: the tree as it stands, what it counts, what it warns of; and as plain data for the next one."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sealpress.frozen import frozen
from sealpress.git import repository as commits
from sealpress.problems import Problem, raise_all
from sealpress.tree.tree import CacheClass, OutputTree, TreeFile
from ssg.build.inputs import Inputs
from ssg.build.timing import Timings
from ssg.cache.codec import at
from ssg.cache.last_build import Changes, KeptFile, LastBuild, LastTree
from ssg.content.findings import as_faults, of_problem, problem

_size_of = at(KeptFile, "size")


@dataclass(frozen=True)
class Built:
    """A finished build. `pages` counts them by language; `drafts` and so on are sources that were left out, `scheduled`
    with the moments (ISO 8601) when they are due.

    `files` are those of the tree, plain (ssg.cache.last_build.KeptFile), in its order. `inputs` are the sha256 of all
    files that it was made from, by name: what a seal vouches for. `made` counts the files that were made anew, `kept`
    those that an earlier build had rendered; `written` are those among both that have other bytes than before.
    `warnings` are all that there are, by place, whatever was made anew.
    """

    root: Path
    files: Mapping[str, tuple[Any, ...]]
    digest: str
    pages: Mapping[str, int]
    posts: int
    drafts: tuple[str, ...] = ()
    scheduled: Mapping[str, str] = field(default_factory=dict)
    untracked: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    as_of: dt.datetime = field(default=commits.NO_DATE)
    inputs: Mapping[str, str] = field(default_factory=dict)
    made: int = 0
    kept: int = 0
    written: int = 0
    timings: Timings = field(default_factory=Timings)
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def tree(self) -> OutputTree:
        caches = {one.value: one for one in CacheClass}
        entries = tuple(
            TreeFile(path, file.sha256, file.size, file.media_type, caches[file.cache])
            for path, file in zip(self.files, map(KeptFile._make, self.files.values()), strict=True)
        )
        return OutputTree(self.root, entries, self.digest)

    @property
    def size(self) -> int:
        """Of all files together, in bytes."""
        return sum(map(_size_of, self.files.values()))


def report_of(built: Built) -> dict[str, Any]:
    """A build as plain data, less the files."""
    return {
        "digest": built.digest,
        "pages": dict(built.pages),
        "posts": built.posts,
        "drafts": built.drafts,
        "scheduled": built.scheduled,
        "as_of": built.as_of.isoformat(),
        "warnings": [of_problem(one) for one in built.warnings],
    }


def retold(tree: LastTree, root: Path, inputs: Inputs, timings: Timings) -> Built:
    """What `_report` was made from; nothing is made anew. Raises Problem or Problems (exit 3) where it is strict."""
    report = tree.report
    warnings = tuple(map(problem, report["warnings"]))
    if inputs.request.is_strict:
        raise_all(as_faults(warnings))
    return Built(
        root,
        files=tree.files,
        digest=report["digest"],
        pages=MappingProxyType(report["pages"]),
        posts=report["posts"],
        drafts=report["drafts"],
        scheduled=report["scheduled"],
        untracked=inputs.sources.left_out,
        leftovers=inputs.sources.leftovers,
        as_of=dt.datetime.fromisoformat(report["as_of"]),
        inputs=MappingProxyType(tree.inputs),
        timings=timings,
        warnings=warnings,
    )


@frozen
class Finished:
    """What a build gave, and what the next one should know of it.

    `changes` are all that is new in that, where it is little. `converted` counts the bodies and images
    that are others now.
    """

    built: Built
    build: LastBuild
    changes: Changes | None
    converted: int
