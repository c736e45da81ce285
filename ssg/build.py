"""The build: read, convert, resolve, render, write. A function of the sources, site.toml and the moment alone.

Nothing is written before everything is rendered and checked, so a build that fails leaves the old tree as it was.
"""

import datetime as dt
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealpress import VERSION, moment
from sealpress.console import SILENT, Progress
from sealpress.problems import Place, Problem, raise_all
from sealpress.sitefile import SiteFile
from sealpress.tree import OutputTree
from ssg import rendering
from ssg.bodies import make_bodies
from ssg.conversion import Workshop
from ssg.l10n.language import Language, language
from ssg.l10n.strings import FOLDER as STRINGS
from ssg.l10n.zones import timezone
from ssg.markup.converted import MarkdownOptions
from ssg.model import Asset, Output, Site
from ssg.reading.assets import content_assets, static_assets
from ssg.reading.content import Content, Options, read_content
from ssg.reading.sources import Sources, list_sources
from ssg.reading.tags import tags_of
from ssg.rendering import theme as themes
from ssg.snapshot import Inputs, Snapshots
from ssg.store import Store
from ssg.writing import folders, write

# Whose other versions could give other bytes: they are part of what a tree was made with.
TOOLS: Final = ("markdown", "pygments", "jinja2", "markupsafe", "babel", "tzdata", "pyyaml")

