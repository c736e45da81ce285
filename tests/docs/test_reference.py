"""The reference says all that there is, and nothing else: it is compared with the code, in both languages."""

import json
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
import pytest

from imagebake.cli import imagebake
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import Root
from publish.cli import publish
from sealpress import labels
from sealpress.config import settings
from sealpress.problems import Exit
from ssg.cli import ssg
from ssg.content.model import FrontMatter
from ssg.rendering import functions as template_functions
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.theme import built_in_folder
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView, SectionView, TaxonomyView, TermView
from ssg.rendering.views.shared import LanguageView, VersionView
from ssg.rendering.views.sites import SiteView
from tests.docs.pages import CONTENT, ROOT, codes, rows, section

LANGUAGES = ("en", "fr")
REFERENCE = "docs/reference"

TABLES = {
    "site": settings.SiteSettings,
    "language": settings.LanguageSettings,
    "build": settings.BuildSettings,
    "permalinks": settings.PermalinkSettings,
    "taxonomies": settings.TaxonomySettings,
    "markdown": settings.MarkdownSettings,
    "lists": settings.ListSettings,
    "feeds": settings.FeedSettings,
    "menus": settings.MenuItem,
    "images": settings.ImagesSettings,
    "image": settings.ImageSettings,
    "publish": settings.PublishTarget,
    "hook": settings.HookSettings,
}


def page_of(path: str, language: str) -> Path:
    return CONTENT / f"{path}{'' if language == 'en' else f'.{language}'}.md"


in_both = pytest.mark.parametrize("language", LANGUAGES)


@in_both
@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_site_toml_stands_there_with_its_default(table: str, language: str) -> None:
    found = [cells for cells in rows(section(page_of(f"{REFERENCE}/site-toml", language), table)) if len(cells) > 2]
    shown = {codes(cells[0])[0]: cells[2] for cells in found if codes(cells[0])}
    known = {field.name: field for field in fields(TABLES[table])}
    assert shown.keys() == known.keys()
    if table == "permalinks":
        assert {key: codes(cell) for key, cell in shown.items()} == {
            key: [_toml(field.default)] for key, field in known.items()
        }
    for key, field in known.items():
        default = _default(field)
        if default is not None and default is not MISSING:
            assert codes(shown[key]) == [_toml(default)], f"{key}: {shown[key]}"


def test_every_table_of_site_toml_has_a_part() -> None:
    covered = {*TABLES, "params", "theme"}
    assert {field.name for field in fields(settings.Settings)} == covered
    assert all(is_dataclass(record) for record in TABLES.values())


@in_both
def test_every_key_of_the_front_matter_stands_there(language: str) -> None:
    text = page_of(f"{REFERENCE}/front-matter", language).read_text("utf-8")
    known = {field.name for field in fields(FrontMatter)} - {"terms"} | {settings.TAGS}
    shown = {codes(cells[0])[0] for cells in rows(text.split("\n## ")[0]) if len(cells) == 4}
    assert shown == known


@in_both
def test_every_exit_code_stands_there(language: str) -> None:
    text = page_of(f"{REFERENCE}/exit-codes", language).read_text("utf-8")
    shown = {int(codes(cells[0])[0]): codes(cells[1])[0] for cells in rows(text)}
    assert shown == {int(code): code.name for code in Exit}


def _commands() -> list[tuple[str, str, set[str]]]:
    """(program, the anchor of its part, its options) of every command."""
    found: list[tuple[str, str, set[str]]] = []
    for program, group in {"ssg": ssg, "imagebake": imagebake, "publish": publish}.items():
        context = click.Context(group, info_name=program, **group.context_settings)
        common = {option for param in group.get_params(context) for option in param.opts}
        nested = {
            f"{name}-{below}": command
            for name, inner in group.commands.items()
            if isinstance(inner, click.Group)
            for below, command in inner.commands.items()
        }
        alone = {name: one for name, one in group.commands.items() if not isinstance(one, click.Group)}
        for name, command in (alone | nested).items():
            shown = (param for param in command.params if isinstance(param, click.Option) and not param.hidden)
            own = {option for param in shown for option in param.opts}
            if command.hidden:
                common |= own
            else:
                found.append((program, f"{program}-{name}", own))
        found.append((program, program, common))
    return found


@in_both
@pytest.mark.parametrize(("program", "anchor", "options"), [pytest.param(*one, id=one[1]) for one in _commands()])
def test_every_option_stands_there(program: str, anchor: str, options: set[str], language: str) -> None:
    text = section(page_of(f"{REFERENCE}/{program}", language), anchor)
    cells = [code for row in rows(text) for code in codes(row[0]) if code.startswith("-")]
    assert {code.split()[0] for code in cells} == options


