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

Several hosts are staged (look to probe) side by side, and all of them before the first is committed (flip, verify).
They are committed one after the other, so that what fails on one is not seen on the next; the first may be a canary,
which is watched for a while. None is pruned before all are committed. What fails on one is taken back on all.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final, Literal

from publish.deploy import commit, interrupts, side_by_side, stage
from publish.deploy.deployment import Deployment, HostState
from publish.deploy.interrupts import Interrupts
from publish.deploy.journal import PHASES, SHELTERED, TAKEN_BACK_BY, DeployStep, Event
from publish.deploy.side_by_side import Stop, StoppableClock, StoppableProgress
from publish.engines.protocol import Container
from publish.releases.release import generation_of
from sealpress.frozen import frozen
from sealpress.problems import Exit, Problem, raise_all


@frozen
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

    Raises Problem: exit 8 for a release that does not become healthy, else what an engine or a host said; where readers
    were led to it already, exit 12. Then, and after an interrupt too, the old servers answer, and what was made on the
    way is gone as far as the engines let it. Exit 13 where they can't be made to answer.
    """
    with ExitStack() as stack:
        # In one order, whatever site.toml has: of two publishes at once, one gets all.
        for one in sorted(deployments, key=lambda one: one.host.title):
            stack.enter_context(one.host.lock(one.line.name))
        held = stack.enter_context(interrupts.held_back())
        stop = Stop()
        return _run([_HostRun(one, stop, is_alone=len(deployments) == 1) for one in deployments], held, stop)


def _run(hosts: "list[_HostRun]", held: Interrupts, stop: Stop) -> tuple[Outcome, ...]:
    for phase in PHASES:
        is_committing = DeployStep.FLIP in phase
        for group in [[host] for host in hosts] if is_committing else [hosts]:
            if failed := _through(group, phase, held, stop):
                _take_back(hosts, held, stop)
                _raise(sorted(hosts, key=lambda one: one is not failed))
        if phase is PHASES[0]:
            _number(hosts)
    if held.is_pending or any(isinstance(error, KeyboardInterrupt) for host in hosts for error in host.failures):
        hosts[0].deployment.progress.note(f"the new release is out, as generation {hosts[0].state.generation}")
        raise KeyboardInterrupt
    return tuple(host.outcome() for host in hosts)


def _through(hosts: "list[_HostRun]", phase: Sequence[DeployStep], held: Interrupts, stop: Stop) -> "_HostRun | None":
    """Takes hosts through a phase, side by side. Gives the one for which the release has to be taken back."""
    if len(hosts) == 1:
        return hosts[0] if hosts[0].through(phase, held) else None
    failed: list[_HostRun] = []

    def work(host: _HostRun) -> None:
        if host.through(phase, stop):
            failed.append(host)
            stop.tell()

    if side_by_side.run([partial(work, host) for host in hosts], held, stop) and not any(
        host.problems for host in failed
    ):
        # Where all were through before they heard of it, too.
        hosts[0].failures.insert(0, KeyboardInterrupt())
        return hosts[0] if phase[0] in TAKEN_BACK_BY else None
    return failed[0] if failed else None


def _take_back(hosts: "list[_HostRun]", held: Interrupts, stop: Stop) -> None:
    """Puts each back to how it was found, and tells of several how each stands then."""
    stop.forget()
    if len(hosts) == 1:
        hosts[0].take_back(held)
        return
    side_by_side.run([partial(host.take_back, stop) for host in hosts], held, stop, is_sheltered=True)
    for host in hosts:
        host.deployment.progress.note(host.standing)


def _number(hosts: "list[_HostRun]") -> None:
    """One generation has one number, whatever each host has had before."""
    generation = max(host.state.generation for host in hosts)
    for host in hosts:
        if not host.state.unchanged:
            host.state = replace(host.state, generation=generation)


class _HostRun:
    """One host on its way through the machine. Of several, messages name the host."""

    def __init__(self, deployment: Deployment, stop: Stop, *, is_alone: bool) -> None:
        self.state = HostState()
        self.failures: list[BaseException] = []
        self.deployment = deployment
        self._is_alone = is_alone
        self._journal: list[Event] = []
        if not is_alone:
            progress, clock = StoppableProgress(deployment.progress, stop), StoppableClock(deployment.clock, stop)
            self.deployment = replace(deployment, progress=progress, clock=clock)

    def through(self, phase: Sequence[DeployStep], gate: Interrupts | Stop) -> bool:
        """Takes the steps of a phase, as far as they go. Whether one failed that has to be taken back."""
        for step in phase:
            if self.state.unchanged or (step is DeployStep.WATCH and not self.deployment.watch):
                continue
            if not self.take(step, gate) and step in TAKEN_BACK_BY:
                return True
        return False

    def take(self, step: DeployStep, gate: Interrupts | Stop) -> bool:
        """Whether the step was done. What it raises is kept: a defect of ours must not leave a site down."""
        one = self.deployment
        began = one.clock.now()
        self.state = replace(self.state, detail="")
        was: Literal["done", "failed", "interrupted"] = "done"
        try:
            with gate.let_in(when=step not in SHELTERED):
                self.state = _ACTIONS[step](one, self.state)
            detail = self.state.detail
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - see above
            was = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            detail = error.message if isinstance(error, Problem) else repr(error)
            if isinstance(error, Problem) and not self._is_alone:
                error.message = f"{one.host.title}: {error.message}"
            self.failures.append(error)
        self._journal.append(Event(step, was, detail, one.clock.now() - began))
        one.record(self._journal[-1])
        return was == "done"

    def take_back(self, gate: Interrupts | Stop) -> None:
        """Puts the host back to how it was found. Where nothing was begun, or nothing had to be, nothing happens."""
        if self._journal and not self.state.unchanged:
            for step in TAKEN_BACK_BY[self._journal[-1].step]:
                self.take(step, gate)

    @property
    def problems(self) -> list[Problem]:
        return [error for error in self.failures if isinstance(error, Problem)]

    @property
    def standing(self) -> str:
        """Of a host whose release was taken back: what its readers get, for a person."""
        old = ", ".join(dict.fromkeys(f"generation {generation_of(one)}" for one in self.state.before))
        steps = {event.step: event.outcome for event in self._journal}
        if steps.get(DeployStep.LOOK) != "done":
            return "was not touched"
        if DeployStep.RESTORE not in steps:
            return f"was not switched, and has {old or 'nothing'} as before"
        if steps[DeployStep.RESTORE] == "done":
            return f"was put back, and has {old or 'nothing'} as before"
        return f"needs a hand: {old or 'nothing'} ran before, and could not be put back"

    @property
    def exit(self) -> Exit | None:
        """What a failure means for readers; None where they never left what they had."""
        if any(problem.code is Exit.NEEDS_HAND for problem in self.problems):
            return Exit.NEEDS_HAND
        is_flipped = any(event.step is DeployStep.FLIP for event in self._journal)
        return Exit.ROLLED_BACK if is_flipped and self.state.before else None

    def outcome(self) -> Outcome:
        failed = (str(error).replace("\n", "; ") for error in self.failures)
        return Outcome(
            self.state.generation,
            self.deployment.release.release,
            self.state.servers,
            self.state.unchanged,
            (*self.state.warnings, *failed),
            tuple(self._journal),
        )


def _raise(hosts: list[_HostRun]) -> None:
    """Ends a failed run: with what interrupted it, or with all Problems, the first cause in front, as its host is."""
    note = hosts[0].deployment.progress.note
    for host in hosts:
        for warning in host.state.warnings:
            note(warning)
    failures = [error for host in hosts for error in host.failures]
    problems = [problem for host in hosts for problem in host.problems]
    code = max((host.exit for host in hosts if host.exit), default=None)
    for problem in problems:
        problem.code = code or problem.code
    is_told = isinstance(failures[0], KeyboardInterrupt) and code is Exit.NEEDS_HAND  # or nobody would see it
    if not isinstance(failures[0], Problem) and not is_told:
        for problem in problems:
            note(str(problem))
        raise failures[0]
    if code is Exit.ROLLED_BACK and not problems[0].hint:
        problems[0].hint = "it was rolled back: readers have again what they had before"
    # What breaks one step, such as a connection that was cut, breaks the next one, too.
    raise_all(list({str(problem): problem for problem in problems}.values()))


_ACTIONS: Final[Mapping[DeployStep, Callable[[Deployment, HostState], HostState]]] = MappingProxyType(
    {
        DeployStep.LOOK: stage.look,
        DeployStep.LOAD: stage.load,
        DeployStep.CREATE: stage.create,
        DeployStep.START: stage.start,
        DeployStep.PROBE: stage.probe,
        DeployStep.FLIP: commit.flip,
        DeployStep.VERIFY: commit.verify,
        DeployStep.WATCH: commit.watch,
        DeployStep.PRUNE: commit.prune,
        DeployStep.RESTORE: commit.restore,
        DeployStep.DISCARD: commit.discard,
    }
)
