"""The root file system of a sealed image, as each engine has it: just what its layers say, sent whole or in part."""

import contextlib
import hashlib
import io
import json
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import pytest
from docker import APIClient

from imagebake.recipes import site, statement
from imagebake.recipes.recipe import Image
from imagebake.seal import envelope, verification
from publish.engines.docker import open_engine
from publish.engines.protocol import ContainerEngine, ContainerSpec, Endpoint
from publish.probing import probe
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.engine.test_shipping import Watched
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree
from tests.publish.deployments import ship
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

# What engines put into the root of every container, over or beside what the image has.
OF_ENGINES = ("dev", "proc", "sys", "run", ".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab")

LOOPBACK = Endpoint("127.0.0.1", 0)
HOLLOW = "localhost/site/blog:hollow"
EDITED = {**PAGES, "posts/cats/index.html": b"<p>cats and dogs</p>\n", "new/deep/page.html": b"<p>new</p>\n"}


@dataclass(frozen=True)
class Node:
    """A file, folder or link. Of a folder the time says nothing: an engine that puts something there sets it."""

    kind: str
    mode: int
    owner: tuple[int, int]
    mtime: int | None
    target: str = ""
    sha256: str = ""


def nodes(archive: tarfile.TarFile) -> dict[str, Node]:
    found = {}
    for item in archive:
        path = item.name.removeprefix("./").strip("/")
        if path in {"", "."} or any(path == own or path.startswith(f"{own}/") for own in OF_ENGINES):
            continue
        kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}
        found[path] = Node(
            kind=kinds.get(item.type, f"type {item.type!r}"),
            mode=item.mode & 0o7777,
            owner=(item.uid, item.gid),
            mtime=None if item.isdir() else int(item.mtime),
            target=item.linkname if item.issym() else "",
            sha256=hashlib.sha256(archive.extractfile(item).read()).hexdigest() if item.isreg() else "",
        )
    return found


def said(image: Image) -> dict[str, Node]:
    """What the layers in the image's archive say, laid one over the other."""
    found: dict[str, Node] = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(image.archive(image.reference)))) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                found |= nodes(layer)
    return found


def exported(socket, reference: str) -> dict[str, Node]:
    """What a container of the image has, which was never started."""
    with contextlib.closing(APIClient(base_url=f"unix://{socket}", version="auto", timeout=60)) as client:
        container = client.create_container(reference, labels={labels.SITE: "blog"})["Id"]
        try:
            data = io.BytesIO(b"".join(client.export(container)))
        finally:
            client.remove_container(container)
    with tarfile.open(fileobj=data) as archive:
        return nodes(archive)


@pytest.fixture(scope="module")
def bake(tmp_path_factory):
    """The image of some pages, baked once for all engines."""
    lock = real_lock()

    @cache
    def call(*, edited: bool) -> Image:
        folder = write_tree(tmp_path_factory.mktemp("tree"), EDITED if edited else PAGES)
        return site.bake(tree.scan(folder), lock, SETTINGS, [HERE], CREATED, name="blog", commit="c" * 40)[0]

    return call


def test_a_root_file_system_is_what_the_layers_say_and_serves(place, bake):
    """Names, kinds, modes, owners, times, content: so it is the same in all engines, too."""
    image, edited, seen = bake(edited=False), bake(edited=True), Watched()
    assert len(said(image)) > len(PAGES)
    with contextlib.closing(open_engine(place.socket)) as engine:
        ship(engine, image, seen)
        assert exported(place.socket, image.reference) == said(image)
        ship(engine, edited, seen)
        assert exported(place.socket, edited.reference) == said(edited)
        count = len(edited.layers)
        numbers = [int(note.split()[1]) for note in seen.notes]
        assert len(seen.transfers) == 2, f"nothing had to be sent again: {seen.notes}"
        assert numbers[0] == count
        assert numbers[1] < (5 if place.engine != "docker" else count)
        spec = ContainerSpec("blog-1", edited.reference, {SETTINGS.port: LOOPBACK}, {labels.SITE: "blog"})
        made = engine.create(spec)
        engine.start(made.id)
        page = probe.Expectation("/posts/cats/", body=EDITED["posts/cats/index.html"].strip())
        endpoint = engine.endpoint(made.id, SETTINGS.port)
        with open_host(place.machine.target(), SILENT) as host, host.reach(endpoint) as near:
            wrong = probe.wait(lambda: probe.check(near, [page]), 20)
        assert wrong is None, engine.logs(made.id, 20)


def test_an_archive_that_lacks_a_layer_is_never_taken_for_a_whole_image(place, bake):
    """Each engine says so at one of three moments: when it is loaded, looked at, or made a container of."""
    image, edited = bake(edited=False), bake(edited=True)
    known = [layer.diff_id for layer in image.layers]
    missing = next(layer.diff_id for layer in edited.layers if layer.diff_id not in known)
    with contextlib.closing(open_engine(place.socket)) as engine:
        ship(engine, image, SILENT)
        with pytest.raises(Problem):
            take(engine, edited, {*known, missing})
        engine.remove_image(HOLLOW)


def take(engine: ContainerEngine, image: Image, omit: Collection[str]) -> None:
    """Loads an image and looks at it as closely as publish does. Raises Problem where it is not whole."""
    engine.load(image.archive(HOLLOW, omit))
    held = engine.image(HOLLOW)
    if held is None or held.diff_ids != tuple(layer.diff_id for layer in image.layers):
        raise Problem("it is not the image that was sent")
    engine.create(ContainerSpec("blog-1", HOLLOW, {SETTINGS.port: LOOPBACK}, {labels.SITE: "blog"}))


def test_containerd_gives_back_what_was_sealed(newer_machine, tmp_path, bake):
    """So a seal that publish kept verifies what `docker save` says, also of an image that was sent in part."""
    image, edited = bake(edited=False), bake(edited=True)
    scanned = tree.scan(write_tree(tmp_path / "tree", EDITED))
    told = statement.describe(scanned, real_lock().digest, "blog", edited.release, None, "c" * 40)
    with contextlib.closing(open_engine(newer_machine.docker_socket)) as engine:
        ship(engine, image, SILENT)
        ship(engine, edited, SILENT)
        engine.remove_image(image.reference)
        with contextlib.closing(APIClient(f"unix://{newer_machine.docker_socket}", version="auto")) as client:
            (tmp_path / "saved.tar").write_bytes(b"".join(client.get_image(edited.reference)))
        engine.remove_image(edited.reference)
    seal = envelope.seal([edited.sealed], edited.reference, told)
    (verified,) = verification.images(tmp_path / "saved.tar", seal, SILENT)
    assert verified.digest == edited.digest
