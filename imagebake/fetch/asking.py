"""HTTP to a mirror, by urllib: its proxies and redirects, and connections that are not trusted to end.

Imports urllib.request, which takes 40 ms: imported only where something has to be fetched.
"""

import ssl
from http.client import HTTPResponse
from typing import BinaryIO
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener

from sealpress import VERSION
from sealpress.bounded import HTTP, HTTPS, Allowance


def answer(url: str, seconds: float) -> BinaryIO:
    """The body of an answer, of any size, which the caller counts; it may take as long as its size does.

    `seconds` without a byte end it. Raises HTTPError, OSError, HTTPException, and Misbehaviour, also while it is read.
    """
    allowance = Allowance()
    allowance.begin(seconds, seconds)
    request = Request(url, headers={"User-Agent": f"sealpress/{VERSION}"})  # noqa: S310 - mirror.py lets in no other scheme
    opener = build_opener(_Plain(allowance, seconds), _Secret(allowance, seconds))
    found: BinaryIO = opener.open(request, timeout=seconds)
    allowance.widen()
    return found


class _Plain(HTTPHandler):
    def __init__(self, allowance: Allowance, seconds: float) -> None:
        super().__init__()
        self._allowance, self._seconds = allowance, seconds

    def http_open(self, req: Request) -> HTTPResponse:
        self._allowance.begin(self._seconds, self._seconds)  # anew for each redirect

        def connection(host: str, /, *, timeout: float) -> HTTP:
            return HTTP(host, None, timeout, self._allowance)

        return self.do_open(connection, req)  # type: ignore[arg-type]  # it is called with no other names


class _Secret(HTTPSHandler):
    def __init__(self, allowance: Allowance, seconds: float) -> None:
        super().__init__()
        self._allowance, self._seconds = allowance, seconds

    def https_open(self, req: Request) -> HTTPResponse:
        self._allowance.begin(self._seconds, self._seconds)
        context = ssl.create_default_context()

        def connection(host: str, /, *, timeout: float) -> HTTPS:
            return HTTPS(host, None, timeout, self._allowance, context)

        return self.do_open(connection, req)  # type: ignore[arg-type]  # it is called with no other names
