"""The flip: how readers come from the old server to the new one, and back again where that fails."""

from collections.abc import Callable
from typing import Final, Protocol

from publish.engines.protocol import Container, ContainerEngine, ContainerSpec, Endpoint, RunState

STOP_SECONDS: Final = 2  # nginx stops listening at once when asked to end: waiting longer only lengthens the gap


ReaderCheck = Callable[[Endpoint], str | None]
"""Looks at what answers at a port of the host: what is wrong with it, in one line; None where all is right."""


class Flip(Protocol):
    """How readers come from the old servers of a host to the new ones."""

    def prepare(self) -> None:
        """Brings what it needs to the host, before anything changes for readers there or on another host. Raises
        Problem.
        """
        ...

    def is_stale(self) -> bool:
        """Whether what it needs on the host has to be renewed, even where the release that runs is the wanted one."""
        ...

    def gap(self, old: tuple[Container, ...]) -> str:
        """Why nothing will answer for a moment, and that not as in each flip, for a person; "" where that is not so."""
        ...

    def forward(
        self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[ContainerSpec, ...]
    ) -> tuple[Container, ...]:
        """Creates the new servers and gives them the readers. Raises Problem wherever it stands; `back` mends that."""
        ...

    def back(self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[Container, ...]) -> None:
        """Gives the readers to the old servers again and removes the new. Can be called after any half of `forward`."""
        ...

    def served(self, running: tuple[Container, ...]) -> tuple[Container, ...]:
        """Those of the line's running servers that readers get."""
        ...

    def wrong_for_readers(self, check: ReaderCheck, before: tuple[Container, ...], *, is_last: bool) -> str | None:
        """What `check` finds where readers come in, with the servers that they had `before`; None where they come to
        the servers' own ports. `is_last`: there is no more time to wait for what may come still.
        """
        ...

    def retire(self, engine: ContainerEngine, old: tuple[Container, ...]) -> None:
        """Ends servers that readers no longer get, once the new ones are verified. Can be called again."""
        ...


class Replace:
    """Stops the old servers and starts the new ones on the same ports. Readers wait for a moment in between."""

    def prepare(self) -> None:
        pass

    def is_stale(self) -> bool:
        return False

    def gap(self, old: tuple[Container, ...]) -> str:
        del old
        return ""

    def forward(
        self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[ContainerSpec, ...]
    ) -> tuple[Container, ...]:
        # Created first, so that nothing but a stop and a start lies in the gap.
        servers = tuple(map(engine.create, new))
        for container in old:
            engine.stop(container.id, STOP_SECONDS)
        for container in servers:
            engine.start(container.id)
        return servers

    def back(self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[Container, ...]) -> None:
        for container in new:
            engine.remove(container.id)
        for container in old:
            now = engine.inspect(container.id)
            if now is None or now.state is not RunState.RUNNING:
                engine.start(container.id)

    def served(self, running: tuple[Container, ...]) -> tuple[Container, ...]:
        return running

    def wrong_for_readers(self, check: ReaderCheck, before: tuple[Container, ...], *, is_last: bool) -> str | None:
        del check, before, is_last
        return None

    def retire(self, engine: ContainerEngine, old: tuple[Container, ...]) -> None:
        """They were stopped in the flip."""
