"""A preview of what another generator makes: its command runs after each edit, and a copy of its output is served."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.build.inputs import Request as BuildRequest
from ssg.preview.generated import Generated
from tests.ssg.preview.test_session import Preview, running

# A generator that empties its output first, takes its time, and counts its runs where its sources are.
BUILD = """\
import pathlib, shutil, subprocess, sys, time
public = pathlib.Path("public")
shutil.rmtree(public, ignore_errors=True)
public.mkdir()
sources = sorted(path for folder in ("pages", "more") for path in pathlib.Path(folder).glob("*.txt"))
texts = {path.stem: path.read_text() for path in sources}
for name, text in texts.items():
    time.sleep(0.02)
    if text.startswith("FAIL"):
        print(f"pages/{name}.txt:1: no good")
        sys.exit(3)
    if text.startswith("SLEEP"):
        pathlib.Path("asleep").write_text(str(subprocess.Popen(["sleep", "300"]).pid))
        time.sleep(300)
    (public / f"{name}.html").write_text(f"<!doctype html><title>{name}</title><body>{text}</body>")
(public / "style.css").write_text("p { color: red }")
runs = pathlib.Path("runs")
runs.write_text(f"{runs.read_text() if runs.exists() else ''}x")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    folder = tmp_path / "site"
    (folder / "pages").mkdir(parents=True)
    (folder / "build.py").write_text(BUILD)
    (folder / "pages/index.txt").write_text("Front")
    (folder / "pages/about.txt").write_text("About")
    (folder / ".gitignore").write_text("/public/\n/asleep\n/runs\n")
    (folder / "site.toml").write_text(
        f'[site]\ntitle = "T"\nurl = "https://blog.example/"\n\n[build]\ncommand = ["{sys.executable}", "build.py"]\n'
    )
    return folder


@contextmanager
def shown(site: Path, *options: str) -> Iterator[Preview]:
    with running(site, "--allow-command", *options) as preview:
        preview.get("/")
        yield preview


