"""Where the certificates of a site behind the edge come from, and what Caddy is told for that.

    by ACME      from Let's Encrypt, or from the CA whose directory is told, for the names of `hosts` and for no others
    internal     from a CA of the edge's own, which nobody trusts who was not told to
    own          from a file that came with the site's own pair (publish/edge/pair.py)

All that is secret lies in the edge's volume alone, in files whose names this module gives.

Source: Caddy's JSON structure, of 2.6, "apps/tls"; where its library certmagic keeps a certificate.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

from imagebake.recipes.edge import CERTIFICATES, PORT, SECURE_PORT
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import printable

LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
INTERNAL_ROOT: Final = f"{CERTIFICATES}/pki/authorities/local/root.crt"
"""The certificate of the edge's own CA."""

_KINDS: Final = frozenset({"acme", "internal", "own"})
_LOADED: Final = "automatic HTTPS is completely disabled"  # what Caddy says when it has taken a configuration


@frozen
class CertificateSource:
    """`ca`: the directory of the CA. `file`: digits of the digest of the site's file in the volume: its own pair, or
    the roots that are trusted for the CA; "" where it has none.
    """

    kind: str  # "acme", "internal" or "own"
    ca: str = ""
    email: str = ""
    file: str = ""

    @property
    def label(self) -> str:
        """As the label of a container has it. There is no secret in it."""
        return json.dumps({key: value for key, value in asdict(self).items() if value}, sort_keys=True)


def of_label(text: str) -> CertificateSource | None:
    """None where no label, or nothing that is one, tells of certificates."""
    told = given.parsed(text.encode())
    if (
        not isinstance(told, dict)
        or told.get("kind") not in _KINDS
        or not told.keys() <= {"kind", "ca", "email", "file"}
    ):
        return None
    if not all(isinstance(value, str) for value in told.values()) or not re.fullmatch(
        "[0-9a-f]*", told.get("file", "")
    ):
        return None
    return CertificateSource(**told)


def file_of(line: str, source: CertificateSource) -> str:
    """The path of a line's file in the volume; "" where it has none."""
    name = line.replace("/", "-")  # labels tell it
    return f"{CERTIFICATES}/{name}.{source.file}.pem" if source.file else ""


def part(line: str, hosts: Sequence[str], source: CertificateSource) -> dict[str, Any]:
    """What stands beside a line's route: {"policy": …} or {"file": …}."""
    file = file_of(line, source)
    match source.kind:
        case "own":
            return {"file": {"@id": f"file {line}", "certificate": file, "key": file}}
        case "internal":
            issuer: dict[str, Any] = {"module": "internal"}
        case _:
            ports = {"http": {"alternate_port": PORT}, "tls-alpn": {"alternate_port": SECURE_PORT}}
            issuer = {"module": "acme", "ca": source.ca or LETS_ENCRYPT, "challenges": ports}
            issuer |= {"email": source.email} if source.email else {}
            issuer |= {"trusted_roots_pem_files": [file]} if file else {}
    return {"policy": {"@id": f"policy {line}", "subjects": list(hosts), "issuers": [issuer]}}


def apps(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What Caddy is told of certificates besides routes, for the parts of all lines."""
    every = list(parts)
    policies = [one["policy"] for one in every if "policy" in one]
    files = [one["file"] for one in every if "file" in one]
    names = [name for one in policies for name in one["subjects"]]
    told: dict[str, Any] = {
        "tls": {
            "certificates": {"automate": names, **({"load_files": files} if files else {})},
            "automation": {"policies": policies},
        }
    }
    if any(issuer.get("module") == "internal" for one in policies for issuer in one["issuers"]):
        # Else it writes its root among those that the machine trusts.
        told["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    return told


def parts_of(found: object) -> Mapping[str, Mapping[str, Any]]:
    """The parts by their lines, as `apps` put them together; {} for what it did not."""
    if not isinstance(found, dict):
        return {}
    try:
        tls = found["tls"]
        listed = [*(("policy", one) for one in tls["automation"]["policies"])]
        listed += [("file", one) for one in tls["certificates"].get("load_files", ())]
        return {one["@id"].removeprefix(f"{kind} "): {kind: one} for kind, one in listed}
    except (LookupError, TypeError, AttributeError):
        return {}


def is_whole(found: object) -> bool:
    """Whether something is a part, as `part` gives it."""
    match found:
        case {"policy": {"@id": str(), "subjects": [*subjects], "issuers": [{**issuer}]}}:
            return all(isinstance(one, str) for one in subjects) and isinstance(issuer.get("module"), str)
        case {"file": {"@id": str(), "certificate": str(), "key": str()}}:
            return True
    return False


def files_of(one: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths in the volume without which Caddy refuses a part."""
    if "file" in one:
        return (one["file"]["certificate"],)
    return tuple(one["policy"]["issuers"][0].get("trusted_roots_pem_files", ()))


def held(one: Mapping[str, Any], host: str) -> dict[str, Any]:
    """A matcher of requests by http for a name that has a certificate by now: until then, http is all that it has."""
    if "file" in one:
        return {"host": [host]}
    issuer = one["policy"]["issuers"][0]
    return {"host": [host], "file": {"root": CERTIFICATES, "try_files": [_kept(issuer, host)]}}


def path_of(source: CertificateSource, host: str) -> str:
    """Where the certificate of a name lies in the volume."""
    if source.kind == "own":
        return ""
    issuer = {"module": source.kind, "ca": source.ca or LETS_ENCRYPT}
    return CERTIFICATES + _kept(issuer, host)


def _kept(issuer: Mapping[str, Any], host: str) -> str:
    # Source: certmagic, `ACMEIssuer.issuerKey` and `KeyBuilder.Safe`.
    name = "local"
    if issuer["module"] == "acme":
        url = urlsplit(str(issuer.get("ca", "")))
        path = url.path.strip("/").replace("/", "-")
        name = re.sub(r"[^\w@.-]", "", f"{url.netloc}-{path}".strip("-").lower().replace(":", "-"))
    return f"/certificates/{name}/{host}/{host}.crt"


def refusals(log: str, hosts: Iterable[str]) -> dict[str, str]:
    """What CAs said last to each of these names since Caddy took its configuration, of a log from outside."""
    wanted = frozenset(hosts)
    found: dict[str, str] = {}
    for line in log.splitlines():
        told = given.parsed(line.encode())
        if not isinstance(told, dict):
            continue
        if str(told.get("msg", "")).startswith(_LOADED):
            found.clear()
        name = told.get("identifier")
        if told.get("level") == "error" and isinstance(name, str) and name in wanted:
            found[name] = printable(" ".join(str(told.get("error", "")).split())[:300], keep="")
    return found
