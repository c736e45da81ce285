"""A blog, and the command line that publishes it.

The generator, the embedded engine and HTTP are real; the image is a hand-made one, and Python stands in for nginx.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.nginx import runners
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import Root
from imagebake.recipes import statement
from publish import cli
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import Endpoint
from publish.probing import answers as sealed
from publish.probing import probe
from publish.publishing import pipeline, seal_store
from sealpress import labels
from sealpress.commands import generator
from sealpress.commands.command import run
from sealpress.config import sitefile
from tests.ports import free_port

SITE = """
[site]
title = "A blog"
url = "https://{name}.example/"

[build]
command = ["sh", "generate.sh"]
output = "public"

[publish.here]
host = "local"
port = {port}
address = "127.0.0.1"
engine = "embedded"
timeout = 20
"""
PACKAGE = LockedPackage("tiny", "1", "amd64", "main", "pool/tiny.deb", "ab" * 32, 1, "sha256:" + "0" * 64)
LOCK = Lock("trixie", datetime(2026, 1, 1, tzinfo=UTC), (Root("tiny", "usr/bin/tiny"),), (PACKAGE,))
GENERATE = 'mkdir -p public/a && cp page.html public/index.html && echo "$SOURCE_DATE_EPOCH" > public/a/index.html\n'


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


@pytest.fixture
def blog(tmp_path, monkeypatch, layer_of, python_runner, hand_made):
    """A repository with one commit, and an image that is its output tree."""
    port = free_port()
    folder = tmp_path / "blog"
    folder.mkdir()
    name = "t" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    (folder / "site.toml").write_text(SITE.format(name=name, port=port))
    (folder / "generate.sh").write_text(GENERATE)
    (folder / "page.html").write_text("one")
    (folder / ".gitignore").write_text("public\n")
    (folder / "imagebake.lock").write_text("")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)

    def bake(product, made_from, lock, architecture, progress):
        assert lock.is_file()
        site = sitefile.image_name(made_from.site.settings)
        release = "sha256:" + hashlib.sha256(product.tree.digest.encode() + lock.read_bytes()).hexdigest()
        files = {f"site/{entry.path}": product.tree.file(entry).read_bytes() for entry in product.tree.entries}
        told = statement.describe(product.tree, "sha256:" + "0" * 64, site, release, made_from.provenance)
        extra = {"site/.well-known/release": release.encode(), "site/.well-known/seal.json": told.data}
        extra["site/healthz"] = b"ok"
        headers = {one.path: dict(one.headers) for one in sealed.of_site(product.tree, made_from.site)}
        extra["answers.json"] = json.dumps(headers).encode()
        if b"broken" in files["site/index.html"]:
            extra["broken"] = b""
        image_labels = {labels.SITE: site, labels.RELEASE: release, labels.COMMIT: product.commit}
        image = hand_made(f"localhost/site/{site}:{release[7:19]}", (layer_of(files | extra),), image_labels)
        return Baked(image, release)

    monkeypatch.setattr(pipeline, "bake", bake)
    monkeypatch.setattr(seal_store, "seal", lambda image, *_: Seal(image))
    monkeypatch.setattr(
        seal_store, "keep", lambda seal, image, home: (home / image.reference, seal) if seal.image is image else None
    )
    monkeypatch.setattr(runners, "find_runner", lambda: python_runner)
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(generator.VARIABLE, "1")
    monkeypatch.chdir(folder)
    yield Blog(folder, port)
    engine = EmbeddedEngine(tmp_path / "state", python_runner)
    for container in (tmp_path / "state/containers").glob("[!.]*"):
        engine.remove(container.name)


@dataclass(frozen=True)
class Seal:
    """What stands for the seal of an image that nobody signed."""

    image: object
    signatures: tuple[()] = ()


class Baked:
    """An image with what the command line tells of it."""

    def __init__(self, image, release: str) -> None:
        self.image, self.release = image, release
        self.digest, self.size = "sha256:" + "d" * 64, 9_870_000

    def __getattr__(self, name: str):
        return getattr(self.image, name)


class Blog:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def page(self, path: str = "/") -> str:
        return probe.fetch(Endpoint("127.0.0.1", self.port), path).body.decode()

    def edit(self, text: str) -> str:
        (self.folder / "page.html").write_text(text)
        return commit(self.folder)


def commit(folder: Path) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def publish(monkeypatch, capsys):
    """Runs the command line; gives its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["publish", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(cli.publish)
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call
