"""Readers of both families, by the real command, image and nginx: where the host has both, and where it has one."""

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from publish.engines import networks as own_networks
from sealpress import labels
from tests.engine.edges import edge_lock
from tests.engine.machine import Machine, start_machine, stop_machine
from tests.engine.test_publish_command import git, publish
from tests.publish.locks import real_lock

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

SITE = """
[site]
title = "A blog"
url = "https://families.example/"

[publish.production]
host = "{host}"
port = 8081
identity = "{key}"
edge = "none"
"""


@contextmanager
def machine_with(settings: dict[str, object], prepare: str = "") -> Iterator[Machine]:
    """A host that is reached by IPv6 as well."""
    machine = start_machine(settings=settings)
    try:
        link = machine.run("cat", "/sys/class/net/eth0/iflink").strip()
        listed = subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True, timeout=10).stdout
        name = next(line.split()[1] for line in listed.splitlines() if line.startswith(f"{link}:")).partition("@")[0]
        network = "fd77:{}:{}:{}:".format(*machine.address.split(".")[1:])  # as unique as that address
        machine.ipv6 = f"{network}:1"
        subprocess.run(["ip", "addr", "add", f"{network}:2/64", "dev", name, "nodad"], check=True, timeout=10)
        machine.run("ip", "addr", "add", f"{machine.ipv6}/64", "dev", "eth0", "nodad")
        sshd = f'"$(command -v sshd)" -o ListenAddress=[{machine.ipv6}]:22 -f {machine.folder}/etc/sshd_config'
        machine.run("sh", "-c", f"{sshd}; {prepare}")
        with machine.known_hosts.open("a") as known:
            known.write(f"{machine.ipv6} {(machine.folder / 'host_key.pub').read_text()}")
        yield machine
    finally:
        stop_machine(machine)


@contextmanager
def podman_machine(prepare: str = "") -> Iterator[Machine]:
    """A host with Podman alone: Docker's firewall would let nothing through to it."""
    with machine_with({}, prepare) as machine:
        machine.stop("dockerd")
        machine.run("iptables", "-P", "FORWARD", "ACCEPT")
        machine.start_podman()
        yield machine


def networks(machine: Machine) -> dict[str, dict[str, str]]:
    """The labels of Podman's networks, by name."""
    from docker import APIClient

    with closing(APIClient(f"unix://{machine.podman_socket}", version="auto", timeout=20)) as client:
        return {one["Name"]: one["Labels"] or {} for one in client.networks()}


