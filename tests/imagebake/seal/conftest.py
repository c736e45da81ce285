"""A site in a git repository, baked from its commit with tiny packages and sealed; and keys to sign with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from imagebake.packages.resolve import resolve
from imagebake.packages.selection import Root
from imagebake.seal import envelope, verification
from imagebake.seal.envelope import Seal
from sealpress.commands import generator
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.packages.conftest import NOW, tiny_mirror

ROOTS = (Root("server-common", "etc/server/types"), Root("server", "usr/sbin/server"))

SITE = """\
[site]
title = "Notes"
url = "https://blog.example.org/"

[build]
command = ["sh", "build.sh"]
output = "public"
"""

# Another generator, as small as can be: pages, and a file of its own that ends as a sibling does.
BUILD = """\
mkdir -p public/.well-known
for page in pages/*; do yes "$(cat "$page")" | head -n 200 > "public/${page#pages/}"; done
cp pages/about.html public/own.html && echo own > public/own.html.br
echo '/old /about.html 301' > public/_redirects
"""

TRUE = '{"commit": null, "clean": false, "inputs": {}, "tools": {}}'


@dataclass(frozen=True)
class Keys:
    """Private key files, made once."""

    ada: Path
    bob: Path
    locked: Path

    def allow(self, file: Path, *keys: Path, options: str = 'namespaces="sealpress"') -> Path:
        lines = [f"{key.name}@example.org {options} {key.with_suffix('.pub').read_text()}" for key in keys]
        file.write_text("".join(lines), encoding="utf-8")
        return file


@dataclass(frozen=True)
class Site:
    """`folder` is the repository, with the image in `image`. `run` is the command imagebake in it."""

    folder: Path
    keys: Keys

    @property
    def image(self) -> Path:
        return self.folder / "image"

    @property
    def commit(self) -> str:
        return git(self.folder, "rev-parse", "HEAD").strip()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "imagebake.cli", *arguments],
            cwd=self.folder,
            env={**os.environ, "CI": "true", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def bake(self, *options: str) -> dict[str, object]:
        """Builds the work tree and bakes it into image/, with all that is known of it."""
        from sealpress.tree import provenance

        subprocess.run(["sh", "build.sh"], cwd=self.folder, check=True, timeout=20)
        names = git(self.folder, "ls-files").splitlines()
        clean = not git(self.folder, "status", "--porcelain", "--", "pages", "build.sh").strip()
        told = provenance.of_files(self.folder, names, commit=self.commit, clean=clean)
        file = self.folder.with_name("provenance.json")
        provenance.save(told, file)
        done = self.run("bake", "public", "--provenance", str(file), "--json", *options)
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        [*command, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=20
    ).stdout


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    for name, passphrase in (("ada", ""), ("bob", ""), ("locked", "a secret")):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, timeout=10, stdin=subprocess.DEVNULL)
    return Keys(folder / "ada", folder / "bob", folder / "locked")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with tiny packages, and imagebake.lock in it."""
    folder = tmp_path_factory.mktemp("packages")
    mirror = tiny_mirror(folder / "mirror")
    found = resolve(mirror.settings, ROOTS, now=NOW, cache=folder / "cache", keys=mirror.keys)
    locks.save(found, folder / "cache" / "imagebake.lock")
    return folder / "cache"


def _alone(patch: pytest.MonkeyPatch, home: Path, packages: Path) -> None:
    """The machine's own git settings, agent and login play no part."""
    for name in ("SSH_AUTH_SOCK", "SOURCE_DATE_EPOCH", "DISPLAY", "XDG_CONFIG_HOME"):
        patch.delenv(name, raising=False)
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv(generator.VARIABLE, "1")
    patch.setenv("SEALPRESS_CACHE", str(packages))


def _committed(folder: Path, keys: Keys, packages: Path, site: str) -> Site:
    (folder / "pages").mkdir(parents=True)
    files = {
        "site.toml": site,
        "build.sh": BUILD,
        "pages/index.html": "<p>home</p>",
        "pages/about.html": "<p>about</p>",
        ".gitignore": "/public/\n/image/\n",
        "imagebake.lock": (packages / "imagebake.lock").read_text("utf-8"),
    }
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    keys.allow(folder / "allowed_signers", keys.ada)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return Site(folder, keys)


@pytest.fixture
def make_site(packages: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    """Makes the repository; `site` is site.toml."""
    (tmp_path / "home").mkdir()
    _alone(monkeypatch, tmp_path / "home", packages)

    def make(site: str = SITE) -> Site:
        return _committed(tmp_path / "site", keys, packages, site)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture(scope="session")
def once_sealed(packages: Path, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the site that `sealed` copies, in `site`, and what is beside it; nobody changes it."""
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        _alone(patch, folder / "home", packages)
        _committed(folder / "site", keys, packages, SITE).bake("--key", str(keys.ada))
    return folder


@pytest.fixture
def sealed(once_sealed: Path, packages: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, baked and signed by ada: the test's own copy."""
    shutil.copytree(once_sealed, tmp_path, symlinks=True, dirs_exist_ok=True)
    _alone(monkeypatch, tmp_path / "home", packages)
    return Site(tmp_path / "site", keys)


@dataclass(frozen=True)
class Baked:
    """A folder that imagebake baked for both architectures, for reading only; site.toml and the signers beside it."""

    folder: Path
    seal: Seal

    @property
    def archive(self) -> Path:
        return self.folder / "blog-example-org-amd64.tar"


@pytest.fixture(scope="session")
def baked(packages: Path, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Baked:
    folder = tmp_path_factory.mktemp("baked")
    (folder / "public").mkdir()
    (folder / "public/index.html").write_text("<p>home</p>" * 40)
    (folder / "site.toml").write_text(SITE)
    shutil.copy(packages / "imagebake.lock", folder)
    environment = {**os.environ, "SEALPRESS_CACHE": str(packages), "HOME": str(folder), "CI": "true"}
    command = [sys.executable, "-m", "imagebake.cli", "bake", "public", "-q", "--key", str(keys.ada)]
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=100)
    keys.allow(folder / "allowed_signers", keys.ada)
    return Baked(folder / "image", envelope.load(folder / "image/seal.json"))


def refused(path: Path, seal: Seal) -> str:
    with pytest.raises(Problem) as caught:
        verification.images(path, seal, SILENT)
    assert caught.value.code is Exit.SEAL, caught.value
    return caught.value.message
