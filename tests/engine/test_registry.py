"""Pushing to a real registry (Debian's docker-registry), and pulling back with a real dockerd.

The registries run on a machine of tests, in its own network: two on its loopback, without and with logins, and one that
is reached from outside, by TLS.
"""

import base64
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.image import oci
from imagebake.image.entries import Bytes, File
from imagebake.image.layers import described
from tests.engine.machine import PATH, Machine
from tests.imagebake.seal.conftest import Site, keys, make_site, once_sealed, packages, sealed, site
from tests.needs import unavailable

__all__ = ["keys", "make_site", "once_sealed", "packages", "sealed", "site"]  # fixtures

CREATED = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
HERE = "arm64" if platform.machine() == "aarch64" else "amd64"
OPEN, CLOSED, FAR = 5000, 5001, 5002

# "ada" with the password "secret", as `htpasswd -Bbn ada secret` writes it.
HTPASSWD = "ada:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


@pytest.fixture(scope="module")
def registries(machine: Machine) -> Iterator[Machine]:
    """The machine, with its three registries."""
    if missing := [name for name in ("docker-registry", "openssl") if not shutil.which(name, path=PATH)]:
        unavailable(f"needs Debian's {', '.join(missing)}")
    folder = machine.folder / "registries"
    folder.mkdir()
    (folder / "htpasswd").write_text(HTPASSWD)
    certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    certificate += ["-subj", "/CN=registry", "-addext", f"subjectAltName=IP:{machine.address}", "-days", "30"]
    certificate += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(certificate, check=True, capture_output=True, timeout=20)
    login = {"auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}}
    tls = {"tls": {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")}}
    processes = [
        _start(machine, folder, "open", f"127.0.0.1:{OPEN}"),
        _start(machine, folder, "closed", f"127.0.0.1:{CLOSED}", **login),
        _start(machine, folder, "far", f"{machine.address}:{FAR}", http=tls),
    ]
    try:
        _wait(machine, processes, folder)
        yield machine
    finally:
        for process in processes:
            process.kill()
            process.wait(10)


def _start(machine: Machine, folder: Path, name: str, address: str, http=None, **more) -> subprocess.Popen[bytes]:
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / name)}, "delete": {"enabled": False}},
        "http": {"addr": address, "secret": "tests", **(http or {})},
        **more,
    }
    file = folder / f"{name}.yml"
    file.write_text(json.dumps(config))  # YAML, too
    command = ["setpriv", "--pdeathsig", "KILL", *machine._inside(), "docker-registry", "serve", str(file)]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command, env={"PATH": PATH}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )


def _wait(machine: Machine, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + 20
    waiting = {OPEN, CLOSED, FAR}
    while waiting:
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            logs = "\n".join(file.read_text("utf-8", "replace")[-2000:] for file in folder.glob("*.log"))
            pytest.fail(f"a registry did not start:\n{logs}", pytrace=False)
        listening = machine.run("ss", "-Hltn")
        waiting = {port for port in waiting if f":{port} " not in listening}
        time.sleep(0.05)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small image for two architectures, with one layer in common."""
    return _write(tmp_path / "image", b"<p>hello</p>\n")


def _write(folder: Path, page: bytes) -> Path:
    runtime = oci.Runtime(entrypoint=("/bin/x",), user="101:101", port=8080, stop_signal="SIGQUIT")
    pages = described("pages", lambda: [File("srv/www/index.html", Bytes(page * 3000))], "test: pages")
    images = []
    for architecture in ("amd64", "arm64"):
        program = File("bin/x", Bytes(architecture.encode() + os.urandom(3000)), 0o755)
        own = described("program", lambda program=program: [program], "test: program")
        images.append(oci.seal(runtime, [own, pages], architecture, CREATED))
    oci.write_layout(images, "localhost/site/blog:0123456789abcdef", folder / "oci")
    return folder


@pytest.fixture
def push(registries: Machine, image: Path, tmp_path: Path):
    """Runs `imagebake push` on the machine; gives the exit code and what it printed."""

    def run(*arguments: str, inside: bool = True, **environment: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "imagebake.cli", "push", *arguments, "--image", str(image), "--json"]
        kept = {"PATH": PATH, "HOME": str(tmp_path), "SEALPRESS_CACHE": str(tmp_path / "cache"), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*registries._inside(), *command] if inside else command,
            env=kept | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout if done.returncode == 0 else done.stderr

    return run


@contextlib.contextmanager
def pulled(machine: Machine, name: str, **login: str) -> Iterator[dict]:
    """What dockerd says of an image that it has just pulled; it is gone again afterwards."""
    from docker import APIClient

    client = APIClient(f"unix://{machine.docker_socket}", version="auto", timeout=60)
    try:
        lines = client.pull(name, stream=True, decode=True, auth_config=login or None)
        errors = [line["error"] for line in lines if "error" in line]
        assert not errors
        yield client.inspect_image(name)
        client.remove_image(name, force=True)
    finally:
        client.close()


def expected(image: Path) -> list[str]:
    from imagebake.image.inspection import inspect

    (report,) = (report for report in inspect(image) if report.architecture == HERE)
    return [layer.diff_id for layer in report.layers]


def test_what_is_pushed_is_what_docker_pulls(registries: Machine, push, image: Path) -> None:
    """By its tags and by its digest; the second push sends nothing."""
    name = f"127.0.0.1:{OPEN}/ada/blog"
    code, said = push(name, "--tag", "latest")
    assert code == 0, said
    told = json.loads(said)
    assert told["tags"] == ["0123456789abcdef", "latest"]
    for reference in (f"{name}:latest", f"{name}:0123456789abcdef", f"{name}@{told['digest']}"):
        with pulled(registries, reference) as found:
            assert found["RootFS"]["Layers"] == expected(image)
            assert found["Architecture"] == HERE
    again = json.loads(push(name)[1])
    assert (again["sent"], again["kept"], again["digest"]) == (0, 3, told["digest"])


def test_a_registry_with_logins_lets_in_who_has_one(registries: Machine, push, image: Path, tmp_path: Path) -> None:
    name = f"127.0.0.1:{CLOSED}/ada/blog:v1"
    code, said = push(name)
    assert (code, said.splitlines()[0]) == (11, f"error: 127.0.0.1:{CLOSED} wants a login")
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    for password, expected_code in (("wrong", 11), ("secret", 0)):
        auth = base64.b64encode(f"ada:{password}".encode()).decode()
        config.write_text(json.dumps({"auths": {f"127.0.0.1:{CLOSED}": {"auth": auth}}}))
        code, said = push(name)
        assert code == expected_code, said
    with pulled(registries, name, username="ada", password="secret") as found:
        assert found["RootFS"]["Layers"] == expected(image)


def test_a_credential_helper_is_asked(registries: Machine, push, tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text("""#!/bin/sh\nread name\necho '{"Username":"ada","Secret":"secret"}'\n""")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "test"}')
    code, said = push(
        f"127.0.0.1:{CLOSED}/ada/helped", DOCKER_CONFIG=str(tmp_path), PATH=f"{tmp_path}:{os.environ['PATH']}"
    )
    assert code == 0, said


def test_over_the_network_only_tls_will_do(registries: Machine, push) -> None:
    """A certificate that nobody vouches for is refused; nothing is sent."""
    name = f"{registries.address}:{FAR}/ada/blog"
    code, said = push(name, inside=False)
    assert code == 11
    assert "can't prove who it is" in said
    trusted = str(registries.folder / "registries/certificate.pem")
    code, said = push(name, inside=False, SSL_CERT_FILE=trusted)
    assert code == 0, said
    code, said = push(f"http://{name}", inside=False)
    assert code == 2
    assert "without TLS" in said


def test_a_registry_that_isn_t_there_is_one_sentence(push) -> None:
    code, said = push("127.0.0.1:1/ada/blog")
    assert code == 11
    assert said.startswith("error: can't reach 127.0.0.1:1: Connection refused\n")


def test_an_upload_in_pieces_is_taken(registries: Machine, tmp_path: Path) -> None:
    """A blob of more than one piece, as Debian's registry takes it."""
    script = """
import contextlib, hashlib, sys
from imagebake.image.entries import Bytes
from imagebake.registry import client, reference, transport
data = bytes(range(256)) * 10000
named = reference.parse(sys.argv[1])
with contextlib.closing(transport.Transport(named.registry)) as connection:
    repository = client.ImageRepository(named, connection, lambda: None)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    repository.upload(digest, Bytes(data), whole=1 << 20, piece=1 << 20)
    print(repository.has_blob(digest, len(data)), repository.small_blob(digest, len(data)) == data)
"""
    command = [*registries._inside(), sys.executable, "-c", script, f"127.0.0.1:{OPEN}/ada/large"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert (done.stdout, done.returncode) == ("True True\n", 0), done.stderr


def test_a_sealed_image_is_verified_where_it_was_pushed(registries: Machine, sealed: Site) -> None:
    """With the seal that went along, down to a rebuild of its commit; and no other's signature will do."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*registries._inside(), sys.executable, "-m", "imagebake.cli", *arguments, "--json"]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    name = f"127.0.0.1:{OPEN}/ada/sealed:latest"
    done = run("push", name, "--image", str(sealed.image))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sealed"] is True
    known = ("--site", str(sealed.folder / "site.toml"))
    done = run("verify", name, "--rebuild", *known)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["principal"] for one in found["signers"]] == ["ada@example.org"]
    assert found["rebuilt"]["commit"] == sealed.commit
    with pulled(registries, name) as image:
        assert image["RootFS"]["Layers"] == expected(sealed.image)
        assert image["Config"]["Labels"]["org.sealpress.commit"] == sealed.commit
    sealed.keys.allow(sealed.folder / "allowed_signers", sealed.keys.bob)
    done = run("verify", name, *known)
    assert (done.returncode, "which nobody in allowed_signers has" in done.stderr) == (10, True)
