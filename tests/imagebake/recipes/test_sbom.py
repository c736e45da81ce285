"""Whoever scans an image finds out what it is made of: by SPDX's own rules, and as dpkg would tell it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from imagebake.image.entries import Bytes, File
from imagebake.packages import inventory
from imagebake.packages.copyright import Licence
from imagebake.packages.inventory import Described
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.recipes import sbom, site
from imagebake.recipes.recipe import Image
from imagebake.recipes.sbom import BillSubject, Component
from sealpress.tree import tree
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree
from tests.imagebake.recipes import spdx_schema
from tests.needs import unavailable

network = pytest.mark.network

DATE = datetime(2026, 11, 19, 2, 12, 54, tzinfo=UTC)
PACKAGE = LockedPackage(
    "libstdc++6", "1:14.2~rc-19+b1", "amd64", "main", "pool/x.deb", "96" * 32, 7, "sha256:" + "71" * 32
)
DESCRIBED = Described(
    PACKAGE,
    {"Architecture": "amd64", "Source": "gcc-14 (14.2~rc-19)", "Description": "GNU Standard C++ Library v3"},
    Licence("GPL-3.0-or-later AND LicenseRef-x-y", {"LicenseRef-x-y": "y"}),
)
WHEEL = Component("pypi", "tiny_x", "1.0", sbom.purl("pypi", "tiny_x", "1.0"), "ab" * 32, Licence("MIT"))
SUBJECT = BillSubject("sha256:" + "c" * 64, "amd64", {"b": "2", "a": "é"})

# The part of SPDX 2.3's own schema that a bill of materials of ours has need of: each key, type and value here is
# allowed there, and all that is required there is required here. So what passes here passes there, also where the
# official schema can't be had; a test below holds the two side by side. It says more, too: one value where SPDX has
# many.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["SPDXID", "creationInfo", "dataLicense", "name", "spdxVersion", "documentNamespace", "packages"],
    "properties": {
        "SPDXID": {"const": "SPDXRef-DOCUMENT"},
        "spdxVersion": {"const": "SPDX-2.3"},
        "dataLicense": {"const": "CC0-1.0"},
        "name": {"type": "string", "minLength": 1},
        "documentNamespace": {"type": "string", "pattern": "^[a-z]+:[^#]+$"},
        "creationInfo": {
            "type": "object",
            "additionalProperties": False,
            "required": ["created", "creators"],
            "properties": {
                "created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                "creators": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^Tool: .+-.+$"}},
            },
        },
        "packages": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"$ref": "#/definitions/package"}},
        "relationships": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["spdxElementId", "relatedSpdxElement", "relationshipType"],
                "properties": {
                    "spdxElementId": {"$ref": "#/definitions/id"},
                    "relatedSpdxElement": {"$ref": "#/definitions/id"},
                    "relationshipType": {"enum": ["DESCRIBES", "CONTAINS"]},
                },
            },
        },
        "hasExtractedLicensingInfos": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["licenseId", "extractedText"],
                "properties": {
                    "licenseId": {"type": "string", "pattern": "^LicenseRef-[A-Za-z0-9.-]+$"},
                    "name": {"type": "string"},
                    "extractedText": {"type": "string", "minLength": 1},
                },
            },
        },
    },
    "definitions": {
        "id": {"type": "string", "pattern": "^SPDXRef-[A-Za-z0-9.-]+$"},
        "package": {
            "type": "object",
            "additionalProperties": False,
            "required": ["SPDXID", "name", "downloadLocation"],
            "properties": {
                "SPDXID": {"$ref": "#/definitions/id"},
                "name": {"type": "string", "minLength": 1},
                "versionInfo": {"type": "string", "minLength": 1},
                "downloadLocation": {"const": "NOASSERTION"},
                "filesAnalyzed": {"const": False},
                "checksums": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["algorithm", "checksumValue"],
                        "properties": {
                            "algorithm": {"const": "SHA256"},
                            "checksumValue": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        },
                    },
                },
                "licenseConcluded": {"const": "NOASSERTION"},
                "licenseDeclared": {"type": "string", "minLength": 1},
                "copyrightText": {"const": "NOASSERTION"},
                "supplier": {"type": "string", "pattern": "^Organization: .+$"},
                "sourceInfo": {"type": "string", "minLength": 1},
                "comment": {"type": "string", "minLength": 1},
                "primaryPackagePurpose": {"const": "CONTAINER"},
                "externalRefs": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["referenceCategory", "referenceType", "referenceLocator"],
                        "properties": {
                            "referenceCategory": {"const": "PACKAGE-MANAGER"},
                            "referenceType": {"const": "purl"},
                            "referenceLocator": {"type": "string", "pattern": "^pkg:[a-z]+/[^ ]+@[^ ]+$"},
                        },
                    },
                },
            },
        },
    },
}


def checked(data: bytes) -> Any:
    """The document, after SPDX's own library and the schema above had nothing to say against it."""
    document = json.loads(data)
    jsonschema.validate(document, SCHEMA)
    parsed = JsonLikeDictParser().parse(document)
    assert [one.validation_message for one in validate_full_spdx_document(parsed)] == []
    return document


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.Draft7Validator:
    """A judge by the official schema, which is one by the rules of the dialect that it names."""
    schema = spdx_schema.official(tmp_path_factory.mktemp("spdx"))
    assert (schema["$id"], schema["title"]) == ("http://spdx.org/rdf/terms/2.3", "SPDX 2.3")
    dialect = jsonschema.validators.validator_for(schema, default=None)
    assert dialect is jsonschema.Draft7Validator
    dialect.check_schema(schema)
    return dialect(schema)


