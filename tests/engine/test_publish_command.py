"""The command as a user runs it: a commit, real packages, a real dockerd; over ssh, and on the host itself."""

import http.client
import json
import select
import signal
import subprocess
import sys
import time

import pytest

from imagebake.fetch import cache
from imagebake.packages import lock as locks
from imagebake.seal import envelope
from tests.engine.commands import git, publish
from tests.engine.edges import edge_lock
from tests.engine.sharing import Shared
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

SITE = """
[site]
title = "A blog"
url = "https://command.example/"

[publish.remote]
host = "deploy@{address}"
port = 8081
identity = "{key}"
ssh_options = ["connecttimeout 10", "Compression=no"]
edge = "none"

[publish.local]
host = "local"
port = 8081
edge = "none"
"""
EDGE = """
[publish.edge]
host = "deploy@{address}"
port = 8081
identity = "{key}"
hosts = ["command.example", "www.command.example"]
replicas = 2
"""
HERE = '\nhost = "local"\nport = 8081\nedge = "none"\n'


@pytest.fixture
def blog(tmp_path, machine):
    folder = tmp_path / "blog"
    (folder / "content").mkdir(parents=True)
    target = machine.target()  # with an ssh configuration for this test
    settings = SITE.format(address=machine.address, key=target.identity)
    (folder / "site.toml").write_text(settings)
    (folder / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst.\n")
    # The same target, as the host itself calls it.
    (folder / "there.toml").write_text(settings.partition("[publish.remote]")[0] + "[publish.remote]" + HERE)
    locks.save(real_lock(), folder / "imagebake.lock")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    yield folder
    ours = "--filter label=org.sealpress.site=command-example"
    script = f"docker ps -aq {ours} | xargs -r docker rm -f; docker images -q {ours} | xargs -r docker rmi -f"
    script += "; docker ps -aq --filter label=org.sealpress.site=sealpress-edge | xargs -r docker rm -f"
    script += "; docker network ls -q --filter name=sealpress-edge | xargs -r docker network rm; true"
    machine.run("sh", "-c", f"{script}; rm -rf {machine.folder}/home/deploy/.local")


def page(machine, path: str = "/") -> str:
    connection = http.client.HTTPConnection(machine.address, 8081, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("user", ["deploy", "mute"])
def test_a_site_that_cannot_be_built_is_told_whatever_the_host_says_meanwhile(blog, machine, user):
    """Its host is connected to while it is built, asked for nothing, and left."""
    (blog / "site.toml").write_text((blog / "site.toml").read_text().replace("deploy@", f"{user}@"))
    (blog / "content/index.md").write_text("---\ntilte: Hello\n---\n")
    git(blog, "commit", "-q", "-a", "-m", "y")
    code, _, err = publish(blog, "remote", "--no-sign")
    assert (code, 'unknown key "tilte"' in err, user in err) == (3, True, False)
    until = time.monotonic() + 10
    while machine.ssh_sessions():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not (machine.folder / f"home/{user}/.local").exists()


def test_publish_from_a_commit_over_ssh_and_on_the_host_itself(blog, machine, runtime):
    code, out, err = publish(blog, "remote", "--key", str(machine.key))
    assert code == 0, err
    assert "First." in page(machine)
    assert out.splitlines()[0] == f"http://{machine.address}:8081/ answers: generation 1"
    code, proved, err = publish(blog, "verify", "remote")
    assert (code, "files are served as they were built" in proved, "remote is commit " in proved) == (0, True, True)
    # The seal that is kept is of the image that the host has.
    (kept,) = (blog / ".sealpress/seals").glob("*.json")
    assert f"seal    {kept}, signed" in out
    (image,) = [image for image, _ in machine.inventory()["images"]]
    assert envelope.load(kept).has(image)
    assert len(envelope.load(kept).signatures) == 1

    # On the host itself, with its own Docker: the same site, so nothing is to be done.
    def there(*arguments: str, site_file: str = "there.toml") -> str:
        site = ["--site", str(blog / site_file), "-q"]
        found = ["env", f"SEALPRESS_CACHE={cache.folder()}", f"HOME={blog.parent}"]
        return machine.run(*found, sys.executable, "-m", "publish.cli", *site, *arguments)

    assert "http://127.0.0.1:8081/ already runs: generation 1" in there()
    # Under another name it is another target, which can't have the port.
    with pytest.raises(subprocess.CalledProcessError) as caught:
        there("local", site_file="site.toml")
    assert 'port 8081 is taken by this site\'s target "remote", generation 1' in caught.value.stderr
    (blog / "content/index.md").write_text("---\ntitle: Hello\n---\nSecond.\n")
    git(blog, "commit", "-q", "-a", "-m", "y")
    assert "http://127.0.0.1:8081/ answers: generation 2" in there()
    assert "Second." in page(machine)

    code, out, _ = publish(blog, "status", "remote", "--json")
    assert code == 0
    told = json.loads(out)
    assert [(one["generation"], one["state"], one["answers"]) for one in told["releases"]] == [
        (2, "running", True),
        (1, "exited", None),
    ]
    assert publish(blog, "verify", "remote")[0] == 0
    code, out, err = publish(blog, "rollback", "remote")
    assert (code, "First." in page(machine)) == (0, True), err
    code, _, err = publish(blog, "verify", "remote")
    assert code == 1
    assert "answers differ from what was sealed\n  | " in err
    assert "  | /: body: expected " in err
    assert publish(blog, "stop", "remote")[0] == 0


def test_a_plan_over_ssh_tells_what_readers_would_see_and_changes_nothing(blog, machine, runtime):
    before = machine.inventory()
    code, out, err = publish(blog, "remote", "--plan", "--json")
    assert code == 0, err
    first = json.loads(out)
    assert (first["runs"], {one["change"] for one in first["pages"]}) == (None, {"added"})
    assert {one["name"] for one in first["packages"]} >= {"nginx", "libc6"}
    assert machine.inventory() == before
    code, _, err = publish(blog, "remote", "--no-sign")
    assert code == 0, err
    (blog / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst of all.\n")
    with (blog / "site.toml").open("a") as file:
        file.write('\n[image.headers]\n"X-Own" = "yes"\n')
    git(blog, "commit", "-q", "-a", "-m", "y")
    before = machine.inventory()
    code, out, err = publish(blog, "remote", "--plan", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert machine.inventory() == before
    (home,) = [one for one in told["pages"] if one["url"] == "/"]
    assert {"kind": "removed", "text": "First."} in home["words"]
    assert {"kind": "added", "text": "First of all."} in home["words"]
    assert told["headers"] == [{"name": "X-Own", "before": None, "after": "yes"}]
    assert (told["redirects"], told["packages"], told["missing"]) == ([], [], [])
    assert told["lost"] == []
    # Only what the host lacks would travel.
    assert 0 < told["bytes"] < first["bytes"] / 10
    code, _, err = publish(blog, "remote", "--no-sign")
    assert code == 0, err
    code, out, err = publish(blog, "remote", "--plan")
    assert (code, "readers would see no change" in out) == (0, True), err


def test_a_url_that_a_host_has_served_is_not_lost_over_ssh(blog, machine, runtime):
    (blog / "content/about.md").write_text("---\ntitle: About\n---\nA page.\n")
    git(blog, "add", ".")
    git(blog, "commit", "-q", "-m", "y")
    code, _, err = publish(blog, "remote", "--no-sign")
    assert code == 0, err
    assert "warning" not in err
    (blog / "content/about.md").unlink()
    git(blog, "commit", "-q", "-a", "-m", "z")
    before = machine.inventory()
    code, _, err = publish(blog, "remote", "--no-sign")
    assert code == 3
    assert "/about/ was served by an earlier release" in err
    assert machine.inventory() == before
    code, out, err = publish(blog, "ledger", "remote", "--json")
    assert code == 0, err
    assert {"/", "/about/"} <= {one["url"] for one in json.loads(out)["urls"]}
    with (blog / "site.toml").open("a") as file:
        file.write('\n[image.redirects]\n"/about/" = "410"\n')
    git(blog, "commit", "-q", "-a", "-m", "gone")
    code, _, err = publish(blog, "remote", "--no-sign", clock="+1d")
    assert code == 0, err
    assert "warning" not in err
    # By hand, all that does not run is taken away: what could be gone back to is built and sent again.
    machine.run("docker", "system", "prune", "--all", "--force")
    assert "A page." not in page(machine, "/about/")
    code, out, err = publish(blog, "rollback", "remote", clock="-1d")
    assert code == 0, err
    assert f"generation 1 is gone from deploy@{machine.address}: commit " in err
    assert "answers: generation 3" in out
    assert "A page." in page(machine, "/about/")
    code, out, err = publish(blog, "rollback", "remote", "--to", "7")
    assert (code, "there is no generation 7 on the host" in err) == (2, True)


def test_what_was_done_and_what_the_site_writes_are_told_over_ssh(blog, machine, runtime):
    with (blog / "site.toml").open("a") as file:
        file.write(f"\n[image]\narchitectures = {json.dumps(real_lock().architectures)}\n")
    git(blog, "commit", "-q", "-a", "-m", "As the lock has it")
    assert publish(blog, "remote", "--no-sign")[0] == 0
    command = [sys.executable, "-m", "publish.cli", "logs", "remote", "-f", "-n", "0", "-q"]
    with subprocess.Popen(command, cwd=blog, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        told = ""
        while "one-of-these" not in told:  # the first may come before it listens
            page(machine, "/?one-of-these")
            if select.select([process.stdout], [], [], 0.5)[0]:
                told = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 0
    # The newest packages are those that run: nothing is done, and nothing is written.
    code, out, err = publish(blog, "renew", "remote", "--no-sign")
    assert (code, "nothing is newer than the packages of imagebake.lock" in out) == (0, True), err
    assert "already runs: generation 1" in out
    code, out, err = publish(blog, "logs", "remote")
    assert (code, "one-of-these" in out) == (0, True), err
    assert publish(blog, "prune", "remote")[0] == 0
    assert publish(blog, "stop", "remote")[0] == 0
    code, out, err = publish(blog, "log", "remote", "--json")
    assert code == 0, err
    assert [(one["command"], one["result"]) for one in json.loads(out)["entries"]] == [
        *(("stop", "done"), ("prune", "done"), ("renew", "done"), ("publish", "done")),
    ]


def test_ctrl_c_while_it_is_sent_changes_nothing(blog, machine, runtime):
    before = machine.inventory()
    command = [sys.executable, "-m", "publish.cli", "remote"]
    with subprocess.Popen(command, cwd=blog, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("sending "):
                process.terminate()
                break
        said += process.stderr.read()
        assert process.wait(60) == 130, said
    assert "interrupted: nothing is half done" in said
    assert machine.inventory() == before


def test_a_site_behind_an_edge_is_published_told_verified_stopped_and_started(blog, machine, runtime):
    target = machine.target()
    with (blog / "site.toml").open("a") as file:
        file.write(EDGE.format(address=machine.address, key=target.identity))
    git(blog, "commit", "-q", "-a", "-m", "An edge")
    told = json.loads(publish(blog, "doctor", "edge", "--json")[1])["findings"]
    found = {one["what"]: (one["told"], one["is_well"]) for one in told["edge"]}
    assert found["edge"] == ("there is none yet: publish makes it", True)
    assert found["port"] == ("8081 is free", True)
    assert "there is no edge.lock yet: publish writes it" in [one["told"] for one in told["this machine"]]
    code, _, err = publish(blog, "edge", "--locked", "--no-sign")
    assert (code, err.splitlines()[0]) == (4, "error: there is no edge.lock beside site.toml")
    code, out, err = publish(blog, "edge", "--no-sign")
    assert code == 0, err
    assert out.splitlines()[0] == "https://command.example/ answers: generation 1"
    assert "there is no edge.lock yet: pinning the packages of the edge; commit it" in err
    git(blog, "add", "edge.lock")
    git(blog, "commit", "-q", "-m", "Pin the edge")
    code, out, err = publish(blog, "edge", "--locked", "--no-sign", "--json")
    assert code == 0, err
    assert json.loads(out)["generation"] == 2
    assert named(machine, "command.example") == (200, True)
    assert named(machine, "www.command.example") == (308, False)
    code, out, err = publish(blog, "status", "edge", "--updates", "--json")
    told = json.loads(out)
    assert (code, told["address"], told["drift"]) == (0, "https://command.example/", []), err
    assert [(one["replica"], one["answers"]) for one in told["replicas"]] == [(1, True), (2, True)]
    assert [one for one in told["updates"] if one["security"]] == []
    code, out, err = publish(blog, "edge", "--plan")
    assert (code, "readers would see no change" in out) == (0, True), err
    machine.run("docker", "stop", told["replicas"][1]["name"])
    changed = (blog / "site.toml").read_text()
    (blog / "site.toml").write_text(changed.replace("replicas = 2", "replicas = 3"))
    told = json.loads(publish(blog, "status", "edge", "--json")[1])
    assert [(one["replica"], one["answers"]) for one in told["replicas"]] == [(1, True), (2, False)]
    assert told["drift"] == [{"name": "replicas", "before": "2", "after": "3"}]
    (blog / "site.toml").write_text(changed)
    machine.run("docker", "start", told["replicas"][1]["name"])
    told = json.loads(publish(blog, "doctor", "edge", "--json")[1])["findings"]["edge"]
    assert [one["told"] for one in told if one["what"] == "edge"] == ["sealpress-edge-8081 runs"]
    assert publish(blog, "verify", "edge")[0] == 0
    code, out, err = publish(blog, "edge", "--plan", "--no-sign")
    assert code in {0, 1}, err
    assert publish(blog, "rollback", "edge")[0] == 0
    assert publish(blog, "stop", "edge")[0] == 0
    assert "sealpress-edge" not in machine.run("docker", "ps", "--all")
    code, out, err = publish(blog, "start", "edge")
    assert (code, out) == (0, "https://command.example/ answers: generation 3, " + out.partition("3, ")[2]), err
    assert named(machine, "command.example") == (200, True)
    assert publish(blog, "stop", "edge")[0] == 0


def test_a_site_that_stands_is_moved_by_site_toml_alone_and_a_new_one_has_an_edge(blog, machine, runtime):
    """To an edge, to another address and port of it, and back; of a place that was left nothing has a port."""
    site = (blog / "site.toml").read_text().partition("[publish.local]")[0].replace('edge = "none"\n', "")

    def told(lines: str, *arguments: str) -> str:
        (blog / "site.toml").write_text(site + lines)
        git(blog, "commit", "-q", "--allow-empty", "-m", "y", "site.toml")
        code, out, err = publish(blog, "remote", "--no-sign", *arguments)
        return f"{out}{err}" if code == 0 else pytest.fail(err)

    def owners() -> dict[str, str]:
        """Who has the readers' ports."""
        shown = machine.run("docker", "ps", "--format", "{{.Names}} {{.Ports}}").splitlines()
        return dict(one.partition("->")[0].split(" ") for one in shown if "0.0.0.0:" in one)

    name = "sealpress-command-example.remote"
    told('edge = "none"\n')
    assert "edge    none, as until now; " in told("")
    assert owners() == {f"{name}-2": "0.0.0.0:8081"}
    locks.save(edge_lock(), blog / "edge.lock")
    out = told('edge = "caddy"\n', "--plan")
    assert "the site comes behind an edge: for about a second nothing answers at port 8081" in out
    told('edge = "caddy"\n')
    assert owners() == {"sealpress-edge-8081": "0.0.0.0:8081"}
    at = 'address = "0.0.0.0"\n'
    out = told(at)
    assert "another address: for about a second nothing answers" in out
    assert "edge    sealpress-edge-0-0-0-0-8081\n" in out
    assert owners() == {"sealpress-edge-0-0-0-0-8081": "0.0.0.0:8081"}
    assert "First." in page(machine)
    site = site.replace("8081", "8083")
    assert "nothing answers" not in told(at)
    assert owners() == {"sealpress-edge-0-0-0-0-8083": "0.0.0.0:8083"}
    site = site.replace("8083", "8081")
    (blog / "site.toml").write_text(site)  # and nothing published of it
    assert (publish(blog, "stop", "remote")[0], owners()) == (0, {})
    assert publish(blog, "start", "remote")[0] == 0
    assert owners() == {"sealpress-edge-0-0-0-0-8083": "0.0.0.0:8083"}
    for generation in (6, 7):
        told('edge = "none"\n')
        assert owners() == {f"{name}-{generation}": "0.0.0.0:8081"}
        assert "First." in page(machine)

    machine.run("sh", "-c", "docker rm -f $(docker ps -aq --filter label=org.sealpress.site=command-example)")
    (blog / "edge.lock").unlink()
    (blog / "site.toml").write_text(site)
    git(blog, "commit", "-q", "-a", "-m", "y")
    code, _, err = publish(blog, "remote", "--no-sign", "--locked")
    assert (code, "error: there is no edge.lock beside site.toml" in err) == (4, True)
    assert owners() == {}
    locks.save(edge_lock(), blog / "edge.lock")
    assert "edge    sealpress-edge-8081\n" in told("")
    assert owners() == {"sealpress-edge-8081": "0.0.0.0:8081"}
    assert "First." in page(machine)


def test_what_is_shared_is_seen_by_who_has_its_address_and_ends_by_itself(blog, machine, runtime):
    with (blog / "site.toml").open("a") as file:
        file.write(EDGE.format(address=machine.address, key=machine.target().identity).replace("replicas = 2\n", ""))
    locks.save(edge_lock(), blog / "edge.lock")
    git(blog, "add", ".")
    git(blog, "commit", "-q", "-m", "An edge")
    code, _, err = publish(blog, "edge", "--no-sign")
    assert code == 0, err
    Shared(blog, machine).until_it_ends()
    assert publish(blog, "stop", "edge")[0] == 0


def named(machine, name: str) -> tuple[int, bool]:
    """What a reader gets by a name: the status, and whether it is the page."""
    connection = http.client.HTTPConnection(machine.address, 8081, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": name})
        answer = connection.getresponse()
        return answer.status, b"First." in answer.read()
    finally:
        connection.close()
