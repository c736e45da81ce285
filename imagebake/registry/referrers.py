"""Seals in a registry: attached to the index that they speak of, so that whoever pulls an image finds its seal.

An artifact's manifest names its subject. A registry that knows nothing of that is given an index under a tag made of
the subject's digest, which is how the specification bridges the gap.

Source: OCI distribution-spec v1.1, "Listing Referrers", "Unavailable Referrers API" and "Referrers Tag Schema"; OCI
image-spec v1.1, manifest.md, "Guidelines for Artifact Usage".
"""

from collections.abc import Iterator
from typing import Any, Final

from imagebake.image.entries import Bytes
from imagebake.image.oci import INDEX_TYPE, MANIFEST_TYPE, Descriptor, OciDocument, canonical
from imagebake.registry.client import ImageRepository
from imagebake.registry.reference import is_digest
from sealpress.files import given

EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
_EMPTY: Final = OciDocument(EMPTY_TYPE, b"{}")
_MANY: Final = 8  # artifacts of one kind that are looked at


def attach(repository: ImageRepository, subject: Descriptor, artifact: OciDocument) -> None:
    """Attaches an artifact to a manifest or index that the registry has, in place of one of the same type.

    Raises Problem (exit 11).
    """
    for blob in (_EMPTY, artifact):
        if not repository.has_blob(blob.digest, blob.size):
            repository.upload(blob.digest, Bytes(blob.data))
    manifest = OciDocument(
        MANIFEST_TYPE,
        canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": artifact.media_type,
                "config": Descriptor(_EMPTY.media_type, _EMPTY.digest, _EMPTY.size).as_json(),
                "layers": [Descriptor(artifact.media_type, artifact.digest, artifact.size).as_json()],
                "subject": subject.as_json(),
            }
        ),
    )
    if "oci-subject" in repository.put_manifest(manifest):
        return
    tag = _tag(subject.digest)
    others = [one for one in _listed(repository.manifest(tag)) if one.get("artifactType") != artifact.media_type]
    described = Descriptor(manifest.media_type, manifest.digest, manifest.size).as_json()
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [*others, described | {"artifactType": artifact.media_type}],
    }
    repository.put_manifest(OciDocument(INDEX_TYPE, canonical(index)), tag)


def attached(repository: ImageRepository, digest: str, media_type: str, limit: int) -> Iterator[bytes]:
    """The artifacts of this type, of at most `limit` bytes each, the latest first. Raises Problem (exit 11)."""
    known = repository.referrers(digest) or repository.manifest(_tag(digest))
    wanted = [one for one in _listed(known) if one.get("artifactType") == media_type]
    for one in wanted[-_MANY:][::-1]:
        if not is_digest(name := str(one.get("digest"))) or (manifest := repository.manifest(name)) is None:
            continue
        match given.parsed(manifest.data):
            case {"layers": [{"digest": str(blob), "size": int(size)}], "subject": {"digest": str(subject)}}:
                if subject == digest and is_digest(blob) and 0 < size <= limit:
                    yield repository.small_blob(blob, size)


def _tag(digest: str) -> str:
    return digest.replace(":", "-")


def _listed(index: OciDocument | None) -> list[dict[str, Any]]:
    match given.parsed(index.data) if index else None:
        case {"manifests": list(found)}:
            return [one for one in found if isinstance(one, dict)]
        case _:
            return []
