"""`ssg new`: begins a page, from an archetype or as the translation of another one."""

from pathlib import Path
from typing import Literal

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from ssg.commands.options import site_option, today


@click.command()
@click.argument("kind", type=click.Choice(["post", "page"]))
@click.argument("title", default="")
@click.option("--lang", "language", default="", metavar="TAG", help="The page's language. [default: the site's]")
@click.option("--in", "folder", default="", metavar="FOLDER", help="A folder below content/, or content/posts/.")
@click.option(
    "--translates",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Begin the translation of this page: a draft with its text.",
)
@site_option
@output_options
def new(
    *,
    kind: Literal["post", "page"],
    title: str,
    language: str,
    folder: str,
    translates: Path | None,
    site_file: Path | None,
    console: Console,
) -> None:
    """Begin a page with TITLE, in a file that is called after it.

    A post is dated today. Where the site has archetypes/post.md (post.fr.md, page.md), the page begins as that says:
    {{ title }}, {{ date }} and {{ language }} in it are filled in.

    \b
    Examples:
      ssg new post "First light"                     content/posts/first-light.md
      ssg new page "Star charts" --in docs           content/docs/star-charts.md
      ssg new post --translates content/posts/first-light.md --lang fr
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from sealpress.config import sitefile  # noqa: PLC0415 - --help need not wait for what the work imports
    from ssg.authoring import archetypes  # noqa: PLC0415

    if not title.strip() and not translates:
        raise click.UsageError(f'what is the {kind} called? ssg new {kind} "Title"')
    if translates and folder:
        raise click.UsageError("--in goes without --translates: a translation lies beside what it translates")
    site = sitefile.open_site(site_file)
    if translates:
        source = archetypes.translation(site, translates, title.strip(), language)
        console.note("it is a draft with the text that is to be translated: translate it, and take out draft")
    else:
        source = archetypes.new(site, kind, title.strip(), language, folder, today(site))
    console.say(str(site.root / source) if site.root != Path.cwd() else source)
    console.result({"source": source})