NO_DATE: Final = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Request:
    """What to build and where to put it.

    `as_of` is the moment of the build; None: SOURCE_DATE_EPOCH, else the commit's, else that of the newest page.
    `in_git` False: the site's folder is an export of a commit, and all of it counts.
    `store` is where results of earlier builds are kept (None: nowhere), `workers` how many processes may work; neither
    can change a byte.
    """

    site: SiteFile
    output: Path
    options: Options = field(default_factory=Options)
    dirty: bool = False
    in_git: bool = True
    as_of: dt.datetime | None = None
    store: Path | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `pages` counts them by language; the rest are sources that were left out."""

    tree: OutputTree
    pages: Mapping[str, int]
    posts: int
    drafts: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    as_of: dt.datetime = field(default=NO_DATE)


def build(request: Request, progress: Progress = SILENT) -> Built:
    """Builds the site into `request.output` and describes the tree.

    Raises Problem or Problems (exit 3), as many as one stage can find, with nothing written.
    """
    sources = _sources(request)
    snapshots = Snapshots(request.store) if request.store else None
    if snapshots is None:
        return _built(request, sources, progress)
    inputs = _inputs(request, sources)
    if known := snapshots.recall(inputs, request.output):
        return _told(*known)
    began, seen = snapshots.now(), inputs.fingerprint()
    built = _built(request, sources, progress)
    snapshots.keep(inputs, seen, began, built.tree, _report(built))
    return built


def _built(request: Request, sources: Sources, progress: Progress) -> Built:
    """The build itself, from the sources to the tree."""
    languages = _languages(request.site)
    site, content = _read(request, sources, languages)
    theme = themes.load(request.site.root, request.site.settings, request.site.document, sources.files)
    left_out = _left_out(content, sources)
    options = {tag: _markdown_options(request.site, theme, tag) for tag in languages}
    bodies = make_bodies(site, languages, options, left_out, _workshop(request), progress)
    outputs = _unique([*_copied(site), *rendering.render(site, bodies, theme, progress)])
    raise_all(bodies.dead_paths(frozenset(outputs)))
    tree = write(request.output, outputs, progress)
    return Built(
        tree,
        pages=MappingProxyType({tag: sum(page.language == tag for page in site.pages) for tag in languages}),
        posts=sum(len(posts) for posts in site.posts_by_language.values()),
        drafts=content.drafts,
        scheduled=content.scheduled,
        untracked=sources.left_out,
        as_of=site.as_of,
    )


def _inputs(request: Request, sources: Sources) -> Inputs:
    """All that the tree and the report depend on: what is said, what is installed, and every file that is read."""
    as_of = request.as_of or moment.as_of(sources.repository)
    head = sources.repository.head() if sources.repository and request.site.settings.build.git_dates else None
    facts = [sys.version, *(f"{name} {version}" for name, version in sorted(tools().items()))]
    facts += [
        repr(request.site.settings),
        repr(request.options),
        str(as_of),
        head.id if head else "",
        *sources.left_out,
    ]
    package = Path(__file__).parent
    code = sorted([*package.rglob("*.py"), *package.parent.glob("sealpress/*.py")])
    theme = sorted(path for path in themes.built_in_folder().rglob("*") if path.is_file())
    return Inputs(tuple(facts), (*(sources.root / file for file in sources.files), *code, *theme))


def _report(built: Built) -> dict[str, Any]:
    return {
        "pages": dict(built.pages),
        "posts": built.posts,
        "drafts": built.drafts,
        "scheduled": built.scheduled,
        "untracked": built.untracked,
        "as_of": built.as_of.isoformat(),
    }


def _told(tree: OutputTree, report: dict[str, Any]) -> Built:
    """What `_report` was made from."""
    return Built(
        tree,
        pages=MappingProxyType(report["pages"]),
        posts=report["posts"],
        drafts=tuple(report["drafts"]),
        scheduled=tuple(report["scheduled"]),
        untracked=tuple(report["untracked"]),
        as_of=dt.datetime.fromisoformat(report["as_of"]),
    )


def _sources(request: Request) -> Sources:
    build_settings = request.site.settings.build
    folders = [
        build_settings.content,
        build_settings.static,
        build_settings.templates,
        STRINGS,
        request.site.settings.site.theme,
    ]
    sources = list_sources(request.site.root, folders, dirty=request.dirty, in_git=request.in_git)
    if not any(file.endswith(".md") for file in sources.below(build_settings.content)):
        hint = "git add them, or build with --dirty" if sources.left_out else "write one: content/index.md"
        raise Problem(
            f'there are no pages in "{build_settings.content}"', place=Place(build_settings.content), hint=hint
        )
    return sources


def _languages(site: SiteFile) -> dict[str, Language]:
    tags = site.settings.site.languages
    return {tag: language(tag, site.place("site", "languages", number)) for number, tag in enumerate(tags)}


def _read(request: Request, sources: Sources, languages: Mapping[str, Language]) -> tuple[Site, Content]:
    settings = request.site.settings
    known = request.as_of or moment.as_of(sources.repository)

    def clock(dates: Iterable[dt.datetime]) -> dt.datetime:
        return known or max(dates, default=NO_DATE)

    zone = timezone(settings.site.timezone, request.site.place("site", "timezone"))
    content = read_content(settings, sources, languages, zone, clock, request.options)
    assets = content_assets(settings, sources, content.pages) + static_assets(settings, sources)
    site = Site(request.site.root, settings, content.pages, (), assets, content.as_of, tools())
    tags = tags_of(settings, site.posts_by_language, languages)
    return Site(site.root, settings, site.pages, tags, assets, site.as_of, site.tools), content


def tools() -> Mapping[str, str]:
    """The versions that the bytes of a tree depend on."""
    return MappingProxyType({"sealpress": VERSION} | {name: version(name) for name in TOOLS})


def _workshop(request: Request) -> Workshop:
    return Workshop(Store(request.store) if request.store else None, request.workers, tools())


def _left_out(content: Content, sources: Sources) -> dict[str, str]:
    """Why a source that a link may name is not on the site."""
    return (
        dict.fromkeys(sources.left_out, "not tracked by git")
        | dict.fromkeys(content.drafts, "a draft")
        | dict.fromkeys(content.scheduled, "dated after this commit")
    )


def _markdown_options(site: SiteFile, theme: themes.Theme, tag: str) -> MarkdownOptions:
    strings = theme.strings[tag]
    return MarkdownOptions.of(
        site.settings.markdown,
        permalink_label=strings.text("heading_link", title="{title}"),
        footnote_label=strings.text("footnote_back", number="{number}"),
    )


def _copied(site: Site) -> list[Output]:
    return [_copy(asset) for asset in site.assets]


def _copy(asset: Asset) -> Output:
    return Output(asset.output, asset.file, asset.source)


def _unique(outputs: Iterable[Output]) -> dict[str, Output]:
    """The outputs by path, sorted. Raises Problem where two want one path, or one is a folder of another."""
    problems: list[Problem] = []
    found: dict[str, Output] = {}
    for output in outputs:
        other = found.setdefault(output.path, output)
        if other is not output:
            problems.append(_clash(output, other, f'both become "{output.path}"'))
    problems += [
        _clash(output, found[folder], f'"{folder}" would be a file and a folder')
        for path, output in found.items()
        for folder in folders(path)
        if folder in found
    ]
    raise_all(problems)
    return {path: found[path] for path in sorted(found, key=lambda path: path.encode())}


def _clash(one: Output, other: Output, why: str) -> Problem:
    return Problem(
        f'"{one.origin}" and "{other.origin}": {why}',
        place=Place(one.origin) if "/" in one.origin else None,
        hint="give one of them another slug or name",
    )
