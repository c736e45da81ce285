"""The sealed nginx as a process: started from a root file system by any runner, asked over real sockets."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from imagebake.image.layers import described
from imagebake.nginx import runners
from imagebake.recipes import site
from sealpress.config.settings import ImageSettings
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.needs import unavailable
from tests.ports import free_port

# In a process of its own, so that all that a runner asks the machine is asked as that user. To import it, that user may
# read what root owns: a checkout in root's home is closed to all others. Before anything is asked, that right is gone.
START = """
import ctypes, os, sys
from pathlib import Path
from imagebake.nginx import runners
PR_CAP_AMBIENT, CLEAR_ALL = 47, 4
if os.geteuid():
    ctypes.CDLL(None).prctl(PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0)
    os.chdir("/")
name, rootfs, port, address, scratch, *more = sys.argv[1:]
runner = next((one for one in runners.available() if one.name == name), None)
if runner is None:
    sys.exit(77)
command = runner.command(Path(rootfs), int(port), address, Path(scratch))
os.execvp(command[0], [*command, *more])
"""
NOT_AVAILABLE = 77
MAY_READ = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


@dataclass(frozen=True)
class Way:
    """A runner, as one user."""

    runner: str
    user: int | None = None  # None: whoever runs the tests

    def command(self, rootfs: Path, port: int, scratch: Path, *more: str, address: str = "127.0.0.1") -> list[str]:
        # Not from the working folder, which a stranger may not be able to enter.
        start = [sys.executable, "-c", START, self.runner, str(rootfs), str(port), address, str(scratch), *more]
        if self.user is None:
            return start
        ids = (f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *MAY_READ)
        return ["setpriv", *ids, *start]


WAYS = [Way("bubblewrap"), Way("ld.so")]
if os.geteuid() == 0:
    WAYS += [Way("bubblewrap", 12345), Way("ld.so", 12345)]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def curl(self, path: str, version: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """`version` is curl's option: "--http1.1" or "--http2-prior-knowledge"."""
        with tempfile.TemporaryDirectory() as folder:
            lines = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
            how = ["-I"] if method == "HEAD" else ["-X", method, "-D", f"{folder}/head"]
            url = f"http://127.0.0.1:{self.port}{path}"
            done = subprocess.run(
                ["curl", "-s", "-m", "10", "--path-as-is", version, *how, *lines, "-o", f"{folder}/body", url],
                check=True,
            )
            assert done.returncode == 0
            head = Path(folder, "body" if method == "HEAD" else "head").read_text()
            status, _, rest = head.partition("\n")
            assert status.split()[0] == ("HTTP/1.1" if version == "--http1.1" else "HTTP/2")
            body = Path(folder, "body").read_bytes() if method != "HEAD" and Path(folder, "body").exists() else b""
            return Answer(int(status.split()[1]), HeaderParser().parsestr(rest.replace("\r", "")), body)

    def logged(self, mark: str) -> str:
        """The line of the log that has the mark, once it is there."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if found := [line for line in self.log.read_text().splitlines() if mark in line]:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"no line with {mark} in {self.log.read_text()}")


def dressed(rootfs: Path, pages: Mapping[str, bytes], settings: ImageSettings, folder: Path, below: str = "") -> Path:
    """The root file system of another site and other settings on the packages of `rootfs`: new parts, old programs."""
    folder.mkdir()
    scanned = replace(tree.scan(write_tree(folder / "tree", dict(pages))), below=below)
    policy = site.content_policy(scanned, settings, "other")
    parts = site.recipe(scanned, settings, "other", "sha256:" + "0" * 64, "", policy=policy).parts
    runners.unpack([described(part.name, part.entries, "") for part in parts], folder / "rootfs")
    for name in ("usr", "lib", "lib64"):
        if (rootfs / name).exists():
            (folder / "rootfs" / name).symlink_to(rootfs / name)
    return folder / "rootfs"


@contextmanager
def scratch_for(way: Way) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="imagebake-scratch-"))
    try:
        # nginx opens its standard output again by name, so the log is that user's own, too.
        (folder / "log").touch()
        if way.user is not None:
            os.chown(folder, way.user, way.user)
            os.chown(folder / "log", way.user, way.user)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(rootfs: Path, way: Way) -> Iterator[Server]:
    with scratch_for(way) as scratch, (scratch / "log").open("w+b") as log:
        port = free_port()
        process = subprocess.Popen(
            ["timeout", "100", *way.command(rootfs, port, scratch)], stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.monotonic() + 15
            while time.monotonic() < until:
                if process.poll() is not None:
                    break
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.01)
            if process.poll() == NOT_AVAILABLE:
                unavailable(f"{way.runner} can't run here as this user")
            assert process.poll() is None, Path(log.name).read_text()
            yield Server(port, process, Path(log.name))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
