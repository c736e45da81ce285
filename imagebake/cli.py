"""The command `imagebake`: locks packages, bakes a tree into an image, looks into one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, get_args

import click

from imagebake.commands.inspect import diff, inspect
from imagebake.commands.push import push
from imagebake.commands.verify import key_for, seal_options, sign, signed, verify
from sealpress import scratch
from sealpress.command import Group, output_options, run, version_option
from sealpress.console import Console, size
from sealpress.files import check_way
from sealpress.problems import Exit
from sealpress.settings import LOCK_NAME, Architecture, ImageSettings

if TYPE_CHECKING:
    from imagebake.packages.lock import Lock
    from sealpress.sitefile import SiteFile

_site = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    help="The site file. [default: the nearest site.toml, if there is one]",
)
_lock = click.option(
    "--lock",
    "--file",
    "lock_file",
    type=click.Path(path_type=Path),
    help=f"The lock. [default: {LOCK_NAME} beside site.toml, else here]",
)
_architectures = click.option(
    "--arch",
    "architectures",
    multiple=True,
    type=click.Choice(get_args(Architecture)),
    help="Only this architecture; may be given more than once. [default: as site.toml says]",
)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
def imagebake() -> None:
    """Seal a static tree into a small nginx image: no daemon, no Dockerfile, the same bytes everywhere.

    The image is made of pinned Debian packages, one layer each, and holds no shell and no package manager. Any tree of
    files will do, whatever generator wrote it. Settings come from [image] in site.toml where there is one.

    \b
    Examples:
      imagebake lock            pin nginx's packages in imagebake.lock; commit that file
      imagebake lock --outdated see whether security updates wait for it
      imagebake bake public/    seal the folder public/ into image/
      imagebake inspect image/  show layers, sizes, digests
      imagebake diff old/ new/  show packages, settings and files that differ
      docker load < image/NAME-amd64.tar
                                take the image to Docker or Podman by hand
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


@imagebake.command()
@click.option("--upgrade", is_flag=True, help="Take the newest version of every package.")
@click.option(
    "--outdated",
    is_flag=True,
    help="Write nothing; list packages with newer versions, and exit with 1 where a security update waits.",
)
@_architectures
@_lock
@_site
@output_options
def lock(
    *,
    upgrade: bool,
    outdated: bool,
    architectures: tuple[Architecture, ...],
    lock_file: Path | None,
    site_file: Path | None,
    console: Console,
) -> int:
    """Resolve the packages of the image and pin them in imagebake.lock.

    Asks a Debian mirror: [image] mirror in site.toml, else SEALPRESS_MIRROR, else where this machine's apt asks. The
    mirror's signature is checked, and every package is pinned by its sha256. Versions that an existing lock has are
    kept while the mirror has them; --upgrade takes the newest, and never an older one than the lock has.
    """
    if outdated:
        if upgrade or architectures:
            raise click.UsageError("--outdated goes with neither --upgrade nor --arch: it looks at the lock as it is")
        return _outdated(lock_file, site_file, console)
    from imagebake.packages import lock as locks  # noqa: PLC0415
    from imagebake.packages.resolve import resolve  # noqa: PLC0415
    from imagebake.recipes.site import ROOTS  # noqa: PLC0415 - --help need not wait for what the work imports

    settings, folder = _settings(site_file, architectures)
    file = lock_file or folder / LOCK_NAME
    check_way(file.parent)
    existing = locks.load(file) if file.is_file() else None
    found = resolve(settings, ROOTS, now=_now(), existing=existing, upgrade=upgrade, progress=console)
    locks.save(found, file)
    changed = existing is None or existing.digest != found.digest
    if not console.quiet:
        console.table(
            ["package", "version", "architecture", "size"],
            [[one.name, one.version, one.architecture, size(one.size)] for one in found.packages],
        )
    console.say(f"{'Wrote' if changed else 'Nothing newer than'} {file}: {found.digest}")
    console.result(
        {
            "lock": str(file),
            "digest": found.digest,
            "changed": changed,
            "suite": found.suite,
            "date": found.date.isoformat(),
            "packages": [
                {
                    "name": one.name,
                    "version": one.version,
                    "architecture": one.architecture,
                    "sha256": one.sha256,
                    "size": one.size,
                    "diff_id": one.diff_id,
                }
                for one in found.packages
            ],
        }
    )
    return Exit.OK


