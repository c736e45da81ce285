"""Language: what a site needs to know of one, from Babel's CLDR data and never from the process's locale."""

import datetime as dt
import re
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean
from ssg.l10n import collation, punctuation
from ssg.l10n.punctuation import Quotes, Spacing

if TYPE_CHECKING:
    from babel import Locale

Direction = Literal["ltr", "rtl"]

_FORMS: Final = ("full", "long", "medium", "short")


@frozen
class Language:
    """One language. `name` is its own name for itself ("Français")."""

    tag: str
    name: str
    direction: Direction

    @property
    def locale(self) -> "Locale":
        """Babel's record of the language."""
        return _locale(self.tag)

    @property
    def quotes(self) -> Quotes:
        return punctuation.marks(self.tag)[0]

    @property
    def spacing(self) -> Spacing | None:
        return punctuation.marks(self.tag)[1]

    @property
    def plural_forms(self) -> tuple[str, ...]:
        """The CLDR plural categories that whole numbers below a thousand take, in CLDR's order."""
        return _plural_forms(self.tag)

    def plural(self, number: float) -> str:
        """The CLDR plural category of a number: "one", "other", …"""
        return str(self.locale.plural_form(number))

    def date(self, value: dt.date, form: str = "long") -> str:
        """A date; `form` is "full", "long", "medium", "short" or a CLDR pattern such as "MMMM y" (UTS 35, part 4).

        Raises Problem for a pattern that says nothing about dates.
        """
        from babel.dates import format_date  # noqa: PLC0415 - 24 ms

        try:
            return str(format_date(value, form, locale=self.locale))
        except (ValueError, AttributeError, KeyError, NotImplementedError):
            listed = ", ".join(f'"{one}"' for one in _FORMS)
            raise Problem(
                f'"{form}" is not a form of a date{did_you_mean(form, _FORMS)}',
                hint=f'write {listed}, or a pattern of CLDR such as "d MMMM y"',
            ) from None

    def month(self, number: int) -> str:
        """The name of a month, 1 to 12, as it stands alone."""
        from babel.dates import get_month_names  # noqa: PLC0415

        return str(get_month_names("wide", context="stand-alone", locale=self.locale)[number])

    def number(self, value: float) -> str:
        """A number with the language's separators: 12,345.6 and 12 345,6."""
        from babel.numbers import format_decimal  # noqa: PLC0415

        return str(format_decimal(value, locale=self.locale))

    def sort_key(self, text: str) -> collation.SortKey:
        """For `sorted(titles, key=language.sort_key)`."""
        return collation.sort_key(text, self.tag)

    def spaced(self, text: str) -> str:
        """Plain text with the no-break spaces that the language wants."""
        return punctuation.spaced(text, self.tag)


# BCP 47 as far as a site has use for it: language, script, region, each in its usual case.
_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")


@cache
def language(tag: str, place: Place | None = None) -> Language:
    """The language of a BCP 47 tag: "en", "fr", "pt-BR", "zh-Hant".

    Raises Problem at `place` for a tag that CLDR doesn't know, or one in another case than the usual.
    """
    locale = _locale(tag) if _TAG.fullmatch(tag) else None
    # Babel takes three-letter codes for their two-letter twins; BCP 47 wants the shorter one (RFC 5646, 2.2.1).
    if locale is None or locale.language != tag.partition("-")[0]:
        raise Problem(
            f'no language has the tag "{tag}"{_near(tag, locale)}',
            place=place,
            hint='a tag is a language and, where needed, a script or region, as BCP 47 writes it: "en", "fr", "pt-BR"',
        )
    # CLDR writes most names as they stand in a sentence; a list of languages begins each with a capital.
    name = locale.get_display_name() or tag
    return Language(tag, name[:1].upper() + name[1:], "rtl" if locale.text_direction == "rtl" else "ltr")


@cache
def _plural_forms(tag: str) -> tuple[str, ...]:
    locale = _locale(tag)
    forms = {locale.plural_form(number) for number in range(1000)}
    return tuple(form for form in ("zero", "one", "two", "few", "many", "other") if form in forms)


@cache
def _locale(tag: str) -> "Locale":
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415

    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None  # type: ignore[return-value]  # only language() sees it, and refuses the tag


def _near(tag: str, locale: "Locale | None") -> str:
    if locale is not None:
        return f' (did you mean "{locale.language}"?)'
    from babel.localedata import locale_identifiers  # noqa: PLC0415

    known = {identifier.replace("_", "-") for identifier in locale_identifiers()}
    cased = {one.lower(): one for one in known}
    wanted = tag.replace("_", "-").lower()
    if wanted in cased:
        return f' (did you mean "{cased[wanted]}"?)'
    # A wrong region is nearer to its language than to any other tag.
    base = wanted.partition("-")[0]
    return f' (did you mean "{base}"?)' if base in known else did_you_mean(wanted, known)
