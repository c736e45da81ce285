"""From a signed mirror to a lock and its layers: only what was signed, is current and is needed."""

import hashlib
import lzma
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pysequoia
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import tar
from imagebake.packages import contents, signed_release
from imagebake.packages import lock as locks
from imagebake.packages.index import Dependency, PackageIndex, parse_dependencies
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import Outdated, outdated, resolve
from imagebake.packages.selection import Root
from sealpress.problems import Exit, Problem

ROOTS = (Root("server-common", "etc/server/types"), Root("server", "usr/sbin/server"))
ORDER = ["libc6", "zlib1g", "libssl3", "server-common", "server"]


@dataclass(frozen=True)
class Tiny:
    """The fake mirror, and what a command line would call on it."""

    mirror: Any
    cache: Path
    now: Any

    def lock(self, roots=ROOTS, **more) -> Lock:
        options = {"now": self.now, "cache": self.cache, "keys": self.mirror.keys, **more}
        return resolve(options.pop("settings", self.mirror.settings), roots, **options)

    def versions(self, lock: Lock, architecture="amd64") -> dict[str, str]:
        return {package.name: package.version for package in lock.of(architecture)}


@pytest.fixture
def tiny(mirror, make, tmp_path: Path) -> Tiny:
    return Tiny(mirror, tmp_path / "cache", make.now)


def test_a_lock_has_what_is_needed_in_layer_order(tiny: Tiny) -> None:
    lock = tiny.lock()
    assert [package.name for package in lock.of("amd64")] == ORDER
    assert [package.name for package in lock.of("arm64")] == ORDER
    assert lock.date == tiny.mirror.date
    assert locks.parse(locks.dump(lock), "x") == lock


def test_what_is_not_needed_is_not_fetched(tiny: Tiny) -> None:
    lock = tiny.lock()
    fetched = {file.name for file in (tiny.cache / "packages").iterdir()}
    assert fetched == {package.sha256 for package in lock.packages}


def test_a_lock_does_not_depend_on_the_time_or_the_cache(tiny: Tiny, tmp_path: Path) -> None:
    first = tiny.lock()
    assert tiny.lock(now=tiny.now + timedelta(days=3), cache=tmp_path / "other") == first


def test_layers_are_what_the_lock_says_without_the_mirror(tiny: Tiny) -> None:
    lock = tiny.lock()
    shutil.rmtree(tiny.mirror.root)
    for architecture in ("amd64", "arm64"):
        layers = contents.layers_of(lock, architecture, tiny.mirror.settings, cache=tiny.cache)
        assert [package for package, _ in layers] == list(lock.of(architecture))
        assert [tar.digest(entries).diff_id for _, entries in layers] == [package.diff_id for package, _ in layers]
    paths = [entry.path for _, entries in layers for entry in entries if "/doc/" not in entry.path]
    assert paths == [
        "lib/ld-linux-aarch64.so.1",
        "usr/lib/aarch64-linux-gnu/libc.so.6",
        "usr/lib/aarch64-linux-gnu/libz.so.1",
        "usr/lib/aarch64-linux-gnu/libssl.so.3",
        "etc/server/types",
        "usr/sbin/server",
    ]


def test_a_cold_cache_is_filled_from_the_lock_alone(tiny: Tiny) -> None:
    lock = tiny.lock()
    shutil.rmtree(tiny.cache)
    for file in tiny.mirror.root.rglob("InRelease"):
        file.unlink()
    assert len(contents.layers_of(lock, "amd64", tiny.mirror.settings, cache=tiny.cache)) == len(ORDER)


def test_versions_stay_until_an_upgrade_is_asked_for(tiny: Tiny, make) -> None:
    old = tiny.lock()
    tiny.mirror.add("libc6", make.libc(), version="1+deb13u1", archive="security")
    tiny.mirror.date += timedelta(hours=6)
    tiny.mirror.publish()
    assert tiny.lock(existing=old) is old
    new = tiny.lock(existing=old, upgrade=True)
    assert tiny.versions(new)["libc6"] == "1+deb13u1"
    assert {package.archive for package in new.of("amd64")} == {"main", "security"}
    assert new.date == tiny.mirror.date
    assert tiny.versions(new, "arm64")["libc6"] == "1"


