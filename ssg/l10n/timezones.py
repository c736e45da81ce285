"""Time zones from the tzdata package: never /usr/share/zoneinfo, which differs from machine to machine."""

import datetime as dt
from functools import cache
from importlib import resources

from sealpress.problems import Place, Problem, did_you_mean


def timezone(name: str, place: Place | None = None) -> dt.tzinfo:
    """The zone `name` of the IANA database, "Europe/Paris".

    Raises Problem at `place` for a name that the database doesn't have.
    """
    if name == "UTC":
        return dt.UTC
    if name not in _names():
        raise Problem(
            f'no time zone is called "{name}"{did_you_mean(name, _names())}',
            place=place,
            hint='names are those of the IANA database, such as "Europe/Paris" or "UTC"',
        )
    return _zone(name)


@cache
def _zone(name: str) -> dt.tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    # from_file() looks at no search path, so the machine's own files are never read. Its one drawback: such a zone
    # can't be pickled, so it crosses to a worker by fork, or by name.
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@cache
def _names() -> frozenset[str]:
    text = resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(text.split())
