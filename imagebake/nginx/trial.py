"""The sealed nginx reads its own configuration, before anything is written: what it refuses, a host would find out.

Our rules for [image] are as strict as nginx. This finds what they miss, where the machine can: bubblewrap, and an image
for its own processor. The lock names the program, and a repository may bring the lock. So it runs with nothing of this
machine in sight, no network, no rights, and for a short time: never by the image's own loader, which isolates nothing.

What it has once taken is remembered by the digests of the configuration and of the packages.
"""

import hashlib
import platform
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from imagebake.fetch import cache
from imagebake.image.layers import Layer
from imagebake.nginx import configuration
from sealpress.config.document import Node
from sealpress.config.settings import Architecture
from sealpress.files import scratch as folders
from sealpress.problems import EXCERPT, Place, Problem, printable

_PORT: Final = 8080  # nothing else is there to listen on it
_SECONDS: Final = 10
_MEMORY: Final = 1 << 30  # bytes of address space
_SAID: Final = 64 << 10  # bytes that are read of what it says
_MACHINES: Final[dict[str, Architecture]] = {"x86_64": "amd64", "aarch64": "arm64"}
_REFUSED: Final = re.compile(r"nginx: \[emerg\] (.*)|\[emerg\] [0-9]+#[0-9]+: (.*)")
_LINE: Final = re.compile(r" in /?[^ ]*/nginx\.conf:([0-9]+)$")

# Where a directive's words come from, by what stands on its line.
_KEYS: Final = (
    (re.compile(r'add_header "?([^ "]+)'), "headers"),
    (re.compile("set_real_ip_from "), "trusted_proxies"),
    (re.compile(r"language|Accept-Language"), "negotiate_languages"),
    (re.compile(r"\$moved_|\$gone"), "redirects"),
    (re.compile("log_format|access_log"), "log"),
)


def check(layers: Iterable[Layer], architecture: Architecture, document: Node | None = None) -> None:
    """Whether nginx takes its configuration. `layers` hold both, and the libraries; they are for this architecture.

    `document` is site.toml as it was read, for places. Raises Problem (exit 3) where it does not; and as the layers do.
    """
    if _MACHINES.get(platform.machine()) != architecture:
        return
    held = tuple(layers)
    known = "trials/" + hashlib.sha256("\n".join(layer.diff_id for layer in held).encode()).hexdigest()
    if cache.recalled(known) is not None:
        return
    from imagebake.nginx import runners  # noqa: PLC0415 - few bakes have a configuration that is new

    if not runners.has_bubblewrap():
        return
    with folders.folder("trial") as folder:
        root, own = folder / "root", folder / "scratch"
        own.mkdir()
        runners.unpack(held, root)
        said = reason(root, own)
        conf = (root / configuration.FOLDER / "nginx.conf").read_text("utf-8")
    if said is None:
        cache.remember(known, b"")
    elif said:
        raise _problem(said, conf, document)


def reason(root: Path, scratch: Path, seconds: float = _SECONDS) -> str | None:
    """Why the nginx in this root file system refuses its configuration, in its words; None where it takes it.

    "" where it can't be told: it could not be started, or did not end.
    """
    import resource  # noqa: PLC0415

    from imagebake.nginx import runners  # noqa: PLC0415

    start, *rest = runners.Bubblewrap().command(root, _PORT, "", scratch)
    command = [start, "--unshare-net", "--new-session", "--die-with-parent", *rest, "-t"]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError:
        return ""
    with process:
        with suppress(OSError, ValueError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        try:
            said = _said(process, seconds)
        finally:
            process.kill()
    if process.returncode == 0:
        return None
    return next((found[1] or found[2] for found in _REFUSED.finditer(said)), "")


def _said(process: "subprocess.Popen[bytes]", seconds: float) -> str:
    """What it says, as far as that is of interest, within its time."""
    import threading  # noqa: PLC0415

    assert process.stderr  # noqa: S101 - it is a pipe
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        said = process.stderr.read(_SAID)
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        timer.cancel()
    return said.decode("utf-8", "replace")


def _problem(said: str, conf: str, document: Node | None) -> Problem:
    lines = conf.splitlines()
    found = _LINE.search(said)
    number = int(found[1]) if found else 0
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    key, place = _key(line, document)
    where = f" ({line[:EXCERPT]})" if line else ""
    return Problem(
        f"nginx would refuse this site: {printable(_LINE.sub('', said), keep='')}{where}",
        place=place,
        hint=f"see {key} in site.toml" if key else "see [image] in site.toml, and the names in the tree",
    )


def _key(line: str, document: Node | None) -> tuple[str, Place | None]:
    """The key of site.toml that a line of nginx.conf comes from, and where it stands."""
    for pattern, key in _KEYS:
        if found := pattern.search(line):
            path = ("image", key, *found.groups())
            node = document.at(*path) if document else None
            return f"[image] {' '.join(path[1:])}", node.place if node else None
    return "", None
