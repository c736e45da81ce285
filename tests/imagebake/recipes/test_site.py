"""What an image is made of, what it is called, and what reaches its bytes."""

import gzip
import hashlib
import json
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import brotli
import pytest

from imagebake.image import oci
from imagebake.image.entries import Bytes, File, Symlink
from imagebake.image.layers import Layer, described
from imagebake.nginx import runners
from imagebake.packages import contents
from imagebake.packages.lock import Lock
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from sealpress import VERSION, labels
from sealpress.config import toml
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree

network = pytest.mark.network


@network
def test_the_image_is_described_by_its_documents(image: Image) -> None:
    config = json.loads(image.sealed.config.data)
    assert config["architecture"] == HERE
    assert config["created"] == "2026-06-01T12:30:15Z"
    assert config["config"] == {
        "Entrypoint": ["/usr/sbin/nginx", "-p", "/", "-e", "stderr", "-c", "etc/nginx/nginx.conf"],
        "Env": [],
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {
            labels.SITE: "example",
            labels.RELEASE: image.release,
            labels.COMMIT: "c" * 40,
            labels.SEAL: image.labels[labels.SEAL],
        },
        "StopSignal": "SIGQUIT",
        "User": "101:101",
        "WorkingDir": "/",
    }
    assert image.reference == f"localhost/site/example:{image.release[7:23]}"
    assert image.labels == config["config"]["Labels"]


@network
def test_layers_go_from_what_changes_least_to_what_changes_most(image: Image) -> None:
    names = [layer.name.split()[0] for layer in image.layers]
    assert names[0] == "libc6"
    assert list(dict.fromkeys(names))[-7:] == [
        "nginx",
        "inventory",
        "configuration",
        "assets",
        "pages",
        "front",
        "release",
    ]


@network
def test_an_edited_page_changes_two_layers(image: Image, site_lock: Lock, tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {**PAGES, "about.html": b"<p>edited</p>\n"}))
    (edited,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example", commit="d" * 40)
    changed = [new.name for old, new in zip(image.layers, edited.layers, strict=True) if old.diff_id != new.diff_id]
    assert changed == ["pages", "release"]


@network
def test_a_new_lock_or_setting_leaves_the_pages_as_they_are(image: Image, site_lock: Lock, tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path))
    (other,) = site.bake(scanned, site_lock, replace(SETTINGS, port=9000), [HERE], CREATED, name="example")
    changed = [new.name for old, new in zip(image.layers, other.layers, strict=True) if old.diff_id != new.diff_id]
    assert changed == ["configuration", "release"]


@network
def test_a_release_is_named_by_tree_lock_settings_and_nothing_else(site_lock: Lock, tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path / "one"))
    same = site.release_id(scanned, site_lock, SETTINGS)
    moved = tree.scan(write_tree(tmp_path / "two"))
    assert site.release_id(moved, site_lock, SETTINGS) == same
    elsewhere = replace(SETTINGS, mirror="http://mirror.example/debian", architectures=("amd64",), name="x")
    assert site.release_id(scanned, site_lock, elsewhere) == same
    edited = tree.scan(write_tree(tmp_path / "two", {"about.html": b"new"}))
    others = [
        site.release_id(edited, site_lock, SETTINGS),
        site.release_id(scanned, replace(site_lock, suite="forky"), SETTINGS),
        site.release_id(scanned, site_lock, replace(SETTINGS, port=81)),
        site.release_id(scanned, site_lock, replace(SETTINGS, headers={})),
    ]
    assert len({same, *others}) == 5


@network
def test_the_sites_own_address_reaches_image_and_release_where_its_pages_name_it(
    site_lock: Lock, tmp_path: Path
) -> None:
    """Under its own address an absolute URL is the site's; under another one, the same bake is refused."""
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"<img src=https://blog.example/i.png>"}))

    def bake(url: str) -> Image:
        document = toml.parse(f'[site]\nurl = "{url}"\n', "site.toml")
        return site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example", document=document)[0]

    plain, port = bake("https://blog.example/"), bake("https://blog.example:443/")
    assert plain.release == port.release
    (conf,) = (entry for layer in plain.layers for entry in layer.entries() if entry.path.endswith("nginx/nginx.conf"))
    assert isinstance(conf, File)
    assert b"img-src https://blog.example;" in b"".join(conf.content.chunks())
    with pytest.raises(Problem, match="not among the third parties"):
        bake("https://other.example/")