def _outdated(lock_file: Path | None, site_file: Path | None, console: Console) -> int:
    from imagebake.packages import lock as locks  # noqa: PLC0415
    from imagebake.packages import resolve  # noqa: PLC0415

    settings, folder = _settings(site_file, ())
    file = lock_file or folder / LOCK_NAME
    found = resolve.outdated(settings, locks.load(file), now=_now(), progress=console)
    # Mostly both architectures lag behind in the same: that is one line for a person.
    lines: dict[tuple[str, str, str, str], list[str]] = {}
    for one in found:
        told = (one.name, one.locked, one.newest, "yes" if one.is_security else "no")
        lines.setdefault(told, []).append(one.architecture)
    if lines:
        rows = [[*told, ", ".join(where)] for told, where in lines.items()]
        console.table(["package", "locked", "newest", "security", "architecture"], rows)
    waiting = sorted({one.name for one in found if one.is_security})
    if waiting:
        console.say(f"Security updates wait for {', '.join(waiting)}: imagebake lock --upgrade")
    else:
        console.say("No security update waits" if found else f"Nothing is newer than {file}")
    console.result(
        {
            "lock": str(file),
            "security": bool(waiting),
            "outdated": [
                {
                    "name": one.name,
                    "architecture": one.architecture,
                    "locked": one.locked,
                    "newest": one.newest,
                    "security": one.is_security,
                }
                for one in found
            ],
        }
    )
    return Exit.DIFFERENT if waiting else Exit.OK


def _now() -> datetime:
    """The wall clock: it decides only whether a mirror's answer is too old to be believed."""
    return datetime.now(UTC)  # noqa: TID251


@imagebake.command()
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
@_architectures
@_lock
@_site
@seal_options
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
    from imagebake.seal import envelope  # noqa: PLC0415
    from sealpress import provenance, strays  # noqa: PLC0415
    from sealpress import tree as trees  # noqa: PLC0415

    settings, folder = _settings(site_file, architectures)
    if output == _STREAM:
        _check_stream(settings, key, console)
    site = _site_here(site_file)
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
        if signing_key := None if no_sign else key_for(key, folder):
            seal = signed(seal, signing_key)
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


imagebake.add_command(inspect)
imagebake.add_command(diff)
imagebake.add_command(push)
imagebake.add_command(sign)
imagebake.add_command(verify)


def _settings(site_file: Path | None, architectures: tuple[Architecture, ...]) -> tuple[ImageSettings, Path]:
    """[image] of the site here, with the architectures that were asked for, and the folder that its lock is in."""
    site = _site_here(site_file)
    settings, folder = (site.settings.image, site.root) if site else (ImageSettings(), Path.cwd())
    return (replace(settings, architectures=tuple(dict.fromkeys(architectures))) if architectures else settings), folder


def _site_here(site_file: Path | None) -> "SiteFile | None":
    """The site file that was given, else the nearest; None where there is none. Raises Problem (exit 3)."""
    from sealpress import sitefile  # noqa: PLC0415

    return sitefile.open_site(site_file) if site_file or sitefile.find(Path.cwd()) else None


def _name(site: "SiteFile | None", tree: Path) -> str:
    """From site.toml, else from the tree's folder, as an image's name may be."""
    import re  # noqa: PLC0415

    if site:
        from sealpress import sitefile  # noqa: PLC0415

        return sitefile.image_name(site.settings)
    return re.sub(r"[^a-z0-9]+", "-", tree.absolute().name.lower()).strip("-") or "site"


def _created(tree: Path, lock: "Lock") -> datetime:
    import shutil  # noqa: PLC0415

    from sealpress import git, moment  # noqa: PLC0415

    # A tree of another generator may well be on a machine without git.
    return moment.as_of(git.discover(tree) if shutil.which("git") else None) or lock.date


def main() -> NoReturn:
    """The entry point of the command."""
    run(imagebake)


if __name__ == "__main__":
    main()
