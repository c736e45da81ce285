"""The same bytes on every machine: one small tree and tiny packages, baked by strangers, in processes of their own.

Each stranger has its own cache of layers and siblings, so every byte is made anew: only the packages are shared.
"""

import base64
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from imagebake.packages.resolve import resolve
from imagebake.packages.selection import Root
from tests.imagebake.conftest import write_tree
from tests.imagebake.packages.conftest import NOW, tiny_mirror
from tests.needs import unavailable

ROOT = Path(__file__).parents[2]
ROOTS = (Root("server-common", "etc/server/types"), Root("server", "usr/sbin/server"))

PAGES = {
    "index.html": b"<p>home</p>\n" * 200,  # large enough for a sibling
    "404.html": b"<p>not here</p>\n",
    "feed.xml": b"<feed/>\n",
    **{f"posts/{number:02}/index.html": b"<p>%d</p>\n" % number * 300 for number in range(40)},
    "posts/index.html": b"<p>posts</p>\n",
    "tags/cats/index.html": b"<p>cats</p>\n",
    "style.0a1b2c3d.css": b"p { color: red }\n" * 100,
    "photo.png": bytes(range(256)) * 8,
    "images/p\u00e9ch\u00e9 \u0130\u0131.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
}


@dataclass(frozen=True)
class Machine:
    """Another machine, as far as a bake could notice."""

    environment: Mapping[str, str] = field(default_factory=dict)
    umask: int = 0o022
    wrapper: Sequence[str] = ()
    folder: str = "project"
    backwards: bool = False
    mode: int = 0o644


def as_another_user() -> list[str]:
    """nobody, who may read what root owns; or, for a user, root in a namespace of its own."""
    if os.geteuid() == 0:
        caps = "+dac_read_search,+dac_override"
        return [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            f"--inh-caps={caps}",
            f"--ambient-caps={caps}",
        ]
    return ["unshare", "--user", "--map-root-user"]


MACHINES = {
    "clean": Machine({"LANG": "C", "TZ": "UTC", "PYTHONHASHSEED": "0"}),
    "turkish": Machine({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}),
    "no utf-8": Machine({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "America/St_Johns"}),
    "closed umask": Machine(umask=0o077, mode=0o600),
    "open umask": Machine(umask=0, mode=0o777),
    "hash seed 1": Machine({"PYTHONHASHSEED": "1"}),
    "hash seed 4242": Machine({"PYTHONHASHSEED": "4242"}),
    "folder": Machine(folder="a folder with spaces é/deep/er"),
    "files made backwards": Machine(backwards=True),
    "one core": Machine(wrapper=["taskset", "-c", "0"]),
    "another user": Machine(wrapper=as_another_user(), umask=0o027),
    "optimised python": Machine({"PYTHONOPTIMIZE": "2"}),
    "another home and terminal": Machine({"HOME": "/nonexistent", "TERM": "dumb", "COLUMNS": "20", "USER": "x"}),
}


@dataclass(frozen=True)
class Shared:
    """A lock and its packages in a cache."""

    lock: Path
    packages: Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    folder = tmp_path_factory.mktemp("shared")
    mirror = tiny_mirror(folder / "mirror")
    found = resolve(mirror.settings, ROOTS, now=NOW, cache=folder / "cache", keys=mirror.keys)
    locks.save(found, folder / "imagebake.lock")
    return Shared(folder / "imagebake.lock", folder / "cache/packages")


def project(folder: Path, shared: Shared, *, backwards: bool = False, mode: int = 0o644) -> Path:
    for number, path in enumerate(reversed(PAGES) if backwards else PAGES):
        write_tree(folder / "public", {path: PAGES[path]})
        (folder / "public" / path).chmod(mode)
        os.utime(folder / "public" / path, (number, number * 1000))
    shutil.copyfile(shared.lock, folder / "imagebake.lock")
    return folder


def bake(
    folder: Path,
    shared: Shared,
    scratch: Path,
    machine: Machine = MACHINES["clean"],
    python: Sequence[str] = (sys.executable,),
    tree: Path | str = "public",
) -> dict[str, str]:
    """The sha256 of each file that a bake writes, by its path; checked against what the command says."""
    cache = scratch / "cache"
    cache.mkdir(parents=True)
    shutil.copytree(shared.packages, cache / "packages")
    out = scratch / "out"
    for given in (scratch, cache):
        given.chmod(0o777)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ", "SOURCE_"))}
    done = subprocess.run(
        [*machine.wrapper, *python, "-m", "imagebake.cli", "bake", str(tree), "--name", "x", "-o", str(out), "--json"],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "SEALPRESS_CACHE": str(cache), **machine.environment},
        umask=machine.umask,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert [one["architecture"] for one in said["images"]] == ["amd64", "arm64"]
    found = {
        str(file.relative_to(out)): hashlib.sha256(baked_bytes(file)).hexdigest()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }
    assert all(f"oci/blobs/{one['digest'].replace(':', '/')}" in found for one in said["images"])
    return found


def baked_bytes(file: Path) -> bytes:
    """A file's bytes; of the seal, which names the Python and machine that baked, all but these."""
    if file.name != "seal.json":
        return file.read_bytes()
    payload = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    assert payload["predicate"].pop("bakedBy").keys() == {"implementation", "machine", "python"}
    return json.dumps(payload, sort_keys=True).encode()


