"""The build graph: what has to be made anew, and why; all else stays as the last build left it.

A source is read again where it looks different, a page is converted again where its text differs, and a file is made
again where a question that was asked for it has another answer (ssg.cache.tracing). Where only bodies changed, the
site's structure stands: which pages there are, their order, their tags. Its questions are then answered from memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sealpress.frozen import frozen
from ssg.build.read import ReadSources
from ssg.cache.answers import KnownAnswers
from ssg.cache.codec import at
from ssg.cache.last_build import KeptOutput, LastBuild, seen_sha256, sha256_of
from ssg.cache.table import Plain
from ssg.cache.tracing import GONE, Key, Scope
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.queries.site_queries import SiteQueries

FIRST: Final = "nothing was built into this folder before"
OTHER: Final = "sealpress or its tools are other versions"
CODE: Final = "the code that makes it is another version"
NEW: Final = "it is new"
TOUCHED: Final = "the file in the output folder was changed or is gone"

_kind_of = at(KeptOutput, "kind")


@frozen
class Stale:
    """A file to be made anew, and what asks for it: sentences, and questions whose answers changed."""

    file: OutputFile
    because: tuple[str | Key, ...]


class KnownFiles(Mapping[str, OutputFile]):
    """The files of the last build, each as an OutputFile when it is asked for."""

    def __init__(self, outputs: Mapping[str, tuple[Any, ...]], kinds: Mapping[str, OutputKind]) -> None:
        self._outputs = outputs
        self.kinds = kinds

    def __getitem__(self, path: str) -> OutputFile:
        kept = KeptOutput._make(self._outputs[path])
        return OutputFile(path, self.kinds[kept.kind], kept.subject, kept.origin)

    def __contains__(self, path: object) -> bool:
        return path in self._outputs

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


def changed_questions(
    queries: SiteQueries, known: KnownAnswers, parts: Iterable[Key], sources: Collection[str] | None, *, structure: bool
) -> list[Key]:
    """The questions whose answers, as they are known, are others now.

    `parts` are those about settings and the theme. `sources` are the pages and data files whose facts may have changed,
    None: all. `structure`: whether queries may have.
    """
    asked: dict[Key, object] = {key: known.answer(key) for key in parts}
    facts = _named(Scope.FACT)
    if sources is None or structure:
        names = (facts if sources is None else frozenset()) | (_named(Scope.QUERY) if structure else frozenset())
        asked |= dict(known.named(names))
    for source in sorted(sources or ()):
        asked |= {key: known.answer(key) for fact in sorted(facts) for key in [(fact, source)]}
    return queries.changed({key: answer for key, answer in asked.items() if answer is not GONE})


def _named(scope: Scope) -> frozenset[str]:
    """The questions of a scope."""
    return frozenset(name for name, question in SiteQueries.declared.items() if question.scope is scope)


def stale(
    files: Mapping[str, OutputFile],
    last: LastBuild,
    hits: Mapping[str, Sequence[Key]],
    touched: Collection[str],
    reading: ReadSources,
) -> Iterator[Stale]:
    """Those of the jobs whose file isn't what it would be if it were made now.

    `hits` are the questions with other answers by the files that asked them, `touched` the files that are not as the
    last build left them.
    """
    changed = dict.fromkeys(key for keys in hits.values() for key in keys)
    copied = reading.sources
    known = files if isinstance(files, KnownFiles) and not last.elsewhere else None
    for path in files if known is None else _suspects(known, last, hits, touched, reading.changed_files):
        file = files[path]
        if known is not None and path in hits and path not in touched:  # a template's edit reaches all pages
            yield Stale(file, tuple(hits[path]))
            continue
        plain_output = last.outputs.get(path)
        old = KeptOutput._make(plain_output) if plain_output else None
        if last.elsewhere:
            yield Stale(file, (FIRST,))
        elif old is None or (old.kind, old.subject) != (file.kind.name, file.subject):
            yield Stale(file, _new(file, last, copied, changed))
        elif last.kinds.get(old.kind) != file.kind.code:
            yield Stale(file, (CODE,))
        elif path in touched:
            yield Stale(file, (TOUCHED,))
        elif file.kind.is_copy and seen_sha256(copied[file.subject]) != sha256_of(last.files[path]):
            yield Stale(file, (f"content of {file.subject}",))
        elif path in hits:
            yield Stale(file, tuple(hits[path]))


def _suspects(
    known: KnownFiles,
    last: LastBuild,
    hits: Collection[str],
    touched: Collection[str],
    changed_files: Collection[str],
) -> Iterable[str]:
    """The files that have to be looked at where the tree has those that it had: only what can have changed."""
    suspects = {*hits, *touched}
    if changed_files:
        copies = {kind.name for kind in known.kinds.values() if kind.is_copy}
        suspects.update(path for path, output in last.outputs.items() if _kind_of(output) in copies)
    return filter(suspects.__contains__, last.outputs)


def _new(
    file: OutputFile, last: LastBuild, sources: Mapping[str, Plain], changed: Iterable[Key]
) -> tuple[str | Key, ...]:
    """Why a file that the last build did not make is made: where all are, not since it is new itself."""
    if not last.outputs:
        return (OTHER if last.world else FIRST,)
    if file.kind.named_by and (old := last.sources.get(file.subject)):
        # Its name follows from these, so it has another one.
        if seen_sha256(old) != seen_sha256(sources[file.subject]):
            return (f"content of {file.subject}",)
        return tuple(key for key in changed if key[0] in file.kind.named_by) or (NEW,)
    return (NEW,)
