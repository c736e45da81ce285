"""What was pushed comes back as it was baked, with its seal; what a registry makes up is refused."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from imagebake.commands.verify import verify
from imagebake.image import oci
from imagebake.image.inspection import inspect
from imagebake.registry import referrers
from imagebake.registry.client import ImageRepository
from imagebake.registry.pull import pull
from imagebake.registry.push import Pushed, push
from imagebake.registry.reference import parse
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.registry.conftest import FakeRegistry

Opener = Callable[..., ImageRepository]
TYPE = "application/vnd.dsse.envelope.v1+json"


@pytest.fixture
def pushed(fake: FakeRegistry, open_repository: Opener, layout: Path) -> Pushed:
    return push(layout, open_repository(fake), lambda _: ["latest"], SILENT)


def pull_it(fake: FakeRegistry, open_repository: Opener, to: Path, name: str = ":latest") -> str:
    return pull(open_repository(fake), parse(f"{fake.address}/ada/blog{name}"), to, SILENT)


def test_what_was_pushed_comes_back_as_it_was_baked(
    fake: FakeRegistry, open_repository: Opener, pushed: Pushed, layout: Path, tmp_path: Path
) -> None:
    """Manifests, configurations and layers byte for byte, by tag or digest."""
    for number, name in enumerate((":latest", f"@{pushed.digest}")):
        to = tmp_path / f"pulled{number}"
        assert pull_it(fake, open_repository, to, name) == pushed.digest
        assert [(one.digest, one.config_digest, one.layers) for one in inspect(to)] == [
            (one.digest, one.config_digest, one.layers) for one in inspect(layout)
        ]


def test_a_single_manifest_is_an_image_too(
    fake: FakeRegistry, open_repository: Opener, pushed: Pushed, layout: Path, tmp_path: Path
) -> None:
    _, manifest = pushed.manifests[0]
    pull_it(fake, open_repository, tmp_path / "pulled", f"@{manifest}")
    assert [one.digest for one in inspect(tmp_path / "pulled")] == [inspect(layout)[0].digest]


def layer_of(fake: FakeRegistry) -> str:
    """The digest of the largest blob: a layer."""
    return max(fake.blobs, key=lambda digest: len(fake.blobs[digest]))


def forged(fake: FakeRegistry, edit: Callable[[dict], None]) -> None:
    """The tag now names another manifest, which is all that the registry says it is."""
    index = json.loads(fake.manifests["latest"])
    manifest = json.loads(fake.manifests[index["manifests"][0]["digest"]])
    edit(manifest)
    data = oci.canonical(manifest)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    fake.manifests |= {"latest": data, digest: data}
    fake.types |= {"latest": oci.MANIFEST_TYPE, digest: oci.MANIFEST_TYPE}


def replaced(fake: FakeRegistry, data: bytes) -> Callable[[dict], None]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    fake.blobs[digest] = data

    def edit(manifest: dict) -> None:
        manifest["layers"][0] |= {"digest": digest, "size": len(data)}

    return edit


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (gzip.compress(b"another layer", mtime=0), "does not hold the sha256:"),
        (b"no gzip", "is no gzip"),
        (gzip.compress(b"cut", mtime=0)[:-3], "ends early"),
    ],
)
def test_a_layer_that_is_another_is_refused(
    data: bytes, match: str, fake: FakeRegistry, open_repository: Opener, pushed: Pushed, tmp_path: Path
) -> None:
    forged(fake, replaced(fake, data))
    with pytest.raises(Problem, match=match):
        pull_it(fake, open_repository, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest: manifest["layers"].pop(),
        lambda manifest: manifest.pop("config"),
        lambda manifest: manifest["layers"][0].update(mediaType="application/x"),
        lambda manifest: manifest["layers"][0].update(size=1),
        lambda manifest: manifest["layers"][0].update(digest="sha256:../../etc/passwd"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    edit: Callable[[dict], None], fake: FakeRegistry, open_repository: Opener, pushed: Pushed, tmp_path: Path
) -> None:
    forged(fake, edit)
    with pytest.raises(Problem) as caught:
        pull_it(fake, open_repository, tmp_path / "pulled")
    assert caught.value.code in {Exit.TREE, Exit.REGISTRY}
    assert not (tmp_path / "pulled").exists()


def test_an_image_that_isn_t_there_is_one_sentence(fake: FakeRegistry, open_repository: Opener, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="has no image") as caught:
        pull_it(fake, open_repository, tmp_path / "pulled")
    assert caught.value.code is Exit.REGISTRY


LIES: dict[str, Callable[[FakeRegistry, Pushed], object]] = {
    "a layer with other bytes": lambda fake, _: fake.blobs.update({layer_of(fake): b"x" * 9}),
    "a layer that is missing": lambda fake, _: fake.blobs.pop(layer_of(fake)),
    "a layer that is cut": lambda fake, _: fake.blobs.update({layer_of(fake): fake.blobs[layer_of(fake)][:-9]}),
    "a layer that is longer": lambda fake, _: fake.blobs.update({layer_of(fake): fake.blobs[layer_of(fake)] + b"x"}),
    "a manifest that is missing": lambda fake, pushed: fake.manifests.pop(pushed.manifests[1][1]),
    "a manifest with other bytes": lambda fake, pushed: fake.manifests.update({pushed.manifests[0][1]: b"{}"}),
    "no index": lambda fake, _: fake.manifests.update({"latest": b"[]"}),
    "an index with a name twice": lambda fake, _: fake.manifests.update(
        {"latest": fake.manifests["latest"].replace(b'"manifests"', b'"manifests":[],"manifests"')}
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_to_verify_what_a_registry_has_altered_is_the_seals_matter(
    lie: str, fake: FakeRegistry, pushed: Pushed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the registry's: it answers as it should, with what it should not."""
    monkeypatch.chdir(tmp_path)
    LIES[lie](fake, pushed)
    done = CliRunner().invoke(verify, [f"{fake.address}/ada/blog:latest", "--unsigned"])
    assert isinstance(done.exception, Problem)
    assert done.exception.code is Exit.SEAL
    assert "has no seal" not in done.exception.message


