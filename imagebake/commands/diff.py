"""`imagebake diff`: what differs between two images."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.config.settings import Architecture
from sealpress.problems import Exit

if TYPE_CHECKING:
    from imagebake.image.comparison import Change, FileState, ImageDifference, Setting


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
    from imagebake import nginx  # noqa: PLC0415
    from imagebake.image import comparison  # noqa: PLC0415

    found = comparison.compare(before, after, architectures, nginx.FOLDER)
    for one in found:
        _show_difference(one, before, after, console)
    is_equal = all(one.is_equal for one in found)
    console.result({"equal": is_equal, "images": [_difference_data(one) for one in found]})
    return Exit.OK if is_equal else Exit.DIFFERENT


def _show_difference(found: "ImageDifference", before: Path, after: Path, console: Console) -> None:
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


def _size(state: "FileState | None") -> str:
    if state is None:
        return "–"
    return size(state.size) if state.kind == "file" else state.kind


def _difference_data(found: "ImageDifference") -> dict[str, object]:
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


def _state_data(state: "FileState | None") -> dict[str, object] | None:
    if state is None:
        return None
    return {
        "kind": state.kind,
        "mode": f"{state.mode:04o}",
        "size": state.size,
        "sha256": state.sha256,
        "target": state.target,
    }
