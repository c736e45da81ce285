"""A preview from end to end, over HTTP: nothing stale, no fault that hides a page, nothing written, and a clean end."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from ssg.authoring.starter import begin
from ssg.commands.options import today
from tests.ssg.authoring.test_starter import DAY

SECONDS = 60.0


@dataclass
class Preview:
    """A running `ssg preview` of a new blog in two languages."""

    folder: Path
    process: subprocess.Popen[str]
    port: int
    said: list[str]

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def write(self, source: str, text: str) -> None:
        """As vim and VS Code do: beside it, then renamed."""
        file = self.folder / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(f".{file.name}.new").write_text(text)
        file.with_name(f".{file.name}.new").rename(file)

    def events(self, page: str) -> Iterator[dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", f"/_sealpress/events?page={page}")
        try:
            with connection.getresponse() as answer:
                while line := answer.readline():
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
        finally:
            connection.close()


Start = Callable[..., Preview]


@contextmanager
def running(site: Path, *options: str, by: Sequence[str] = ()) -> Iterator[Preview]:
    """A preview of a site, which is ended with the context; started `by` another program."""
    process = subprocess.Popen(
        [*by, sys.executable, "-u", "-m", "ssg.cli", "preview", "--port", "0", *options],
        cwd=site,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        if line.startswith("Preview: "):
            break
    stdout = process.stdout
    reader = threading.Thread(target=lambda: said.extend(stdout))
    reader.start()
    try:
        assert said[-1].startswith("Preview: http://"), said
        yield Preview(site, process, int(said[-1].split("/")[2].rpartition(":")[2]), said)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        reader.join(30)
        process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def starting(*options: str, folder: Path | None = None) -> Preview:
            site = folder or tmp_path / "shed"
            if folder is None:
                begin(site, ["en", "fr"], DAY)
            return stack.enter_context(running(site, *options))

        yield starting


def page(title: str, text: str = "Words.\n", more: str = "") -> str:
    return f"---\ntitle: {title}\ndate: 2026-05-04\n{more}---\n{text}"


def test_a_request_never_gets_what_is_older_than_the_last_save(start: Start) -> None:
    preview = start()
    assert preview.get("/posts/first-post/")[0] == 200
    for number in range(20):
        preview.write("content/posts/first-post.md", page("First post", f"Edit {number}.\n"))
        assert f"Edit {number}." in preview.get("/posts/first-post/")[1]
    preview.write("content/posts/first-post.md", page("Another title"))
    assert "Another title" in preview.get("/")[1]
    assert "Another title" in preview.get("/feed.xml")[1]


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "localhost"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("::", "[::]"), ("0.0.0.0", "0.0.0.0")],
)
def test_the_address_that_is_said_answers_whatever_it_listens_on(start: Start, host: str, shown: str) -> None:
    preview = start("--host", host)
    address = preview.said[-1].split()[1]
    assert address.startswith(f"http://{shown}:")
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.status == 200


def test_whatever_is_edited_shows(start: Start) -> None:
    """New and deleted posts, untracked ones, renamed slugs, templates, strings, data, static files, site.toml."""
    preview = start()
    preview.get("/")
    preview.write("content/posts/new.md", page("New"))
    assert "New" in preview.get("/posts/new/")[1]
    assert "/posts/new/" in preview.get("/archive/")[1]
    preview.write("content/posts/new.md", page("New", more="slug: newer\n"))
    assert preview.get("/posts/newer/")[0] == 200
    assert preview.get("/posts/new/")[0] == 404
    (preview.folder / "content/posts/new.md").unlink()
    assert preview.get("/posts/newer/")[0] == 404
    preview.write("static/robots-extra.txt", "one")
    assert preview.get("/robots-extra.txt")[1] == "one"
    preview.write("templates/post.html", '{% extends "base.html" %}{% block main %}<p>Mine</p>{% endblock %}')
    assert "<p>Mine</p>" in preview.get("/posts/first-post/")[1]
    shutil.rmtree(preview.folder / "templates")
    assert "<p>Mine</p>" not in preview.get("/posts/first-post/")[1]
    text = (preview.folder / "site.toml").read_text()
    preview.write("site.toml", text.replace('title = "Shed"', 'title = "Barn"'))
    assert "Barn" in preview.get("/")[1]


def test_a_fault_keeps_no_page_from_being_shown(start: Start) -> None:
    preview = start()
    assert "Who writes here" in preview.get("/about/")[1]
    preview.write("content/about.md", "---\ntitel: About\n---\nHalf written\n")
    assert "Who writes here" in preview.get("/about/")[1]
    preview.write("content/about.md", "---\ntitle: About\n---\n[a dead link](gone.md)\n")
    assert "a dead link" in preview.get("/about/")[1]
    preview.write("content/posts/first-post.md", page("First post", "Still new.\n"))
    assert "Still new." in preview.get("/posts/first-post/")[1]
    event = next(preview.events("about/index.html"))
    (problem,) = event["problems"]  # type: ignore[misc]
    assert (problem["file"], problem["line"], problem["column"]) == ("content/about.md", 4, 15)
    preview.write("content/about.md", "---\ntitle: About\n---\nMended.\n")
    assert "Mended." in preview.get("/about/")[1]
    settings = (preview.folder / "site.toml").read_text()
    preview.write("site.toml", "[site\n")
    assert "Mended." in preview.get("/about/")[1]
    preview.write("site.toml", settings)
    preview.write("content/about.md", "---\ntitle: About\n---\nAnd on.\n")
    assert "And on." in preview.get("/about/")[1]


def test_a_site_that_is_broken_from_the_start_is_shown_once_it_is_mended(start: Start, tmp_path: Path) -> None:
    site = tmp_path / "broken"
    begin(site, ["en"], DAY)
    about = (site / "content/about.md").read_text()
    (site / "content/about.md").write_text("no front matter\n")
    preview = start(folder=site)
    assert preview.get("/posts/first-post/")[0] in {200, 404}
    preview.write("content/about.md", about)
    assert preview.get("/about/")[0] == 200


def test_an_open_page_hears_of_its_own_edits(start: Start) -> None:
    preview = start()
    preview.get("/about/")
    heard = preview.events("about/index.html")
    first = next(heard)
    assert (first["page"], first["problems"]) == (False, [])
    preview.write("content/about.md", "---\ntitle: About\n---\nNews.\n")
    assert any(event["page"] for event in heard)
    preview.write("static/custom.css", "p { color: red }")
    preview.get("/custom.css")
    preview.write("static/custom.css", "p { color: blue }")
    told = next(event for event in heard if event["styles"])
    assert preview.get(f"/custom.css?preview={told['version']}")[1] == "p { color: blue }"
    preview.write("static/custom.css", "p { color: green }")
    assert preview.get("/custom.css?preview=0.0")[1] == "p { color: green }"


def test_only_who_asks_for_this_machine_is_answered(start: Start) -> None:
    preview = start()
    odd = ("evil.example", "", "[", "[::1", "localhost@evil.example", "localhost:1; script-src *", "localhost/;x")
    origins = ("http://evil.example", "null", "http://[", "http://localhost@evil.example")
    for headers in (*({"Host": host} for host in odd), *({"Host": "localhost", "Origin": one} for one in origins)):
        status, text, _ = preview.get("/", **headers)
        assert (status, "Shed" in text) == (403, False)
        assert preview.get("/_sealpress/events", **headers)[0] == 403
    for host in ("localhost:1", "127.0.0.1", "[::1]:80"):
        assert preview.get("/", Host=host)[0] == 200


def test_answers_carry_what_a_server_s_do(start: Start) -> None:
    preview = start()
    status, text, headers = preview.get("/posts/first-post/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert text.count("/_sealpress/client.js") == 1
    assert "/_sealpress/" not in preview.get("/posts/first-post/", X_Sealpress_Raw="1")[1]
    assert preview.get("/posts/first-post?x=1")[2]["Location"] == "/posts/first-post/?x=1"
    assert preview.get("/fr/nothing/")[0] == 404
    assert "introuvable" in preview.get("/fr/nothing/")[1]
    assert preview.get("/feed.xml")[2]["Content-Type"].startswith("application/atom+xml")
    assert preview.get("/../../etc/passwd")[0] == 400
    assert preview.get("/%ff%00")[0] == 400
    assert preview.get("http://[/", Host="localhost")[0] == 400


def test_drafts_are_asked_for(start: Start) -> None:
    preview = start()
    preview.write("content/posts/x.md", page("X", more="draft: true\n"))
    assert preview.get("/posts/x/")[0] == 404
    other = start("--drafts", folder=preview.folder)
    assert other.get("/posts/x/")[0] == 200


def test_a_scheduled_page_is_asked_for_by_its_day(start: Start, tmp_path: Path) -> None:
    preview = start(folder=committed(tmp_path / "shed"))
    preview.write("content/posts/x.md", page("X").replace("2026-05-04", "2999-12-24 18:00:00"))
    assert preview.get("/posts/x/")[0] == 404
    for options, status in ((["2999-12-23"], 404), (["2999-12-24"], 200)):
        other = start("--as-of", *options, folder=preview.folder)
        assert other.get("/posts/x/")[0] == status
        assert other.get("/posts/first-post/")[0] == 200
    early = start("--as-of", "1999-12-24", folder=preview.folder)
    assert early.get("/posts/first-post/")[0] == 404
    assert early.get("/about/")[0] == 200


def test_a_new_post_is_there_though_the_last_commit_is_older(start: Start, tmp_path: Path) -> None:
    """The next commit will have a later date."""
    preview = start(folder=committed(tmp_path / "shed", date="2026-05-05T12:00:00Z"))
    preview.write("content/posts/x.md", page("X").replace("2026-05-04", today().isoformat()))
    assert preview.get("/posts/x/")[0] == 200


def committed(site: Path, date: str = "") -> Path:
    """A new blog with all that it has in a commit."""
    begin(site, ["en", "fr"], DAY)
    git("add", "-A", folder=site)
    git("commit", "-qm", "x", folder=site, **({"GIT_COMMITTER_DATE": date} if date else {}))
    return site


def git(*words: str, folder: Path, **environment: str) -> None:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60, env=os.environ | environment)


def test_the_next_port_where_one_is_taken(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        preview = start("--port", str(port))
        assert preview.port > port
        assert f"port {port} is taken\n" in preview.said


def test_it_looks_again_and_again_where_nothing_tells_of_changes(start: Start) -> None:
    preview = start("--poll")
    preview.get("/")
    preview.write("content/about.md", "---\ntitle: About\n---\nSeen.\n")
    assert "Seen." in preview.get("/about/")[1]


def test_ctrl_c_ends_it_and_nothing_is_left(start: Start) -> None:
    preview = start()
    preview.get("/")
    heard = preview.events("index.html")
    next(heard)
    before = sorted(preview.folder.rglob("*"))
    assert not (preview.folder / "public").exists()
    began = time.monotonic()
    preview.process.send_signal(signal.SIGINT)
    assert preview.process.wait(30) == 0
    assert time.monotonic() - began < 20
    assert sorted(preview.folder.rglob("*")) == before
    assert not any("Traceback" in line for line in preview.said)


def test_a_branch_switch_and_a_deleted_folder(start: Start) -> None:
    preview = start()
    run = partial(git, folder=preview.folder)
    run("add", "-A")
    run("commit", "-qm", "x")
    preview.get("/")
    run("switch", "-qc", "other")
    for number in range(1000):
        (preview.folder / f"content/posts/p{number}.md").write_text(page(f"P{number}"))
    run("add", "-A")
    run("commit", "-qm", "y")
    assert preview.get("/posts/p999/")[0] == 200
    run("switch", "-q", "-")
    assert preview.get("/posts/p999/")[0] == 404
    run("switch", "-q", "other")
    assert preview.get("/posts/p7/")[0] == 200
    posts = preview.folder / "content"
    posts.rename(preview.folder / "away")
    preview.get("/")
    (preview.folder / "away").rename(posts)
    preview.write("content/about.md", "---\ntitle: About\n---\nBack.\n")
    assert "Back." in preview.get("/about/")[1]


def test_what_no_build_may_fill_is_no_output_of_a_preview_either(start: Start, tmp_path: Path) -> None:
    site = tmp_path / "odd"
    begin(site, ["en"], DAY)
    (tmp_path / "elsewhere").mkdir()
    (site / "public").symlink_to(tmp_path / "elsewhere")
    preview = start(folder=site)
    assert preview.process.wait(60) == 9
    time.sleep(0.5)
    assert any("is a link on the way to" in line for line in preview.said)
    assert not any("Traceback" in line for line in preview.said)