def attach(repository: ImageRepository, pushed: Pushed, data: bytes, kind: str = TYPE) -> None:
    subject = oci.Descriptor(oci.INDEX_TYPE, pushed.digest, pushed.size)
    referrers.attach(repository, subject, oci.OciDocument(kind, data))


def test_a_seal_is_found_by_what_it_speaks_of(fake: FakeRegistry, open_repository: Opener, pushed: Pushed) -> None:
    """In a registry that knows nothing of referrers: by a tag. A new seal takes the place of the old, no other's."""
    repository = open_repository(fake)
    assert list(referrers.attached(repository, pushed.digest, TYPE, 100)) == []
    attach(repository, pushed, b"a signature of somebody else's tool", "application/x")
    for data in (b"one", b"two"):
        attach(repository, pushed, data)
        assert list(referrers.attached(repository, pushed.digest, TYPE, 100)) == [data]
    assert len(json.loads(fake.manifests[pushed.digest.replace(":", "-")])["manifests"]) == 2
    assert list(referrers.attached(repository, pushed.digest, TYPE, 2)) == []


def test_a_registry_that_knows_referrers_is_asked(fake: FakeRegistry, open_repository: Opener, pushed: Pushed) -> None:
    listed: list[dict] = []

    def lie(method: str, path: str, _headers: dict[str, str]):
        if path.endswith(f"/referrers/{pushed.digest}"):
            return 200, {}, oci.canonical({"schemaVersion": 2, "manifests": listed})
        return None

    fake.lie = lie
    repository = open_repository(fake)
    attach(repository, pushed, b"one")
    tag = pushed.digest.replace(":", "-")
    listed += json.loads(fake.manifests.pop(tag))["manifests"]
    assert list(referrers.attached(repository, pushed.digest, TYPE, 100)) == [b"one"]


def test_a_seal_of_another_image_is_not_taken(fake: FakeRegistry, open_repository: Opener, pushed: Pushed) -> None:
    repository = open_repository(fake)
    attach(repository, pushed, b"one")
    other = "sha256:" + "1" * 64
    fake.manifests[other.replace(":", "-")] = fake.manifests[pushed.digest.replace(":", "-")]
    fake.types[other.replace(":", "-")] = oci.INDEX_TYPE
    assert list(referrers.attached(repository, other, TYPE, 100)) == []