def lags(tiny: Tiny, lock: Lock) -> tuple[Outdated, ...]:
    return outdated(tiny.mirror.settings, lock, now=tiny.now, cache=tiny.cache, keys=tiny.mirror.keys)


def test_a_lock_of_today_lags_behind_in_nothing(tiny: Tiny) -> None:
    assert lags(tiny, tiny.lock()) == ()


def test_newer_packages_are_told_with_those_that_mend_a_hole(tiny: Tiny, make) -> None:
    lock = tiny.lock()
    fetched = sorted((tiny.cache / "packages").iterdir())
    zlib = make.library("libz.so.1", "libc.so.6")
    tiny.mirror.add("libc6", make.libc(), version="1+deb13u1", archive="security")
    tiny.mirror.add("zlib1g", zlib, version="2", archive="updates")
    tiny.mirror.add("zlib1g", zlib, version="1~rc", archive="security")
    tiny.mirror.add("editor", [], version="9", archive="security")
    # The hole was mended in between, and the newest version is of the point release after it.
    tiny.mirror.add("libssl3", make.library("libssl.so.3", architecture="arm64"), version="2", architecture="arm64")
    older = make.library("libssl.so.3", architecture="arm64")
    tiny.mirror.add("libssl3", older, version="1+deb13u1", architecture="arm64", archive="security")
    tiny.mirror.publish()
    assert lags(tiny, lock) == (
        Outdated("libc6", "amd64", "1", "1+deb13u1", True),
        Outdated("zlib1g", "amd64", "1", "2", False),
        Outdated("libssl3", "arm64", "1", "2", True),
    )
    assert sorted((tiny.cache / "packages").iterdir()) == fetched, "only indexes are asked for"
    assert lags(tiny, tiny.lock(existing=lock, upgrade=True)) == ()


def test_a_lock_lags_behind_in_its_own_suite(tiny: Tiny) -> None:
    """A site that moves to another suite does not make yesterday's packages of this one look current."""
    lock = tiny.lock()
    moved = replace(tiny.mirror.settings, suite="forky")
    assert outdated(moved, lock, now=tiny.now, cache=tiny.cache, keys=tiny.mirror.keys) == ()


def test_a_mirror_older_than_the_lock_cannot_say_that_nothing_is_newer(tiny: Tiny) -> None:
    lock = tiny.lock()
    with pytest.raises(Problem, match="the mirror is older than the lock"):
        lags(tiny, replace(lock, date=lock.date + timedelta(seconds=1)))
    with pytest.raises(Problem, match="was valid until"):
        outdated(tiny.mirror.settings, lock, now=tiny.now + timedelta(days=9), keys=tiny.mirror.keys)


@pytest.mark.parametrize("upgrade", [True, False])
def test_no_package_steps_back(tiny: Tiny, make, upgrade: bool) -> None:
    """One archive of the mirror is fresh, another one has forgotten an update: signed, valid, and refused."""
    tiny.mirror.add("libc6", make.libc(), version="1+deb13u1", archive="security")
    tiny.mirror.publish()
    lock = tiny.lock()
    assert tiny.versions(lock)["libc6"] == "1+deb13u1"
    tiny.mirror.entries["security", "amd64"].clear()
    tiny.mirror.date += timedelta(hours=6)
    tiny.mirror.publish()
    with pytest.raises(Problem) as caught:
        tiny.lock(existing=lock, upgrade=upgrade)
    assert caught.value.message == ("the mirror has only libc6 1 for amd64: older than 1+deb13u1, which the lock has")
    assert caught.value.code is Exit.LOCK


