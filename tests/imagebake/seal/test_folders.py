"""A layout and a folder that a bake wrote: what a user would use is as it was sealed, and the rest is told."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagebake.image import oci
from imagebake.seal import folder as beside
from imagebake.seal import verification
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.seal.conftest import SITE, Baked, refused


def _touch(path: str, data: bytes = b"x") -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / path).parent.mkdir(exist_ok=True, parents=True)
        (root / path).write_bytes(data)

    return write


def _edit(path: str, edit: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda root: _touch(path, edit((root / path).read_bytes()))(root)


def _linked(path: str) -> Callable[[Path], None]:
    def link(root: Path) -> None:
        (root / path).rename(root.parent / "elsewhere")
        (root / path).symlink_to(root.parent / "elsewhere")

    return link


def _alone(root: Path) -> None:
    """Without the image for arm64, which an engine on such a machine would then look for elsewhere."""
    top = json.loads((root / "index.json").read_bytes())
    inner = json.loads((root / oci.blob_path(top["manifests"][0]["digest"])).read_bytes())
    (root / oci.blob_path(top["manifests"][0]["digest"])).unlink()
    found = oci.index([])
    wanted = next(one for one in inner["manifests"] if one["platform"]["architecture"] == "amd64")
    found = oci.OciDocument(oci.INDEX_TYPE, oci.canonical({**inner, "manifests": [wanted]}))
    (root / oci.blob_path(found.digest)).write_bytes(found.data)
    top["manifests"][0] |= {"digest": found.digest, "size": found.size}
    (root / "index.json").write_bytes(oci.canonical(top))


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "one more blob": _touch("blobs/sha256/" + "0" * 64),
    "one more file": _touch("manifest.json", b"[]"),
    "a name in another case": _touch("INDEX.JSON", b"{}"),
    "one more kind of digest": _touch("blobs/sha512/" + "0" * 128),
    "a pipe": lambda root: os.mkfifo(root / "pipe"),
    "a link to the index": _linked("index.json"),
    "a link to all blobs": _linked("blobs"),
    "another tag": _edit("index.json", lambda data: data.replace(b'ref.name":"', b'ref.name":"x')),
    "a blank": _edit("index.json", lambda data: data + b"\n"),
    "an index in place of a layout": _edit("oci-layout", lambda data: data + b" "),
    "one image alone": _alone,
    "no index": lambda root: (root / "index.json").unlink(),
    "no oci-layout": lambda root: (root / "oci-layout").unlink(),
    "no blobs": lambda root: shutil.rmtree(root / "blobs"),
}


@pytest.mark.parametrize("attack", LAYOUTS)
@pytest.mark.parametrize("below", ["oci", ""])
def test_a_layout_holds_nothing_else(baked: Baked, tmp_path: Path, attack: str, below: str) -> None:
    """The folder of a bake, or the layout alone."""
    layout = tmp_path / "image" / below
    shutil.copytree(baked.folder / "oci", layout)
    assert len(verification.images(tmp_path / "image", baked.seal, SILENT)) == 2
    LAYOUTS[attack](layout)
    refused(tmp_path / "image", baked.seal)


def test_the_seal_itself_may_lie_in_a_layout(baked: Baked, tmp_path: Path) -> None:
    """The one that it is verified by; another file of that name is one file more."""
    layout = tmp_path / "layout"
    shutil.copytree(baked.folder / "oci", layout)
    shutil.copy(baked.folder / "seal.json", layout)
    assert len(verification.images(layout, baked.seal, SILENT, file=layout / "seal.json")) == 2
    with pytest.raises(Problem, match=r"it holds 'seal\.json', which the seal does not name"):
        verification.images(layout, baked.seal, SILENT, file=baked.folder / "seal.json")


@pytest.fixture
def folder(baked: Baked, tmp_path: Path) -> Iterator[Path]:
    """A copy, with site.toml and the signers beside it."""
    shutil.copytree(baked.folder.parent, tmp_path / "blog")
    return tmp_path / "blog" / "image"


def verify(image: Path, *options: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagebake.cli", "verify", *options],
        cwd=at or image.parent,
        env={**os.environ, "CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_all_that_a_bake_wrote_is_verified_and_the_rest_is_told(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "old.tar").write_text("whatever")
    done = verify(folder, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    names = [f"blog-example-org-{one}{end}" for one in ("amd64", "arm64") for end in (".spdx.json", ".tar")]
    assert told["verified"] == [*names, "oci", "seal.json"]
    assert told["not_verified"] == ["notes.txt", "old.tar"]
    assert "image/notes.txt was not verified" in done.stderr


def test_what_a_bake_for_more_architectures_left_is_told_as_that(baked: Baked, folder: Path) -> None:
    images = verification.images(folder, baked.seal, SILENT)
    amd64 = [image for image in images if image.architecture == "amd64"]
    with pytest.raises(Problem, match="the seal names no image for arm64") as caught:
        beside.check(folder, amd64, baked.seal.statement, folder / "seal.json")
    assert caught.value.code is Exit.SEAL
    assert "an earlier bake may have left it there" in caught.value.hint


FOLDERS: dict[str, Callable[[Path], None]] = {
    "an archive of the other machine": lambda folder: (
        shutil.copy(folder / "blog-example-org-arm64.tar", folder / "blog-example-org-amd64.tar") and None
    ),
    "an archive with more behind it": _edit("blog-example-org-amd64.tar", lambda data: data + bytes(512)),
    "a damaged archive": _edit("blog-example-org-arm64.tar", lambda data: data[:-2000]),
    "a compressed archive": _edit("blog-example-org-arm64.tar", lambda data: gzip.compress(data, 1)),
    "a folder of that name": lambda folder: _as_folder(folder / "blog-example-org-arm64.tar"),
    "another bill": _edit("blog-example-org-amd64.spdx.json", lambda data: data.replace(b"server", b"sorver", 1)),
    "a bill with more": _edit("blog-example-org-amd64.spdx.json", lambda data: data + b"\n"),
    "an empty bill": _edit("blog-example-org-amd64.spdx.json", lambda _data: b""),
    "a seal cut short": _edit("seal.json", lambda data: data[:-10]),
    "a seal that is a pipe": lambda folder: _as_pipe(folder / "seal.json"),
}


def _as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _as_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("change", FOLDERS)
def test_what_a_user_would_use_is_as_it_was_sealed(folder: Path, change: str) -> None:
    FOLDERS[change](folder)
    done = verify(folder)
    assert (done.returncode, done.stdout) == (Exit.SEAL, ""), done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr


def test_an_archive_of_an_earlier_bake_does_not_pass_for_this_one_s(folder: Path, packages: Path) -> None:
    """Baked again for one architecture alone: what lies there for the other is of no image that the seal names."""
    environment = {**os.environ, "SEALPRESS_CACHE": str(packages), "CI": "true"}
    command = [sys.executable, "-m", "imagebake.cli", "bake", "public", "-q", "--no-sign", "--arch", "amd64"]
    subprocess.run(command, cwd=folder.parent, env=environment, check=True, timeout=100)
    done = verify(folder, "--unsigned")
    assert done.returncode == Exit.SEAL
    assert "blog-example-org-arm64" in done.stderr
    for file in folder.glob("*arm64*"):
        file.unlink()
    assert verify(folder, "--unsigned").returncode == 0


def test_the_site_is_the_one_that_is_meant(folder: Path, tmp_path: Path) -> None:
    """Of site.toml, here or by --site, or by --name; outside of any blog it is said that nothing tells."""
    assert "  site     blog-example-org\n" in verify(folder).stdout
    signers = ("--allowed-signers", str(folder.parent / "allowed_signers"))
    outside = verify(folder, str(folder), *signers, at=tmp_path)
    assert outside.returncode == 0, outside.stderr
    assert "  site     blog-example-org: nothing here says which site it should be\n" in outside.stdout
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "site.toml"
    other.write_text(SITE.replace("blog.example.org", "shop.example.org"))
    for done in (
        verify(folder, str(folder), *signers, at=other.parent),
        verify(folder, "--site", str(other), *signers),
        verify(folder, "--name", "shop"),
    ):
        assert (done.returncode, done.stdout) == (Exit.SEAL, ""), done.stderr
        assert "the seal is that of the site 'blog-example-org'" in done.stderr
    assert verify(folder, str(folder), *signers, "--name", "blog-example-org", at=other.parent).returncode == 0
