"""The true inputs of each output: what was asked while it was made, and what the answers were.

Whoever renders sees the site only through questions: "title of content/posts/x.md", "neighbours of …", "template
post.html". Each is a method of a Questions object. Its mark declares all else that there is to say of it (Question):
its words, how a template asks it, and what its answer can change with:

    @fact    one page, its front matter and its body; or one image, or one data file: its content
    @query   the site's structure: which pages there are, their front matter, the assets, the names of data, but no body
    @part    settings, the theme, and versions: cheap to ask, so asked again for every build

The questions that one output asked are its trace. An output is made anew where a question of its trace has another
answer than last time, and only there: an input that changes without changing an answer stops at the question ("early
cut-off"). Source: verifying traces, in Mokhov, Mitchell, Peyton Jones, "Build Systems à la Carte" (2018).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

from sealpress.frozen import frozen
from sealpress.problems import Problem

Key = tuple[str | int | None, ...]
"""A question: the method's name, then its arguments."""

Trace = frozenset[Key]

Answers = dict[Key, object]
"""What was answered last time: a query's answer itself, of all others the digest."""

GONE: Final = ...
"""In the place of an answer: there is none any more."""

_DIGEST: Final = 12  # bytes: enough that no two answers of one question are ever taken for the same

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_NOTHING: Final = object()


class Scope(StrEnum):
    FACT = "fact"
    QUERY = "query"
    PART = "part"


class AnswerOrigin(StrEnum):
    """Where an answer comes from."""

    FRONT = "front matter"
    BODY = "body"
    PLACE = "place"  # a page's file name and folder, with the slug
    DATA = "data files"
    SITE = "site"
    SETTINGS = "settings"
    OPTIONS = "theme options"
    STRINGS = "interface strings"
    TEMPLATES = "templates"
    FILES = "theme files"


@frozen
class Question:
    """What is declared of one: it marks a method. `about` and `what` are its words in two halves, with `parameters`
    in braces, or made of them. `asked_as` is how templates ask it, "page.title", or "". If `are_pages`, it answers with
    the sources of pages, and templates see these. Unless it is to `keep`, it is worked out each time it is asked.
    """

    scope: Scope
    origin: AnswerOrigin
    about: str
    what: str | Callable[..., str]
    asked_as: str
    are_pages: bool = False
    keep: bool = True
    name: str = ""
    parameters: tuple[str, ...] = ()

    def __call__(self, function: F) -> F:
        name, code, scope, keep = function.__name__, function.__code__, self.scope, self.keep

        @wraps(function)
        def asked(self: "Questions", *given: str | int | None) -> object:
            # Asked hundreds of times for each page: what is known is answered first, and with as few steps as can be.
            key = (name, *given)
            try:
                known = self._known.get(key)
            except TypeError:  # a list, or what else can be in no key
                known = None
            if known is None:
                key = (name, *_plain(name, given))
                known = self._recalled(key, scope)
                known = known or self._learn(key, scope, _isolated(self, function, key[1:]), keep=keep)
                self._trace.add(known[0])
                return known[1]
            self._trace.add(known[0])
            answer = known[1]
            return _isolated(self, function, given) if answer is _NOTHING else answer

        parameters = code.co_varnames[1 : code.co_argcount]
        asked.question = replace(self, name=name, parameters=parameters)  # type: ignore[attr-defined]
        return asked  # type: ignore[return-value]


def fact(words: str, origin: AnswerOrigin, *, asked_as: str = "", keep: bool = True) -> Question:
    """A question about one page, image or data file; its first argument is the `source`."""
    about, what = (words, "{source}") if origin is AnswerOrigin.SITE else ("{source}", words)
    return Question(Scope.FACT, origin, about, what, asked_as, keep=keep)


def query(about: str, what: str | Callable[..., str] = "", *, asked_as: str = "", are_pages: bool = False) -> Question:
    """A question about the site's structure. Its answer is plain: text, numbers, None, and tuples of them."""
    return Question(Scope.QUERY, AnswerOrigin.SITE, about, what, asked_as, are_pages)


def part(of: str | AnswerOrigin, what: str, *, asked_as: str = "") -> Question:
    """A question about settings or the theme: `of` is a table of site.toml, or what else is asked."""
    origin, about = (of, "") if isinstance(of, AnswerOrigin) else (AnswerOrigin.SETTINGS, of)
    return Question(Scope.PART, origin, about, what, asked_as)


def _plain(name: str, given: Iterable[object]) -> Iterator[str | int | None]:
    """Arguments as they can be kept: a template's own text (markup) is a text like any other.

    Raises Problem for what is neither text nor a whole number: a template may ask with anything.
    """
    for one in given:
        match one:
            case str():
                yield str.__str__(one)
            case int() | None:
                yield one
            case float() if one.is_integer():
                yield int(one)
            case _:
                raise Problem(f'"{name.replace("_", " ")}" takes text and whole numbers, nothing else')