def test_an_upgrade_from_an_older_mirror_is_refused(tiny: Tiny) -> None:
    lock = tiny.lock()
    with pytest.raises(Problem, match="the mirror is older than the lock"):
        tiny.lock(existing=replace(lock, date=lock.date + timedelta(seconds=1)), upgrade=True)


def test_a_package_that_is_gone_is_replaced_by_what_is_there(tiny: Tiny, make) -> None:
    old = tiny.lock()
    tiny.mirror.drop("zlib1g")
    for architecture in ("amd64", "arm64"):
        zlib = make.library("libz.so.1", "libc.so.6", architecture=architecture)
        tiny.mirror.add("zlib1g", zlib, version="2", architecture=architecture)
    tiny.mirror.publish()
    new = tiny.lock(existing=old)
    assert tiny.versions(new) == {**tiny.versions(old), "zlib1g": "2"}


def test_a_gone_package_stops_a_bake_with_the_fix(tiny: Tiny) -> None:
    lock = tiny.lock()
    shutil.rmtree(tiny.cache)
    tiny.mirror.drop("libssl3")
    with pytest.raises(Problem) as caught:
        contents.layers_of(lock, "amd64", tiny.mirror.settings, cache=tiny.cache)
    assert "no longer has libssl3 1" in caught.value.message
    assert "imagebake lock --upgrade" in str(caught.value)


def test_a_kept_version_gives_way_to_a_needed_one(tiny: Tiny, make) -> None:
    """The new server needs a newer libc than the lock has: both move, the rest stays."""
    old = tiny.lock()
    tiny.mirror.add("libc6", make.libc(), version="3")
    tiny.mirror.add("zlib1g", make.library("libz.so.1"), version="3")
    tiny.mirror.drop("server")
    for architecture in ("amd64", "arm64"):
        tiny.mirror.add(
            "server",
            [make.program("usr/sbin/server", "libssl.so.3", "libc.so.6", architecture=architecture)],
            version="2",
            architecture=architecture,
            Depends=f"libc6 (>= {'3' if architecture == 'amd64' else '1'}), libssl3",
        )
    tiny.mirror.publish()
    new = tiny.lock(existing=old)
    assert tiny.versions(new) == {**tiny.versions(old), "server": "2", "libc6": "3"}


def test_a_dependency_that_nothing_meets_is_a_problem(tiny: Tiny, make) -> None:
    tiny.mirror.add("server", [make.program("usr/sbin/server", "libc.so.6")], version="9", Depends="libc6 (>= 8)")
    tiny.mirror.publish()
    with pytest.raises(Problem, match=r"server needs libc6 \(>= 8\), which the mirror does not have"):
        tiny.lock()


def test_a_virtual_package_is_found_by_who_provides_it(tiny: Tiny, make) -> None:
    module = [make.Member("./usr/lib/server/module.so", make.elf(needed=["libvirtual.so.1"]))]
    tiny.mirror.add("module", module, Depends="server-abi-1, virtual (= 2)")
    tiny.mirror.add("aaa", [], Provides="virtual (= 1)")
    tiny.mirror.add("provider", make.library("libvirtual.so.1"), Provides="other, virtual (= 2)")
    tiny.mirror.add("abi", [], Provides="server-abi-1")
    tiny.mirror.publish()
    settings = replace(tiny.mirror.settings, architectures=("amd64",))
    lock = tiny.lock((Root("module", "usr/lib/server/module.so"),), settings=settings)
    assert [package.name for package in lock.packages] == ["provider", "module"]


def test_a_missing_library_is_a_hard_error(tiny: Tiny, make) -> None:
    tiny.mirror.add("server", [make.program("usr/sbin/server", "libgone.so.7")], version="2", Depends="libc6")
    tiny.mirror.publish()
    with pytest.raises(Problem, match=r'the library "libgone\.so\.7" is missing: "usr/sbin/server" of server'):
        tiny.lock()


