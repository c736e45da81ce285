"""What publish leaves behind for later: a signed seal, by which the release's image is verified."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.image import oci
from imagebake.packages import lock as locks
from imagebake.seal import envelope, verification
from imagebake.seal.rebuild import rebuild
from imagebake.seal.signing import SigningKey
from publish.publishing import pipeline, seal_store
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.problems import Exit, Problem
from tests.imagebake.conftest import HERE
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=20)
    return done.stdout


@pytest.fixture
def key(tmp_path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True, timeout=20, stdin=subprocess.DEVNULL)
    return tmp_path / "key"


@pytest.fixture
def blog(tmp_path: Path, key: Path) -> Path:
    folder = tmp_path / "blog"
    (folder / "content").mkdir(parents=True)
    (folder / "site.toml").write_text('[site]\ntitle = "Notes"\nurl = "https://blog.example.org/"\n')
    (folder / "content/index.md").write_text("---\ntitle: Home\n---\nHello\n")
    (folder / "allowed_signers").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    locks.save(real_lock(), folder / pipeline.LOCK_NAME)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def test_the_seal_of_a_release_is_kept_and_verifies_its_image(blog: Path, key: Path, tmp_path: Path) -> None:
    """Down to a rebuild from its commit; git sees nothing of it."""
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=False) as made_from:
        lock = pipeline.lock_file(made_from, None, blog, SILENT)
        product = pipeline.produce(made_from, tmp_path / "scratch", SILENT, dirty=False)
        image = pipeline.bake(product, made_from, lock, HERE, SILENT)
        sealed = seal_store.seal(image, product, made_from, lock, SigningKey(str(key)))
        file, _ = seal_store.keep(sealed, image, blog)
        oci.write_layout([image.sealed], image.reference, tmp_path / "oci", SILENT)
    release, statement = image.reference.rpartition(":")[2], image.labels[labels.SEAL][7:15]
    assert file == blog / ".sealpress/seals" / f"{release}-{statement}-{HERE}.json"
    assert git(blog, "status", "--porcelain") == ""
    kept = envelope.load(file)
    (signer,) = verification.signers(kept, blog / "allowed_signers")
    assert signer.principal == "ada@example.org"
    (verified,) = verification.images(tmp_path / "oci", kept, SILENT)
    assert verified.digest == image.digest
    assert rebuild(tmp_path / "oci", kept, blog, SILENT).digests == ((HERE, image.digest),)


def test_a_signature_is_never_lost_to_a_later_publish_of_the_same(blog: Path, key: Path, tmp_path: Path) -> None:
    """Unsigned, by another key, or with a Python that signs other bytes."""
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=False) as made_from:
        lock = pipeline.lock_file(made_from, None, blog, SILENT)
        product = pipeline.produce(made_from, tmp_path / "scratch", SILENT, dirty=False)
        image = pipeline.bake(product, made_from, lock, HERE, SILENT)
        unsigned = seal_store.seal(image, product, made_from, lock, None)
        sealed = seal_store.seal(image, product, made_from, lock, SigningKey(str(key)))
    file, _ = seal_store.keep(unsigned, image, blog)
    assert envelope.load(file).signatures == ()
    for one in (sealed, unsigned, replace(unsigned, payload=unsigned.payload.replace(b'"python":"3', b'"python":"4'))):
        assert seal_store.keep(one, image, blog) == (file, sealed)
        assert envelope.load(file) == sealed
    other = ("SHA256:other", b"another's")
    _, kept = seal_store.keep(replace(unsigned, signatures=(other,)), image, blog)
    assert kept.signatures == envelope.load(file).signatures == (*sealed.signatures, other)


def test_a_lock_that_is_no_file_is_told_as_what_it_is(blog: Path) -> None:
    """And not as one that is missing, which `imagebake lock` would write."""
    lock = blog / pipeline.LOCK_NAME
    lock.unlink()
    os.mkfifo(lock)
    with (
        pytest.raises(Problem, match="can't read it: it is a pipe, and no file") as caught,
        pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=True) as made_from,
    ):
        locks.load(pipeline.lock_file(made_from, None, blog, SILENT))
    assert caught.value.code is Exit.LOCK


def test_a_seal_that_can_t_be_kept_is_a_problem(blog: Path, tmp_path: Path) -> None:
    (blog / ".sealpress").write_text("in the way")
    with pipeline.source(sitefile.open_site(blog / "site.toml"), SILENT, dirty=False) as made_from:
        lock = pipeline.lock_file(made_from, None, blog, SILENT)
        product = pipeline.produce(made_from, tmp_path / "scratch", SILENT, dirty=False)
        image = pipeline.bake(product, made_from, lock, HERE, SILENT)
        with pytest.raises(Problem, match="can't keep the seal") as caught:
            seal_store.keep(seal_store.seal(image, product, made_from, lock, None), image, blog)
    assert caught.value.code is Exit.MACHINE
