"""What is inside a container: files of its volumes, and programs of its image that are run beside its own.

Source: Docker Engine API v1.41, "Container" (archive) and "Exec"; Podman's compatible API has the same.
"""

import io
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import PurePosixPath
from typing import Final

from docker import APIClient
from docker.errors import NotFound, create_api_error_from_http_exception
from requests import HTTPError

from publish.engines import shapes
from sealpress.frozen import frozen

_END_SECONDS: Final = 5.0  # from its last word until it is told
_PAUSE: Final = 0.02
_PIECE: Final = 1 << 16
_FRAME: Final = 8  # bytes before what was written: to where, three of nothing, how much
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

    def run(self, container_id: str, command: Sequence[str]) -> tuple[int, str]:
        """The exit code of a program, and what it said.

        Somebody is attached to it: else some Podmans never tell that it ended, and keep files of it for ever.
        """
        made = shapes.identifier(self.calls.exec_create(container_id, list(command)), "Id")
        # Not docker-py's exec_start, which asks to be upgraded to another protocol.
        address = f"{self.calls.base_url}/v{self.calls.api_version}/exec/{made}/start"
        told = {"Detach": False, "Tty": False}
        with closing(self.calls.post(address, json=told, stream=True, timeout=self.calls.timeout)) as answer:
            try:
                answer.raise_for_status()
            except HTTPError as error:
                create_api_error_from_http_exception(error)
            said = b"".join(_frames(b"".join(answer.iter_content(_PIECE)))).decode("utf-8", "replace")
        until = time.monotonic() + _END_SECONDS
        while shapes.find(ended := self.calls.exec_inspect(made), bool, "Running") and time.monotonic() < until:
            time.sleep(_PAUSE)
        if (code := shapes.find(ended, int, "ExitCode")) is None:
            raise shapes.Misshapen("does not tell how a program ended")
        return code, said


def _frames(stream: bytes) -> Iterator[bytes]:
    """What was written, without whether it was to stdout or stderr."""
    while stream:
        size = int.from_bytes(stream[4:_FRAME], "big")
        yield stream[_FRAME : _FRAME + size]
        stream = stream[_FRAME + size :]
