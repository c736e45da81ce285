"""Sites behind a real edge by TLS: a real CA gives their certificates, or refuses; readers at them all the while."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.recipes.edge import CONFIGURATION, RELOAD, SAVED, USER
from imagebake.recipes.recipe import Image
from publish.probing import probe
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.problems import Problem
from tests.engine.authority import (
    READERS,
    REFUSED,
    VOLUME,
    Authority,
    authority,
    by_http,
    get,
    left_without_certificates,
)
from tests.engine.edges import Behind, Http2Load, Load, sealed
from tests.engine.machine import Machine
from tests.engine.newer import podman_helpers

NAMES = ("blog.example", "www.blog.example")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Image]:
    folder = tmp_path_factory.mktemp("sites")
    made = {name: sealed(folder / name, {"index.html": name.encode()}) for name in ("one", "two")}
    return made | {"notes": sealed(folder / "notes", {"index.html": b"notes"}, "notes")}


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_without_certificates(machine) as found:
        yield found


@pytest.fixture
def ca(machine: Machine, tmp_path: Path) -> Iterator[Authority]:
    with authority(machine, tmp_path) as found:
        yield found


def hurry(machine: Machine, site: Behind) -> None:
    """From now on each certificate is renewed every second."""
    edge, engine = site.edge.container(), site.edge.engine
    told = json.loads(engine.read(edge.id, SAVED, 1 << 20))
    automation = told["apps"]["tls"]["automation"]
    automation["renew_interval"] = "1s"
    for policy in automation["policies"]:
        policy["renewal_window_ratio"] = 1
    engine.write(edge.id, CONFIGURATION, json.dumps(told).encode(), (USER.uid, USER.gid))
    machine.run("docker", "exec", edge.name, *RELOAD)


def test_a_site_gets_its_certificates_and_http_leads_to_them(
    target: Behind, machine: Machine, images: Mapping[str, Image], ca: Authority
) -> None:
    blog = replace(target, hosts=NAMES, tls=ca.files())
    blog.publish(images["one"])
    roots = blog.tls.trust
    answer = get(machine, NAMES[0], roots)
    assert (answer.status, answer.body, answer.headers["alt-svc"]) == (200, b"one", 'h3=":443"; ma=2592000')
    for name in NAMES:
        assert probe.wait(lambda name=name: wrong(machine, name, roots), 20) is None
        moved = by_http(machine, name, "/a?b=c")
        assert (moved.status, moved.headers["location"]) == (308, f"https://{name}/a?b=c")
    moved = get(machine, NAMES[1], roots, "/a?b=c")
    assert (moved.status, moved.headers["location"]) == (308, "https://blog.example/a?b=c")
    assert by_http(machine, NAMES[0], "/.well-known/acme-challenge/none").status == 308
    # A stranger's name is nobody's here, and makes nobody ask a CA.
    with pytest.raises(Problem, match="no TLS connection"):
        get(machine, "stranger.example", roots)
    assert by_http(machine, "stranger.example").status == 404
    assert "stranger" not in (ca.folder / "pebble.log").read_text()
    curl = ("curl", "--silent", "--cacert", str(ca.root), "--resolve", f"{NAMES[0]}:443:{machine.address}")
    done = subprocess.run(
        [*curl, "--http2", "--write-out", "%{http_version}", f"https://{NAMES[0]}/"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == b"one2"
    assert re.search(r":443\b", machine.run("ss", "--listening", "--udp", "--numeric"))
    nothing_secret_is_told(blog, machine)
    assert VOLUME in machine.run("docker", "volume", "ls", "--quiet", "--filter", "label=org.sealpress.volume")


def wrong(machine: Machine, name: str, roots: str) -> str | None:
    try:
        get(machine, name, roots)
    except Problem as problem:
        return problem.message
    return None


def nothing_secret_is_told(site: Behind, machine: Machine) -> None:
    edge = site.edge.container().name
    told = machine.run("docker", "inspect", edge) + machine.run("docker", "logs", edge)
    told += machine.run("docker", "inspect", "--type", "image", site.edge.container().image)
    told += site.edge.engine.read(site.edge.container().id, CONFIGURATION, 1 << 20).decode()
    assert "PRIVATE" not in told


def test_certificates_are_renewed_and_no_request_is_lost(
    target: Behind,
    machine: Machine,
    images: Mapping[str, Image],
    ca: Authority,
    tmp_path: Path,
    newer_curl: tuple[str, ...],
) -> None:
    blog = replace(target, hosts=NAMES[:1], tls=ca.files())
    blog.publish(images["one"])
    roots = blog.tls.trust
    first = shown(machine, ca)
    hurry(machine, blog)
    (tmp_path / "trusted.pem").write_text(roots)
    with (
        Load(machine.address, frozenset([b"one", b"two"]), name=NAMES[0], roots=roots).at_it() as load,
        Http2Load(newer_curl, machine.address, NAMES[0], tmp_path / "trusted.pem", len(b"one")).at_it() as shared,
    ):
        load.until(100)
        assert probe.wait(lambda: "the same one" if shown(machine, ca) == first else None, 30) is None
        blog.publish(images["two"])
        load.until(300)
        shared.until(400)
    assert load.lost == shared.lost == []
    assert set(load.bodies) == {b"one", b"two"}


def shown(machine: Machine, ca: Authority) -> str:
    """The certificate itself, as readers get it."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{machine.address}:443", "-servername", NAMES[0]],
        stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.decode().partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]