@pytest.fixture(scope="module")
def reference(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference")
    return bake(project(folder / "project", shared), shared, folder / "scratch")


@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_bakes_the_same_bytes(
    name: str, shared: Shared, reference: dict[str, str], tmp_path: Path
) -> None:
    machine = MACHINES[name]
    tmp_path.chmod(0o755)
    folder = project(tmp_path / machine.folder, shared, backwards=machine.backwards, mode=machine.mode)
    assert bake(folder, shared, tmp_path / "scratch", machine) == reference


def test_the_matrix_would_notice_a_difference(shared: Shared, reference: dict[str, str], tmp_path: Path) -> None:
    """Else all the others would prove nothing."""
    folder = project(tmp_path / "project", shared)
    (folder / "public/404.html").write_bytes(b"<p>not HERE</p>\n")
    assert bake(folder, shared, tmp_path / "scratch") != reference


@contextmanager
def disordered(folder: Path, at: Path, *options: str) -> Iterator[Path]:
    """The folder as a file system shows it that lists names in another order, every time in another one."""
    at.mkdir()
    mounted = subprocess.run(
        ["disorderfs", "--quiet", *options, str(folder), str(at)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if mounted.returncode:
        unavailable(f"disorderfs can't be mounted: {mounted.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["fusermount", "-u", str(at)], check=True, timeout=20)


@pytest.mark.parametrize(
    "options", [["--reverse-dirents=yes"], ["--shuffle-dirents=yes"]], ids=["reversed", "shuffled"]
)
def test_the_order_of_a_folder_reaches_no_byte(
    options: list[str], shared: Shared, reference: dict[str, str], tmp_path: Path
) -> None:
    if not Path("/dev/fuse").exists() or not shutil.which("disorderfs"):
        unavailable("no /dev/fuse, or no disorderfs, which tools/test-machine installs")
    folder = project(tmp_path / "project", shared)
    with disordered(folder / "public", tmp_path / "mounted", *options) as mounted:
        expected = sorted(path.name for path in mounted.iterdir())
        assert any([path.name for path in mounted.iterdir()] != expected for _ in range(5)), "it does list otherwise"
        assert bake(folder, shared, tmp_path / "scratch", tree=mounted) == reference


def pythons() -> list[Path]:
    """Every other Python of this machine that sealpress supports, one of each version."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob("versions/*/bin"))
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("python3.*")):
            name = file.name.removeprefix("python3.")
            # A pyenv shim of a version that isn't chosen runs nothing.
            if name.isdigit() and int(name) >= 11 and "shims" not in file.parts:
                found.setdefault(name, file)
    found.pop(str(sys.version_info.minor), None)
    return [found[name] for name in sorted(found, key=int)]


@pytest.mark.network
@pytest.mark.parametrize("python", pythons() or [None], ids=lambda python: python.name if python else "none")
def test_every_python_bakes_the_same_bytes(
    python: Path | None, shared: Shared, reference: dict[str, str], tmp_path: Path
) -> None:
    """With the same pinned encoder; the Pythons bring other zlibs, hashes and parsers."""
    if python is None:
        unavailable(f"this machine has no Python but {sys.version_info.major}.{sys.version_info.minor}")
    venv = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True, capture_output=True, timeout=60)
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in ("click", "brotli")]
    pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "--only-binary=:all:", *wanted]
    installed = subprocess.run(pip, capture_output=True, text=True, timeout=100, check=False)
    if installed.returncode:
        unavailable(f"what a bake needs can't be installed for {python.name}: {installed.stderr}")
    folder = project(tmp_path / "project", shared)
    assert bake(folder, shared, tmp_path / "scratch", python=[str(venv / "bin/python")]) == reference


# Layers without compressed siblings: those hang on their encoder, too, which the release statement names.
GOLDEN = {
    "libc6 amd64": "3c8536d4fd922df5bd6640982f0465c25dc7239ef711cd1b9dd82f25004588e3",
    "libc6 arm64": "058e3c20fadc05744666e2e6d7a5f8297f882c4b14b5d0f9b5a6bca47cdf2339",
    "zlib1g amd64": "d036818b8756c81cb56638a39ca217481e7825189350735652d919adf542b405",
    "zlib1g arm64": "d99025a89e9ce9d8447df22abcbf3a6ec11e267dbf0da050a4e7e4bba97847f0",
    "libssl3 amd64": "0ffb44c9e4dc85f9aef84b876d151426d9ed5e452b5c8c58dad9f9f1f1b5c065",
    "libssl3 arm64": "ba3d889b66ef2472c045d0f1fa668e86f96fef05bd4ba46feb33bf981b17f936",
    "server-common": "0cb79e90e3fc2e664059414cab9aea7e4603f9f209a22a24a3e90b18a3d9d96f",
    "server amd64": "1a5cbf466c6f00767a155c47f941990f67b44be5862309d3817fc95425cdeaa9",
    "server arm64": "fd4f71ae218553dca44babc21b70e9c252f226562cefc205e115f916928e4a5f",
    "lists": "c3d5f3597371973ea09f8b635ada895164c53406edeb7306ccbb16ce241144f4",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_layers_are_golden(name: str, reference: dict[str, str]) -> None:
    """The same files give these layers for ever: another digest here makes every host fetch them anew."""
    assert f"oci/blobs/sha256/{GOLDEN[name]}" in reference
