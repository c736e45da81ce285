"""The release state machine: from an image to a verified, running site, with the old one answering until then.

    look ─▶ load ─▶ create ─▶ start ─▶ probe ─▶ flip ─▶ verify ─▶ prune ─▶ done
      │       │        │        │        │        │        │
      ▼       └────────┴───┬────┴────────┘        └───┬────┘
    failed ◀── discard ◀───┘◀──────── restore ◀───────┘

A candidate runs beside the old server, on a port of its own, and is probed there; readers never see it. Only then do
they change places. What fails before the flip is discarded, and the old server was never touched; what fails in the
flip is taken back. The candidate stays until the new server is verified, so a candidate that is found on a host tells
that a publish died there: `look` then puts the host right first. Nothing is remembered between two publishes: every
state is read back from the host, by label.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeVar

from publish.deploy import interrupts
from publish.deploy.flip import Flip, Replace
from publish.deploy.interrupts import Interrupts
from publish.deploy.journal import AFTER, SHELTERED, Event, Step
from publish.deploy.port_conflicts import check_free, check_silent, left_alone
from publish.engines.protocol import Container, ContainerSpec, Endpoint, Engine, Host, LoadedImage, Role, RunState
from publish.probing import probe
from publish.releases import history, prune, recovery
from publish.releases.line import ReleaseLine, overlap, readers_of
from sealpress import labels
from sealpress.console import SILENT, Progress
from sealpress.problems import Exit, Problem, raise_all

RESTORE_PAUSES: Final = (0.5, 2.0)  # before the second and the third attempt to put the old server back
LOG_LINES: Final = 20


Ship = Callable[[Engine, Progress], LoadedImage]
"""Brings the image to the engine, if it isn't there yet, and proves that it is the one that was baked."""


def _forget(event: Event) -> None:
    del event


