"""`publish status`: what runs, how each replica is, what site.toml says otherwise by now, and what lags behind."""

import json

import pytest

from imagebake.packages import lock as locks
from imagebake.packages.resolve import Outdated
from publish.target import standing
from sealpress.problems import LockProblem
from tests.ports import free_port
from tests.publish.cli.conftest import LOCK, commit

pytestmark = pytest.mark.long


def change(blog, before: str, after: str) -> None:
    file = blog.folder / "site.toml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def test_each_replica_is_told(blog, publish):
    publish()
    told = json.loads(publish("status", "--json")[1])
    (one,) = told["replicas"]
    assert (one["service"], one["replica"], one["state"], one["answers"], one["wrong"]) == (
        "site",
        1,
        "running",
        True,
        None,
    )
    assert (told["drift"], told["updates"], told["updates_unknown"]) == ([], None, None)
    for page in (blog.folder.parent / "state").rglob(".well-known/release"):
        page.write_text("another")
    code, out, _ = publish("status")
    assert code == 1
    assert f'{one["name"]}: GET /.well-known/release: answered "another", expected' in out
    publish("stop")
    told = json.loads(publish("status", "--json")[1])
    assert (told["replicas"][0]["state"], told["replicas"][0]["wrong"]) == ("exited", "it does not run")


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("timeout = 20", "memory = 256", "memory: 128 runs, site.toml says 256"),
        (
            'address = "127.0.0.1"',
            'address = "127.0.0.2"',
            "address and port: 127.0.0.1:{port} runs, site.toml says 127.0.0.2:",
        ),
        ("[build]", "[image]\nport = 8181\n\n[build]", "[image] port: 8080 runs, site.toml says 8181"),
        (".example/", ".example/blog/", "[site] url: https://"),
    ],
)
def test_what_site_toml_says_otherwise_by_now_is_told(blog, publish, before, after, name):
    publish()
    change(blog, before, after)
    code, out, err = publish("status")
    assert code == 0, err
    (line,) = [line for line in out.splitlines() if line.endswith("the next publish changes that")]
    assert line.startswith(name.format(port=blog.port))


def test_what_the_next_publish_changed_is_no_drift_any_more(blog, publish):
    publish()
    change(blog, f"port = {blog.port}", f"port = {free_port()}")
    (drift,) = json.loads(publish("status", "--json")[1])["drift"]
    assert drift["name"] == "address and port"
    commit(blog.folder)
    assert publish()[0] == 0
    assert json.loads(publish("status", "--json")[1])["drift"] == []


def test_of_nothing_there_is_no_more_to_tell(blog, publish):
    code, out, _ = publish("status", "--json", "--updates")
    told = json.loads(out)
    assert (code, told["replicas"], told["drift"], told["updates"]) == (1, [], [], None)


def test_a_security_update_that_waits_is_told(blog, publish, monkeypatch):
    locks.save(LOCK, blog.folder / "imagebake.lock")
    commit(blog.folder)
    publish()
    (blog.folder / "imagebake.lock").write_text("not the one that runs")
    asked = []

    def outdated(settings, lock, progress):
        asked.append(lock)
        return [
            Outdated("tiny", "amd64", "1", "2", is_security=True),
            Outdated("big", "amd64", "1", "3", is_security=False),
        ]

    monkeypatch.setattr(standing.locked, "outdated", outdated)
    assert publish("status")[0] == 0
    assert asked == []
    code, out, _ = publish("status", "--updates")
    assert (code, asked) == (1, [LOCK])
    assert "security updates wait for tiny: imagebake lock --upgrade, commit, publish" in out
    told = json.loads(publish("status", "--updates", "--json")[1])
    assert [(one["name"], one["newest"], one["security"]) for one in told["updates"]] == [
        ("tiny", "2", True),
        ("big", "3", False),
    ]
    monkeypatch.setattr(standing.locked, "outdated", lambda *_: [])
    code, out, _ = publish("status", "--updates")
    assert (code, "no security update waits" in out) == (0, True)


def test_a_mirror_that_does_not_answer_is_told_and_the_rest_too(blog, publish, monkeypatch):
    def outdated(*_):
        raise LockProblem("no mirror answers")

    locks.save(LOCK, blog.folder / "imagebake.lock")
    commit(blog.folder)
    publish()
    monkeypatch.setattr(standing.locked, "outdated", outdated)
    code, out, err = publish("status", "--updates", "--json")
    assert code == 0
    assert "warning: whether updates wait is not known: no mirror answers" in err
    assert json.loads(out)["updates_unknown"] == "no mirror answers"
