"""What is inside a container: files of its volumes, and programs of its image that are run beside its own.

Source: Docker Engine API v1.41, "Container" (archive) and "Exec"; Podman's compatible API has the same.
"""

import io
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import PurePosixPath
from typing import Final

from docker import APIClient
from docker.errors import NotFound

from publish.engines import shapes
from sealpress.frozen import frozen

_RUN_SECONDS: Final = 30.0
_LONG: Final = 0.16
_AROUND: Final = 1 << 16  # bytes of a tar beside those of its one file


@frozen
class Insides:
    """Of the containers of an engine. Its calls raise as docker-py does, and Misshapen."""

    calls: APIClient

    def write(self, container_id: str, path: str, data: bytes, owner: tuple[int, int]) -> None:
        """Puts a file into a volume of a container, which need not run. Nobody but its owner may read it."""
        told = tarfile.TarInfo(PurePosixPath(path).name)
        told.size, told.mode, (told.uid, told.gid) = len(data), 0o600, owner
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            tar.addfile(told, io.BytesIO(data))
        self.calls.put_archive(container_id, str(PurePosixPath(path).parent), archive.getvalue())

    def read(self, container_id: str, path: str, limit: int) -> bytes | None:
        """A file of a container, which need not run; None where it is not there. Raises Misshapen past the limit."""
        try:
            stream, _ = self.calls.get_archive(container_id, path)
        except NotFound:
            return None
        archive = bytearray()
        with closing(stream):
            for piece in stream:
                archive += piece
                if len(archive) > limit + _AROUND:
                    raise shapes.Misshapen(f"gives more than {limit} bytes as {path}")
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                found = next((one for one in tar if one.isfile()), None)
                file = tar.extractfile(found) if found else None
                return file.read(limit) if file else None
        except (tarfile.TarError, EOFError):
            raise shapes.Misshapen(f"gives no archive as {path}") from None

    def run(self, container_id: str, command: Sequence[str], done: Callable[[], bool]) -> int | None:
        """The exit code of a program, or 0 once it is `done`; None for one that goes on for too long.

        Some Podmans never tell that a program has ended which nobody is attached to.
        """
        made = shapes.identifier(self.calls.exec_create(container_id, list(command)), "Id")
        self.calls.exec_start(made, detach=True)
        until = time.monotonic() + _RUN_SECONDS
        pause = 0.01
        while shapes.find(told := self.calls.exec_inspect(made), bool, "Running") or (
            (code := shapes.find(told, int, "ExitCode")) is None
        ):
            if time.monotonic() > until:
                return None
            time.sleep(pause)
            if pause >= _LONG and done():
                return 0
            pause = min(2 * pause, _LONG)
        return code
