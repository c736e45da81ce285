"""A real CA on a test's machine: Debian's pebble, which speaks ACME, with a name service that leads names to that host.

with authority(machine, folder) as ca:
    site = replace(target, hosts=("blog.example",), tls=ca.files())
"""

import http.client
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from publish.edge.container import volume_at
from publish.edge.pair import SiteFiles, read
from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress.config.settings import PublishTarget
from sealpress.problems import Place
from tests.certificates import signed
from tests.engine.edges import Behind, left_as_found
from tests.engine.machine import PATH, Machine
from tests.needs import unavailable

REFUSED = "refused.example"
"""A name that the CA gives nobody a certificate for."""

READERS = Endpoint("", 80)
VOLUME = volume_at(READERS)

_STARTED_WITHIN = 20.0


@dataclass(frozen=True)
class Authority:
    """`root`: a PEM file of the CA that signed the directory's own certificate, and of pebble's root beside it."""

    machine: Machine
    folder: Path
    root: Path
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def target(self, **changes) -> PublishTarget:
        told = {"tls": True, "acme": f"https://{self.machine.address}:14000/dir", "acme_roots": str(self.root)}
        return PublishTarget(**({"host": "local", "edge": "caddy"} | told | changes))

    def files(self, **changes) -> SiteFiles:
        return read(self.target(**changes), self.folder, lambda *_: Place("site.toml"))

    def stop(self, program: str = "pebble") -> None:
        self.machine.stop(program)
        self.programs.pop(program).wait(20)

    def start(self) -> None:
        """It forgets all that it knew, but its certificate."""
        self.begin("pebble", "-config", "pebble.json", "-dnsserver", "127.0.0.1:8053")
        deadline = time.monotonic() + _STARTED_WITHIN
        while True:
            with suppress(OSError):
                self._write_roots()
                return
            if time.monotonic() > deadline:
                raise AssertionError((self.folder / "pebble.log").read_text())
            time.sleep(0.05)

    def begin(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            self.programs[command[0]] = subprocess.Popen(
                [*self.machine._inside(), "sh", "-c", 'cd "$1" && shift && exec "$@"', "", str(self.folder), *command],
                env={"PATH": PATH, "PEBBLE_VA_NOSLEEP": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _write_roots(self) -> None:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        connection = http.client.HTTPSConnection(self.machine.address, 15000, timeout=2, context=context)
        with closing(connection):
            connection.request("GET", "/roots/0")
            issuer = connection.getresponse().read().decode()
        self.root.write_text((self.folder / "ca.pem").read_text() + issuer)

    def lead(self, name: str, address: str) -> None:
        """Where the name service leads a name, as the CA sees it."""
        told = json.dumps({"host": f"{name}.", "addresses": [address]})
        connection = http.client.HTTPConnection(self.machine.address, 8055, timeout=5)
        with closing(connection):
            connection.request("POST", "/add-a", told)
            assert connection.getresponse().status == 200


@contextmanager
def authority(machine: Machine, folder: Path) -> Iterator[Authority]:
    for program in ("pebble", "pebble-challtestsrv"):
        if not shutil.which(program, path=PATH):
            unavailable("needs Debian's pebble")
    signed(folder, "pebble", f"IP:{machine.address}")
    told = {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "0.0.0.0:15000",
        "certificate": "pebble.pem",
        "privateKey": "pebble.key",
        "httpPort": 80,
        "tlsPort": 443,
        "domainBlocklist": [REFUSED],
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": told}))
    names = ("-dns01", ":8053", "-http01", "", "-https01", "", "-tlsalpn01", "")
    found = Authority(machine, folder, folder / "roots.pem")
    try:
        found.begin("pebble-challtestsrv", "-defaultIPv4", machine.address, "-defaultIPv6", "", *names)
        found.start()
        yield found
    finally:
        for program in (*found.programs,):
            found.stop(program)


@contextmanager
def left_without_certificates(machine: Machine) -> Iterator[Behind]:
    """As left_as_found, for an edge with TLS, whose volume goes with the test."""
    with left_as_found(machine, keeps=True) as found:
        site = replace(found, readers=READERS)
        yield site
        for one in site.host.engine.containers():
            site.host.engine.remove(one.id)
        site.edge.tidy()
        machine.run("docker", "volume", "rm", "--force", VOLUME)


def get(machine: Machine, name: str, roots: str, path: str = "/") -> probe.SiteAnswer:
    """By TLS, trusting `roots`, in PEM, alone."""
    return probe.fetch(Endpoint(machine.address, 443, is_secure=True, name=name, roots=roots), path)


def by_http(machine: Machine, name: str, path: str = "/") -> probe.SiteAnswer:
    return probe.fetch(Endpoint(machine.address, 80, name=name), path)
