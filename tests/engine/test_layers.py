"""A site of as many layers as imagebake deals out, on real engines: loaded, shown whole, and renewed by few of them."""

import contextlib
import hashlib
import io
import tarfile
import time

from docker import APIClient

from imagebake.image.entries import Bytes, File
from imagebake.image.layers import described
from imagebake.recipes import site_layers
from imagebake.recipes.site_layers import FileKind
from publish.engines.docker import open_engine
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.tree.tree import TreeFile, cache_class, media_type
from tests.engine.perlsite import SERVER, SealedImage, _runtime, _sealed
from tests.engine.test_shipping import Watched
from tests.publish.deployments import ship


def tree(edited: str = "") -> dict[str, bytes]:
    """Enough of each kind for as many layers as a site can have."""
    pages = {f"posts/{number}/index.html": b"<p>%d</p>" % number for number in range(4200)}
    lists = {f"tags/{number}/index.html": b"<li>%d</li>" % number for number in range(2100)}
    assets = {f"photos/{number}.png": b"\x89PNG%d" % number for number in range(80)}
    front = {"index.html": b"home", "feed.xml": b"<feed/>"}
    return {**pages, **lists, **assets, **front, **({edited: b"edited"} if edited else {})}


def seal(pages: dict[str, bytes]) -> SealedImage:
    release = "sha256:" + hashlib.sha256(repr(sorted(pages.items())).encode()).hexdigest()
    script = [File("server.pl", Bytes(SERVER.encode()))]
    layers = [*_runtime(), described("server", lambda: script, "the server's script")]
    entries = [
        TreeFile(path, hashlib.sha256(data).hexdigest(), len(data), media_type(path), cache_class(path))
        for path, data in pages.items()
    ]
    for share in site_layers.shares(entries):
        held = [File(f"site/{one.path}", Bytes(pages[one.path])) for one in share.entries]
        if share.kind is FileKind.FRONT:
            held.append(File("site/.well-known/release", Bytes(release.encode())))
        layers.append(described(share.name, lambda held=held: held, share.name))
    found = {labels.SITE: "blog", labels.RELEASE: release, labels.COMMIT: ""}
    return SealedImage(f"localhost/site/blog:{release[7:19]}", _sealed(tuple(layers), found), found)


def exported(socket, reference: str) -> dict[str, bytes]:
    """The site's files as a container of the image has them."""
    with contextlib.closing(APIClient(base_url=f"unix://{socket}", timeout=60)) as client:
        container = client.create_container(reference, labels={labels.SITE: "blog"})["Id"]
        try:
            data = io.BytesIO(b"".join(client.export(container)))
        finally:
            client.remove_container(container)
    with tarfile.open(fileobj=data) as archive:
        return {
            item.name.removeprefix("site/"): archive.extractfile(item).read()
            for item in archive
            if item.isfile() and item.name.startswith("site/")
        }


def test_a_site_of_many_layers_loads_and_an_edit_sends_few_of_them(socket):
    image = seal(tree())
    assert len(image.layers) == 84
    with contextlib.closing(open_engine(socket)) as engine:
        began = time.monotonic()
        loaded = ship(engine, image, SILENT)
        assert time.monotonic() - began < 60
        assert loaded.diff_ids == tuple(layer.diff_id for layer in image.layers)
        assert exported(socket, image.reference) == {
            **tree(),
            ".well-known/release": image.labels[labels.RELEASE].encode(),
        }
        edited, seen = seal(tree("posts/7/index.html")), Watched()
        changed = [one.name for one, old in zip(edited.layers, image.layers, strict=True) if one.diff_id != old.diff_id]
        assert len(changed) == 2
        renewed = ship(engine, edited, seen)
        assert renewed.diff_ids == tuple(layer.diff_id for layer in edited.layers)
        assert len(seen.transfers) == 1
        assert seen.transfers[0] < image.archive_size(image.reference) / 2
        if renewed.by_content:
            assert seen.notes[0].startswith("sending 2 of 84 layers, "), "the others are found by their content"
        assert exported(socket, edited.reference)["posts/7/index.html"] == b"edited"
