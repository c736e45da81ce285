"""Reaching a real sshd: what works, and what each failure says. Nothing on the host changes through any of them."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from publish.ssh.connection import CONFIG, connect
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.machine import SHELLS, commands
from tests.needs import unavailable


@contextmanager
def refused(machine, code=Exit.HOST):
    """What stands inside ends with a Problem of one line, a hint and this code, and leaves the engine as it was."""
    before = machine.inventory()
    caught = []
    with pytest.raises(Problem) as raised:
        yield caught
    problem = raised.value
    caught.append(problem)
    assert problem.code is code
    assert problem.hint
    assert "\n" not in problem.message
    assert "\r" not in problem.message
    assert machine.inventory() == before


def open_and_close(target):
    with open_host(target, SILENT):
        pass


def known_hosts(machine, tmp_path, line):
    file = tmp_path / "known_hosts"
    file.write_text(line)
    return [f"UserKnownHostsFile {file}"]


def connections(runtime):
    """The ssh processes of this test that still run."""
    return [line for line in commands().values() if line.startswith("ssh ") and str(runtime) in line]


def test_a_host_opens_with_its_engine_and_closes_without_a_trace(machine, runtime):
    with open_host(machine.target(), SILENT) as host:
        assert host.title == f"deploy@{machine.address}"
        assert host.engine.title.startswith("Docker ")
        assert host.engine.architecture() in {"amd64", "arm64"}
        assert [folder.stat().st_mode & 0o777 for folder in runtime.iterdir()] == [0o700]
        assert len(connections(runtime)) == 1
    assert not list(runtime.iterdir())
    assert not connections(runtime)


def test_a_connection_is_closed_without_a_wait_for_what_goes_on(machine, monkeypatch):
    """Who reads ssh's errors has come to their end by itself before the pipe is closed: ssh was ended first."""
    ended = []

    def join(thread, timeout=None):
        joined(thread, timeout)
        ended.append(not thread.is_alive())

    joined = threading.Thread.join
    monkeypatch.setattr(threading.Thread, "join", join)
    with connect(machine.target()):
        pass
    assert ended == [True]


def test_a_host_is_reached_on_another_port_by_url(machine):
    with open_host(machine.target(host=f"ssh://deploy@{machine.address}:22"), SILENT) as host:
        assert host.title == f"deploy@{machine.address}:22"


def test_words_reach_a_command_as_they_are(machine):
    """No shell on the host reads what they hold."""
    words = ["a b", "$(id)", "`id`", "'", '"', "*", "", "-n", "é", "a\nb", "\\", ";", "~"]
    with connect(machine.target()) as tunnel:
        answer = tunnel.run(["printf", "%s|", *words])
    assert answer.out == "".join(f"{word}|" for word in words)
    assert answer.code == 0


def test_a_command_tells_how_it_ended(machine):
    with connect(machine.target()) as tunnel:
        answer = tunnel.run(["sh", "-c", "echo no >&2; exit 7"])
    assert (answer.code, answer.out, answer.err) == (7, "", "no\n")


def test_an_unknown_host_key_is_not_trusted(machine, tmp_path):
    with refused(machine) as caught:
        open_and_close(machine.target(config=known_hosts(machine, tmp_path, "")))
    assert "is not known here" in caught[0].message
    assert "Host key verification failed." in caught[0].message
    assert f"ssh deploy@{machine.address}" in caught[0].hint


def test_a_changed_host_key_is_told_from_an_unknown_one(machine, tmp_path):
    other = (machine.folder / "other_host_key.pub").read_text()
    with refused(machine) as caught:
        open_and_close(machine.target(config=known_hosts(machine, tmp_path, f"{machine.address} {other}")))
    assert "another one than known_hosts has" in caught[0].message
    assert f"ssh-keygen -R {machine.address}" in caught[0].hint


def test_a_key_that_the_host_does_not_know_is_refused(machine):
    with refused(machine) as caught:
        open_and_close(machine.target(identity=str(machine.folder / "other_user_key")))
    assert caught[0].message == (
        f"deploy@{machine.address} lets none of your keys in (deploy@{machine.address}: Permission denied (publickey).)"
    )
    assert "ssh-copy-id" in caught[0].hint


def test_a_key_file_that_is_not_there_is_named(machine, tmp_path):
    with refused(machine) as caught:
        open_and_close(machine.target(identity=str(tmp_path / "none")))
    assert str(tmp_path / "none") in caught[0].message


def test_an_unknown_name_is_said_to_be_one(machine):
    with refused(machine) as caught:
        open_and_close(machine.target(host="deploy@nowhere.invalid"))
    assert caught[0].message.startswith("there is no host nowhere.invalid (ssh: Could not resolve hostname")


def test_a_closed_port_is_told_from_silence(machine):
    with refused(machine) as caught:
        open_and_close(machine.target(host=f"ssh://deploy@{machine.address}:23"))
    assert "refuses connections" in caught[0].message
    assert "Connection refused" in caught[0].message