@dataclass(frozen=True, slots=True)
class Job:
    """One release to be put on one host.

    `seal` is the digest of its statement; `published` is now, "2026-11-19T02:12:54Z"; "" for none. `port` is the
    image's own. `expectations` are further answers that the release must give, besides its id; `record` sees every line
    of the journal as it is written.
    """

    host: Host
    line: ReleaseLine
    release: str
    commit: str
    ship: Ship
    seal: str = ""
    published: str = ""
    subject: str = ""
    port: int = 8080
    expectations: tuple[probe.Expectation, ...] = ()
    keep: int = 3
    timeout: int = 60
    memory: int = 128
    flip: Flip = field(default_factory=Replace)
    progress: Progress = SILENT
    fetch: probe.Fetch = probe.fetch
    clock: probe.Clock = probe.SYSTEM_CLOCK
    record: Callable[[Event], None] = _forget

    @property
    def readers_label(self) -> str:
        return f"{self.line.labels[labels.READERS]} {self.memory}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What the machine knows so far. `before` are the servers that ran when it came."""

    generation: int = 0
    before: tuple[Container, ...] = ()
    image: LoadedImage | None = None
    candidate: Container | None = None
    server: Container | None = None
    unchanged: bool = False
    detail: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The site runs as `generation`. `unchanged`: it did before, and nothing was done."""

    generation: int
    release: str
    container: Container
    image: LoadedImage | None
    unchanged: bool
    warnings: tuple[str, ...]
    journal: tuple[Event, ...]


def switch(job: Job) -> Outcome:
    """Runs the machine to its end, under the host's lock.

    Raises Problem: exit 8 for a release that does not become healthy, else what the engine or the host said. Then, and
    after an interrupt too, the old server answers, and what was made on the way is gone as far as the engine let it.
    """
    with job.host.lock(job.line.name), interrupts.held_back() as held:
        return _run(job, held)


def _run(job: Job, held: Interrupts) -> Outcome:
    step, scene = Step.LOOK, Scene()
    journal: list[Event] = []
    failures: list[BaseException] = []
    while step not in (Step.DONE, Step.FAILED):
        began = job.clock.now()
        scene = replace(scene, detail="")
        try:
            with held.let_in(when=step not in SHELTERED):
                scene = _ACTIONS[step](job, scene)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a defect of ours must not leave a site down
            failures.append(error)
            was: Literal["failed", "interrupted"] = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            detail = error.message if isinstance(error, Problem) else repr(error)
            journal.append(Event(step, was, detail, job.clock.now() - began))
            step = AFTER[step][1]
        else:
            journal.append(Event(step, "done", scene.detail, job.clock.now() - began))
            step = Step.DONE if scene.unchanged else AFTER[step][0]
        job.record(journal[-1])
    if step is Step.FAILED:
        _raise(job, scene, failures)
    if any(isinstance(error, KeyboardInterrupt) for error in failures) or held.is_pending:
        job.progress.note(f"the new release is out, as generation {scene.generation}")
        raise KeyboardInterrupt
    warnings = (*scene.warnings, *(str(error).replace("\n", "; ") for error in failures))
    return Outcome(
        scene.generation, job.release, _known(scene.server), scene.image, scene.unchanged, warnings, tuple(journal)
    )


def _raise(job: Job, scene: Scene, failures: list[BaseException]) -> None:
    """Ends a failed run: with what interrupted it, or with all Problems, the first cause in front."""
    for warning in scene.warnings:
        job.progress.note(warning)
    problems = [error for error in failures if isinstance(error, Problem)]
    if not isinstance(failures[0], Problem):
        for problem in problems:
            job.progress.note(problem.message)
        raise failures[0]
    # What breaks one step, such as a connection that was cut, breaks the next one, too.
    raise_all(list({str(problem): problem for problem in problems}.values()))


# The steps. Each takes what is known and gives what is known after it; each can meet its own half-done work.


def _look(job: Job, scene: Scene) -> Scene:
    engine = job.host.engine
    everything = engine.containers()
    check_free(job.line, everything)
    for sentence in (*left_alone(job.line, everything), *recovery.settle(job.host, job.line)):
        job.progress.note(sentence)
    containers = history.containers(engine, job.line)
    running = tuple(one for one in containers if history.is_server(one) and one.state is RunState.RUNNING)
    if len(running) == 1 and _is_this(job, running[0]):
        return replace(
            scene,
            unchanged=True,
            generation=history.generation_of(running[0]),
            server=running[0],
            before=running,
            detail="this release already runs and answers",
        )
    if not any(overlap(readers_of(one), job.line.readers) for one in running):
        check_silent(job.host, job.line, job.fetch)
    # Also of containers that are another's, but are named like ours: a name is had once.
    named = (*containers, *filter(job.line.is_namesake, everything))
    generation = 1 + max(map(history.generation_of, named), default=0)
    return replace(scene, generation=generation, before=running, detail=f"generation {generation}")


def _is_this(job: Job, server: Container) -> bool:
    """Whether a server is this very release, made for the same readers, and answers."""
    wanted = _labels(job)
    if any(server.labels.get(name, "") != wanted.get(name, "") for name in (*wanted, labels.SEAL)):
        return False
    return _ask(job, server.id, (*probe.of_release(job.release), *job.expectations)) is None


def _load(job: Job, scene: Scene) -> Scene:
    image = job.ship(job.host.engine, job.progress)
    if (release := image.labels.get(labels.RELEASE, "")) != job.release:
        raise Problem(f"the image on the host is release {release or 'unknown'}, not {job.release}", code=Exit.ENGINE)
    return replace(scene, image=image, detail=_reference(job, image))


def _create(job: Job, scene: Scene) -> Scene:
    spec = _spec(job, scene, Role.CANDIDATE, Endpoint("127.0.0.1", 0))
    candidate = job.host.engine.create(spec)
    return replace(scene, candidate=candidate, detail=candidate.name)


def _start(job: Job, scene: Scene) -> Scene:
    candidate = _known(scene.candidate)
    job.host.engine.start(candidate.id)
    return replace(scene, detail=candidate.name)


def _probe(job: Job, scene: Scene) -> Scene:
    _must_answer(job, _known(scene.candidate), "the new release did not become healthy")
    return scene


def _flip(job: Job, scene: Scene) -> Scene:
    spec = _spec(job, scene, Role.SERVER, job.line.readers)
    server = job.flip.forward(job.host.engine, scene.before, spec)
    return replace(scene, server=server, detail=server.name)


def _verify(job: Job, scene: Scene) -> Scene:
    where = f"on the readers' port {job.line.readers.port}"
    _must_answer(job, _known(scene.server), f"the new release was healthy, but does not answer {where}")
    return scene


def _prune(job: Job, scene: Scene) -> Scene:
    warnings = prune.prune(job.host.engine, job.line, job.keep)
    return replace(scene, warnings=scene.warnings + warnings)


def _restore(job: Job, scene: Scene) -> Scene:
    """Tries more than once: a site that is down is worth it."""
    for pause in (*RESTORE_PAUSES, None):
        try:
            _back(job, scene)
            break
        except (Exception, KeyboardInterrupt) as error:
            if pause is None:
                said = error.message if isinstance(error, Problem) else repr(error)
                raise Problem(
                    f"the old release could not be put back: {said}",
                    hint="the site may be down: run publish again, or publish start, as soon as the host answers",
                    code=Exit.RELEASE,
                ) from error
            job.clock.sleep(pause)
    for old in scene.before:
        wrong = probe.wait(lambda old=old: _old_is_wrong(job, old), job.timeout, job.clock)  # type: ignore[misc]
        if wrong:
            raise Problem(
                f"the old release was started again, but does not answer rightly: {wrong}",
                hint="look at publish status, and at the container's logs on the host",
                code=Exit.RELEASE,
            )
    if scene.before:
        generations = ", ".join(str(history.generation_of(one)) for one in scene.before)
        job.progress.note(f"the old release, generation {generations}, answers again")
    return scene


def _back(job: Job, scene: Scene) -> None:
    servers = filter(history.is_server, history.containers(job.host.engine, job.line))
    new = tuple(one for one in servers if history.generation_of(one) == scene.generation)
    job.flip.back(job.host.engine, scene.before, new)


def _discard(job: Job, scene: Scene) -> Scene:
    """Takes away the candidate and every image of the line that no container is made from."""
    warnings = (
        *prune.remove_candidates(job.host.engine, job.line),
        *prune.prune_images(job.host.engine, job.line),
    )
    return replace(scene, warnings=scene.warnings + warnings)


_ACTIONS: Final[Mapping[Step, Callable[[Job, Scene], Scene]]] = MappingProxyType(
    {
        Step.LOOK: _look,
        Step.LOAD: _load,
        Step.CREATE: _create,
        Step.START: _start,
        Step.PROBE: _probe,
        Step.FLIP: _flip,
        Step.VERIFY: _verify,
        Step.PRUNE: _prune,
        Step.RESTORE: _restore,
        Step.DISCARD: _discard,
    }
)


def _labels(job: Job) -> dict[str, str]:
    """What two servers of the same release for the same readers have in common."""
    return {
        **job.line.labels,
        labels.RELEASE: job.release,
        labels.COMMIT: job.commit,
        labels.READERS: job.readers_label,
        labels.PORT: str(job.port),
        **({labels.SEAL: job.seal} if job.seal else {}),
    }


def _spec(job: Job, scene: Scene, role: Role, publish: Endpoint) -> ContainerSpec:
    told = {labels.PUBLISHED: job.published, labels.SUBJECT: job.subject}
    own = {labels.GENERATION: str(scene.generation), labels.ROLE: str(role)}
    marks = _labels(job) | own | {name: text for name, text in told.items() if text}
    return ContainerSpec(
        name=job.line.container_name(scene.generation, role),
        reference=_reference(job, _known(scene.image)),
        port=job.port,
        publish=publish,
        labels=MappingProxyType(marks),
        memory=job.memory,
        # A candidate that crashes shall stay down, so that it is seen.
        restart=role is Role.SERVER,
    )


def _reference(job: Job, image: LoadedImage) -> str:
    """The line's own name of the image, where it has several."""
    name = job.line.reference(image.labels)
    if name not in image.references:
        raise Problem(f"the image {image.id} has no name of {job.line.name} on the host", code=Exit.ENGINE)
    return name