def packages(document: Any) -> dict[str, Any]:
    return {one["name"]: one for one in document["packages"]}


def test_a_document_says_what_there_is_and_where_it_is_from() -> None:
    document = checked(sbom.document("blog", [*sbom.of_packages([DESCRIBED], "trixie"), WHEEL], DATE, SUBJECT))
    assert document["creationInfo"]["created"] == "2026-11-19T02:12:54Z"
    assert packages(document)["libstdc++6"] == {
        "SPDXID": "SPDXRef-Package-deb-libstdc-2B--2B-6",
        "name": "libstdc++6",
        "versionInfo": "1:14.2~rc-19+b1",
        "supplier": "Organization: Debian",
        "sourceInfo": "built package from: gcc-14 14.2~rc-19",
        "comment": "layer sha256:" + "71" * 32,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": "96" * 32}],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "GPL-3.0-or-later AND LicenseRef-x-y",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": "pkg:deb/debian/libstdc%2B%2B6@1:14.2~rc-19%2Bb1"
                "?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2~rc-19",
            }
        ],
    }
    assert packages(document)["tiny_x"]["externalRefs"][0]["referenceLocator"] == "pkg:pypi/tiny_x@1.0"
    image = packages(document)["blog"]
    assert (image["versionInfo"], image["checksums"][0]["checksumValue"]) == (SUBJECT.digest, "c" * 64)
    assert image["externalRefs"][0]["referenceLocator"] == f"pkg:oci/blog@sha256%3A{'c' * 64}?arch=amd64"
    contains = [one["relatedSpdxElement"] for one in document["relationships"][1:]]
    assert contains == [one["SPDXID"] for one in document["packages"][1:]]


def test_an_image_without_labels_has_no_comment() -> None:
    document = checked(sbom.document("blog", [], DATE, replace(SUBJECT, labels={})))
    assert "comment" not in packages(document)["blog"]


def test_the_namespace_follows_from_the_content() -> None:
    def namespace(**changes: Any) -> str:
        given = {"name": "blog", "components": [WHEEL], "created": DATE} | changes
        return json.loads(sbom.document(**given))["documentNamespace"]

    assert namespace() == namespace()
    changed = [
        namespace(name="other"),
        namespace(components=[replace(WHEEL, version="2")]),
        namespace(created=CREATED),
        namespace(subject=SUBJECT),
    ]
    assert len({namespace(), *changed}) == 5


