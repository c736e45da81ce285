"""Dates and times as people write them: what has one meaning is read, what has two is told with both.

2026-05-04          a day; 2026-5-4, 2026/05/04, 2026.05.04 and 20260504 too
2026-05-04 18:30    a time, with "T" or blanks between, with seconds and an offset where need be
04.05.2026          where dots stand between, every language has the day first (CLDR)
25/12/2026          there is no 25th month
05/04/2026          refused: the 5th of April, or the 4th of May
"""

import datetime as dt
import re
from typing import Final

from sealpress.problems import Place, Problem

HINT: Final = "write 2026-05-04, or 2026-05-04 18:30, or 2026-05-04T18:30:00+02:00"

_DAY: Final = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.]?)(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})", re.ASCII)
_TURNED: Final = re.compile(r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})", re.ASCII)
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d*)?)?"
    r"[ ]*(?:(?P<utc>[Zz]|UTC|GMT)|(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?)?",
    re.ASCII,
)
_PARTS: Final = re.compile(r"(?P<day>[\d./-]+)(?:(?:[ ]*[Tt][ ]*|[ ]+)(?P<time>\d.*))?", re.ASCII)

# English alone: it is what sealpress speaks, and what most examples of front matter are in.
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_IN_WORDS: Final = re.compile(
    rf"(?i)(?:[a-z]+,?[ ])?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ ])?(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?[ ]"
    r"(?:(?P<other>\d{1,2})(?:st|nd|rd|th)?,?[ ])?(?P<year>\d{4})(?![\d:])",
    re.ASCII,
)


def read(text: str, place: Place) -> dt.datetime | dt.date:
    """A day, or a time, which is a local one where it names no offset.

    Raises Problem (exit 3) at `place` for what is none, or could be two days.
    """
    parts = _PARTS.fullmatch(text.strip())
    if not parts:
        raise Problem(f'"{text}" is not a date', place=place, hint=_hint(text))
    try:
        day = _day(parts["day"], text, place)
        return dt.datetime.combine(day, _time(parts["time"])) if parts["time"] else day
    except ValueError as error:
        why = f": {error}" if str(error) else ""
        raise Problem(f'"{text}" is not a date{why}', place=place, hint=_hint(text)) from None


def _day(written: str, text: str, place: Place) -> dt.date:
    """Raises ValueError for no day, Problem for two of them."""
    if found := _DAY.fullmatch(written):
        if found["mark"] or len(written) == len("20260504"):
            return dt.date(int(found["year"]), int(found["month"]), int(found["day"]))
        raise ValueError
    found = _TURNED.fullmatch(written)
    if not found:
        is_short = re.fullmatch(r"\d{1,2}([-/.])\d{1,2}\1\d{1,2}", written, re.ASCII)
        raise ValueError("its year has two digits" if is_short else "")
    year, first, second = int(found["year"]), int(found["first"]), int(found["second"])
    if found["mark"] == "." or first > _LAST_MONTH or first == second:
        return dt.date(year, second, first)
    if second > _LAST_MONTH:
        return dt.date(year, first, second)
    day_first, month_first = dt.date(year, second, first), dt.date(year, first, second)
    raise Problem(
        f'"{text}" could be two days',
        place=place,
        hint=f"write {day_first} if the day stands first, {month_first} if the month does",
    )


_LAST_MONTH: Final = 12


def _time(written: str) -> dt.time:
    """Raises ValueError for what is none."""
    found = _TIME.fullmatch(written.strip())
    if not found:
        raise ValueError
    return dt.time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0), tzinfo=_zone(found))


def _zone(found: re.Match[str]) -> dt.timezone | None:
    """None: a local time, which is in the site's zone."""
    if found["utc"]:
        return dt.UTC
    if not found["sign"]:
        return None
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"no zone is {hours:02}:{minutes:02} away from UTC")
    offset = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-offset if found["sign"] == "-" else offset)


def _hint(text: str) -> str:
    """The day that is meant, where the month stands there in words."""
    found = _IN_WORDS.match(text.strip())
    if found and bool(found["day"]) != bool(found["other"]):
        number = _MONTHS.index(found["month"].lower()) + 1
        return f"write {found['year']}-{number:02}-{int(found['day'] or found['other']):02}"
    return HINT


def rfc3339(value: dt.datetime) -> str:
    """A moment with its offset: RFC 3339, and so HTML's <time> and the sitemap's W3C format.

    Their offsets are whole minutes. Those of old local times are not (Paris, 1900: +00:09:21): these are told in UTC.
    """
    offset = value.utcoffset() or dt.timedelta()
    fitting = value if offset % dt.timedelta(minutes=1) == dt.timedelta() else value.astimezone(dt.UTC)
    return fitting.isoformat(timespec="seconds")
