"""A build that is killed, interrupted, or runs beside another one spoils nothing: neither tree nor store."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from sealpress.files import home
from tests.ssg.blogs import Blog, files, told

pytestmark = pytest.mark.long

PAGES = 14

# A build in a process of its own: in many processes however small the site is.
BUILD = """\
import datetime, sys
from pathlib import Path
from sealpress.config import sitefile
from sealpress.commands.command import run
from sealpress.commands.console import Console
from sealpress.processes import workers as crew
from ssg.build.inputs import Request; from ssg.build.build import build
import click
crew.ALONE = 2

@click.command()
@click.argument("folders", nargs=3)
def command(folders):
    root, output, store = map(Path, folders)
    site = sitefile.load(root / "site.toml", "site.toml")
    build(Request(site, output, in_git=False, store=store, workers=2), Console.standard())

run(command)
"""


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    for number in range(PAGES):
        blog.page(f"posts/p{number}.md", f"It's {number}.\n\n```python\nprint({number})\n```")
    return blog


def start(blog: Blog, output: Path | None = None) -> "subprocess.Popen[bytes]":
    """A build, at work in a group of processes of its own."""
    command = [sys.executable, "-c", BUILD, str(blog.root), str(output or blog.output), str(blog.store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


@contextmanager
def at_work(blog: Blog, output: Path | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """A build that doesn't outlive the test."""
    process = start(blog, output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def group_is_gone(group: int, seconds: float = 10) -> bool:
    """Whether all processes of a group end, within a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def scaffolds(inside: str) -> Iterator[Path]:
    """What lies in the scaffolds of builds that are at work now."""
    return home.state_folder().glob(f"outputs/*/.sealpress-*/{inside}")


def edit(blog: Blog, number: int) -> None:
    """One edit of a sequence: some change one page, some every page, some the files that there are."""
    name = f"posts/p{number % PAGES}.md"
    match number % 5:
        case 0:
            blog.page(name, f"Edited {number}.")
        case 1:
            blog.set("site", "title", f"Title {number}")
        case 2:
            blog.page(name, f"Edited {number}.", title=f"T{number}", slug=f"s{number}", tags="[red, tan]")
        case 3:
            blog.write("templates/404.html", f"<p>{number}</p>")
            blog.write(f"static/f{number}.txt", "x")
        case _:
            (blog.root / "content" / name).unlink(missing_ok=True)
            blog.page(f"posts/p{number % PAGES}.md", f"Back {number}.")


def expect_right(blog: Blog) -> None:
    """A build now gives the clean tree, with nothing beside it."""
    clean = told(blog.clean())
    assert not isinstance(clean, list)
    assert told(blog.built()) == clean
    assert files(blog.output) == files(blog.folder / "clean")
    assert not [path for path in blog.folder.rglob("*") if ".sealpress-" in path.name]
    assert not list(home.state_folder().glob("outputs/*/.sealpress-*"))
    assert not list(blog.store.rglob("*.tmp*"))


def test_a_build_that_is_killed_at_any_moment_leaves_whole_files(blog: Blog) -> None:
    """The next one takes none of them for somebody else's, and leaves what is."""
    with at_work(blog) as process:
        began = time.monotonic()
        assert process.wait(60) == 0
        usual = time.monotonic() - began
    for number in range(int(os.environ.get("SEALPRESS_HUNT", "0")) or 6):
        edit(blog, number)
        old = files(blog.output)
        with at_work(blog) as process:
            # Half of the time goes into starting Python: fewer are killed then than later.
            time.sleep(usual * (0.3 + 0.8 * (number * 0.618 % 1)))
            process.kill()
            process.wait(60)
            assert group_is_gone(process.pid)
        expect_whole(blog, old)


def expect_whole(blog: Blog, old: dict[str, bytes | str]) -> None:
    """What a killed build left is of the old tree or of the new one; and the next build is right."""
    left = files(blog.output)
    new = files(blog.folder / "clean") if blog.clean() else {}
    for path, data in left.items():
        assert data in (old.get(path), new.get(path)), path
    (blog.output / "letters").write_text("years of work")
    stopped = told(blog.built())
    assert "no build wrote letters" in str(stopped), stopped
    assert files(blog.output) == left | {"letters": b"years of work"}
    (blog.output / "letters").unlink()
    expect_right(blog)


PLACING = """\
import os, sys
left, placing = int(sys.argv.pop()), False
for name in ("unlink", "rmdir", "mkdir", "replace", "rename", "fsync", "write"):
    def killing(*given, call=getattr(os, name), **named):
        global left, placing
        placing = placing or call.__name__ == "fsync"  # of the record, before anything is put in place
        left -= placing
        if not left:
            os.kill(os.getpid(), 9)
        return call(*given, **named)
    setattr(os, name, killing)
"""


@pytest.mark.timeout(0 if "SEALPRESS_HUNT" in os.environ else 300)
def test_a_build_that_is_killed_between_any_two_changes_of_the_folder_leaves_whole_files(blog: Blog) -> None:
    """Before its first change, its second, and so on to its last; SEALPRESS_HUNT=1 leaves none out."""
    blog.built()
    blog.write("static/folder", "a file")
    blog.built()
    moment = 0
    returncode = -signal.SIGKILL
    while returncode:
        assert returncode == -signal.SIGKILL
        (blog.root / "static/folder").unlink()
        blog.write("static/folder/file", f"of {moment}")
        blog.write(f"static/f{moment}.txt", "x")
        (blog.root / f"static/f{moment - 5}.txt").unlink(missing_ok=True)
        blog.set("site", "title", f"Title {moment}")
        old = files(blog.output)
        moment += 1 if "SEALPRESS_HUNT" in os.environ else 11
        command = [sys.executable, "-c", PLACING + BUILD.replace("workers=2", "workers=1")]
        folders = [str(blog.root), str(blog.output), str(blog.store)]
        returncode = subprocess.run(
            [*command, *folders, str(moment)], check=False, timeout=60, capture_output=True
        ).returncode
        expect_whole(blog, old)
        shutil.rmtree(blog.root / "static/folder")
        blog.write("static/folder", "a file")
        blog.built()
    assert moment > 30


def test_a_build_that_is_interrupted_leaves_the_old_tree_and_no_process(blog: Blog) -> None:
    """Ctrl-C goes to the whole group, the workers among it."""
    for number in range(200):  # so many that it is not done before it is interrupted
        blog.page(f"posts/q{number}.md", f"It's {number}.\n\n```python\nprint({number})\n```")
    blog.built()
    for number in range(4):
        blog.set("site", "title", f"Title {number}")
        shutil.rmtree(blog.store)
        before = files(blog.output)
        with at_work(blog) as process:
            wait_for(lambda: any(scaffolds("new/*")) or any(blog.store.glob("??")))
            time.sleep(0.02 * number)
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=60)[1].decode()
            assert (process.returncode, files(blog.output) == before) == (130, True), said
            assert "Traceback" not in said
            assert group_is_gone(process.pid)
    expect_right(blog)


