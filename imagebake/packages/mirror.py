"""Where Debian mirrors are: site.toml, else the environment, else what this machine's apt uses. No mirror has its name
in this program. And their .deb files, each known by its sha256: from the cache, the mirror, or where old ones are kept.

Sources: sources.list(5), both its one-line and its deb822 style; apt-transport-mirror(1).
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from imagebake.fetch import cache
from imagebake.fetch.cache import Pinned
from imagebake.packages.control import paragraphs
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import ImageSettings
from sealpress.frozen import frozen
from sealpress.problems import LockProblem, Problem

APT: Final = Path("/etc/apt")

_RELEASES: Final = ("bullseye", "bookworm", "trixie", "forky", "duke", "sid")
_SUITES: Final = frozenset({*_RELEASES, "oldoldstable", "oldstable", "stable", "testing", "unstable"})
_SECURITY_SUITES: Final = frozenset(f"{suite}-security" for suite in _SUITES)
_SCHEMES: Final = ("http", "https", "file")


@frozen
class Mirrors:
    """Base URLs without a final "/": what stands before `/dists/trixie` or `/pool`. `snapshot` may be "".

    `snapshot` may hold `{archive}` (debian or debian-security) and `{date}` (20261119T021254Z, of the lock).
    """

    main: str
    security: str
    snapshot: str = ""


@frozen
class _AptSource:
    url: str
    suite: str
    components: tuple[str, ...]
    signed_by: str


def find(settings: ImageSettings, environ: Mapping[str, str] = os.environ, apt: Path = APT) -> Mirrors:
    """Each of the mirrors from the first place that names it.

    Raises Problem (exit 4) where none does, or where a URL is none.
    """
    sources = [] if (settings.mirror and settings.security_mirror) else list(_sources(apt))
    main = (
        _checked(settings.mirror, "[image] mirror")
        or _checked(environ.get("SEALPRESS_MIRROR", ""), "SEALPRESS_MIRROR")
        or next((source.url for source in sources if source.suite in _SUITES), "")
    )
    security = (
        _checked(settings.security_mirror, "[image] security_mirror")
        or _checked(environ.get("SEALPRESS_SECURITY_MIRROR", ""), "SEALPRESS_SECURITY_MIRROR")
        or next((source.url for source in sources if source.suite in _SECURITY_SUITES), "")
    )
    snapshot = _checked(settings.snapshot_mirror, "[image] snapshot_mirror") or _checked(
        environ.get("SEALPRESS_SNAPSHOT_MIRROR", ""), "SEALPRESS_SNAPSHOT_MIRROR"
    )
    if not main:
        raise _unknown("Debian mirror", "mirror", "SEALPRESS_MIRROR")
    if not security:
        raise _unknown("mirror of Debian's security updates", "security_mirror", "SEALPRESS_SECURITY_MIRROR")
    return Mirrors(main, security, snapshot)


def _unknown(what: str, setting: str, variable: str) -> Problem:
    return LockProblem(
        f"no {what} is known: this machine's apt names none",
        hint=f"set {setting} under [image] in site.toml, or {variable}, to the mirror's URL (http, https or file)",
    )


def _checked(url: str, name: str) -> str:
    if url and not _is_mirror(url):
        raise LockProblem(
            f'{name} is "{url}", which is no URL of a mirror',
            hint="write http://host/folder, https://host/folder or file:///folder",
        )
    return url.rstrip("/")


def _is_mirror(url: str) -> bool:
    if any(char.isspace() or ord(char) < 0x20 for char in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    place = parts.path.startswith("/") and not parts.netloc if parts.scheme == "file" else bool(parts.hostname)
    return parts.scheme in _SCHEMES and place and not (parts.query or parts.fragment)


def _sources(apt: Path) -> Iterator[_AptSource]:
    """Debian's own archive among apt's sources, as far as this can be told: other archives name their own keys."""
    folder = apt / "sources.list.d"
    try:
        files = [apt / "sources.list", *sorted(folder.glob("*"), key=lambda file: file.name)]
        texts = [
            (file, file.read_text("utf-8", "replace"))
            for file in files
            if file.suffix in {".list", ".sources"} and file.is_file()
        ]
    except OSError:
        return
    for file, text in texts:
        for source in _one_line(text) if file.suffix == ".list" else _deb822(text):
            is_debian = not source.signed_by or "debian-archive" in source.signed_by
            if "main" in source.components and is_debian and (url := _resolved(source.url)):
                yield _AptSource(url, source.suite, source.components, source.signed_by)


_LINE: Final = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<url>\S+)\s+(?P<suite>\S+)(?P<components>[^#]*)")


def _one_line(text: str) -> Iterator[_AptSource]:
    for line in text.splitlines():
        if found := _LINE.match(line.strip()):
            options = dict(option.partition("=")[::2] for option in (found["options"] or "").split())
            components = tuple(found["components"].split())
            yield _AptSource(found["url"], found["suite"], components, options.get("signed-by", ""))


def _deb822(text: str) -> Iterator[_AptSource]:
    try:
        found = paragraphs(text)
    except Problem:
        return  # apt can't read it either
    for paragraph in found:
        fields = {name.lower(): value for name, value in paragraph.items()}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        components = tuple(fields.get("components", "").split())
        for suite in fields.get("suites", "").split():
            for url in fields.get("uris", "").split():
                yield _AptSource(url, suite, components, fields.get("signed-by", ""))


def _resolved(url: str) -> str:
    """The URL itself, or the first mirror of a list that `mirror+file:` names, as Debian's cloud images do; else ""."""
    if url.startswith("mirror+file:"):
        try:
            lines = Path(urlsplit(url).path).read_text("utf-8", "replace").split("\n")
        except OSError:
            return ""
        listed = (line.split("#")[0].split() for line in lines)
        url = next((words[0] for words in listed if words), "")
    return url.rstrip("/") if _is_mirror(url) else ""


