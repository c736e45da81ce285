"""Archives made by hand, and a runner that serves them, for tests of the embedded engine."""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from publish.engines.embedded.engine import EmbeddedEngine
from publish.target.hosts import LocalHost
from sealpress import labels

SERVER = """
import http.server, json, os, sys
from sealpress.tree.tree import content_type, media_type
root, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if os.path.exists(root + "/broken"):
    print("the configuration is broken", flush=True)
    sys.exit(3)
try:
    told = json.load(open(root + "/answers.json"))
except OSError:
    told = {}
class Site(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
        super().__init__(*arguments, directory=root + "/site")
    def guess_type(self, path):
        return content_type(media_type(path))
    def end_headers(self):
        for name, value in told.get(self.path, {}).items():
            if name != "content-type":
                self.send_header(name, value)
        super().end_headers()
    def send_error(self, code, *_said):
        body = open(root + "/site/404.html", "rb").read() if os.path.exists(root + "/site/404.html") else b"not here"
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("serving", flush=True)
http.server.ThreadingHTTPServer((address, port), Site).serve_forever()
"""


class PythonRunner:
    """Serves the folder `site` of a root file system."""

    name = "python"

    def command(self, rootfs: Path, port: int, address: str, scratch: Path) -> Sequence[str]:
        del scratch
        return [sys.executable, "-u", "-c", SERVER, str(rootfs), address, str(port)]


@pytest.fixture
def embedded(tmp_path):
    """An embedded host in a folder of its own; whatever still runs there at the end is ended."""
    engine = EmbeddedEngine(tmp_path / "state", PythonRunner())
    yield LocalHost(engine, is_by_folder=True)
    for container in (tmp_path / "state" / "containers").glob("[!.]*"):
        engine.remove(container.name)


def layer(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar of these files; a TarInfo stands for itself."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                tar.addfile(data)
            else:
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@dataclass(frozen=True)
class HandMade:
    """A baked image as publish.deploy.ship knows it, from layers of bytes."""

    reference: str
    blobs: tuple[bytes, ...]
    labels: Mapping[str, str]
    architecture: str = "amd64"

    @dataclass(frozen=True)
    class Layer:
        diff_id: str
        size: int = 1 << 30  # too large to be looked into

    @property
    def layers(self):
        return tuple(self.Layer(sha256(blob)) for blob in self.blobs)

    def archive(self, reference: str, omit: Sequence[str] = ()):
        del omit
        yield archive(self.blobs, reference, self.labels, architecture=self.architecture)

    def archive_size(self, reference: str, omit: Sequence[str] = ()) -> int:
        del omit
        return len(archive(self.blobs, reference, self.labels, architecture=self.architecture))


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def archive(blobs: Sequence[bytes], reference: str, image_labels: Mapping[str, str], **changes: object) -> bytes:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": dict(image_labels)},
        "rootfs": {"type": "layers", "diff_ids": [sha256(blob) for blob in blobs]},
    } | changes
    data = json.dumps(config).encode()
    name = "blobs/sha256/" + sha256(data)[7:]
    names = ["blobs/sha256/" + sha256(blob)[7:] for blob in blobs]
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": names}]).encode()
    return layer({"manifest.json": manifest, name: data} | dict(zip(names, blobs, strict=True)))


@pytest.fixture
def site_image(request):
    """Makes images of one site, whose name is the test's own: `site_image("a")`, `site_image("b", broken=True)`."""
    digest = hashlib.sha256(f"{request.node.nodeid}{id(request)}".encode()).hexdigest()[:12]

    def make(release: str, *, broken: bool = False, pages: Mapping[str, bytes] | None = None) -> HandMade:
        site = f"test-{digest}"
        files = {
            "site/.well-known/release": f"sha256:{release}\n".encode(),
            "site/healthz": b"ok\n",
            "site/index.html": f"<h1>{release}</h1>".encode(),
        } | {f"site/{path}": data for path, data in (pages or {}).items()}
        if broken:
            files["broken"] = b""
        return HandMade(
            f"localhost/site/{site}:{release}",
            (layer({"lower/file": b"lower"}), layer(files)),
            {labels.SITE: site, labels.RELEASE: f"sha256:{release}"},
        )

    return make


@pytest.fixture(scope="session")
def layer_of():
    return layer


@pytest.fixture(scope="session")
def archive_of():
    return archive


@pytest.fixture(scope="session")
def hand_made():
    return HandMade


@pytest.fixture(scope="session")
def python_runner():
    return PythonRunner()
