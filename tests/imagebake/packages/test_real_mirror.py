"""The real Debian: what a user's `imagebake lock` and the first bake after it do."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.fetch import download
from imagebake.image import tar
from imagebake.packages import contents, mirror, signed_release
from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import outdated, resolve
from imagebake.packages.selection import Root
from sealpress.config.settings import ImageSettings
from tests.mirrors import require_mirror

pytestmark = pytest.mark.network

MODULE = "usr/lib/nginx/modules/ngx_http_brotli_static_module.so"
ROOTS = (
    Root("nginx-common", "etc/nginx/mime.types"),
    Root("libnginx-mod-http-brotli-static", MODULE),
    Root("nginx", "usr/sbin/nginx"),
)


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a real signature expires by the real clock


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def lock(now: datetime, cache: Path) -> Lock:
    require_mirror()
    return resolve(ImageSettings(), ROOTS, now=now, cache=cache)


def test_nginx_needs_nine_packages_on_each_architecture(lock: Lock) -> None:
    for architecture in ("amd64", "arm64"):
        assert [package.name for package in lock.of(architecture)] == [
            "libc6",
            "libcrypt1",
            "libpcre2-8-0",
            "libzstd1",
            "zlib1g",
            "libssl3t64",
            "nginx-common",
            "libnginx-mod-http-brotli-static",
            "nginx",
        ]


def test_its_layers_are_small_and_hold_what_runs(lock: Lock, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """13.8 MB is the base image's bound. Once the cache is warm, no mirror is asked for anything."""
    monkeypatch.setattr(download, "_pieces", lambda url: pytest.fail(f"asked for {url}"))
    for architecture, linker in (("amd64", "lib64/ld-linux-x86-64.so.2"), ("arm64", "lib/ld-linux-aarch64.so.1")):
        layers = contents.layers_of(lock, architecture, ImageSettings(), cache=cache)
        paths = {entry.path for _, entries in layers for entry in entries}
        assert {linker, "usr/sbin/nginx", MODULE, "etc/nginx/mime.types", "usr/share/doc/nginx/copyright"} <= paths
        assert not any("/sh" in path and "/share/" not in path for path in paths)
        assert sum(tar.digest(entries).size for _, entries in layers) <= 13_800_000 - 100_000


def test_the_same_mirror_gives_the_same_lock(lock: Lock, now: datetime, cache: Path) -> None:
    again = resolve(ImageSettings(), ROOTS, now=now, existing=lock, cache=cache)
    assert locks.dump(again) == locks.dump(lock)


def test_all_three_suites_are_signed_by_debian(now: datetime, lock: Lock) -> None:
    del lock  # made first: it skips where there is no mirror
    found = signed_release.releases(mirror.find(ImageSettings()), "trixie", now, signed_release.keyring())
    assert list(found) == ["main", "updates", "security"]
    assert all(release.by_hash for release in found.values())


def test_what_debian_has_newer_is_told(lock: Lock, now: datetime, cache: Path) -> None:
    """Of a lock that is of today, and of the same as if it had the oldest of everything."""
    assert outdated(ImageSettings(), lock, now=now, cache=cache) == ()
    oldest = replace(lock, packages=tuple(replace(package, version="0~") for package in lock.packages))
    found = outdated(ImageSettings(), oldest, now=now, cache=cache)
    assert [(one.name, one.architecture, one.newest) for one in found] == [
        (package.name, package.architecture, package.version) for package in lock.packages
    ]
    assert all(
        one.is_security for one, package in zip(found, lock.packages, strict=True) if package.archive == "security"
    )


def test_an_upgrade_of_a_lock_of_today_is_the_same_lock(lock: Lock, now: datetime, cache: Path) -> None:
    assert resolve(ImageSettings(), ROOTS, now=now, existing=lock, upgrade=True, cache=cache) is lock
