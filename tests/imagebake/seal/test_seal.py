"""A release is sealed, and whatever is done to it or its seal afterwards is found."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import oci, tar
from imagebake.image.entries import Bytes, File
from imagebake.packages import lock as locks
from imagebake.recipes import statement
from imagebake.seal import envelope
from imagebake.seal.verification import _unpacked_digest
from sealpress.problems import Exit, Problem
from tests.imagebake.seal.conftest import Site, git

pytestmark = pytest.mark.long


def told(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done: Any, code: int, match: str) -> None:
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert match in done.stderr, done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr


def change(file: Path, edit: Callable[[Any], None]) -> None:
    """Edits the payload of a seal, as somebody without a key could."""
    document = json.loads(file.read_bytes())
    payload = json.loads(base64.b64decode(document["payload"]))
    edit(payload)
    document["payload"] = base64.b64encode(oci.canonical(payload)).decode()
    file.write_bytes(oci.canonical(document))


def test_a_sealed_image_is_verified_wherever_it_stands(sealed: Site) -> None:
    """The folder, its layout, an archive; with the commit, the inputs and the signer."""
    for target in ("image", "image/oci", "image/blog-example-org-arm64.tar"):
        found = told(sealed.run("verify", target, "--json"))
        assert [signer["principal"] for signer in found["signers"]] == ["ada@example.org"]
        assert (found["commit"], found["clean"], found["inputs"]) == (sealed.commit, True, 7)
        for image in found["images"]:
            assert image["files"] == 4  # index, about, own.html, own.html.br; _redirects isn't served
            assert image["siblings"] == 2  # not of own.html, which brings its own
    assert len(told(sealed.run("verify", "--json"))["images"]) == 2


def test_the_commit_gives_the_same_digest_again(sealed: Site) -> None:
    """From any folder of the repository, whatever lies in the work tree by now."""
    (sealed.folder / "pages/index.html").write_text("edited since")
    (sealed.folder / "build.sh").write_text("exit 1")
    assert told(sealed.run("verify", "--rebuild", "--json"))["rebuilt"] == {
        "commit": sealed.commit,
        "other_siblings": [],
    }


@pytest.mark.parametrize("path", ["", "notes/", "a%20b/%C3%A9/"])
def test_a_release_by_ssg_is_rebuilt(path: str, make_site: Callable[..., Site]) -> None:
    """The generator of this house is run as a command; the seal names its tools, and the path that the site has."""
    import subprocess
    import sys

    site = make_site(f'[site]\ntitle = "Notes"\nurl = "https://blog.example.org/{path}"\n')
    (site.folder / "content").mkdir()
    (site.folder / "content/index.md").write_text("---\ntitle: Home\n---\nHello *there*\n")
    git(site.folder, "add", "--all")
    git(site.folder, "commit", "--quiet", "--message", "two")
    build = [sys.executable, "-m", "ssg.cli", "build", "--quiet", "--provenance", "image/provenance.json"]
    subprocess.run(build, cwd=site.folder, check=True, timeout=60, capture_output=True)
    told(site.run("bake", "public", "--provenance", "image/provenance.json", "--key", str(site.keys.ada), "--json"))
    found = told(site.run("verify", "--rebuild", "--json"))
    assert found["rebuilt"]["commit"] == site.commit
    seal = envelope.load(site.image / "seal.json")
    assert seal.statement.tools.keys() >= {"markdown", "pygments", "jinja2", "babel", "cldr", "sealpress"}
    assert "content/index.md" in dict(seal.statement.inputs or ())
    assert seal.statement.below == unquote(path)


def test_a_tree_that_is_not_the_commit_s_is_found(sealed: Site) -> None:
    """Somebody edits the output before it is baked, and signs a claim of a commit for it: the first byte is shown."""
    key = str(sealed.keys.ada)
    page = sealed.folder / "public/index.html"

    def rebuilt(match: str) -> None:
        told(sealed.run("bake", "public", "--provenance", "../provenance.json", "--key", key, "--json"))
        told(sealed.run("verify", "--json"))
        refused(sealed.run("verify", "--rebuild"), Exit.DIFFERENT, f"gives another image for amd64: {match}")

    honest = page.read_bytes()
    page.write_bytes(honest.replace(b"home", b"hole", 1))
    rebuilt("srv/www/index.html, byte 5: 0x6c in the image, 0x6d rebuilt")
    page.write_bytes(honest + b"<!-- -->")
    rebuilt(f"srv/www/index.html, byte {len(honest)}: it ends there, {len(honest) + 8} bytes in the image")
    page.write_bytes(honest)
    (sealed.folder / "public/more.html").write_text("more")
    rebuilt("srv/www/more.html is only in the image")


@pytest.mark.parametrize(
    "edit",
    [
        lambda payload: payload["predicate"]["release"].update(site="other"),
        lambda payload: payload["predicate"]["release"]["inputs"].update({"pages/index.html": "0" * 64}),
        lambda payload: payload["subject"][0]["digest"].update(sha256="0" * 64),
        lambda payload: payload["predicate"]["bakedBy"].update(python="3.99"),
    ],
    ids=["site", "inputs", "subject", "python"],
)
def test_a_payload_that_was_altered_is_refused(edit: Callable[[Any], None], sealed: Site) -> None:
    change(sealed.image / "seal.json", edit)
    refused(sealed.run("verify"), Exit.SEAL, "altered after it was signed")


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda payload: payload["predicate"]["release"].update(site="other"), "its label org.sealpress.site is not"),
        (
            lambda payload: payload["predicate"]["release"].update(tree="sha256:" + "0" * 64),
            "its label org.sealpress.s",
        ),
        (lambda payload: payload["subject"].pop(1), "which the seal does not name"),
        (lambda payload: payload["predicate"]["release"].update(format="https://x/v2"), "its format is"),
        (lambda payload: payload["predicate"]["release"].update(extra=1), "it is no release statement"),
        (lambda payload: payload.update(predicateType="https://x"), "a statement of another kind"),
        (lambda payload: payload.pop("predicate"), "no statement about a release"),
    ],
)
def test_a_seal_of_another_image_is_refused(edit: Callable[[Any], None], match: str, sealed: Site) -> None:
    """Even where the signature isn't asked for."""
    change(sealed.image / "seal.json", edit)
    refused(sealed.run("verify", "--unsigned"), Exit.SEAL, match)


