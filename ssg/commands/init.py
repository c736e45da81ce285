"""`ssg init`: begins a blog."""

from pathlib import Path

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from ssg.commands.options import today


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option(
    "--lang",
    "languages",
    multiple=True,
    default=("en",),
    metavar="TAG",
    help="A language of the site (en, fr, pt-BR); the first one is the default. May be given more than once.",
)
@output_options
def init(*, folder: Path, languages: tuple[str, ...], console: Console) -> None:
    """Begin a blog in FOLDER: site.toml, a first post and an about page in each language, a git repository.

    Asks nothing, and writes no file that is there already. [default: this folder]
    """
    from ssg.authoring.starter import begin  # noqa: PLC0415 - --help need not wait for what the work imports

    blog = begin(folder, languages, today())
    where = "" if folder.absolute() == Path.cwd() else f" in {folder}"
    console.say(f"Made {', '.join(blog.files)}{where}{', and a git repository' if blog.made_repository else ''}")
    for tag in blog.foreign:
        console.note(f'the theme has no words in "{tag}" yet: ssg build prints those that are to be translated')
    steps = [f"cd {folder}"] if where else []
    if blog.unnamed:
        console.note("git doesn't know yet who you are")
        steps += ['git config --global user.name "Your Name"', 'git config --global user.email "you@example.org"']
    steps += ['git add -A && git commit -m "Begin"', "publish"]
    console.say("Next:")
    for step in steps:
        console.say(f"  {step}")
    console.result(
        {"folder": str(folder), "files": list(blog.files), "repository": blog.made_repository, "next": steps}
    )
