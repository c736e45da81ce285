"""One publish at a time: over ssh, on this machine, and between the two."""

import os
import subprocess
import sys
import time

import pytest

from publish.ssh import lock
from publish.ssh.lock import hold_here
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem

HOLD = "from publish.ssh.lock import hold_here\nwith hold_here('blog'): print('held', flush=True); input()"


@pytest.fixture
def host(machine):
    with open_host(machine.target(), SILENT) as host:
        yield host


def test_a_second_publish_is_told_who_holds_the_lock(machine, host):
    with open_host(machine.target("root"), SILENT) as other, host.lock("blog"), pytest.raises(Problem) as caught:  # noqa: SIM117
        with other.lock("blog"):
            pass
    problem = caught.value
    assert problem.code is Exit.HOST
    assert problem.message.startswith(f'"blog" is being published to root@{machine.address} by {lock.who()}, since 2')
    assert f"process {os.getpid()}" in problem.message
    assert "\n" not in problem.message


def test_a_lock_is_free_again_at_once(host):
    taken = []
    for number in range(3):
        with host.lock("blog"):
            taken.append(number)
    assert taken == [0, 1, 2]


def test_another_account_can_take_a_lock_that_the_first_left(machine, host):
    """The file is the first account's; the second may not write it, but may lock it."""
    taken = []
    with host.lock("blog"):
        taken.append("first")
    with open_host(machine.target("root"), SILENT) as other, other.lock("blog"):
        taken.append("second")
    with host.lock("blog"):
        taken.append("first")
    assert taken == ["first", "second", "first"]


def test_two_sites_do_not_wait_for_each_other(host):
    taken = []
    with host.lock("blog"), host.lock("other"):
        taken.append("both")
    assert taken == ["both"]


def test_a_lock_frees_itself_when_its_holder_dies(machine, runtime, host):
    """The first publish is killed hard; the next one has the lock within a second or two."""
    script = (
        "import ast, sys; from publish.target.hosts import open_host; from sealpress.commands.console import SILENT\n"
        "from sealpress.config.settings import PublishTarget\n"
        "with open_host(PublishTarget(**ast.literal_eval(sys.argv[1])), SILENT) as host, host.lock('blog'):\n"
        "    print('held', flush=True); input()\n"
    )
    target = machine.target()
    settings = {name: getattr(target, name) for name in ("host", "identity", "ssh_options")}
    command = [sys.executable, "-c", script, repr(settings)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Problem, match=f"process {process.pid}"), host.lock("blog"):
            pass
        process.kill()
        process.wait(10)
    assert_free_soon(host)


def test_a_lock_frees_itself_when_the_network_is_cut(machine):
    with open_host(machine.target(), SILENT) as first, first.lock("blog"):
        machine.cut_connections()
        with open_host(machine.target(), SILENT) as second:
            assert_free_soon(second)


def test_a_lock_frees_itself_when_its_holder_falls_silent(machine, host, monkeypatch):
    """As when a network dies without a word: no sign of life comes, and no end either."""
    # Two ends of one habit: no target has others.
    monkeypatch.setattr(lock, "_BEAT", 60.0)
    monkeypatch.setattr(lock, "_SILENCE", 1)
    with open_host(machine.target(), SILENT) as other, other.lock("blog"):
        with pytest.raises(Problem), host.lock("blog"):
            pass
        time.sleep(1)
        assert_free_soon(host)


def test_signs_of_life_keep_a_lock(machine, host, monkeypatch):
    monkeypatch.setattr(lock, "_BEAT", 0.2)
    monkeypatch.setattr(lock, "_SILENCE", 1)
    with open_host(machine.target(), SILENT) as other, other.lock("blog"):
        time.sleep(2)
        with pytest.raises(Problem), host.lock("blog"):
            pass


def test_a_publish_on_the_host_itself_is_seen_from_afar(machine, host):
    inside = ["nsenter", "--target", str(machine.init), "--mount", "--uts", sys.executable, "-c", HOLD]
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Problem, match="by root@blog, process"), host.lock("blog"):
            pass
        process.communicate(b"\n", 10)
    with host.lock("blog"):
        pass


def test_a_link_in_the_locks_place_is_not_followed(machine, host):
    planted = machine.folder / "run/lock/sealpress-trap.lock"
    planted.symlink_to("/etc/shadow")
    with pytest.raises(Problem, match="can't hold a lock"), host.lock("trap"):
        pass
    planted.unlink()


def assert_free_soon(host):
    deadline = time.monotonic() + 10
    while True:
        try:
            with host.lock("blog"):
                return
        except Problem:
            assert time.monotonic() < deadline, "the lock is not freed"
            time.sleep(0.1)


def test_this_machine_has_the_same_lock(tmp_path):
    folders = (str(tmp_path),)
    with hold_here("blog", folders=folders):
        with pytest.raises(Problem) as caught, hold_here("blog", folders=folders):
            pass
        with hold_here("other", folders=folders):
            pass
    assert caught.value.message.startswith(f'"blog" is being published to this machine by {lock.who()}, since 2')
    with hold_here("blog", folders=folders):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sealpress-blog.lock", "sealpress-other.lock"]


def test_other_accounts_can_open_it_whatever_the_umask(tmp_path):
    folders = (str(tmp_path),)
    before = os.umask(0o077)
    try:
        with hold_here("blog", folders=folders):
            assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o644}
            assert len(list(tmp_path.iterdir())) == 2
    finally:
        os.umask(before)


def test_a_local_link_in_the_locks_place_is_not_followed(tmp_path):
    folders = (str(tmp_path),)
    (tmp_path / "sealpress-blog.lock").symlink_to("/etc/passwd")
    with pytest.raises(Problem, match="can't be opened"), hold_here("blog", folders=folders):
        pass


@pytest.mark.parametrize("site", ["../etc/passwd", "a/b", "", ".", "-rf", "Ünïcode", "a\nb", "x" * 300, "$(id)"])
def test_any_site_has_a_plain_file_name(site):
    name = lock.lock_name(site)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert name.startswith("sealpress-")
    assert ".." not in name
    assert len(name) < 90