def test_what_is_no_seal_is_refused(sealed: Site) -> None:
    file = sealed.image / "seal.json"
    for data in (b"", b"{}", b"[" * 100_000, b'{"payloadType":"x","payload":"","signatures":[]}', b"\xff"):
        file.write_bytes(data)
        refused(sealed.run("verify"), Exit.SEAL, "can't be trusted")
    file.unlink()
    refused(sealed.run("verify"), Exit.SEAL, "there is no seal")


def test_nobody_s_signature_is_missed(sealed: Site) -> None:
    """Unsigned, signed by somebody who isn't listed, and by both: each signature must be good."""
    sealed.bake("--no-sign")
    refused(sealed.run("verify"), Exit.SEAL, "the seal is not signed")
    assert told(sealed.run("verify", "--unsigned", "--json"))["signers"] == []
    told(sealed.run("sign", "--key", str(sealed.keys.bob), "--json"))
    refused(sealed.run("verify"), Exit.SEAL, "which nobody in allowed_signers has")
    told(sealed.run("sign", "--key", str(sealed.keys.ada), "--json"))
    refused(sealed.run("verify"), Exit.SEAL, "which nobody in allowed_signers has")
    sealed.keys.allow(sealed.folder / "both", sealed.keys.ada, sealed.keys.bob)
    found = told(sealed.run("verify", "--allowed-signers", "both", "--json"))
    assert [signer["principal"] for signer in found["signers"]] == ["bob@example.org", "ada@example.org"]
    told(sealed.run("sign", "--key", str(sealed.keys.ada), "--json"))
    assert len(envelope.load(sealed.image / "seal.json").signatures) == 2


