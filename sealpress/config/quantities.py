"""How much site.toml may ask for: what stands on every page, or is made of every image, makes far more than it is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sealpress.config.document import Node
from sealpress.config.settings import Settings
from sealpress.problems import Place, Problem

LONGEST_PERMALINK: Final = 200
"""Characters of a pattern, which may hold a slug more than once."""

_MOST_LANGUAGES: Final = 100  # each page names its twin in all of them
_MOST_ITEMS: Final = 100  # of a menu, which stands on every page
_MOST_WIDTHS: Final = 20
_MOST_TAXONOMIES: Final = 20  # each page may link to all of them
_WIDTHS: Final = range(16, 8193)  # pixels

_RANGES: Final[tuple[tuple[str, str, int, int], ...]] = (
    ("markdown", "toc_depth", 1, 6),
    ("lists", "per_page", 1, 10_000),
    ("feeds", "limit", 1, 10_000),
    ("images", "quality", 1, 100),
    ("hook", "timeout", 1, 3600),
    ("image", "port", 1024, 65_535),  # the container has no right to ports below 1024
)
_TARGET_RANGES: Final = (
    ("port", 1, 65_535),
    ("keep", 1, 1000),
    ("timeout", 1, 3600),
    ("canary_wait", 1, 3600),
    ("memory", 16, 65_536),
    ("replicas", 1, 16),
    ("health_interval", 1, 60),
    ("health_failures", 1, 100),
    ("drain", 1, 3600),
    ("grace", 0, 604800),
)


def check(settings: Settings, document: Node, place: Callable[..., Place]) -> Iterable[Problem]:
    """The Problems of numbers out of range, of lists too long, and of widths. `place` gives where a value stands."""
    yield from _check_numbers(settings, place)
    yield from _check_lengths(settings, document, place)
    yield from _check_widths(settings, place)


def _check_lengths(settings: Settings, document: Node, place: Callable[..., Place]) -> Iterable[Problem]:
    lists: list[tuple[str, tuple[str, ...], Sequence[object], int]] = [
        ("[site] languages", ("site", "languages"), settings.site.languages, _MOST_LANGUAGES),
        ("[images] widths", ("images", "widths"), settings.images.widths, _MOST_WIDTHS),
        ("[taxonomies]", ("taxonomies",), tuple(settings.taxonomies), _MOST_TAXONOMIES),
        *((f"[menus] {name}", ("menus", name), items, _MOST_ITEMS) for name, items in settings.menus.items()),
    ]
    for tag, language in settings.language.items():
        for name, items in (language.menus or {}).items():
            if document.at("language", tag, "menus", name):
                lists.append((f"[language.{tag}.menus] {name}", ("language", tag, "menus", name), items, _MOST_ITEMS))
    for called, path, listed, most in lists:
        if len(listed) > most:
            hint = "each of them is written again for every page, or made for every image: keep the most important"
            yield Problem(f"{called} has {len(listed)} items; {most} is the most", place=place(*path, most), hint=hint)


def _check_widths(settings: Settings, place: Callable[..., Place]) -> Iterable[Problem]:
    widths = settings.images.widths
    for number, width in enumerate(widths):
        at = place("images", "widths", number)
        if width not in _WIDTHS:
            yield Problem(f"[images] widths must lie between {_WIDTHS[0]} and {_WIDTHS[-1]}", place=at)
        elif number and width <= widths[number - 1]:
            hint = f"widths = {sorted(set(widths))}"
            yield Problem("[images] widths must ascend, each one greater than the one before it", place=at, hint=hint)
            return


def _check_numbers(settings: Settings, place: Callable[..., Place]) -> Iterable[Problem]:
    for table, key, low, high in _RANGES:
        number = getattr(getattr(settings, table), key)
        if not low <= number <= high:
            yield Problem(f"[{table}] {key} must lie between {low} and {high}", place=place(table, key))
    for name, target in settings.publish.items():
        for key, low, high in _TARGET_RANGES:
            if not low <= getattr(target, key) <= high:
                yield Problem(
                    f"[publish.{name}] {key} must lie between {low} and {high}", place=place("publish", name, key)
                )
