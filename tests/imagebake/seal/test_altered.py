"""Whatever is altered ends with exit code 10 and one sentence: never with another code, a traceback, or a wait."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebake.image import oci
from imagebake.seal import envelope, verification
from imagebake.seal.envelope import Seal
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.seal.conftest import Baked, Site
from tests.imagebake.seal.test_seal import refused, told

pytestmark = pytest.mark.long

JUNK = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        1 << 70,
        1e300,
        "",
        "x",
        "\ud800",
        "\0",
        "../x",
        "sha256:" + "0" * 64,
        [],
        {},
        [[]],
        {"": 0},
    ]
)


def _places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield from _places(value, (*path, key))


def _edited(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = _edited(copy[path[0]], path[1:], value)
    return copy


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


@settings(max_examples=400)
@given(st.data())
def test_any_value_of_a_seal_may_be_any_other(baked: Baked, data: st.DataObject) -> None:
    """Of its envelope or its payload, by somebody without a key: it is refused, or says the same of the same image."""
    outer = json.loads(envelope.document(baked.seal))
    payload = json.loads(baked.seal.payload)
    if data.draw(st.booleans()):
        payload = _edited(payload, data.draw(st.sampled_from(list(_places(payload)))), data.draw(JUNK))
        outer["payload"] = base64.b64encode(_json(payload)).decode()
    else:
        outer = _edited(outer, data.draw(st.sampled_from(list(_places(outer)))), data.draw(JUNK))
    allowed = baked.folder.parent / "allowed_signers"
    try:
        seal = envelope.read(_json(outer), "seal.json")
        verification.images(baked.archive, seal, SILENT)
        verification.signers(seal, allowed)
    except Problem as problem:
        assert problem.code is Exit.SEAL  # noqa: PT017 - some changes are none
    else:
        assert seal == baked.seal


@settings(max_examples=150)
@given(st.data())
def test_any_value_of_any_document_may_be_any_other(
    baked: Baked, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Of index, manifests and configurations, by somebody who even makes a seal that names them all."""
    layout = tmp_path_factory.mktemp("altered") / "oci"
    shutil.copytree(baked.folder / "oci", layout)
    top = json.loads((layout / "index.json").read_bytes())
    kind = data.draw(st.sampled_from(["top", "index", "manifest", "config"]))

    def change(here: str, document: Any) -> Any:
        if here != kind:
            return document
        return _edited(document, data.draw(st.sampled_from(list(_places(document)))), data.draw(JUNK))

    def put(document: Any) -> dict[str, Any]:
        found = oci.OciDocument("", _json(document))
        (layout / oci.blob_path(found.digest)).write_bytes(found.data)
        return {"digest": found.digest, "size": found.size}

    def get(descriptor: Any) -> Any:
        return json.loads((layout / oci.blob_path(descriptor["digest"])).read_bytes())

    digests = []
    index = get(top["manifests"][0])
    for number, descriptor in enumerate(index["manifests"]):
        manifest = get(descriptor)
        manifest["config"] |= (config := put(change("config", get(manifest["config"]))))
        index["manifests"][number] = descriptor | (found := put(change("manifest", manifest)))
        digests += [config["digest"], found["digest"]]
    top["manifests"][0] |= (found := put(change("index", index)))
    (layout / "index.json").write_bytes(_json(change("top", top)))
    _refuses(layout, _naming(baked.seal, [*digests, found["digest"]]))


def _naming(seal: Seal, digests: list[str]) -> Seal:
    payload = json.loads(seal.payload)
    payload["subject"] = [{"name": "x", "digest": {"sha256": digest.partition(":")[2]}} for digest in digests]
    outer = json.loads(envelope.document(seal)) | {"payload": base64.b64encode(_json(payload)).decode()}
    return envelope.read(_json(outer), "x")


def _refuses(path: Path, seal: Seal) -> None:
    with pytest.raises(Problem) as caught:
        verification.images(path, seal, SILENT)
    assert caught.value.code is Exit.SEAL, caught.value


@settings(max_examples=100)
@given(st.data())
def test_any_file_of_a_layout_may_be_cut_short(baked: Baked, tmp_path_factory: Any, data: st.DataObject) -> None:
    layout = tmp_path_factory.mktemp("cut") / "oci"
    shutil.copytree(baked.folder / "oci", layout)
    files = sorted(file for file in layout.rglob("*") if file.is_file())
    file = data.draw(st.sampled_from(files))
    whole = file.read_bytes()
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    _refuses(layout, baked.seal)


DOCUMENTS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"payloadType":"\xff"}',
    "another encoding": json.dumps({"payloadType": "x"}).encode("utf-16"),
    "a mark of byte order": b"\xef\xbb\xbf{}",
    "deep lists": b"[" * 200_000 + b"]" * 200_000,
    "deep objects": b'{"a":' * 100_000 + b"0" + b"}" * 100_000,
    "a huge number": b'{"payloadType":' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"payloadType":1e999999}',
    "not a number": b'{"payloadType":NaN}',
    "a list": b"[]",
    "null": b"null",
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("file", ["seal.json", "oci/index.json", "oci/oci-layout"])
def test_a_document_of_another_kind_is_refused(name: str, file: str, sealed_copy: Site) -> None:
    (sealed_copy.image / file).write_bytes(DOCUMENTS[name])
    refused(sealed_copy.run("verify"), Exit.SEAL, "can't be trusted" if file == "seal.json" else "")


def test_a_name_that_stands_twice_is_refused(sealed_copy: Site) -> None:
    """Readers differ in which one counts."""
    file = sealed_copy.image / "seal.json"
    file.write_bytes(file.read_bytes().replace(b'"payloadType"', b'"payload":"","payloadType"', 1))
    refused(sealed_copy.run("verify"), Exit.SEAL, "not such as all readers read alike")


