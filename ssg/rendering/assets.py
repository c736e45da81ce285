"""The kinds of files that no template makes: copies of sources, the theme's own files, images in smaller sizes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sealpress.commands.console import Progress
from sealpress.problems import Problem
from ssg.content.findings import IMAGES
from ssg.content.model import Site
from ssg.images.variants import format_of
from ssg.rendering.output_kind import OutputFile, OutputKind, Subject
from ssg.rendering.queries.site_queries import SiteQueries

COPY: Final[OutputKind] = OutputKind(
    name="copy",
    files=lambda queries: (OutputFile(one.output, COPY, one.source, one.source) for one in queries.site.assets),
    make=None,
    is_reusable=False,
    subject=Subject.FILE,
    words=lambda _origin, _source: "a copy, byte for byte",
    relation="a copy of it",
    tools=(),
)


THEME: Final[OutputKind] = OutputKind(
    name="theme",
    files=lambda queries: (OutputFile(one.path, THEME, one.name, one.origin) for one in queries.assets.files),
    make=lambda rendering, file: rendering.queries.assets.content(file.subject),
    is_reusable=False,
    subject=Subject.THEME,
    words=lambda origin, source: "a file of the theme" if source else origin,
    relation="a copy of it",
)


def images(site: Site) -> tuple[str, ...]:
    """The sources of images that are looked at: those below the content folder."""
    folder = f"{site.settings.build.content}/"
    return tuple(one.source for one in site.assets if one.source.startswith(folder) and format_of(one.source))


def _variants(queries: SiteQueries) -> Iterator[OutputFile]:
    """Each once: of two images with the same content and name, the variants are the same too."""
    found: set[str] = set()
    for source in images(queries.site):
        shown = queries.image(source)
        for variant in shown.variants if shown else ():
            if variant.output not in found:
                found.add(variant.output)
                yield OutputFile(variant.output, IMAGE, source, f"{source}, {variant.width} px wide")


def _damaged(queries: SiteQueries, files: Sequence[OutputFile], workers: int, progress: Progress) -> Iterable[Problem]:
    """One variant of each image shows whether that is whole."""
    of_source = {file.subject: file.path for file in reversed(files)}
    return queries.gallery.damaged(of_source, queries.image_quality(), workers, progress)


IMAGE: Final[OutputKind] = OutputKind(
    name="image",
    files=_variants,
    make=lambda rendering, file: rendering.queries.variant(file.subject, file.path),
    is_reusable=False,  # ssg.images.gallery keeps it
    subject=Subject.FILE,
    words=lambda origin, _source: f"a variant of {origin}",
    relation="a smaller image of it",
    tools=("sealpress", "pillow"),
    has_addresses=False,
    faults=_damaged,
    topic=IMAGES,
    named_by=frozenset({"image_quality"}),
    weight=100,
)