def test_git_s_key_signs_by_itself(site: Site) -> None:
    """And without one the seal is unsigned, which is said. The repository's own configuration names no key."""
    git(site.folder, "config", "gpg.format", "ssh")
    git(site.folder, "config", "user.signingKey", str(site.keys.bob))
    trap = site.folder.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {trap}.ran\n")
    trap.chmod(0o755)
    git(site.folder, "config", "gpg.ssh.program", str(trap))
    assert site.bake()["keys"] == []
    git(site.folder, "config", "--global", "gpg.format", "ssh")
    git(site.folder, "config", "--global", "user.signingKey", str(site.keys.ada))
    (key,) = site.bake()["keys"]  # type: ignore[misc, attr-defined]
    assert told(site.run("verify", "--json"))["signers"] == [{"principal": "ada@example.org", "key": key}]
    assert not trap.with_suffix(".sh.ran").exists()


def test_a_key_that_does_not_sign_leaves_nothing_half_done(site: Site) -> None:
    site.bake("--no-sign")
    before = {file: file.stat().st_mtime_ns for file in site.image.rglob("*") if file.is_file()}
    refused(site.run("bake", "public", "--key", str(site.keys.locked), "-q"), Exit.SEAL, "it is locked")
    refused(site.run("sign", "--key", str(site.keys.locked)), Exit.SEAL, "it is locked")
    refused(site.run("sign"), Exit.SEAL, "there is no key to sign with")
    assert before == {file: file.stat().st_mtime_ns for file in site.image.rglob("*") if file.is_file()}


def test_a_layer_with_other_bytes_is_refused(sealed: Site) -> None:
    blobs = sorted((sealed.image / "oci/blobs/sha256").iterdir(), key=lambda file: file.stat().st_size)
    damaged = blobs[-1]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    refused(sealed.run("verify"), Exit.SEAL, "other bytes than its name says")
    damaged.unlink()
    refused(sealed.run("verify"), Exit.SEAL, "was left out")


def test_an_image_whose_files_are_not_the_tree_s_is_refused(sealed: Site) -> None:
    """A forger who can even replace the seal, but not what a correct statement says of the tree: a page is swapped."""
    evil = b"<p>evil</p>\n" * 200
    edited = _with_page(sealed, evil, brotli.compress(evil))
    refused(sealed.run("verify", "--unsigned", str(edited)), Exit.SEAL, "its files make the tree sha256:")


def test_a_sibling_with_other_content_is_refused(sealed: Site) -> None:
    edited = _with_page(sealed, None, brotli.compress(b"<p>evil</p>\n" * 200))
    refused(sealed.run("verify", "--unsigned", str(edited)), Exit.SEAL, '"index.html.br" does not hold what')


def _with_page(site: Site, page: bytes | None, sibling: bytes | None = None) -> Path:
    """The image with one more layer over the others, and a seal that names just this image."""
    layout = site.folder / "forged" / "oci"
    shutil.copytree(site.image / "oci", layout)
    files = {"srv/www/index.html": page, "srv/www/index.html.br": sibling}
    entries = [File(path, Bytes(data)) for path, data in files.items() if data is not None]
    data = b"".join(tar.stream(entries))
    diff_id = _put(layout, data)
    top = json.loads((layout / "index.json").read_bytes())
    index = json.loads((layout / oci.blob_path(top["manifests"][0]["digest"])).read_bytes())
    digests = []
    for descriptor in index["manifests"]:
        manifest = json.loads((layout / oci.blob_path(descriptor["digest"])).read_bytes())
        config = json.loads((layout / oci.blob_path(manifest["config"]["digest"])).read_bytes())
        config["rootfs"]["diff_ids"].append(diff_id)
        config["history"].append({"created": config["created"], "created_by": "x", "comment": "x"})
        manifest["config"] |= {"digest": _put(layout, raw := oci.canonical(config)), "size": len(raw)}
        manifest["layers"].append({"mediaType": oci.LAYER_TYPE, "digest": diff_id, "size": len(data)})
        descriptor |= {"digest": _put(layout, raw := oci.canonical(manifest)), "size": len(raw)}
        digests += [manifest["config"]["digest"], descriptor["digest"]]
    top["manifests"][0] |= {"digest": _put(layout, raw := oci.canonical(index)), "size": len(raw)}
    (layout / "index.json").write_bytes(oci.canonical(top))
    shutil.copy(site.image / "seal.json", layout.parent / "seal.json")

    def name_it(payload: Any) -> None:
        payload["subject"] = [{"name": "x", "digest": {"sha256": one.partition(":")[2]}} for one in digests]

    change(layout.parent / "seal.json", name_it)
    return layout.parent


