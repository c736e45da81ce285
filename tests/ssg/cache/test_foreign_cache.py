"""A cache that came with a repository, or from another machine, puts nothing on a page; one with the user's key may."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sealpress.files import signing
from sealpress.processes import workers as pool
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.cache.store import Store
from tests.ssg.blogs import Blog, files

MINE, THEIRS = "a" * 64, "b" * 64
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    """Small, but taken for one of which it is worth to keep what is rendered."""
    monkeypatch.setattr(pool, "ALONE", 2)
    blog = Blog(tmp_path)
    for number in range(1, 20):
        blog.page(f"posts/p{number}.md", f"The truth {number}.\n\n```python\nprint({number})\n```", date="2026-01-01")
    blog.page("about.md", "The truth about us.")
    return blog


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> "Machine":
    return Machine(monkeypatch)


class Machine:
    """Where one runs: with one key or the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.have(MINE)

    def have(self, key: str) -> None:
        self._monkeypatch.setenv(signing.VARIABLE, key)
        signing._key.cache_clear()


@pytest.fixture(autouse=True)
def forget_keys() -> object:
    yield None
    signing._key.cache_clear()


def built(blog: Blog) -> Built:
    result = blog.built()
    assert isinstance(result, Built)
    return result


def forged(store: Path, key: Machine) -> int:
    """Every result with a lie in it, signed by somebody else."""
    lies = 0
    for file in [file for file in store.rglob("*") if file.is_file() and file.name != ".gitignore"]:
        data = file.read_bytes()
        lies += data.count(b"The truth")
        name = f"ssg result {file.parent.name}{file.name}"
        key.have(THEIRS)
        file.write_bytes(signing.seal(name, data[signing.SIZE :].replace(b"The truth", b"A big lie")))
        key.have(MINE)
    return lies


def test_no_edited_entry_puts_anything_on_a_page(blog: Blog, key: Machine) -> None:
    clean = built(blog)
    expected = files(blog.output)
    assert forged(blog.store, key) > 20
    shutil.rmtree(blog.output)
    again = built(blog)
    assert again.digest == clean.digest
    assert files(blog.output) == expected


def test_no_entry_stands_in_for_another(tmp_path: Path, key: Machine) -> None:
    """Also where both were made and signed by this user."""
    store = Store(tmp_path)
    one, other = f"{1:064}", f"{2:064}"
    store.put(one, b"one")
    store.put(other, b"other")
    shutil.copy(tmp_path / "00" / one[2:], tmp_path / "00" / other[2:])
    assert Store(tmp_path).get(other) is None
    assert Store(tmp_path).get(one) == b"one"


def moved(blog: Blog, to: Path) -> Blog:
    """The same site on another machine, with the cache of this one."""
    there = Blog(to)
    shutil.rmtree(there.root)
    shutil.copytree(blog.root, there.root)
    shutil.copytree(blog.store, there.store)
    return there


def rendered_of(blog: Blog) -> int:
    return sum(not path.startswith("assets/") for path in files(blog.output))


def test_two_machines_with_one_key_share(blog: Blog, key: Machine, tmp_path: Path) -> None:
    """What CI restores is taken, wherever it is checked out."""
    clean = built(blog)
    there = moved(blog, tmp_path / "ci")
    result = built(there)
    assert result.digest == clean.digest
    assert result.kept == rendered_of(there)


def test_two_machines_with_two_keys_do_not(blog: Blog, key: Machine, tmp_path: Path) -> None:
    clean = built(blog)
    there = moved(blog, tmp_path / "ci")
    kept = [file.parent.name + file.name for file in there.store.glob("[0-9a-f][0-9a-f]/*")]
    assert all(Store(there.store).get(name) is not None for name in kept)
    assert len(kept) > 40
    key.have(THEIRS)
    assert not any(Store(there.store).get(name) for name in kept)
    result = built(there)
    assert result.digest == clean.digest
    assert result.kept == 0


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=100)


def test_a_committed_cache_is_told_and_neither_believed_nor_changed(blog: Blog, key: Machine) -> None:
    """Not even one that this user has signed."""
    ssg = (sys.executable, "-P", "-m", "ssg.cli", "build")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        run(blog.root, *GIT, *command)
    first = run(blog.root, *ssg)
    assert "is committed" not in first.stderr
    run(blog.root, *GIT, "add", "--force", ".sealpress/cache")
    run(blog.root, *GIT, "commit", "-qm", "y")
    kept = files(blog.root / ".sealpress")
    blog.body("about.md", "Another truth.")
    run(blog.root, *GIT, "commit", "-qam", "z")
    for _ in range(2):
        done = run(blog.root, *ssg)
        assert done.stderr.count(".sealpress/cache is committed: nothing in it is believed or changed") == 1
        assert "git rm -r --cached .sealpress/cache" in done.stderr
        assert files(blog.root / ".sealpress") == kept
    assert "Another truth" in (blog.root / "public/about/index.html").read_text()
    run(blog.root, *GIT, "rm", "-rq", "--cached", ".sealpress/cache")
    assert "is committed" not in run(blog.root, *ssg).stderr


def test_nor_is_one_that_the_published_commit_has(blog: Blog, key: Machine, tmp_path: Path) -> None:
    blog.write(".sealpress/cache/builds/x.told", "x")
    request = blog.request(blog.output, tmp_path / "home/.sealpress/cache")
    assert isinstance(request, Request)
    assert build(request).made > 20
    assert not (tmp_path / "home").exists()


def test_a_malformed_key_stops_the_build_before_it_begins(blog: Blog, key: Machine) -> None:
    key.have("nonsense")
    assert blog.built() == [
        (
            "SEALPRESS_CACHE_KEY is no key: it must be 64 hexadecimal digits, and has 8 characters",
            None,
            "make one, and keep it secret: openssl rand -hex 32",
            2,
        )
    ]
    assert not blog.output.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_without_a_place_for_a_key_a_build_works_and_leaves_nothing(
    workers: int, blog: Blog, key: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = built(blog)
    shutil.rmtree(blog.output)
    shutil.rmtree(blog.store)
    monkeypatch.setenv("SEALPRESS_STATE", "/dev/null/nowhere")
    key.have("")
    blog.workers = workers
    assert built(blog).digest == clean.digest
    assert not blog.store.exists()
