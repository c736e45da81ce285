"""A small real site, the real packages of its image, and the image itself: baked once, used by all."""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import resolve
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.tree import tree
from tests.mirrors import require_mirror

CREATED = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
HERE: Architecture = "arm64" if platform.machine() == "aarch64" else "amd64"

# Values that end a string, a directive, a block or a variable, if they are not escaped.
SETTINGS = ImageSettings(
    headers={
        "X-Hostile": 'a "quoted" \\ back\\n $uri ${dollar} $; } server { #',
        "referrer-policy": "no-referrer",
        "X-Empty": "",
    }
)

PAGES = {
    "index.html": b"<h1>home</h1>\n",
    "404.html": b"<p>not here</p>\n",
    "fr/index.html": b"<h1>accueil</h1>\n",
    "fr/404.html": b"<p>introuvable</p>\n",
    "posts/cats/index.html": b"<p>cats</p>\n",
    "about.html": b"<p>about</p>\n",
    "empty/only.txt": b"text\n",
    "feed.xml": b"<feed/>\n",
    "fr/rss.xml": b"<rss/>\n",
    "data.xml": b"<data/>\n",
    "style.0a1b2c3d.css": b"body { color: red }\n" * 40,
    "style.css": b"body { color: red }\n",
    "page.0a1b2c3d.html": b"<p>looks fingerprinted</p>\n",
    "big.js": b"let x = 1;\n" * 300_000,
    "pre.js": b"let y = 2;\n",
    "pre.js.br": b"not really brotli, but served as if it were",
    "images/p\u00e9ch\u00e9 %20 $uri.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "a.woff2": b"wOF2",
    "b.avif": b"avif",
    "c.webmanifest": b"{}",
    "d.mjs": b"export {}\n",
    "e.wasm": b"\0asm",
    "f.unknown": b"?",
    ".well-known/security.txt": b"Contact: mailto:a@example.org\n",
}


def write_tree(folder: Path, pages: dict[str, bytes] = PAGES) -> Path:
    for path, data in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def site_lock() -> Lock:
    """What `imagebake lock` finds today, with this machine's own cache of packages."""
    now = datetime.now(UTC)  # noqa: TID251 - a real signature expires by the real clock
    require_mirror()
    return resolve(ImageSettings(), site.ROOTS, now=now)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine can read: pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="imagebake-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def image(site_lock: Lock, open_folder: Path) -> Image:
    """The image of PAGES for this machine."""
    scanned = tree.scan(write_tree(open_folder / "tree"))
    return site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example", commit="c" * 40)[0]


@pytest.fixture(scope="session")
def rootfs(image: Image, open_folder: Path) -> Path:
    runners.unpack(image.layers, open_folder / "rootfs")
    return open_folder / "rootfs"
