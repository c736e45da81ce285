"""What a killed run left is gone after the next one; nothing else ever is."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sealpress.files import scratch
from tests import needs

RUN = """\
import sys, time
from contextlib import ExitStack
from pathlib import Path
from sealpress.files import scratch
with ExitStack() as opened:
    folder = opened.enter_context(scratch.folder("commit"))
    (folder / "tree").mkdir()
    (folder / "tree/file").write_text("x")
    (folder / "tree").chmod(0o500)
    beside = opened.enter_context(scratch.beside(Path(sys.argv[1]), "new"))
    (beside / "part").write_text("x")
    print(folder, beside, flush=True)
    if sys.argv[2] == "fork":
        import os
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A temporary and a state folder of the test's own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    scratch.sweep.cache_clear()
    yield
    scratch.sweep.cache_clear()


Start = Callable[[str], tuple["subprocess.Popen[str]", list[Path]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a run that waits, and gives its folders."""
    running: list[subprocess.Popen[str]] = []

    def start(how: str = "") -> tuple[subprocess.Popen[str], list[Path]]:
        command = [sys.executable, "-c", RUN, str(tmp_path / "out/image"), how]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        running.append(process)
        assert process.stdout
        return process, [Path(name) for name in process.stdout.readline().split()]

    yield start
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def kill(process: "subprocess.Popen[str]") -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def sweep() -> None:
    """As the next run does."""
    scratch.sweep.cache_clear()
    scratch.sweep()


def test_after_the_run_nothing_is_left(tmp_path: Path) -> None:
    with scratch.folder("commit") as folder, scratch.beside(tmp_path / "out/image", "new") as beside:
        assert list(folder.iterdir()) == []
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        (beside / "x").write_text("x")
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "tmp").glob("*/*")) == []
    assert list((tmp_path / "state").glob("*/*")) == []


def test_what_a_killed_run_left_is_swept_by_the_next(start: Start, tmp_path: Path) -> None:
    process, folders = start("")
    kill(process)
    assert all(folder.is_dir() for folder in folders)
    sweep()
    assert not any(folder.exists() for folder in folders)
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "tmp").glob("*/*")) == []
    assert list((tmp_path / "state").glob("*/*")) == []


def test_any_command_is_the_next_run(start: Start) -> None:
    process, folders = start("")
    kill(process)
    subprocess.run([sys.executable, "-m", "ssg.cli", "--version"], check=True, timeout=60, capture_output=True)
    assert not any(folder.exists() for folder in folders)


def test_a_run_that_goes_on_keeps_its_folders(start: Start) -> None:
    """Also where the first process was killed and one that it began works on."""
    process, folders = start("")
    forked, more = start("fork")
    time.sleep(0.2)
    kill(forked)
    sweep()
    assert all(folder.is_dir() for folder in [*folders, *more])
    kill(process)
    sweep()
    assert not any(folder.exists() for folder in folders)
    assert all(folder.is_dir() for folder in more)


def test_many_runs_at_once_leave_each_other_alone() -> None:
    """Each makes folders, sweeps, and finds its own whole."""
    work = """\
from sealpress.files import scratch
for _ in range(60):
    scratch.sweep.cache_clear()
    with scratch.folder("commit") as folder:
        (folder / "x").write_text("x")
        scratch.sweep.cache_clear()
        scratch.sweep()
        assert (folder / "x").read_text() == "x"
"""
    processes = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(4)]
    assert [process.wait(100) for process in processes] == [0] * 4


def test_nothing_that_was_not_made_by_us_is_touched(start: Start, tmp_path: Path) -> None:
    """Folders of the same names, in the same places, and links to others."""
    process, (inside, beside) = start("")
    kill(process)
    own = inside.parents[1]
    theirs = [
        tmp_path / "tmp/sealpress-commit-abcdefgh",
        tmp_path / "tmp/imagebake-wheel-abcdefgh",
        own / "commit-abcdefgh",
        tmp_path / "out/.image-new-abcdefgh",
    ]
    for folder in theirs:
        folder.mkdir()
        (folder / "letter").write_text("years of work")
    (own / "link-abcdefgh").symlink_to(theirs[0])
    (theirs[0] / "in-use").write_text("")
    (inside / "link").symlink_to(theirs[0])
    # Somebody's folder, where ours was.
    beside.rename(tmp_path / "moved")
    beside.mkdir()
    (beside / "letter").write_text("years of work")
    sweep()
    assert not inside.exists()
    for folder in [*theirs, beside]:
        assert (folder / "letter").read_text() == "years of work"


@needs.root
@pytest.mark.parametrize("place", ["another user's", "open", "a link", "a file"])
def test_a_place_that_another_user_prepared_is_not_used(place: str, tmp_path: Path) -> None:
    base = tmp_path / "tmp" / f"sealpress-{os.getuid()}"
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "commit-abcdefgh").mkdir()
    (trap / "commit-abcdefgh" / "in-use").write_text("")
    match place:
        case "a link":
            base.symlink_to(trap)
        case "a file":
            base.write_text("")
        case _:
            trap.rename(base)
            base.chmod(0o777 if place == "open" else 0o700)
            os.chown(base, 65534 if place != "open" else 0, 65534)
    before = sorted(tmp_path.rglob("*"))
    with scratch.folder("commit") as folder:
        assert not folder.resolve().is_relative_to(base.resolve())
        (folder / "x").write_text("x")
    assert not folder.exists()
    assert [path for path in sorted(tmp_path.rglob("*")) if "state" not in path.parts] == before


def test_an_older_output_is_put_back_where_a_killed_run_left_none(tmp_path: Path) -> None:
    run = """\
import os, sys
from pathlib import Path
from sealpress.files import scratch
image = Path(sys.argv[1])
image.mkdir()
(image / "old").write_text("x")
with scratch.beside(image, "old", back=True) as gone:
    image.replace(gone / "image")
    os.kill(os.getpid(), 9)
"""
    image = tmp_path / "out/image"
    subprocess.run([sys.executable, "-c", run, str(image)], check=False, timeout=60)
    assert not image.exists()
    sweep()
    assert (image / "old").read_text() == "x"
    assert list((tmp_path / "out").iterdir()) == [image]


def test_without_a_home_folders_are_made_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPRESS_STATE", "/dev/null/nowhere")
    with scratch.beside(tmp_path / "out/image", "new") as beside:
        assert beside.is_dir()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "place", ["", "{", "[]", '{"path": "00", "seen": []}', '{"path": "zz", "seen": [1, 2], "name": "61"}']
)
def test_a_half_written_record_stops_nobody(place: str, start: Start, tmp_path: Path) -> None:
    process, _ = start("")
    kill(process)
    (record,) = (tmp_path / "state/unfinished").iterdir()
    (record / "place").write_text(place)
    sweep()
    assert not record.exists()


def test_without_a_temporary_folder_there_is_a_message(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    run = """\
import tempfile
from sealpress.files import scratch
tempfile.tempdir = "/proc/nowhere"
scratch.folder("x").__enter__()
"""
    done = subprocess.run(
        [sys.executable, "-c", run], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Problem: no temporary folder can be made" in done.stderr


def test_folders_for_a_while_are_made_in_one_place() -> None:
    """Else those of a killed run stay for ever. ssh's may lie in the runtime folder, which goes with the session."""
    root = Path(scratch.__file__).parents[2]
    modules = [
        file for package in ("sealpress", "ssg", "imagebake", "publish") for file in (root / package).rglob("*.py")
    ]
    making = {
        file.relative_to(root).as_posix()
        for file in modules
        if "mkdtemp(" in file.read_text() or "TemporaryDirectory(" in file.read_text()
    }
    assert making == {"sealpress/files/scratch.py", "publish/ssh/connection.py"}


@pytest.mark.parametrize(
    "named",
    [
        {"TMPDIR": "a"},
        {"TMPDIR": "", "TEMP": "a"},
        {"TMPDIR": "none", "TEMP": "file", "TMP": "b"},
        {"TMPDIR": "file", "TEMP": "b", "TMP": "a"},
        {"TMP": "b"},
    ],
)
def test_the_next_run_sweeps_where_tempfile_makes_folders_and_loads_it_not(
    tmp_path: Path, named: dict[str, str]
) -> None:
    """Each command looks for leftovers, --help too: it has to follow tempfile's rules without its import."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "file").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in {"TMPDIR", "TEMP", "TMP"}}
    environment |= {name: value and str(tmp_path / value) for name, value in named.items()}
    killed = "import os; from sealpress.files import scratch\nwith scratch.folder('x') as made:\n"
    killed += " print(made, flush=True)\n os._exit(9)"
    made = subprocess.run([sys.executable, "-c", killed], env=environment, capture_output=True, text=True, check=False)
    left = Path(made.stdout.strip()).parent
    assert left.is_relative_to(tmp_path)
    assert left.is_dir()
    code = "import sys; import ssg.cli\nfrom sealpress.files import scratch\nscratch.sweep()\n"
    code += 'print(*sorted({"tempfile", "random", "secrets", "ssl", "hashlib"} & sys.modules.keys()))'
    swept = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not left.exists()
    assert swept.stdout.strip() == ""


def test_a_file_beside_which_nothing_may_stay_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """Killed within a piece: what a run has left goes with the next, and until then the older file stands."""
    file = tmp_path / "out/site.lock"
    file.write_text("older")
    work = """\
import sys, time
from pathlib import Path
from sealpress.files import scratch
def pieces():
    yield b"new"
    print("begun", flush=True)
    time.sleep(60)
scratch.save(Path(sys.argv[1]), pieces())
"""
    process = subprocess.Popen([sys.executable, "-c", work, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    kill(process)
    process.stdout.close()
    assert (len(list(file.parent.iterdir())), file.read_text()) == (2, "older")
    sweep()
    assert [one.name for one in file.parent.iterdir()] == ["site.lock"]
    told: list[int] = []
    scratch.save(file, [b"ne", b"w"], told.append)
    assert (file.read_text(), file.stat().st_mode & 0o777, told) == ("new", 0o644, [2, 1])
    assert [one.name for one in file.parent.iterdir()] == ["site.lock"]


def test_a_file_whose_folder_is_not_there_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scratch.save(tmp_path / "no folder/file", [b""])
    assert not (tmp_path / "no folder").exists()
