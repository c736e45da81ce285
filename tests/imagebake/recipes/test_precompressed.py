"""Compressed siblings: which files get one, that they hold the file's bytes, and that no machine shows in them."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image.entries import CHUNK, File, sha256_of
from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.recipes import precompressed, site
from sealpress.problems import Problem
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree
from tests.imagebake.conftest import CREATED, HERE, SETTINGS, write_tree

TEXT = b"<p>the same again, and again</p>\n" * 100


@pytest.fixture(autouse=True)
def own_cache(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if "site_lock" not in request.fixturenames:  # real packages are fetched once
        monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def noise(size: int) -> bytes:
    """Bytes in which there is nothing to save."""
    blocks = (hashlib.sha256(str(number).encode()).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def scanned(folder: Path, files: dict[str, bytes]) -> OutputTree:
    return tree.scan(write_tree(folder / "tree", files))


def made(found: OutputTree) -> dict[str, File]:
    wanted = precompressed.candidates(found)
    entries = [entry for entry in found.entries if entry.path in wanted]
    return {one.path: one for one in precompressed.of(found, entries)}


def content(file: File) -> bytes:
    return b"".join(file.content.chunks())


def test_a_sibling_holds_its_files_bytes(tmp_path: Path) -> None:
    (one,) = made(scanned(tmp_path, {"a/index.html": TEXT})).values()
    assert (one.path, one.mode) == ("a/index.html.br", 0o644)
    assert brotli.decompress(content(one)) == TEXT
    assert one.content.size == len(content(one)) < len(TEXT)
    assert one.content.sha256 == sha256_of(one.content)  # type: ignore[union-attr]


def test_only_what_has_something_to_gain_gets_one(tmp_path: Path) -> None:
    found = made(
        scanned(
            tmp_path,
            {
                "page.html": TEXT,
                "feed.xml": TEXT,
                "data.json": TEXT,
                "icon.svg": TEXT,
                "code.wasm": TEXT,
                "app.webmanifest": TEXT,
                "small.html": TEXT[: precompressed.SMALLEST - 1],
                "large-enough.html": TEXT[: precompressed.SMALLEST],
                "noise.txt": noise(5000),
                "photo.jpg": TEXT,
                "font.woff2": TEXT,
                "unknown": TEXT,
            },
        )
    )
    pages = ("page.html", "feed.xml", "data.json", "icon.svg", "code.wasm", "app.webmanifest", "large-enough.html")
    assert found.keys() == {f"{path}.br" for path in pages}


def test_a_trees_own_sibling_stays(tmp_path: Path) -> None:
    files = {"own.html": TEXT, "own.html.br": b"own", "Case.html": TEXT, "case.html.BR": b"own", "f.html": TEXT}
    assert made(scanned(tmp_path, {**files, "f.html.br/x.br": b"a folder of that name"})).keys() == set()


def test_a_name_that_would_grow_too_long_gets_none(tmp_path: Path) -> None:
    fits, long = "a" * 247 + ".html", "b" * 248 + ".html"
    assert made(scanned(tmp_path, {fits: TEXT, long: TEXT})).keys() == {f"{fits}.br"}


def test_a_second_time_nothing_is_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = scanned(tmp_path, {f"{number}.html": TEXT + b"%d" % number for number in range(20)})
    first = {path: content(file) for path, file in made(found).items()}
    monkeypatch.delattr(brotli, "Compressor")
    assert {path: content(file) for path, file in made(found).items()} == first


def test_a_damaged_result_is_made_again(tmp_path: Path, own_cache: Path) -> None:
    found = scanned(tmp_path, {"a.html": TEXT})
    (good,) = map(content, made(found).values())
    (blob,) = (file for file in own_cache.rglob("*") if file.is_file())
    for damaged in (b"", b"short", blob.read_bytes()[:-1], b"\0" + blob.read_bytes()[1:], blob.read_bytes() + b"x"):
        blob.write_bytes(damaged)
        (again,) = map(content, made(found).values())
        assert again == good


@pytest.mark.parametrize("large", [False, True])
def test_without_a_cache_it_takes_longer_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "file"))
    data = TEXT * 400 if large else TEXT
    assert (len(data) > CHUNK) is large
    (one,) = made(scanned(tmp_path, {"a.html": data})).values()
    assert brotli.decompress(content(one)) == data
    assert one.content.sha256 == sha256_of(one.content)  # type: ignore[union-attr]


def test_a_cache_that_goes_away_in_between_is_not_missed(tmp_path: Path, own_cache: Path) -> None:
    (one,) = made(scanned(tmp_path, {"a.html": TEXT})).values()
    for file in own_cache.rglob("*"):
        if file.is_file():
            file.unlink()
    assert brotli.decompress(content(one)) == TEXT


@pytest.mark.parametrize("edit", [b"<p>other</p>\n" * 90, None])
def test_a_file_that_is_not_what_the_tree_says_is_refused(tmp_path: Path, own_cache: Path, edit: bytes | None) -> None:
    found = scanned(tmp_path, {"a.html": TEXT})
    if edit is None:
        found.file(found.entries[0]).unlink()
    else:
        found.file(found.entries[0]).write_bytes(edit)
    with pytest.raises(Problem, match=r'"a\.html" changed while it was read|can\'t read "a\.html"'):
        made(found)
    assert not [file for file in own_cache.rglob("*") if file.is_file()], "nothing wrong is kept"


@given(st.binary(max_size=3000))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    found = scanned(folder, {"a.html": data * 3})
    for one in made(found).values():
        assert brotli.decompress(content(one)) == data * 3
        assert one.content.size <= len(data * 3) * precompressed.WORTH


def test_memory_stays_bounded_for_a_large_file(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/big.json").open("wb") as file:
        block = noise(1 << 19) + bytes(1 << 19)
        for number in range(96):
            file.write(b"%d" % number + block)
    code = (
        "import sys; from imagebake.recipes import precompressed; from sealpress.tree import tree\n"
        "from pathlib import Path\n"
        "peak = lambda: int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
        "t = tree.scan(Path(sys.argv[1])); before = peak()\n"
        "assert precompressed.of(t, t.entries); print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "tree")], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) < 20_000, "kB, for a file of 96 MB"


@pytest.mark.network
def test_a_sibling_stands_in_the_layer_of_its_file(site_lock: Lock, tmp_path: Path) -> None:
    """An edit then changes no more layers than without siblings, and no sibling is ever older than its file."""
    files = {f"posts/{number}/index.html": TEXT + b"%d" % number for number in range(100)}
    (baked,) = site.bake(scanned(tmp_path, files), site_lock, SETTINGS, [HERE], CREATED, name="example")
    layers = [{entry.path for entry in layer.entries()} for layer in baked.layers]
    for path in files:
        (holds,) = (paths for paths in layers if f"srv/www/{path}" in paths)
        assert f"srv/www/{path}.br" in holds
    runners.unpack(baked.layers, tmp_path / "rootfs")
    for path, data in files.items():
        packed = tmp_path / "rootfs/srv/www" / f"{path}.br"
        assert brotli.decompress(packed.read_bytes()) == data
        assert packed.stat().st_mtime == int(hashlib.sha256(packed.read_bytes()).hexdigest()[:8], 16) // 2


def test_the_pinned_encoder_is_the_one_that_runs() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"brotli=={brotli.__version__}" in project["dependencies"]
