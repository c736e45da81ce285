"""`imagebake verify`: whether an image is what its seal says."""

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagebake.commands.options import site_here, site_option
from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem, SealProblem, TreeProblem

if TYPE_CHECKING:
    from imagebake.seal.envelope import Seal
    from imagebake.seal.folder import Beside
    from imagebake.seal.rebuild import Rebuilt
    from imagebake.seal.verification import Signer, Verified

_SEAL_NAME = "seal.json"


@click.command()
@click.argument("target", metavar="IMAGE|ARCHIVE|FOLDER", default="image")
@click.option("--rebuild", is_flag=True, help="Build and bake its commit again: the digest must be the same.")
@allow_option
@click.option("--unsigned", is_flag=True, help="Check all but the signature.")
@click.option(
    "--seal", "seal_file", type=click.Path(path_type=Path), help="The seal. [default: seal.json beside the image]"
)
@click.option(
    "--allowed-signers",
    "allowed",
    type=click.Path(path_type=Path),
    help="Whose signatures count. [default: allowed_signers beside site.toml, else the one git has]",
)
@site_option
@click.option("--name", help="The site that it must be of. [default: as site.toml says, if there is one]")
@click.option("--newer-than", "newer_than", metavar="COMMIT|DATE", help="Refuse a release that isn't newer than this.")
@output_options
def verify(
    *,
    target: str,
    rebuild: bool,
    allow_command: bool,
    unsigned: bool,
    seal_file: Path | None,
    allowed: Path | None,
    site_file: Path | None,
    name: str | None,
    newer_than: str | None,
    console: Console,
) -> None:
    """Verify an image: its signature, its digests, its files; with --rebuild, where it comes from.

    The target is a folder that imagebake bake wrote, an OCI layout, an archive, or REGISTRY/NAME:TAG; an image that was
    pushed is fetched with its seal. Ends with 0 only where everything is right, and an engine would load just that. Of
    a folder, files that the seal does not speak of are told.

    \b
    Examples:
      imagebake verify                                   the folder image/
      imagebake verify image --rebuild                   and build its commit again
      imagebake verify --newer-than v1.4                 refuse an older release, shown again
      imagebake verify registry.example.org/blog:latest  what a registry holds
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from sealpress.config import sitefile  # noqa: PLC0415

    site = site_here(site_file)
    home, named = (site.root, sitefile.image_name(site.settings)) if site else (Path.cwd(), None)
    asked = _Asked(home, allowed, name or named, newer_than, is_unsigned=unsigned, allow_command=allow_command)
    path = Path(target)
    if os.path.lexists(path):
        file = seal_file or _seal_beside(path)
        _verify(target, path, file, None, asked, console, rebuild=rebuild)
        return
    from imagebake.registry import reference  # noqa: PLC0415

    if not reference.looks_like_one(target):
        raise TreeProblem(f"there is no {target}", hint="name a folder, an archive, or REGISTRY/NAME:TAG")
    with scratch.folder("verify") as folder:
        layout = folder / "oci"
        found = _pulled(target, layout, seal_file, console)
        _verify(target, layout, None, found, asked, console, rebuild=rebuild)


@frozen
class _Asked:
    """What a seal is held against. `site` None: nothing tells of which site it should be."""

    home: Path  # the site file's folder, else the one that we are in
    allowed: Path | None
    site: str | None
    newer_than: str | None
    is_unsigned: bool
    allow_command: bool  # of the commit that is built again


def _seal_beside(path: Path) -> Path:
    folders = [path, path.absolute().parent] if path.is_dir() else [path.absolute().parent]
    return next((folder for folder in folders if os.path.lexists(folder / _SEAL_NAME)), folders[0]) / _SEAL_NAME


def _pulled(target: str, layout: Path, given: Path | None, console: Console) -> "list[Seal]":
    """Fetches the image; gives the seals that are attached to it."""
    from imagebake.registry import credentials, pull, reference, referrers, transport  # noqa: PLC0415
    from imagebake.registry.client import Altered, ImageRepository  # noqa: PLC0415
    from imagebake.seal import envelope, verification  # noqa: PLC0415

    named = reference.parse(target)
    if not (named.tag or named.digest):
        raise click.UsageError("name the image's tag or digest, too: REGISTRY/NAME:TAG")
    with closing(transport.Transport(named.registry)) as connection:
        repository = ImageRepository(
            named, connection, lambda: credentials.login(named.registry.address, credentials.config_file())
        )
        try:
            top = pull.pull(repository, named, layout, console)
            if given:
                return [envelope.load(given)]
            data = list(referrers.attached(repository, top, envelope.ENVELOPE_TYPE, envelope.LIMIT))
        except Altered as problem:
            raise SealProblem(problem.message, hint=problem.hint) from None
        except Problem as problem:
            raise verification.altered(problem) from None
    if not data:
        raise SealProblem(f"{target} has no seal", hint="imagebake push sends it along; --seal names a file")
    return [envelope.read(one, f"the seal of {target}") for one in data]


def _verify(
    target: str,
    path: Path,
    file: Path | None,
    pulled: "list[Seal] | None",
    asked: _Asked,
    console: Console,
    *,
    rebuild: bool,
) -> None:
    """By the seal in `file`, or the first good one of those that were `pulled`; else, what is wrong with the first."""
    from imagebake.seal import envelope, folder  # noqa: PLC0415

    found: _GoodSeal | None = None
    problem: Problem | None = None
    seals = pulled if pulled is not None else [envelope.load(file)] if file else []
    for seal in seals:
        try:
            found = _checked(path, seal, file, asked, console)
        except Problem as error:
            problem = problem or error
        else:
            break
    if found is None:
        raise problem or SealProblem(f"{target} has no seal")
    beside = None
    if file and folder.is_baked(path):
        beside = folder.check(path, found.images, found.seal.statement, file)
    built = None
    if rebuild:
        from imagebake.seal.rebuild import rebuild as build  # noqa: PLC0415

        built = build(path, found.seal, asked.home, console, allow_command=asked.allow_command)
    _show(target, found, asked, beside, built, console)


@frozen
class _GoodSeal:
    """A seal that is good, and what it is of."""

    seal: "Seal"
    signers: "tuple[Signer, ...]"
    images: "tuple[Verified, ...]"


def _checked(path: Path, seal: "Seal", file: Path | None, asked: _Asked, console: Console) -> _GoodSeal:
    """`file` is the seal's own; None where it was pulled with the image."""
    from imagebake.seal import signing, verification  # noqa: PLC0415

    signers: tuple[Signer, ...] = ()
    if not asked.is_unsigned:
        signers = verification.signers(seal, asked.allowed or signing.allowed(asked.home), signing.revoked(asked.home))
    images = verification.images(path, seal, console, file=file, is_pulled=file is None)
    if asked.site is not None:
        verification.check_site(seal.statement, asked.site)
    if asked.newer_than is not None:
        for image in images:
            verification.check_newer(seal.statement, image.created, asked.newer_than, asked.home)
    return _GoodSeal(seal, signers, images)


