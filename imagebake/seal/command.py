"""`imagebake sign` and `imagebake verify`, and the options of `imagebake bake` that seal and sign."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealpress.command import output_options
from sealpress.console import Console
from sealpress.problems import Exit, Problem

if TYPE_CHECKING:
    from imagebake.seal.envelope import Seal
    from imagebake.seal.rebuild import Rebuilt
    from imagebake.seal.signing import Key
    from imagebake.seal.verification import Signer, Verified

_SEAL_NAME = "seal.json"

_key = click.option(
    "--key",
    metavar="KEY",
    help="The SSH key to sign with: a file, private or public. [default: the one git signs with]",
)
_site = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    help="The site file. [default: the nearest site.toml, if there is one]",
)


def seal_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --provenance, --key and --no-sign."""
    function = click.option(
        "--provenance",
        "provenance_file",
        type=click.Path(path_type=Path),
        help="What TREE was made from, for the seal: a JSON file.",
    )(function)
    function = _key(function)
    return click.option("--no-sign", is_flag=True, help="Leave the seal unsigned.")(function)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("image"))
@_key
@output_options
def sign(*, path: Path, key: str | None, console: Console) -> None:
    """Sign the seal of a baked image with an SSH key.

    PATH is a folder that imagebake bake wrote, or its seal.json. Verify the image first, best with --rebuild. The key
    is the one that git signs with (gpg.format=ssh, user.signingKey), or --key. A key in ssh-agent will do, too.
    """
    from imagebake.seal import envelope  # noqa: PLC0415 - --help need not wait for it

    file = path / _SEAL_NAME if path.is_dir() else path
    seal = envelope.load(file)
    wanted = key_for(key, Path.cwd())
    if wanted is None:
        raise Problem(
            "there is no key to sign with",
            hint="name one: --key; or let git know it: git config --global gpg.format ssh, then user.signingKey FILE",
            code=Exit.SEAL,
        )
    seal = signed(seal, wanted)
    envelope.save(seal, file)
    console.say(f"Signed {file} with {seal.signatures[-1][0]}")
    console.result({"seal": str(file), "keys": [keyid for keyid, _ in seal.signatures]})


def key_for(given: str | None, folder: Path) -> "Key | None":
    """The key that was named, else the one that git signs with here, else None."""
    from imagebake.seal import signing  # noqa: PLC0415

    return signing.Key(given) if given else signing.key_of_git(folder)


def signed(seal: "Seal", key: "Key") -> "Seal":
    """The seal with a signature by this key. Raises Problem (exit 10)."""
    from imagebake.seal import envelope, signing  # noqa: PLC0415

    signature = signing.sign(seal.signed_bytes, key)
    return envelope.signed(seal, signing.describe(signature).fingerprint, signature)


