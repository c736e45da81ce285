"""A theme: its folder, its theme.toml, the options that it takes, and the files that it brings.

    theme.toml   title, and [options.NAME] with the default and meaning of each key that [theme] in site.toml may have
    templates/   Jinja2; the site's own templates/ override them by name
    static/      style sheets, icons: served under /assets/ with fingerprints
    i18n/        interface strings, one file per language; the site's own i18n/ adds to them

The value of site.toml's `theme` is the name of a built-in theme, or a folder in the repository.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final, Literal

from sealpress.config import toml
from sealpress.config.document import Node, decode, decode_keys, text_of
from sealpress.config.settings import Settings
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean, raise_all
from sealpress.tree import strays
from ssg.content.absence import of_submodule
from ssg.content.findings import THEME, Findings
from ssg.content.sources import files_below
from ssg.l10n import strings as l10n_strings
from ssg.l10n.language import Language
from ssg.l10n.language import language as language_of
from ssg.l10n.strings import Strings

NAME: Final = "theme.toml"
TEMPLATES: Final = "templates"
STATIC: Final = "static"
OWN: Final = "theme/"
"""Stands before a template's name to reach the theme's own one where the site overrides it."""


@frozen
class ThemeFile:
    """A file of a theme or of the site's templates. `shown` is how messages name it."""

    path: Path
    shown: str


@frozen
class Option:
    """[options.NAME] of a theme.toml. The default's type is the option's.

    `choices` are all that a text may be; with `translated` it may also be a table of texts by language.
    """

    default: object
    description: str = ""
    choices: tuple[str, ...] = ()
    translated: bool = False


@frozen
class ThemeSettings:
    """The whole of a theme.toml."""

    title: str
    description: str = ""
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))


@frozen
class Theme:
    """A theme that is ready to be rendered with. `templates` and `static` are by name, with "/" between parts."""

    name: str
    settings: ThemeSettings
    options: Mapping[str, object]
    templates: Mapping[str, ThemeFile]
    static: Mapping[str, ThemeFile]
    languages: Mapping[str, Language]
    strings: Mapping[str, Strings]
    document: Node  # site.toml, for the places of its menus

    @property
    def is_there(self) -> bool:
        """Whether it was found, whatever may be at fault in it."""
        return any(name.startswith(OWN) for name in self.templates)

    @property
    def own_templates(self) -> frozenset[str]:
        """The names of those that the theme brings, whichever of them the site overrides."""
        return frozenset(name.removeprefix(OWN) for name in self.templates if name.startswith(OWN))

    def option(self, name: str, language: str) -> object:
        """An option's value; of a translated one the text in `language`, or "" where it has none."""
        value = self.options[name]
        return value.get(language, "") if isinstance(value, Mapping) else value


def load(
    root: Path,
    settings: Settings,
    document: Node,
    files: Iterable[str] | None = None,
    findings: Findings | None = None,
    is_submodule: Callable[[str], bool] = lambda _: False,
) -> Theme:
    """The theme of the site at `root`, with its options as `document`, the whole of site.toml, sets them.

    `files` are those of the repository that count, relative to `root` (what git tracks); None: all that are there.
    `is_submodule` is asked of a theme that is not among these.

    Tells `findings` what is wrong, and gives what can be had in spite of it. Without them, raises Problem or Problems
    (exit 3).
    """
    found = findings or Findings()
    own = _SiteFiles(root, None if files is None else sorted(files))
    place = _place(document, "site", "theme")
    name = settings.site.theme
    languages = {tag: language_of(tag) for tag in settings.site.languages}
    theme, listed = ThemeSettings(name), []
    options: Mapping[str, object] = {}
    strings: Mapping[str, Strings] = {}
    folder, shown, is_own = own.root, "", False
    with found.collecting(THEME):
        folder, shown, is_own = _find(own, name, place, is_submodule)
        listed = own.below(shown) if is_own else _walk(folder, folder)
        with found.collecting(THEME):
            tags = settings.site.languages
            folders = [folder / l10n_strings.FOLDER, *_strings(own, l10n_strings.FOLDER, tags, folder)]
            if is_own:
                _strings(own, f"{shown}/{l10n_strings.FOLDER}", tags, None)
            strings = l10n_strings.load(folders, tuple(languages.values()), f'the theme "{name}"')
        theme = _theme_settings(folder, shown, place, listed)
        options = _options(theme, document, settings.site.languages)
    if findings is None:
        found.check()
    return Theme(
        name=name,
        settings=theme,
        options=options,
        templates=_templates(folder, shown, listed, own, settings.build.templates),
        static=_below(folder, shown, listed, STATIC),
        languages=MappingProxyType(languages),
        strings=strings,
        document=document,
    )


