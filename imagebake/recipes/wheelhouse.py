"""Where wheels come from: the machine's own pip and its index, into the cache. No index has its name in this program.

    <cache>/wheels/SHA256    pinned wheels

pip is asked for one version with one hash, and takes nothing else; it installs nothing and runs nothing. What it
brings is hashed again, each time that it is used (wheels.load).
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from imagebake.fetch import cache
from imagebake.fetch.cache import Pinned, is_intact
from imagebake.recipes.wheels import MACHINES, Pin, Wheel, load
from sealpress.commands.console import SILENT, Progress
from sealpress.files import scratch
from sealpress.problems import LockProblem, MachineProblem, Problem

_SECONDS: Final = 300
_GLIBC: Final = (17, 24, 26, 27, 28, 31, 34, 35, 36, 38, 39, 40, 41)  # of manylinux tags; Debian 13 has 2.41


def gather(
    pins: Iterable[Pin], python: str, folder: Path | None = None, progress: Progress = SILENT
) -> tuple[Wheel, ...]:
    """The wheels, verified, in the order given; `python` as "3.13". With a warm cache nothing is fetched.

    `folder` is the cache, else the user's. Raises Problem (exit 4; 9 where there is no pip).
    """
    base = (cache.folder() if folder is None else folder) / "wheels"
    found: list[Wheel] = []
    for pin in pins:
        file = base / pin.sha256
        if not is_there(file, pin):
            with progress.track(f"{pin.name} {pin.version}", 1) as advance:
                _fetch(pin, python, file)
                advance(1)
        found.append(load(file, pin))
    return tuple(found)


def is_there(file: Path, pin: Pin) -> bool:
    """Whether the cache has the wheel, whole."""
    try:
        size = file.stat().st_size
    except OSError:
        return False
    return is_intact(file, Pinned(pin.name, pin.sha256, size))


def _fetch(pin: Pin, python: str, file: Path) -> None:
    with scratch.folder("wheel") as folder:
        wanted = folder / "requirements.txt"
        wanted.write_text(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8")
        # -P: a pip.py in the folder where one stands is not pip.
        command = [
            *(sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(wanted)),
            *("--dest", str(folder / "wheels"), *_target(pin, python)),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise _gone(pin, f"pip did not answer within {_SECONDS} seconds") from None
        except OSError as error:
            raise MachineProblem(f"can't start pip: {error.strerror}") from None
        if "No module named pip" in done.stderr:
            raise MachineProblem(
                f"this Python has no pip to fetch the wheel {pin.name} with",
                hint="install it: python3 -m ensurepip, or Debian's python3-pip",
            )
        brought = sorted((folder / "wheels").glob("*.whl"))
        if done.returncode or len(brought) != 1:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
            raise _gone(pin, said[-1].removeprefix("ERROR: ") if said else "pip does not say why")
        data = brought[0].read_bytes()
    if hashlib.sha256(data).hexdigest() != pin.sha256:
        raise _gone(pin, "pip brought another file")
    cache.keep(file, [data])
    if not file.is_file():
        raise MachineProblem(
            f"can't write the cache at {file.parent}", hint="make room there, or set SEALPRESS_CACHE to another folder"
        )


def _target(pin: Pin, python: str) -> list[str]:
    """For the image's Python, whichever runs this; a wheel for all machines needs no platform."""
    digits = python.replace(".", "")
    options = ["--python-version", python, "--implementation", "cp"]
    options += [word for abi in (f"cp{digits}", "abi3", "none") for word in ("--abi", abi)]
    machine = MACHINES[pin.architecture or "amd64"]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    return [*options, *(word for platform in platforms for word in ("--platform", platform))]


def _gone(pin: Pin, why: str) -> Problem:
    return LockProblem(
        f"can't fetch the wheel {pin.name} {pin.version}: {why}",
        hint="check the network and pip's configuration; if the project has taken the file back, pin another version",
    )
