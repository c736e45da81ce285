"""`imagebake bake`: seals a folder of finished files into an image."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from imagebake.commands.options import (
    architectures_option,
    key_option,
    lock_option,
    settings_here,
    site_here,
    site_option,
)
from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.config.settings import LOCK_NAME, Architecture, ImageSettings
from sealpress.files import scratch
from sealpress.files.files import check_way

if TYPE_CHECKING:
    from imagebake.packages.lock import Lock
    from sealpress.config.sitefile import SiteFile


@click.command()
@click.argument("tree", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    default="image",
    show_default=True,
    help="The folder to write to; - for one archive alone, to standard output.",
)
@click.option("--name", help="What the image is called. [default: from site.toml, else the tree's folder]")
@architectures_option
@lock_option
@site_option
@click.option("--no-sign", is_flag=True, help="Leave the seal unsigned.")
@key_option
@click.option(
    "--provenance",
    "provenance_file",
    type=click.Path(path_type=Path),
    help="What TREE was made from, for the seal: a JSON file.",
)
@output_options
def bake(
    *,
    tree: Path,
    output: str,
    name: str | None,
    architectures: tuple[Architecture, ...],
    lock_file: Path | None,
    site_file: Path | None,
    provenance_file: Path | None,
    key: str | None,
    no_sign: bool,
    console: Console,
) -> None:
    """Seal TREE, a folder of finished files, into an image.

    Writes the OCI layout OUTPUT/oci with every architecture, and for each one OUTPUT/NAME-ARCH.tar, which `docker load`
    and `podman load` take, and OUTPUT/NAME-ARCH.spdx.json, its bill of materials (SBOM). Packages are fetched once and
    kept in a cache; after that no network is needed.

    OUTPUT/seal.json says what the release was made from, as far as --provenance tells; it is signed with the SSH key
    that git signs with, or with --key.

    The image's date is SOURCE_DATE_EPOCH, else the time of the commit that the tree's folder is in, else the lock's.

    \b
    Examples:
      imagebake bake public
      imagebake bake public --arch amd64 -o - | ssh HOST docker load
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from imagebake.commands.output import check_place, stream, write, write_archives  # noqa: PLC0415
    from imagebake.image import oci  # noqa: PLC0415
    from imagebake.packages import lock as locks  # noqa: PLC0415
    from imagebake.recipes import page_sources, statement  # noqa: PLC0415
    from imagebake.recipes.sbom import ENDING  # noqa: PLC0415
    from imagebake.recipes.site import bake as bake_site  # noqa: PLC0415
    from imagebake.recipes.site import below  # noqa: PLC0415
    from imagebake.seal import envelope, signing  # noqa: PLC0415
    from sealpress.tree import provenance, strays  # noqa: PLC0415
    from sealpress.tree import tree as trees  # noqa: PLC0415

    settings, folder = settings_here(site_file, architectures)
    if output == _STREAM:
        _check_stream(settings, key, console)
    site = site_here(site_file)
    scanned = trees.scan(tree, site.settings.build.keep if site else ())
    # The seal beside the image says it, too.
    scanned = replace(scanned, below=below(site.document if site else None))
    if scanned.left_out:
        console.note(strays.told(scanned.left_out))
    found = locks.load(lock_file or folder / LOCK_NAME)
    created = _created(tree, found)
    called = name or _name(site, tree)
    source = provenance.load(provenance_file) if provenance_file else None
    names = [f"{called}-{one}{ending}" for one in settings.architectures for ending in (".tar", ENDING)]
    if output != _STREAM:
        check_place(Path(output), [*names, envelope.NAME])
    with _scratch(output) as to, oci.blobs_for(to / "oci") as blobs:
        with page_sources.named(site, tree):
            images = bake_site(
                scanned,
                found,
                settings,
                settings.architectures,
                created,
                name=called,
                source=source,
                document=site.document if site else None,
                progress=console,
                blobs=blobs,
            )
        if output == _STREAM:
            stream(images[0], console)
            console.note(f"Baked {images[0].reference}: {images[0].digest}")
            return
        told = statement.describe(scanned, found.digest, called, images[0].release, source)
        seal = envelope.seal([image.sealed for image in images], images[0].reference, told)
        # Signed before anything is written: who says no to the passphrase has lost nothing.
        if signing_key := None if no_sign else signing.key_for(key, folder):
            seal = envelope.signed(seal, signing_key)
        elif not no_sign:
            console.note("the seal is not signed: git has no SSH key to sign with, and no --key was given")
        written = oci.write_layout([image.sealed for image in images], images[0].reference, to / "oci", console, blobs)
    # The archives take their layers from the layout: no package is unpacked for them again.
    images = [replace(image, sealed=sealed) for image, sealed in zip(images, written, strict=True)]
    write_archives({to / f"{called}-{image.architecture}.tar": image for image in images}, console)
    for image in images:
        write(to / f"{called}-{image.architecture}{ENDING}", [image.bill()])
    envelope.save(seal, to / envelope.NAME)
    console.say(f"Baked {images[0].reference} in {to}")
    if not console.quiet:
        console.table(
            ["architecture", "layers", "size", "digest"],
            [[image.architecture, str(len(image.layers)), size(image.size), image.digest] for image in images],
        )
    console.result(
        {
            "reference": images[0].reference,
            "release": images[0].release,
            "tree": scanned.digest,
            "left_out": list(scanned.left_out),
            "lock": found.digest,
            "output": output,
            "seal": told.digest,
            "keys": [keyid for keyid, _ in seal.signatures],
            "images": [
                {
                    "architecture": image.architecture,
                    "digest": image.digest,
                    "size": image.size,
                    "layers": [layer.diff_id for layer in image.layers],
                }
                for image in images
            ],
        }
    )


_STREAM: Final = "-"


def _check_stream(settings: ImageSettings, key: str | None, console: Console) -> None:
    """What does not go with an archive on standard output: said before anything is done."""
    if console.json:
        raise click.UsageError("-o - writes the archive to standard output, where --json has its document")
    if key:
        raise click.UsageError("-o - writes no seal that --key could sign")
    if len(settings.architectures) != 1:
        chosen = " or ".join(f"--arch {one}" for one in settings.architectures)
        raise click.UsageError(f"-o - writes one archive, so name its architecture: {chosen}")
    if console.out and console.out.isatty():
        raise click.UsageError("-o - writes an archive, and standard output is a terminal: | docker load")


@contextmanager
def _scratch(output: str) -> Iterator[Path]:
    """The folder that was named; for an archive on standard output, one that is gone afterwards."""
    if output != _STREAM:
        check_way(Path(output))
        yield Path(output)
        return
    with scratch.folder("bake") as folder:
        yield folder


def _name(site: "SiteFile | None", tree: Path) -> str:
    """From site.toml, else from the tree's folder, as an image's name may be."""
    if site:
        from sealpress.config import sitefile  # noqa: PLC0415

        return sitefile.image_name(site.settings)
    return re.sub(r"[^a-z0-9]+", "-", tree.absolute().name.lower()).strip("-") or "site"


def _created(tree: Path, lock: "Lock") -> datetime:
    import shutil  # noqa: PLC0415

    from sealpress.git import repository  # noqa: PLC0415

    # A tree of another generator may well be on a machine without git.
    return repository.as_of(repository.discover(tree) if shutil.which("git") else None) or lock.date
