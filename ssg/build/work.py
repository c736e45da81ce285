"""What was made in a turn of an engine (ssg.build.engine), and what the next one should know of it."""

from dataclasses import dataclass, field, replace
from itertools import islice

from sealpress.tree.tree import cache_class, media_type
from ssg.build.prepare import Prepared
from ssg.build.render import SharedRendering, Staged
from ssg.build.stale import KnownFiles, Stale
from ssg.build.steps import Placed, remembered
from ssg.build.survey import Survey
from ssg.cache.last_build import KeptFile, KeptOutput, LastBuild
from ssg.cache.tracing import Scope, scope_of
from ssg.rendering.queries.site_queries import SiteQueries

_UNKNOWN = (0, 0, 0, 0)  # the stamp of what is in memory


@dataclass(slots=True)
class Work:
    """What was made of what was `prepared`, by path: why, what it gave, and what was asked for it.

    `is_spread`: it is known what is left; `is_surveyed`: it was looked where addresses in it lead to. `last` is what
    the next turn should know, but for the `new` ones among these files, and but for warnings.
    """

    prepared: Prepared
    rendering: SharedRendering
    stale: dict[str, Stale] = field(default_factory=dict)
    done: dict[str, Staged] = field(default_factory=dict)
    traces: dict[str, bytes] = field(default_factory=dict)
    is_spread: bool = False
    is_surveyed: bool = False
    last: LastBuild | None = None
    new: list[str] = field(default_factory=list)
    _asked: int = 0  # the questions that nobody had asked before, as `last` knows them

    def keep(self, stale: Stale, done: Staged) -> None:
        path = stale.file.path
        self.traces[path] = self.prepared.known.asked(done.trace)
        self.stale[path], self.done[path] = stale, replace(done, trace=frozenset())
        self.new.append(path)

    def remember(self) -> LastBuild:
        """What the next turn should know of all that was made so far. What takes long for a large site is done once,
        and while there is time: the next turn only adds to it.
        """
        prepared, known = self.prepared, self.prepared.known
        if self.last is None:
            self.last = _begun(prepared)
            self._asked = len(known.added)
        last = self.last
        for path in self.new:
            file, because, content = self.stale[path].file, self.stale[path].because, self.done[path].content
            assert content is not None  # noqa: S101 - or it was not made
            last.outputs[path] = tuple(KeptOutput(file.kind.name, file.subject, file.origin, because))
            last.traces[path] = self.traces[path]
            last.files[path] = _kept(path, content.sha256, content.size)
            looked = self.done[path].looked
            if looked and (looked.aims or path in last.aims):
                last.aims[path] = looked.aims
        self.new.clear()
        asked = islice(known.added, self._asked, None)
        last.parts += tuple(key for key in asked if scope_of(SiteQueries, key) is Scope.PART)
        self._asked, last.count, last.questions = len(known.added), known.count, known.table()
        last.images = {source: found for source, found in prepared.gallery.seen.items() if source in last.sources}
        return last


def _begun(prepared: Prepared) -> LastBuild:
    """What the next turn should know, as if nothing had been made."""
    last, files = prepared.last, prepared.files
    if isinstance(files, KnownFiles):
        placed = Placed(dict(last.outputs), dict(last.traces), dict(last.files), 0, 0)
    else:
        placed = Placed({}, {}, {}, 0, 0)
        for path, file in files.items():
            old = last.outputs.get(path)
            if old and KeptOutput._make(old)[:2] == (file.kind.name, file.subject):
                placed.outputs[path], placed.traces[path] = old, last.traces[path]
                placed.files[path] = last.files[path]
            else:  # nothing was asked for it yet
                placed.outputs[path] = tuple(KeptOutput(file.kind.name, file.subject, file.origin, ()))
                placed.traces[path], placed.files[path] = b"", _kept(path, "", 0)
    begun = remembered(prepared, Survey(prepared, lambda _: None), (), (), placed)
    begun.files = placed.files
    return begun


def _kept(path: str, sha256: str, size: int) -> tuple[object, ...]:
    return tuple(KeptFile(sha256, size, media_type(path), cache_class(path).value, _UNKNOWN))