def test_an_interrupted_first_build_leaves_no_folder(blog: Blog) -> None:
    output = blog.folder / "new" / "deep"
    with at_work(blog, output) as process:
        wait_for(lambda: any(blog.store.glob("??")))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert group_is_gone(process.pid)
    assert not (blog.folder / "new").exists()


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.002)


def test_two_builds_into_one_folder_wait_for_each_other(blog: Blog) -> None:
    """With an edit in between: the second sees it, and the first one's files are no hindrance."""
    waited = 0
    for number in range(4):
        edit(blog, number)
        with at_work(blog) as first, at_work(blog) as second:
            time.sleep(0.05 * number)
            edit(blog, number + 10)
            said = [process.communicate(timeout=60)[1].decode() for process in (first, second)]
            waited += sum("another build is at work" in text for text in said)
            assert (first.returncode, second.returncode) == (0, 0), said
        expect_right(blog)
    assert waited


def test_a_build_that_began_while_another_was_at_work_looks_anew_at_what_that_one_left(blog: Blog) -> None:
    """It has looked at the folder before it waited, and the files are others since."""
    blog.built()
    edit(blog, 0)
    with at_work(blog) as first:
        wait_for(lambda: any(scaffolds("new")))
        first.send_signal(signal.SIGSTOP)
        edit(blog, 10)
        with at_work(blog) as second:
            wait_for(partial(is_waiting, second))
            first.send_signal(signal.SIGCONT)
            said = [process.communicate(timeout=60)[1].decode() for process in (first, second)]
            assert (first.returncode, second.returncode) == (0, 0), said
    expect_right(blog)


def test_two_builds_share_one_store(blog: Blog) -> None:
    other = blog.folder / "other"
    for number in range(3):
        edit(blog, number)
        with at_work(blog) as first, at_work(blog, other) as second:
            assert (first.wait(60), second.wait(60)) == (0, 0)
        assert files(blog.output) == files(other)
        expect_right(blog)


def test_a_waiting_build_outlives_a_first_one_that_fails(blog: Blog) -> None:
    """The one that fails takes its new folder away, and with it the lock that the other waits for."""
    blog.write("templates/404.html", "{{ nope }}")
    with at_work(blog) as first:
        wait_for(lambda: any(scaffolds("new")))
        first.send_signal(signal.SIGSTOP)
        with at_work(blog) as second:
            wait_for(partial(is_waiting, second))
            first.send_signal(signal.SIGCONT)
            said = [process.communicate(timeout=60)[1].decode() for process in (first, second)]
            # The second finds the same fault, and no fault with the folder.
            assert [process.returncode for process in (first, second)] == [3, 3], said
            assert all('nothing is called "nope" here' in text for text in said)
    assert not blog.output.exists()
    blog.write("templates/404.html", "fine")
    expect_right(blog)


def is_waiting(process: "subprocess.Popen[bytes]") -> bool:
    """Whether it is blocked on a lock, as Linux tells."""
    return any("->" in line and f" {process.pid} " in line for line in Path("/proc/locks").read_text().splitlines())
