"""Rendered files in the store: what was rendered before, on another branch or into another folder, isn't again.

All that a file is made of is in the questions that were asked for it and their answers (ssg.cache.tracing). So a file
is kept by a digest of these; and which questions to look at is known from the last build that made the file.
"""

import hashlib
from dataclasses import dataclass, field

from ssg.cache import software
from ssg.cache.answers import KnownAnswers
from ssg.cache.codec import at
from ssg.cache.last_build import KeptOutput, LastBuild
from ssg.cache.store import Store
from ssg.cache.tracing import GONE, Key, Trace, digest
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.queries.site_queries import SiteQueries

_made_of = at(KeptOutput, "kind", "subject")


@dataclass(slots=True)
class ReusableFiles:
    """The rendered files of all builds that shared a store. `tools` are the versions of what renders."""

    store: Store
    queries: SiteQueries
    last: LastBuild
    known: KnownAnswers
    tools: tuple[str, ...]
    _digests: dict[Key, bytes] = field(default_factory=dict)

    def prepare(self) -> None:
        """Pays once for what every process would pay for, before the work is shared."""
        self.known.keys(b"")
        software.digest()

    def find(self, file: OutputFile) -> tuple[bytes, Trace] | None:
        """What the file holds if it was rendered before with the answers of today; with the questions."""
        old = self.last.outputs.get(file.path)
        if not file.kind.is_reusable or not old or _made_of(old) != (file.kind.name, file.subject):
            return None
        trace = frozenset(self.known.keys(self.last.traces[file.path]))
        key = self._key(file, trace)
        content = self.store.get(key) if key else None
        return (content, trace) if content is not None else None

    def keep(self, file: OutputFile, trace: Trace, content: bytes, sha256: str) -> None:
        """Keeps what a file holds, of which `sha256` is the digest."""
        if file.kind.is_reusable and (key := self._key(file, trace)):
            self.store.put(key, content, sha256=sha256)

    def _key(self, file: OutputFile, trace: Trace) -> str:
        """Empty where a question has no answer any more."""
        known = self._digests
        found = [known.get(key) or self._digest(key, keep=key[1:2] != (file.subject,)) for key in trace]
        if not all(found):
            return ""
        what = "\0".join([software.digest(), file.kind.code, *self.tools, file.kind.name, file.subject, ""])
        return hashlib.sha256(what.encode("utf-8", "surrogatepass") + b"".join(sorted(found))).hexdigest()

    def _digest(self, key: Key, *, keep: bool) -> bytes:
        """Of a question and its answer: as this build knows it, else as the last one did where that is still true.

        What other files will hardly ask is not worth to `keep`.
        """
        answer = self.queries.recorded(key)
        if answer is GONE:
            answer = self.known.peek(key)
        if answer is GONE:
            answer = self.queries.asked_again(key)
        found = b"" if answer is GONE else digest((key, answer))
        if keep:
            self._digests[key] = found
        return found
