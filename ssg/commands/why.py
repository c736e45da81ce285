"""`ssg why`: what a file was made from, and which change made it anew."""

from contextlib import suppress
from pathlib import Path

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import Problem
from ssg.commands.options import site_option


def _completed(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: what the last build made and read. Where that isn't known, nothing."""
    from sealpress.config import sitefile  # noqa: PLC0415
    from ssg.cache.last_build import Memory  # noqa: PLC0415
    from ssg.cache.store import folder_of  # noqa: PLC0415

    with suppress(Problem, OSError):
        site = sitefile.open_site(context.params.get("site_file"))
        output = context.params.get("output") or site.root / site.settings.build.output
        memory = Memory.of(folder_of(site.root), output.absolute())
        if last := memory.recall(memory.tree()):
            return [name for name in (*last.sources, *last.outputs) if name.startswith(incomplete)]
    return []


@click.command()
@click.argument("path", shell_complete=_completed)
@site_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The folder that was built into. [default: as site.toml says]",
)
@click.option("--dirty", is_flag=True, help="Look at files too that git doesn't track yet, as the build did.")
@output_options
def why(*, path: str, site_file: Path | None, output: Path | None, dirty: bool, console: Console) -> None:
    """What a file was made from, and which change it was last made anew for.

    PATH is a file of the output tree (posts/shed/index.html), also with the output folder before it, or its path on the
    site (/posts/shed/). Of a source (content/posts/shed.md, templates/base.html), the files for which something was
    asked of it.

    Nothing is built: the last build is asked.
    """
    from sealpress.config import sitefile  # noqa: PLC0415
    from ssg.explain import text  # noqa: PLC0415
    from ssg.explain.why import asked  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    found = asked(site, output or site.root / site.settings.build.output, path, dirty=dirty)
    for line in text.lines(found, console.width, whole=console.whole):
        console.say(line)
    console.result(found.data())
