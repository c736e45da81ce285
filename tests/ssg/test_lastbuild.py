"""What a build knows of the last one: small, found by number, and forgotten folder by folder."""

import os
from array import array
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ssg import lastbuild
from ssg.lastbuild import Changes, Known, LastBuild, LastTree, Memory, Output
from ssg.tracing import GONE, Key

keys = st.lists(st.integers(0, 2000).map(lambda number: ("title", number)), unique=True, max_size=40)


def output(asked: bytes) -> tuple[object, ...]:
    return tuple(Output("page", "x.md", "x.md", "0" * 64, 1, (1, 2, 3, 4), asked, ()))


@settings(deadline=None)
@given(asked=keys, changed=keys)
def test_changed_questions_are_found_in_a_trace(asked: list[Key], changed: list[Key]) -> None:
    known = Known([("title", number) for number in range(2000, -1, -1)], [0] * 2001)
    found = known.among(changed).of(known.asked(asked))
    assert set(found) == set(asked) & set(changed)


def test_a_number_is_not_found_across_two_others() -> None:
    """Nor in the middle of them: 256 and 1 have the bytes 00 01 00 00 01 00 00 00."""
    known = Known([("q", number) for number in range(0x1_0001)], [0] * 0x1_0001)
    trace = array("I", [0x100, 0x1]).tobytes() + array("I", [0x1_0000]).tobytes()
    found = [number for number in range(0x1_0001) if known.among([("q", number)]).of(trace)]
    assert found == [0x1, 0x100, 0x1_0000]
    assert known.among([("q", 1)]).of(array("I", [0x100_0000, 0]).tobytes()) == []
    assert known.among([("q", 1)]).of(array("I", [0x100_0000, 1]).tobytes()) == [("q", 1)]


def test_a_trace_is_kept_as_numbers_in_order_and_read_back() -> None:
    known = Known([("a",), ("b",)], [1, 2])
    asked = known.asked([("c",), ("b",), ("a",)])
    assert list(array("I", asked)) == [0, 1, 2]
    assert known.keys(asked) == [("a",), ("b",), ("c",)]
    assert known.answer(("c",)) is GONE
    known.learn({("c",): 3})
    known.forget([("a",)])
    assert list(known.items()) == [(("a",), GONE), (("b",), 2), (("c",), 3)]
    assert known.changed == {0, 2}


def test_a_question_that_nobody_asks_is_dropped_once_there_are_many() -> None:
    known = Known([("q", number) for number in range(100)], range(100))
    outputs = {
        "a": output(known.asked([("q", 7), ("q", 50)])),
        "b": output(known.asked([("q", 99)])),
        "c": output(b""),
    }
    build = LastBuild(questions=known.questions, answers=known.answers, outputs=outputs)
    small = build.compact()
    assert (small.questions, small.answers) == ([("q", 7), ("q", 50), ("q", 99)], [7, 50, 99])
    asked = {path: small.known().keys(Output._make(one).asked) for path, one in small.outputs.items()}
    assert asked == {"a": [("q", 7), ("q", 50)], "b": [("q", 99)], "c": []}
    assert small.compact() == small


def test_few_lost_questions_are_kept() -> None:
    known = Known([("q", number) for number in range(10)], range(10))
    asked = known.asked([("q", number) for number in range(1, 10)])
    build = LastBuild(questions=known.questions, answers=known.answers, outputs={"a": output(asked)})
    assert build.compact() is build


def a_tree(seen: str = "", changes: Changes | None = None) -> LastTree:
    return LastTree("", seen, {}, {}, {}, {}, changes or {})


def kept(memory: Memory, now: str) -> LastTree:
    """The last tree, of another moment."""
    tree = memory.tree()
    assert tree is not None
    tree.seen = now
    return tree


def seen(memory: Memory) -> str | None:
    """What the last build that came to an end was of."""
    tree = memory.tree()
    return tree.seen if tree else None


def a_build(count: int = 1000) -> LastBuild:
    known = Known([("title", f"{number}.md") for number in range(count)], range(count))
    return LastBuild(
        world="w",
        sources={f"{number}.md": ((1, 2, 3, number), "0" * 64) for number in range(count)},
        outputs={f"{number}.html": output(known.asked([("title", f"{number}.md")])) for number in range(count)},
        questions=known.questions,
        answers=known.answers,
    )


def edited(last: LastBuild, number: int) -> tuple[LastBuild, Known]:
    """A build after one edit: a source, an output, an answer and a new question."""
    known = last.known()
    known.learn({("title", f"{number}.md"): f"new {number}"})
    asked = known.asked([("title", f"{number}.md"), ("date", f"{number}.md")])
    known.learn({("date", f"{number}.md"): number})
    sources = last.sources | {f"{number}.md": ((9, 9, 9, number), "1" * 64)}
    outputs = last.outputs | {f"{number}.html": output(asked)}
    build = LastBuild(
        id=last.id, world="w", sources=sources, outputs=outputs, questions=known.questions, answers=known.answers
    )
    return build, known


def test_small_changes_are_kept_apart_and_come_back(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    whole = (memory.folder / f"{memory.name}.known").stat()
    for number in (3, 4, 3):
        last = memory.recall()
        assert last is not None
        build, known = edited(last, number)
        changes = last.changed_to(build, known.changed)
        assert changes is not None
        memory.keep(build, changes, kept(memory, str(number)))
        again = memory.recall()
        assert again is not None
        assert (again.sources, again.outputs) == (build.sources, build.outputs)
        assert (again.questions, again.answers) == (build.questions, build.answers)
        assert seen(memory) == str(number)
    assert (memory.folder / f"{memory.name}.known").stat() == whole


def test_many_changes_and_other_settings_are_kept_whole(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    last = memory.recall()
    assert last is not None
    build, known = edited(last, 1)
    build.scope = "other"
    assert last.changed_to(build, known.changed) is None
    build, known = edited(last, 1)
    build.sources = {file: (None, sha256) for file, (_, sha256) in build.sources.items()}
    assert last.changed_to(build, known.changed) is None


def test_changes_to_another_whole_are_passed_over(tmp_path: Path) -> None:
    """As a build leaves them that was killed after it had kept a new whole."""
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    last = memory.recall()
    assert last is not None
    build, known = edited(last, 1)
    memory.keep(build, last.changed_to(build, known.changed), kept(memory, "changed"))
    changes = (memory.folder / f"{memory.name}.changes").read_bytes()
    memory.keep(a_build(), None, a_tree("again"))
    (memory.folder / f"{memory.name}.changes").write_bytes(changes)
    recalled = memory.recall()
    assert recalled is not None
    assert recalled.outputs == a_build().outputs


def test_folders_are_forgotten_the_oldest_first(tmp_path: Path) -> None:
    memories = [Memory.of(tmp_path, Path(f"/public{number}")) for number in range(lastbuild._LIMIT + 2)]
    for number, memory in enumerate(memories):
        memory.keep(LastBuild(world=str(number)), None, a_tree(str(number)))
        os.utime(memory.folder / f"{memory.name}.known", (number, number))
    memories[0].keep(LastBuild(world="again"), None, a_tree("0"))
    found = [memory.recall() for memory in memories]
    assert [one.world if one else "" for one in found] == ["again", "", "", *map(str, range(3, len(memories)))]
    assert list(map(seen, memories)) == ["0", None, None, *map(str, range(3, len(memories)))]
    assert (tmp_path / ".gitignore").read_text() == "*\n"
