"""Files that look as though they were meant for a build, and that no build reads: each is told in a warning.

Interface strings that are no TOML or lie elsewhere, data of other formats, templates under a name that nothing asks
for, folders of other generators, submodules. Names alone are looked at, and the texts of the site's own templates where
one has such a name.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from sealpress.config.settings import Settings
from sealpress.files import given
from sealpress.problems import Place, Problem
from ssg.content import absence, data, other_generators
from ssg.content.sources import Sources

STRINGS: Final = "i18n"  # as in ssg.l10n.strings, which takes long to load
_TEXTS: Final = frozenset({".toml", ".yaml", ".yml", ".json", ".po", ".pot", ".ftl", ".ini", ".properties", ".csv"})
_DATA: Final = frozenset({".csv", ".tsv", ".xml", ".json5", ".jsonc", ".jsonl", ".ndjson", ".ini", ".xlsx", ".ods"})


def warnings(
    settings: Settings, sources: Sources, templates: Collection[str], wanted: Callable[[], Collection[str]]
) -> Iterator[Problem]:
    """`templates` are the names of the theme's own, `wanted` gives those that front matter names."""
    yield from _strings(settings, sources)
    yield from _data_files(settings, sources)
    yield from _templates(settings, sources, templates, wanted)
    for folder in sources.submodules:
        if not f"{settings.site.theme}/".startswith(f"{folder}/"):  # without which there is no build
            yield _warning(
                folder, "this is a submodule, of which no build reads anything", absence.of_submodule(folder)
            )
    for folder in sources.elsewhere:
        yield _warning(folder, "no build reads this folder", _renamed(folder, settings))


def _warning(file: str, message: str, hint: str) -> Problem:
    return Problem(message, place=Place(file), hint=hint, is_warning=True)


def _renamed(folder: str, settings: Settings) -> str:
    what, generator = other_generators.ELSEWHERE[folder]
    home = STRINGS if what == STRINGS else getattr(settings.build, what)
    named = {"templates": "templates", "data": "data files", "static": "files for readers"}.get(what, "strings")
    note = "; they are Jinja2 here, and have other names" if what == "templates" else ""
    return f"{generator} has {named} there; here they are in {home}/{note}"


def _strings(settings: Settings, sources: Sources) -> Iterator[Problem]:
    """Of i18n/ below the site and its theme, and of folders that are called so in other places."""
    tags = {tag.casefold(): tag for tag in settings.site.languages}
    homes = (STRINGS, str(PurePosixPath(settings.site.theme) / STRINGS))
    astray = (f"{settings.build.data}/", f"{settings.build.templates}/", f"{settings.site.theme}/")
    for file in sources.files:
        if STRINGS not in file:
            continue
        path = PurePosixPath(file)
        if STRINGS not in path.parts or path.suffix.lower() not in _TEXTS:
            continue
        home = next((one for one in homes if file.startswith(f"{one}/")), "")
        if not home and not (path.parent.name == STRINGS and file.startswith(astray)):
            continue
        tag = tags.get(re.split(r"[.]", path.name)[0].casefold().replace("_", "-"))
        meant = f"{home or STRINGS}/{tag or path.stem}.toml"
        if file == meant or not (tag or home):
            continue
        if path.suffix != ".toml":
            hint = f'interface strings are TOML: write {meant}, with lines such as read_more = "Read more"'
            yield _warning(file, "these interface strings are not read, since they are no TOML", hint)
        elif tag or str(path.parent) != home:
            yield _warning(file, "these interface strings are not read from here", f"they are read from {meant}")


def _data_files(settings: Settings, sources: Sources) -> Iterator[Problem]:
    for file in sources.below(settings.build.data):
        ending = PurePosixPath(file).suffix
        if ending.lower() in data.ENDINGS and ending not in data.ENDINGS:
            hint = f'write the ending small: "{PurePosixPath(file).with_suffix(ending.lower()).name}"'
        elif ending.lower() in _DATA:
            hint = "data files are TOML, YAML or JSON: write it as one of these"
        else:
            continue
        yield _warning(file, f'data is not read from a file whose name ends in "{ending}"', hint)


def _templates(
    settings: Settings, sources: Sources, names: Collection[str], wanted: Callable[[], Collection[str]]
) -> Iterator[Problem]:
    """The site's own ones that are called nearly as one of the theme's, or as other generators call theirs, and that
    neither a template nor a page names.
    """
    folder = PurePosixPath(settings.build.templates)
    known = {name.casefold(): name for name in names if name.endswith(".html")}
    own = {file: PurePosixPath(file).relative_to(folder) for file in sources.below(str(folder))}
    odd: dict[str, str] = {}
    for file, name in own.items():
        stem = name.with_name(name.name.partition(".")[0])
        meant = known.get(f"{stem}.html".casefold()) or _OTHERS.get(str(name).removeprefix("_default/"), "")
        if meant in names and str(name) not in names:
            odd[file] = meant
    texts = [*_read(sources, own), *wanted()] if odd else []
    for file, meant in odd.items():
        if not any(str(own[file]) in text for text in texts):
            hint = f'call it "{meant}": so it stands in the place of the theme\'s'
            yield _warning(file, "no page is rendered with this template", hint)


_OTHERS: Final = {
    "baseof.html": "base.html",
    "single.html": "post.html",
    "terms.html": "taxonomy.html",
    "section.html": "list.html",
    "article.html": "post.html",
    "default.html": "base.html",
    "layout.html": "base.html",
    "index.html": "home.html",
    "archives.html": "archive.html",
}


def _read(sources: Sources, files: Iterable[str]) -> list[str]:
    found = []
    for file in files:
        try:
            found.append(given.read(sources.root / file, given.TEXT).decode("utf-8", "replace"))
        except OSError:
            continue
    return found