def test_a_host_that_drops_packets_is_given_up(fresh_machine):
    fresh_machine.run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
    started = time.monotonic()
    with refused(fresh_machine) as caught:
        open_and_close(fresh_machine.target(ssh_options=("ConnectTimeout=1",)))
    assert "does not answer" in caught[0].message
    assert time.monotonic() - started < 10


def test_a_word_of_the_users_own_configuration_that_ssh_does_not_know_is_shown(machine):
    with refused(machine) as caught:
        open_and_close(machine.target(config=["NoSuchOption 1"]))
    assert "ssh does not take its options" in caught[0].message
    assert "~/.ssh/config" in caught[0].hint


def test_a_configuration_that_is_not_there_is_named_with_its_variable(machine, monkeypatch):
    target = machine.target()
    monkeypatch.setenv(CONFIG, "/nowhere/config")
    with refused(machine) as caught:
        open_and_close(target)
    assert "/nowhere/config" in caught[0].message
    assert CONFIG in caught[0].hint


@pytest.mark.parametrize(
    "option", ["-oProxyCommand=id", "ProxyCommand=id", "Port", "Port=1\nProxyCommand=id", "=x", ""]
)
def test_an_option_that_may_not_pass_never_reaches_ssh(machine, option):
    """Also where no site.toml was read before."""
    with refused(machine) as caught:
        open_and_close(machine.target(ssh_options=(option,)))
    assert caught[0].message.startswith("ssh_options ")
    assert "SEALPRESS_SSH_CONFIG" in caught[0].hint


def test_a_machine_without_ssh_is_told_what_to_install(machine, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with refused(machine, Exit.MACHINE) as caught:
        open_and_close(machine.target())
    assert "no ssh on this machine" in caught[0].message


def test_a_host_without_the_socket_is_told_where_we_looked(machine):
    with refused(machine) as caught:
        open_and_close(machine.target(socket="/run/none.sock"))
    assert "looked at /run/none.sock" in caught[0].message
    assert "`socket`" in caught[0].hint


def test_the_usual_sockets_are_looked_at_in_order(fresh_machine):
    """Podman's, where only those are asked for: root's, then the account's own."""
    with refused(fresh_machine) as caught:
        open_and_close(fresh_machine.target(engine="podman"))
    assert "looked at /run/podman/podman.sock, /run/user/20001/podman/podman.sock" in caught[0].message


def test_a_path_that_no_socket_has_is_refused(machine):
    Path(machine.folder, "run/a:b").symlink_to("docker.sock")
    try:
        with refused(machine) as caught:
            open_and_close(machine.target(socket="/run/a:b"))
        assert "is not a path of a socket" in caught[0].message
    finally:
        Path(machine.folder, "run/a:b").unlink()


def test_an_account_without_rights_to_the_socket_is_told_the_group(machine):
    with refused(machine) as caught:
        open_and_close(machine.target("guest"))
    assert (
        caught[0].message == f"guest@{machine.address} may not use the container engine's socket /var/run/docker.sock"
    )
    assert "usermod -aG docker guest" in caught[0].hint


def test_an_engine_that_is_not_running_is_told_from_one_that_is_not_there(machine):
    """The socket's file is there, but nobody listens."""
    path = Path(machine.folder, "run/dead.sock")
    machine.run(sys.executable, "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/run/dead.sock')")
    path.chmod(0o666)
    try:
        with refused(machine) as caught:
            open_and_close(machine.target(socket="/run/dead.sock"))
        assert "no container engine answers at /run/dead.sock" in caught[0].message
        assert "open failed" in caught[0].message
    finally:
        path.unlink()


def test_an_sshd_that_forwards_nothing_is_named_as_a_cause(machine):
    with refused(machine) as caught:
        open_and_close(machine.target("limited"))
    assert "no container engine answers at /var/run/docker.sock" in caught[0].message
    assert "AllowStreamLocalForwarding" in caught[0].hint


def test_a_shell_that_talks_does_not_confuse_us(machine):
    """Greetings of a login shell stand before every answer; they are not taken for one."""
    profile = machine.folder / "home/deploy/.ssh"
    profile.mkdir(exist_ok=True)
    (profile / "rc").write_text("echo found /etc/passwd; echo missing\n")
    try:
        with open_host(machine.target(), SILENT) as host, host.lock("noisy"):
            assert host.engine.images("none") == ()
    finally:
        (profile / "rc").unlink()


@pytest.mark.parametrize("user", ["csh", "fish"])
def test_a_login_shell_of_another_kind_does_what_sh_does(machine, user):
    """No shell that an account may have reads our words in another way."""
    if not Path(SHELLS[user]).exists():
        unavailable(f"needs Debian's {Path(SHELLS[user]).name}")
    words = ["a b", "$(id)", "`id`", "'", '"', "*", "!!", "!x", "a\nb", "\\", "\\'", ";", "~", "a\\n", "é", "%s"]
    with connect(machine.target(user)) as tunnel:
        assert tunnel.run(["printf", "%s|", *words]).out == "".join(f"{word}|" for word in words)
    with open_host(machine.target(user), SILENT) as host, host.lock("other"):
        assert host.engine.images("none") == ()


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("barred", "runs no commands for us (exit 1): This account is currently not available."),
        ("mute", "runs no commands for us (exit 1): it ended without a word"),
        ("forced", "runs no commands for us (exit 3): Backups only."),
    ],
)
def test_an_account_without_a_shell_has_the_last_word_and_not_the_banner(machine, user, said):
    with refused(machine) as caught:
        open_and_close(machine.target(user))
    assert caught[0].message == f"{user}@{machine.address} {said}"
    assert "shell" in caught[0].hint


