"""An image that is not nginx's: Debian's Python with one wheel, certificates, services, a locale, two users, a volume.

tests/imagebake/recipes/test_python.py runs it without an engine, tests/engine/test_recipes.py in a real dockerd.
"""

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from imagebake.image.entries import Bytes, File
from imagebake.image.nss import User
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import resolve
from imagebake.recipes import python, recipe, wheels
from imagebake.recipes.recipe import Image
from imagebake.recipes.wheels import Pin, Wheel
from sealpress.config.settings import Architecture, ImageSettings
from tests.mirrors import require_mirror

KEEPER = User("keeper", 1000, 1000, "/db")
USERS = (KEEPER, User("guest", 1001, 1002))
SUPPLIES = (
    python.MANYLINUX,
    python.interpreter(),
    python.CA_ROOTS,
    python.SERVICES,
    python.UTF8,
    python.volume("/db", KEEPER),
)
CREATED = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)

ENTRYPOINT = ("/usr/bin/python3", "/usr/local/lib/keeper.py")

# What the program finds in its world, as JSON.
PROGRAM = """\
import ctypes, hashlib, json, locale, os, pwd, grp, socket, sqlite3, ssl, sys, zlib
import tiny_keeper
from importlib import metadata

def refused(path):
    try:
        with open(path, "w"):
            return False
    except OSError:
        return True

found = {
    "greeting": tiny_keeper.greeting(),
    "from": tiny_keeper.__file__,
    "version": metadata.version("tiny-keeper"),
    "licences": [str(path) for path in metadata.files("tiny-keeper") if "licenses" in str(path)],
    "locale": locale.setlocale(locale.LC_ALL, ""),
    "encoding": sys.stdout.encoding,
    "users": [[one.pw_name, one.pw_uid, one.pw_gid, one.pw_dir] for one in pwd.getpwall()],
    "me": [pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name],
    "https": socket.getservbyname("https", "tcp"),
    "tcp": socket.getprotobyname("tcp"),
    "roots": ssl.create_default_context().cert_store_stats()["x509_ca"],
    "sqlite": sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0],
    "root is read-only": refused("/x") and refused("/etc/passwd"),
}
if "--volume" in sys.argv:
    with open("/db/diary", "a", encoding="utf-8") as diary:
        diary.write("dear\\n")
    found["volume"] = [oct(os.stat("/db").st_mode), os.stat("/db").st_uid, open("/db/diary").read()]
print(json.dumps(found, ensure_ascii=False))
"""

MODULE = '''\
"""A tiny module."""


def greeting():
    return "Grüße, 猫 → ça va"


def main():
    print(greeting())
'''

FILES: Mapping[str, bytes] = {
    "tiny_keeper/__init__.py": MODULE.encode(),
    "tiny_keeper/__main__.py": b"from tiny_keeper import main\n\nmain()\n",
    "tiny_keeper/tests/test_it.py": b"",
    "tiny_keeper-1.0.data/scripts/tiny-script": b"#!python\nimport tiny_keeper\ntiny_keeper.main()\n",
    "tiny_keeper-1.0.data/data/share/tiny/words.txt": b"words\n",
    "tiny_keeper-1.0.dist-info/METADATA": b"Metadata-Version: 2.4\nName: tiny-keeper\nVersion: 1.0\n"
    b"License-Expression: MIT\nLicense-File: LICENSE\n\nA tiny keeper.\n",
    "tiny_keeper-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_keeper-1.0.dist-info/entry_points.txt": b"[console_scripts]\ntiny-keeper = tiny_keeper:main\n",
    "tiny_keeper-1.0.dist-info/licenses/LICENSE": b"MIT License\n",
}


def record(files: Mapping[str, bytes], own: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow([path, f"sha256={digest}", len(data)])
    writer.writerow([own, "", ""])
    return out.getvalue().encode()


def archive(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]], modes: Mapping[str, int] | None = None) -> bytes:
    """A zip with just these members, in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for path, data in files.items() if isinstance(files, Mapping) else files:
            info = zipfile.ZipInfo(path)
            info.external_attr = (modes or {}).get(path, 0o100644) << 16
            written.writestr(info, data)
    return out.getvalue()


def wheel_bytes(files: Mapping[str, bytes] = FILES, modes: Mapping[str, int] | None = None) -> bytes:
    """A wheel of these files, with a RECORD that is true."""
    own = next(path for path in files if path.endswith(".dist-info/WHEEL")).replace("/WHEEL", "/RECORD")
    return archive({**files, own: record(files, own)}, modes)


def pin_of(data: bytes, architecture: Architecture | None = None) -> Pin:
    return Pin("tiny-keeper", "1.0", hashlib.sha256(data).hexdigest(), architecture)


def wheel(folder: Path) -> Wheel:
    data = wheel_bytes()
    (folder / "tiny_keeper-1.0-py3-none-any.whl").write_bytes(data)
    return wheels.load(folder / "tiny_keeper-1.0-py3-none-any.whl", pin_of(data))


def lock(architecture: Architecture) -> Lock:
    """From the real mirror, today, for one architecture."""
    now = datetime.now(UTC)  # noqa: TID251 - a real signature expires by the real clock
    require_mirror()
    return resolve(ImageSettings(architectures=(architecture,)), python.roots(SUPPLIES), now=now)


def image(folder: Path, locked: Lock) -> Image:
    """The image of the lock's one architecture; its wheel is written into `folder`."""
    made = python.recipe(
        "keeper",
        SUPPLIES,
        users=USERS,
        entrypoint=ENTRYPOINT,
        entries=[File(ENTRYPOINT[1].lstrip("/"), Bytes(PROGRAM.encode()))],
        python_wheels=(wheel(folder),),
        exclude=("**/tests",),
    )
    release = python.release_id(made, locked.digest)
    (baked,) = recipe.bake(made, locked, ImageSettings(), locked.architectures, CREATED, release)
    return baked


def check(found: dict[str, object]) -> None:
    """What PROGRAM must find, wherever the image runs with all of its own world."""
    roots = found.pop("roots")
    assert isinstance(roots, int)
    assert roots > 100
    assert found == {
        "greeting": "Grüße, 猫 → ça va",
        "from": "/usr/local/lib/python3.13/dist-packages/tiny_keeper/__init__.py",
        "version": "1.0",
        "licences": ["tiny_keeper-1.0.dist-info/licenses/LICENSE"],
        "locale": "C.UTF-8",
        "encoding": "utf-8",
        "users": [
            ["root", 0, 0, "/root"],
            ["keeper", 1000, 1000, "/db"],
            ["guest", 1001, 1002, "/var/empty"],
            ["nobody", 65534, 65534, "/var/empty"],
        ],
        "me": ["keeper", "keeper"],
        "https": 443,
        "tcp": 6,
        "sqlite": 42,
        "root is read-only": True,
    }