@in_both
def test_every_variable_of_the_environment_stands_there(language: str) -> None:
    sources = [
        file.read_text("utf-8")
        for package in ("sealpress", "ssg", "imagebake", "publish")
        for file in (ROOT / package).rglob("*.py")
    ]
    used = {word for text in sources for word in re.findall(r'"(SEALPRESS_[A-Z_]+)"', text)}
    text = section(page_of(f"{REFERENCE}/site-toml", language), "environment")
    shown = {code for row in rows(text) for code in codes(row[0]) if code.startswith("SEALPRESS_")}
    assert shown == used


@in_both
@pytest.mark.parametrize(("anchor", "view"), [("page", PageView), ("list", ListView), ("site", SiteView)])
def test_every_name_that_a_template_sees_stands_there(anchor: str, view: type, language: str) -> None:
    text = section(page_of(f"{REFERENCE}/templates", language), anchor)
    shown = {code.partition("(")[0] for row in rows(text) for code in codes(row[0])}
    assert shown == {name for name in dir(view) if not name.startswith("_")}


@in_both
def test_every_question_that_templates_ask_stands_there(language: str) -> None:
    page = page_of(f"{REFERENCE}/templates", language)
    anchors = {"page": ("page", 0), "site": ("site", 0), "term": ("small", 1)}
    for asked in (question.asked_as for question in SiteQueries.declared.values() if question.asked_as):
        view, _, name = asked.partition(".")
        anchor, column = anchors[view]
        assert name in {code for row in rows(section(page, anchor)) for code in codes(row[column])}, asked


@in_both
def test_small_views_and_functions_stand_there(language: str) -> None:
    page = page_of(f"{REFERENCE}/templates", language)
    shown = {code for row in rows(section(page, "small")) for code in codes(row[1])}
    for view in (LanguageView, VersionView, TermView, TaxonomyView):
        own = {name for name in dir(view) if not name.startswith("_")}
        assert own <= shown
    of_section = next(row[1] for row in rows(section(page, "page")) if codes(row[0]) == ["section"])
    public = {name for name in dir(SectionView) if not name.startswith("_")}
    assert set(codes(of_section)) == public
    documented = {code.partition("(")[0] for row in rows(section(page, "functions")) for code in codes(row[0])}
    lines = (template_functions.__doc__ or "").split("\n\n")[1].splitlines()
    assert documented == {line.partition("(")[0] for line in lines}


@in_both
def test_every_key_of_the_lock_stands_there(language: str) -> None:
    page = page_of(f"{REFERENCE}/lock", language)
    keys = [codes(row[0])[0] for row in rows(section(page, "package"))]
    assert keys == [field.name for field in fields(LockedPackage)]
    head = {codes(row[0])[0] for row in rows(section(page, "head"))}
    assert head == {"version", "package", *(field.name for field in fields(Lock))} - {"packages"}
    assert [codes(row[0])[0] for row in rows(section(page, "root"))] == [field.name for field in fields(Root)]


@in_both
def test_every_label_of_an_image_stands_there(language: str) -> None:
    shown = {code for row in rows(section(page_of(f"{REFERENCE}/image", language), "labels")) for code in codes(row[0])}
    assert shown == {labels.SITE, labels.RELEASE, labels.COMMIT, labels.SEAL}


@in_both
def test_every_option_of_the_default_theme_stands_there(language: str) -> None:
    import tomllib

    theme = tomllib.loads((built_in_folder() / "plain" / "theme.toml").read_text("utf-8"))
    text = section(page_of("docs/how-to/theme", language), "options")
    shown = {codes(row[0])[0]: codes(row[1]) for row in rows(text)}
    assert shown.keys() == theme["options"].keys()
    for name, option in theme["options"].items():
        if "choices" in option:
            assert shown[name] == option["choices"]


@in_both
@pytest.mark.parametrize("package", ["sealpress", "ssg", "imagebake", "publish"])
def test_the_architecture_page_shows_every_room_and_no_other(package: str, language: str) -> None:
    text = section(page_of("docs/explanation/architecture", language), package)
    shown = {code for row in rows(text) for code in codes(row[0])}
    folder = ROOT / package
    modules = {file.name for file in folder.glob("*.py")} - {"__init__.py", "__main__.py", "cli.py"}
    rooms = {f"{found.parent.name}/" for found in folder.glob("*/__init__.py")}
    assert shown == modules | rooms


def _default(field: Field[Any]) -> object:
    if field.default is not MISSING:
        return field.default
    return {} if field.default_factory is not MISSING and field.type != "str" else MISSING


def _toml(value: object) -> str:
    """A default as it would be written in site.toml."""
    match value:
        case StrEnum():
            return f'"{value}"'
        case tuple():
            return json.dumps(list(value))
        case {}:
            return "{}"
        case _:
            return json.dumps(value)
