"""Certificates as they are read, and what one is worth at a time."""

import ssl
import time
from pathlib import Path

import pytest

from publish.engines.protocol import Endpoint
from publish.probing import certificate
from publish.probing.certificate import Certificate
from publish.target import certificates
from sealpress.problems import Exit, Problem
from tests.certificates import signed

DAY = 86_400
NOW = 1_800_000_000
GOOD = Certificate(("blog.example", "*.blog.example"), NOW - 60 * DAY, NOW + 30 * DAY, "Tests")


def test_a_certificate_of_a_file_is_read_though_it_has_ended(tmp_path: Path) -> None:
    chain, key = signed(tmp_path, "old", "DNS:blog.example,DNS:www.blog.example", days=-1)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    found = certificate.of_pair(server, chain.read_text())
    assert (found.names, found.issuer) == (("blog.example", "www.blog.example"), "Tests")
    assert found.ends < time.time()


def test_where_nothing_listens_there_is_none() -> None:
    with pytest.raises(Problem, match=r"it shows no certificate for blog.example: nothing listens there") as caught:
        certificate.of_server(Endpoint("127.0.0.1", 1, is_secure=True, name="blog.example"))
    assert caught.value.code is Exit.RELEASE


@pytest.mark.parametrize(
    ("host", "holds"),
    [("blog.example", True), ("www.blog.example", True), ("a.www.blog.example", False), ("example", False)],
)
def test_for_whom_a_certificate_holds(host: str, holds: bool) -> None:
    assert GOOD.holds_for(host) is holds


@pytest.mark.parametrize(
    ("found", "said", "is_own", "wrong", "is_valid"),
    [
        (GOOD, "", False, "", True),
        (GOOD, "refused", False, "", True),  # an older refusal: it was renewed since, or is not due
        (
            Certificate(GOOD.names, NOW - 61 * DAY, NOW + 29 * DAY, "Tests"),
            "refused",
            False,
            "has a certificate that could not be renewed, and is good until 2027-02-13: refused",
            True,
        ),
        (
            Certificate(GOOD.names, NOW - 90 * DAY, NOW, "Tests"),
            "refused",
            False,
            "has a certificate that ended on 2027-01-15: refused",
            False,
        ),
        (Certificate(("other.example",), NOW, NOW + DAY, "T"), "", False, "has a certificate for other.example", False),
        (
            Certificate(GOOD.names, NOW - DAY, NOW + 13 * DAY, "T"),
            "",
            True,
            "has a certificate that ends on 2027-01-28: publish with a newer one",
            True,
        ),
    ],
)
def test_what_a_certificate_is_worth(found: Certificate, said: str, is_own: bool, wrong: str, is_valid: bool) -> None:
    told = certificates.judged("blog.example", found, said, NOW, is_own=is_own)
    assert (told.wrong, told.is_valid, told.ends) == (wrong, is_valid, found.ends)
    (line,) = certificates.lines((told,))
    assert line == (f"blog.example {wrong}" if wrong else "blog.example: certificate until 2027-02-14, by Tests")
