"""The command as a user runs it: a commit, real packages, a real dockerd; over ssh, and on the host itself."""

import http.client
import json
import subprocess
import sys
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.packages import lock as locks
from imagebake.seal import envelope
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

[publish.local]
host = "local"
port = 8081
"""
HERE = '\nhost = "local"\nport = 8081\n'


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
    machine.run("sh", "-c", script)


def git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def publish(folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "publish.cli", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout, done.stderr


def page(machine) -> str:
    connection = http.client.HTTPConnection(machine.address, 8081, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_publish_from_a_commit_over_ssh_and_on_the_host_itself(blog, machine, runtime):
    code, out, err = publish(blog, "remote", "--check", "--key", str(machine.key))
    assert code == 0, err
    assert "First." in page(machine)
    assert out.splitlines()[0] == f"http://{machine.address}:8081/ answers: generation 1"
    assert "files are served as they were built" in out
    # The seal that is kept is of the image that the host has.
    (kept,) = (blog / ".sealpress/seals").glob("*.json")
    assert f"seal    {kept}, signed" in out
    (image,) = [image for image, _ in machine.inventory()["images"]]
    assert envelope.load(kept).has(image)
    assert len(envelope.load(kept).signatures) == 1

    # On the host itself, with its own Docker: the same site, so nothing is to be done.
    def there(*arguments: str, site_file: str = "there.toml") -> str:
        site = ["--site", str(blog / site_file), "-q"]
        found = ["env", f"SEALPRESS_CACHE={cache.folder()}", "HOME=/root"]
        return machine.run(*found, sys.executable, "-m", "publish.cli", *site, *arguments)

    assert "http://127.0.0.1:8081/ already runs: generation 1" in there()
    # Under another name it is another target, which can't have the port.
    with pytest.raises(subprocess.CalledProcessError) as caught:
        there("local", site_file="site.toml")
    assert 'port 8081 is taken by this site\'s target "remote", generation 1' in caught.value.stderr
    (blog / "content/index.md").write_text("---\ntitle: Hello\n---\nSecond.\n")
    git(blog, "commit", "-q", "-a", "-m", "y")
    assert "http://127.0.0.1:8081/ answers: generation 2" in there("--check")
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
    assert "files differ from what the host serves\n  | /: " in err
    assert publish(blog, "stop", "remote")[0] == 0


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
