"""What an image is made of, described: packages, files, users, how its process runs.

A recipe is data. Baking one gives an Image: layers by name, documents by digest, bytes only where they are asked for.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imagebake.image import archive as archives
from imagebake.image import oci
from imagebake.image.entries import Entry
from imagebake.image.layers import Layer, Produce, remembered, stack
from imagebake.packages.lock import Lock
from imagebake.recipes import package_layers
from imagebake.recipes.package_layers import PackageFiles
from imagebake.recipes.statement import reference
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.frozen import frozen

if TYPE_CHECKING:
    from imagebake.recipes.sbom import Component


@frozen
class RecipePart:
    """One layer of a recipe, not made yet. `description` tells all that its entries depend on.

    `architecture` None: all images of the recipe share it. `has_programs`: its programs and libraries are checked
    against the libraries of the packages.
    """

    name: str
    description: str
    entries: Produce
    architecture: Architecture | None = None
    has_programs: bool = False

    def layer(self, blobs: Path | None) -> Layer:
        """Its layer, where it has no programs to check. `blobs` as in layers.described."""
        return remembered(self.name, self.description, self.entries, f"imagebake: {self.name}", blobs)


@frozen
class Recipe:
    """An image for any architecture that its lock has. `parts` go from what changes least to what changes most.

    `components`: what stands in the bill of materials beside the packages.
    """

    name: str
    parts: tuple[RecipePart, ...]
    runtime: oci.Runtime
    components: "tuple[Component, ...]" = ()


@frozen
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
        return reference(self.name, self.release)

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

        subject = sbom.BillSubject(self.digest, self.architecture, self.labels)
        return sbom.document(self.name, self.components(), self.created, subject)

    def archive(
        self,
        reference: str,
        omit: Collection[str] = (),
        beside: Mapping[str, str] = archives.NOWHERE,
        more: Mapping[str, bytes] = archives.NOTHING,
    ) -> Iterator[bytes]:
        """The hybrid archive (image/archive.py), without the layers of these diff_ids. `beside` and `more` as there."""
        return archives.stream(self.sealed, reference, omit, beside, more)

    def archive_size(self, reference: str, omit: Collection[str] = ()) -> int:
        """In bytes."""
        return archives.size(self.sealed, reference, omit)


def bake(
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
    packages = package_layers.files_of(lock, settings, architectures, progress)
    package_layers.begin(packages)
    return layered(recipe, packages, created, release, progress, None)


def layered(
    recipe: Recipe,
    packages: Mapping[Architecture, PackageFiles],
    created: datetime,
    release: str,
    progress: Progress,
    blobs: Path | None,
) -> list[Image]:
    """As `bake`, of packages that may be on their way."""
    layers: dict[Architecture, list[Layer]] = {}
    count = sum(len(files.packages) for files in packages.values()) + len(recipe.parts)
    with progress.track("Describing layers", count) as advance:
        for architecture, files in packages.items():
            layers[architecture] = []
            for package in files.packages:
                layers[architecture].append(files.layer(package, blobs))
                advance(1)
            layers[architecture].append(package_layers.inventory_layer(files, recipe.name, recipe.components, blobs))
        for part in recipe.parts:
            layer = None
            for architecture, stacked in layers.items():
                if part.architecture in {None, architecture}:
                    # What all share is described once; programs are held against each one's libraries.
                    if layer is None or part.has_programs:
                        layer = _layer(part, packages[architecture], blobs)
                    stacked.append(layer)
            advance(1)
    return [
        Image(
            recipe.name,
            release,
            oci.seal(recipe.runtime, stack(layers[architecture]), architecture, created),
            recipe.runtime.labels,
            created,
            partial(package_layers.components, files, recipe.components),
        )
        for architecture, files in packages.items()
    ]


def _layer(part: RecipePart, below: PackageFiles, blobs: Path | None) -> Layer:
    if not part.has_programs:
        return part.layer(blobs)

    def checked() -> Iterable[Entry]:
        from imagebake.recipes import wheels  # noqa: PLC0415 - only for a recipe that has some

        entries = tuple(part.entries())
        present = [entry for one in below.packages for entry in below.entries(one.name)]
        wheels.check_libraries(entries, present, below.architecture)
        return entries

    around = hashlib.sha256("".join(one.diff_id for one in below.packages).encode()).hexdigest()
    return remembered(part.name, f"{part.description} in {around}", checked, f"imagebake: {part.name}", blobs)
