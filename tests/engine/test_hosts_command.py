"""The command on a target of two hosts, Docker on one and Podman on the other: a real blog, real packages, real ssh."""

import http.client
import json
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from tests.engine.machine import configuration
from tests.engine.test_publish_command import git, publish
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

SITE = """
[site]
title = "A blog"
url = "https://fleet.example/"

[publish.fleet]
host = ["deploy@{first}", "root@{second}"]
port = 8081
edge = "none"
rollout = "canary"
canary_wait = 1
"""


@pytest.fixture
def blog(tmp_path, machine, podman_machine):
    folder = tmp_path / "blog"
    (folder / "content").mkdir(parents=True)
    machines = (machine, podman_machine)
    machine.target("root", config=configuration(*machines))
    first, second = (one.address for one in machines)
    (folder / "site.toml").write_text(SITE.format(first=first, second=second))
    (folder / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst.\n")
    locks.save(real_lock(), folder / "imagebake.lock")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    yield folder
    ours = "--filter label=org.sealpress.site"
    for one, engine in ((machine, "docker"), (podman_machine, "podman --url unix:///run/podman/podman.sock")):
        script = f"{engine} ps -aq {ours} | xargs -r {engine} rm -f; {engine} images -q {ours} | sort -u"
        script += f" | xargs -r {engine} rmi -f"
        one.run("sh", "-c", f"{script}; rm -rf {one.folder}/home/deploy/.local")
    for file in (Path.home() / ".local/state/sealpress/records").glob("fleet-example.fleet.*"):
        file.unlink()  # root has one home on all machines


def pages(*machines) -> list[str]:
    found = []
    for machine in machines:
        connection = http.client.HTTPConnection(machine.address, 8081, timeout=10)
        try:
            connection.request("GET", "/")
            text = connection.getresponse().read().decode()
            found.append(next((one for one in ("First.", "Second.") if one in text), text))
        except OSError as error:
            found.append(repr(error))
        finally:
            connection.close()
    return found


def test_a_release_goes_to_both_hosts_and_every_command_tells_of_both(blog, machine, podman_machine, runtime):
    both = (machine, podman_machine)
    titles = [f"deploy@{machine.address}", f"root@{podman_machine.address}"]
    code, out, err = publish(blog, "fleet", "--no-sign", "--json")
    assert code == 0, err
    told = json.loads(out)["hosts"]
    assert [(one["host"], one["generation"]) for one in told] == [(one, 1) for one in titles]
    assert pages(*both) == ["First.", "First."]
    (blog / "content/index.md").write_text("---\ntitle: Hello\n---\nSecond.\n")
    git(blog, "commit", "-q", "-a", "-m", "y")
    code, out, err = publish(blog, "fleet", "--plan", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert [one["url"] for one in plan["pages"] if one["change"] == "changed"] == ["/"]
    assert plan["bytes"] > 0
    code, out, err = publish(blog, "fleet", "--no-sign")
    assert code == 0, err
    for one in titles:
        assert f"{one}: http" in out
        assert f"{one}: sending " in err
    assert out.count("answers: generation 2") == 2
    assert pages(*both) == ["Second.", "Second."]
    assert publish(blog, "verify", "fleet")[0] == 0
    code, out, err = publish(blog, "status", "fleet", "--json")
    assert code == 0, err
    assert [[one["generation"] for one in host["releases"]] for host in json.loads(out)["hosts"]] == [[2, 1], [2, 1]]
    code, out, err = publish(blog, "fleet", "--no-sign")
    assert (code, out.count("already runs: generation 2")) == (0, 2), err
    code, out, err = publish(blog, "rollback", "fleet")
    assert (code, pages(*both)) == (0, ["First.", "First."]), err
    code, out, err = publish(blog, "logs", "fleet", "--host", titles[1])
    assert (code, "GET / " in out) == (0, True), err
    assert publish(blog, "prune", "fleet")[0] == 0
    assert publish(blog, "stop", "fleet")[0] == 0
    assert all("refused" in one for one in pages(*both))
    assert publish(blog, "start", "fleet")[0] == 0
    assert pages(*both) == ["First.", "First."]
    code, out, err = publish(blog, "log", "fleet", "--json")
    entries = json.loads(out)["entries"]
    assert {one["host"] for one in entries} == {*titles}
    assert len(entries) == 14
    code, out, err = publish(blog, "ledger", "fleet")
    assert (code, "/" in out.splitlines()) == (0, True), err
    assert publish(blog, "stop", "fleet")[0] == 0