def _put(layout: Path, data: bytes) -> str:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    (layout / oci.blob_path(digest)).write_bytes(data)
    return digest


def test_a_tree_of_unknown_origin_says_so(site: Site) -> None:
    """Another generator's: no commit, no inputs; it can be verified, and not rebuilt."""
    site.bake("--no-sign")
    told(site.run("bake", "public", "--json"))
    found = told(site.run("verify", "--unsigned", "--json"))
    assert (found["commit"], found["clean"], found["inputs"]) == (None, None, None)
    refused(site.run("verify", "--unsigned", "--rebuild"), Exit.SEAL, "names no commit that holds all")


def test_a_dirty_tree_says_so_and_is_not_rebuilt(site: Site) -> None:
    (site.folder / "pages/index.html").write_text("not committed")
    site.bake("--no-sign")
    found = told(site.run("verify", "--unsigned", "--json"))
    assert (found["commit"], found["clean"]) == (site.commit, False)
    refused(site.run("verify", "--unsigned", "--rebuild"), Exit.SEAL, "names no commit that holds all")


def test_a_rebuild_needs_the_commit_and_its_lock(sealed: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(sealed.image, other / "image")
    elsewhere = Site(other, sealed.keys)
    refused(elsewhere.run("verify", "--unsigned", "--rebuild"), Exit.USAGE, "is in no git repository")
    git(other, "init", "--quiet")
    refused(elsewhere.run("verify", "--unsigned", "--rebuild"), Exit.USAGE, "there is no commit")
    lock = locks.load(sealed.folder / "imagebake.lock")
    locks.save(replace(lock, date=lock.date + timedelta(days=1)), sealed.folder / "other.lock")
    sealed.bake("--no-sign", "--lock", "other.lock")
    refused(sealed.run("verify", "--unsigned", "--rebuild"), Exit.SEAL, "was baked with sha256:")


def test_a_provenance_that_is_none_is_refused(site: Site) -> None:
    site.bake("--no-sign")
    for text in ("{}", "no json", '{"commit": "x", "clean": true, "inputs": {}, "tools": {}}'):
        (site.folder / "p.json").write_text(text)
        refused(site.run("bake", "public", "--provenance", "p.json", "-q"), Exit.USAGE, "p.json")
    refused(site.run("bake", "public", "--provenance", "none.json", "-q"), Exit.USAGE, "none.json")


def test_the_envelope_is_signed_as_dsse_says() -> None:
    """The test vector of the DSSE specification, "protocol.md"."""
    assert envelope.pre_authentication("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(_json | st.fixed_dictionaries(dict.fromkeys(statement._KEYS, _json)))
def test_any_document_is_a_statement_or_refused(document: Any) -> None:
    with pytest.raises(Problem) as caught:
        statement.read(json.dumps(document).encode(), "x")
    assert caught.value.code is Exit.SEAL


@given(st.binary(max_size=200))
def test_any_bytes_are_a_seal_or_refused(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        envelope.read(data, "x")
    assert caught.value.code is Exit.SEAL


@given(st.binary(max_size=3000), st.binary(max_size=50))
def test_a_sibling_is_unpacked_within_its_file_s_size(content: bytes, junk: bytes) -> None:
    packed = brotli.compress(content)
    assert _unpacked_digest(packed, len(content)) == hashlib.sha256(content).hexdigest()
    if content:
        assert _unpacked_digest(packed, len(content) - 1) == ""
        assert _unpacked_digest(packed[:-1], len(content)) == ""
    assert _unpacked_digest(packed, len(content) + 1) == ""
    _unpacked_digest(junk, 100)


def test_a_bomb_of_a_sibling_stays_small() -> None:
    import tracemalloc

    bomb = brotli.compress(bytes(200 << 20), quality=5)
    tracemalloc.start()
    try:
        assert _unpacked_digest(bomb, 1000) == ""
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
