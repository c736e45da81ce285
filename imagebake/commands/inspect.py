"""`imagebake inspect`: what an image is made of."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.labels import SITE

if TYPE_CHECKING:
    from imagebake.image.inspection import ImageReport


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("image"))
@output_options
def inspect(*, path: Path, console: Console) -> None:
    """Show what an image is made of: layers, packages, sizes, digests.

    PATH is an archive, an OCI layout, or a folder that `imagebake bake` wrote. Every digest is checked.
    """
    from imagebake.image import inspection  # noqa: PLC0415 - --help need not wait for what the work imports

    reports = inspection.inspect(path)
    for report in reports:
        _show(report, console)
    console.result({"images": [_as_data(report) for report in reports]})


def _show(report: "ImageReport", console: Console) -> None:
    # A layout names its images by their tags alone; the site is what tells one layout from another.
    named = report.reference if "/" in report.reference else f"{report.labels.get(SITE, 'image')}:{report.reference}"
    console.say(f"{named} ({report.architecture})")
    console.say(f"  digest   {report.digest}")
    console.say(f"  config   {report.config_digest}")
    runs = report.config.execution
    console.say(f"  created  {report.created}, runs as {runs.user}, listens on {', '.join(runs.ports) or 'no port'}")
    for name, value in sorted(report.labels.items()):
        console.say(f"  label    {name} = {value or '–'}")
    rows = [
        [layer.name, size(layer.size), layer.diff_id if layer.is_there else f"{layer.diff_id} (left out)"]
        for layer in report.layers
    ]
    console.table(["layer", "size", "diff_id"], rows)
    console.say(f"{len(report.layers)} layers, {size(report.size)}")


def _as_data(report: "ImageReport") -> dict[str, object]:
    execution = report.config.execution
    return {one.name: getattr(execution, one.name) for one in fields(execution)} | {
        "reference": report.reference,
        "digest": report.digest,
        "config": report.config_digest,
        "architecture": report.architecture,
        "variant": report.config.variant,
        "os": report.config.os,
        "created": report.created,
        "labels": dict(report.labels),
        "packages": dict(report.packages),
        "size": report.size,
        "layers": [
            {
                "name": layer.name,
                "diff_id": layer.diff_id,
                "size": layer.size,
                "present": layer.is_there,
                "created_by": layer.created_by,
                "package": layer.package[0] if layer.package else None,
            }
            for layer in report.layers
        ],
    }
