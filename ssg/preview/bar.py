"""The bar at a page's foot: what its writer should know of it, and the way to its source in an editor."""

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

from sealpress.problems import Place, Problem, shown
from ssg.build.prepare import Prepared
from ssg.content.model import Page, output_of
from ssg.rendering.output_kind import Subject


def bar(
    prepared: Prepared,
    warnings: Iterable[Problem],
    path: str,
    now: dt.datetime,
    *,
    has_editor: bool,
    refused: Iterable[str] = (),
) -> dict[str, object] | None:
    """For the script in a page at `path` in the tree; None for what no page's source is made into.

    `notes` are in words, `warnings` in words with their `source`. An `edit` is the address of a source in an editor; ""
    where `has_editor`, which the server opens. `refused` is what no bake takes of the page.
    """
    file = prepared.files.get(path)
    page = prepared.structure.pages.get(file.subject) if file and file.kind.subject is Subject.PAGE else None
    if page is None:
        return None
    root = prepared.inputs.request.site.root

    def edit(place: Place) -> str:
        return "" if has_editor else address(root, place)

    return {
        "source": page.source,
        "edit": edit(Place(page.source, page.body_line)),
        "notes": list(_notes(prepared, page, now)),
        "warnings": [
            {"source": one.place.file, "edit": edit(one.place), "text": f"{one.place}: {shown(one.message)}"}
            for one in warnings
            if one.place and one.place.file == page.source
        ]
        + [{"source": page.source, "edit": edit(Place(page.source)), "text": shown(one)} for one in refused],
    }


def address(root: Path, place: Place) -> str:
    """Where VS Code, and what answers for it, opens a source; the whole of its path is percent-encoded."""
    file = (root.absolute() / place.file).as_uri().removeprefix("file://")
    return f"vscode://file{file}" + "".join(f":{one}" for one in (place.line, place.column) if one is not None)


def _notes(prepared: Prepared, page: Page, now: dt.datetime) -> Iterator[str]:
    if page.front_matter.draft:
        yield "draft"
    if page.date and page.date > now:
        yield f"scheduled for {page.date:%Y-%m-%d}"
    settings = prepared.inputs.request.site.settings.site
    if len(settings.languages) == 1:
        return
    versions = {tag: _page_at(prepared, at) for tag, at in prepared.queries.versions_of_page(page.source)}
    if missing := [tag for tag in settings.languages if tag not in versions]:
        yield f"not translated: {', '.join(missing)}"
    original = versions.get(settings.default_language)
    if original is None:
        return
    behind = [tag for tag, one in versions.items() if one and _is_older(one, original)]
    if page.language in behind:
        yield f"older than what it translates: {original.language}"
    elif page is original and behind:
        yield f"older translations: {', '.join(behind)}"


def _page_at(prepared: Prepared, path: str) -> Page | None:
    file = prepared.files.get(output_of(path))
    return prepared.structure.pages.get(file.subject) if file else None


def _is_older(page: Page, than: Page) -> bool:
    return bool(page.last_change and than.last_change and page.last_change.date() < than.last_change.date())
