"""The bill of materials (SBOM): what an image is made of, as an SPDX 2.3 document, and as scanners look for it.

In the image, in a layer of its own that changes with its components alone, and never served:

    usr/share/sbom/image.spdx.json    the document; its date is that of the lock
    var/lib/dpkg/status.d/NAME        dpkg's record of a package (imagebake/packages/inventory.py)
    etc/os-release, …                 which Debian it is: scanners look for holes by that

Beside the image stands a second one, NAME-ARCH.spdx.json. It names the image by its digest, which a document inside of
it can't, and its date is the image's.

Sources: SPDX specification 2.3; package-url (purl), types deb, pypi and oci; os-release(5).
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from imagebake.image import documents
from imagebake.image.entries import Bytes, Entry, File, Symlink
from imagebake.image.oci import canonical
from imagebake.packages import inventory
from imagebake.packages.copyright import Licence
from imagebake.packages.inventory import Described
from sealpress import VERSION
from sealpress.frozen import frozen
from sealpress.problems import TreeProblem

PATH: Final = "usr/share/sbom/image.spdx.json"
ENDING: Final = ".spdx.json"
"""Of the document beside the image."""

_UNKNOWN: Final = Licence()

_NOTHING: Final = "NOASSERTION"

# Scanners know Debian's releases by their numbers. A suite without one has none yet.
_NUMBERS: Final[Mapping[str, str]] = {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}


@frozen
class Component:
    """One thing that an image holds. `sha256` (hex) is of the archive that it came in; `purl` names it anywhere.

    `source`: what it was built from, for a person and for scanners; "" where that is itself. `architecture` "": it is
    in the images of all.
    """

    kind: str  # "deb" or "pypi"
    name: str
    version: str
    purl: str
    sha256: str
    licence: Licence = _UNKNOWN
    supplier: str = ""
    source: str = ""
    comment: str = ""
    architecture: str = ""


@frozen
class BillSubject:
    """The image that a document beside it is about. `digest` is its manifest's: "sha256:…"."""

    digest: str
    architecture: str
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def of_packages(found: Iterable[Described], suite: str) -> tuple[Component, ...]:
    """Debian's packages as components."""
    return tuple(_of_package(one, suite) for one in found)


def _of_package(one: Described, suite: str) -> Component:
    source, version = one.source
    package = one.package
    upstream = source if version == package.version else f"{source}@{version}"
    qualifiers = {
        "arch": one.architecture,
        "distro": f"debian-{_NUMBERS.get(suite, suite)}",
        **({"upstream": upstream} if upstream != package.name else {}),
    }
    return Component(
        kind="deb",
        name=package.name,
        version=package.version,
        purl=purl("deb/debian", package.name, package.version, qualifiers),
        sha256=package.sha256,
        licence=one.licence,
        supplier="Organization: Debian",
        source=f"built package from: {source} {version}",
        comment=f"layer {package.diff_id}",
    )


def purl(kind: str, name: str, version: str, qualifiers: Mapping[str, str] | None = None) -> str:
    """A package URL. `kind` is the type, with a namespace where it has one: "deb/debian"."""
    told = "&".join(f"{key}={quote(value, safe='-._~:/')}" for key, value in sorted((qualifiers or {}).items()))
    return f"pkg:{kind}/{quote(name, safe='-._~')}@{quote(version, safe='-._~:')}" + (f"?{told}" if told else "")


def document(
    name: str, components: Sequence[Component], created: datetime, subject: BillSubject | None = None
) -> bytes:
    """The SPDX document of an image: canonical JSON, the same for the same arguments. `created` with a time zone.

    Its namespace follows from its content, so two documents of one namespace are one document.
    """
    image = _image(name, subject)
    texts = {
        reference: (called, one.name) for one in components for reference, called in one.licence.references.items()
    }
    data: dict[str, object] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name if subject is None else f"{name}-{subject.architecture}",
        "creationInfo": {
            "created": f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "creators": [f"Tool: sealpress-{VERSION}"],
        },
        "packages": [image, *map(_package, components)],
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", _IMAGE_ID),
            *(_relationship(_IMAGE_ID, "CONTAINS", _id(one)) for one in components),
        ],
    }
    if texts:
        data["hasExtractedLicensingInfos"] = [
            {
                "licenseId": reference,
                "name": called,
                "extractedText": f'What usr/share/doc/{package}/copyright calls "{called}"; its text stands there.',
            }
            for reference, (called, package) in sorted(texts.items())
        ]
    return _named(data)


