"""Questions are answered once and recorded for each who asks, whoever asked first."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sealpress.problems import Problem
from ssg.cache.tracing import GONE, AnswerOrigin, Key, Questions, Scope, digest, fact, part, query, scope_of
from ssg.rendering.theme.templates import Templates, environments
from ssg.rendering.theme.theme import ThemeFile


class Asked(Questions):
    """A small site: `calls` are the questions that were worked out."""

    def __init__(self, recall: Callable[[Key], object] | None = None) -> None:
        super().__init__(recall)
        self.calls: list[str] = []
        self.titles = {"a": "A", "b": "B"}
        self.templates: dict[str, str] = {}

    @fact("title", AnswerOrigin.FRONT)
    def title(self, source: str) -> str:
        self.calls.append(f"title {source}")
        return self.titles[source]

    @fact("shout", AnswerOrigin.FRONT)
    def shout(self, source: str) -> str:
        return self.title(source).upper()

    @fact("body", AnswerOrigin.BODY, keep=False)
    def body(self, source: str) -> str:
        self.calls.append(f"body {source}")
        return source * 3

    @query("posts")
    def posts(self, tag: str | None, limit: int | None) -> tuple[str, ...]:
        self.calls.append("posts")
        return (tag or "", str(limit))

    @part("[site]", "nothing")
    def nothing(self) -> None:
        self.calls.append("nothing")

    @part(AnswerOrigin.TEMPLATES, "{name}")
    def template(self, name: str) -> str | None:
        return self.templates.get(name)


def test_a_question_is_answered_once_and_recorded_for_each_who_asks() -> None:
    asked = Asked()
    for _ in range(2):
        with asked.traced() as trace:
            assert asked.title("a") == "A"
            assert asked.nothing() is None
            asked.nothing()
        assert trace == {("title", "a"), ("nothing",)}
    assert asked.calls == ["title a", "nothing"]


def test_a_body_is_worked_out_each_time_and_recorded_each_time() -> None:
    asked = Asked()
    for _ in range(2):
        with asked.traced() as trace:
            assert asked.body("a") == "aaa"
        assert trace == {("body", "a")}
    assert asked.calls == ["body a", "body a"]
    assert asked.learned() == {("body", "a"): digest("aaa")}


@pytest.mark.parametrize("first", [True, False])
def test_what_a_question_asks_in_its_turn_is_no_part_of_a_trace(first: bool) -> None:
    """Or a trace would depend on who came first."""
    asked = Asked()
    if first:
        asked.shout("a")
    with asked.traced() as trace:
        asked.shout("a")
    assert trace == {("shout", "a")}


def test_traces_within_traces_are_apart() -> None:
    asked = Asked()
    with asked.traced() as outer:
        asked.title("a")
        with asked.traced() as inner:
            asked.title("b")
        asked.also(inner)
    assert (inner, outer) == ({("title", "b")}, {("title", "a"), ("title", "b")})


def test_a_trace_ends_with_a_fault() -> None:
    asked = Asked()
    with pytest.raises(KeyError), asked.traced():
        asked.shout("nowhere")
    with asked.traced() as trace:
        asked.title("a")
    assert trace == {("title", "a")}


def test_changed_are_the_questions_with_other_answers_and_those_without() -> None:
    asked = Asked()
    known = {
        ("title", "a"): digest("A"),
        ("title", "b"): digest("other"),
        ("title", "gone"): digest("x"),
        ("posts", None, 2): ("", "2"),
        ("posts", "red", None): ("red", "3"),
        ("nothing",): digest(None),
        ("no_such_question", "a"): digest("A"),
        ("calls",): digest("A"),
    }
    expected = [("title", "b"), ("title", "gone"), ("posts", "red", None), ("no_such_question", "a"), ("calls",)]
    assert asked.changed(known) == expected
    told = asked.learned()
    assert told[("title", "b")] == digest("B")
    # Of queries, what stays is known without being told of anew, and what changed is answered when it is needed.
    assert not [key for key in told if key[0] == "posts"]
    calls = list(asked.calls)
    assert asked.posts(None, 2) == ("", "2")
    assert (asked.calls, asked.learned()) == (calls, {})
    assert asked.posts("red", None) == ("red", "None")
    assert (asked.calls, asked.learned()) == ([*calls, "posts"], {("posts", "red", None): ("red", "None")})


def test_recalled_answers_are_taken_as_true() -> None:
    kept: dict[Key, object] = {("posts", "red", None): ("x",)}
    asked = Asked(lambda key: kept.get(key, GONE))
    with asked.traced() as trace:
        assert asked.posts("red", None) == ("x",)
    assert (trace, asked.calls, asked.learned()) == ({("posts", "red", None)}, [], {})


def test_a_template_s_own_text_asks_as_any_text() -> None:
    """Markup is no plain text: a key that holds it could not be kept."""
    asked = Asked()
    with asked.traced() as trace:
        asked.posts(Markup("red"), 2.0)  # type: ignore[arg-type] - as templates do
    ((_, tag, limit),) = trace
    assert (type(tag), tag, type(limit), limit) == (str, "red", int, 2)


@pytest.mark.parametrize("given", [["red"], {"red"}, dt.date(2026, 1, 1), 1.5, object(), ("red",)])
def test_what_can_be_in_no_key_is_a_problem(given: object) -> None:
    with pytest.raises(Problem, match='"posts" takes text and whole numbers'):
        Asked().posts(given, None)  # type: ignore[arg-type]


@given(text=st.text())
def test_no_text_has_the_digest_of_another_value(text: str) -> None:
    for other in (None, 1, True, (), ("a",), text.encode(), (text,)):
        assert digest(text) != digest(other)
        assert digest(repr(other)) != digest(other)


def test_scopes_tell_what_an_answer_can_change_with() -> None:
    scopes = [scope_of(Asked, (name,)) for name in ("title", "body", "posts", "nothing", "learned", "x")]
    assert scopes == [Scope.FACT, Scope.FACT, Scope.QUERY, Scope.PART, None, None]


@contextmanager
def rendering(asked: Asked, templates: dict[str, str], folder: Path) -> Iterator[Templates]:
    for name, text in templates.items():
        (folder / name).write_text(text)
    asked.templates = templates
    files = {name: ThemeFile(folder / name, name) for name in templates}
    values = {"title": asked.title, "posts": asked.posts}
    yield environments(files, {"en": MappingProxyType({})}, {"en": values}, asked)["en"]


def used(name: str) -> Key:
    return ("template", name)


def test_every_importer_counts_what_the_import_asked(tmp_path: Path) -> None:
    """The first runs its top level, the second does not; both hang on it. So do templates that it imports itself."""
    templates = {
        "deep.html": "{% set b = title('b') %}",
        "macros.html": "{% import 'deep.html' as d %}{% set a = title('a') %}"
        "{% macro m() %}{{ a }}{{ d.b }}{% endmacro %}",
        "one.html": "{% import 'macros.html' as m %}{{ m.m() }}",
        "two.html": "{% from 'macros.html' import m %}{{ m() }}",
        "three.html": "{% include 'two.html' %}",
    }
    asked = Asked()
    with rendering(asked, templates, tmp_path) as env:
        traces = {}
        for name in ("one.html", "two.html", "three.html", "one.html"):
            with asked.traced() as trace:
                assert env.render(name, {}, "x") == "AB"
            traces[name] = trace
    shared = {("title", "a"), ("title", "b"), used("macros.html"), used("deep.html")}
    assert traces["one.html"] == {used("one.html"), *shared}
    assert traces["two.html"] == {used("two.html"), *shared}
    assert traces["three.html"] == {used("three.html"), used("two.html"), *shared}
    assert asked.calls.count("title a") == 1


def test_a_template_that_is_not_there_is_asked_for_all_the_same(tmp_path: Path) -> None:
    asked = Asked()
    templates = {"one.html": "{% include ['x.html', 'y.html'] ignore missing %}"}
    with rendering(asked, templates, tmp_path) as env, asked.traced() as trace:
        assert env.render("one.html", {}, "x") == ""
    assert trace == {used("one.html"), used("x.html"), used("y.html")}


REMEMBERING = {
    "cycler": "{% set c = cycler(1, 2, 3) %}{% macro m() %}{{ c.next() }}{% endmacro %}",
    "bound": "{% set next = cycler(1, 2, 3).next %}{% macro m() %}{{ next() }}{% endmacro %}",
    "namespace": "{% set n = namespace(x=0) %}{% macro m() %}{% set n.x = n.x + 1 %}{{ n.x }}{% endmacro %}",
    "hidden": "{% set _n = namespace(x=0) %}{% macro m() %}{% set _n.x = _n.x + 1 %}{{ _n.x }}{% endmacro %}",
    "in a list": "{% set n = [namespace(x=0)] %}{% macro m() %}{% set o = n[0] %}{% set o.x = o.x + 1 %}{{ o.x }}"
    "{% endmacro %}",
    "iterator": "{% set i = ['1', '2'] | map('upper') %}{% macro m() %}{{ i | join(' ') }}{% endmacro %}",
    "joiner": "{% set j = joiner('2') %}{% macro m() %}{{ j() or '1' }}{% endmacro %}",
    "imported": "{% from 'below.html' import m as n %}{% macro m() %}{{ n() }}{% endmacro %}",
}


@pytest.mark.parametrize("how", REMEMBERING)
def test_no_page_sees_what_another_one_s_import_remembers(how: str, tmp_path: Path) -> None:
    """Else a page would hang on which pages were rendered before it."""
    templates = {
        "below.html": REMEMBERING["cycler"],
        "macros.html": REMEMBERING[how],
        "one.html": "{% import 'macros.html' as m %}{{ m.m() }}",
    }
    asked = Asked()
    with rendering(asked, templates, tmp_path) as env:
        first, second = (env.render("one.html", {}, "x") for _ in range(2))
    assert first == second != ""