@pytest.fixture
def sealed_copy(baked: Baked, tmp_path: Path) -> Site:
    """The site of the session, in a folder of this test."""
    shutil.copytree(baked.folder.parent, tmp_path / "site")
    from tests.imagebake.seal.conftest import Keys

    nowhere = tmp_path / "no key"
    return Site(tmp_path / "site", Keys(nowhere, nowhere, nowhere))


def test_what_is_not_there_at_all_is_another_matter(sealed_copy: Site) -> None:
    """A name that was mistyped is no alteration."""
    refused(sealed_copy.run("verify", "imgae"), Exit.TREE, "there is no imgae")
    refused(sealed_copy.run("verify", "x" * 300), Exit.TREE, "there is no x")


@pytest.mark.parametrize(
    "change",
    [
        lambda image: shutil.rmtree(image / "oci"),
        lambda image: (image / "oci/index.json").unlink(),
        lambda image: shutil.rmtree(image / "oci/blobs"),
        lambda image: (image / "seal.json").unlink(),
    ],
    ids=["layout", "index", "blobs", "seal"],
)
def test_what_is_missing_is_an_alteration(change: Callable[[Path], None], sealed_copy: Site) -> None:
    change(sealed_copy.image)
    refused(sealed_copy.run("verify"), Exit.SEAL, "")


# --- old releases -----------------------------------------------------------------------------------------------------


def test_an_old_release_shown_again_is_refused(sealed: Site) -> None:
    """By a commit or by a date; the release itself is not newer than its own commit."""
    from tests.imagebake.seal.conftest import git

    first = sealed.commit
    shutil.copytree(sealed.image, sealed.folder / "image-one")
    (sealed.folder / "pages/index.html").write_text("<p>mended</p>")
    git(sealed.folder, "commit", "--quiet", "--all", "--message", "two", "--date", "2026-01-01T00:00:00Z")
    second = sealed.commit
    git(sealed.folder, "tag", "v2")
    sealed.bake("--key", str(sealed.keys.ada))
    assert told(sealed.run("verify", "--json", "--newer-than", first))["commit"] == second
    for than in (first, second, "v2", "HEAD"):
        refused(sealed.run("verify", "image-one", "--newer-than", than), Exit.SEAL, f"is not newer than {than}")
    refused(sealed.run("verify", "--newer-than", second), Exit.SEAL, "does not follow")
    told(sealed.run("verify", "--json", "--newer-than", "2000-01-01"))
    told(sealed.run("verify", "--json", "--newer-than", "2000-01-01T12:00:00+02:00"))
    refused(sealed.run("verify", "--newer-than", "2999-01-01"), Exit.SEAL, "its date is")
    refused(sealed.run("verify", "--newer-than", "no-such-tag"), Exit.USAGE, 'there is no commit "no-such-tag"')
    refused(sealed.run("verify", "--newer-than", "2026-13-45"), Exit.USAGE, 'there is no commit "2026-13-45"')


def test_a_release_of_a_commit_beside_or_unknown_is_not_newer(sealed: Site, tmp_path: Path) -> None:
    from tests.imagebake.seal.conftest import git

    git(sealed.folder, "checkout", "--quiet", "--orphan", "beside")
    git(sealed.folder, "commit", "--quiet", "--allow-empty", "--message", "beside")
    refused(sealed.run("verify", "--newer-than", "HEAD"), Exit.SEAL, "does not follow")
    other = tmp_path / "other"
    shutil.copytree(sealed.image, other / "image")
    elsewhere = Site(other, sealed.keys)
    refused(elsewhere.run("verify", "--unsigned", "--newer-than", "HEAD"), Exit.USAGE, "is in no git repository")
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "another history")
    refused(elsewhere.run("verify", "--unsigned", "--newer-than", "HEAD"), Exit.SEAL, "is not in this repository")


def test_a_shallow_clone_calls_no_release_old_of_which_it_knows_no_more(sealed: Site, tmp_path: Path) -> None:
    from tests.imagebake.seal.conftest import git

    old = tmp_path / "old"
    git(sealed.folder, "clone", "--quiet", "--no-local", "--depth", "1", str(sealed.folder), str(old))
    git(old, "checkout", "--quiet", "--orphan", "beside")
    git(old, "commit", "--quiet", "--allow-empty", "--message", "beside")
    shutil.copytree(sealed.image, old / "image")
    done = Site(old, sealed.keys).run("verify", "--unsigned", "--newer-than", "HEAD")
    refused(done, Exit.SEAL, "this clone is shallow: it can't tell whether")


def test_a_release_without_a_commit_is_newer_than_a_day_alone(site: Site) -> None:
    site.bake("--no-sign")
    told(site.run("bake", "public", "--json"))
    refused(site.run("verify", "--unsigned", "--newer-than", "HEAD"), Exit.SEAL, "it names no commit")
    told(site.run("verify", "--unsigned", "--newer-than", "2000-01-01", "--json"))


def test_a_revoked_key_is_refused_by_the_file_beside_site_toml_or_git_s(sealed: Site) -> None:
    from tests.imagebake.seal.conftest import git

    public = sealed.keys.ada.with_suffix(".pub").read_text()
    (sealed.folder / "revoked_signers").write_text(public)
    refused(sealed.run("verify"), Exit.SEAL, "was revoked")
    (sealed.folder / "revoked_signers").rename(sealed.folder / "gone")
    told(sealed.run("verify", "--json"))
    git(sealed.folder, "config", "--global", "gpg.ssh.revocationFile", "gone")
    refused(sealed.run("verify"), Exit.SEAL, "was revoked")