def _isolated(questions: "Questions", function: Callable[..., T], given: Iterable[object]) -> T:
    """What a question asks in its turn is its own business, or a trace would depend on who asked first."""
    outer, questions._trace = questions._trace, set()  # noqa: SLF001 - a part of the class, for the decorator
    try:
        return function(questions, *given)
    finally:
        questions._trace = outer  # noqa: SLF001


class Questions:
    """Answers questions, once each, and records who asked which.

    `recall` gives the answer of a query, or GONE, from the last build, where its structure still stands. `declared` are
    all questions by their names, in the order in which they stand in the code.
    """

    declared: ClassVar[Mapping[str, Question]] = {}
    _queries: ClassVar[Mapping[str, Callable[..., object]]] = {}  # what answers them

    def __init_subclass__(cls) -> None:
        own = [member for member in vars(cls).values() if hasattr(member, "question")]
        cls.declared = {**cls.declared, **{one.question.name: one.question for one in own}}
        queries = {one.question.name: one.__wrapped__ for one in own if one.question.scope is Scope.QUERY}
        cls._queries = {**cls._queries, **queries}

    def __init__(self, recall: Callable[[Key], object] | None = None) -> None:
        self._known: dict[Key, tuple[Key, object]] = {}
        self._recall = recall
        self._trace: set[Key] = set()
        self._new: Answers = {}
        self._recorded: Answers = {}

    @contextmanager
    def traced(self) -> Iterator[set[Key]]:
        """The questions that are asked within the context."""
        outer, self._trace = self._trace, set()
        try:
            yield self._trace
        finally:
            self._trace = outer

    def also(self, trace: Iterable[Key]) -> None:
        """Counts questions as asked: those of something that was made earlier and is used again."""
        self._trace.update(trace)

    def learned(self) -> Answers:
        """What was answered since this was last called."""
        new, self._new = self._new, {}
        return new

    def recorded(self, key: Key) -> object:
        """A question's answer as it is recorded, where it was asked and not recalled; else GONE."""
        return self._recorded.get(key, GONE)

    def asked_again(self, key: Key) -> object:
        """A question's answer as it is recorded; GONE where there is none any more."""
        answer = self._answer(key)
        return GONE if answer is _NOTHING else answer

    def changed(self, before: Mapping[Key, object]) -> list[Key]:
        """The questions among `before` whose answers are others now, in their order. One without answer has changed."""
        with self.traced():
            return [key for key, answer in before.items() if not self._stays(key, answer)]

    def _stays(self, key: Key, answer: object) -> bool:
        """Queries are thousands, and nearly all stay: these are known from then on, as if they were recalled."""
        function = self._queries.get(str(key[0]))
        if function is None or key in self._known:
            if self._answer(key) != answer:
                return False
            self._new.pop(key, None)  # there is nothing to learn of it
            return True
        try:
            if function(self, *key[1:]) != answer:
                return False
        except Exception:  # noqa: BLE001 - as in _answer
            return False
        self._known[key] = (key, answer)
        return True

    def _answer(self, key: Key) -> object:
        """As it is recorded."""
        scope = scope_of(type(self), key)
        if scope is None:
            return _NOTHING
        try:
            answer = getattr(self, str(key[0]))(*key[1:])
        except Exception:  # noqa: BLE001 - whoever needs the answer now meets the fault, and tells of it
            return _NOTHING
        return answer if scope is Scope.QUERY else digest(answer)

    def _recalled(self, key: Key, scope: Scope) -> tuple[Key, Any] | None:
        if self._recall is None or scope is not Scope.QUERY or (answer := self._recall(key)) is GONE:
            return None
        self._known[key] = (key, answer)
        return self._known[key]

    def _learn(self, key: Key, scope: Scope, answer: T, *, keep: bool) -> tuple[Key, T]:
        known = (key, answer)
        self._known[key] = known if keep else (key, _NOTHING)
        self._new[key] = self._recorded[key] = answer if scope is Scope.QUERY else digest(answer)
        return known


def scope_of(questions: type[Questions], key: Key) -> Scope | None:
    """What a question's answer can change with; None for a name that is no question."""
    question = questions.declared.get(str(key[0]))
    return question.scope if question else None


def digest(answer: object) -> bytes:
    """Of values whose repr tells all of them: text, numbers, moments, tuples, mappings, frozen records."""
    # A text is never taken for what another value's repr is: no other begins with a quote.
    text = f"'{answer}" if isinstance(answer, str) else repr(answer)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()
