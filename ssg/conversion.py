"""Many bodies at once: those that were converted before come from the store, the rest are shared among the cores.

A conversion is a function of text, options and language, so neither the store nor the number of workers can change a
byte: both only change who does the work.
"""

import hashlib
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from sealpress.console import Progress
from ssg.l10n.language import Language
from ssg.markup.converted import Converted, Fault, Heading, Link, MarkdownOptions
from ssg.markup.converter import convert
from ssg.store import Store

ALONE: Final = 40  # bodies that one process converts before others have started
_SLICES: Final = 32  # of each worker's share: small enough to show progress, large enough to be cheap to hand over


@dataclass(frozen=True, slots=True)
class Job:
    """One body to convert."""

    text: str
    options: MarkdownOptions
    language: Language


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where conversions are kept, and by how many processes they are made. `tools` are versions they depend on."""

    store: Store | None = None
    workers: int = 1
    tools: Mapping[str, str] = field(default_factory=dict)

    def convert(self, jobs: Sequence[Job], progress: Progress) -> list[Converted]:
        """The conversions, in the order of the jobs."""
        keys = [self._key(job) for job in jobs]
        done = {key: found for key in dict.fromkeys(keys) if (found := self._recall(key))}
        missing = {key: job for key, job in zip(keys, jobs, strict=True) if key not in done}
        with self._pool(len(missing)) as pool:
            slices = _sliced(list(missing), self.workers * _SLICES)
            futures = (
                {pool.submit(_convert_all, [missing[key] for key in keys]): keys for keys in slices} if pool else {}
            )
            with progress.track("Converting pages", len(jobs)) as advance:
                advance(len(jobs) - len(missing))
                for _ in self._collected(futures, done):
                    advance(1)
                left = {key: job for key, job in missing.items() if key not in done}
                for _ in self._made(left, done):
                    advance(1)
        if self.store and missing:
            self.store.trim()
        return [done[key] for key in keys]

    def _made(self, missing: Mapping[str, Job], done: dict[str, Converted]) -> Iterator[str]:
        for key, job in missing.items():
            self._keep(key, done, encoded(convert(job.text, job.options, job.language)))
            yield key

    def _collected(
        self, futures: Mapping["Future[list[bytes]]", list[str]], done: dict[str, Converted]
    ) -> Iterator[str]:
        # A worker that was killed takes the pool with it: what is left then is done here.
        with suppress(BrokenProcessPool):
            for future in as_completed(futures):
                for key, data in zip(futures[future], future.result(), strict=True):
                    self._keep(key, done, data)
                    yield key

    def _keep(self, key: str, done: dict[str, Converted], data: bytes) -> None:
        done[key] = decoded(data)
        if self.store:
            self.store.put(key, data)

    def _recall(self, key: str) -> Converted | None:
        data = self.store.get(key) if self.store else None
        return decoded(data) if data else None

    def _key(self, job: Job) -> str:
        parts = [job.text, json.dumps(astuple(job.options)), job.language.tag, code_digest()]
        parts += [f"{name} {version}" for name, version in sorted(self.tools.items())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @contextmanager
    def _pool(self, count: int) -> Iterator[ProcessPoolExecutor | None]:
        """Processes that are forked before anything else starts a thread, or None where one process does it sooner."""
        if self.workers < 2 or count < ALONE:
            yield None
            return
        # Paid once, before the fork, instead of once in each worker.
        _warm_up()
        with ProcessPoolExecutor(self.workers, mp_context=get_context("fork"), initializer=_deaf) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _sliced(keys: list[str], count: int) -> list[list[str]]:
    return [part for start in range(count) if (part := keys[start::count])]


def _convert_all(jobs: list[Job]) -> list[bytes]:
    return [encoded(convert(job.text, job.options, job.language)) for job in jobs]


def _deaf() -> None:
    """Ctrl-C reaches the whole group of processes; what it means is the first one's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _warm_up() -> None:
    from ssg.l10n.language import language  # noqa: PLC0415

    convert("```python\npass\n```", MarkdownOptions(), language("en"))


@cache
def code_digest() -> str:
    """Over the sources of what converts, so that an edit of sealpress itself is never answered from the store."""
    package = Path(__file__).parent
    sha = hashlib.sha256()
    for file in sorted([*package.glob("markup/*.py"), *package.glob("l10n/*.py")]):
        sha.update(file.read_bytes() + b"\0")
    return sha.hexdigest()


def encoded(body: Converted) -> bytes:
    """A Converted as JSON: read back as data, never as code."""
    data: list[Any] = [
        body.html,
        [astuple(link) for link in body.links],
        [astuple(link) for link in body.externals],
        [astuple(heading) for heading in body.headings],
        sorted(body.ids),
        body.summary_html,
        body.summary_text,
        body.plain_text,
        body.has_code,
        [astuple(fault) for fault in body.faults],
    ]
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> Converted:
    """The Converted that `encoded` gave these bytes for."""
    html, links, externals, headings, ids, summary_html, summary_text, plain_text, has_code, faults = json.loads(
        data.decode("utf-8", "surrogatepass")
    )
    return Converted(
        html,
        tuple(Link(*link) for link in links),
        tuple(Link(*link) for link in externals),
        tuple(Heading(*heading) for heading in headings),
        frozenset(ids),
        summary_html,
        summary_text,
        plain_text,
        has_code=has_code,
        faults=tuple(Fault(*fault) for fault in faults),
    )
