"""Records come back from plain data as they were, whatever an author wrote."""

import datetime as dt
import marshal
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from ssg.build.records import PAGES, PARSED_PAGES
from ssg.cache.codec import Codec
from ssg.content.front_matter import read
from ssg.content.model import FrontMatter, Page, PageKind, ParsedPage
from ssg.markup.text.converted import Fault, Slot

# No author can say which of two equal hours he means (fold), nor a zone by its name.
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
CLOCKS = st.datetimes(timezones=st.none() | OFFSETS).map(lambda moment: moment.replace(fold=0))
FRONT_MATTER = Codec(FrontMatter)
TEXTS = st.text(max_size=8) | st.sampled_from(["moment", "day", "time", "table", "list", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | TEXTS
    | CLOCKS
    | st.dates()
    | st.times().map(lambda time: time.replace(fold=0)),
    lambda below: (
        st.lists(below, max_size=4).map(tuple) | st.dictionaries(TEXTS, below, max_size=4).map(MappingProxyType)
    ),
    max_leaves=12,
)
MOMENTS = st.none() | st.dates() | CLOCKS
FRONTS = st.builds(
    FrontMatter,
    title=TEXTS,
    date=MOMENTS,
    updated=MOMENTS,
    slug=TEXTS,
    key=TEXTS,
    terms=st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=3).map(tuple)), max_size=2).map(tuple),
    description=TEXTS,
    summary=TEXTS,
    author=TEXTS,
    draft=st.booleans(),
    order=st.integers(),
    template=TEXTS,
    toc=st.none() | st.booleans(),
    params=st.dictionaries(TEXTS, VALUES, max_size=4).map(MappingProxyType),
)
LINKS = st.builds(Slot, TEXTS, TEXTS, *[st.integers(0, 9)] * 3)


def kept(value: object) -> object:
    """As the file gives it back."""
    return marshal.loads(marshal.dumps(value))


def types(value: object) -> object:
    """Equality takes 1, 1.0 and True for one another: a template prints them apart."""
    match value:
        case Mapping():
            return {key: types(item) for key, item in value.items()}
        case tuple():
            return tuple(map(types, value))
        case _:
            return type(value), repr(value)


@given(front=FRONTS)
def test_front_matter_comes_back(front: FrontMatter) -> None:
    found = FRONT_MATTER.unpack(kept(FRONT_MATTER.pack(front)))
    assert found == front
    assert [types(getattr(found, one.name)) for one in fields(front)] == [
        types(getattr(front, one.name)) for one in fields(front)
    ]
    assert repr(found) == repr(front)  # of which a digest is made


@given(front=FRONTS, other=FRONTS)
def test_other_front_matter_is_other_plain_data(front: FrontMatter, other: FrontMatter) -> None:
    """By it a build sees whether a head has changed."""
    same = repr(front) == repr(other)
    assert (marshal.dumps(FRONT_MATTER.pack(front), 2) == marshal.dumps(FRONT_MATTER.pack(other), 2)) == same


@given(front=FRONTS, links=st.lists(LINKS, max_size=3).map(tuple), line=st.integers(1, 99))
def test_a_manuscript_comes_back(front: FrontMatter, links: tuple[Slot, ...], line: int) -> None:
    found = ParsedPage("0" * 64, front, line, "key", links, (Fault("message", "hint", 1, 2, 3),))
    assert PARSED_PAGES.unpack(kept(PARSED_PAGES.pack(found))) == found


@given(
    front=FRONTS,
    text=TEXTS,
    date=st.none() | CLOCKS.filter(lambda moment: moment.tzinfo),
    kind=st.sampled_from(PageKind),
    flag=st.booleans(),
)
def test_a_page_comes_back(front: FrontMatter, text: str, date: dt.datetime | None, kind: PageKind, flag: bool) -> None:
    page = Page("x.md", kind, "en", text, text, text, text, text, 3, front, text, flag, date, date, (text, text), text)
    found = PAGES.unpack(kept(PAGES.pack(page)), source="x.md", front_matter=front)
    assert found == page
    assert repr(found) == repr(page)


def test_what_yaml_and_toml_can_say_comes_back() -> None:
    """Every kind of value that either has."""
    yaml = (
        b"---\ntitle: T\nparams:\n  a: [1, 1.5, true, ~, x, [], {}]\n  b: {moment: day, 2026: [list]}\n"
        b"  c: 2026-01-01\n  d: 2026-01-01T10:00:00+02:00\n  e: 0x1f\n  f: .inf\n---\n"
    )
    toml = (
        b'+++\ntitle = "T"\ndate = 2026-01-01T10:00:00Z\n[params]\na = [1, 1.5, true, "x", [], {}]\n'
        b'b = 2026-01-01\nc = 10:00:00\nd = 2026-01-01T10:00:00.5\ne = inf\n[params.f]\nmoment = "day"\n+++\n'
    )
    for data in (yaml, toml):
        front = read(data, "x.md").front_matter
        found = FRONT_MATTER.unpack(kept(FRONT_MATTER.pack(front)))
        assert repr(found) == repr(front)
        assert types(found.params) == types(front.params)