# A value other than the default for each setting of [image]: a new one must be added here.
CHANGED = {
    "name": "other",
    "suite": "forky",
    "architectures": ("amd64",),
    "port": 9000,
    "mirror": "http://mirror.example/debian",
    "security_mirror": "http://mirror.example/security",
    "snapshot_mirror": "http://mirror.example/snapshot",
    "headers": {"X-A": "b"},
    "redirects": {"/a": "/"},
    "negotiate_languages": ("en", "fr"),
    "policy": "off",
    "third_parties": ("https://cdn.example.org",),
    "policy_sources": {"img-src": ("data:",)},
    "hsts": 1,
    "hsts_subdomains": True,
    "hsts_preload": True,
    "log": "json",
    "trusted_proxies": ("::1",),
    "http2": False,
    "ipv6": False,
}


@network
def test_every_setting_counts_but_for_names_machines_and_mirrors(site_lock: Lock, tmp_path: Path) -> None:
    """Whatever is added to [image] later names another release, too, unless it is left out on purpose."""
    assert CHANGED.keys() == {field.name for field in fields(ImageSettings)}
    scanned = tree.scan(write_tree(tmp_path))
    same = site.release_id(scanned, site_lock, ImageSettings())
    releases = {
        name: site.release_id(scanned, site_lock, replace(ImageSettings(), **{name: value}))  # type: ignore[arg-type]
        for name, value in CHANGED.items()
    }
    outside = {"name", "architectures", "mirror", "security_mirror", "snapshot_mirror"}
    assert {name for name, release in releases.items() if release == same} == outside
    assert len(set(releases.values())) == len(CHANGED) - len(outside) + 1


@network
def test_the_base_image_is_small(site_lock: Lock, tmp_path: Path) -> None:
    """At most 13.6 MB raw, and for amd64 5.4 MB gzip; arm64's code packs a little worse."""
    (tmp_path / "index.html").write_bytes(b"")
    for architecture in ("amd64", "arm64"):
        (base,) = site.bake(tree.scan(tmp_path), site_lock, ImageSettings(), [architecture], CREATED, name="base")
        whole = b"".join(base.archive(base.reference))
        assert len(whole) == base.archive_size(base.reference)
        assert len(whole) <= 13_600_000
        assert len(gzip.compress(whole, 9)) <= {"amd64": 5_400_000, "arm64": 5_600_000}[architecture]


