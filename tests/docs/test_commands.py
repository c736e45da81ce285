"""What the pages say to type is typed here: in a page's order, in a fresh folder, with the files that it shows."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

from imagebake.cli import imagebake
from imagebake.fetch import cache
from publish.cli import publish
from ssg.cli import ssg
from tests.docs.pages import MARKER, Block, Command, blocks, comments, name, pages, twin
from tests.mirrors import require_mirror
from tests.ports import free_port

pytestmark = pytest.mark.long

ENGLISH = pages("en")
COMMANDS: dict[str, click.Command] = {"ssg": ssg, "imagebake": imagebake, "publish": publish}
SECONDS = 100
PORTS = ("8080", "8081")  # on the pages; free ones take their places
HOST = "blog.example.org"  # gives a site its name on a host, which each test must have for itself


class Shell:
    """Runs a page's commands in one folder; `cd` lasts."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.top = folder / "work"
        self.folder = self.top
        self.where = folder / "where"
        self.ports = [free_port() for _ in PORTS]
        self.port = self.ports[0]
        self.previews: subprocess.Popen[str] | None = None
        home = folder / "home"
        home.mkdir()
        self.top.mkdir()
        (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n", encoding="utf-8")
        kept = ("SEALPRESS_MIRROR", "SEALPRESS_SECURITY_MIRROR", "SEALPRESS_SNAPSHOT_MIRROR", "TMPDIR")
        self.environment = {
            **{variable: os.environ[variable] for variable in kept if variable in os.environ},
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            # Packages that were fetched once need not be fetched again.
            "SEALPRESS_CACHE": str(cache.folder()),
            "SEALPRESS_STATE": str(state),
        }

    def write(self, block: Block) -> None:
        file = self.folder / block.title
        assert file.resolve().is_relative_to(self.top.resolve()), f"{block.title} leads out of the page's folder"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = self.here(block.text)
        if block.title == "site.toml":
            # The one thing that tests do otherwise: Docker, where it is, is left alone.
            text = text.replace('host = "local"\n', 'host = "local"\nengine = "embedded"\n')
        file.write_text(text, encoding="utf-8")

    def here(self, text: str) -> str:
        for shown, free in zip(PORTS, self.ports, strict=True):
            text = text.replace(shown, str(free))
        return text.replace(HOST, f"blog{self.port}.example.org")

    def preview(self, command: str) -> tuple[int, str]:
        """Starts one in the place of the last, as in a terminal of its own; what it says until it serves."""
        self.end_preview()
        self.previews = subprocess.Popen(
            ["bash", "-c", f"exec {self.here(command)} 2>&1"],
            cwd=self.folder,
            env=self.environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = ""
        assert self.previews.stdout
        for line in self.previews.stdout:
            said += line
            if line.startswith("Preview: "):
                return 0, said
        return self.previews.wait(SECONDS), said

    def end_preview(self) -> None:
        """By Ctrl-C."""
        if self.previews:
            process, self.previews = self.previews, None
            process.send_signal(signal.SIGINT)
            try:
                said = process.communicate(timeout=SECONDS)[0]
            finally:
                process.kill()
            assert process.returncode == 0, said

    def run(self, command: str, seconds: float = SECONDS) -> tuple[int, str]:
        """The exit code, and both streams as one text."""
        if command.startswith("ssg preview"):
            return self.preview(command)
        script = f'{self.here(command)}\ncode=$?\npwd > "$1"\nexit $code\n'
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{script}", "bash", str(self.where)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
        self.folder = Path(self.where.read_text("utf-8").strip())
        return done.returncode, done.stdout.decode("utf-8", "replace")


def run_page(page: Path, folder: Path) -> int:
    """Runs a page's commands. Gives how many were run."""
    count = 0
    with shell_in(folder) as shell:
        for block in blocks(page):
            if block.title:
                shell.write(block)
            if block.language != "console" or block.reason:
                continue
            for number, command in enumerate(block.commands, 1):
                expected = block.code if number == len(block.commands) else 0
                code, output = shell.run(command.text)
                where = f"{name(page)}:{command.line}: $ {command.text}\n{output}"
                assert code == expected, f"{where}\nended with {code}, not {expected}"
                _compare(command, shell, output, where)
                count += 1
    return count


@contextmanager
def shell_in(folder: Path) -> Iterator[Shell]:
    """A shell whose sites are stopped at the end. Their folder is open: as root, nginx becomes another user."""
    with tempfile.TemporaryDirectory(prefix="sealpress-docs-") as state:
        Path(state).chmod(0o755)
        shell = Shell(folder, Path(state))
        try:
            yield shell
        finally:
            shell.end_preview()
            for lock in shell.top.rglob("imagebake.lock"):
                shell.folder = lock.parent
                shell.run("publish stop --quiet || true")


def _compare(command: Command, shell: Shell, output: str, where: str) -> None:
    """What the page shows must come, in that order; "…" stands for anything.

    Our own commands may tell more of the way than a page shows. What other commands print must be shown whole.
    """
    wanted = [shell.here(line) for line in command.output if line.strip()]
    printed = [line.rstrip() for line in output.splitlines() if line.strip()]
    if wanted and not _ours(command.text):
        assert len(wanted) == len(printed), f"{where}\nthe page shows {len(wanted)} lines of {len(printed)}"
    rest = iter(printed)
    for line in wanted:
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("…")))
        assert any(pattern.fullmatch(one) for one in rest), f"{where}\nthe page shows: {line}"


