"""Languages on the wire: the 404 page of the folder that a path is in, and "/" by what the reader's browser asks for.

Accept-Language is honoured with its weights to the third decimal, which is all that they may have (RFC 9110, 12.4.2
and 12.5.4). nginx has no arithmetic, but maps of expressions: three of them find the greatest weight of a language that
the site has, one digit each, and a fourth the first range in the header with that weight. A range fits a language that
it is a prefix of (RFC 4647, 3.3.1: `pt` fits pt-BR), or the other way round (3.4, lookup: `fr-CH` fits fr). `*` stands
for the page that is there without asking.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import quote

from imagebake.nginx.answers import INDEX, NOT_FOUND
from imagebake.nginx.directives import LONGEST, Directive, choice, directive, length, literal, when
from sealpress.config.document import Node
from sealpress.config.settings import ImageSettings
from sealpress.problems import Place, Problem, TreeProblem

# All blanks are possessive: a header of nothing but blanks must cost no more than its length.
_START: Final = r"(?:^|,)[ \t]*+"
_SKIPPED: Final = r"(?:.*?,)??[ \t]*+"
_END: Final = r"[ \t]*+(?:,|$)"
_Q: Final = r"[ \t]*+;[ \t]*+q="
_WHOLE: Final = rf"(?:{_Q}1(?:\.0{{0,3}})?)?"
_SUBTAGS: Final = "(?:-[a-z0-9]{1,8})*"
_AROUND: Final = 200  # bytes of a case around the languages, and more


def not_found_pages(paths: Iterable[str], below: str = "") -> tuple[str, ...]:
    """The tree's 404 pages, in folders as languages are named. `below`: as in OutputTree."""
    name = re.compile(rf"{re.escape(below)}(?:[A-Za-z0-9._-]+/)*{re.escape(NOT_FOUND)}")
    return tuple(path for path in paths if name.fullmatch(path))


def not_found(pages: tuple[str, ...], below: str = "") -> Directive:
    """`$not_found`: the page of the nearest folder that has one; of what lies nowhere, that of the front page."""
    front = below + NOT_FOUND
    inner = sorted((page for page in pages if page != front), key=lambda page: (-page.count("/"), page))
    return choice(
        "$uri",
        "$not_found",
        ("default", literal(f"/{front}") if front in pages else "@missing"),
        *(("~^/" + re.escape(page.removesuffix(NOT_FOUND)), literal(f"/{page}")) for page in inner),
        why="Each language has its own page for what isn't there.",
    )


def in_http(settings: ImageSettings, paths: Collection[str], below: str = "") -> tuple[Directive, ...]:
    """`$language_folder`: where "/" leads, "" to stay there. Raises as `front_pages` does."""
    if not settings.negotiate_languages:
        return ()
    folders = front_pages(settings, paths, below)
    asked = _asked(folders)
    header = "$http_accept_language"
    nines = "987654321"
    return (
        choice(
            header,
            "$language_tenths",
            ("default", "0"),
            (rf"~*{_START}(?:{asked}){_WHOLE}{_END}", "x"),
            *((rf"~*{_START}(?:{asked}){_Q}0\.{digit}[0-9]{{0,2}}{_END}", digit) for digit in nines),
            why="The greatest weight of a language that the site has: x for 1, else its decimals, one map for each.",
        ),
        choice(
            f"$language_tenths {header}",
            "$language_hundredths",
            ("default", "${language_tenths}0"),
            ("~^x", "x"),
            *(
                (rf"~*^([0-9]) {_SKIPPED}(?:{asked}){_Q}0\.\g{{1}}{digit}[0-9]?{_END}", f"${{language_tenths}}{digit}")
                for digit in nines
            ),
        ),
        choice(
            f"$language_hundredths {header}",
            "$language_weight",
            ("default", "${language_hundredths}0"),
            ("~^x", "x"),
            *(
                (
                    rf"~*^([0-9])([0-9]) {_SKIPPED}(?:{asked}){_Q}0\.\g{{1}}\g{{2}}{digit}{_END}",
                    f"${{language_hundredths}}{digit}",
                )
                for digit in nines
            ),
        ),
        choice(
            f"$language_weight {header}",
            "$language_asked",
            ("default", ""),
            ("~^000", ""),
            (rf"~*^x {_SKIPPED}(?<asked_x>{asked}){_WHOLE}{_END}", "$asked_x"),
            (rf"~*^([0-9])00 {_SKIPPED}(?<asked_1>{asked}){_Q}0\.\g{{1}}0{{0,2}}{_END}", "$asked_1"),
            (rf"~*^([0-9])([0-9])0 {_SKIPPED}(?<asked_2>{asked}){_Q}0\.\g{{1}}\g{{2}}0?{_END}", "$asked_2"),
            (rf"~*^([0-9])([0-9])([0-9]) {_SKIPPED}(?<asked_3>{asked}){_Q}0\.\g{{1}}\g{{2}}\g{{3}}{_END}", "$asked_3"),
            why="The first range with that weight.",
        ),
        choice("$language_asked", "$language_found", ("default", ""), *_fitting(folders)),
        choice(
            "$http_sec_fetch_site",
            "$language_folder",
            ("default", "$language_found"),
            ("same-origin", ""),
            why="Who comes from a page of the site has chosen: a link to / must not lead back.",
        ),
    )


