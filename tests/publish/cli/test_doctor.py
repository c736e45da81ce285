"""`publish doctor`: what is there, here and on the host, and what to mend."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imagebake.packages import lock as locks
from tests.publish.cli.conftest import commit, git
from tests.publish.locks import real_lock

pytestmark = pytest.mark.long


def findings(told: str) -> dict[str, dict[str, tuple[bool, str]]]:
    found = json.loads(told)["findings"]
    return {part: {one["what"]: (one["is_well"], one["told"]) for one in ones} for part, ones in found.items()}


@pytest.fixture
def locked(blog, monkeypatch):
    for name, value in {"NAME": "A", "EMAIL": "a@example.org"}.items():
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    locks.save(real_lock(), blog.folder / "imagebake.lock")
    commit(blog.folder)
    return blog


def test_all_is_well_before_and_after_a_publish(locked, publish, monkeypatch):
    monkeypatch.setattr("publish.target.doctor._OLD", 100_000)  # the tests' lock is as old as it is
    code, out, _ = publish("doctor", "--json")
    before = findings(out)
    assert code == 0, before
    assert before["this machine"]["commit"] == (True, git(locked.folder, "rev-parse", "HEAD")[:12])
    assert before["this machine"]["lock"][1].startswith("imagebake.lock, ")
    assert before["here"]["site"] == (True, "nothing is published there yet")
    assert publish()[0] == 0
    code, out, _ = publish("doctor")
    assert code == 0
    assert "  ok  site       generation 1 answers" in out
    assert publish("stop")[0] == 0
    code, out, _ = publish("doctor", "here")
    assert code == 1
    assert "MEND  site       generation 1 does not answer" in out


def test_what_is_to_be_mended_is_said_with_its_command(locked, publish, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    (tmp_path / "none").write_text("[user]\nuseConfigOnly = true\n")
    git(locked.folder, "rm", "-q", "--cached", "imagebake.lock")
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    (locked.folder / "page.html").write_text("not committed")
    code, out, _ = publish("doctor")
    assert code == 1
    assert 'git config --global user.name "Your Name"' in out
    assert "git add imagebake.lock and commit it" in out
    assert "changes that are not committed stay out" in out


def test_an_old_lock_and_one_that_is_none(locked, publish, monkeypatch):
    monkeypatch.setattr("publish.target.doctor._OLD", -1)
    code, out, _ = publish("doctor")
    assert code == 1
    assert "imagebake lock --outdated tells whether security updates wait" in out
    (locked.folder / "imagebake.lock").write_text("nonsense")
    assert publish("doctor")[0] == 1


def test_who_else_answers_at_the_port_is_said(locked, publish):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", locked.port), Other) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            code, out, _ = publish("doctor")
        finally:
            server.shutdown()
            serving.join()
    assert code == 1
    assert f"something else has port {locked.port}" in out


def test_what_has_the_port_and_says_nothing_is_told_too(locked, publish):
    with socket.create_server(("127.0.0.1", locked.port)):
        code, out, _ = publish("doctor")
    assert code == 1
    assert f"something else has port {locked.port}" in out
    assert f"  ok  port       {locked.port} is free" in publish("doctor")[1]


def test_a_cache_that_has_no_room_is_told(locked, publish, monkeypatch):
    monkeypatch.setattr("publish.target.doctor._ROOM", 1 << 60)
    code, out, _ = publish("doctor")
    assert code == 1
    assert "B are free for " in out


def test_a_host_that_can_t_be_reached_is_one_finding(locked, publish):
    text = (locked.folder / "site.toml").read_text()
    (locked.folder / "site.toml").write_text(f'{text}\n[publish.away]\nhost = "nobody@host.invalid"\n')
    code, out, _ = publish("doctor", "--json")
    found = findings(out)
    assert code == 1
    assert not found["away"]["host"][0]
    assert found["this machine"]["ssh"][0]
    assert publish("doctor", "nowhere")[0] == 2
