"""What comes from a mirror is what was named, or it does not come at all."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imagebake.fetch import download
from imagebake.fetch.cache import Pinned
from imagebake.packages import mirror
from imagebake.packages.mirror import Mirrors
from sealpress.problems import Exit, Problem

DATA = bytes(range(256)) * 3000


@dataclass(frozen=True)
class Package:
    name: str = "tool"
    version: str = "1:2~rc+1"
    sha256: str = hashlib.sha256(DATA).hexdigest()
    size: int = len(DATA)
    path: str = "pool/main/t/tool_2~rc+1_amd64.deb"
    archive: str = "main"


@dataclass(frozen=True)
class Place:
    root: Path
    cache: Path
    mirrors: Mirrors

    def put(self, mirror: str, data: bytes = DATA) -> Path:
        file = self.root / mirror / Package().path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def fetch(self, package: Package = Package(), **more) -> Path:
        return mirror.fetched(package, self.cache, lambda: self.mirrors, **more)

    def left(self) -> list[str]:
        return sorted(file.name for file in (self.cache / "packages").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    url = tmp_path.as_uri()
    return Place(tmp_path, tmp_path / "cache", Mirrors(f"{url}/main", f"{url}/security"))


def test_a_package_is_fetched_once_and_kept_by_its_digest(place: Place) -> None:
    source = place.put("main")
    file = place.fetch()
    assert file == place.cache / "packages" / Package().sha256
    assert file.read_bytes() == DATA
    source.unlink()
    assert place.fetch() == file
    assert place.left() == [file.name]


def test_a_warm_cache_asks_for_no_mirror(place: Place) -> None:
    place.put("main")
    file = place.fetch()

    def no_mirror() -> Mirrors:
        raise AssertionError

    assert mirror.fetched(Package(), place.cache, no_mirror) == file


def test_security_packages_come_from_the_security_mirror(place: Place) -> None:
    place.put("security")
    assert place.fetch(Package(archive="security")).read_bytes() == DATA


def test_one_changed_byte_is_refused_and_leaves_nothing(place: Place) -> None:
    place.put("main", DATA[:-1] + b"x")
    with pytest.raises(Problem) as caught:
        place.fetch()
    assert caught.value.message.startswith("tool 1:2~rc+1 from file://")
    assert "it was damaged or changed on the way" in caught.value.message
    assert caught.value.code is Exit.LOCK
    assert place.left() == []


@pytest.mark.parametrize(("data", "said"), [(DATA + b"x", "is larger than the"), (DATA[:-1], "it ended 1 bytes early")])
def test_another_size_is_refused(place: Place, data: bytes, said: str) -> None:
    place.put("main", data)
    with pytest.raises(Problem, match=said):
        place.fetch()
    assert place.left() == []


@pytest.mark.parametrize("damage", [DATA[:-1], b"", DATA[:-1] + b"x"])
def test_a_damaged_cache_is_noticed_and_mended(place: Place, damage: bytes) -> None:
    place.put("main")
    file = place.fetch()
    file.write_bytes(damage)
    assert place.fetch().read_bytes() == DATA


def test_a_package_that_is_gone_is_named_with_both_fixes(place: Place) -> None:
    with pytest.raises(Problem) as caught:
        place.fetch()
    assert "the mirror no longer has tool 1:2~rc+1" in caught.value.message
    assert caught.value.hint
    assert "imagebake lock --upgrade" in caught.value.hint
    assert "snapshot_mirror under [image]" in caught.value.hint
    assert caught.value.code is Exit.LOCK


def test_a_gone_package_is_found_in_the_snapshots(place: Place) -> None:
    url = place.root.as_uri()
    date = datetime(2026, 11, 19, 14, tzinfo=UTC)
    place.put("snap/debian/20261120T020000Z")  # the snapshot after the release: twelve hours later
    dated = Place(place.root, place.cache, Mirrors(f"{url}/main", "", f"{url}/snap/{{archive}}/{{date}}"))
    assert dated.fetch(date=date).read_bytes() == DATA


def test_a_snapshot_may_be_a_plain_mirror(place: Place) -> None:
    url = place.root.as_uri()
    place.put("kept")
    assert Place(place.root, place.cache, Mirrors(f"{url}/main", "", f"{url}/kept")).fetch().read_bytes() == DATA


def test_a_cache_that_cannot_be_written_is_a_problem(place: Place) -> None:
    place.put("main")
    place.cache.write_text("a file")
    with pytest.raises(Problem, match="can't write the cache") as caught:
        place.fetch()
    assert caught.value.code is Exit.MACHINE


def test_many_at_once_share_a_cache(place: Place) -> None:
    place.put("main")
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda _: place.fetch().read_bytes(), range(24)))
    assert set(files) == {DATA}
    assert place.left() == [Package().sha256]


@dataclass
class Server:
    url: str
    answers: list  # what each request gets: a status, or bytes to send of DATA
    asked: list[str]


@pytest.fixture
def server() -> Iterator[Server]:
    """A mirror on loopback that answers as the test says, request by request."""
    state = Server("", [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            answer = state.answers.pop(0)
            if answer > 999 or answer == 0:
                self.send_response(200)
                self.send_header("Content-Length", str(len(DATA)))
                self.end_headers()
                self.wfile.write(DATA[:answer])
            else:
                self.send_error(answer)

        def log_message(self, *_args) -> None:
            pass

    daemon = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{daemon.server_port}"
    thread = threading.Thread(target=daemon.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    daemon.shutdown()
    thread.join(10)
    daemon.server_close()


def test_a_mirror_may_stumble_twice(place: Place, server: Server) -> None:
    """A busy server, a connection cut in the middle: the third attempt counts."""
    server.answers = [503, 5000, len(DATA)]
    at_server = Place(place.root, place.cache, Mirrors(server.url, server.url))
    assert at_server.fetch().read_bytes() == DATA
    assert len(server.asked) == 3
    assert server.asked[0] == "/pool/main/t/tool_2~rc%2B1_amd64.deb"


def test_a_mirror_that_keeps_failing_is_a_problem(place: Place, server: Server) -> None:
    server.answers = [503] * 3
    with pytest.raises(Problem) as caught:
        Place(place.root, place.cache, Mirrors(server.url, server.url)).fetch()
    assert caught.value.message.startswith("can't fetch tool 1:2~rc+1 from http://127.0.0.1")
    assert "HTTP 503" in caught.value.message
    assert place.left() == []


def test_a_missing_file_is_asked_for_once(place: Place, server: Server) -> None:
    server.answers = [404]
    with pytest.raises(Problem, match="no longer has"):
        Place(place.root, place.cache, Mirrors(server.url, server.url)).fetch()
    assert len(server.asked) == 1


def test_a_mirror_that_is_not_there_is_a_problem(place: Place) -> None:
    nowhere = Place(place.root, place.cache, Mirrors("http://127.0.0.1:1/debian", ""))
    with pytest.raises(Problem, match="can't fetch tool"):
        nowhere.fetch()


def test_the_progress_of_a_broken_attempt_is_taken_back(place: Place, server: Server) -> None:
    server.answers = [300_000, len(DATA)]
    steps: list[int] = []
    pinned = Pinned("tool", Package().sha256, Package().size)
    download.store(place.cache / "x", pinned, [f"{server.url}/x"], steps.append)
    assert sum(steps) == len(DATA)
    assert min(steps) < 0
