"""Questions by number: kept small, found in traces, and forgotten when nobody asks them any more."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from ssg.cache.answers import KnownAnswers, renumbered, used
from ssg.cache.table import Table
from ssg.cache.tracing import GONE, Key

keys = st.lists(st.integers(0, 2000).map(lambda number: ("title", number)), unique=True, max_size=40)


def of(*questions: Key) -> KnownAnswers:
    """The questions, numbered as they stand here, each with its number as answer."""
    known = KnownAnswers()
    known.learn({key: number for number, key in enumerate(questions)})
    return known


@given(traces=st.lists(keys, min_size=1, max_size=5), changed=keys)
def test_changed_questions_are_found_in_traces(traces: list[list[Key]], changed: list[Key]) -> None:
    known = of(*(("title", number) for number in range(2000, -1, -1)))
    packed = {str(number): known.asked(trace) for number, trace in enumerate(traces)}
    wanted = {str(number): [key for key in changed if key in trace] for number, trace in enumerate(traces)}
    assert known.hits(packed, changed) == {name: hits for name, hits in wanted.items() if hits}


def test_a_question_that_nobody_knows_is_in_no_trace() -> None:
    known = of(("a",))
    assert known.hits({"x": known.asked([("a",)])}, [("b",)]) == {}


def test_a_trace_is_kept_as_numbers_in_order_and_read_back() -> None:
    known = of(("a",), ("b",))
    asked = known.asked([("c",), ("b",), ("a",)])
    assert list(array("I", asked)) == [0, 1, 2]
    assert known.keys(asked) == [("a",), ("b",), ("c",)]
    assert known.answer(("c",)) is GONE
    known.learn({("c",): 3})
    known.forget([("a",)])
    assert dict(known.items()) == {("a",): GONE, ("b",): 1, ("c",): 3}
    assert known.added == {("a",): 0, ("b",): 1, ("c",): 2}


def test_only_rows_with_other_answers_are_other_rows() -> None:
    before = of(("title", "x.md"), ("date", "x.md"), ("title", "y.md"), ("size",)).table()
    again = KnownAnswers(Table(before.packed()), 4)
    again.learn({("title", "x.md"): 0, ("title", "y.md"): "new"})
    assert again.answer(("date", "x.md")) == 1
    after = again.table()
    assert {name for name, row in after.packed().items() if before.packed()[name] != row} == {"y.md"}
    assert dict(KnownAnswers(after, again.count).items()) == {
        ("title", "x.md"): 0,
        ("date", "x.md"): 1,
        ("title", "y.md"): "new",
        ("size",): 3,
    }


def test_questions_that_nobody_asks_lose_their_numbers() -> None:
    known = of(*(("q", f"{number}.md") for number in range(100)))
    asked = {"a": [("q", "7.md"), ("q", "50.md")], "b": [("q", "99.md")], "c": []}
    kept = {path: known.asked(trace) for path, trace in asked.items()}
    rows, traces = renumbered(known.table(), kept)
    again = KnownAnswers(rows, 3)
    assert dict(again.items()) == {("q", "7.md"): 7, ("q", "50.md"): 50, ("q", "99.md"): 99}
    assert {path: again.keys(trace) for path, trace in traces.items()} == asked
    assert used(kept) == [7, 50, 99]


@given(opened=st.sets(st.sampled_from(["x.md", "y.md", ""])))
def test_questions_of_some_names_are_those_among_all(opened: set[str]) -> None:
    every = [("title", "x.md"), ("date", "x.md"), ("title", "y.md", 2), ("size",), ("title",), ("posts", None, 2)]
    known = KnownAnswers(Table(of(*every).table().packed()), len(every))
    for key in every:
        if (str(key[1]) if len(key) > 1 and key[1] else "") in opened:
            known.answer(key)
    for names in ({"title"}, {"size", "posts"}, {"date"}, set[str](), {"title", "date", "size", "posts"}):
        assert dict(known.named(names)) == {key: answer for key, answer in known.items() if key[0] in names}
        known = KnownAnswers(known.table(), known.count)
