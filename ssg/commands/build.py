"""`ssg build`: renders the site into its output folder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from ssg.commands.options import site_option

if TYPE_CHECKING:
    from sealpress.config.sitefile import SiteFile
    from ssg.build.result import Built


@click.command()
@site_option
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
    "--adopt",
    is_flag=True,
    help="Take an output folder in which no build wrote: files that the site has are replaced, others stay.",
)
@click.option("--strict", is_flag=True, help="Take warnings for faults: a build that finds one writes nothing.")
@click.option("--profile", is_flag=True, help="Show where the time went: phases, slowest pages and templates.")
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
    adopt: bool,
    strict: bool,
    profile: bool,
    provenance: Path | None,
    console: Console,
) -> None:
    """Build the site: read, check every link, render, write.

    Sources are the files that git tracks, as they are in the work tree; outside git, all that .gitignore does not leave
    out. A build that finds a fault writes nothing.

    The clock of a build is its commit's time, or SOURCE_DATE_EPOCH where that is set.
    """
    from sealpress.config import sitefile  # noqa: PLC0415 - --help need not wait for what a build imports
    from sealpress.processes.workers import cores  # noqa: PLC0415
    from sealpress.tree import strays  # noqa: PLC0415
    from ssg.build import build as building  # noqa: PLC0415
    from ssg.build import inputs  # noqa: PLC0415
    from ssg.cache.store import folder_of  # noqa: PLC0415
    from ssg.content.sources import Options  # noqa: PLC0415
    from ssg.explain import left_out  # noqa: PLC0415

    site = sitefile.open_site(site_file, is_tolerant=True)
    target = output or site.root / site.settings.build.output
    request = inputs.Request(
        site,
        target,
        Options(drafts=drafts, future=future),
        dirty=dirty,
        store=None if no_cache else folder_of(site.root),
        workers=jobs or cores(),
        profile=profile,
        adopting=adopt,
        strict=strict,
    )
    built = building.build(request, replace(console, terse=True))
    if provenance:
        _write_provenance(site, target, provenance, dirty=dirty)
    if built.leftovers:
        console.note(strays.told(built.leftovers))
    console.warnings(built.warnings)
    counts = ", ".join(f"{count} in {tag}" for tag, count in built.pages.items())
    for line in left_out.lines(built):
        console.note(line)
    console.say(f"Built {len(built.files)} files, {size(built.size)}, in {target}")
    console.detail(f"Pages: {counts}; {built.posts} of them posts")
    console.detail(f"Made:  {_made(built)}")
    console.detail(f"Tree:  {built.digest}")
    told: dict[str, object] = {}
    if profile:
        from ssg.explain import profile as profiling  # noqa: PLC0415

        told["profile"] = profiling.data(built)
        for line in profiling.lines(built, console.width):
            console.say(line)
    console.result(
        told
        | {
            "output": str(target),
            "tree": built.digest,
            "files": len(built.files),
            "made": built.made,
            "kept": built.kept,
            "written": built.written,
            "bytes": built.size,
            "pages": dict(built.pages),
            "posts": built.posts,
            "drafts": list(built.drafts),
            "scheduled": list(built.scheduled),
            "due": dict(built.scheduled),
            "untracked": list(built.untracked),
            "leftovers": list(built.leftovers),
            "as_of": built.as_of.isoformat(),
            "warnings": [one.as_data() for one in built.warnings],
        }
    )
    console.sum_up(built.warnings)


def _made(built: "Built") -> str:
    """How much work there was, in words."""
    if not built.made and not built.kept:
        return "nothing, since nothing changed"
    kept = f", {built.kept} as an earlier build had rendered them" if built.kept else ""
    return f"{built.made} anew{kept}, {built.written} of {'all' if kept else 'them'} with other bytes than before"


def _write_provenance(site: "SiteFile", built: Path, file: Path, *, dirty: bool) -> None:
    """Every file that a build here may read: what git tracks, with `dirty` also what it doesn't know yet."""
    from sealpress.files import files  # noqa: PLC0415
    from sealpress.git import repository as git  # noqa: PLC0415
    from sealpress.tree import provenance  # noqa: PLC0415

    root = site.root.resolve()
    files.real(file, files.repository(root))  # which a link of the repository would lead elsewhere
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
