"""Certificates at a real edge without a public CA: one's own, and those of the edge's own; how TLS comes to an edge."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.recipes.edge import CERTIFICATES
from imagebake.recipes.recipe import Image
from publish.edge import pair
from publish.edge.certificates import CertificateSource
from publish.edge.pair import SiteFiles
from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress.config.settings import PublishTarget
from sealpress.problems import Exit, Place, Problem
from tests.certificates import signed
from tests.engine.authority import READERS, VOLUME, by_http, get, left_without_certificates
from tests.engine.edges import Behind, Http2Load, Load, sealed
from tests.engine.machine import Machine
from tests.engine.perlsite import seal

NAME = "blog.example"
INTERNAL = SiteFiles(CertificateSource("internal"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Image]:
    folder = tmp_path_factory.mktemp("sites")
    made = {name: sealed(folder / name, {"index.html": name.encode()}, hsts=31536000) for name in ("one", "two")}
    return made | {"notes": sealed(folder / "notes", {"index.html": b"notes"}, "notes")}


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_without_certificates(machine) as found:
        yield replace(found, hosts=(NAME,))


def own(folder: Path, name: str = "own", *, days: int = 2) -> SiteFiles:
    chain, key = signed(folder, name, f"DNS:{NAME}", days=days)
    told = PublishTarget("local", tls=True, hosts=(NAME,), certificate=str(chain), key=str(key))
    return pair.read(told, folder, lambda *_: Place("site.toml"))


def test_ones_own_certificate_is_served_and_a_newer_one_loses_no_request(
    target: Behind, machine: Machine, images: Mapping[str, Image], tmp_path: Path
) -> None:
    first, second = own(tmp_path, "first"), own(tmp_path, "second")
    blog = replace(target, tls=first)
    blog.publish(images["one"])
    assert get(machine, NAME, first.trust).body == b"one"
    assert blog.publish(images["one"]).unchanged
    roots = (tmp_path / "ca.pem").read_text()
    with Load(machine.address, frozenset([b"one"]), name=NAME, roots=roots).at_it() as load:
        load.until(100)
        newer = replace(target, tls=second)
        assert newer.publish(images["one"]).generation == 2
        load.until(100)
    assert load.lost == []
    assert get(machine, NAME, second.trust).body == b"one"
    newer.publish(images["two"])
    assert newer.roll_back().generation == 4
    assert get(machine, NAME, second.trust).body == b"one"
    # Nobody but the edge may read the key.
    mode = machine.run("sh", "-c", f"stat -c '%a %u' /var/lib/docker/volumes/{VOLUME}/_data/*.pem")
    assert set(mode.splitlines()) == {"600 102"}


def test_a_site_whose_files_are_lost_goes_without_tls_and_takes_no_other_along(
    target: Behind, machine: Machine, images: Mapping[str, Image], tmp_path: Path
) -> None:
    blog = replace(target, tls=own(tmp_path))
    notes = replace(target, hosts=("notes.example",), site="notes", tls=INTERNAL)
    blog.publish(images["one"])
    notes.publish(images["notes"])
    machine.run("docker", "rm", "--force", "--volumes", blog.edge.container().name)
    machine.run("docker", "volume", "rm", VOLUME)
    assert notes.publish(images["notes"]).unchanged
    assert get(machine, "notes.example", notes.edge.root()).body == b"notes"
    assert by_http(machine, NAME).body == b"one"
    blog.publish(images["two"])
    assert get(machine, NAME, blog.tls.trust).body == b"two"


def test_tls_comes_to_an_edge_that_has_another_site(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    notes = replace(target, hosts=("notes.example",), site="notes")
    notes.publish(images["notes"])
    assert "443" not in machine.run("docker", "port", notes.edge.container().name)
    machine.run("docker", "run", "--detach", "--name", "strangers", "--publish", "443:8080", images_of(notes))
    with pytest.raises(Problem, match=r"port 443 of \S+ is taken: something answers there") as caught:
        replace(target, tls=INTERNAL).publish(images["one"])
    assert caught.value.code is Exit.ENGINE
    assert by_http(machine, "notes.example").body == b"notes"
    machine.run("docker", "rm", "--force", "strangers")
    blog = replace(target, tls=INTERNAL)
    blog.publish(images["one"])
    assert get(machine, NAME, blog.edge.root()).body == b"one"
    assert by_http(machine, "notes.example").body == b"notes"
    # It leaves TLS again, and the other one does not notice.
    with Load(machine.address, frozenset([b"notes"]), name="notes.example", port=80).at_it() as load:
        load.until(50)
        target.publish(images["two"])
        load.until(50)
    assert load.lost == []
    assert by_http(machine, NAME).body == b"two"


def images_of(site: Behind) -> str:
    return next(one.image for one in site.host.engine.containers("notes"))


def test_somebody_elses_volume_is_not_taken(target: Behind, machine: Machine, images: Mapping[str, Image]) -> None:
    machine.run("docker", "volume", "create", VOLUME)
    with pytest.raises(Problem, match=f'the host has a volume "{VOLUME}" that sealpress did not make'):
        replace(target, tls=INTERNAL).publish(images["one"])
    assert machine.run("docker", "ps", "--all", "--quiet") == ""


def test_readers_have_http3_and_hsts_where_it_is_asked_for(
    target: Behind, machine: Machine, images: Mapping[str, Image], tmp_path: Path, newer_curl: tuple[str, ...]
) -> None:
    blog = replace(target, tls=INTERNAL)
    blog.publish(images["one"])
    answer = get(machine, NAME, blog.edge.root())
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in by_http(machine, NAME).headers
    (tmp_path / "root.pem").write_text(blog.edge.root())
    curl = (*newer_curl, "--silent", "--show-error", "--cacert", str(tmp_path / "root.pem"))
    curl = (*curl, "--resolve", f"{NAME}:443:{machine.address}", "--write-out", "%{http_version}", "--http3-only")
    for body in ("one", "two"):
        blog.publish(images[body])
        done = subprocess.run([*curl, f"https://{NAME}/"], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == f"{body}3"
    assert get(machine, NAME, blog.edge.root(), "/none").status == 404


def test_http2_loses_no_request_whatever_happens(
    target: Behind, machine: Machine, images: Mapping[str, Image], tmp_path: Path, newer_curl: tuple[str, ...]
) -> None:
    """A publish, a failing one, a rollback, replicas that are killed and frozen, an edge that reloads."""
    blog = replace(target, tls=INTERNAL, replicas=3)
    blog.publish(images["one"])
    (tmp_path / "root.pem").write_text(blog.edge.root())
    with Http2Load(newer_curl, machine.address, NAME, tmp_path / "root.pem", len(b"one")).at_it() as load:
        load.until(400)
        blog.publish(images["two"])
        load.until(400)
        with pytest.raises(Problem, match="did not become healthy"):
            blog.publish(seal({"index.html": "three"}, server="exit 7;"))
        load.until(400)
        first, second, _ = blog.roll_back().servers
        load.until(400)
        machine.run("docker", "kill", first.name)
        load.until(400)
        machine.run("docker", "pause", second.name)
        load.until(400)
        machine.run("docker", "unpause", second.name)
        for _ in range(3):
            reload(machine, blog)
            load.until(200, parts=3)
    assert load.lost == []
    assert load.count >= 3000


def reload(machine: Machine, site: Behind) -> None:
    """The edge takes its configuration anew, all of it."""
    told = ("--force", "--config", "/config/caddy/autosave.json", "--address", "unix//tmp/admin.sock")
    machine.run("docker", "exec", site.edge.container().name, "/usr/bin/caddy", "reload", *told)


def test_the_edges_own_ca_is_trusted_by_nobody_who_was_not_told(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    blog = replace(target, tls=INTERNAL)
    blog.publish(images["one"])
    with pytest.raises(Problem, match="its certificate is not trusted"):
        probe.fetch(Endpoint(machine.address, 443, is_secure=True, name=NAME), "/")
    with pytest.raises(Problem, match="no TLS connection"):
        get(machine, "other.example", blog.edge.root())
    key = blog.edge.engine.read(blog.edge.container().id, f"{CERTIFICATES}/pki/authorities/local/root.key", 1 << 16)
    assert b"PRIVATE KEY" in key
    told = machine.run("docker", "inspect", blog.edge.container().name, blog.publish(images["one"]).servers[0].name)
    assert key.splitlines()[1].decode() not in told + machine.run("docker", "logs", blog.edge.container().name)
    assert READERS.port == 80