def ended(site: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A preview that doesn't begin."""
    return subprocess.run(
        [sys.executable, "-m", "ssg.cli", "preview", "--port", "0", *options],
        cwd=site,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def runs(site: Path) -> int:
    return len((site / "runs").read_text())


def settled(site: Path) -> int:
    """How often the command ran, once it runs no more."""
    seen = -1
    while seen != (seen := runs(site)):
        time.sleep(0.7)
    return seen


@pytest.mark.parametrize("option", ["", "--poll"])
def test_an_edit_shows_and_the_output_is_never_seen_half_made(site: Path, option: str) -> None:
    with shown(site, *filter(None, [option])) as preview:
        assert "About" in preview.get("/about")[1]
        for number in range(3):
            preview.write("pages/about.txt", f"Edit {number}")
            assert "Front" in preview.get("/")[1]
            assert f"Edit {number}" in preview.get("/about")[1]
        preview.write("pages/new.txt", "New")
        assert "New" in preview.get("/new")[1]
        (site / "pages/new.txt").unlink()
        assert preview.get("/new")[0] == 404
        (site / "more").mkdir()
        time.sleep(0.5)
        preview.write("more/other.txt", "Other")
        assert "Other" in preview.get("/other")[1]
        preview.write("build.py", BUILD.replace("<body>", "<body>Anew: "))
        assert "Anew: Other" in preview.get("/other")[1]


def test_what_is_served_is_a_copy(site: Path) -> None:
    with shown(site) as preview:
        (site / "public/about.html").unlink()
        (site / "public/index.html").write_text("half")
        assert "About" in preview.get("/about")[1]
        assert "Front" in preview.get("/")[1]


def test_open_pages_hear_of_what_changed(site: Path) -> None:
    with shown(site) as preview:
        assert "/_sealpress/client.js" in preview.get("/about")[1]
        heard = preview.events("about.html")
        next(heard)
        preview.write("pages/about.txt", "News")
        event = next(heard)
        assert (event["page"], event["problems"]) == (True, [])
        preview.write("build.py", BUILD.replace("color: red", "color: blue"))
        event = next(heard)
        assert (event["page"], event["styles"]) == (False, True)


def test_a_command_that_fails_takes_nothing_away(site: Path) -> None:
    with shown(site) as preview:
        heard = preview.events("about.html")
        next(heard)
        preview.write("pages/about.txt", "FAIL")
        assert "Front" in preview.get("/")[1]
        assert "About" in preview.get("/about")[1]
        (problem,) = next(heard)["problems"]  # type: ignore[misc]
        assert problem["file"] == "site.toml"
        assert "failed with code 3" in problem["text"]
        assert "pages/about.txt:1: no good" in problem["text"]
        preview.write("pages/about.txt", "Mended")
        assert "Mended" in preview.get("/about")[1]
        assert next(heard)["problems"] == []
        # A secret in the output is refused, as publish would.
        preview.write("build.py", BUILD + '(public / "id_rsa").write_text("x")\n')
        assert "Mended" in preview.get("/about")[1]
        assert preview.get("/id_rsa")[0] == 404
        assert "id_rsa" in next(heard)["problems"][0]["text"]  # type: ignore[index]


def test_a_site_that_fails_at_first_is_shown_once_it_is_mended(site: Path) -> None:
    (site / "pages/index.txt").write_text("FAIL")
    with shown(site) as preview:
        assert preview.get("/")[0] == 404
        preview.write("pages/index.txt", "Here")
        assert "Here" in preview.get("/")[1]


def test_what_the_command_writes_itself_does_not_start_it_for_ever(site: Path) -> None:
    (site / ".gitignore").write_text("/public/\n")
    with shown(site) as preview:
        count = settled(site)
        assert count <= 4
        assert any("changes runs: it should be in .gitignore" in line for line in preview.said)
        preview.write("pages/about.txt", "Once")
        assert "Once" in preview.get("/about")[1]
        assert settled(site) == count + 1
        preview.write("pages/about.txt", "Once")  # the same again
        assert "Once" in preview.get("/about")[1]
        assert settled(site) == count + 1
        (site / "runs").write_text("y")  # but by hand it counts
        preview.get("/")
        assert settled(site) > 1


def test_the_files_that_git_ignores_and_those_of_submodules(site: Path) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    git += ["-c", "protocol.file.allow=always"]
    theme = site.parent / "theme"
    theme.mkdir()
    (theme / "x.txt").write_text("Of the theme")
    for folder, words in (
        (theme, ["init", "-q"]),
        (theme, ["add", "-A"]),
        (theme, ["commit", "-qm", "x"]),
        (site, ["init", "-q"]),
        (site, ["submodule", "--quiet", "add", str(theme), "more"]),
        (site, ["add", "-A"]),
        (site, ["commit", "-qm", "x"]),
    ):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True, timeout=60)
    with (site / ".gitignore").open("a") as file:
        file.write("/ignored/\n")
    (site / "ignored").mkdir()
    with shown(site) as preview:
        assert "Of the theme" in preview.get("/x")[1]
        preview.write("more/x.txt", "Edited")
        assert "Edited" in preview.get("/x")[1]
        count = settled(site)
        assert count == 2
        preview.write("ignored/y.txt", "y")
        preview.get("/")
        assert settled(site) == count


def test_a_command_runs_where_it_is_allowed_and_no_other_does(site: Path) -> None:
    refused = ended(site)
    assert refused.returncode == 2
    assert "--allow-command" in refused.stderr
    assert not (site / "public").exists()
    with shown(site) as preview:
        settings = (site / "site.toml").read_text()
        heard = preview.events("about.html")
        next(heard)
        preview.write("site.toml", settings.replace('"build.py"', "\"-c\", \"open('evil', 'w')\""))
        assert "About" in preview.get("/about")[1]
        assert "nobody has allowed that yet" in next(heard)["problems"][0]["text"]  # type: ignore[index]
        assert not (site / "evil").exists()
        preview.write("site.toml", settings)
        assert "About" in preview.get("/about")[1]
        assert next(heard)["problems"] == []
    with running(site) as preview:  # once said, it is not asked again
        assert "About" in preview.get("/about")[1]


def test_options_that_the_command_would_not_heed_are_refused(site: Path) -> None:
    done = ended(site, "--allow-command", "--drafts")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--drafts and --future are for sites that ssg builds" in done.stderr


def test_who_else_may_read_it_is_told_and_bounded(site: Path) -> None:
    """As of any preview: a port that was forwarded has another number, and a page of the web another name."""
    with shown(site, "--host", "0.0.0.0") as preview:
        assert any("everybody who reaches this machine" in line for line in preview.said)
        for host, status in (("localhost:1", 200), ("192.0.2.1:4000", 200), ("evil.example", 403)):
            assert preview.get("/about", Host=host)[0] == status
            assert preview.get("/_sealpress/client.js", Host=host)[0] == status


def test_what_can_t_be_copied_is_told_like_any_fault(site: Path) -> None:
    request = BuildRequest(sitefile.load(site / "site.toml"), site / "public", dirty=True)
    command = request.site.settings.build.command
    with Generated.opened(request, command, lambda _: None, lambda: False) as maker:
        maker.turn()
        (maker.folder / "new").mkdir()  # in the way
        (site / "pages/about.txt").write_text("Edited")
        turn = maker.turn()
        assert turn
        assert "about.html can't be copied" in str(turn.problems[0])
        assert b"About" in (maker.snapshot.read("about.html") or b"")
        (maker.folder / "new").rmdir()
        (site / "pages/about.txt").write_text("Edited again")
        maker.turn()
        assert not maker.problems
        assert b"Edited again" in (maker.snapshot.read("about.html") or b"")


def test_ctrl_c_ends_a_command_with_all_that_it_started(site: Path) -> None:
    with shown(site) as preview:
        preview.write("pages/about.txt", "SLEEP")
        until = time.monotonic() + 30
        while not (site / "asleep").exists() or not (site / "asleep").read_text():
            assert time.monotonic() < until
            time.sleep(0.02)
        child = int((site / "asleep").read_text())
        os.kill(child, 0)
        began = time.monotonic()
        preview.process.send_signal(signal.SIGINT)
        assert preview.process.wait(30) == 0
        assert time.monotonic() - began < 5
        until = time.monotonic() + 5
        while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert not any("Traceback" in line for line in preview.said)
