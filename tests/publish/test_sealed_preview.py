"""`ssg preview --sealed`: the real baked image answers, by the embedded runner, and is baked anew after each edit."""

import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from ssg.authoring.starter import begin
from tests import answers
from tests.answers import Answer, Request
from tests.publish.locks import real_lock
from tests.ssg.authoring.test_starter import DAY
from tests.ssg.preview.test_generated import ended
from tests.ssg.preview.test_session import Preview, running

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("sealed preview")]

Previews = Mapping[str, tuple[Preview, Mapping[str, bytes]]]


@pytest.fixture(scope="module")
def lock() -> Lock:
    return real_lock()


@pytest.fixture
def site(lock: Lock, tmp_path: Path) -> Path:
    begin(tmp_path / "shed", ["en", "fr"], DAY)
    locks.save(lock, tmp_path / "shed/imagebake.lock")
    return tmp_path / "shed"


@pytest.fixture(scope="module")
def previews(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    found = {}
    with ExitStack() as stack:
        for below in answers.PATHS:
            folder = answers.written(tmp_path_factory.mktemp("sealed") / "site", below)
            locks.save(lock, folder / "imagebake.lock")
            _, files = answers.built(folder)
            preview = stack.enter_context(running(folder, "--sealed"))
            assert preview.get("/healthz")[:2] == (200, "ok")  # which nobody answers but the image
            found[below] = (preview, files)
        yield found


@pytest.mark.parametrize(("below", "asked", "answer"), answers.ROWS)
def test_the_image_answers_through_it_as_the_table_says(
    previews: Previews, below: str, asked: Request, answer: Answer
) -> None:
    preview, files = previews[below]
    answers.check(preview.port, files, asked, answer)


def servers(preview: Preview) -> set[Path]:
    """The processes of nginx that it has started: other tests have theirs."""
    found = {preview.process.pid}
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {folder for pid in found if is_nginx(folder := Path("/proc", str(pid)))}


def is_nginx(folder: Path) -> bool:
    try:
        return b"nginx" in (folder / "cmdline").read_bytes()
    except OSError:
        return False


def test_an_edit_is_baked_and_a_fault_in_the_bake_leaves_the_last_image(site: Path) -> None:
    with running(site, "--sealed") as preview:
        status, text, headers = preview.get("/about/")
        assert (status, text.count("/_sealpress/client.js")) == (200, 1)
        assert headers["Server"] == "nginx"
        assert "/_sealpress/" in headers["Content-Security-Policy"]
        raw = preview.get("/about/", X_Sealpress_Raw="1")
        assert "/_sealpress/" not in raw[1] + raw[2]["Content-Security-Policy"]
        assert preview.get("/about/", X_Sealpress_Raw="1", If_None_Match=raw[2]["ETag"])[0] == 304
        release = preview.get("/.well-known/release")[1]
        heard = preview.events("about/index.html")
        next(heard)
        preview.write("content/about.md", "---\ntitle: About\n---\nNews.\n")
        assert "News." in preview.get("/about/")[1]
        event = next(heard)
        assert (event["page"], event["problems"]) == (True, [])
        assert preview.get("/.well-known/release")[1] != release
        preview.write("site.toml", f'{(site / "site.toml").read_text()}\n[image.headers]\nX-Mine = "1"\n')
        assert preview.get("/about/")[2]["X-Mine"] == "1"
        # ssg finds no fault in a rule that leads nowhere; a bake does.
        preview.write("static/_redirects", "/old /nowhere/\n")
        preview.write("content/about.md", "---\ntitle: About\n---\nMore.\n")
        assert "News." in preview.get("/about/")[1]
        assert preview.get("/old")[0] == 404
        (problem,) = next(event for event in heard if event["problems"])["problems"]  # type: ignore[misc]
        assert (problem["file"], problem["line"]) == ("_redirects", 1)
        preview.write("static/_redirects", "/old /about/\n")
        assert "More." in preview.get("/about/")[1]
        assert preview.get("/old")[2]["Location"] == "/about/"
        assert next(event for event in heard if event["page"])["problems"] == []
        # A fault of the site leaves it, too.
        preview.write("content/about.md", "---\ntitle: About\n---\n[a dead link](gone.md)\n")
        assert "More." in preview.get("/about/")[1]
        # What is no part of the site is no reason to bake.
        preview.write("content/about.md", "---\ntitle: About\n---\nMore.\n")
        release = preview.get("/.well-known/release")[1]
        preview.write("content/.about.md.swp", "x")
        assert preview.get("/.well-known/release")[1] == release
        # Bars between it and the web are those of any preview.
        assert preview.get("/", Host="evil.example")[0] == 403
        assert preview.get("/", Host="localhost:1")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_however_it_ends(site: Path, number: int) -> None:
    with running(site, "--sealed", by=["env", "--default-signal"]) as preview:  # nohup's tests, too
        preview.get("/")
        left = servers(preview)
        assert left
        preview.process.send_signal(number)
        assert preview.process.wait(30) == 0
        until = time.monotonic() + 5
        while any(map(is_nginx, left)):  # which the system takes down by and by
            assert time.monotonic() < until
            time.sleep(0.02)
        assert not any("Traceback" in line for line in preview.said)


def test_another_generator_s_site_is_baked_too_and_the_port_is_the_next_free_one(site: Path) -> None:
    (site / "pages").mkdir()
    (site / "pages/index.html").write_text("<!doctype html><title>x</title><body>One</body>")
    with (site / "site.toml").open("a") as settings:
        settings.write('\n[build]\ncommand = ["cp", "-r", "pages", "out"]\noutput = "out/pages"\n')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (site / "out").mkdir()
        with running(site, "--sealed", "--poll", "--allow-command", "--port", str(taken.getsockname()[1])) as preview:
            assert "One" in preview.get("/")[1]
            preview.write("pages/index.html", "<!doctype html><title>x</title><body>Two</body>")
            assert "Two" in preview.get("/")[1]
            assert preview.get("/healthz")[1] == "ok"
            preview.write("pages/index.html", "<!doctype html><title>x</title><body onclick='x()'>Three</body>")
            assert preview.get("/")[0] == 200


def test_without_a_lock_and_a_mirror_it_does_not_begin(site: Path) -> None:
    (site / "imagebake.lock").unlink()
    with (site / "site.toml").open("a") as settings:
        settings.write('\n[image]\nmirror = "http://127.0.0.1:1/"\n')
    done = ended(site, "--sealed")
    assert (done.returncode, done.stdout) == (4, "")
    assert "127.0.0.1:1" in done.stderr
    assert not (site / "imagebake.lock").exists()