@click.command()
@click.argument("target", metavar="IMAGE|ARCHIVE|FOLDER", default="image")
@click.option("--rebuild", is_flag=True, help="Build and bake its commit again: the digest must be the same.")
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
@_site
@output_options
def verify(
    *,
    target: str,
    rebuild: bool,
    unsigned: bool,
    seal_file: Path | None,
    allowed: Path | None,
    site_file: Path | None,
    console: Console,
) -> None:
    """Verify an image: its signature, its digests, its files; with --rebuild, where it comes from.

    The target is a folder that imagebake bake wrote, an OCI layout, an archive, or REGISTRY/NAME:TAG; an image that was
    pushed is fetched with its seal. Ends with 0 only where everything is right.

    \b
    Examples:
      imagebake verify                                   the folder image/
      imagebake verify image --rebuild                   and build its commit again
      imagebake verify registry.example.org/blog:latest  what a registry holds
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    path = Path(target)
    if path.exists():
        found = [_seal_beside(path, seal_file)]
        _verify(target, path, found, allowed, site_file, console, rebuild=rebuild, unsigned=unsigned)
        return
    from imagebake.registry import reference  # noqa: PLC0415

    if not reference.looks_like_one(target):
        raise Problem(f"there is no {target}", hint="name a folder, an archive, or REGISTRY/NAME:TAG", code=Exit.TREE)
    with tempfile.TemporaryDirectory(prefix="sealpress-verify-") as scratch:
        layout = Path(scratch) / "oci"
        found = _pulled(target, layout, seal_file, console)
        _verify(target, layout, found, allowed, site_file, console, rebuild=rebuild, unsigned=unsigned)


def _seal_beside(path: Path, given: Path | None) -> "Seal":
    from imagebake.seal import envelope  # noqa: PLC0415

    folders = [path, path.absolute().parent] if path.is_dir() else [path.absolute().parent]
    found = next((folder for folder in folders if (folder / _SEAL_NAME).exists()), folders[0])
    return envelope.load(given or found / _SEAL_NAME)


def _pulled(target: str, layout: Path, given: Path | None, console: Console) -> "list[Seal]":
    """Fetches the image; gives the seals that are attached to it."""
    from imagebake.registry import credentials, pull, reference, referrers, transport  # noqa: PLC0415
    from imagebake.registry.client import Repository  # noqa: PLC0415
    from imagebake.seal import envelope  # noqa: PLC0415

    named = reference.parse(target)
    if not (named.tag or named.digest):
        raise click.UsageError("name the image's tag or digest, too: REGISTRY/NAME:TAG")
    with transport.Transport(named.registry) as connection:
        repository = Repository(
            named, connection, lambda: credentials.login(named.registry.address, credentials.config_file())
        )
        top = pull.pull(repository, named, layout, console)
        if given:
            return [envelope.load(given)]
        data = list(referrers.attached(repository, top, envelope.ENVELOPE_TYPE, envelope.LIMIT))
    if not data:
        raise Problem(
            f"{target} has no seal", hint="imagebake push sends it along; --seal names a file", code=Exit.SEAL
        )
    return [envelope.read(one, f"the seal of {target}") for one in data]


def _verify(
    target: str,
    path: Path,
    seals: "list[Seal]",
    allowed: Path | None,
    site_file: Path | None,
    console: Console,
    *,
    rebuild: bool,
    unsigned: bool,
) -> None:
    """By the first of the seals that is good; where none is, what is wrong with the first."""
    from imagebake.seal import verification  # noqa: PLC0415

    home = _home(site_file)
    signers: tuple[Signer, ...] = ()
    images: tuple[Verified, ...] = ()
    problem: Problem | None = None
    for seal in seals:
        try:
            signers = () if unsigned else verification.signers(seal, allowed or _allowed(home))
            images = verification.images(path, seal, console)
        except Problem as error:
            problem = problem or error
        else:
            break
    else:
        raise problem or Problem(f"{target} has no seal", code=Exit.SEAL)
    built = None
    if rebuild:
        from imagebake.seal.rebuild import rebuild as build  # noqa: PLC0415

        built = build(path, seal, home, console)
    _show(target, seal, signers, images, built, console)


def _home(site_file: Path | None) -> Path:
    """The folder of the site file; without one, the folder that we are in."""
    from sealpress import sitefile  # noqa: PLC0415

    found = site_file or sitefile.find(Path.cwd())
    return found.absolute().parent if found else Path.cwd()


def _allowed(home: Path) -> Path:
    from imagebake.seal import signing  # noqa: PLC0415

    beside = home / signing.ALLOWED_SIGNERS
    return beside if beside.exists() else signing.allowed_of_git(home) or beside


def _show(
    target: str,
    seal: "Seal",
    signers: "tuple[Signer, ...]",
    images: "tuple[Verified, ...]",
    built: "Rebuilt | None",
    console: Console,
) -> None:
    told = seal.statement
    for signer in signers:
        console.say(f"Signed by {signer.principal} ({signer.fingerprint})")
    if not signers:
        console.say("NOT SIGNED, or the signature was not checked")
    console.say(f"  site     {told.site}")
    console.say(f"  release  {told.release}")
    console.say(f"  commit   {told.commit or 'not known'}" + (" and changes beside it" if told.clean is False else ""))
    inputs = "not known" if told.inputs is None else str(len(told.inputs))
    console.say(f"  inputs   {inputs}; tree {told.tree}")
    console.table(
        ["architecture", "files", "digest"], [[one.architecture, str(one.files), one.digest] for one in images]
    )
    if built:
        console.say(
            f"Rebuilt from {built.commit[:12]}: the same" + (" but for compressed siblings" if built.packed else "")
        )
    for path in built.packed if built else ():
        console.note(f"{path} has other bytes and the same content: its encoder depends on the machine")
    console.result(
        {
            "target": target,
            "signers": [{"principal": one.principal, "key": one.fingerprint} for one in signers],
            "site": told.site,
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
            "rebuilt": None if built is None else {"commit": built.commit, "other_siblings": list(built.packed)},
        }
    )
