"""What `imagebake verify` says of an archive is what engines load from it; and a bake is piped into one."""

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import APIClient

from imagebake.image import oci, tar
from imagebake.image.entries import Bytes, File
from imagebake.packages import lock as locks
from imagebake.recipes import site, statement
from imagebake.recipes.recipe import Image
from imagebake.seal import envelope, verification
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

NAME = "verified"


@dataclass(frozen=True)
class Sealed:
    image: Image
    seal: envelope.Seal

    @property
    def data(self) -> bytes:
        return b"".join(self.image.archive(self.image.reference))

    def is_refused(self, data: bytes, folder: Path) -> bool:
        (folder / "image.tar").write_bytes(data)
        try:
            verification.images(folder / "image.tar", self.seal, SILENT)
        except Problem as problem:
            assert problem.code is Exit.SEAL  # noqa: PT017 - the good one passes
            return True
        return False


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    scanned = tree.scan(write_tree(tmp_path_factory.mktemp("tree") / "tree"))
    (image,) = site.bake(scanned, real_lock(), SETTINGS, [HERE], CREATED, name=NAME)
    told = statement.describe(scanned, real_lock().digest, NAME, image.release, None)
    return Sealed(image, envelope.seal([image.sealed], image.reference, told))


@pytest.fixture
def client(place) -> Iterator[APIClient]:
    """Of each engine in turn; every image of the test is gone afterwards."""
    with contextlib.closing(APIClient(f"unix://{place.socket}", version="auto", timeout=60)) as client:
        yield client
        for image in client.images(all=False):
            for name in image["RepoTags"] or [image["Id"]]:
                client.remove_image(name, force=True)


def loaded(client: APIClient, data: bytes, reference: str) -> list[str] | None:
    """The diff_ids of what the engine then has under this name; None where it takes nothing."""
    with contextlib.suppress(Exception):
        list(client.load_image(io.BytesIO(data)))
    with contextlib.suppress(Exception):
        found: list[str] = client.inspect_image(reference)["RootFS"]["Layers"]
        return found
    return None


def evil(data: bytes) -> tuple[bytes, str]:
    """The archive with a manifest.json of its own: another configuration, and one more layer. And that layer's name."""
    page = b"".join(tar.stream([File("srv/www/index.html", Bytes(b"evil"))]))
    more = "sha256:" + hashlib.sha256(page).hexdigest()
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:

        def add(name: str, content: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))

        for item in old:
            if item.isfile() and item.name != "manifest.json":
                add(item.name, old.extractfile(item).read())
        (docker,) = json.load(old.extractfile("manifest.json"))
        config = json.load(old.extractfile(docker["Config"]))
        config["rootfs"]["diff_ids"].append(more)
        config["history"].append({"created_by": "x"})
        text = oci.canonical(config)
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        add(oci.blob_path(digest), text)
        add(oci.blob_path(more), page)
        docker |= {"Config": oci.blob_path(digest), "Layers": [*docker["Layers"], oci.blob_path(more)]}
        add("manifest.json", json.dumps([docker]).encode())
    return out.getvalue(), more


def test_what_is_verified_is_what_each_engine_loads(client: APIClient, sealed: Sealed, tmp_path: Path) -> None:
    assert not sealed.is_refused(sealed.data, tmp_path)
    assert loaded(client, sealed.data, sealed.image.reference) == [layer.diff_id for layer in sealed.image.layers]


def test_an_archive_from_which_docker_loads_another_image_is_refused(
    client: APIClient, place, sealed: Sealed, tmp_path: Path
) -> None:
    """Its index.json is untouched, and names the image that was sealed."""
    data, more = evil(sealed.data)
    found = loaded(client, data, sealed.image.reference)
    if place.engine == "docker":
        assert found is not None
        assert found[-1] == more, "so the attack is real"
    assert sealed.is_refused(data, tmp_path)


def test_an_archive_of_two_manifests_is_refused_whichever_one_an_engine_takes(
    client: APIClient, place, sealed: Sealed, tmp_path: Path
) -> None:
    """Docker takes the last of two members of one name, and podman may take the first."""
    data, more = evil(sealed.data)
    with tarfile.open(fileobj=io.BytesIO(sealed.data)) as old, tarfile.open(fileobj=io.BytesIO(data)) as new:
        good, bad = (one.extractfile("manifest.json").read() for one in (old, new))
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for name, content in [("manifest.json", good), *_contents(old), ("manifest.json", bad)]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    found = loaded(client, out.getvalue(), sealed.image.reference)
    if place.engine == "docker":
        assert found is not None
        assert found[-1] == more, "so the attack is real"
    assert sealed.is_refused(out.getvalue(), tmp_path)


def _contents(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for item in archive:
        if item.isfile() and item.name != "manifest.json":
            yield item.name, archive.extractfile(item).read()


def test_a_bake_is_piped_into_docker_load(client: APIClient, place, tmp_path: Path) -> None:
    """`imagebake bake TREE -o - | docker load`, by the engine's own program where it has one."""
    write_tree(tmp_path / "public", PAGES)
    locks.save(real_lock(), tmp_path / "imagebake.lock")
    command = [sys.executable, "-m", "imagebake.cli", "bake", "public", "-o", "-", "--arch", HERE, "--name", NAME]
    bake = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert bake.stdout
    assert bake.stderr
    load = (
        ["podman", "--url", f"unix://{place.socket}", "load"]
        if place.engine == "podman"
        else ["docker", "--host", f"unix://{place.socket}", "load"]
    )
    done = subprocess.run(
        load,
        stdin=bake.stdout,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    bake.stdout.close()
    said = bake.stderr.read().decode()
    bake.stderr.close()
    assert bake.wait(100) == 0, said
    assert done.returncode == 0, done.stderr
    reference = f"localhost/site/{NAME}:"
    assert reference in done.stdout
    name = reference + said.partition(reference)[2].partition(":")[0]
    assert client.inspect_image(name)["Config"]["Labels"]["org.sealpress.site"] == NAME