def test_a_schema_that_finds_nothing_would_be_none() -> None:
    """Both judges are awake."""
    document = json.loads(sbom.document("blog", [WHEEL], DATE))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"created": "now"}, SCHEMA)
    document["packages"][1]["licenseDeclared"] = "LicenseRef-nowhere AND Nonsense-1.0"
    with pytest.raises(Exception, match=r"Nonsense|nowhere"):
        checked(json.dumps(document).encode())


# What a document could get wrong, and the key that the official schema then finds fault with.
BROKEN: dict[str, Callable[[Any], Any]] = {
    "SPDXID": lambda document: document.pop("SPDXID"),
    "name": lambda document: document.update(name=["blog"]),
    "made": lambda document: document.update(made="now"),
    "created": lambda document: document["creationInfo"].pop("created"),
    "creators": lambda document: document["creationInfo"].update(creators=[]),
    "downloadLocation": lambda document: document["packages"][1].pop("downloadLocation"),
    "license": lambda document: document["packages"][1].update(license="MIT"),
    "filesAnalyzed": lambda document: document["packages"][1].update(filesAnalyzed="false"),
    "primaryPackagePurpose": lambda document: document["packages"][0].update(primaryPackagePurpose="IMAGE"),
    "algorithm": lambda document: document["packages"][1]["checksums"][0].update(algorithm="SHA-256"),
    "referenceCategory": lambda document: document["packages"][1]["externalRefs"][0].update(referenceCategory="purl"),
    "relationshipType": lambda document: document["relationships"][0].update(relationshipType="HOLDS"),
    "extractedText": lambda document: document["hasExtractedLicensingInfos"][0].pop("extractedText"),
}


@network
@pytest.mark.parametrize("key", BROKEN)
def test_the_official_schema_finds_each_fault_and_no_other(key: str, official: jsonschema.Draft7Validator) -> None:
    document = checked(sbom.document("blog", [*sbom.of_packages([DESCRIBED], "trixie"), WHEEL], DATE, SUBJECT))
    assert list(official.iter_errors(document)) == []
    BROKEN[key](document)
    faults = [f"{'/'.join(map(str, one.absolute_path))} {one.message}" for one in official.iter_errors(document)]
    assert len(faults) == 1
    assert key in faults[0]


@network
def test_the_official_schema_takes_both_bills(image: Image, rootfs: Path, official: jsonschema.Draft7Validator) -> None:
    """The one in the image, and the one beside it."""
    for data in ((rootfs / sbom.PATH).read_bytes(), image.bill()):
        assert list(official.iter_errors(json.loads(data))) == []