def _ours(command: str) -> list[list[str]]:
    """The arguments of every call of our commands in a line of shell."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("|&;()<>"):
            calls.append([])
        elif calls[-1] or not re.fullmatch(r"[A-Z_]+=.*", word):
            calls[-1].append(word)
    return [call for call in calls if call and call[0] in COMMANDS]


def _runs(page: Path) -> list[Block]:
    """The blocks that are run: none of a page that shows, to the letter, what its English twin does."""
    if page not in ENGLISH and shown(page) == shown(twin(page)):
        return []
    return [block for block in blocks(page) if block.language == "console" and not block.reason]


def shown(page: Path) -> list[tuple[str, str, str, str]]:
    return [(block.language, block.title, block.marker, block.text) for block in blocks(page)]


def _ids(found: list[Path]) -> Any:
    return pytest.mark.parametrize("page", found, ids=name)


@_ids([page for page in pages() if _runs(page) and not any(block.needs_network for block in _runs(page))])
def test_a_page_s_commands_do_what_it_says(page: Path, tmp_path: Path) -> None:
    """Those that need nothing but this machine."""
    assert run_page(page, tmp_path) > 0


@pytest.mark.network
@_ids([page for page in pages() if any(block.needs_network for block in _runs(page))])
def test_a_page_s_commands_do_what_it_says_to_their_end(page: Path, tmp_path: Path) -> None:
    """With packages from a Debian mirror; a site that the page publishes really runs."""
    require_mirror()
    assert run_page(page, tmp_path) > 0


@_ids(pages())
def test_what_is_not_run_has_a_reason_and_is_parsed(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that can't run here still has only options that there are."""
    # Parsed by click as if it were to run; only the last step, the call, is left out.
    monkeypatch.setattr(click.Command, "invoke", lambda *_: None)
    for block in blocks(page):
        if block.language != "console":
            continue
        assert block.commands, f"{name(page)}:{block.line}: a console block without a command"
        if block.reason:
            assert len(block.reason.split()) >= 2, f"{name(page)}:{block.line}: that is no reason"
        for command in block.commands:
            for program, *arguments in _ours(command.text):
                try:
                    COMMANDS[program].main(arguments, prog_name=program, standalone_mode=False)
                except click.BadParameter as error:
                    if "does not exist" not in error.message:  # a file of the example
                        pytest.fail(f"{name(page)}:{command.line}: {error.message}")
                except click.ClickException as error:
                    pytest.fail(f"{name(page)}:{command.line}: $ {command.text}\n{error.message}")


@_ids(pages())
def test_comments_are_markers_that_are_known(page: Path) -> None:
    """A marker with a slip in it would let its block run, or not run, unseen."""
    for comment in comments(page):
        assert comment == "more" or MARKER.fullmatch(comment), f"{name(page)}: <!-- {comment} -->"


def test_a_shown_line_that_does_not_come_is_found(tmp_path: Path) -> None:
    """The comparison itself can fail."""
    shell = Shell(tmp_path, tmp_path / "state")
    with pytest.raises(AssertionError, match="the page shows: there"):
        _compare(Command("ssg --version", ("there",), 1), shell, "here\n", "")
    with pytest.raises(AssertionError, match="1 lines of 2"):
        _compare(Command("ls", ("a",), 1), shell, "a\nb\n", "")
    _compare(Command("ssg build", ("Built … files",), 1), shell, "a note\nBuilt 3 files\n", "")
