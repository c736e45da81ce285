"""What an image is made of, described: packages, files, users, how its process runs. `site` is the recipe of a blog.

A recipe is data. Baking one gives an Image: layers by name, documents by digest, bytes only where they are asked for.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from imagebake import nginx
from imagebake.image import archive as archives
from imagebake.image import nss, oci, tar
from imagebake.image.entries import Bytes, Entry, File
from imagebake.image.layers import Layer, Part, remembered, stack
from imagebake.nginx import languages, redirects, trial
from imagebake.packages.lock import Lock
from imagebake.packages.selection import Root
from imagebake.policy import header
from imagebake.policy.header import NO_POLICY, Policies
from imagebake.policy.needs import Needs
from imagebake.recipes import package_layers, precompressed, site_layers, statement
from imagebake.recipes.package_layers import Shelf
from imagebake.recipes.site_layers import TreeParts
from sealpress import VERSION, labels, sitefile
from sealpress.console import SILENT, Progress
from sealpress.document import Node
from sealpress.problems import Exit, Problem
from sealpress.provenance import Provenance
from sealpress.settings import Architecture, ImageSettings
from sealpress.tree import OutputTree

if TYPE_CHECKING:
    from imagebake.recipes.sbom import Component

SITE_ROOTS: Final = (
    Root("libnginx-mod-http-brotli-static", nginx.BROTLI_MODULE),
    Root("nginx", "usr/sbin/nginx"),
)
"""What `imagebake lock` resolves for the image of a site."""

_NAME_LIMIT: Final = 128
CONFIGURATION: Final = "configuration"
"""The layer with nginx's configuration."""

