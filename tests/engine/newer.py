"""A newer Docker than this machine's, in a root of its own: that of the suite that images are baked from; and what
Podman needs for networks on which containers know each other by name; a curl that speaks HTTP/3, and knows what a
server that goes away has not answered.

Their packages are locked, fetched and unpacked as those of an image are, with just the files that it needs to run.
"""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imagebake.image.layers import described
from imagebake.nginx import runners
from imagebake.packages import contents
from imagebake.packages.resolve import resolve
from imagebake.packages.selection import Root
from sealpress.config.settings import Architecture, ImageSettings
from tests.mirrors import require_mirror

CONTAINERD: Final = {"features": {"containerd-snapshotter": True}}
"""daemon.json of a Docker that keeps images in containerd's store."""

_FILTERS: Final = ("conntrack", "addrtype", "NAT", "MASQUERADE", "DNAT", "SNAT", "standard", "tcp", "udp")
_ROOTS: Final = (
    Root("docker.io", "usr/sbin/dockerd"),
    Root("docker.io", "usr/sbin/docker-proxy"),
    Root("containerd", "usr/bin/containerd"),
    Root("containerd", "usr/bin/containerd-shim-runc-v2"),
    Root("runc", "usr/sbin/runc"),
    Root("iptables", "usr/sbin/xtables-nft-multi"),
    *(Root("iptables", f"usr/lib/*/xtables/libxt_{name}.so") for name in _FILTERS),
)


_NAMES: Final = (Root("netavark", "usr/lib/podman/netavark"), Root("aardvark-dns", "usr/lib/podman/aardvark-dns"))


def podman_helpers(folder: Path) -> Path:
    """Makes a root in `folder`, which must be new; gives its folder of programs that Debian 12's Podman starts."""
    unpacked(folder, _NAMES, "bookworm")
    return folder / "usr/lib/podman"


def docker_root(folder: Path) -> Path:
    """Makes the root in `folder`, which must be new; about 180 MB."""
    unpacked(folder, _ROOTS, ImageSettings().suite)
    for name in ("iptables", "ip6tables"):
        (folder / "usr/sbin" / name).symlink_to("xtables-nft-multi")
    # Where dockerd leaves its number: on the machine's /run, which goes with the machine.
    (folder / "var").mkdir()
    (folder / "var/run").symlink_to("../run")
    return folder


def curl(folder: Path) -> tuple[str, ...]:
    """Makes a root in `folder`, which must be new; gives the command."""
    unpacked(folder, (Root("curl", "usr/bin/curl"),), ImageSettings().suite)
    (linker,) = (*folder.glob("lib*/ld-linux-*.so.*"),)
    (library,) = (*folder.glob("usr/lib/*-linux-gnu"),)
    return (str(linker), "--library-path", str(library), str(folder / "usr/bin/curl"))


def unpacked(folder: Path, roots: tuple[Root, ...], suite: str) -> None:
    """These files of a suite's packages with what they need to run; `folder` must be new."""
    architecture: Architecture = "arm64" if platform.machine() == "aarch64" else "amd64"
    settings = ImageSettings(architectures=(architecture,), suite=suite)
    require_mirror()
    now = datetime.now(UTC)  # noqa: TID251 - a real signature expires by the real clock
    lock = resolve(settings, roots, now=now)
    found = contents.layers_of(lock, architecture, settings)
    runners.unpack([described(one.name, lambda held=held: held, one.name) for one, held in found], folder)