def test_an_unknown_package_is_a_problem(tiny: Tiny) -> None:
    with pytest.raises(Problem, match="the mirror has no package nowhere"):
        tiny.lock((Root("nowhere", "x"),))


def test_a_release_by_another_key_is_refused(tiny: Tiny) -> None:
    other = pysequoia.Tsk.generate("Other <other@example.org>").extract_certificate()
    with pytest.raises(Problem) as caught:
        tiny.lock(keys=[other])
    assert caught.value.message.startswith("no trusted key signed file://")
    assert "\n" not in caught.value.message
    assert caught.value.code is Exit.LOCK
    assert not tiny.cache.exists()


def test_debians_own_keys_do_not_trust_the_tiny_archive(tiny: Tiny) -> None:
    with pytest.raises(Problem, match="no trusted key signed"):
        tiny.lock(keys=signed_release.keyring())


@pytest.mark.parametrize(
    "bend",
    [
        lambda text: text.replace(b"amd64 arm64", b"amd64 riscv"),
        lambda text: text[: len(text) // 2],
        lambda _text: b"Codename: trixie\n",
        lambda _text: b"",
    ],
    ids=["one word", "cut", "unsigned", "empty"],
)
@pytest.mark.parametrize(
    "suite", ["debian/dists/trixie", "debian/dists/trixie-updates", "security/dists/trixie-security"]
)
def test_a_release_that_was_changed_is_refused(tiny: Tiny, suite: str, bend: Callable[[bytes], bytes]) -> None:
    file = tiny.mirror.root / suite / "InRelease"
    file.write_bytes(bend(file.read_bytes()))
    with pytest.raises(Problem, match="no trusted key signed"):
        tiny.lock()


def test_text_around_the_signed_text_is_not_believed(tiny: Tiny) -> None:
    file = tiny.mirror.root / "debian/dists/trixie/InRelease"
    expected = tiny.lock()
    file.write_bytes(b"Codename: evil\n\n" + file.read_bytes() + b"\nCodename: evil\n")
    assert tiny.lock() == expected


def test_an_expired_release_is_refused(tiny: Tiny) -> None:
    with pytest.raises(Problem, match="was valid until 2026-11-26 00:00 UTC"):
        tiny.lock(now=tiny.now + timedelta(days=6))


def test_a_release_without_expiry_stays_valid(tiny: Tiny) -> None:
    tiny.mirror.valid_until = None
    tiny.mirror.publish()
    assert tiny.lock(now=tiny.now + timedelta(days=400))


def test_a_release_from_the_future_is_about_the_clock(tiny: Tiny) -> None:
    with pytest.raises(Problem, match="this machine's clock says 2026-11-10"):
        tiny.lock(now=tiny.now - timedelta(days=10))


def test_a_release_of_another_suite_is_refused(tiny: Tiny) -> None:
    tiny.mirror.codename = "forky"
    tiny.mirror.publish()
    with pytest.raises(Problem, match='is of "forky", not of "trixie"'):
        tiny.lock()


@pytest.mark.parametrize(("suite", "said"), [("forky", 'has no suite "forky"'), ("../x", "is no suite of Debian")])
def test_an_unknown_suite_is_a_problem(tiny: Tiny, suite: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        tiny.lock(settings=replace(tiny.mirror.settings, suite=suite))


def test_a_mirror_older_than_the_lock_is_refused(tiny: Tiny) -> None:
    lock = tiny.lock()
    with pytest.raises(Problem, match="the mirror is older than the lock"):
        tiny.lock(existing=replace(lock, date=lock.date + timedelta(seconds=1)))


def test_an_index_that_was_changed_is_refused(tiny: Tiny) -> None:
    for file in tiny.mirror.root.rglob("by-hash/SHA256/*"):
        text = lzma.decompress(file.read_bytes()).replace(b"Version: 1", b"Version: 2")
        file.write_bytes(lzma.compress(text))
    with pytest.raises(Problem, match=r"it was damaged or changed on the way|is larger than|bytes early"):
        tiny.lock()
    assert not list((tiny.cache / "indexes").iterdir())


def test_a_package_that_was_changed_is_never_unpacked(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in tiny.mirror.root.rglob("server_*.deb"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    unpacked: list[Path] = []
    real = contents.deb.read
    monkeypatch.setattr(contents.deb, "read", lambda file, wanted: unpacked.append(file) or real(file, wanted))
    with pytest.raises(Problem, match=r"server 1 from .*: it was damaged or changed on the way"):
        tiny.lock((Root("server", "usr/sbin/server"),))
    assert unpacked == []


def test_a_lock_with_another_diff_id_is_refused(tiny: Tiny) -> None:
    lock = tiny.lock()
    first, *rest = lock.packages
    bent = replace(lock, packages=(replace(first, diff_id="sha256:" + "0" * 64), *rest))
    with pytest.raises(Problem, match="the layer of libc6 1 comes out different from its diff_id"):
        contents.layers_of(bent, "amd64", tiny.mirror.settings, cache=tiny.cache)


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda packages: packages[1:], "is missing"),
        (lambda packages: (packages[1], packages[0], *packages[2:]), "in the order of layers"),
        (lambda packages: packages[:-1], "it lacks server"),
        (lambda packages: (replace(packages[0], name="libc7"), *packages[1:]), "the file of libc7 1 holds libc6 1"),
    ],
)
def test_an_edited_lock_does_not_fit(tiny: Tiny, bend, said: str) -> None:
    lock = tiny.lock()
    bent = replace(lock, packages=bend(lock.of("amd64")))
    with pytest.raises(Problem, match=said):
        contents.layers_of(bent, "amd64", tiny.mirror.settings, cache=tiny.cache)


def test_debians_keys_travel_with_the_package() -> None:
    """Those of Debian 12 and 13: the archive's, the security archive's and the release managers'."""
    assert [cert.fingerprint for cert in signed_release.keyring()] == [
        "b8b80b5b623eab6ad8775c45b7c5d7d6350947f8",
        "05ab90340c0c5e797f44a8c8254cf3b5aec0a8f0",
        "4d64fec119c2029067d6e791f8d2585b8783d481",
        "04b54c3cdca79751b16bc6b5225629df75b188bd",
        "5e04a1e3223a19a20706e20f9904613d4cce68c6",
        "41587f7db8c774bccf131416762f67a0b2c39de4",
    ]


def test_dependencies_are_read_as_debian_writes_them() -> None:
    assert parse_dependencies("libc6 (>= 2.34), python3:any | aa (<< 1:2~) , broken((") == (
        (Dependency("libc6", ">=", "2.34"),),
        (Dependency("python3"), Dependency("aa", "<<", "1:2~")),
    )


@given(st.text(max_size=200) | st.text("ab:\n -", max_size=80))
def test_a_broken_release_is_a_problem(text: str) -> None:
    for broken in (text, f"Suite: x\nDate: {text}\nSHA256: {text}", f"Suite: x\nDate: 2026\nSHA256:\n {text}"):
        with pytest.raises(Problem):
            signed_release.parse_release(broken, "x", "url")


@given(st.binary(max_size=300) | st.text("ab:\n -", max_size=80).map(str.encode))
def test_a_broken_index_is_a_problem_or_empty(data: bytes) -> None:
    index = PackageIndex("main", bytearray(b"Package: tool\n" + data))
    with pytest.raises(Problem):
        index.candidates("tool")
    assert index.candidates("other") == []


def test_a_path_out_of_the_pool_is_refused() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    entry = f"Package: tool\nVersion: 1\nFilename: pool/../../x.deb\nSize: 1\nSHA256: {digest}\n"
    with pytest.raises(Problem, match='broken entry for "tool"'):
        PackageIndex("main", bytearray(entry.encode())).candidates("tool")
