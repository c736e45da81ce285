"""Runs a sealed image's nginx without an engine, from its own root file system, to try it or to serve from it. An
image that is no site's runs so, too: its own program, with its own environment.

    bubblewrap   the root file system is the process's whole world, read-only; needs bwrap and user namespaces
    ld.so        the image's own loader and libraries, on this machine's file system; needs nothing

Both run the sealed configuration itself. nginx takes its paths from a prefix, and where to listen from listen.conf: so
a prefix and a listen.conf of their own are all that a runner puts in place. Docker and Podman as runners of the same
kind are in the tests.
"""

import grp
import hashlib
import os
import platform
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from imagebake.image import nss, tar
from imagebake.image.entries import Directory, File, FileContent, Symlink
from imagebake.image.layers import Layer
from imagebake.image.oci import Runtime
from imagebake.nginx import configuration
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, TreeProblem

_NGINX: Final = "usr/sbin/nginx"
_TRIAL_SECONDS: Final = 10

NO_VOLUMES: Final[Mapping[str, Path]] = MappingProxyType({})


class Runner(Protocol):
    """How the image's nginx is started."""

    @property
    def name(self) -> str:
        """For a person."""
        ...

    def command(self, rootfs: Path, port: int, address: str, scratch: Path) -> Sequence[str]:
        """The arguments of a process that runs nginx in the foreground on this address and port.

        `rootfs` is only read; `scratch` is an empty folder of its own. SIGTERM ends it, SIGQUIT once all is answered.
        """
        ...

    def program(
        self, rootfs: Path, runtime: Runtime, arguments: Sequence[str] = (), volumes: Mapping[str, Path] = NO_VOLUMES
    ) -> Sequence[str]:
        """The arguments of a process that runs any image's own program, with `arguments` behind its own.

        `volumes`: which folder here stands for which of the image's. Raises Problem (exit 9) where this runner has no
        way to put one there.
        """
        ...


@frozen
class Bubblewrap:
    """In namespaces of its own, but for the network: it can see and change nothing outside."""

    name: str = "bubblewrap"

    def command(self, rootfs: Path, port: int, address: str, scratch: Path) -> Sequence[str]:
        listen = scratch / "listen.conf"
        listen.write_text(listen_conf(address, port), encoding="utf-8")
        return [
            "bwrap",
            *_NAMESPACES,
            *("--ro-bind", str(rootfs), "/"),
            *("--ro-bind", str(listen), f"/{configuration.FOLDER}/listen.conf"),
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own, in its own world
            *("--clearenv", "--chdir", "/", "--"),
            *configuration.ENTRYPOINT,
        ]

    def program(
        self, rootfs: Path, runtime: Runtime, arguments: Sequence[str] = (), volumes: Mapping[str, Path] = NO_VOLUMES
    ) -> Sequence[str]:
        uid, gid = runtime.user.split(":")
        return [
            "bwrap",
            *_namespaces(uid, gid),
            *("--ro-bind", str(rootfs), "/"),
            *(word for path, folder in volumes.items() for word in ("--bind", str(folder), path)),
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own, in its own world
            "--clearenv",
            *(word for variable in runtime.environment for word in ("--setenv", *variable.split("=", 1))),
            *("--chdir", runtime.working_dir, "--"),
            *runtime.entrypoint,
            *arguments,
        ]


# The ids are those of the image, whoever starts it; a process that ends takes all of its own with it.
def _namespaces(uid: str, gid: str) -> tuple[str, ...]:
    return ("--unshare-user", "--uid", uid, "--gid", gid, *_ALONE)


_ALONE: Final = (
    *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--cap-drop", "ALL"),
)
_NAMESPACES: Final = _namespaces(str(nss.USER), str(nss.GROUP))


@frozen
class DynamicLoader:
    """Through the image's own ld.so. Nothing is isolated: nginx runs as whoever starts it, with what that one may."""

    name: str = "ld.so"

    def command(self, rootfs: Path, port: int, address: str, scratch: Path) -> Sequence[str]:
        prefix = _prefix(rootfs, scratch)
        conf = prefix / configuration.FOLDER / "nginx.conf"
        (conf.parent / "listen.conf").write_text(listen_conf(address, port), encoding="utf-8")
        globally = ["-g", f"user {_worker(rootfs, scratch)};"] if os.geteuid() == 0 else []
        return [
            str(_loader(rootfs)),
            *("--library-path", _library_path(rootfs)),
            str(rootfs / _NGINX),
            *("-e", "stderr", "-p", f"{prefix}/", "-c", str(conf)),
            *globally,
        ]

    def program(
        self, rootfs: Path, runtime: Runtime, arguments: Sequence[str] = (), volumes: Mapping[str, Path] = NO_VOLUMES
    ) -> Sequence[str]:
        if volumes:
            raise MachineProblem(
                f"without namespaces nothing can stand at {', '.join(volumes)}",
                hint="install bubblewrap, or run the image in Docker or Podman",
            )
        program, *rest = runtime.entrypoint
        return [
            *("/usr/bin/env", "-i", *runtime.environment),
            *(str(_loader(rootfs)), "--library-path", _library_path(rootfs)),
            *(str(rootfs / program.lstrip("/")), *rest, *arguments),
        ]


