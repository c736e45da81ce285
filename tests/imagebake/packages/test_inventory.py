"""What is said of a package is what it says itself, and is found again without unpacking it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagebake.image.entries import Bytes, File, Symlink
from imagebake.packages import inventory
from imagebake.packages.copyright import Licence
from imagebake.packages.lock import Lock, LockedPackage

DATE = datetime(2026, 11, 19, 2, 12, 54, tzinfo=UTC)


def test_the_inventory_is_cached_and_a_damaged_one_is_made_anew(tmp_path: Path, make: Any) -> None:
    data = make.deb([make.Member("./usr/x", b"x")], name="tiny", Architecture="all", Section="web", Depends="libc6")
    locked = LockedPackage("tiny", "1", "amd64", "main", "pool/tiny.deb", "ab" * 32, len(data), "sha256:" + "0" * 64)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / locked.sha256).write_bytes(data)
    text = b"Format: x\n\nFiles: *\nCopyright: A\nLicense: Expat\n"
    entries = (File("usr/share/doc/base/copyright", Bytes(text)), Symlink("usr/share/doc/tiny", "base"))
    asked: list[str] = []

    def kept(name: str) -> tuple[Any, ...]:
        asked.append(name)
        return entries

    one = Lock("trixie", DATE, (), (locked,))
    first = inventory.of(one, "amd64", kept, tmp_path)
    assert first[0].licence == Licence("MIT")
    assert first[0].architecture == "all"
    assert inventory.status(first[0]) == (
        "Package: tiny\nStatus: install ok installed\nVersion: 1\nSection: web\nArchitecture: all\n"
    )
    assert inventory.of(one, "amd64", kept, tmp_path) == first
    assert asked == ["tiny"], "the second answer is from the cache"
    (file,) = (tmp_path / "inventory").iterdir()
    file.write_bytes(file.read_bytes().replace(b"MIT", b"TIM"))
    assert inventory.of(one, "amd64", kept, tmp_path) == first
    assert asked == ["tiny", "tiny"]


def test_a_package_whose_copyright_leads_nowhere_asserts_nothing(tmp_path: Path, make: Any) -> None:
    data = make.deb([make.Member("./usr/x", b"x")], name="tiny", Source="big (2-1)")
    locked = LockedPackage("tiny", "1", "arm64", "main", "pool/tiny.deb", "ab" * 32, len(data), "sha256:" + "0" * 64)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / locked.sha256).write_bytes(data)
    ring = (Symlink("usr/share/doc/tiny", "tiny2"), Symlink("usr/share/doc/tiny2", "tiny"))
    (found,) = inventory.of(Lock("trixie", DATE, (), (locked,)), "arm64", lambda _: ring, tmp_path)
    assert found.licence == Licence()
    assert (found.source, found.architecture) == (("big", "2-1"), "arm64")