def test_a_ca_that_refuses_takes_no_site_offline(
    target: Behind, machine: Machine, images: Mapping[str, Image], ca: Authority
) -> None:
    """It is had by http until there is a certificate."""
    refused = replace(target, hosts=(REFUSED,), tls=ca.files())
    refused.publish(images["one"])
    assert by_http(machine, REFUSED).body == b"one"
    assert "rejectedIdentifier" in refused.edge.refusals((REFUSED,))[REFUSED]
    assert refused.publish(images["two"]).generation == 2
    assert by_http(machine, REFUSED).body == b"two"


def test_a_ca_that_is_gone_leaves_the_certificate_and_the_site(
    target: Behind, machine: Machine, images: Mapping[str, Image], ca: Authority
) -> None:
    early = replace(target, hosts=NAMES[:1], tls=ca.files(), timeout=4)
    ca.stop()
    early.publish(images["one"])
    assert by_http(machine, NAMES[0]).body == b"one"
    ca.start()
    blog = replace(target, hosts=NAMES[:1], tls=ca.files())
    blog.publish(images["two"])
    roots = blog.tls.trust
    assert get(machine, NAMES[0], roots).body == b"two"
    before = shown(machine, ca)
    ca.stop()
    hurry(machine, blog)
    assert probe.wait(lambda: None if blog.edge.refusals(NAMES) else "nothing said", 60) is None
    assert shown(machine, ca) == before
    assert blog.publish(images["one"]).generation == 3
    assert get(machine, NAMES[0], roots).body == b"one"
    # Another CA, which gives none, does not take the one that there is.
    other = replace(blog, tls=replace(blog.tls, source=replace(blog.tls.source, ca="https://127.0.0.1:1/dir")))
    with pytest.raises(Problem, match="readers do not get it through the edge"):
        replace(other, timeout=3).publish(images["two"])
    assert get(machine, NAMES[0], roots).body == b"one"
    assert shown(machine, ca) == before


def test_certificates_outlive_the_edge(
    target: Behind, machine: Machine, images: Mapping[str, Image], ca: Authority
) -> None:
    blog = replace(target, hosts=NAMES[:1], tls=ca.files())
    blog.publish(images["one"])
    before = shown(machine, ca)
    machine.run("docker", "rm", "--force", "--volumes", blog.edge.container().name)
    for kind in ("container", "image"):
        machine.run("docker", kind, "prune", "--force")
    blog.publish(images["two"])
    assert shown(machine, ca) == before
    blog.flip.stop()
    assert blog.edge.container() is None
    blog.publish(images["one"])
    assert shown(machine, ca) == before


def test_podman_gets_certificates_as_well(fresh_machine: Machine, images: Mapping[str, Image], tmp_path: Path) -> None:
    fresh_machine.start_podman(named=podman_helpers(tmp_path / "root"))
    fresh_machine.run("iptables", "--policy", "FORWARD", "ACCEPT")  # dockerd, beside it, forbids what isn't its own
    with (
        authority(fresh_machine, tmp_path) as ca,
        open_host(fresh_machine.target("root", engine="podman"), SILENT) as host,
    ):
        blog = Behind(host, hosts=NAMES[:1], readers=READERS, tls=ca.files())
        blog.publish(images["one"])
        assert get(fresh_machine, NAMES[0], blog.tls.trust).body == b"one"
        assert by_http(fresh_machine, NAMES[0]).status == 308
        assert blog.publish(images["two"]).generation == 2
        assert get(fresh_machine, NAMES[0], blog.tls.trust).body == b"two"