def page(address: str) -> str:
    """What a reader gets from outside, or "" for nothing."""
    connection = http.client.HTTPConnection(address, 8081, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def blog(folder: Path, machine: Machine, host: str, more: str = "") -> Path:
    (folder / "content").mkdir(parents=True)
    key = machine.target().identity  # with an ssh configuration for this test
    (folder / "site.toml").write_text(SITE.format(host=host, key=key) + more)
    (folder / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst.\n")
    locks.save(real_lock(), folder / "imagebake.lock")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return folder


@pytest.mark.parametrize(
    "settings",
    [{}, {"ipv6": True, "fixed-cidr-v6": "fd78::/64"}],
    ids=["containers with IPv4", "containers with both"],
)
def test_the_default_serves_both_families_and_the_address_that_is_printed_answers(settings, tmp_path, runtime):
    with machine_with(settings) as machine:
        folder = blog(tmp_path / "blog", machine, f"deploy@[{machine.ipv6}]")
        code, out, err = publish(folder)
        assert (code, out.partition("\n")[0]) == (0, f"http://[{machine.ipv6}]:8081/ answers: generation 1"), err
        assert "First." in page(machine.ipv6)
        assert "First." in page(machine.address)

        # An address of one family serves that family only: what is printed is then not the host's IPv6 address.
        site = folder / "site.toml"
        site.write_text(site.read_text() + 'address = "0.0.0.0"\n')
        git(folder, "commit", "-q", "-a", "-m", "y")
        code, out, err = publish(folder)
        host = f"deploy@{machine.ipv6}"
        assert (code, out.partition("\n")[0]) == (0, f"http://127.0.0.1:8081/ on {host} answers: generation 2"), err
        assert (page(machine.ipv6), "First." in page(machine.address)) == ("", True)


def test_a_host_without_ipv6_is_served_by_the_default(tmp_path, runtime):
    off = "for one in all default lo eth0; do echo 1 >/proc/sys/net/ipv6/conf/$one/disable_ipv6; done"
    with machine_with({}, off) as machine:
        code, out, err = publish(blog(tmp_path / "blog", machine, f"deploy@{machine.address}"))
        assert (code, out.partition("\n")[0]) == (0, f"http://{machine.address}:8081/ answers: generation 1"), err
        assert "First." in page(machine.address)


def test_a_host_without_ipv4_is_served_by_the_default(tmp_path, runtime):
    with machine_with({}) as machine:
        folder = blog(tmp_path / "blog", machine, f"ssh://deploy@[{machine.ipv6}]:22")
        machine.run("ip", "addr", "del", f"{machine.address}/30", "dev", "eth0")
        code, out, err = publish(folder)
        assert (code, out.partition("\n")[0]) == (0, f"http://[{machine.ipv6}]:8081/ answers: generation 1"), err
        assert "First." in page(machine.ipv6)


def test_podman_serves_both_families_by_a_network_of_ours_that_goes_with_the_last_release(tmp_path, runtime):
    with podman_machine() as machine:
        folder = blog(tmp_path / "blog", machine, f"root@[{machine.ipv6}]", 'engine = "podman"\n')
        before = networks(machine)
        for generation in (1, 2):
            code, out, err = publish(folder)
            assert (code, out.partition("\n")[0]) == (
                0,
                f"http://[{machine.ipv6}]:8081/ answers: generation {generation}",
            ), err
            assert "First." in page(machine.ipv6)
            assert "First." in page(machine.address)
            assert networks(machine) == before | {own_networks.NAME: {labels.NETWORK: own_networks.NAME}}
            (folder / "content/index.md").write_text(f"---\ntitle: Hello {generation}\n---\nFirst.\n")
            git(folder, "commit", "-q", "-a", "-m", "y")
        assert publish(folder, "rollback")[0] == 0
        assert "First." in page(machine.ipv6)
        assert publish(folder, "stop")[0] == 0
        assert publish(folder, "start")[0] == 0
        assert "First." in page(machine.ipv6)

        # One family alone needs no network of ours: it goes with the last release that has it.
        site = folder / "site.toml"
        site.write_text(site.read_text() + 'address = "0.0.0.0"\nkeep = 1\n')
        git(folder, "commit", "-q", "-a", "-m", "z")
        code, _, err = publish(folder)
        assert code == 0, err
        assert (page(machine.ipv6), "First." in page(machine.address)) == ("", True)
        assert networks(machine) == before


def test_somebody_elses_network_of_our_name_is_left_as_it_is(tmp_path, runtime):
    with podman_machine() as machine:
        folder = blog(tmp_path / "blog", machine, f"root@[{machine.ipv6}]", 'engine = "podman"\n')
        machine.run("podman", "network", "create", own_networks.NAME)
        before = networks(machine)
        code, _, err = publish(folder)
        assert code == 7
        assert f'the host has a network "{own_networks.NAME}" that sealpress did not make' in err
        assert networks(machine) == before
        machine.run("podman", "network", "rm", own_networks.NAME)
        assert publish(folder)[0] == 0
        assert "First." in page(machine.ipv6)


def test_podman_on_a_host_without_ipv6_serves_ipv4_by_the_default(tmp_path, runtime):
    off = "for one in all default lo eth0; do echo 1 >/proc/sys/net/ipv6/conf/$one/disable_ipv6; done"
    with podman_machine(off) as machine:
        folder = blog(tmp_path / "blog", machine, f"root@{machine.address}", 'engine = "podman"\n')
        site = folder / "site.toml"
        plain = site.read_text()
        site.write_text(plain.replace('edge = "none"\n', ""))
        locks.save(edge_lock(), folder / "edge.lock")
        before = networks(machine)
        code, _, err = publish(folder, "--dirty", "--no-sign")
        assert code == 7
        assert "on this Podman containers don't know each other by name, which an edge needs" in err
        assert networks(machine) == before
        site.write_text(plain)
        code, out, err = publish(folder)
        assert (code, out.partition("\n")[0]) == (0, f"http://{machine.address}:8081/ answers: generation 1"), err
        assert "First." in page(machine.address)
        assert own_networks.NAME not in networks(machine)
