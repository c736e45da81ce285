"""The command `ssg`: builds the output tree of a blog."""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from sealpress.command import Group, output_options, run, version_option
from sealpress.console import Console, size

if TYPE_CHECKING:
    from sealpress.sitefile import SiteFile


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
def ssg() -> None:
    """Render a blog into an output tree that is the same bytes everywhere.

    The blog is a folder with a site.toml, its pages below content/. Run ssg in that folder, or anywhere below it.

    \b
    Examples:
      ssg build                 build into the folder that site.toml names (public/)
      ssg build --drafts        with the pages that are marked as drafts
      ssg build --dirty -o /tmp/look
                                with files that git doesn't track yet, into another folder
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


@ssg.command()
@click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="The site file. [default: the nearest site.toml]"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder to build into. [default: as site.toml says]"
)
@click.option("--drafts", is_flag=True, help="Take pages in that are marked as drafts.")
@click.option("--future", is_flag=True, help="Take pages in that are dated after the commit.")
@click.option("--dirty", is_flag=True, help="Take files in that git doesn't track yet.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), metavar="N", help="How many processes may work. [default: one for each core]"
)
@click.option("--no-cache", is_flag=True, help="Make everything anew, and keep nothing in .sealpress/cache.")
@click.option(
    "--provenance",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write there what the tree was made from, for imagebake bake --provenance.",
)
@output_options
def build(
    *,
    site_file: Path | None,
    output: Path | None,
    drafts: bool,
    future: bool,
    dirty: bool,
    jobs: int | None,
    no_cache: bool,
    provenance: Path | None,
    console: Console,
) -> None:
    """Build the site: read, check every link, render, write.

    Sources are the files that git tracks, as they are in the work tree; outside git, all that .gitignore does not leave
    out. A build that finds a fault writes nothing.

    The clock of a build is its commit's time, or SOURCE_DATE_EPOCH where that is set.
    """
    from sealpress import sitefile  # noqa: PLC0415 - --help need not wait for what a build imports
    from ssg import build as building  # noqa: PLC0415
    from ssg.crew import cores  # noqa: PLC0415
    from ssg.options import Options  # noqa: PLC0415
    from ssg.store import folder_of  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    target = output or site.root / site.settings.build.output
    request = building.Request(
        site,
        target,
        Options(drafts=drafts, future=future),
        dirty=dirty,
        store=None if no_cache else folder_of(site.root),
        workers=jobs or cores(),
    )
    built = building.build(request, console)
    if provenance:
        _write_provenance(site, target, provenance, dirty=dirty)
    counts = ", ".join(f"{count} in {tag}" for tag, count in built.pages.items())
    for name, left_out in (
        ("draft", built.drafts),
        ("scheduled page", built.scheduled),
        ("untracked file", built.untracked),
    ):
        if left_out:
            shown = ", ".join(left_out[:3]) + (", …" if len(left_out) > 3 else "")
            console.note(f"left out: {len(left_out)} {name}{'s' if len(left_out) > 1 else ''} ({shown})")
    console.say(f"Built {len(built.tree.entries)} files, {size(built.tree.size)}, in {target}")
    console.say(f"Pages: {counts}; {built.posts} of them posts")
    console.say(f"Tree:  {built.tree.digest}")
    console.result(
        {
            "output": str(target),
            "tree": built.tree.digest,
            "files": len(built.tree.entries),
            "bytes": built.tree.size,
            "pages": dict(built.pages),
            "posts": built.posts,
            "drafts": list(built.drafts),
            "scheduled": list(built.scheduled),
            "untracked": list(built.untracked),
            "as_of": built.as_of.isoformat(),
        }
    )


def _write_provenance(site: "SiteFile", built: Path, file: Path, *, dirty: bool) -> None:
    """Every file that a build here may read: what git tracks, with `dirty` also what it doesn't know yet."""
    from sealpress import git, provenance  # noqa: PLC0415

    root = site.root.resolve()
    inside = built.resolve().relative_to(root).as_posix() if built.resolve().is_relative_to(root) else ""
    repository = git.discover(root)
    commit = repository.head() if repository else None
    if repository:
        names = [*repository.tracked(root), *(repository.untracked(root) if dirty else ())]
    else:
        names = git.files_without_git(root)
    told = provenance.of_files(
        root,
        [name for name in names if not (inside and name.startswith(f"{inside}/"))],
        commit=commit.id if commit else "",
        clean=bool(repository and commit and repository.is_clean(root, inside)),
        tools=provenance.tools(),
    )
    provenance.save(told, file)


def main() -> NoReturn:
    """The entry point of the command."""
    run(ssg)


if __name__ == "__main__":
    main()
