"""One repository of a registry: blobs and manifests, asked for by digest, and the login that the registry wants.

What a registry answers is believed as far as it can be checked: a digest is worked out here, a size is a limit.

Sources: OCI distribution-spec v1.1, "Push", "Pull" and "Listing Referrers"; RFC 9110, section 11.6.1, for challenges;
the registry token protocol that `docker login` uses, with Basic, or Bearer by a token service.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urldefrag, urlencode

from imagebake.fetch.http import ConnectionFailed
from imagebake.image.entries import Bytes, FileContent
from imagebake.image.oci import INDEX_TYPE, MANIFEST_TYPE, OciDocument
from imagebake.registry.credentials import Login
from imagebake.registry.reference import Reference
from imagebake.registry.transport import PAUSES, Response, Transport, joined, origin, unreachable
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Exit, Problem, RegistryProblem, printable

UPLOAD_WHOLE: Final = 64 << 20
"""Bytes. A blob up to this size goes in one request, as every registry takes it; proxies may take no more."""

UPLOAD_PIECE: Final = 16 << 20  # a larger blob is sent in pieces of this size
_MANIFESTS: Final = f"{INDEX_TYPE}, {MANIFEST_TYPE}"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,32768}=*")  # RFC 6750, section 2.1
_PARAMETER: Final = re.compile(r'\s*([A-Za-z0-9_-]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')
_SCHEME: Final = re.compile(r"[\s,]*([A-Za-z]{1,32})(?:\s+|,|$)")
_SAID_LIMIT: Final = 200

SentCallback = Callable[[int], None]


class _Counted:
    """Passes on how much was sent, and keeps the sum, to take it back when an attempt fails."""

    def __init__(self, sent: SentCallback) -> None:
        self._sent = sent
        self.done = 0

    def __call__(self, size: int) -> None:
        self.done += size
        self._sent(size)


@frozen
class Challenge:
    """How a registry wants to be asked. `scheme` in small letters; `parameters` by their names in small letters."""

    scheme: str
    parameters: Mapping[str, str]


class Altered(Problem):
    """The registry answers as registries do, and what it holds is not what it was called, or not whole."""


class ImageRepository:
    """An image's name in a registry. `login` is asked for once, and only where the registry wants one."""

    def __init__(self, reference: Reference, transport: Transport, login: Callable[[], Login | None]) -> None:
        self._reference = reference
        self._transport = transport
        self._find_login = login
        self._login: Login | None = None
        self._authorization = ""
        self._base = f"/v2/{reference.name}"

    def has_blob(self, digest: str, size: int) -> bool:
        """Whether the registry has a blob of this digest and size."""
        answer = self._send("HEAD", f"{self._base}/blobs/{digest}")
        if answer.status == 200:
            return answer.headers.get("content-length", str(size)) == str(size)
        if answer.status == 404:
            return False
        raise self._refused(answer, "about a layer")

    def upload(
        self,
        digest: str,
        content: FileContent,
        sent: SentCallback = lambda _size: None,
        whole: int = UPLOAD_WHOLE,
        piece: int = UPLOAD_PIECE,
    ) -> None:
        """Sends a blob: whole, or in pieces where it is large. A connection that breaks begins anew, a few times.

        Raises Problem (exit 11).
        """
        for pause in (*PAUSES, None):
            counted = _Counted(sent)
            try:
                self._upload(digest, content, counted, whole, piece)
            except ConnectionFailed as error:
                sent(-counted.done)
                if self.has_blob(digest, content.size):  # only the answer was lost
                    sent(content.size)
                    return
                if pause is None:
                    raise unreachable(self._reference.registry.url, str(error)) from None
                self._transport.pause(pause)
            else:
                return

    def _upload(self, digest: str, content: FileContent, sent: SentCallback, whole: int, piece: int) -> None:
        answer = self._send("POST", f"{self._base}/blobs/uploads/")
        place = self._place(answer)
        asked = answer.headers.get("oci-chunk-min-length", "")
        piece = max(piece, int(asked) if re.fullmatch(r"\d{1,10}", asked) else 0)
        body: FileContent = content
        if content.size > max(whole, piece):
            for start, part in _parts(content, piece):
                headers = {"Content-Range": f"{start}-{start + len(part) - 1}", **_BINARY}
                answer = self._send("PATCH", place, headers=headers, body=Bytes(part), again=False, sent=sent)
                place = self._place(answer)
            body = Bytes(b"")
        url = _with_query(place, {"digest": digest})
        answer = self._send("PUT", url, headers=_BINARY, body=body, again=False, sent=sent)
        if answer.status != 201:
            raise self._refused(answer, "a layer")

    def _place(self, answer: Response) -> str:
        """Where the upload goes on."""
        if answer.status != 202 or not (place := answer.headers.get("location")):
            raise self._refused(answer, "an upload")
        url = joined(answer.url, place)
        if not self._transport.may_lead_to(url):
            raise RegistryProblem(
                f"{self._reference.registry.address} wants an upload to go to {origin(url).host} without TLS",
                hint="nothing was sent there; ask who runs the registry",
            )
        return url

    def put_manifest(self, manifest: OciDocument, tag: str = "") -> Mapping[str, str]:
        """Stores a manifest or index, under a tag or its own digest alone. Gives the answer's headers."""
        to = f"{self._base}/manifests/{tag or manifest.digest}"
        answer = self._send("PUT", to, headers={"Content-Type": manifest.media_type}, body=Bytes(manifest.data))
        if answer.status != 201:
            raise self._refused(answer, "a manifest")
        if (stored := answer.headers.get("docker-content-digest", manifest.digest)) != manifest.digest:
            raise RegistryProblem(f"{self._reference.registry.address} stored {stored[:80]}, not {manifest.digest}")
        return answer.headers

    def manifest(self, name: str) -> OciDocument | None:
        """The manifest or index of a tag or digest; None where there is none."""
        answer = self._send("GET", f"{self._base}/manifests/{name}", headers={"Accept": _MANIFESTS})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refused(answer, "for a manifest")
        found = OciDocument(answer.headers.get("content-type", "").partition(";")[0].strip(), answer.data)
        if name.startswith("sha256:") and found.digest != name:
            raise self._false(name)
        return found

    def referrers(self, digest: str) -> OciDocument | None:
        """The index of what was attached to a manifest; None where nothing was, or the registry can't tell."""
        answer = self._send("GET", f"{self._base}/referrers/{digest}", headers={"Accept": INDEX_TYPE})
        return OciDocument(INDEX_TYPE, answer.data) if answer.status == 200 else None

    def small_blob(self, digest: str, limit: int) -> bytes:
        """A blob of at most `limit` bytes. Raises Problem (exit 11)."""
        data = b""
        for piece in self.blob(digest, limit):
            data += piece
        return data

    def blob(self, digest: str, limit: int) -> Iterator[bytes]:
        """A blob's bytes, checked at their end. Raises Problem (exit 11): missing, larger than `limit`, or false."""
        url = f"{self._base}/blobs/{digest}"
        sha = hashlib.sha256()
        left = limit
        # A HEAD first: it asks for the login, and follows to where the registry keeps its blobs.
        if not self._head(url):
            raise Altered(f"{self._reference.registry.address} has no blob {digest}", code=Exit.REGISTRY)
        try:
            with self._transport.stream(url, authorization=self._authorization) as (answer, pieces):
                if answer.status != 200:
                    raise self._refused(answer, "for a layer")
                for piece in pieces:
                    left -= len(piece)
                    if left < 0:
                        raise Altered(f"the blob {digest} is larger than its manifest says", code=Exit.REGISTRY)
                    sha.update(piece)
                    yield piece
        except ConnectionFailed as error:
            raise unreachable(self._reference.registry.url, str(error)) from None
        if "sha256:" + sha.hexdigest() != digest:
            raise self._false(digest)

    def _head(self, url: str) -> bool:
        answer = self._send("HEAD", url)
        if answer.status not in {200, 404}:
            raise self._refused(answer, "about a layer")
        return answer.status == 200

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: FileContent | None = None,
        again: bool = True,
        sent: SentCallback = lambda _size: None,
    ) -> Response:
        """The answer, after logging in where the registry asks for it."""
        url = joined(self._reference.registry.url, url)
        ours = origin(url) == origin(self._reference.registry.url)

        def ask() -> Response:
            return self._transport.send(
                method,
                url,
                headers=headers or {},
                authorization=self._authorization if ours else "",
                body=body,
                again=again,
                sent=sent,
            )

        answer = ask()
        # Once more with a login; a token may also have run out.
        if answer.status == 401 and ours and self._log_in(answer):
            answer = ask()
        return answer

    def _log_in(self, answer: Response) -> bool:
        """Takes up what the registry asks for; False where there is nothing to offer."""
        if self._login is None:
            self._login = self._find_login()
        for challenge in challenges(answer.headers.get("www-authenticate", "")):
            if challenge.scheme == "bearer":
                self._authorization = f"Bearer {self._token(challenge)}"
                return True
            if challenge.scheme == "basic" and self._login and self._login.user:
                self._authorization = self._login.basic
                return True
        return False

    def _token(self, challenge: Challenge) -> str:
        """A token for what the challenge names. Raises Problem (exit 11)."""
        realm = challenge.parameters.get("realm", "")
        service = origin(realm)
        address = self._reference.registry.address
        if not self._transport.may_lead_to(realm):
            raise RegistryProblem(
                f"{address} wants the login to go to {service.host} without TLS",
                hint="the login was not sent; ask who runs the registry",
            )
        asked = {name: challenge.parameters[name] for name in ("service", "scope") if name in challenge.parameters}
        if self._login and self._login.identity_token:
            # RFC 6749, section 6: the token that `docker login` got is a refresh token.
            form = {
                **asked,
                "grant_type": "refresh_token",
                "client_id": "sealpress",
                "refresh_token": self._login.identity_token,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._transport.send("POST", realm, headers=headers, body=Bytes(urlencode(form).encode()))
        else:
            basic = self._login.basic if self._login else ""
            answer = self._transport.send("GET", _with_query(realm, asked), authorization=basic)
        if answer.status != 200:
            raise self._refused(answer, "the login")
        match given.parsed(answer.data):
            case {"token": str(token)} | {"access_token": str(token)} if _TOKEN.fullmatch(token):
                return token
            case _:
                raise RegistryProblem(f"{service.host} answered a login with no token")

    def _refused(self, answer: Response, what: str) -> Problem:
        address, name = self._reference.registry.address, self._reference.name
        said = _said(answer.data)
        reason = f": {said}" if said else ""
        hint: str | None = None
        match answer.status:
            case 401 if self._authorization or self._login:
                message, hint = f"{address} does not accept the login{reason}", f"docker login {address}"
            case 401:
                message, hint = f"{address} wants a login{reason}", f"docker login {address}"
            case 403:
                message, hint = f"{address} does not allow it{reason}", f"ask for the right to push to {name}"
            case 404:
                message, hint = f"{address} knows no {name}{reason}", "some registries want a name to be made first"
            case _:
                message = f"{address} refused {what} with HTTP {answer.status}{reason}"
        return RegistryProblem(message, hint=hint)

    def _false(self, digest: str) -> "Altered":
        return Altered(
            f"{self._reference.registry.address} answered with other bytes than {digest}",
            hint="don't use what it holds; push the image anew",
            code=Exit.REGISTRY,
        )


_BINARY: Final = {"Content-Type": "application/octet-stream"}


def challenges(header: str) -> list[Challenge]:
    """What a WWW-Authenticate header asks for, as far as it can be read; one pass, whatever it holds."""
    found: list[Challenge] = []
    at = 0
    while scheme := _SCHEME.match(header, at):
        at = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, at):
            at = parameter.end()
            value = parameter[2] if parameter[2] is not None else parameter[3]
            parameters[parameter[1].lower()] = re.sub(r"\\(.)", r"\1", value)
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


def _parts(content: FileContent, size: int) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of pieces of `size` bytes, the last one smaller."""
    held = bytearray()
    start = 0
    for chunk in content.chunks():
        held += chunk
        while len(held) >= size:
            yield start, bytes(held[:size])
            del held[:size]
            start += size
    if held:
        yield start, bytes(held)


def _with_query(url: str, more: Mapping[str, str]) -> str:
    # What stands there stays as it is: a registry may have signed it.
    url = urldefrag(url).url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more)}" if more else url


def _said(data: bytes) -> str:
    """The first message of an answer's errors (distribution-spec, "Error Codes"), as one short line."""
    match given.parsed(data):
        case {"errors": [{"message": str(message)}, *_]} if message:
            return printable(" ".join(message.split()))[:_SAID_LIMIT]
        case {"details": str(message)} if message:
            return printable(" ".join(message.split()))[:_SAID_LIMIT]
        case _:
            return ""
