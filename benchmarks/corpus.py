"""The corpus: an invented blog of any size, and each generator's site made of it.

A post has 3 to 5 KB of Markdown that all peers read alike: headings, inline markup, lists, a table, a footnote, one or
two blocks of code; and three of 100 tags. Post number n is the same whatever the size of the blog. What differs by peer
is the front matter and where files stand. The sites' settings and themes are kept in sites/, one folder for each peer:
the same pages by the means of each.
"""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.chance import Chance
from benchmarks.listings import LANGUAGES, listing
from benchmarks.prose import HEADINGS, QUALITIES, THINGS, TITLES, paragraph, sentence

SITES: Final = Path(__file__).parent / "sites"

SMALLEST: Final = 3000
LARGEST: Final = 5000
"""The size of a post's body, in bytes."""

TEASER_END: Final = "<!-- TEASER_END -->"

_FIRST: Final = dt.datetime(2012, 1, 2, 6, tzinfo=dt.UTC)
_YEARS: Final = 12
_SPREAD: Final = 10_000  # numbers are scattered over the years by a step that shares no factor with this
_STEP: Final = 3779


@dataclass(frozen=True, slots=True)
class Post:
    """One post. `date` is in UTC, and no other of 10,000 posts has it; `body` is Markdown without the title."""

    number: int
    slug: str
    title: str
    date: dt.datetime
    tags: tuple[str, ...]
    body: str

    @property
    def path(self) -> str:
        """Where every peer puts its page, relative to the output folder."""
        return f"posts/{self.slug}/index.html"


TAGS: Final = tuple(f"{QUALITIES[number % len(QUALITIES)]}-{THINGS[number % len(THINGS)]}" for number in range(100))


def posts(count: int) -> Iterator[Post]:
    """The posts of a blog of that size, from number 0."""
    return (post(number) for number in range(count))


def post(number: int) -> Post:
    """One post of the blog, a function of its number."""
    chance = Chance(f"post/{number}")
    title = _one_line(sentence(chance, chance.pick(TITLES)))
    words = "-".join("".join(char if char.isalnum() else " " for char in title.lower()).split())
    return Post(
        number=number,
        slug=f"{number:05}-{words}",
        title=title,
        date=date_of(number),
        tags=tuple(sorted([TAGS[number % len(TAGS)], *_others(chance, number)])),
        body=_body(chance),
    )


