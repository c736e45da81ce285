"""The command `imagebake`: locks packages, bakes a tree into an image, looks into one, signs and verifies it."""

from typing import NoReturn

import click

from imagebake.commands.bake import bake
from imagebake.commands.diff import diff
from imagebake.commands.inspect import inspect
from imagebake.commands.lock import lock
from imagebake.commands.push import push
from imagebake.commands.sign import sign
from imagebake.commands.verify import verify
from sealpress.commands.command import CommandGroup, run, version_option


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


for command in (lock, bake, inspect, diff, push, sign, verify):
    imagebake.add_command(command)


def main() -> NoReturn:
    """The entry point of the command."""
    run(imagebake)


if __name__ == "__main__":
    main()