class Package(Protocol):
    """What must be known of a package to fetch it: a line of a lock, or of an index."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def archive(self) -> str: ...


def fetched(
    wanted: Package,
    folder: Path,
    mirrors: Callable[[], Mirrors],
    *,
    date: datetime | None = None,
    progress: Progress = SILENT,
) -> Path:
    """The .deb in the cache `folder`, fetched where it isn't there; sha256 and size are right. `date`: the lock's.

    `mirrors` is only asked where something has to be fetched. Raises Problem (exit 4): the package is gone from the
    mirror, is not what was named, or the mirror can't be reached.
    """
    pinned = Pinned(f"{wanted.name} {wanted.version}", wanted.sha256, wanted.size)
    file = folder / "packages" / pinned.sha256
    if cache.is_intact(file, pinned):
        return file
    from imagebake.fetch import download  # noqa: PLC0415 - http and ssl, which a warm cache has no use for

    known = mirrors()
    base = known.security if wanted.archive == "security" else known.main
    urls = [f"{base}/{quote(wanted.path)}", *_snapshots(known.snapshot, wanted, date)]
    try:
        with progress.track(pinned.what, pinned.size, "bytes") as advance:
            download.store(file, pinned, urls, advance)
    except download.Gone:
        raise LockProblem(
            f"the mirror no longer has {pinned.what}: mirrors drop a package as soon as a newer one is out",
            hint="renew the lock: imagebake lock --upgrade; or set snapshot_mirror under [image] in site.toml"
            " to a mirror that keeps old packages",
        ) from None
    return file


def _snapshots(base: str, wanted: Package, date: datetime | None) -> list[str]:
    archive = "debian-security" if wanted.archive == "security" else "debian"
    base = base.replace("{archive}", archive)
    if not base or ("{date}" in base and date is None):
        return []
    if date is None or "{date}" not in base:
        return [f"{base}/{quote(wanted.path)}"]
    # A snapshot is taken some hours after a release, and answers for the time before it.
    dates = (date + timedelta(hours=hours) for hours in (0, 12, 24))
    return [f"{base.replace('{date}', f'{moment:%Y%m%dT%H%M%SZ}')}/{quote(wanted.path)}" for moment in dates]
