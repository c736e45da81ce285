"""Invented English: words, a small grammar, and the inline markup that a technical blog has."""

import re
from typing import Final

from benchmarks.chance import Chance


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


THINGS: Final = _words("""
    archive bridge buffer cable catalogue chapter clock column compass counter courier crate ditch drawer engine
    envelope ferry field filter garden gauge gate harbour hinge index island kettle kitchen ladder lantern
    ledger letter lighthouse lock loom map market meadow mirror needle notebook orchard packet page parcel path
    pencil pipe platform pulley quarry queue railway record reel ribbon river road roof room rope sail scale
    seal shelf ship signal sketch spring stamp station stream switch table thread ticket tower track tray tunnel
    valley valve wall wheel window winch workshop
""")

QUALITIES: Final = _words("""
    accurate ancient bare bright broad brittle calm careful clear cold common crooked dense distant dry early
    empty even faint fast final fresh gentle heavy hollow honest idle large late light local long loose narrow
    neat odd open plain quiet rare rough second shallow sharp short silent simple slow small smooth steady stiff
    straight strange strict thin tidy usual warm whole wide worn
""")

DEEDS: Final = _words("""
    answers borrows carries changes checks closes collects copies counts covers crosses drops empties fills
    finds follows forgets guides hides holds joins keeps leads lends loads lowers marks meets mends misses moves
    names needs opens orders passes prints pulls pushes raises reads repeats replaces returns seals sends shows
    signs sorts splits starts stops stores tests ties turns weighs writes
""")

MANNERS: Final = (
    "again",
    "at once",
    "by hand",
    "by night",
    "every morning",
    "for an hour",
    "in order",
    "in pairs",
    "in silence",
    "in turn",
    "more often than not",
    "on purpose",
    "on time",
    "slowly",
    "twice a week",
    "without a word",
)

# {t} a thing, {q} a quality, {d} a deed, {m} a manner, {n} a number, {T} a thing with inline markup around it.
SENTENCES: Final = (
    "The {q} {t} {d} the {t} {m}.",
    "A {t} that {d} its {t} is rarely {q}.",
    "Whoever {d} the {t} also {d} the {T}, and {m}.",
    "After {n} days the {t} was still {q}, so we asked for a {q} one.",
    "It isn't the {t} that {d} the {t}; it's the {T}.",
    "Nobody {d} a {q} {t} when the {t} is {q}.",
    "We counted {n} of them -- each {t} {d} one {t} {m}.",
    "If the {t} {d} nothing, look at the {T} first.",
    "There were {n} reasons, and the {q} {t} was only the first.",
    'People call it "the {q} {t}", though it {d} no {t} at all.',
    "Between the {t} and the {t} stands a {T}, which {d} both {m}.",
    "Take the {q} {t}, then the {q} {t}, and see which {d} the {t} {m}.",
    "What a {t} {d} in {n} seconds, a {q} {t} {d} in one.",
    "The old {t} had a {T}; the new one {d} without...",
    "So the {t} {d}, the {t} {d}, and the {T} is {q} {m}.",
    "My neighbour's {t} {d} {n} {t}s a day, which I'd call {q}.",
)

MARKUP: Final = (
    "*{}*",
    "**{}**",
    "`{}`",
    "[{}](https://example.org/{})",
    "*{} of the house*",
    "`{}.toml`",
    "**{}s**",
    "***{}***",
)

TITLES: Final = (
    "The {q} {t} and its {t}",
    "How a {t} {d} a {t}",
    "Notes on the {q} {t}",
    "{n} days with a {q} {t}",
    "What the {t} {d} {m}",
    "A {q} {t} for every {t}",
    "Why our {t} {d} the {t}",
)

HEADINGS: Final = (
    "The {t} at hand",
    "A {q} {t}",
    "What {d} the {t}",
    "From {t} to {t}",
    "{n} {t}s later",
    "When the {t} is {q}",
    "The `{t}` in detail",
)

_ARTICLE: Final = re.compile(r"\b(a|A) (?=[aeio]|honest)")  # "a usual" stays


def sentence(chance: Chance, pattern: str) -> str:
    """One pattern with its slots filled, beginning with a capital."""
    parts = pattern.split("{")
    text = parts[0] + "".join(_slot(chance, part[0]) + part[2:] for part in parts[1:])
    return _ARTICLE.sub(r"\1n ", text[0].upper() + text[1:])


def paragraph(chance: Chance, sentences: int) -> str:
    """Some sentences on lines of a writer's length, as Markdown without a final newline."""
    words = " ".join(sentence(chance, chance.pick(SENTENCES)) for _ in range(sentences)).split(" ")
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 90:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(lines)


def _slot(chance: Chance, kind: str) -> str:
    match kind:
        case "t":
            return chance.pick(THINGS)
        case "q":
            return chance.pick(QUALITIES)
        case "d":
            return chance.pick(DEEDS)
        case "m":
            return chance.pick(MANNERS)
        case "n":
            return str(chance.between(2, 90))
        case _:
            thing = chance.pick(THINGS)
            return chance.pick(MARKUP).replace("{}", thing)