def built_in_folder() -> Path:
    """Where the built-in themes are: beside the packages in a checkout, inside ssg in an installed wheel."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def built_in() -> tuple[str, ...]:
    """The names of the built-in themes."""
    return tuple(sorted(folder.parent.name for folder in built_in_folder().glob(f"*/{NAME}")))


@frozen
class _SiteFiles:
    """The files of the site that count."""

    root: Path
    files: Sequence[str] | None

    def below(self, folder: str) -> list[str]:
        """Names relative to `folder`, sorted."""
        start = str(PurePosixPath(folder)) + "/"
        if self.files is None:
            return _walk(self.root / folder, self.root / folder)
        return [file.removeprefix(start) for file in files_below(self.files, folder)]


_ADD: Final = "git add {}, with --force where .gitignore leaves it out; or build with --dirty"


def _find(
    own: _SiteFiles, name: str, place: Place | None, is_submodule: Callable[[str], bool]
) -> tuple[Path, str, bool]:
    """The folder, how messages name it, and whether it is the site's own."""
    names = built_in()
    if name in names:
        return built_in_folder() / name, f"themes/{name}", False
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise Problem(
            f'[site] theme can\'t be "{name}": it is the name of a theme, or a folder in the repository',
            place=place,
            hint=f"built in: {', '.join(names)}",
        )
    shown = str(path)
    if NAME in own.below(shown):
        return own.root / shown, shown, True
    if is_submodule(shown):
        raise Problem(
            f'the theme "{shown}" is a submodule, of which no build reads anything',
            place=place,
            hint=of_submodule(shown),
        )
    there = (own.root / shown).is_dir()
    if (own.root / shown / NAME).is_file():
        raise Problem(f'the theme "{shown}" is not added to git', place=place, hint=_ADD.format(shown))
    raise Problem(
        f'the folder "{shown}" has no {NAME}' if there else f'no theme is called "{name}"{did_you_mean(name, names)}',
        place=place,
        hint=_other_settings(own.root / shown)
        or f"built in: {', '.join(names)}; a theme of your own is a folder with a {NAME} that git tracks",
    )


def _other_settings(folder: Path) -> str:
    """What to do about a theme whose settings are no TOML; "" where there are none."""
    stem = NAME.partition(".")[0]
    found = next(
        (f"{stem}{ending}" for ending in (".yaml", ".yml", ".json") if (folder / f"{stem}{ending}").is_file()), ""
    )
    return found and f'{found} is there: a theme\'s settings are TOML, {NAME}, with title = "…" and [options.NAME]'


