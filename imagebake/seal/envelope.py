"""seal.json, which stands beside an image: an in-toto statement about it, in an envelope with signatures.

    {"payloadType": "application/vnd.in-toto+json", "payload": base64, "signatures": [{"keyid": "SHA256:…", "sig": …}]}

The statement's subjects are the digests of the images, their configurations and the index over them; its predicate is
the release statement that stands in the image, and who baked. Signed is DSSE's encoding of the payload; a signature is
the base64 of what `ssh-keygen -Y sign -n sealpress` writes. An envelope without signatures is a seal nobody signed.

Sources: in-toto Attestation Framework, Statement v1; DSSE v1.0.2, "Protocol" and "Envelope".
"""

import base64
import binascii
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from imagebake.image import oci
from imagebake.image.oci import Sealed, canonical
from imagebake.packages.control import is_sha256
from imagebake.recipes import statement as statements
from imagebake.recipes.statement import Statement, refused
from imagebake.seal import signing
from imagebake.seal.signing import SigningKey
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, SealProblem

NAME: Final = "seal.json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
ENVELOPE_TYPE: Final = "application/vnd.dsse.envelope.v1+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
LIMIT: Final = 128 << 20
_SIGNATURES: Final = 16


@frozen
class SealSubject:
    """`name` says what it is, for people; `digest` is "sha256:…"."""

    name: str
    digest: str


@frozen
class Seal:
    """What an envelope holds. `payload` are the bytes that were signed; `signatures` are armored."""

    payload: bytes
    subjects: tuple[SealSubject, ...]
    statement: Statement
    signatures: tuple[tuple[str, bytes], ...] = ()

    @property
    def signed_bytes(self) -> bytes:
        """DSSE's pre-authentication encoding."""
        return pre_authentication(PAYLOAD_TYPE, self.payload)

    def has(self, digest: str) -> bool:
        return any(subject.digest == digest for subject in self.subjects)


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1.0.2, "Signature Definition"."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(images: Sequence[Sealed], reference: str, statement: Statement) -> Seal:
    """The unsigned seal of a release. `reference` is the image's name."""
    index = oci.across(images)
    subjects = [SealSubject(reference, index.digest)]
    for image in sorted(images, key=lambda image: image.architecture):
        named = f"{reference} linux/{image.architecture}"
        subjects += [
            SealSubject(named, image.manifest.digest),
            SealSubject(f"{named} configuration", image.config.digest),
        ]
    # What an image must not depend on; it stands here alone.
    baked_by = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
    }
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": subject.name, "digest": {"sha256": subject.digest.partition(":")[2]}} for subject in subjects
        ],
        "predicateType": statements.FORMAT,
        "predicate": {"release": statement.as_json(), "bakedBy": baked_by},
    }
    return Seal(canonical(document), tuple(subjects), statement)


def signed(unsigned: Seal, key: SigningKey) -> Seal:
    """The seal with a signature by this key. Raises Problem (exit 10)."""
    signature = signing.sign(unsigned.signed_bytes, key)
    return with_signature(unsigned, signing.describe(signature).fingerprint, signature)


def with_signature(unsigned: Seal, fingerprint: str, signature: bytes) -> Seal:
    """The same seal with one more signature; one by the same key is replaced."""
    others = tuple(one for one in unsigned.signatures if one[0] != fingerprint)
    return replace(unsigned, signatures=(*others, (fingerprint, signature)))


def document(found: Seal) -> bytes:
    """seal.json."""
    signatures = [{"keyid": keyid, "sig": base64.b64encode(sig).decode()} for keyid, sig in found.signatures]
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(found.payload).decode(),
        "signatures": signatures,
    }
    return canonical(envelope) + b"\n"


def save(found: Seal, file: Path) -> None:
    """Writes seal.json, whole. Raises Problem (exit 9)."""
    try:
        scratch.save(file, [document(found)])
    except OSError as error:
        raise MachineProblem(f"can't write {file}: {error.strerror}") from None


def load(file: Path) -> Seal:
    """Raises Problem (exit 10) for a file that isn't there, or is no seal."""
    try:
        # Not a pipe or a device, which might never end.
        if file.exists() and not file.is_file():
            raise refused(str(file), "it is no file")
        with file.open("rb") as found:
            data = found.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise SealProblem(
            f"there is no seal at {file}", hint="imagebake bake writes it beside the image; --seal names another file"
        ) from None
    except OSError as error:
        raise MachineProblem(f"can't read {file}: {error.strerror}") from None
    return read(data, str(file))


def read(data: bytes, shown: str) -> Seal:
    """The seal in these bytes. Its signatures are read, not checked. Raises Problem (exit 10)."""
    match statements.parsed(data, LIMIT, shown):
        case {"payloadType": str(kind), "payload": str(payload), "signatures": list(signatures), **rest} if not rest:
            pass
        case _:
            raise refused(shown, "it is no envelope with a payload and signatures")
    if kind != PAYLOAD_TYPE:
        raise refused(shown, f"it holds {kind[:80]!a}, not {PAYLOAD_TYPE}")
    if len(signatures) > _SIGNATURES:
        raise refused(shown, f"it has more than {_SIGNATURES} signatures")
    body = _decoded(payload, shown)
    match statements.parsed(body, LIMIT, shown):
        case {
            "_type": str(version),
            "subject": list(subjects),
            "predicateType": str(predicate),
            "predicate": {"release": dict(release), "bakedBy": {"python": str(), "machine": str()}},
        }:
            pass
        case _:
            raise refused(shown, "its payload is no statement about a release")
    if version != STATEMENT_TYPE or predicate != statements.FORMAT:
        raise refused(shown, "its payload is a statement of another kind")
    return Seal(
        payload=body,
        subjects=tuple(_subject(one, shown) for one in subjects),
        statement=statements.from_json(release, shown),
        signatures=tuple(_signature(one, shown) for one in signatures),
    )


def _subject(found: Any, shown: str) -> SealSubject:
    match found:
        case {"name": str(name), "digest": {"sha256": str(digest)}} if is_sha256(digest):
            return SealSubject(name, f"sha256:{digest}")
        case _:
            raise refused(shown, "one of its subjects has no sha256")


def _signature(found: Any, shown: str) -> tuple[str, bytes]:
    match found:
        case {"keyid": str(keyid), "sig": str(sig)}:
            return keyid, _decoded(sig, shown)
        case _:
            raise refused(shown, "one of its signatures has another shape")


def _decoded(text: str, shown: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refused(shown, "it is not base64 where it should be") from None