def beside(inside: bytes, name: str, created: str, subject: BillSubject) -> bytes:
    """The document beside an image, from the one in it. `created` as it stands in the image's configuration.

    Raises Problem (exit 5) for bytes that `document` has not written.
    """
    match documents.parse(inside, PATH):
        case {"creationInfo": dict(creation), "packages": [{"SPDXID": "SPDXRef-Image"}, *packages], **rest}:
            own = {str(key): value for key, value in rest.items() if key != "documentNamespace"}
            own |= {"creationInfo": creation | {"created": created}, "packages": [_image(name, subject), *packages]}
            return _named(own | {"name": f"{name}-{subject.architecture}"})
        case _:
            raise TreeProblem(f"{PATH} is no bill of materials")


def _named(data: Mapping[str, object]) -> bytes:
    digest = hashlib.sha256(canonical(data)).hexdigest()
    return canonical({**data, "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"})


_IMAGE_ID: Final = "SPDXRef-Image"


def _image(name: str, subject: BillSubject | None) -> dict[str, object]:
    told: dict[str, object] = {
        "SPDXID": _IMAGE_ID,
        "name": name,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": _NOTHING,
        "filesAnalyzed": False,
        "licenseConcluded": _NOTHING,
        "licenseDeclared": _NOTHING,
        "copyrightText": _NOTHING,
    }
    if subject is None:
        return told | {"comment": "The image that holds this document. The one beside the image has its digest."}
    labels = "\n".join(f"{key}={value}" for key, value in sorted(subject.labels.items()))
    at = purl("oci", name, subject.digest.replace(":", "%3A"), {"arch": subject.architecture}).replace("%253A", "%3A")
    return told | {
        "versionInfo": subject.digest,
        "checksums": [_checksum(subject.digest.removeprefix("sha256:"))],
        "externalRefs": [_external(at)],
        **({"comment": labels} if labels else {}),
    }


def _package(one: Component) -> dict[str, object]:
    told: dict[str, object] = {
        "SPDXID": _id(one),
        "name": one.name,
        "versionInfo": one.version,
        "downloadLocation": _NOTHING,
        "filesAnalyzed": False,
        "checksums": [_checksum(one.sha256)],
        "licenseConcluded": _NOTHING,
        "licenseDeclared": one.licence.expression or _NOTHING,
        "copyrightText": _NOTHING,
        "externalRefs": [_external(one.purl)],
    }
    more = {"supplier": one.supplier, "sourceInfo": one.source, "comment": one.comment}
    return told | {key: value for key, value in more.items() if value}


def _id(one: Component) -> str:
    """Letters, digits, dots and dashes; other characters as their codes, so that two names stay two."""
    coded = re.sub(r"[^A-Za-z0-9.-]", lambda found: f"-{ord(found[0]):X}-", f"{one.kind}-{one.name}")
    return f"SPDXRef-Package-{coded}"


def _checksum(sha256: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": sha256}


def _external(locator: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}


def _relationship(first: str, kind: str, second: str) -> dict[str, str]:
    return {"spdxElementId": first, "relationshipType": kind, "relatedSpdxElement": second}


def entries(
    name: str, found: tuple[Described, ...], more: Sequence[Component], suite: str, date: datetime
) -> tuple[Entry, ...]:
    """What stands in the image: the document over Debian's packages and `more`, dpkg's record, the system's name."""
    data = document(name, (*of_packages(found, suite), *more), date)
    return (File(PATH, Bytes(data)), *inventory.entries(found), *_system(suite))


def _system(suite: str) -> tuple[Entry, ...]:
    number = _NUMBERS.get(suite, "")
    told = {
        "PRETTY_NAME": f'"Debian GNU/Linux {number} ({suite})"' if number else f'"Debian GNU/Linux {suite}"',
        "NAME": '"Debian GNU/Linux"',
        **({"VERSION_ID": f'"{number}"'} if number else {}),
        "VERSION_CODENAME": suite,
        "ID": "debian",
    }
    text = "".join(f"{key}={value}\n" for key, value in told.items())
    return (
        File("usr/lib/os-release", Bytes(text.encode())),
        Symlink("etc/os-release", "../usr/lib/os-release"),
        File("etc/debian_version", Bytes(f"{number or suite}\n".encode())),
    )
