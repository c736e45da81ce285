"""What recipes are put together from, beside packages and files of their own: certificates, services, a locale,
Python, volumes. Each is a Supply; a recipe is several of them, and what is said once.

    supplies = (python.interpreter(), python.CA_ROOTS, python.UTF8, python.volume("/db", user))
    lock     = resolve(settings, python.roots(supplies), now=…)
    recipe   = python.recipe("comments", supplies, users=(user,), entrypoint=("/usr/bin/python3", "-m", "isso"), …)

Nothing of a package is run for it: what its scripts would do when it is installed is done here where an image needs it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from imagebake.image import nss, oci, tar
from imagebake.image.entries import Directory, Entry, Symlink
from imagebake.image.nss import User
from imagebake.packages.selection import Root
from imagebake.recipes import wheels
from imagebake.recipes.recipe import Recipe, RecipePart
from imagebake.recipes.wheels import Wheel
from sealpress import VERSION
from sealpress.frozen import frozen


@frozen
class Supply:
    """One thing that an image has: files of packages, further entries, and what its process is told of them.

    `environment` as "NAME=value"; `volumes` are absolute paths, which stand among `entries` with their owners.
    """

    roots: tuple[Root, ...] = ()
    entries: tuple[Entry, ...] = ()
    environment: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


_CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"

CA_ROOTS: Final = Supply(
    roots=(Root("ca-certificates", "usr/share/ca-certificates/mozilla/*.crt", joined=_CERTIFICATES),),
    # Where OpenSSL looks by itself; Debian's package `openssl` has a folder of links there.
    entries=(Symlink("usr/lib/ssl/cert.pem", f"/{_CERTIFICATES}"),),
)
"""The certificates that Debian trusts, in the file where all programs look for them."""

SERVICES: Final = Supply(roots=(Root("netbase", "etc/services"), Root("netbase", "etc/protocols")))
"""The names of ports and protocols."""

UTF8: Final = Supply(roots=(Root("libc-bin", "usr/lib/locale/C.utf8/**"),), environment=("LANG=C.UTF-8",))
"""libc's own locale without a language, in which text is UTF-8."""

MANYLINUX: Final = Supply(
    roots=tuple(Root("libc6", f"usr/lib/*/{name}") for name in ("libdl.so.2", "libpthread.so.0", "librt.so.1"))
)
"""Libraries that today's libc has in itself, under the names by which compiled wheels still ask for them (PEP 600)."""

# Tests, and what wants a terminal, a window or a compiler: no container has these.
PYTHON_EXTRAS: Final = (
    *("**/test", "**/tests", "**/__pycache__", "**/idlelib", "**/pydoc_data", "**/ensurepip", "**/turtledemo"),
    *("**/curses", "**/tkinter", "**/turtle.py", "**/EXTERNALLY-MANAGED", "**/sitecustomize.py"),
    *(f"**/lib-dynload/{name}" for name in ("_curses*", "readline.*", "_dbm.*", "_test*", "_ctypes_test.*", "*xx*")),
)


def interpreter(version: str = "3.13", exclude: Sequence[str] = PYTHON_EXTRAS) -> Supply:
    """Debian's Python with its standard library, as /usr/bin/python3. `version` is the suite's own: trixie has 3.13."""
    library = f"usr/lib/python{version}/**"
    return Supply(
        roots=(
            Root(f"libpython{version}-minimal", library, tuple(exclude)),
            Root(f"libpython{version}-stdlib", library, tuple(exclude)),
            Root(f"python{version}-minimal", f"usr/bin/python{version}"),
            Root("python3-minimal", "usr/bin/python3"),
        ),
        # What is sealed can't be written to, and what is printed belongs in the log at once.
        environment=("PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"),
    )


def volume(path: str, user: User, mode: int = 0o700) -> Supply:
    """A folder whose content outlives the container. An engine gives a new volume this owner and mode."""
    return Supply(entries=(Directory(path.strip("/"), mode, (user.uid, user.gid)),), volumes=(path,))


def roots(supplies: Iterable[Supply]) -> tuple[Root, ...]:
    """What a lock for these is made from; each root once."""
    return tuple(dict.fromkeys(root for supply in supplies for root in supply.roots))


def recipe(
    name: str,
    supplies: Sequence[Supply],
    *,
    users: Sequence[User],
    entrypoint: Sequence[str],
    port: int | None = None,
    stop_signal: str = "SIGTERM",
    entries: Sequence[Entry] = (),
    python_wheels: Sequence[Wheel] = (),
    python_version: str = "3.13",
    exclude: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Recipe:
    """A recipe of these supplies, whose process runs as the first of `users`.

    Layers from below: packages, the wheels, then users, folders and `entries`. `exclude` are patterns of paths that
    wheels leave out. Raises Problem (exit 3) for users, (exit 4) for wheels.
    """
    has_services = any(root.path == "etc/services" for root in roots(supplies))
    around = (
        *nss.entries(users, services=has_services),
        *(entry for one in supplies for entry in one.entries),
        *entries,
    )
    runtime = oci.Runtime(
        entrypoint=tuple(entrypoint),
        user=users[0].owner,
        port=port,
        stop_signal=stop_signal,
        environment=tuple(dict.fromkeys(variable for supply in supplies for variable in supply.environment)),
        volumes=tuple(dict.fromkeys(path for supply in supplies for path in supply.volumes)),
        labels=labels or {},
    )
    return Recipe(
        name=name,
        parts=(
            *(_wheel(one, python_version, tuple(exclude)) for one in python_wheels),
            RecipePart("configuration", tar.digest(around).diff_id, lambda: around),
        ),
        runtime=runtime,
        components=tuple(one.component for one in python_wheels),
    )


def _wheel(wheel: Wheel, python: str, exclude: tuple[str, ...]) -> RecipePart:
    pin = wheel.pin
    return RecipePart(
        f"{pin.name} {pin.version}",
        f"wheel {pin.sha256} for {python} without {exclude!r}",
        lambda: wheels.entries(wheel, python, exclude),
        architecture=pin.architecture,
        has_programs=pin.architecture is not None,
    )


def release_id(recipe: Recipe, lock_digest: str) -> str:
    """What an image of such a recipe is called, "sha256:…": the digest of all that it depends on."""
    told = {
        "name": recipe.name,
        "parts": [[part.name, part.description, part.architecture or ""] for part in recipe.parts],
        "runtime": repr(recipe.runtime),
        "lock": lock_digest,
        "sealpress": VERSION,
    }
    return "sha256:" + hashlib.sha256(oci.canonical(told)).hexdigest()
