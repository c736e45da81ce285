"""What templates call, as filters (`page.date | date`) and as functions (`date(page.date)`), in one language.

t(key, **values)     an interface string; its fields filled, its plural chosen by `count`
date(moment, form)   "long" unless told otherwise: full, long, medium, short, or a pattern of CLDR ("MMMM y")
iso(moment)          for <time datetime>: 2026-05-04, with the time where there is one
number(value)        with the language's separators
url(target)          the href of a source path (docs/index.md), of a path (/tags/), of a whole URL
absolute_url(target) the same with the site's scheme and host
asset(name)          the href of a file of the theme's static/ folder
tojson(value)        for a script: what a data file says, as JSON that is safe within HTML
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType, UnionType
from typing import Any, Final
from urllib.parse import urljoin

from jinja2 import TemplateRuntimeError, Undefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from ssg.content.formats import dates as formats_dates
from ssg.l10n.strings import Value
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.missing import describe
from ssg.rendering.theme.templates import Functions

_KEPT: Final = 10_000  # texts and days of one language
_LONGEST_FORM: Final = 100  # characters of a pattern


def functions(queries: SiteQueries) -> Mapping[str, Functions]:
    """All of them, by language."""
    return MappingProxyType({language: _of(queries, language) for language in queries.languages()})


def _of(queries: SiteQueries, tag: str) -> Functions:
    language = queries.theme.languages[tag]
    dates: dict[tuple[dt.date, str], str] = {}
    texts: dict[tuple[object, ...], str] = {}

    # Every page asks for the same few texts and days: what they cost is paid once.
    def t(key: str, /, **values: Value) -> str:
        asked = (key, *values.items())
        if asked in texts:
            queries.string(key, tag)
        else:
            if len(texts) >= _KEPT:
                texts.clear()
            texts[asked] = queries.text(key, tag, **values)
        return texts[asked]

    def date(moment: dt.date, form: str = "long") -> str:
        _check(moment, dt.date, "date")
        day = dt.date(moment.year, moment.month, moment.day)
        if (day, form) not in dates:
            if len(form) > _LONGEST_FORM:
                raise TemplateRuntimeError(
                    f"the form of a date has {len(form)} characters; {_LONGEST_FORM} is the most"
                )
            if len(dates) >= _KEPT:
                dates.clear()
            dates[day, form] = language.date(day, form)
        return dates[day, form]

    def number(value: float) -> str:
        _check(value, int | float, "number")
        return language.number(value)

    def url(target: str) -> str:
        _check(target, str, "url")
        return queries.target(target, tag)

    def absolute_url(target: str) -> str:
        return urljoin(queries.site_url(), url(target))

    def asset(name: str) -> str:
        return queries.url(queries.asset(name))

    return MappingProxyType(
        {
            "t": t,
            "date": date,
            "iso": iso,
            "number": number,
            "url": url,
            "absolute_url": absolute_url,
            "asset": asset,
            "tojson": tojson,
        }
    )


def _check(value: object, wanted: type | UnionType, name: str) -> None:
    """Says what a template gave where a value of another kind is needed; a page without a date gives None."""
    if not isinstance(value, wanted):
        kinds: dict[Any, str] = {dt.date: "a date", str: "text"}
        raise TemplateRuntimeError(f"{name} takes {kinds.get(wanted, 'a number')}, not {describe(value)}")


def iso(moment: dt.date) -> str:
    """A date or a moment as HTML's <time> takes it. Midnight is how a date without a time is kept."""
    _check(moment, dt.date, "iso")
    if not isinstance(moment, dt.datetime) or moment.time() == dt.time():
        return f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    return formats_dates.rfc3339(moment)


def tojson(value: object, indent: int | None = None) -> Markup:
    """As Jinja2's own, which takes no read-only table and no date. Keys are sorted."""
    return htmlsafe_json_dumps(_for_json(value), indent=indent, sort_keys=True)


def _for_json(value: object) -> object:
    match value:
        case None | str() | int() | float():
            return value
        case dt.date():
            return iso(value)
        case Mapping():
            return {str(key): _for_json(item) for key, item in value.items()}
        case list() | tuple():
            return [_for_json(item) for item in value]
        case Undefined():
            return str(value)  # which says what is missing
        case _:
            raise TemplateRuntimeError(f"{describe(value)} can't be written as JSON")