# What it is called, for which machines it is, and where its bytes come from.
_OUTSIDE: Final = frozenset({"name", "architectures", "mirror", "security_mirror", "snapshot_mirror"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image for any architecture that its lock has. `parts` go from what changes least to what changes most.

    `components`: what stands in the bill of materials beside the packages.
    """

    name: str
    parts: tuple[Part, ...]
    runtime: oci.Runtime
    components: "tuple[Component, ...]" = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A baked image. `reference` is its name on a host, "localhost/site/NAME:RELEASE"; `release` is "sha256:…".

    `components` tells what it is made of, when somebody asks.
    """

    name: str
    release: str
    sealed: oci.Sealed
    labels: Mapping[str, str]
    created: datetime
    components: "Callable[[], tuple[Component, ...]]"

    @property
    def reference(self) -> str:
        return statement.reference(self.name, self.release)

    @property
    def architecture(self) -> Architecture:
        return self.sealed.architecture

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Lowest first."""
        return self.sealed.layers

    @property
    def digest(self) -> str:
        """The manifest's digest: what names the image."""
        return self.sealed.manifest.digest

    @property
    def size(self) -> int:
        """All layers together, uncompressed, in bytes."""
        return sum(layer.size for layer in self.layers)

    def bill(self) -> bytes:
        """The SPDX document to stand beside the image: it names the image by its digest (sbom.py)."""
        from imagebake.recipes import sbom  # noqa: PLC0415 - only where somebody wants one

        subject = sbom.Subject(self.digest, self.architecture, self.labels)
        return sbom.document(self.name, self.components(), self.created, subject)

    def archive(self, reference: str, omit: Collection[str] = ()) -> Iterator[bytes]:
        """The hybrid archive (image/archive.py), without the layers of these diff_ids."""
        return archives.stream(self.sealed, reference, omit)

    def archive_size(self, reference: str, omit: Collection[str] = ()) -> int:
        """In bytes."""
        return archives.size(self.sealed, reference, omit)


def release_id(tree: OutputTree, lock: Lock, settings: ImageSettings, policy: Policies = NO_POLICY) -> str:
    """What a release is called, "sha256:…", known before the bake: the digest of all that its image depends on.

    Every setting of [image] counts but for those that say nothing of what is in the image (see _OUTSIDE). `policy` is
    the Content-Security-Policy: it depends on the site's own address, too.
    """
    sealed = {one.name: _plain(getattr(settings, one.name)) for one in fields(settings) if one.name not in _OUTSIDE}
    data = {
        "tree": tree.digest,
        "below": tree.below,
        "lock": lock.digest,
        "settings": sealed,
        "policy": [policy.pages, policy.drawings],
        "siblings": precompressed.RULES,
        "sealpress": VERSION,
    }
    return "sha256:" + hashlib.sha256(oci.canonical(data)).hexdigest()


def _plain(value: object) -> object:
    """A setting as JSON has it."""
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case str() | int() | None:
            return value
    raise TypeError(f"no setting has values such as {value!r}")


def site(
    tree: OutputTree,
    settings: ImageSettings,
    name: str,
    release: str,
    commit: str,
    document: Node | None = None,
    policy: Policies = NO_POLICY,
    seal: bytes = b"",
    held: TreeParts | None = None,
) -> Recipe:
    """The recipe of a site's image: nginx with its configuration, then the tree.

    What names the release goes with the front, which nearly every release changes anyway: an edited page then changes
    two layers in all. `document` is site.toml as it was read, for places; `policy` the Content-Security-Policy; `seal`
    the release statement (seal/statement.py), b"" for an image that has none; `held` the parts of the tree, where they
    are known.

    Raises Problem (exit 3) for a header or a redirect that can't be, (exit 5) for what doesn't fit the tree.
    """
    moved = redirects.read(tree, settings, document)
    tree = replace(tree, entries=tree.served)
    paths = frozenset(tree.paths)
    languages.front_pages(settings, paths, tree.below, document)
    served = nginx.entries(settings, paths, moved, policy, tree.below)
    configuration = (*nss.entries(), *served)
    marks = [File(f"{nginx.ROOT}/{nginx.RELEASE_PATH}", Bytes(f"{release}\n".encode()))]
    told = {labels.SITE: name, labels.RELEASE: release, labels.COMMIT: commit}
    if seal:
        marks.append(File(f"{nginx.ROOT}/{nginx.SEAL_PATH}", Bytes(seal)))
        told[labels.SEAL] = "sha256:" + hashlib.sha256(seal).hexdigest()
    held = held or site_layers.of(tree, name)
    return Recipe(
        name=name,
        parts=(
            Part(CONFIGURATION, _digest_of(configuration), lambda: configuration),
            *held.below,
            held.front(marks),
        ),
        runtime=oci.Runtime(
            entrypoint=nginx.ENTRYPOINT,
            user=f"{nss.USER}:{nss.GROUP}",
            port=settings.port,
            stop_signal="SIGQUIT",  # nginx's graceful end: answers under way are finished
            labels=MappingProxyType(told),
        ),
    )


def content_policy(
    tree: OutputTree,
    settings: ImageSettings,
    name: str,
    document: Node | None = None,
    known: Mapping[str, Needs] = MappingProxyType({}),
) -> Policies:
    """The Content-Security-Policies of a site. `known`: what needs.read has found beforehand.

    Raises Problem (exit 5) as `policy.header.compute` does.
    """
    served = replace(tree, entries=tree.served)
    return header.compute(served, settings, url=_url(document), name=name, known=known)


def below(document: Node | None) -> str:
    """OutputTree.below of a site whose site.toml this is; "" where there is none."""
    return sitefile.below(_url(document))


def _url(document: Node | None) -> str:
    url = document.at("site", "url") if document else None
    return str(url.value) if url else ""


def bake(
    tree: OutputTree,
    lock: Lock,
    settings: ImageSettings,
    architecture: Architecture,
    created: datetime,
    *,
    name: str,
    commit: str = "",
    source: Provenance | None = None,
    document: Node | None = None,
    progress: Progress = SILENT,
) -> Image:
    """The image of a site. `created` becomes its date; `commit` in hex digits, "" for a tree that no commit holds.

    `source` tells what the tree was made from, and takes the place of `commit`. `document` is site.toml as it was
    read, for places. With a warm cache nothing is fetched. Raises Problem: (exit 2) a name that no image can have,
    (exit 3) a header or a redirect that can't be, (exit 4) a package that can't be had or trusted, (exit 5) a tree that
    can't be sealed, or that its redirects don't fit.
    """
    (image,) = bake_each(
        tree,
        lock,
        settings,
        (architecture,),
        created,
        name=name,
        commit=commit,
        source=source,
        document=document,
        progress=progress,
    )
    return image


def bake_each(
    tree: OutputTree,
    lock: Lock,
    settings: ImageSettings,
    architectures: Sequence[Architecture],
    created: datetime,
    *,
    name: str,
    commit: str = "",
    source: Provenance | None = None,
    document: Node | None = None,
    progress: Progress = SILENT,
    blobs: Path | None = None,
) -> list[Image]:
    """As `bake`, for several architectures at once: what they share is worked out once. In the order given.

    `blobs`: a folder in which tars are left that had to be produced (oci.blobs_for).
    """
    if not re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", name) or len(name) > _NAME_LIMIT:
        raise Problem(
            f'"{name}" can\'t be the name of an image',
            hint="use small letters and digits, with dots, dashes or underscores between them",
            code=Exit.USAGE,
        )
    settings = _of_suite(settings, lock, document)
    shelves = package_layers.filled(lock, settings, architectures, progress)
    tree = replace(tree, below=below(document)) if document else tree
    served = replace(tree, entries=tree.served)
    held = site_layers.of(served, name)
    unread = header.unread(served, settings, name)
    needs = site_layers.ahead(served, held.below, unread, partial(package_layers.begin, shelves), progress, blobs)
    policy = content_policy(tree, settings, name, document, needs)
    policy.tell(progress)
    release = release_id(tree, lock, settings, policy)
    seal = statement.describe(tree, lock.digest, name, release, source, commit)
    recipe = site(tree, settings, name, release, seal.held_by, document, policy, seal.data, held)
    images = _bake(recipe, lock, shelves, created, release, progress, blobs)
    for image in images:
        if shelves[image.architecture].is_at_hand:
            count = len(lock.of(image.architecture))
            own = [layer for layer in image.layers[count:] if layer.name == CONFIGURATION]
            trial.check([*image.layers[:count], *own], image.architecture, document)
    return images


def _of_suite(settings: ImageSettings, lock: Lock, document: Node | None) -> ImageSettings:
    """The settings, of the suite that the lock is of: what nginx is told depends on which one it is.

    Raises Problem (exit 4) where site.toml asks for another.
    """
    asked = document.at("image", "suite") if document else None
    if asked and asked.value != lock.suite:
        raise Problem(
            f'[image] suite is "{asked.value}", and the lock has packages of "{lock.suite}"',
            place=asked.place,
            hint="imagebake lock renews it",
            code=Exit.LOCK,
        )
    return replace(settings, suite=lock.suite)


def bake_recipe(
    recipe: Recipe,
    lock: Lock,
    settings: ImageSettings,
    architectures: Sequence[Architecture],
    created: datetime,
    release: str,
    progress: Progress = SILENT,
) -> list[Image]:
    """Any recipe's images: one layer for each package, then its parts, which all architectures share.

    Raises Problem (exit 4, 5).
    """
    shelves = package_layers.filled(lock, settings, architectures, progress)
    package_layers.begin(shelves)
    return _bake(recipe, lock, shelves, created, release, progress, None)


def _bake(
    recipe: Recipe,
    lock: Lock,
    shelves: Mapping[Architecture, Shelf],
    created: datetime,
    release: str,
    progress: Progress,
    blobs: Path | None,
) -> list[Image]:
    packages = {architecture: lock.of(architecture) for architecture in shelves}
    layers: dict[Architecture, list[Layer]] = {}
    with progress.track("Describing layers", sum(map(len, packages.values())) + len(recipe.parts)) as advance:
        for architecture, locked in packages.items():
            layers[architecture] = []
            for package in locked:
                layers[architecture].append(package_layers.package_layer(package, shelves[architecture], blobs))
                advance(1)
            layers[architecture].append(
                package_layers.inventory_layer(
                    recipe.name, recipe.components, lock, architecture, shelves[architecture], blobs
                )
            )
        for part in recipe.parts:
            wanted = [one for one in layers if part.architecture in {None, one}]
            layer = None
            for architecture in wanted:
                # What all share is described once; programs are held against each one's libraries.
                if layer is None or part.has_programs:
                    layer = _part_layer(part, lock, architecture, shelves[architecture], blobs)
                layers[architecture].append(layer)
            advance(1)
    return [
        Image(
            recipe.name,
            release,
            oci.seal(recipe.runtime, stack(layers[architecture]), architecture, created),
            recipe.runtime.labels,
            created,
            partial(package_layers.components, recipe.components, lock, architecture, shelves[architecture]),
        )
        for architecture in shelves
    ]


def _part_layer(part: Part, lock: Lock, architecture: Architecture, below: Shelf, blobs: Path | None) -> Layer:
    if not part.has_programs:
        return site_layers.layer(part, blobs)

    def checked() -> Iterable[Entry]:
        from imagebake.recipes import wheels  # noqa: PLC0415 - only for a recipe that has some

        entries = tuple(part.entries())
        present = [entry for one in packages for entry in below.entries(one.name)]
        wheels.check_libraries(entries, present, architecture)
        return entries

    packages = lock.of(architecture)
    around = hashlib.sha256("".join(one.diff_id for one in packages).encode()).hexdigest()
    return remembered(part.name, f"{part.description} in {around}", checked, f"imagebake: {part.name}", blobs)


def _digest_of(entries: Iterable[Entry]) -> str:
    """A digest of small entries, which are all in memory."""
    return tar.digest(entries).diff_id
