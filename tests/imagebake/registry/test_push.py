"""A push over real sockets: what is sent and what is not, and a registry that lies, hangs up or leads astray."""

import base64
import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.fetch import http
from imagebake.image import oci
from imagebake.image.entries import Bytes
from imagebake.image.inspection import inspect
from imagebake.registry import transport
from imagebake.registry.client import ImageRepository, challenges
from imagebake.registry.credentials import Login
from imagebake.registry.push import WRITER, push
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.imagebake.registry.conftest import FakeRegistry, challenge

Opener = Callable[..., ImageRepository]
LOGIN = Login("ada", "secret")
BASIC = "Basic " + base64.b64encode(b"ada:secret").decode()


def refused(run: Callable[[], object], match: str) -> None:
    with pytest.raises(Problem, match=match) as caught:
        run()
    assert caught.value.code is Exit.REGISTRY
    assert "secret" not in str(caught.value)


def test_an_image_arrives_whole(fake: FakeRegistry, open_repository: Opener, layout: Path) -> None:
    """An index over both architectures; the configurations byte for byte; layers that expand to their diff_ids."""
    pushed = push(layout, open_repository(fake), lambda tag: [tag, "latest"], SILENT)
    index = json.loads(fake.manifests["latest"])
    assert fake.manifests["0123456789abcdef"] == fake.manifests["latest"] == fake.manifests[pushed.digest]
    assert fake.types["latest"] == oci.INDEX_TYPE
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
    for descriptor, report in zip(index["manifests"], inspect(layout), strict=True):
        manifest = json.loads(fake.manifests[descriptor["digest"]])
        assert manifest["config"]["digest"] == report.config_digest
        diff_ids = json.loads(fake.blobs[report.config_digest])["rootfs"]["diff_ids"]
        for layer, diff_id in zip(manifest["layers"], diff_ids, strict=True):
            data = fake.blobs[layer["digest"]]
            assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
            assert layer["size"] == len(data)
            assert "sha256:" + hashlib.sha256(gzip.decompress(data)).hexdigest() == diff_id
        assert manifest["annotations"][WRITER].startswith("gzip 1, zlib ")
    assert len(fake.blobs) == 5  # two configurations, a layer each, and one that both have


