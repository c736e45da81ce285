"""`imagebake diff`: what differs between two images."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.config.settings import Architecture
from sealpress.problems import Exit

if TYPE_CHECKING:
    from imagebake.image.comparison import FileState, ImageDifference


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
    from imagebake.nginx import configuration  # noqa: PLC0415

    found = comparison.compare(before, after, architectures, configuration.FOLDER)
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
            console.table(
                [title, "before", "after"], [[one.name, one.before or "–", one.after or "–"] for one in settings]
            )
    if found.files:
        signs = ["~" if one.before and one.after else "-" if one.before else "+" for one in found.files]
        sizes = [[one.path, _size(one.before), _size(one.after)] for one in found.files]
        console.table(["", "file", "before", "after"], [[sign, *row] for sign, row in zip(signs, sizes, strict=True)])
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


def _size(state: "FileState | None") -> str:
    if state is None:
        return "–"
    return size(state.size) if state.kind == "file" else state.kind


def _difference_data(found: "ImageDifference") -> dict[str, object]:
    told = asdict(found)
    for state in (one[side] for one in told["files"] for side in ("before", "after") if one[side]):
        state["mode"] = f"{state['mode']:04o}"
    return told | {"equal": found.is_equal, "before": found.before or None, "after": found.after or None}
