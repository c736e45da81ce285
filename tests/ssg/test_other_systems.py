"""`ssg build` and `ssg preview` want nothing that only Linux has: without all of it, they do the same.

What is taken away is what Python's documentation of its standard library has for Linux, or for few systems besides.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from ssg.authoring import starter
from tests.ssg.authoring.test_starter import DAY

ONLY_LINUX = r"""
import importlib, os, re, sys
NAMES = {
    "select": "epoll|EPOLL",  # before what asks it for one is loaded
    "os": "sched_|pidfd_|P_PIDFD|memfd_|MFD_|eventfd|EFD_|copy_file_range|splice|SPLICE_|posix_fa|fdatasync|getrandom"
        "|GRND_|O_PATH|O_TMPFILE|O_DIRECT$|O_NOATIME|O_RSYNC|setns|unshare|CLONE_|.*xattr|XATTR_|pipe2|[gs]etres[ug]id",
    "signal": "pidfd_|sigtimedwait|sigwaitinfo|SIGSTKFLT|SIGPWR|SIGRT",
    "socket": "AF_(NETLINK|PACKET|ALG|VSOCK|TIPC|CAN|QIPCRTR)|SOCK_CLOEXEC|SOCK_NONBLOCK|SO_BINDTODEVICE|SO_MARK",
    "time": "CLOCK_BOOTTIME|CLOCK_TAI|pthread_getcpuclockid",
    "resource": "prlimit|RLIMIT_(MSGQUEUE|NICE|RTPRIO|RTTIME|SIGPENDING)|RUSAGE_THREAD",
    "fcntl": "F_(ADD_SEALS|GET_SEALS|SEAL_|NOTIFY|[GS]ETSIG|[GS]ETLEASE|[GS]ETPIPE_SZ|OFD_)|DN_",
}
for module, names in NAMES.items():
    module = importlib.import_module(module)
    for name in [one for one in vars(module) if re.match(names, one)]:
        delattr(module, name)

def asked(event, arguments):
    if event in {"open", "os.listdir", "os.scandir"} and re.match(r"/(proc|sys)(/|$)", str(arguments[0])):
        raise FileNotFoundError(2, "there is no such folder on another system")

sys.addaudithook(asked)
assert not hasattr(os, "sched_getaffinity")
from ssg.cli import main
main()
"""


def _site(folder: Path) -> Path:
    starter.begin(folder, ["en", "fr"], DAY)
    return folder


def _built(site: Path, *python: str) -> str:
    command = [sys.executable, *python, "build", "--dirty", "--jobs", "2", "--output", "out"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "SOURCE_DATE_EPOCH": "1780000000"}
    done = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return next(line for line in done.stdout.splitlines() if line.startswith("Tree:"))


def test_a_build_gives_the_same_tree(tmp_path: Path) -> None:
    there = _built(_site(tmp_path / "linux/shed"), "-m", "ssg.cli")
    assert _built(_site(tmp_path / "other/shed"), "-c", ONLY_LINUX) == there


def test_a_preview_shows_an_edit(tmp_path: Path) -> None:
    site = _site(tmp_path / "site")
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", ONLY_LINUX, "preview", "--port", "0"],
        cwd=site,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if found := re.match(r"Preview: (http://\S+)", line):
                break
        else:
            raise AssertionError(said)
        page = site / "content/about.md"
        page.write_text(page.read_text() + "\nAlso on other systems.\n")
        with urllib.request.urlopen(f"{found[1]}about/", timeout=30) as answer:
            assert b"Also on other systems." in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate(timeout=30)
        watchdog.cancel()