def _walk(folder: Path, root: Path) -> list[str]:
    """The files below `folder`, relative to `root`, sorted. Links, hidden files and editors' copies are left out."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    found: list[str] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        is_folder = item.is_dir()
        if item.is_symlink() or strays.kind_of(item.name, is_folder=is_folder):
            continue
        if is_folder:
            found += _walk(item, root)
        else:
            found.append(item.relative_to(root).as_posix())
    return sorted(found)


def _below(folder: Path, shown: str, listed: Sequence[str], part: str) -> Mapping[str, ThemeFile]:
    start = part + "/"
    return MappingProxyType(
        {
            name.removeprefix(start): ThemeFile(folder / name, f"{shown}/{name}")
            for name in listed
            if name.startswith(start)
        }
    )


def _templates(
    folder: Path, shown: str, listed: Sequence[str], own: _SiteFiles, own_folder: str
) -> Mapping[str, ThemeFile]:
    theirs = _below(folder, shown, listed, TEMPLATES)
    ours = {name: ThemeFile(own.root / own_folder / name, f"{own_folder}/{name}") for name in own.below(own_folder)}
    reachable = {OWN + name: file for name, file in theirs.items()}
    return MappingProxyType({**reachable, **theirs, **ours})


def _strings(own: _SiteFiles, folder: str, languages: Sequence[str], theme: Path | None) -> list[Path]:
    """A folder of interface strings of the site, where it has one: its own, beside that of the `theme`; or its theme's.

    It is read as a folder, so a file in it that doesn't count can't be passed over: it is a Problem. Where none counts,
    only one that is wanted is.
    """
    listed = own.below(folder)
    for name in (f"{tag}.toml" for tag in languages):
        is_wanted = listed or not theme or not (theme / l10n_strings.FOLDER / name).is_file()
        if is_wanted and name not in listed and (own.root / folder / name).is_file():
            raise Problem(
                "these interface strings are not added to git",
                place=Place(f"{folder}/{name}"),
                hint=_ADD.format(f"{folder}/{name}"),
            )
    return [own.root / folder] if listed else []


def _theme_settings(folder: Path, shown: str, place: Place | None, listed: Sequence[str]) -> ThemeSettings:
    if NAME not in listed:
        raise Problem(f'the folder "{shown}" has no {NAME}', place=place)
    file = f"{shown}/{NAME}"
    document = toml.parse(text_of(given.content(folder / NAME, given.SETTINGS, file), file), file)
    theme = decode(document, ThemeSettings, NAME)
    raise_all(list(_check_options(theme, document)))
    return theme


def _check_options(theme: ThemeSettings, document: Node) -> Iterable[Problem]:
    for name, option in theme.options.items():
        node = document.at("options", name)
        place = node.key if node else None
        if not name.isidentifier() or name.startswith("_"):
            yield Problem(
                f'the option "{name}" can\'t be reached from a template', place=place, hint="use a_b, not a-b"
            )
        if not isinstance(option.default, bool | str | int | float | tuple):
            yield Problem(f'the default of "{name}" must be text, a number, true or false, or a list', place=place)
        elif option.choices and option.default not in option.choices:
            yield Problem(f'the default of "{name}" is not one of its choices', place=place)
        if option.translated and not isinstance(option.default, str):
            yield Problem(f'the option "{name}" is translated, so its default must be text', place=place)


def _options(theme: ThemeSettings, document: Node, languages: Sequence[str]) -> Mapping[str, object]:
    """[theme] of site.toml against the theme's options."""
    known = {name: (_type(option), False) for name, option in theme.options.items()}
    table = document.at("theme")
    decoded = decode_keys(table, known, "[theme]") if table else {}
    values = {name: decoded.get(name, option.default) for name, option in theme.options.items()}
    problems = []
    for name, value in values.items():
        for tag in value if isinstance(value, Mapping) else ():
            if tag not in languages:
                node = document.at("theme", name, tag)
                problems.append(
                    Problem(
                        f'[theme] {name} has "{tag}", which is not one of [site] languages',
                        place=node.key if node else None,
                        hint=f"languages: {', '.join(languages)}",
                    )
                )
    raise_all(problems)
    return MappingProxyType(values)


def _type(option: Option) -> Any:
    if option.choices:
        return Literal[option.choices]
    if option.translated:
        return str | Mapping[str, str]
    match option.default:
        case bool():
            return bool
        case tuple():
            return tuple[str, ...]
        case value:
            return type(value)


def _place(document: Node, *path: str) -> Place | None:
    node = document.at(*path)
    return node.place if node else None