@pytest.mark.parametrize("user", ["barred", "forced"])
def test_a_banner_is_never_told_as_the_reason(machine, user):
    with refused(machine) as caught:
        open_and_close(machine.target(user, identity=str(machine.folder / "other_user_key")))
    assert caught[0].message.endswith(f"({user}@{machine.address}: Permission denied (publickey).)")
    with refused(machine) as caught:
        open_and_close(machine.target(user, config=known_hosts(machine, machine.folder / "home", "")))
    assert caught[0].message.endswith("(Host key verification failed.)")


@pytest.mark.parametrize(
    "line",
    [
        "RemoteCommand tmux attach",
        "RequestTTY force",
        "VisualHostKey yes",
        "LocalForward 127.0.0.1:1 127.0.0.1:1\nExitOnForwardFailure yes",
        "ControlMaster auto\nControlPath ~/.ssh/none-%C",
        "ControlPersist 1h",
        "SessionType none",
        "StdinNull yes",
        "ForkAfterAuthentication yes",
        "PermitLocalCommand yes\nLocalCommand echo local; false",
        "LogLevel QUIET",
        "LogLevel DEBUG3",
        "ForwardAgent yes\nForwardX11 yes",
        "SendEnv LANG LC_*",
        "EscapeChar none\nStreamLocalBindUnlink yes",
    ],
)
def test_what_is_configured_for_a_terminal_does_not_disturb(machine, line):
    """Nor is it read from where no site.toml may set it."""
    with open_host(machine.target(config=[line]), SILENT) as host, host.lock("configured"):
        assert host.engine.images("none") == ()


def test_a_jump_that_refuses_is_told_in_its_own_words(machine):
    """The ssh that goes to the jump host writes to the same place as banners do."""
    config = [f"Host jump\nHostName {machine.address}\nPort 23\nHost *"]
    with refused(machine) as caught:
        open_and_close(machine.target(ssh_options=("ProxyJump=deploy@jump",), config=config))
    assert "Connection refused" in caught[0].message


def test_an_account_that_talks_without_an_end_is_given_up(machine):
    """Its words fill neither memory nor disk."""
    rc = machine.folder / "home/guest/.ssh"
    rc.mkdir(exist_ok=True)
    for stream in ("", " >&2"):
        (rc / "rc").write_text(f"yes{stream}\n")
        started = time.monotonic()
        with refused(machine) as caught:
            open_and_close(machine.target("guest"))
        assert "writes without an end" in caught[0].message
        assert time.monotonic() - started < 30
    (rc / "rc").unlink()


def test_a_cut_connection_is_said_to_be_one(machine, runtime):
    with refused(machine) as caught, open_host(machine.target(), SILENT) as host:
        machine.cut_connections()
        host.engine.images("blog")
    assert caught[0].message.startswith(f"the connection to deploy@{machine.address} was cut")
    assert not connections(runtime)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_connection_outlives_this_program(machine, runtime, number):
    """Ctrl-C, a polite end and a hard one: the ssh that holds the connection ends too."""
    script = (
        "import sys, time, ast\n"
        "from publish.target.hosts import open_host; from sealpress.commands.console import SILENT\n"
        "from sealpress.config.settings import PublishTarget\n"
        "with open_host(PublishTarget(**ast.literal_eval(sys.argv[1])), SILENT) as host, host.lock('held'):\n"
        "    print('open', flush=True); time.sleep(60)\n"
    )
    target = machine.target()
    settings = {name: getattr(target, name) for name in ("host", "identity", "ssh_options")}
    with subprocess.Popen(
        [sys.executable, "-c", script, repr(settings)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout.readline() == b"open\n"
        assert len(machine.ssh_sessions()) >= 1
        process.send_signal(number)
        process.wait(10)
    deadline = time.monotonic() + 10
    while (machine.ssh_sessions() or connections(runtime)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not machine.ssh_sessions()
    assert not connections(runtime)


def test_a_folder_for_sockets_is_short_enough(machine, monkeypatch, tmp_path):
    """A deep TMPDIR would make the socket's path longer than the system takes."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with open_host(machine.target(), SILENT) as host:
        assert host.engine.containers() == ()
