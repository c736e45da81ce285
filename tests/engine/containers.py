"""Runs a sealed image in Docker or Podman by their command lines: as imagebake's own runners do.

The root file system becomes an image of the engine's own, under a name made from its path, and a container of it
listens on the machine's network, as a process of the other runners does. `forget` takes the image away again.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from imagebake.image import nss
from imagebake.image.oci import Runtime
from imagebake.nginx import configuration
from imagebake.nginx.runners import NO_VOLUMES, listen_conf
from sealpress.problems import Exit, Problem

_SECONDS: Final = 120
_SHOWN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class EngineRunner:
    """A Runner of imagebake's. The engine must reach the folders that it is given under the same paths."""

    name: Literal["docker", "podman"]

    def command(self, rootfs: Path, port: int, address: str, scratch: Path) -> Sequence[str]:
        """Raises Problem (exit 7, 9) where the engine does not take the image."""
        listen = scratch / "listen.conf"
        listen.write_text(listen_conf(address, port), encoding="utf-8")
        listen.chmod(0o644)
        over = f"type=bind,source={listen.absolute()},target=/{configuration.FOLDER}/listen.conf,readonly"
        user = f"{nss.USER}:{nss.GROUP}"
        return [*self._run(), "--user", user, "--mount", over, self._taken(rootfs), *configuration.ENTRYPOINT]

    def program(
        self, rootfs: Path, runtime: Runtime, arguments: Sequence[str] = (), volumes: Mapping[str, Path] = NO_VOLUMES
    ) -> Sequence[str]:
        """Raises Problem (exit 7, 9) where the engine does not take the image."""
        return [
            *self._run(),
            *("--user", runtime.user, "--workdir", runtime.working_dir),
            *(word for variable in runtime.environment for word in ("--env", variable)),
            *(
                word
                for path, folder in volumes.items()
                for word in ("--mount", f"type=bind,source={folder.absolute()},target={path}")
            ),
            *(self._taken(rootfs), *runtime.entrypoint, *arguments),
        ]

    def forget(self, rootfs: Path) -> None:
        """Removes what the engine holds of this root file system. Nothing of it there: nothing happens."""
        subprocess.run(
            [self.name, "image", "rm", "--force", _reference(rootfs)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )

    def _run(self) -> list[str]:
        alone = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")
        return [self.name, "run", "--rm", "--pull", "never", "--network", "host", *alone]

    def _taken(self, rootfs: Path) -> str:
        """The name of the image, which the engine has by then."""
        reference = _reference(rootfs)
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w") as packed:
                for path in sorted(rootfs.iterdir()):
                    packed.add(path, path.name)
            archive.seek(0)
            try:
                done = subprocess.run(
                    [self.name, "import", "-", reference],
                    stdin=archive,
                    capture_output=True,
                    timeout=_SECONDS,
                    check=False,
                )
            except FileNotFoundError:
                raise Problem(f"{self.name} is not installed", code=Exit.MACHINE) from None
            except subprocess.TimeoutExpired:
                raise Problem(f"{self.name} did not take the image in {_SECONDS} s", code=Exit.ENGINE) from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:]
            raise Problem(f"{self.name} did not take the image", said=said, code=Exit.ENGINE)
        return reference


def _reference(rootfs: Path) -> str:
    return f"localhost/sealpress-trial:{hashlib.sha256(str(rootfs.resolve()).encode()).hexdigest()[:16]}"
