"""`imagebake push`: a baked image to a registry."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size

if TYPE_CHECKING:
    from imagebake.registry.client import ImageRepository
    from imagebake.registry.push import Pushed


@click.command()
@click.argument("to", metavar="REGISTRY/NAME[:TAG]")
@click.option(
    "--image",
    "path",
    type=click.Path(path_type=Path),
    default=Path("image"),
    show_default=True,
    help="What to push: a folder that imagebake bake wrote, an OCI layout, or an archive.",
)
@click.option("--tag", "more", multiple=True, help="Another tag; may be given more than once.")
@output_options
def push(*, to: str, path: Path, more: tuple[str, ...], console: Console) -> None:
    """Push a baked image, with all its architectures, to a registry.

    Over HTTPS; a registry on this machine's loopback may do without. Layers that the registry has are not sent. Without
    a TAG, the image is tagged as it is here, by its release. The login is the one that `docker login` keeps:
    config.json in DOCKER_CONFIG or ~/.docker, and the credential helpers that it names. A seal.json beside the image
    goes along.

    \b
    Examples:
      imagebake push registry.example.org/ada/blog
      imagebake push registry.example.org/ada/blog:latest
      imagebake push localhost:5000/blog --image /tmp/image --tag latest
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from imagebake.registry import credentials, reference, transport  # noqa: PLC0415 - --help need not wait for it
    from imagebake.registry.client import ImageRepository  # noqa: PLC0415
    from imagebake.registry.push import push as run  # noqa: PLC0415

    wanted = reference.parse(to)
    if wanted.digest:
        raise click.UsageError("an image is pushed to a tag; its digest follows from its content")
    for tag in more:
        reference.parse(f"{wanted.registry.url}/{wanted.name}:{tag}")
    tags: list[str] = []

    def named(release: str) -> list[str]:
        tags.extend(dict.fromkeys([wanted.tag or release, *more]))
        return tags

    with closing(transport.Transport(wanted.registry)) as connection:
        repository = ImageRepository(
            wanted, connection, lambda: credentials.login(wanted.registry.address, credentials.config_file())
        )
        pushed = run(path, repository, named, console)
        sealed = _attach(path, repository, pushed)
    name = f"{wanted.registry.address}/{wanted.name}"
    for tag in tags:
        console.say(f"Pushed {name}:{tag}")
    console.detail(f"  digest  {pushed.digest}")
    console.detail(f"  seal    {'with it' if sealed else 'none'}")
    console.detail(f"  sent    {size(pushed.sent)}; {pushed.kept} layers were there")
    console.result(
        {
            "name": name,
            "tags": tags,
            "digest": pushed.digest,
            "manifests": dict(pushed.manifests),
            "sent": pushed.sent,
            "kept": pushed.kept,
            "sealed": sealed,
        }
    )


def _attach(path: Path, repository: "ImageRepository", pushed: "Pushed") -> bool:
    """Sends the seal that stands beside the image, where there is one."""
    from imagebake.image import oci  # noqa: PLC0415
    from imagebake.registry import referrers  # noqa: PLC0415
    from imagebake.seal import envelope  # noqa: PLC0415

    file = (path if path.is_dir() and (path / envelope.NAME).exists() else path.absolute().parent) / envelope.NAME
    if not file.exists():
        return False
    seal = envelope.load(file)
    subject = oci.Descriptor(oci.INDEX_TYPE, pushed.digest, pushed.size)
    referrers.attach(repository, subject, oci.OciDocument(envelope.ENVELOPE_TYPE, envelope.document(seal)))
    return True