def wider(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Where our schema would let through what theirs would not."""
    ours = SCHEMA["definitions"][ours["$ref"].rpartition("/")[2]] if "$ref" in ours else ours
    judged = {"type", "enum", "properties", "required", "additionalProperties", "items", "minItems", "uniqueItems"}
    yield from (
        f"{place}: {key} is not judged" for key in theirs.keys() - judged - {"description", "$schema", "$id", "title"}
    )
    if values := ours.get("enum", [ours["const"]] if "const" in ours else []):
        judge = jsonschema.Draft7Validator(theirs)
        yield from (f"{place}: {value}" for value in values if not judge.is_valid(value))
        return
    if ours["type"] != theirs["type"] or "enum" in theirs:
        yield f"{place}: another type"
    yield from (f"{place}: {key} may be missing" for key in {*theirs.get("required", [])} - {*ours.get("required", [])})
    if theirs.get("minItems", 0) > ours.get("minItems", 0) or theirs.get("uniqueItems", False) > ours.get(
        "uniqueItems", False
    ):
        yield f"{place}: another number of items"
    if ours["type"] == "object" and ours.get("additionalProperties", True):
        yield f"{place}: any key"
    for key, value in ours.get("properties", {}).items():
        if key in theirs["properties"]:
            yield from wider(value, theirs["properties"][key], f"{place}/{key}")
        else:
            yield f"{place}: {key} is unknown"
    if "items" in ours:
        yield from wider(ours["items"], theirs["items"], f"{place}/*")


@network
def test_what_passes_our_schema_passes_the_official_one(official: jsonschema.Draft7Validator) -> None:
    assert list(wider(SCHEMA, official.schema)) == []
    loose = {**SCHEMA, "required": [], "properties": {**SCHEMA["properties"], "made": {"type": "string"}}}
    assert {": SPDXID may be missing", ": made is unknown"} < set(wider(loose, official.schema))


def dpkg(folder: Path, *arguments: str) -> list[str]:
    if not shutil.which("dpkg-query"):
        unavailable("needs dpkg-query")
    command = ["dpkg-query", f"--admindir={folder}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


def admin_folder(status: Path, folder: Path) -> Path:
    """dpkg's own database of what stands in status.d."""
    (folder / "updates").mkdir(parents=True)
    (folder / "info").mkdir()
    texts = [file.read_text() for file in sorted(status.iterdir())]
    (folder / "status").write_text("\n".join(texts))
    return folder


def test_what_a_package_says_is_read_by_dpkg(tmp_path: Path) -> None:
    status = tmp_path / "status.d"
    status.mkdir()
    for one in inventory.entries((DESCRIBED,)):
        assert isinstance(one, File)
        assert isinstance(one.content, Bytes)
        (status / Path(one.path).name).write_bytes(one.content.data)
    shown = (
        "${Package}|${Version}|${Architecture}|${source:Package}|${source:Version}|${db:Status-Abbrev}|${Description}"
    )
    assert dpkg(admin_folder(status, tmp_path / "admin"), "-W", f"--showformat={shown}\\n") == [
        "libstdc++6|1:14.2~rc-19+b1|amd64|gcc-14|14.2~rc-19|ii |GNU Standard C++ Library v3"
    ]


@network
def test_scanners_find_debian_and_its_packages_in_the_image(rootfs: Path, site_lock: Lock, tmp_path: Path) -> None:
    shown = dpkg(
        admin_folder(rootfs / inventory.FOLDER, tmp_path / "admin"),
        "-W",
        "--showformat=${Package} ${Version} ${db:Status-Abbrev}\\n",
    )
    assert shown == sorted(f"{one.name} {one.version} ii " for one in site_lock.of(HERE))
    assert 'VERSION_ID="13"' in (rootfs / "etc/os-release").read_text().splitlines()
    assert (rootfs / "etc/debian_version").read_text() == "13\n"
    for package in site_lock.of(HERE):
        assert (rootfs / f"usr/share/doc/{package.name}/copyright").stat().st_size


@network
def test_the_image_holds_its_bill_and_does_not_serve_it(image: Image, rootfs: Path, site_lock: Lock) -> None:
    document = checked((rootfs / sbom.PATH).read_bytes())
    assert document["creationInfo"]["created"] == f"{site_lock.date:%Y-%m-%dT%H:%M:%SZ}"
    versions = {name: one.get("versionInfo") for name, one in packages(document).items()}
    assert versions == {"example": None, **{one.name: one.version for one in site_lock.of(HERE)}}
    licences = {name: one["licenseDeclared"] for name, one in packages(document).items()}
    assert licences["zlib1g"] == "Zlib"
    assert "Apache-2.0" in licences["libssl3t64"]
    assert licences["nginx"].startswith("BSD-2-Clause")
    assert not list((rootfs / "srv").rglob("*spdx*"))


@network
def test_the_bill_beside_the_image_names_it_by_its_digest(image: Image) -> None:
    document = checked(image.bill())
    assert document["creationInfo"]["created"] == "2026-06-01T12:30:15Z"
    assert packages(document)["example"]["versionInfo"] == image.digest
    assert f"org.sealpress.release={image.release}" in packages(document)["example"]["comment"]
    assert image.bill() == image.bill()


@network
def test_a_new_page_leaves_the_inventory_as_it_is(image: Image, site_lock: Lock, tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {**PAGES, "new.html": b"new"}))
    (other,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example")
    found = {layer.name: layer.diff_id for layer in image.layers}
    assert {layer.name: layer.diff_id for layer in other.layers}["inventory"] == found["inventory"]
