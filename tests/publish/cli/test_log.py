"""`publish log`: who changed what, when, and what came of it. `publish logs`: what the site writes."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from publish.engines.protocol import Container, Endpoint, RunState
from publish.releases import container_log
from publish.releases.ownership import ReleaseLine
from publish.releases.release import Release
from sealpress.commands.console import Console
from tests.publish.cli.conftest import git

pytestmark = pytest.mark.long


def record(blog) -> Path:
    (found,) = (blog.folder.parent / "state/records").glob("*.log")
    return found


@pytest.fixture
def ada(blog, monkeypatch):
    """Whose git it is."""
    own = blog.folder.parent / "gitconfig"
    own.write_text('[user]\nname = "Ada \\u0041 \x1b[31m"\nemail = ada@example.org\n'.replace("\\u0041", "B."))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))


def test_each_command_that_changes_the_host_is_told(blog, publish, ada):
    publish()
    blog.edit("two")
    publish()
    publish("rollback")
    publish("stop")
    publish("start")
    publish("prune")
    blog.edit("broken")
    assert publish()[0] == 8
    # These change nothing.
    for arguments in (["status"], ["verify"], ["log"], ["--plan"], ["rollback", "--to", "99"]):
        publish(*arguments)
    code, out, _ = publish("log", "--json")
    entries = json.loads(out)["entries"]
    assert code == 0
    assert [(one["command"], one["result"] == "done") for one in entries] == [
        *(("publish", False), ("prune", True), ("start", True), ("stop", True), ("rollback", True)),
        *(("publish", True), ("publish", True)),
    ]
    assert "did not become healthy" in entries[0]["result"]
    assert entries[-1]["what"].startswith("generation 1, release ")
    assert entries[4]["what"].startswith("generation 3, release ")
    assert entries[2]["what"].startswith("generation 3, ")
    assert {one["who"] for one in entries} == {entries[0]["who"]}
    assert re.fullmatch(r"Ada B\. \\u001b\[31m <ada@example\.org>, [^ ]+@[^ ]+", json.dumps(entries[0]["who"])[1:-1])
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["at"]) for one in entries)
    code, out, _ = publish("log")
    assert (code, "\x1b" in out) == (0, False)
    assert out.splitlines()[0].split() == ["WHEN", "AGE", "COMMAND", "RESULT", "WHO", "WHAT"]
    assert len(out.splitlines()) == 8


def test_nothing_was_done_yet(blog, publish):
    assert publish("log")[:2] == (0, "nothing was done to here yet\n")


def test_lines_that_are_no_entries_are_passed_over_and_hostile_ones_are_escaped(blog, publish):
    publish()
    hostile = {"at": "\x1b]0;x\x07", "who": "\u202eevil", "command": "a\nb", "result": "x" * 9999, "what": ""}
    with record(blog).open("ab") as file:
        for line in (b"\xff\xfe", b"{", b"[]", b'{"at": 1}', b"[" * 9999, json.dumps(hostile).encode(), b'{"at": "cut'):
            file.write(line + b"\n")
    code, out, _ = publish("log")
    assert code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", out)
    assert len(out.splitlines()) == 3
    assert len(json.loads(publish("log", "--json")[1])["entries"]) == 2


def test_the_log_is_bounded(blog, publish):
    publish()
    line = record(blog).read_text()
    record(blog).write_text(line * (300_000 // len(line)))
    publish("stop")
    assert record(blog).stat().st_size < 140_000
    _, out, _ = publish("log")
    assert out.splitlines()[1].split()[5:7] == ["stop", "done"]
    assert out.splitlines()[-1].endswith("older ones; --all shows each")
    assert len(publish("log", "--all")[1].splitlines()) > 100


def test_a_log_that_can_not_be_written_stops_nobody(blog, publish):
    (blog.folder.parent / "state").mkdir(exist_ok=True)
    (blog.folder.parent / "state/records").write_text("in the way")
    code, _, err = publish()
    assert (code, "warning: the audit log was not written" in err) == (0, True)


def test_the_last_lines_that_the_site_wrote(blog, publish):
    publish()
    blog.page("/a/?x=%1b[31m")
    code, out, _ = publish("logs", "-n", "1")
    assert (code, out.count("\n"), "GET /a/?x=%1b[31m" in out) == (0, 1, True)
    (log,) = (blog.folder.parent / "state/containers").glob("*/log")
    with log.open("ab") as file:
        file.write(b"\x1b[2J\x9b31m\xe2\x80\xae\rhidden\n")
    shown = publish("logs")[1]
    assert shown.endswith("\\x1b[2J\ufffd31m\\u202e\nhidden\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)
    told = json.loads(publish("logs", "--json")[1])
    assert (told["generation"], len(told["lines"]) > 3) == (1, True)
    assert publish("logs", "-f", "--json")[0] == 2
    publish("stop")
    code, _, err = publish("logs")
    assert (code, "the site does not run" in err) == (8, True)


def test_the_log_is_followed_until_ctrl_c(blog, publish):
    publish()
    command = [sys.executable, "-m", "publish", "logs", "-f", "-n", "1", "-q"]
    with subprocess.Popen(
        command, cwd=blog.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline()
        blog.page("/?one")
        assert "GET /?one" in process.stdout.readline()
        blog.page("/?two")
        blog.page("/?three")
        assert "GET /?two" in process.stdout.readline()
        assert "GET /?three" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")


def test_it_ends_when_nobody_reads_any_longer(blog, publish):
    publish()
    command = f"timeout 30 {sys.executable} -m publish logs -f -q | head -n 1"
    with subprocess.Popen(["sh", "-c", command], cwd=blog.folder, stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 25
        while process.poll() is None and time.monotonic() < until:
            blog.page("/")
            time.sleep(0.1)
        assert process.poll() == 0


class Writing:
    """An engine whose containers write a few lines each time somebody asks; None ends them."""

    def __init__(self, **written: list[list[str] | None]) -> None:
        self.left = {name: list(parts) for name, parts in written.items()}
        self.text: dict[str, list[str]] = {name: [] for name in written}
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for name, parts in self.left.items():
            if parts and parts[0] is not None:
                self.text[name] += parts.pop(0)

    def logs(self, container_id: str, lines: int) -> str:
        return "".join(f"{line}\n" for line in self.text[container_id][-lines:])

    def inspect(self, container_id: str) -> Container | None:
        ended = bool(self.left[container_id]) and self.left[container_id][0] is None
        return Container(container_id, container_id, RunState.EXITED if ended else RunState.RUNNING, {}, "")

    def containers(self, _site: str) -> tuple[Container, ...]:
        return ()


def followed(engine: Writing, lines: int = 10) -> list[str]:
    out = io.StringIO()
    release = Release(1, (engine.inspect("one"),), is_current=True)
    line = ReleaseLine("a", "here", Endpoint("", 80))
    container_log.follow(engine, line, release, lines, Console(out, io.StringIO()), engine)
    return out.getvalue().splitlines()


def test_every_line_is_shown_once_however_many_there_are_and_however_alike():
    parts = [["a"], ["a", "a"], [], ["b"] * 3, [str(number) for number in range(400)], ["c"], None]
    engine = Writing(one=parts)
    engine.text["one"] = ["before"]
    assert followed(engine) == ["before", *(line for part in parts if part for line in part)]


def test_more_than_an_engine_can_be_asked_for_is_not_shown_twice():
    many = [str(number) for number in range(12_000)]
    engine = Writing(one=[many, ["end"], None])
    engine.text["one"] = ["before"]
    found = followed(engine)
    assert (found[0], found[-1], len(found)) == ("before", "end", 10_002)


def test_who_commits_is_the_users_own_git_and_not_the_repositorys(blog, publish, ada):
    git(blog.folder, "config", "user.name", "Somebody else")
    publish()
    (entry,) = json.loads(publish("log", "--json")[1])["entries"]
    assert entry["who"].startswith("Ada B.")