def date_of(number: int) -> dt.datetime:
    """The date of a post. Scattered, so that neighbours in a list do not stand side by side on the disk."""
    turn, place = divmod(number, _SPREAD)
    return _FIRST + dt.timedelta(minutes=(place * _STEP % _SPREAD) * (_YEARS * 365 * 24 * 60 // _SPREAD) + turn)


def _others(chance: Chance, number: int) -> list[str]:
    """Two further tags. The first is dealt out in turn, so that 100 posts have all tags."""
    return chance.sample([tag for tag in TAGS if tag != TAGS[number % len(TAGS)]], 2)


def _one_line(text: str) -> str:
    return text.rstrip(".")


def _body(chance: Chance) -> str:
    languages = chance.sample(tuple(LANGUAGES), chance.between(1, 2))
    blocks = [
        f"{paragraph(chance, 2)} The rest is in a note.[^1]",
        _heading(chance, 2),
        paragraph(chance, 3),
        _bullets(chance),
        _heading(chance, 2),
        f"```{languages[0]}\n{listing(chance, languages[0])}```",
        _heading(chance, 3),
        paragraph(chance, 2),
        _table(chance),
        _numbered(chance),
        *([f"```{languages[1]}\n{listing(chance, languages[1])}```"] if len(languages) > 1 else []),
        "> " + paragraph(chance, 1).replace("\n", "\n> "),
    ]
    end = f"[^1]: {paragraph(chance, 1).replace(chr(10), ' ')}"
    target = chance.between(SMALLEST + 50, LARGEST - 600)
    size = sum(len(block.encode()) + 2 for block in [*blocks, end])
    while size < target:
        more = [paragraph(chance, chance.between(2, 5))]
        if chance.below(2):
            more.insert(0, _heading(chance, chance.between(2, 3)))
        blocks += more
        size += sum(len(block.encode()) + 2 for block in more)
    return "\n\n".join([*blocks, end]) + "\n"


def _heading(chance: Chance, level: int) -> str:
    return f"{'#' * level} {sentence(chance, chance.pick(HEADINGS))}"


def _bullets(chance: Chance) -> str:
    return "\n".join(f"- {sentence(chance, 'the {q} {t} {d} the {T}')}" for _ in range(chance.between(3, 5)))


def _numbered(chance: Chance) -> str:
    lines = (sentence(chance, "{t} {n}, which {d} {m}") for _ in range(3))
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _table(chance: Chance) -> str:
    rows = [
        f"| {chance.pick(THINGS)} | {chance.pick(QUALITIES)} | {chance.below(10_000)} |"
        for _ in range(chance.between(3, 5))
    ]
    return "\n".join(["| Part | Is | Count |", "|:-----|:---|------:|", *rows])


def write(peer: str, folder: Path, count: int) -> None:
    """Writes the peer's whole site into `folder`, which must not exist: settings, theme and `count` posts."""
    shutil.copytree(SITES / peer, folder)
    for one in posts(count):
        file = source(peer, folder, one)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(peer, one), encoding="utf-8")


def body(peer: str, one: Post) -> str:
    """The body as a peer has it. Nikola alone must be told where the first paragraph, which lists show, ends."""
    return one.body.replace("\n\n", f"\n\n{TEASER_END}\n\n", 1) if peer == "nikola" else one.body


def source(peer: str, folder: Path, one: Post) -> Path:
    """The file of a post in a peer's site."""
    return folder / _EVERY[peer][0](one)


def _yaml(one: Post, **more: str) -> str:
    """YAML front matter. JSON's texts and lists are YAML too."""
    keys = {
        "title": json.dumps(one.title),
        "date": one.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": json.dumps(list(one.tags)),
    }
    return "\n".join(["---", *(f"{key}: {value}" for key, value in (keys | more).items()), "---", "", ""])


def _jekyll(one: Post) -> str:
    # The Liquid in a body would be run; none of the others looks for a template there, and this one need not either.
    return _yaml(one, date=one.date.strftime("%Y-%m-%d %H:%M:%S +0000"), slug=one.slug, render_with_liquid="false")


def _pelican(one: Post) -> str:
    date = one.date.strftime("%Y-%m-%d %H:%M:%S")
    return f"Title: {one.title}\nDate: {date}\nTags: {', '.join(one.tags)}\nSlug: {one.slug}\n\n"


def _nikola(one: Post) -> str:
    date = one.date.strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [f"title: {one.title}", f"slug: {one.slug}", f"date: {date}", f"tags: {', '.join(one.tags)}", "type: text"]
    return "".join(["<!--\n", *(f".. {line}\n" for line in lines), "-->\n\n"])


Dialect = tuple[Callable[[Post], str], Callable[[Post], str]]

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "sealpress": (lambda one: f"content/posts/{one.slug}.md", _yaml),
        "hugo": (lambda one: f"content/posts/{one.slug}.md", _yaml),
        "pelican": (lambda one: f"content/{one.slug}.md", _pelican),
        "nikola": (lambda one: f"posts/{one.slug}.md", _nikola),
        "eleventy": (lambda one: f"posts/{one.slug}.md", _yaml),
        "jekyll": (lambda one: f"_posts/{one.date:%Y-%m-%d}-{one.slug}.md", _jekyll),
    }
)
"""For each peer, where a post's file stands and what comes before its body."""

SERVED: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "astro": (lambda one: f"src/content/posts/{one.slug}.md", _yaml),
        "zensical": (lambda one: f"docs/posts/{one.slug}.md", _yaml),
    }
)
"""The same for those that only show a site while it is written: they don't make the same pages."""

_EVERY: Final = {**DIALECTS, **SERVED}


def text(peer: str, one: Post) -> str:
    """The whole of a post's file."""
    return _EVERY[peer][1](one) + body(peer, one)
