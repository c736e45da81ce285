"""The release state machine: from images to a verified, running site, with the old one answering until then.

    look ─▶ load ─▶ create ─▶ start ─▶ probe ─▶ flip ─▶ verify ─▶ prune ─▶ done
      │       │        │        │        │        │        │
      ▼       └────────┴───┬────┴────────┘        └───┬────┘
    failed ◀── discard ◀───┘◀──────── restore ◀───────┘

Candidates run beside the old servers, on ports of their own, and are probed there; readers never see them. Only then do
they change places. What fails before the flip is discarded, and the old servers were never touched; what fails in the
flip is taken back. The candidates stay until the new servers are verified, so candidates that are found on a host tell
that a publish died there: `look` then puts the host right first. Nothing is remembered between two publishes: every
state is read back from the host, by label.

Of several hosts, all are staged (look to probe) before the first is committed (flip, verify), and none is pruned before
all are committed. What fails on one is taken back on all.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from publish.deploy import commit, interrupts, stage
from publish.deploy.deployment import Deployment, Standing
from publish.deploy.interrupts import Interrupts
from publish.deploy.journal import PHASES, SHELTERED, TAKEN_BACK_BY, DeployStep, Event
from publish.engines.protocol import Container
from sealpress.problems import Problem, raise_all


@dataclass(frozen=True, slots=True)
class Outcome:
    """The release runs on a host as `generation`. `unchanged`: it did before, and nothing was done."""

    generation: int
    release: str
    servers: tuple[Container, ...]  # the site's first replica in front
    unchanged: bool
    warnings: tuple[str, ...]
    journal: tuple[Event, ...]

    @property
    def site(self) -> Container:
        return self.servers[0]


def deploy(deployments: Sequence[Deployment]) -> tuple[Outcome, ...]:
    """Runs the machine to its end, under each host's lock; the outcomes are in the order of the deployments.

    Raises Problem: exit 8 for a release that does not become healthy, else what an engine or a host said. Then, and
    after an interrupt too, the old servers answer, and what was made on the way is gone as far as the engines let it.
    """
    with ExitStack() as stack:
        for one in deployments:
            stack.enter_context(one.host.lock(one.line.name))
        held = stack.enter_context(interrupts.held_back())
        return _run([_HostRun(one, held, is_alone=len(deployments) == 1) for one in deployments], held)


def _run(hosts: "list[_HostRun]", held: Interrupts) -> tuple[Outcome, ...]:
    for phase in PHASES:
        for host in hosts:
            for step in phase:
                if not host.standing.unchanged and not host.take(step) and step in TAKEN_BACK_BY:
                    for one in reversed(hosts):
                        one.take_back()
                    _raise(sorted(hosts, key=lambda one: one is not host))
        if phase is PHASES[0]:
            _number(hosts)
    if held.is_pending or any(isinstance(error, KeyboardInterrupt) for host in hosts for error in host.failures):
        hosts[0].deployment.progress.note(f"the new release is out, as generation {hosts[0].standing.generation}")
        raise KeyboardInterrupt
    return tuple(host.outcome() for host in hosts)


def _number(hosts: "list[_HostRun]") -> None:
    """One generation has one number, whatever each host has had before."""
    generation = max(host.standing.generation for host in hosts)
    for host in hosts:
        if not host.standing.unchanged:
            host.standing = replace(host.standing, generation=generation)


class _HostRun:
    """One host on its way through the machine. Of several, messages name the host."""

    def __init__(self, deployment: Deployment, held: Interrupts, *, is_alone: bool) -> None:
        self.deployment = deployment
        self.standing = Standing()
        self.failures: list[BaseException] = []
        self._held = held
        self._is_alone = is_alone
        self._journal: list[Event] = []

    def take(self, step: DeployStep) -> bool:
        """Whether the step was done. What it raises is kept: a defect of ours must not leave a site down."""
        one = self.deployment
        began = one.clock.now()
        self.standing = replace(self.standing, detail="")
        was: Literal["done", "failed", "interrupted"] = "done"
        try:
            with self._held.let_in(when=step not in SHELTERED):
                self.standing = _ACTIONS[step](one, self.standing)
            detail = self.standing.detail
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - see above
            was = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            detail = error.message if isinstance(error, Problem) else repr(error)
            if isinstance(error, Problem) and not self._is_alone:
                error.message = f"{one.host.title}: {error.message}"
            self.failures.append(error)
        self._journal.append(Event(step, was, detail, one.clock.now() - began))
        one.record(self._journal[-1])
        return was == "done"

    def take_back(self) -> None:
        """Puts the host back to how it was found. Where nothing was begun, or nothing had to be, nothing happens."""
        if self._journal and not self.standing.unchanged:
            for step in TAKEN_BACK_BY[self._journal[-1].step]:
                self.take(step)

    def outcome(self) -> Outcome:
        failed = (str(error).replace("\n", "; ") for error in self.failures)
        return Outcome(
            self.standing.generation,
            self.deployment.release.release,
            self.standing.servers,
            self.standing.unchanged,
            (*self.standing.warnings, *failed),
            tuple(self._journal),
        )


def _raise(hosts: list[_HostRun]) -> None:
    """Ends a failed run: with what interrupted it, or with all Problems, the first cause in front, as its host is."""
    note = hosts[0].deployment.progress.note
    for host in hosts:
        for warning in host.standing.warnings:
            note(warning)
    failures = [error for host in hosts for error in host.failures]
    problems = [error for error in failures if isinstance(error, Problem)]
    if not isinstance(failures[0], Problem):
        for problem in problems:
            note(problem.message)
        raise failures[0]
    # What breaks one step, such as a connection that was cut, breaks the next one, too.
    raise_all(list({str(problem): problem for problem in problems}.values()))


_ACTIONS: Final[Mapping[DeployStep, Callable[[Deployment, Standing], Standing]]] = MappingProxyType(
    {
        DeployStep.LOOK: stage.look,
        DeployStep.LOAD: stage.load,
        DeployStep.CREATE: stage.create,
        DeployStep.START: stage.start,
        DeployStep.PROBE: stage.probe,
        DeployStep.FLIP: commit.flip,
        DeployStep.VERIFY: commit.verify,
        DeployStep.PRUNE: commit.prune,
        DeployStep.RESTORE: commit.restore,
        DeployStep.DISCARD: commit.discard,
    }
)
