"""What there is to say of each package in an image: from its control file and its copyright file.

It becomes dpkg's own record (status.d, which scanners read) and the SBOM. Packages are unpacked for it once: what was
found is kept in the cache, under the digests that it follows from, with a digest of its own.

Source: Debian Policy 4.7, section 5.3 (binary control files); dpkg(1) and the images of Google's distroless project
for `var/lib/dpkg/status.d`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from imagebake.fetch import cache
from imagebake.image.entries import Bytes, Entry, File, Symlink
from imagebake.packages import copyright as copyrights
from imagebake.packages import deb
from imagebake.packages.copyright import Licence
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import pointed
from sealpress import VERSION
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen

FOLDER: Final = "var/lib/dpkg/status.d"

_FORMAT: Final = 1  # of what the cache holds
_LINK_LIMIT: Final = 16
# What is kept of a control file, in this order. Not what it depends on: an image has only what is needed of that.
_FIELDS: Final = ("Section", "Maintainer", "Architecture", "Multi-Arch", "Source", "Homepage")


@frozen
class Described:
    """A locked package, and what it says of itself. `fields` are those of its control file that are kept, and its
    Description's first line.
    """

    package: LockedPackage
    fields: Mapping[str, str]
    licence: Licence

    @property
    def architecture(self) -> str:
        """The package's own: "all" for one that is the same for each machine."""
        return self.fields.get("Architecture", self.package.architecture)

    @property
    def source(self) -> tuple[str, str]:
        """Name and version of the source package, by which Debian tracks holes."""
        name, _, version = self.fields.get("Source", self.package.name).partition(" ")
        return name, version.strip("() ") or self.package.version


def of(
    lock: Lock, architecture: Architecture, kept: Callable[[str], tuple[Entry, ...]], folder: Path | None = None
) -> tuple[Described, ...]:
    """All packages of an image, in layer order. `kept` gives what the image keeps of a package, by its name.

    Neither packages nor `kept` are touched where the answer is in the cache (`folder`, else the user's).
    """
    packages = lock.of(architecture)
    base = cache.folder() if folder is None else folder
    named = "".join(f"{one.name} {one.version} {one.sha256} {one.diff_id}\n" for one in packages)
    key = hashlib.sha256(f"{VERSION} {_FORMAT}\0{named}".encode()).hexdigest()
    memory = f"inventory/{key}"
    if (data := cache.recalled(memory, base)) is not None:
        return _unpacked(data, packages)
    entries = {entry.path: entry for package in packages for entry in kept(package.name)}
    found = tuple(
        Described(
            one, _fields(base / "packages" / one.sha256), copyrights.read(_copyright(one.name, entries), one.name)
        )
        for one in packages
    )
    cache.remember(memory, _packed(found), base)
    return found


def status(described: Described) -> str:
    """The package's paragraph as dpkg keeps it in its database."""
    first = {"Package": described.package.name, "Status": "install ok installed", "Version": described.package.version}
    return "".join(f"{name}: {value}\n" for name, value in {**first, **described.fields}.items())


def entries(found: tuple[Described, ...]) -> tuple[Entry, ...]:
    """What dpkg would know of the packages: one file for each."""
    return tuple(File(f"{FOLDER}/{one.package.name}", Bytes(status(one).encode())) for one in found)


def _fields(file: Path) -> dict[str, str]:
    control = deb.control(file)
    kept = {name: " ".join(control[name].split()) for name in _FIELDS if control.get(name)}
    synopsis = " ".join(control.get("Description", "").split("\n", 1)[0].split())
    return {**kept, **({"Description": synopsis} if synopsis else {})}


def _copyright(package: str, entries: Mapping[str, Entry]) -> str:
    """The text, which may stand in the folder of another package."""
    path = f"usr/share/doc/{package}/copyright"
    for _ in range(_LINK_LIMIT):
        match entries.get(path), entries.get(path.rpartition("/")[0]):
            case File(_, content, _), _:
                return b"".join(content.chunks()).decode("utf-8", "replace")
            case Symlink() as link, _:
                path = pointed(link)
            case _, Symlink() as link:
                path = f"{pointed(link)}/copyright"
            case _:
                break
    return ""


def _packed(found: tuple[Described, ...]) -> bytes:
    data = [[dict(one.fields), one.licence.expression, dict(one.licence.references)] for one in found]
    return json.dumps(data, ensure_ascii=False).encode()


def _unpacked(packed: bytes, packages: tuple[LockedPackage, ...]) -> tuple[Described, ...]:
    data: list[Any] = json.loads(packed)
    return tuple(
        Described(package, MappingProxyType(fields), Licence(expression, MappingProxyType(references)))
        for package, (fields, expression, references) in zip(packages, data, strict=True)
    )