def test_what_is_there_is_neither_sent_nor_compressed(
    fake: FakeRegistry, open_repository: Opener, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = push(layout, open_repository(fake), lambda tag: [tag], SILENT)
    assert first.sent == sum(map(len, fake.blobs.values()))
    fake.said.clear()
    monkeypatch.setattr("imagebake.registry.compression.compress", lambda _pieces: pytest.fail("compressed again"))
    second = push(layout, open_repository(fake), lambda tag: [tag], SILENT)
    assert (second.digest, second.sent, second.kept) == (first.digest, 0, 3)
    assert fake.count("POST") == fake.count("PATCH") == 0


def test_the_tag_comes_last(fake: FakeRegistry, open_repository: Opener, layout: Path) -> None:
    push(layout, open_repository(fake), lambda _tag: ["live"], SILENT)
    writes = [path for method, path, _, _ in fake.said if method in {"POST", "PUT", "PATCH"}]
    assert [path for path in writes if path.endswith("/manifests/live")] == writes[-1:]


def test_a_large_blob_goes_in_pieces(fake: FakeRegistry, open_repository: Opener) -> None:
    data = bytes(range(256)) * 10
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    sent: list[int] = []
    open_repository(fake).upload(digest, Bytes(data), sent.append, whole=2000, piece=1000)
    assert fake.blobs[digest] == data
    assert [said[2]["content-range"] for said in fake.said if said[0] == "PATCH"] == ["0-999", "1000-1999", "2000-2559"]
    assert sum(sent) == len(data)


def test_a_connection_that_breaks_is_tried_again(fake: FakeRegistry, open_repository: Opener) -> None:
    """Also in the middle of an upload; the progress is right in the end."""
    broken = iter([True, False, True, False, True])
    fake.lie = lambda method, _path, _headers: (0, {}, b"") if method == "PUT" and next(broken, False) else None
    data = b"hello" * 1000
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    sent: list[int] = []
    open_repository(fake).upload(digest, Bytes(data), sent.append)
    assert fake.blobs[digest] == data
    assert sum(sent) == len(data)


def test_a_registry_that_is_busy_is_asked_again(fake: FakeRegistry, layout: Path, open_repository: Opener) -> None:
    busy = iter([503, 429, 502])
    fake.lie = lambda *_: (status, {"Retry-After": "9999999"}, b"") if (status := next(busy, 0)) else None
    push(layout, open_repository(fake), lambda _tag: ["x"], SILENT)
    assert "x" in fake.manifests


def test_a_registry_that_never_answers_is_given_up(fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda *_: (0, {}, b"")
    refused(lambda: open_repository(fake).has_blob("sha256:x", 1), "can't reach 127.0.0.1")
    assert len(fake.said) == len(transport.PAUSES) + 1


def test_nobody_there_is_one_sentence(open_repository: Opener) -> None:
    gone = FakeRegistry(address="127.0.0.1:9")
    refused(lambda: open_repository(gone).has_blob("sha256:x", 1), "can't reach 127.0.0.1:9: Connection refused")


def test_a_login_is_given_only_where_it_is_asked_for(fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda _method, _path, headers: (
        None if headers.get("authorization") == BASIC else (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    )
    repository = open_repository(fake, LOGIN)
    assert not repository.has_blob("sha256:x", 1)
    assert [said[2].get("authorization") for said in fake.said] == [None, BASIC]
    assert not repository.has_blob("sha256:y", 1)
    assert len(fake.said) == 3


def test_a_token_is_fetched_for_what_is_done(fake: FakeRegistry, elsewhere: FakeRegistry, open_repository) -> None:
    """A token service that is somebody else; a token that runs out is fetched again."""
    elsewhere.lie = lambda _method, _path, _headers: (200, {}, b'{"token":"abc.def"}')
    valid = iter([True, False, True])
    fake.lie = lambda _method, _path, headers: (
        None
        if headers.get("authorization") == "Bearer abc.def" and next(valid)
        else challenge(f"http://{elsewhere.address}/token?x=1")
    )
    repository = open_repository(fake, LOGIN)
    assert not repository.has_blob("sha256:x", 1)
    method, path, headers, _ = elsewhere.said[0]
    assert (method, headers["authorization"]) == ("GET", BASIC)
    assert path == ("/token?x=1&service=registry%2C+of+%22ours%22&scope=repository%3Aada%2Fblog%3Apull%2Cpush")
    assert not repository.has_blob("sha256:y", 1)
    assert len(elsewhere.said) == 2


def test_an_identity_token_is_traded_in(fake: FakeRegistry, open_repository: Opener) -> None:
    def lie(method: str, path: str, headers: dict[str, str]):
        if path == "/token":
            return 200, {}, b'{"access_token":"abc"}'
        return None if headers.get("authorization") == "Bearer abc" else challenge(f"http://{fake.address}/token")

    fake.lie = lie
    assert not open_repository(fake, Login(identity_token="idt")).has_blob("sha256:x", 1)
    method, _, headers, body = fake.said[1]
    assert method == "POST"
    assert "authorization" not in headers
    assert b"refresh_token=idt" in body
    assert b"grant_type=refresh_token" in body


def test_a_wrong_login_is_one_sentence(fake: FakeRegistry, open_repository: Opener) -> None:
    body = b'{"errors":[{"message":"bad\\u001b[31m\\nuser"}]}'
    fake.lie = lambda *_: (401, {"WWW-Authenticate": 'Basic realm="x"'}, body)
    refused(
        lambda: open_repository(fake, LOGIN).upload("sha256:x", Bytes(b"")),
        r"127.0.0.1:\d+ does not accept the login: bad\\x1b\[31m user",
    )
    assert len(fake.said) == 2
    refused(lambda: open_repository(fake).upload("sha256:x", Bytes(b"")), "wants a login")


@pytest.mark.parametrize(
    "realm",
    ["http://token.example.org/", "file:///etc/passwd", "ftp://x/", "//", "", "http://ada:x@127.0.0.1/", "\x00"],
)
def test_a_login_goes_nowhere_without_tls(realm: str, fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda *_: challenge(realm)
    refused(lambda: open_repository(fake, LOGIN).has_blob("sha256:x", 1), "without TLS|no address")
    assert len(fake.said) == 1


def test_a_redirect_never_gets_the_login(fake: FakeRegistry, elsewhere: FakeRegistry, open_repository) -> None:
    data = b"stored elsewhere"
    digest = "sha256:" + hashlib.sha256(data).hexdigest()

    def lie(_method: str, path: str, headers: dict[str, str]):
        if headers.get("authorization") != BASIC:
            return 401, {"WWW-Authenticate": "Basic realm=x"}, b""
        return 307, {"Location": f"http://{elsewhere.address}{path}"}, b""

    fake.lie = lie
    elsewhere.blobs[digest] = data
    repository = open_repository(fake, LOGIN)
    assert repository.has_blob(digest, len(data))
    assert repository.small_blob(digest, 100) == data
    assert elsewhere.said
    assert all("authorization" not in headers for _, _, headers, _ in elsewhere.said)


@pytest.mark.parametrize("to", ["http://storage.example.org/x", "file:///etc/passwd", "http://[::", "gopher://x"])
def test_a_redirect_leads_nowhere_without_tls(to: str, fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda *_: (302, {"Location": to}, b"")
    refused(lambda: open_repository(fake).has_blob("sha256:x", 1), "without TLS|no address")
    assert len(fake.said) == 1


def test_redirects_come_to_an_end(fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda _method, path, _headers: (302, {"Location": path + "x"}, b"")
    refused(lambda: open_repository(fake).has_blob("sha256:x", 1), "redirects without end")
    assert len(fake.said) == http.REDIRECTS + 1


def test_an_upload_that_leads_elsewhere_gets_no_login(
    fake: FakeRegistry, elsewhere: FakeRegistry, open_repository: Opener
) -> None:
    def lie(_method: str, _path: str, headers: dict[str, str]):
        if headers.get("authorization") != BASIC:
            return 401, {"WWW-Authenticate": "Basic realm=x"}, b""
        return 202, {"Location": f"http://{elsewhere.address}/upload"}, b""

    fake.lie = lie
    elsewhere.lie = lambda *_: (201, {}, b"")
    open_repository(fake, LOGIN).upload("sha256:x", Bytes(b"data"))
    assert [("authorization" in headers) for _, _, headers, _ in elsewhere.said] == [False]
    fake.lie = lambda *_: (202, {"Location": "http://storage.example.org/upload"}, b"")
    refused(lambda: open_repository(fake).upload("sha256:x", Bytes(b"data")), "without TLS")


@pytest.mark.parametrize("status", [301, 302, 307])
def test_an_upload_is_never_redirected(status: int, fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda *_: (status, {"Location": "/elsewhere"}, b"")
    refused(lambda: open_repository(fake).upload("sha256:x", Bytes(b"data")), f"HTTP {status}")


def test_an_answer_without_end_is_cut(fake: FakeRegistry, open_repository: Opener) -> None:
    fake.lie = lambda *_: (200, {}, bytes(transport.ANSWER_LIMIT + 1))
    refused(lambda: open_repository(fake).manifest("latest"), "answered with more than")


def test_a_blob_that_is_larger_or_another_is_refused(fake: FakeRegistry, open_repository: Opener) -> None:
    digest = "sha256:" + hashlib.sha256(b"right").hexdigest()
    fake.blobs[digest] = b"right" * 100
    refused(lambda: open_repository(fake).small_blob(digest, 5), "larger than its manifest says")
    fake.blobs[digest] = b"wrong"
    refused(lambda: open_repository(fake).small_blob(digest, 5), "other bytes than sha256")
    fake.manifests[digest], fake.types[digest] = b"{}", "x"
    refused(lambda: open_repository(fake).manifest(digest), "other bytes than sha256")


def test_a_registry_that_stores_something_else_is_found_out(
    fake: FakeRegistry, open_repository: Opener, layout: Path
) -> None:
    fake.lie = lambda method, path, _: (200, {}, b"{}") if method == "GET" and path.endswith("/latest") else None
    refused(lambda: push(layout, open_repository(fake), lambda _: ["latest"], SILENT), "answers with another image")
    fake.lie = lambda method, _path, _headers: (
        (201, {"Docker-Content-Digest": "sha256:0"}, b"") if method == "PUT" and "manifests" in _path else None
    )
    refused(lambda: push(layout, open_repository(fake), lambda _: ["latest"], SILENT), "stored sha256:0")


def test_an_image_that_is_damaged_is_not_pushed(fake: FakeRegistry, open_repository: Opener, layout: Path) -> None:
    report = inspect(layout)[0]
    blob = layout / "oci" / oci.blob_path(report.layers[0].diff_id)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(Problem, match="other bytes than its name says") as caught:
        push(layout, open_repository(fake), lambda _: ["x"], SILENT)
    assert caught.value.code is Exit.TREE
    blob.unlink()
    with pytest.raises(Problem, match="lacks the layer"):
        push(layout, open_repository(fake), lambda _: ["x"], SILENT)
    shutil.rmtree(layout)
    with pytest.raises(Problem, match="there is no"):
        push(layout, open_repository(fake), lambda _: ["x"], SILENT)
    assert not fake.said


@given(st.text(max_size=80) | st.text(alphabet=st.sampled_from('Bearer realm=",\\ \t'), max_size=80))
def test_any_challenge_is_read_as_far_as_it_goes(header: str) -> None:
    for found in challenges(header):
        assert found.scheme == found.scheme.lower()


def test_challenges_are_read_as_they_are_written() -> None:
    found = challenges('Negotiate, Bearer realm="https://x/a,b",scope="a\\"b", Basic realm=x, charset="UTF-8"')
    assert [(one.scheme, dict(one.parameters)) for one in found] == [
        ("negotiate", {}),
        ("bearer", {"realm": "https://x/a,b", "scope": 'a"b'}),
        ("basic", {"realm": "x", "charset": "UTF-8"}),
    ]


def test_ctrl_c_leaves_nothing_behind(fake: FakeRegistry, layout: Path, tmp_path: Path) -> None:
    """In the middle of an upload: exit code 130, one line, no file, no tag."""
    import os
    import signal
    import subprocess
    import sys
    import threading

    begun, ended = threading.Event(), threading.Event()

    def lie(method: str, _path: str, _headers: dict[str, str]):
        if method == "PUT":
            begun.set()
            ended.wait(30)

    fake.lie = lie
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "imagebake.cli", "push", f"{fake.address}/ada/blog:latest", "--image", str(layout)]
    process = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert begun.wait(30)
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(10)
        ended.set()
    assert (process.returncode, said) == (130, "")
    assert told.splitlines()[-1] == "interrupted: nothing is half done"
    assert "Traceback" not in told
    assert list(scratch.glob("*/*")) == []
    assert not fake.manifests