@network
def test_a_second_bake_unpacks_nothing(
    image: Image, site_lock: Lock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("unpacked")

    monkeypatch.setattr(contents, "layers_of", never)
    scanned = tree.scan(write_tree(tmp_path))
    (again,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example", commit="c" * 40)
    assert again.digest == image.digest


@network
def test_the_date_changes_no_layer_and_the_commit_only_what_names_it(
    image: Image, site_lock: Lock, tmp_path: Path
) -> None:
    scanned = tree.scan(write_tree(tmp_path))
    tomorrow = CREATED + timedelta(days=1)
    (later,) = site.bake(scanned, site_lock, SETTINGS, [HERE], tomorrow, name="example", commit="c" * 40)
    assert [layer.diff_id for layer in later.layers] == [layer.diff_id for layer in image.layers]
    assert later.digest != image.digest
    assert later.reference == image.reference
    (other,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example", commit="d" * 40)
    changed = [new.name for old, new in zip(image.layers, other.layers, strict=True) if old.diff_id != new.diff_id]
    assert changed == ["release"]


@network
def test_the_release_statement_stands_in_the_image(image: Image, rootfs: Path, site_lock: Lock) -> None:
    """With its digest as a label, and nothing of the machine in it."""
    data = (rootfs / "srv/www/.well-known/seal.json").read_bytes()
    assert image.labels[labels.SEAL] == "sha256:" + hashlib.sha256(data).hexdigest()
    told = json.loads(data)
    assert told == {
        "format": "https://sealpress.org/seal/v1",
        "site": "example",
        "release": image.release,
        "commit": "c" * 40,
        "clean": None,
        "inputs": None,
        "tools": {"brotli": brotli.__version__, "sealpress": VERSION},
        "lock": site_lock.digest,
        "tree": told["tree"],
        "unserved": {},
        "own_siblings": ["pre.js.br"],
    }


@network
@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a/b", "a..b", "-a", "é", "a" * 129, "a\n"])
def test_a_name_that_no_image_can_have_is_refused(site_lock: Lock, tmp_path: Path, name: str) -> None:
    (tmp_path / "index.html").write_bytes(b"")
    with pytest.raises(Problem) as caught:
        site.bake(tree.scan(tmp_path), site_lock, SETTINGS, [HERE], CREATED, name=name)
    assert caught.value.code is Exit.USAGE


@network
def test_a_page_that_changes_after_it_was_described_is_refused(site_lock: Lock, tmp_path: Path) -> None:
    """The release is named by the tree as it was scanned: no other byte may get in."""
    scanned = tree.scan(write_tree(tmp_path))
    (tmp_path / "about.html").write_bytes(b"<p>ABOUT</p>\n")

    def archive() -> bytes:
        # The bake itself tells it, unless it knows from before a page with the bytes that were there.
        (baked,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example")
        return b"".join(baked.archive(baked.reference))

    with pytest.raises(Problem, match="changed while it was read"):
        archive()


@network
def test_the_image_holds_no_shell_and_nothing_that_raises_rights(rootfs: Path) -> None:
    programs = sorted(
        str(file.relative_to(rootfs)) for file in rootfs.rglob("*") if file.is_file() and file.stat().st_mode & 0o111
    )
    assert [program for program in programs if ".so" not in program] == ["usr/sbin/nginx"]
    assert not [file for file in rootfs.rglob("*") if file.stat().st_mode & 0o6000]


@network
def test_users_are_known_and_folders_are_there(rootfs: Path) -> None:
    users = {line.split(":")[0]: line.split(":")[2:4] for line in (rootfs / "etc/passwd").read_text().splitlines()}
    assert users == {"root": ["0", "0"], "nginx": ["101", "101"], "nobody": ["65534", "65534"]}
    assert (rootfs / "tmp").stat().st_mode & 0o7777 == 0o1777
    for folder in ("dev", "proc", "sys", "var/empty", "srv/www"):
        assert (rootfs / folder).is_dir()


def test_a_layer_cannot_write_through_the_link_of_another_one(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    layers: list[Layer] = [
        described("link", lambda: [Symlink("etc", str(tmp_path / "outside"))], ""),
        described("file", lambda: [File("etc/passwd", Bytes(b"root"))], ""),
    ]
    with pytest.raises(Problem, match="would be written through a link"):
        runners.unpack(layers, tmp_path / "rootfs")
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_unpacked_file_has_the_time_of_its_content(tmp_path: Path) -> None:
    entries = [File("a", Bytes(b"data")), File("b/c", Bytes(b"x"), 0o755), Symlink("d", "b")]
    runners.unpack([described("layer", lambda: entries, "")], tmp_path / "rootfs")
    import hashlib

    found = (tmp_path / "rootfs/a").stat()
    assert found.st_mtime == int(hashlib.sha256(b"data").hexdigest()[:8], 16) // 2
    assert found.st_mode & 0o777 == 0o644
    assert (tmp_path / "rootfs/b/c").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "rootfs/d").readlink() == Path("b")


def test_the_same_image_has_the_same_documents_for_both_architectures_but_for_the_platform() -> None:
    runtime = oci.Runtime(entrypoint=("/x",), user="1:1", port=1, stop_signal="SIGQUIT")
    one, two = (json.loads(oci.seal(runtime, [], name, CREATED).config.data) for name in ("amd64", "arm64"))
    assert {key for key in {*one, *two} if one.get(key) != two.get(key)} == {"architecture", "variant"}
