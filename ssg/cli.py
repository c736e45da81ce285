"""The command `ssg`: begins a blog, and builds its output tree."""

from typing import NoReturn

import click

from sealpress.commands.command import CommandGroup, run, version_option
from ssg.commands.build import build
from ssg.commands.init import init
from ssg.commands.list import list_pages
from ssg.commands.new import new
from ssg.commands.preview import preview
from ssg.commands.why import why


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
def ssg() -> None:
    """Render a blog into an output tree that is the same bytes everywhere.

    The blog is a folder with a site.toml, its pages below content/. Run ssg in that folder, or anywhere below it.

    \b
    Examples:
      ssg init shed             begin a blog in a new folder
      ssg new post "First light"
                                begin a post of today
      ssg preview               look at it while you write
      ssg build                 build into the folder that site.toml names (public/)
      ssg build --drafts        with the pages that are marked as drafts
      ssg build --dirty -o /tmp/look
                                with files that git doesn't track yet, into another folder
      ssg why /posts/shed/      what that page was made from, and why it was made anew
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


for command in (init, new, preview, build, why, list_pages):
    ssg.add_command(command)


def main() -> NoReturn:
    """The entry point of the command."""
    run(ssg)


if __name__ == "__main__":
    main()