def front_pages(
    settings: ImageSettings, paths: Collection[str], below: str = "", document: Node | None = None
) -> dict[str, str]:
    """Where each language of [image] negotiate_languages has its front page: "/fr/"; "" for one that is at "/" itself.
    `below` stands before both (OutputTree.below).

    The keys are small letters. `document` is site.toml as it was read, for places. Raises Problem (exit 5) where the
    tree has no such page.
    """
    found: dict[str, str] = {}
    if settings.negotiate_languages and below + INDEX not in paths:
        raise TreeProblem(
            f"[image] negotiate_languages needs the page {INDEX}: it is for readers who ask for no language",
            place=_place(document),
            hint="write that page, or take negotiate_languages out",
        )
    for number, tag in enumerate(settings.negotiate_languages):
        folder = next((name for name in (tag, tag.lower()) if f"{below}{name}/{INDEX}" in paths), None)
        if folder is None and number:
            raise TreeProblem(
                f'[image] negotiate_languages names "{tag}", and the tree has no {tag}/{INDEX}',
                place=_place(document, number),
                hint="only the first language may do without a folder: its front page is then /",
            )
        found[tag.lower()] = f"/{quote(below)}{folder}/" if folder else ""
    if (long := length(_asked(found)) + _AROUND) > LONGEST:
        raise Problem(
            f"[image] negotiate_languages is too much for nginx: it takes words of {LONGEST} bytes,"
            f" and this makes {long}",
            place=_place(document),
            hint="name fewer languages, or languages without so many parts",
        )
    return found


def _asked(folders: Iterable[str]) -> str:
    """An expression for everything in Accept-Language that fits one of the languages."""
    return "|".join([*_ranges(folders), r"\*"])


def _place(document: Node | None, *path: int) -> Place:
    node = document.at("image", "negotiate_languages", *path) if document else None
    return node.place if node else Place("site.toml")


def in_server(settings: ImageSettings, below: str = "") -> tuple[Directive, ...]:
    """The location of the front page, where it depends on the reader."""
    if not settings.negotiate_languages:
        return ()
    return (
        Directive(
            "location",
            ("=", f"/{below}"),
            (
                directive("set", "$vary", "Accept-Language, Sec-Fetch-Site"),
                when("$language_folder", directive("return", "302", "$language_folder$is_args$args")),
                directive("try_files", literal(f"/{below}{INDEX}"), "@absent"),
            ),
        ),
    )


def _ranges(folders: Iterable[str]) -> list[str]:
    """Expressions for all ranges that fit a language, the longest first."""
    prefixes = {"-".join(tag.split("-")[:end]) for tag in folders for end in range(1, tag.count("-") + 1)}
    longest = sorted({*folders}, key=lambda tag: (-len(tag), tag))
    return [re.escape(tag) + _SUBTAGS for tag in longest] + sorted(map(re.escape, prefixes - {*folders}))


def _fitting(folders: dict[str, str]) -> list[tuple[str, str]]:
    """Cases from a range to a folder: the longest language that begins it, else the first that it begins."""
    longest = sorted(folders, key=lambda tag: (-len(tag), tag))
    return [
        *((rf"~*^{re.escape(tag)}(?:-|$)", folders[tag]) for tag in longest),
        *(
            (rf"~*^{re.escape(prefix)}$", folder)
            for tag, folder in folders.items()
            for prefix in ("-".join(tag.split("-")[:end]) for end in range(1, tag.count("-") + 1))
            if prefix not in folders
        ),
    ]
