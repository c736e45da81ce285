"""The commands that look into images: `imagebake inspect` and `imagebake diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from sealpress.command import output_options
from sealpress.console import Console, size
from sealpress.labels import SITE
from sealpress.problems import Exit
from sealpress.settings import Architecture

if TYPE_CHECKING:
    from imagebake.image.comparison import Change, Difference, Setting, State
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


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--arch",
    "architectures",
    multiple=True,
    type=click.Choice(get_args(Architecture)),
    help="Only this architecture; may be given more than once. [default: all that either has]",
)
@output_options
def diff(*, before: Path, after: Path, architectures: tuple[Architecture, ...], console: Console) -> int:
    """Show what differs between two images: packages, settings, files.

    BEFORE and AFTER are archives, OCI layouts, or folders that `imagebake bake` wrote. Ends with 0 where the images are
    the same to the last byte, with 1 where they differ.
    """
    from imagebake.image import comparison  # noqa: PLC0415

    found = comparison.compare(before, after, architectures)
    for one in found:
        _show_difference(one, before, after, console)
    is_equal = all(one.is_equal for one in found)
    console.result({"equal": is_equal, "images": [_difference_data(one) for one in found]})
    return Exit.OK if is_equal else Exit.DIFFERENT


def _show(report: "ImageReport", console: Console) -> None:
    # A layout names its images by their tags alone; the site is what tells one layout from another.
    named = report.reference if "/" in report.reference else f"{report.labels.get(SITE, 'image')}:{report.reference}"
    console.say(f"{named} ({report.architecture})")
    console.say(f"  digest   {report.digest}")
    console.say(f"  config   {report.config_digest}")
    console.say(
        f"  created  {report.created}, runs as {report.user}, listens on {', '.join(report.ports) or 'no port'}"
    )
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
    return {
        "reference": report.reference,
        "digest": report.digest,
        "config": report.config_digest,
        "architecture": report.architecture,
        "variant": report.config.variant,
        "os": report.config.os,
        "created": report.created,
        "user": report.user,
        "ports": list(report.ports),
        "environment": list(execution.environment),
        "entrypoint": list(execution.entrypoint),
        "arguments": list(execution.arguments),
        "volumes": list(execution.volumes),
        "working_dir": execution.working_dir,
        "stop_signal": execution.stop_signal,
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


def _show_difference(found: "Difference", before: Path, after: Path, console: Console) -> None:
    if found.is_equal:
        console.say(f"{found.architecture}: the same, {found.after}")
        return
    if not (found.before and found.after):
        console.say(f"{found.architecture}: only in {before if found.before else after}")
        return
    console.say(f"{found.architecture}: {found.before}")
    console.say(f"{' ' * len(found.architecture)}  {found.after}")
    for title, settings in (("package", found.packages), ("setting", found.settings)):
        if settings:
            console.table([title, "before", "after"], [_setting_row(one) for one in settings])
    if found.files:
        rows = [[_sign(one), one.path, _size(one.before), _size(one.after)] for one in found.files]
        console.table(["", "file", "before", "after"], rows)
        for change in found.files:
            for line in change.lines:
                console.say(f"  {change.path}: {line}")
    counts = [
        f"{len(list(group))} {name}"
        for name, group in (
            ("added", [one for one in found.files if not one.before]),
            ("removed", [one for one in found.files if not one.after]),
            ("changed", [one for one in found.files if one.before and one.after]),
        )
    ]
    console.say(f"files: {', '.join(counts)}")


def _setting_row(setting: "Setting") -> list[str]:
    return [setting.name, *(value or "–" for value in (setting.before, setting.after))]


def _sign(change: "Change") -> str:
    return "~" if change.before and change.after else "-" if change.before else "+"


def _size(state: "State | None") -> str:
    if state is None:
        return "–"
    return size(state.size) if state.kind == "file" else state.kind


def _difference_data(found: "Difference") -> dict[str, object]:
    return {
        "architecture": found.architecture,
        "equal": found.is_equal,
        "before": found.before or None,
        "after": found.after or None,
        "packages": [_setting_data(one) for one in found.packages],
        "settings": [_setting_data(one) for one in found.settings],
        "files": [
            {
                "path": one.path,
                "before": _state_data(one.before),
                "after": _state_data(one.after),
                "lines": list(one.lines),
            }
            for one in found.files
        ],
    }


def _setting_data(setting: "Setting") -> dict[str, object]:
    return {"name": setting.name, "before": setting.before, "after": setting.after}


def _state_data(state: "State | None") -> dict[str, object] | None:
    if state is None:
        return None
    return {
        "kind": state.kind,
        "mode": f"{state.mode:04o}",
        "size": state.size,
        "sha256": state.sha256,
        "target": state.target,
    }
