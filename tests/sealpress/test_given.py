"""A file that a repository gives is a file, of a size, and its own: else it is one message, at once."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagebake.packages import lock
from sealpress import given, sitefile
from sealpress.problems import Exit, Problem

SITE = '[site]\ntitle = "A blog"\nurl = "https://blog.example/"\n'


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    os.chdir(path.parent)  # its whole path may be too long for one
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)


ODD = {
    "a link to a device without an end": (lambda path: path.symlink_to("/dev/zero"), "link out of the repository"),
    "a link to a terminal": (lambda path: path.symlink_to("/dev/tty"), "link out of the repository"),
    "a link to a secret": (lambda path: path.symlink_to("/etc/passwd"), "link out of the repository"),
    "a link to a pipe beside it": (lambda path: (_pipe(path.with_name("p")), path.symlink_to("p")), "it is a pipe"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "symbolic links"),
    "a pipe": (_pipe, "it is a pipe, and no file"),
    "a socket": (_socket, "No such device or address"),
    "a folder": (Path.mkdir, "it is a folder, and no file"),
    "very large": (lambda path: path.touch() or os.truncate(path, 1 << 40), "it has more than"),
}


@pytest.fixture(params=ODD)
def odd(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # and back
    return ODD[request.param]


def refused(load, file: Path, odd, code: Exit) -> None:
    make, said = odd
    make(file)
    started = time.monotonic()
    with pytest.raises(Problem) as caught:
        load(file)
    assert time.monotonic() - started < 2
    assert caught.value.code is code
    assert said in str(caught.value)


def test_a_site_file_that_is_none_is_refused_at_once(tmp_path, odd):
    refused(sitefile.load, tmp_path / "site.toml", odd, Exit.SITE)


def test_a_lock_that_is_none_is_refused_at_once(tmp_path, odd):
    refused(lock.load, tmp_path / "imagebake.lock", odd, Exit.LOCK)


def test_a_link_within_the_repository_is_followed(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/site.toml").write_text(SITE)
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog/site.toml").symlink_to("../shared/site.toml")
    assert sitefile.load(tmp_path / "blog/site.toml").settings.site.title == "A blog"


def test_a_device_is_no_file(tmp_path):
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(OSError, match="it is a device, and no file"):
            given.read(device, 10)


def test_a_file_that_says_it_is_empty_is_read_no_further_than_any(tmp_path):
    """As those of /proc do."""
    with pytest.raises(OSError, match="it has more than"):
        given.read("/proc/self/maps", 10)


@pytest.mark.parametrize("module", ["ssg.cli", "imagebake.cli", "publish.cli"])
def test_each_command_ends_at_once_where_the_site_file_has_no_end(module, tmp_path):
    (tmp_path / "site.toml").symlink_to("/dev/zero")
    arguments = {"ssg.cli": ["build"], "imagebake.cli": ["lock"], "publish.cli": ["status"]}[module]
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == Exit.SITE, done.stderr
    assert "Traceback" not in done.stderr
