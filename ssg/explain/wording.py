"""The questions of a trace (ssg.cache.tracing) as a person says them, for `ssg why`: in the words that they declare."""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from sealpress.frozen import frozen
from ssg.cache.tracing import AnswerOrigin, Key, Question, Questions
from ssg.rendering.queries.site_queries import SiteQueries

OF_PAGES: Final = (AnswerOrigin.FRONT, AnswerOrigin.BODY, AnswerOrigin.PLACE)

FACTS: Final[Mapping[str, Question]] = MappingProxyType(
    {name: question for name, question in SiteQueries.declared.items() if question.origin in OF_PAGES}
)
"""Those about one page, in the order in which they are declared: a person reads them in it."""

ITSELF: Final = "this page"


@frozen
class Said:
    """A question for a person, in two halves that stand side by side or make a sentence: "content/posts/x.md" and
    "title", "[site]" and "url", "neighbours of" and "this page". `about` and `language` may be "".
    """

    origin: AnswerOrigin
    about: str
    what: str
    language: str = ""

    @property
    def group(self) -> str:
        return "pages" if self.origin in OF_PAGES else self.origin

    def sentence(self) -> str:
        """As one says it alone: "title of content/posts/x.md"."""
        if self.origin in {*OF_PAGES, AnswerOrigin.DATA}:
            return f"{self.what} of {self.about}"
        of = f" ({self.language})" if self.language else ""
        return f"{self.about or self.origin.removesuffix('s')} {self.what}".rstrip() + of


def said(key: Key, subject: str = "", questions: type[Questions] = SiteQueries) -> Said:
    """A question in words. `subject` is the page that is spoken of, which is then "this page"."""
    name, *given = (str(key[0]), *key[1:])
    question = questions.declared.get(name)
    if question is None:  # of another version
        rest = ", ".join(str(one) for one in given if one not in {None, ""})
        return Said(AnswerOrigin.SITE, name.replace("_", " "), rest)
    values = dict(zip_longest(question.parameters, given, fillvalue=""))
    about, what = question.about.format(**values), question.what
    what = what.format(**values) if isinstance(what, str) else what(*given)
    if question.origin is AnswerOrigin.SITE and subject and what == subject:
        what = ITSELF
    return Said(question.origin, about, what, str(values.get("language", "")))


def facts(keys: Iterable[Key]) -> dict[str, AnswerOrigin]:
    """The words for what is asked of pages, in the order of FACTS, each with where its answer comes from."""
    names = {key[0] for key in keys}
    return {str(question.what): question.origin for name, question in FACTS.items() if name in names}
