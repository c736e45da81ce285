"""The flip: how readers come from the old server to the new one, and back again where that fails."""

from typing import Final, Protocol

from publish.engines.protocol import Container, ContainerSpec, Engine, RunState

STOP_SECONDS: Final = 2  # nginx stops listening at once when asked to end: waiting longer only lengthens the gap


class Flip(Protocol):
    """How readers come from the old servers of a host to the new ones."""

    def forward(
        self, engine: Engine, old: tuple[Container, ...], new: tuple[ContainerSpec, ...]
    ) -> tuple[Container, ...]:
        """Creates the new servers and gives them the readers. Raises Problem wherever it stands; `back` mends that."""
        ...

    def back(self, engine: Engine, old: tuple[Container, ...], new: tuple[Container, ...]) -> None:
        """Gives the readers to the old servers again and removes the new. Can be called after any half of `forward`."""
        ...


class Replace:
    """Stops the old servers and starts the new ones on the same ports. Readers wait for a moment in between."""

    def forward(
        self, engine: Engine, old: tuple[Container, ...], new: tuple[ContainerSpec, ...]
    ) -> tuple[Container, ...]:
        # Created first, so that nothing but a stop and a start lies in the gap.
        servers = tuple(map(engine.create, new))
        for container in old:
            engine.stop(container.id, STOP_SECONDS)
        for container in servers:
            engine.start(container.id)
        return servers

    def back(self, engine: Engine, old: tuple[Container, ...], new: tuple[Container, ...]) -> None:
        for container in new:
            engine.remove(container.id)
        for container in old:
            now = engine.inspect(container.id)
            if now is None or now.state is not RunState.RUNNING:
                engine.start(container.id)