def _must_answer(job: Job, container: Container, sentence: str) -> None:
    """Waits until a container answers as this release. Raises Problem (exit 8) with its last log lines."""
    expectations = (*probe.of_release(job.release), *job.expectations)

    def check_once() -> str | None:
        if wrong := _ask(job, container.id, expectations):
            now = job.host.engine.inspect(container.id)
            if now is None or now.state is RunState.EXITED:
                code = "" if now is None or now.exit_code is None else f" with code {now.exit_code}"
                raise _unhealthy(job, container, f"{sentence}: it ended{code}")
            return wrong
        return None

    if wrong := probe.wait(check_once, job.timeout, job.clock):
        raise _unhealthy(job, container, f"{sentence} in {job.timeout} s: {wrong}")


def _unhealthy(job: Job, container: Container, sentence: str) -> Problem:
    """Logs come from outside, and are worth more than the certainty of having them."""
    try:
        logs = job.host.engine.logs(container.id, LOG_LINES).strip("\n")
    except Problem as problem:
        logs = f"(no logs: {problem.message})"
    return Problem(sentence, code=Exit.RELEASE, said=logs.splitlines() or ["(it logged nothing)"])


def _old_is_wrong(job: Job, old: Container) -> str | None:
    return history.wrong_with(job.host, old, job.fetch)


def _ask(job: Job, container_id: str, expectations: tuple[probe.Expectation, ...]) -> str | None:
    """What is wrong with a container's answers, in one line; None where all is right."""
    return history.ask(job.host, container_id, job.port, expectations, job.fetch)


_T = TypeVar("_T")


def _known(value: _T | None) -> _T:
    """What an earlier step has left in the scene."""
    if value is None:
        raise AssertionError("a step ran before the one that it needs")
    return value
