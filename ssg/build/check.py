"""What is wrong with a site as a whole: files that want one path, paths that no site publishes, links that lead
nowhere.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sealpress.problems import Place, Problem
from sealpress.tree import strays
from sealpress.tree.tree import NAME_LIMIT, PATH_LIMIT, unfit
from ssg.build.records import PARSED_PAGES
from ssg.build.structure import Structure
from ssg.checks.whereabouts import slot_anchors
from ssg.content.links import Checker, Doubts
from ssg.content.model import Page
from ssg.content.places import in_body, lines_of
from ssg.markup.text.converted import Slot
from ssg.output.stage import folders
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.queries.site_queries import SiteQueries

_RECENT: Final = 64  # pages whose anchors are in memory
_looked_at = PARSED_PAGES.at("faults", "warnings", "links")


class CheckedLinks(NamedTuple):
    """What the links of pages lead to. `anchored` are, of each page, those pages whose anchors it links to; `brought`,
    of each of these with slots that may have anchors, the anchors that they bring; `dead` are the links that lead
    nowhere, each as a page's source and what it names there.
    """

    anchored: dict[str, tuple[str, ...]]
    brought: dict[str, tuple[str, ...]]
    dead: list[tuple[str, str]]


def check_links(
    structure: Structure, queries: SiteQueries, pages: Iterable[Page], outputs: Collection[str]
) -> CheckedLinks:
    """Looks at the bodies of `pages`: their faults and warnings, and whether their links lead to one of the `outputs`.

    All that it finds is told to the structure's findings.
    """
    site = structure.inputs.request.site
    parsed_pages = structure.reading.parsed_pages

    def place(page: Page, link: Slot) -> Place:
        return in_body(page, lines_of(site.root, page), link)

    brought: dict[str, tuple[str, ...]] = {}

    @lru_cache(_RECENT)  # a page may lead to itself thousands of times
    def ids(source: str) -> frozenset[str]:
        own, found = queries.converted(source).ids, slot_anchors(queries, source)
        if found is not None:
            brought[source] = found
        return own.union(found or ())

    pages = tuple(pages)
    checker = Checker(queries, ids, outputs, place, structure.doubts)
    findings = structure.findings
    for page in pages:
        if page.source in findings.last:  # of which nothing is found any more
            findings.tell(page.source)
    pages = tuple(page for page in pages if any(_looked_at(parsed_pages.plain(page.source))))
    for page in pages:
        of_page = parsed_pages[page.source]
        found = [(one, False) for one in of_page.faults] + [(one, True) for one in of_page.warnings]
        lines = lines_of(site.root, page) if found else []
        findings.tell(page.source, [one.problem(in_body(page, lines, one), is_warning=warns) for one, warns in found])
    links = [(page, link) for page in pages for link in parsed_pages[page.source].links]
    dead: list[tuple[str, str]] = []
    for page, link in links:
        if problem := checker.sources(page, link) or checker.paths(page, link):
            findings.tell(page.source, [problem])
            dead.append((page.source, link.target))
    anchored: dict[str, set[str]] = {}
    for page, link in links:
        if target := checker.anchored(page, link):
            anchored.setdefault(page.source, set()).add(target)
    return CheckedLinks({source: tuple(sorted(targets)) for source, targets in anchored.items()}, brought, dead)


def shape_of(structure: Structure, files: Mapping[str, OutputFile]) -> str:
    """A digest of all that links can lead to."""
    site = structure.site
    pages = [(page.source, page.path, page.language, page.key) for page in site.pages]
    found = (pages, sorted(site.asset_paths.items()), sorted(files), sorted(structure.left_out.items()))
    return hashlib.blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def clashes(files: Iterable[OutputFile], doubts: Doubts) -> list[Problem]:
    """Where two files want one path, or one is a folder of another."""
    problems: list[Problem] = []
    found: dict[str, OutputFile] = {}
    for file in files:
        if file.subject in doubts.unsure:
            continue
        other = found.setdefault(file.path, file)
        if other is not file:
            problems.append(_clash(file, other, f'both become "{file.path}"'))
    problems += [
        _clash(file, found[folder], f'"{folder}" would be a file and a folder')
        for path, file in found.items()
        for folder in folders(path)
        if folder in found
    ]
    return problems


def _clash(one: OutputFile, other: OutputFile, why: str) -> Problem:
    return Problem(
        f'"{one.origin}" and "{other.origin}": {why}',
        place=Place(one.origin) if "/" in one.origin else None,
        hint="give one of them another slug or name",
    )


def astray(files: Sequence[OutputFile], keep: Sequence[str]) -> Iterator[Problem]:
    """What a bake of the tree would leave out or refuse: a page whose path is one of an editor's copies, say."""
    for file in files:
        if too_long := _too_long(file.path):
            hint = "shorten its slug or name, the tag, or the pattern in [permalinks]"
            yield Problem(f"its path has {too_long}", place=Place(file.origin), hint=hint)
    if not strays.may_stray([file.path for file in files]):
        return
    for file in files:
        is_odd = not file.kind.is_copy and (strays.stray_at(file.path, keep) or unfit(file.path))
        if is_odd and not _too_long(file.path):
            yield Problem(
                f'the path "{file.path}" is one that no site publishes: it looks hidden, left over or secret',
                place=Place(file.origin),
                hint="give it another slug or permalink",
            )


def _too_long(path: str) -> str:
    """What is longer than a file system or an engine takes it, in bytes; "" where nothing is."""
    if len(path) <= NAME_LIMIT // 4:  # characters, of at most four bytes
        return ""
    longest = max(path.split("/"), key=lambda name: len(name.encode()))
    if (size := len(longest.encode())) > NAME_LIMIT:
        return f'a part of {size} bytes, and a file\'s name holds {NAME_LIMIT}: "{longest}"'
    size = len(path.encode())
    return f"{size} bytes, and at most {PATH_LIMIT} can be unpacked" if size > PATH_LIMIT else ""
