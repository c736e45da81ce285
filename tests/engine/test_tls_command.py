"""`publish` and `publish status` of a site with TLS, as a user runs them: a real host, a real CA."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from imagebake.packages import lock as locks
from tests.certificates import signed
from tests.engine.authority import REFUSED, VOLUME, Authority, authority, by_http, get
from tests.engine.edges import edge_lock
from tests.engine.machine import Machine
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
SITE = """
[site]
title = "A blog"
url = "https://blog.example/"

[publish.edge]
host = "deploy@{address}"
identity = "{key}"
edge = "caddy"
tls = true
"""
ACME = """
hosts = ["blog.example", "{refused}"]
acme = "https://{address}:14000/dir"
acme_roots = "{roots}"
email = "me@blog.example"
"""


@pytest.fixture
def ca(machine: Machine, tmp_path: Path) -> Iterator[Authority]:
    with authority(machine, tmp_path) as found:
        yield found


@pytest.fixture
def blog(tmp_path: Path, machine: Machine) -> Iterator[Path]:
    folder = tmp_path / "blog"
    (folder / "content").mkdir(parents=True)
    (folder / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst.\n")
    locks.save(real_lock(), folder / "imagebake.lock")
    locks.save(edge_lock(), folder / "edge.lock")
    yield folder
    ours = "--filter label=org.sealpress.site"
    script = f"docker ps -aq {ours} | xargs -r docker rm -fv; docker images -q {ours} | xargs -r docker rmi -f"
    script += f"; docker network rm sealpress-edge-80; docker volume rm {VOLUME}; true"
    machine.run("sh", "-c", f"{script}; rm -rf {machine.folder}/home/deploy/.local")


def configured(folder: Path, machine: Machine, more: str) -> None:
    settings = SITE.format(address=machine.address, key=machine.target().identity) + more
    (folder / "site.toml").write_text(settings)


def publish(folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "publish.cli", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    return done.returncode, done.stdout, done.stderr


def plan(folder: Path) -> str:
    return publish(folder, "edge", "--dirty", "--plan")[1]


def test_a_target_with_tls_tells_of_its_certificates(blog: Path, machine: Machine, ca: Authority) -> None:
    told = ACME.format(address=machine.address, roots=ca.root, refused=REFUSED)
    configured(blog, machine, told)
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["address"] == "https://blog.example/"
    good, bad = result["certificates"]
    assert (good["name"], good["valid"], good["wrong"], bad["valid"], bad["ends"]) == (
        *("blog.example", True, None),
        *(False, None),
    )
    (warning,) = result["warnings"]
    assert warning.startswith(f"{REFUSED} has no certificate: HTTP 400 urn:ietf:params:acme:error:rejectedIdentifier")
    assert f"warning: {warning}" in err
    assert b"First" in get(machine, "blog.example", ca.root.read_text()).body
    assert by_http(machine, REFUSED).headers["location"] == "http://blog.example/"
    code, out, err = publish(blog, "status", "edge")
    assert code == 1
    assert f"blog.example: certificate until {good['ends'][:10]}, by " in out
    assert warning in out
    told = json.loads(publish(blog, "status", "edge", "--json")[1])
    assert (told["certificates"], told["drift"]) == ([good, bad], [])
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign")
    assert f"certificates and their keys: volume {VOLUME} on deploy@" in out + err
    newer = locks.load(blog / "edge.lock")
    locks.save(replace(newer, date=newer.date + timedelta(days=1)), blog / "edge.lock")
    assert f"the edge is made of an edge.lock of {newer.date:%Y-%m-%d}" in publish(blog, "status", "edge")[1]
    assert "the edge is made anew: for about a second nothing answers at port 80" in plan(blog)
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign")
    assert (code, "the edge sealpress-edge-80-2 stands at port 80" in err) == (0, True), err
    assert b"First" in get(machine, "blog.example", ca.root.read_text()).body
    assert json.loads(publish(blog, "status", "edge", "--json")[1])["drift"] == []
    assert "nothing answers" not in plan(blog)
    configured(blog, machine, "")
    told = json.loads(publish(blog, "status", "edge", "--json")[1])
    assert {one["name"] for one in told["drift"]} == {"hosts", "tls"}


def test_a_pair_that_is_none_is_told_before_anything_is_changed(blog: Path, machine: Machine, tmp_path: Path) -> None:
    chain, _ = signed(tmp_path, "mine", "DNS:blog.example")
    _, key = signed(tmp_path, "other", "DNS:blog.example")
    configured(blog, machine, f'certificate = "{chain}"\nkey = "{key}"\n')
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign")
    assert code == 3, err
    assert f"site.toml:12:7: {key} is not the key of {chain}" in err
    assert machine.run("docker", "ps", "--all", "--quiet") == ""
    assert "PRIVATE" not in out + err
    (blog / "mine.key").write_bytes((tmp_path / "mine.key").read_bytes())
    for words in (("init", "-q"), ("add", "mine.key"), (*AUTHOR, "commit", "-q", "-m", "x")):
        subprocess.run(["git", *words], cwd=blog, check=True, capture_output=True, timeout=30)
    configured(blog, machine, f'certificate = "{chain}"\nkey = "mine.key"\n')
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign")
    assert (code, "site.toml:12:7: mine.key is committed: whoever has the repository" in err) == (3, True), err
    configured(blog, machine, f'certificate = "{chain}"\nkey = "{tmp_path}/mine.key"\n')
    code, out, err = publish(blog, "edge", "--dirty", "--no-sign")
    assert code == 0, err
    assert b"First" in get(machine, "blog.example", chain.read_text()).body
    code, out, err = publish(blog, "status", "edge")
    assert (code, "has a certificate that ends on" in out) == (0, True), err
    code, out, err = publish(blog, "share", "--dirty", "--json")
    assert code == 0, err
    path = urlsplit(json.loads(out)["address"]).path
    answer = get(machine, "blog.example", chain.read_text(), path)
    assert (answer.status, answer.headers["location"]) == (302, "/")
    assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")
    assert by_http(machine, "blog.example", path).headers["location"] == f"https://blog.example{path}"
    secret = (tmp_path / "mine.key").read_text().splitlines()[1]
    for command in (("log", "edge"), ("edge", "--plan", "--dirty", "--json"), ("status", "edge", "--json")):
        code, out, err = publish(blog, *command)
        assert code in {0, 1}, err
        assert secret not in out + err
