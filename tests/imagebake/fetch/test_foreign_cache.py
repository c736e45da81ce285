"""A cache folder that came from elsewhere changes no byte of an image: only what this user has signed is believed."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.packages import lock as locks
from imagebake.recipes import precompressed
from imagebake.recipes.site import bake
from imagebake.registry import compression
from imagebake.registry.compression import Compressed
from sealpress.config.settings import ImageSettings
from sealpress.files import signing
from sealpress.tree import tree
from tests.imagebake.seal.conftest import keys, packages  # noqa: F401 - a cache with tiny packages

MINE, THEIRS = "a" * 64, "b" * 64
CREATED = datetime(2026, 6, 1, tzinfo=UTC)
FETCHED = ("packages", "imagebake.lock", "indexes")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    have(monkeypatch, MINE)
    yield monkeypatch
    signing._key.cache_clear()


def have(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(signing.VARIABLE, key)
    signing._key.cache_clear()


@pytest.fixture
def site(packages: Path, tmp_path: Path, key: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """A folder with a site and a cache."""
    shutil.copytree(packages, tmp_path / "cache")
    key.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "site").mkdir()
    words = " ".join(f"word{number % 97}" for number in range(4000))
    for name in ("index", "about", "third"):
        text = f"<!doctype html><title>{name}</title><p>{words}<script>let {name}</script>"
        (tmp_path / "site" / f"{name}.html").write_text(text)
    (tmp_path / "site/large.txt").write_text("a large file\n" * 100_000)
    return tmp_path


def baked(site: Path) -> tuple[str, ...]:
    lock = locks.load(site / "cache/imagebake.lock")
    (image,) = bake(tree.scan(site / "site"), lock, ImageSettings(), ["amd64"], CREATED, name="x")
    return (image.digest, *(layer.diff_id for layer in image.sealed.layers))


def own(site: Path) -> list[Path]:
    """What was worked out here."""
    top = site / "cache"
    return sorted(file for file in top.rglob("*") if file.is_file() and file.relative_to(top).parts[0] not in FETCHED)


def test_every_kind_of_what_is_kept_is_signed(site: Path, key: pytest.MonkeyPatch) -> None:
    """Made by somebody else with other answers, or with a byte changed, it is made anew: the image is the same."""
    expected = baked(site)
    kinds = {file.relative_to(site / "cache").parts[0] for file in own(site)}
    assert kinds == {"layers", "siblings", "policies", "inventory"}
    assert baked(site) == expected
    mine = {file: file.read_bytes() for file in own(site)}
    have(key, THEIRS)
    key.setattr(precompressed.brotli, "Compressor", Other)
    shutil.rmtree(site / "cache/layers")
    shutil.rmtree(site / "cache/siblings")
    assert baked(site) != expected
    key.undo()
    key.setenv("SEALPRESS_CACHE", str(site / "cache"))
    have(key, MINE)
    assert baked(site) == expected
    for file, data in mine.items():
        file.write_bytes(re.sub(rb"[0-9a-f]{4}", b"0000", data[32:]))
        assert baked(site) == expected


class Other:
    """An encoder that says something else."""

    def __init__(self, **_: int) -> None:
        pass

    def process(self, _data: bytes) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b"a lie"


def test_an_entry_in_anothers_place_is_passed_over() -> None:
    cache.remember("layers/aa/bb", b"one")
    cache.remember("compressed/aa/bb", b"other")
    shutil.copy(cache.folder() / "layers/aa/bb", cache.folder() / "compressed/aa/bb")
    assert cache.recalled("layers/aa/bb") == b"one"
    assert cache.recalled("compressed/aa/bb") is None


def test_what_a_registry_is_said_to_have_is_signed(key: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key.setenv("SEALPRESS_CACHE", str(tmp_path))
    told = Compressed("sha256:" + "1" * 64, 5)
    compression.remember("sha256:" + "0" * 64, told)
    assert compression.recall("sha256:" + "0" * 64) == told
    have(key, THEIRS)
    assert compression.recall("sha256:" + "0" * 64) is None


def test_without_a_place_for_a_key_nothing_is_kept(site: Path, key: pytest.MonkeyPatch) -> None:
    expected = baked(site)
    for file in own(site):
        file.unlink()
    key.setenv("SEALPRESS_STATE", "/dev/null/nowhere")
    have(key, "")
    assert baked(site) == expected
    assert {file.relative_to(site / "cache").parts[0] for file in own(site)} <= {"siblings"}
    assert baked(site) == expected


def test_only_what_is_hashed_when_it_is_used_is_kept_unsigned() -> None:
    """Whoever keeps another kind signs it: cache.remember. Siblings sign each record by themselves."""
    root = Path(cache.__file__).parents[1]
    keeping = {file.relative_to(root).as_posix() for file in root.rglob("*.py") if "cache.keep(" in file.read_text()}
    assert keeping == {"recipes/precompressed.py", "recipes/wheelhouse.py"}