def listen_conf(address: str, port: int) -> str:
    """The runner's own listen.conf: "" for every address of the machine, in both families where it has them."""
    return configuration.listen_conf(address, port, ipv6=has_ipv6())


def has_ipv6() -> bool:
    """Whether this machine's kernel has IPv6."""
    return Path("/proc/net/if_inet6").exists()


def _worker(*folders: Path) -> str:
    """Whom nginx, started by root, is to become: nobody, where nobody can get at the folders; else it stays root.

    Below /root, where root's own state is kept, nobody can.
    """
    above = {parent for folder in folders for parent in (folder.resolve(), *folder.resolve().parents)}
    if not all(parent.stat().st_mode & 0o001 for parent in above):
        return "root root"
    nobody = pwd.getpwnam("nobody")
    return f"nobody {grp.getgrgid(nobody.pw_gid).gr_name}"


def _prefix(rootfs: Path, scratch: Path) -> Path:
    """A folder that looks like the image's root to nginx: links to what is read, a place for what is written."""
    scratch.chmod(0o755)
    prefix = scratch / "root"
    (prefix / configuration.FOLDER).mkdir(parents=True)
    (prefix / "tmp").mkdir()
    for name in ("usr", "srv"):
        (prefix / name).symlink_to((rootfs / name).absolute())
    for name in ("nginx.conf", "mime.types"):
        (prefix / configuration.FOLDER / name).symlink_to((rootfs / configuration.FOLDER / name).absolute())
    return prefix.absolute()


def _loader(rootfs: Path) -> Path:
    """The ELF interpreter: glibc's name for it, by this machine's architecture."""
    path = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}.get(platform.machine())
    if path is None or not (rootfs / path).is_file():
        raise MachineProblem(
            f"the image has no loader for this machine ({platform.machine()})",
            hint="bake it for this machine's architecture",
        )
    return rootfs / path


def _library_path(rootfs: Path) -> str:
    folders = sorted({file.parent for file in (rootfs / "usr" / "lib").glob("*/*.so*")})
    return ":".join(str(folder) for folder in folders)


def unpack(layers: Iterable[Layer], folder: Path) -> None:
    """Makes the root file system of an image's layers in `folder`, which must be new.

    Times are those of the canonical tar, so nginx answers with the ETags that it has in an engine. Raises Problem
    (exit 4, 5) as the layers do, and for a layer that would write through another one's link.
    """
    folder.mkdir()
    for layer in layers:
        for entry in tar.arranged(layer.entries()):
            target = folder / entry.path
            if target.parent.resolve() != folder.resolve() / Path(entry.path).parent:
                raise TreeProblem(f'"{entry.path}" would be written through a link')
            match entry:
                case Directory(_, mode):
                    target.mkdir(exist_ok=True)
                    target.chmod(mode)
                case Symlink(_, to):
                    target.unlink(missing_ok=True)
                    target.symlink_to(to)
                case File(_, content, mode):
                    target.unlink(missing_ok=True)
                    _write(target, content, mode)


def _write(target: Path, content: FileContent, mode: int) -> None:
    sha = hashlib.sha256()
    with target.open("xb") as file:
        for chunk in content.chunks():
            sha.update(chunk)
            file.write(chunk)
        os.fchmod(file.fileno(), mode)
    time = tar.mtime(sha.hexdigest())
    os.utime(target, (time, time))


def available() -> tuple[Runner, ...]:
    """What works on this machine, the better isolated first."""
    return (*((Bubblewrap(),) if has_bubblewrap() else ()), DynamicLoader())


def find_runner() -> Runner:
    """The best of what works here. Raises Problem (exit 9) on anything but Linux."""
    if platform.system() != "Linux":
        raise MachineProblem(
            "a sealed image runs on Linux only", hint="publish to a host, or install Docker or Podman here"
        )
    return available()[0]


@cache
def has_bubblewrap() -> bool:
    """Whether bwrap is there and may make the namespaces: many machines forbid that."""
    if shutil.which("bwrap") is None:
        return False
    trial = ["bwrap", *_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    try:
        done = subprocess.run(trial, capture_output=True, timeout=_TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
