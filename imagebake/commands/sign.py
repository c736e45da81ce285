"""`imagebake sign`: signs the seal of a baked image."""

from pathlib import Path

import click

from imagebake.commands.options import key_option
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import SealProblem


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("image"))
@key_option
@output_options
def sign(*, path: Path, key: str | None, console: Console) -> None:
    """Sign the seal of a baked image with an SSH key.

    PATH is a folder that imagebake bake wrote, or its seal.json. Verify the image first, best with --rebuild. The key
    is the one that git signs with (gpg.format=ssh, user.signingKey), or --key. A key in ssh-agent will do, too.
    """
    from imagebake.seal import envelope, signing  # noqa: PLC0415 - --help need not wait for it

    file = path / envelope.NAME if path.is_dir() else path
    seal = envelope.load(file)
    wanted = signing.key_for(key, Path.cwd())
    if wanted is None:
        raise SealProblem(
            "there is no key to sign with",
            hint="name one: --key; or let git know it: git config --global gpg.format ssh, then user.signingKey FILE",
        )
    seal = envelope.signed(seal, wanted)
    envelope.save(seal, file)
    console.say(f"Signed {file} with {seal.signatures[-1][0]}")
    console.result({"seal": str(file), "keys": [keyid for keyid, _ in seal.signatures]})
