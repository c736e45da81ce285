"""Whether a site of Podman comes back with its host: what `publish doctor` says, and the unit that it asks for."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from publish.deploy.ship import ship
from publish.edge.container import line_of
from publish.engines.protocol import ContainerSpec, Endpoint, Host, Role, RunState
from publish.releases.ownership import ReleaseLine
from publish.target import doctor
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Problem
from tests.docs.pages import CONTENT, blocks
from tests.engine.machine import Machine
from tests.engine.perlsite import seal
from tests.publish.deployments import deployment, switch

LINES = [
    ReleaseLine("blog", target, Endpoint("0.0.0.0", port), "https://blog.example/")
    for target, port in (("production", 8080), ("staging-2", 8081))
]


def shown(title: str) -> str:
    """A file of the page, whose two languages show the same."""
    pages = (CONTENT / f"docs/how-to/publish-over-ssh{language}.md" for language in ("", ".fr"))
    (text,) = {block.text for page in pages for block in blocks(page) if block.title == title}
    return text


def _site(folder: Path) -> SiteFile:
    folder.mkdir()
    (folder / "site.toml").write_text('[site]\ntitle = "T"\nurl = "https://blog.example/"\n')
    return sitefile.load(folder / "site.toml")


@pytest.fixture
def podman(machine: Machine) -> Iterator[Host]:
    machine.start_podman()
    target = machine.target("root", engine="podman")
    with open_host(target, SILENT) as opened:
        yield opened
        for container in opened.engine.containers():
            opened.engine.stop(container.id, 1)
            opened.engine.remove(container.id)
        for image in opened.engine.images("blog"):
            for reference in image.references:
                opened.engine.remove_image(reference)
    assert machine.inventory("podman") == {"images": [], "containers": [], "volumes": []}


@pytest.fixture
def units(machine: Machine) -> Iterator[Path]:
    """The machine's /etc/systemd/system, as an empty folder of its own."""
    machine.run("sh", "-c", "mkdir /run/units && mount --bind /run/units /etc/systemd/system")
    yield machine.folder / "run/units"
    machine.run("sh", "-c", "umount /etc/systemd/system && rm -r /run/units")


def test_a_podman_without_the_unit_is_to_be_mended_and_one_with_it_is_well(
    machine: Machine, podman: Host, units: Path
) -> None:
    with pytest.raises(Problem, match=r"nothing starts the site again: there is no sealpress\.service\n") as caught:
        doctor._reboot(podman)
    assert "publish start after each reboot" in (caught.value.hint or "")
    (units / "sealpress.service").write_text(shown("sealpress.service"))
    machine.run("systemctl", "enable", "podman-restart.service")
    with pytest.raises(Problem, match=r"no sealpress\.service, and most versions of podman-restart\.service pass"):
        doctor._reboot(podman)
    machine.run("systemctl", "enable", "sealpress.service")
    assert doctor._reboot(podman) == "sealpress.service starts the site again"
    settings = machine.target("root", engine="podman")
    found = {one.what: one for one in doctor.there(_site(machine.folder / "blog"), "production", settings, SILENT)}
    assert found["reboot"].is_well
    assert found["site"].told == "nothing is published there yet"


def test_the_unit_of_an_account_needs_it_to_linger(machine: Machine, units: Path) -> None:
    own = machine.folder / "home/deploy/.config/systemd/user"
    wanted = own / "default.target.wants"
    wanted.mkdir(parents=True)
    (own / "sealpress.service").write_text(shown("sealpress.service"))
    (wanted / "sealpress.service").symlink_to(own / "sealpress.service")
    lingering = machine.folder / "lib/systemd/linger/deploy"
    try:
        with open_host(machine.target(), SILENT) as host:
            with pytest.raises(Problem, match="when the account logs in, and not before"):
                doctor._reboot(host)
            lingering.parent.mkdir(parents=True)
            lingering.touch()
            assert doctor._reboot(host) == "sealpress.service starts the site again"
    finally:
        shutil.rmtree(own.parent)
        shutil.rmtree(lingering.parent)


def test_the_script_of_the_unit_starts_the_newest_release_of_each_site(machine: Machine, podman: Host) -> None:
    """10 is more than 9; and those before stay as they are. With all replicas, each edge and what is shared."""
    image = seal({"index.html": "one"})
    for line in LINES:
        job = deployment(
            host=podman,
            line=line,
            release=image.labels[labels.RELEASE],
            commit="",
            ship=lambda engine, progress, line=line: ship(engine, image, progress, line),
            timeout=30,
        )
        switch(job)
    engine = podman.engine
    (first,) = [one for one in engine.containers() if one.labels[labels.TARGET] == LINES[0].target]
    edges = [line_of(Endpoint("", port)) for port in (80, 8080)]
    made = [(LINES[0], number, which) for number in (9, 10) for which in ("", "site-2")]
    for line, number, which in (*made, *((edge, number, "") for edge in edges for number in (1, 2))):
        own = {**line.labels, labels.ROLE: str(Role.SERVER), labels.GENERATION: str(number)}
        engine.create(ContainerSpec(line.container_name(number, Role.SERVER, which), first.image, {}, own))
    shared = LINES[0].container_name(11, Role.SHARED)
    engine.create(ContainerSpec(shared, first.image, {}, {**LINES[0].labels, labels.ROLE: str(Role.SHARED)}))
    for container in engine.containers():
        engine.stop(container.id, 1)
    script = machine.folder / "start-sites"
    script.write_text(shown("start-sites"))
    machine.run("env", "HOME=/root", f"CONTAINERS_CONF={machine.folder}/etc/podman.conf", "sh", str(script))
    running = {one.name for one in engine.containers() if one.state is RunState.RUNNING}
    newest = [(LINES[0], 10, ""), (LINES[0], 10, "site-2"), (LINES[1], 1, ""), *((edge, 2, "") for edge in edges)]
    assert running == {shared, *(line.container_name(number, Role.SERVER, which) for line, number, which in newest)}


def test_the_unit_is_one_that_systemd_reads(machine: Machine, tmp_path: Path) -> None:
    unit = tmp_path / "sealpress.service"
    unit.write_text(re.sub("/usr/local/bin/start-sites", "/bin/true", shown("sealpress.service")))
    machine.run("systemd-analyze", "verify", str(unit))
