"""What `ssg build --profile` shows: where the time of a build went."""

from typing import Final

from ssg.build.result import Built
from ssg.build.timing import slowest
from ssg.explain.columns import WIDTH, section

_SLOWEST: Final = 10  # pages and templates


def lines(built: Built, width: int = WIDTH) -> list[str]:
    """Phases with their shares of the time, what was slowest, how much was done."""
    timings = built.timings
    total = sum(timings.phases.values())
    phases = [(name, f"{_ms(seconds)}  {seconds / total:4.0%}") for name, seconds in timings.phases.items()]
    told = section("Phases", [*phases, ("all", _ms(total))], width)
    if not built.made and not built.kept and not timings.conversions:
        return [*told, "", "Nothing changed since the last build: no page was read, and no file made."]
    for title, times in (
        ("Slowest pages, conversion and rendering", timings.pages),
        ("Slowest languages of code, highlighting", timings.code),
        ("Slowest templates, each without those that it uses", timings.templates),
    ):
        rows = [(name, _ms(seconds)) for name, seconds in slowest(times, _SLOWEST)]
        told += section(title, rows, width) if rows else []
    converted = f"{timings.conversions}, {timings.kept} of them kept from earlier builds"
    counts = [
        ("pages converted", converted),
        ("files made anew", f"{built.made}, and {built.kept} kept from earlier builds"),
        ("files written", f"{built.written}, which have other bytes than before"),
    ]
    return [*told, *section("Work", counts, width)]


def data(built: Built) -> dict[str, object]:
    """The same for a machine; times in seconds."""
    timings = built.timings
    return {
        "phases": _rounded(timings.phases),
        "pages": _rounded(dict(slowest(timings.pages, _SLOWEST))),
        "code": _rounded(dict(slowest(timings.code, _SLOWEST))),
        "templates": _rounded(dict(slowest(timings.templates, _SLOWEST))),
        "conversions": timings.conversions,
        "kept": timings.kept,
    }


def _rounded(times: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 6) for name, seconds in times.items()}


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:9,.1f} ms"
