"""The edge's image: Debian's Caddy and what it is linked with, run for real, and the same bytes each time."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.image.entries import Directory
from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import resolve
from imagebake.recipes import edge
from imagebake.recipes.recipe import Image
from sealpress import labels
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from tests.imagebake.conftest import HERE
from tests.mirrors import require_mirror
from tests.needs import unavailable

network = pytest.mark.network


@pytest.fixture(scope="module")
def lock() -> Lock:
    now = datetime.now(UTC)  # noqa: TID251 - a real signature expires by the real clock
    require_mirror()
    return resolve(edge.settings_of(ImageSettings(architectures=(HERE,))), edge.ROOTS, now=now)


@pytest.fixture(scope="module")
def image(lock: Lock) -> Image:
    return edge.bake(lock, ImageSettings(), HERE)


@network
def test_it_holds_caddy_and_no_more_than_that_is_linked_with(image: Image, lock: Lock, open_folder: Path) -> None:
    """No shell; the certificates that it asks CAs by; and a user who owns two folders."""
    names = [layer.name.split()[0] for layer in image.layers]
    assert names == [*(one.name for one in lock.packages), "inventory", "configuration"]
    runners.unpack(image.layers, open_folder / "edge")
    programs = [path.name for path in (open_folder / "edge").rglob("*bin/*")]
    assert programs == ["caddy"]
    assert b"BEGIN CERTIFICATE" in (open_folder / "edge/etc/ssl/certs/ca-certificates.crt").read_bytes()
    config = json.loads(image.sealed.config.data)["config"]
    assert config["User"] == "102:102"
    assert config["Volumes"] == {"/certificates": {}, "/config": {}}
    assert config["Labels"] == {labels.SITE: labels.EDGE, labels.RELEASE: image.release, labels.COMMIT: ""}
    (layer,) = (layer for layer in image.layers if layer.name == "configuration")
    assert [one for one in layer.entries() if isinstance(one, Directory) and one.owner != (0, 0)] == [
        Directory("config", 0o700, (102, 102)),
        Directory("certificates", 0o700, (102, 102)),
    ]


@network
def test_the_same_lock_gives_the_same_image(
    image: Image, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what the cache knows of layers; another lock gives another one."""
    kept = cache.folder()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/packages").symlink_to(kept / "packages")
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    assert edge.bake(lock, ImageSettings(), HERE).digest == image.digest
    later = replace(lock, date=datetime(2027, 1, 1, tzinfo=UTC))
    assert edge.bake(later, ImageSettings(), HERE).digest != image.digest


@network
def test_it_starts_takes_another_configuration_and_comes_back_with_that(image: Image, tmp_path: Path) -> None:
    """As an engine runs it, but for the network: read-only, with a volume; told by its own program over its socket."""
    bubblewrap = next((one for one in runners.available() if isinstance(one, runners.Bubblewrap)), None)
    if bubblewrap is None:
        unavailable("needs bubblewrap and user namespaces")
    rootfs, volume = tmp_path / "root", tmp_path / "volume"
    runners.unpack(image.layers, rootfs)
    (rootfs / "config").mkdir(exist_ok=True)
    volume.mkdir(mode=0o777)
    volume.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    saying(volume, port, "one")
    command = [*bubblewrap.program(rootfs, edge.RECIPE.runtime, (), {"/config": volume})]
    # The socket lies where the test can reach it, too.
    admin = tmp_path / "tmp"
    admin.mkdir()
    command[command.index("--tmpfs") : command.index("--tmpfs") + 2] = ["--bind", str(admin), "/tmp"]
    with running(command):
        assert asked(port) == "one"
        saying(volume, port, "two")
        done = subprocess.run([*until(command), *edge.RELOAD], capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        assert asked(port) == "two"
        (volume / "edge.json").write_text('{"apps": {"nothing": {}}}')
        done = subprocess.run([*until(command), *edge.RELOAD], capture_output=True, timeout=20, check=False)
        assert done.returncode != 0
        assert asked(port) == "two"
    with running(command):
        assert asked(port) == "two"


def saying(volume: Path, port: int, text: str) -> None:
    """Has Caddy answer with a text."""
    route = {"handle": [{"handler": "static_response", "body": text}]}
    server = {"listen": [f"127.0.0.1:{port}"], "routes": [route], "automatic_https": {"disable": True}}
    told = {"admin": {"listen": edge.ADMIN}, "apps": {"http": {"servers": {"readers": server}}}}
    (volume / "edge.json").write_text(json.dumps(told))


class running:  # noqa: N801 - read as a sentence
    """A process, for as long as the context lasts."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def __enter__(self) -> None:
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL, start_new_session=True)

    def __exit__(self, *_raised: object) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)


def until(command: list[str]) -> list[str]:
    """The same world, for another program."""
    return command[: command.index("--", 1) + 1]


def asked(port: int) -> str:
    until_then = time.monotonic() + 20
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        except OSError:
            if time.monotonic() > until_then:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def test_no_lock_is_of_a_suite_before_trixie() -> None:
    """Debian 12's Caddy has holes that nobody mends."""
    assert edge.settings_of(ImageSettings(suite="bookworm")).suite == "trixie"
    assert edge.settings_of(ImageSettings(suite="forky")).suite == "forky"
    old = Lock("bookworm", datetime(2026, 1, 1, tzinfo=UTC), (), ())
    with pytest.raises(Problem, match="whose Caddy has holes") as caught:
        edge.bake(old, ImageSettings(), HERE)
    assert caught.value.code is Exit.LOCK


@network
def test_a_lock_of_before_says_how_to_have_a_newer_one(lock: Lock) -> None:
    """Without certificates to ask CAs by, no site would get one."""
    old = replace(lock, roots=lock.roots[:1])
    with pytest.raises(Problem, match="the edge's lock has no ca-certificates: an older sealpress wrote it") as caught:
        edge.bake(old, ImageSettings(), HERE)
    assert caught.value.code is Exit.LOCK