def _show(
    target: str, found: _GoodSeal, asked: _Asked, beside: "Beside | None", built: "Rebuilt | None", console: Console
) -> None:
    told, images = found.seal.statement, found.images
    for signer in found.signers:
        console.say(f"Signed by {signer.principal} ({signer.fingerprint})")
    if not found.signers:
        console.say("NOT SIGNED, or the signature was not checked")
    console.say(f"  site     {told.site}" + ("" if asked.site else ": nothing here says which site it should be"))
    console.say(f"  release  {told.release}")
    console.say(f"  commit   {told.commit or 'not known'}" + (" and changes beside it" if told.clean is False else ""))
    inputs = "not known" if told.inputs is None else str(len(told.inputs))
    console.say(f"  inputs   {inputs}; tree {told.tree}")
    console.table(
        ["architecture", "files", "digest"], [[one.architecture, str(one.files), one.digest] for one in images]
    )
    if beside:
        console.say(f"Verified beside each other: {', '.join(beside.verified)}")
    for name in beside.unknown if beside else ():
        console.note(f"{target}/{name} was not verified: the seal does not speak of it")
    if built:
        console.say(
            f"Rebuilt from {built.commit[:12]}: the same" + (" but for compressed siblings" if built.packed else "")
        )
    for path in built.packed if built else ():
        console.note(f"{path} has other bytes and the same content: its encoder depends on the machine")
    console.result(
        {
            "target": target,
            "signers": [{"principal": one.principal, "key": one.fingerprint} for one in found.signers],
            "site": told.site,
            "site_expected": asked.site,
            "release": told.release,
            "commit": told.commit or None,
            "clean": told.clean,
            "inputs": None if told.inputs is None else len(told.inputs),
            "tree": told.tree,
            "lock": told.lock,
            "images": [
                {"architecture": one.architecture, "digest": one.digest, "files": one.files, "siblings": one.siblings}
                for one in images
            ],
            "verified": list(beside.verified) if beside else [],
            "not_verified": list(beside.unknown) if beside else [],
            "rebuilt": None if built is None else {"commit": built.commit, "other_siblings": list(built.packed)},
        }
    )
