"""What a build knows of the last one: small, found by number, and forgotten folder by folder."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ssg.cache import last_build
from ssg.cache.answers import KnownAnswers
from ssg.cache.last_build import Changes, KeptOutput, LastBuild, LastTree, Memory


def output() -> tuple[object, ...]:
    return tuple(KeptOutput("page", "x.md", "x.md", ()))


def test_questions_that_nobody_asks_are_dropped_once_there_are_many() -> None:
    known = KnownAnswers()
    known.learn({("q", number): number for number in range(100)})
    traces = {"a": known.asked([("q", 7), ("q", 50)]), "b": known.asked([("q", 99)])}
    parts = (("q", 8), ("q", 50))
    build = LastBuild(questions=known.table(), count=known.count, traces=traces, parts=parts)
    small = build.compact()
    assert dict(small.known().items()) == {("q", 7): 7, ("q", 50): 50, ("q", 99): 99}
    assert (small.count, small.parts) == (3, (("q", 50),))
    assert small.known().keys(small.traces["a"]) == [("q", 7), ("q", 50)]
    assert small.compact() == small


def test_few_lost_questions_are_kept() -> None:
    known = KnownAnswers()
    known.learn({("q", number): number for number in range(10)})
    asked = known.asked([("q", number) for number in range(1, 10)])
    build = LastBuild(questions=known.table(), count=known.count, traces={"a": asked})
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
    known = KnownAnswers()
    known.learn({("title", f"{number}.md"): number for number in range(count)})
    return LastBuild(
        world="w",
        sources={f"{number}.md": ((1, 2, 3, number), "0" * 64) for number in range(count)},
        outputs={f"{number}.html": output() for number in range(count)},
        traces={f"{number}.html": known.asked([("title", f"{number}.md")]) for number in range(count)},
        questions=known.table(),
        count=known.count,
    )


def edited(last: LastBuild, number: int) -> LastBuild:
    """A build after one edit: a source, an output, an answer and a new question."""
    known = last.known()
    known.learn({("title", f"{number}.md"): f"new {number}", ("date", f"{number}.md"): number})
    asked = known.asked([("title", f"{number}.md"), ("date", f"{number}.md")])
    return replace(
        last,
        sources=last.sources | {f"{number}.md": ((9, 9, 9, number), "1" * 64)},
        traces=last.traces | {f"{number}.html": asked},
        questions=known.table(),
        count=known.count,
    )


def recalled(memory: Memory) -> LastBuild:
    found = memory.recall(memory.tree())
    assert found is not None
    return found


def test_small_changes_are_kept_apart_and_come_back(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    whole = (memory.folder / f"{memory.name}.known").stat()
    for number in (3, 4, 3):
        last = recalled(memory)
        build = edited(last, number)
        changes = last.changed_to(build)
        assert changes is not None
        memory.keep(build, changes, kept(memory, str(number)))
        again = recalled(memory)
        assert (again.sources, again.outputs, again.traces) == (build.sources, build.outputs, build.traces)
        assert (again.questions, again.count) == (build.questions, build.count)
        assert seen(memory) == str(number)
    assert (memory.folder / f"{memory.name}.known").stat() == whole


def test_many_changes_and_other_settings_are_kept_whole(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    last = recalled(memory)
    build = edited(last, 1)
    assert last.changed_to(build) is not None
    assert last.changed_to(replace(build, scope="other")) is None
    touched = {file: (None, sha256) for file, (_, sha256) in build.sources.items()}
    assert last.changed_to(replace(build, sources=touched)) is None
    assert last.changed_to(replace(build, outputs=dict(reversed(build.outputs.items())))) is None


def test_changes_to_another_whole_are_passed_over(tmp_path: Path) -> None:
    """As a build leaves them that was killed after it had kept a new whole."""
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(a_build(), None, a_tree("whole"))
    last = recalled(memory)
    build = edited(last, 1)
    memory.keep(build, last.changed_to(build), kept(memory, "changed"))
    changes = (memory.folder / f"{memory.name}.changes").read_bytes()
    memory.keep(a_build(), None, a_tree("again"))
    (memory.folder / f"{memory.name}.changes").write_bytes(changes)
    assert recalled(memory).traces == a_build().traces


def test_folders_are_forgotten_the_oldest_first(tmp_path: Path) -> None:
    memories = [Memory.of(tmp_path, Path(f"/public{number}")) for number in range(last_build._LIMIT + 2)]
    for number, memory in enumerate(memories):
        memory.keep(LastBuild(world=str(number)), None, a_tree(str(number)))
        os.utime(memory.folder / f"{memory.name}.known", (number, number))
    memories[0].keep(LastBuild(world="again"), None, a_tree("0"))
    found = [memory.recall(memory.tree()) for memory in memories]
    assert [one.world if one else "" for one in found] == ["again", "", "", *map(str, range(3, len(memories)))]
    assert list(map(seen, memories)) == ["0", None, None, *map(str, range(3, len(memories)))]
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_builds_into_other_folders_are_forgotten_from_the_oldest_where_all_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memories = [Memory.of(tmp_path, Path(f"/public{number}")) for number in range(5)]
    for number, memory in enumerate(memories):
        memory.keep(LastBuild(world=str(number)), None, a_tree())
        for file in memory.folder.glob(f"{memory.name}.*"):
            os.utime(file, (number, number))
    size = sum(file.stat().st_size for file in memories[0].folder.glob(f"{memories[0].name}.*"))
    monkeypatch.setattr(last_build, "_BYTES", 3 * size + size // 2)
    memories[1].keep(LastBuild(world="again"), None, a_tree())
    assert [seen(memory) for memory in memories] == [None, "", None, "", ""]
    assert len(list(memories[0].folder.iterdir())) == 9
    monkeypatch.setattr(last_build, "_BYTES", 0)
    memories[3].keep(LastBuild(world="alone"), None, a_tree())
    assert [seen(memory) for memory in memories] == [None, None, None, "", None]  # it is of use all the same


def test_what_a_killed_build_left_is_dropped_after_a_day(tmp_path: Path) -> None:
    memory = Memory.of(tmp_path, Path("/public"))
    memory.keep(LastBuild(), None, a_tree())
    for name, age in ((".new-0123old_", 2 * 86_400), (".new-0123yng_", 60), (".new-er", 2 * 86_400)):
        file = memory.folder / name
        file.write_bytes(b"x")
        os.utime(file, (file.stat().st_mtime - age,) * 2)
    memory.keep(LastBuild(), None, a_tree())
    assert sorted(file.name for file in memory.folder.glob(".new-*")) == [".new-0123yng_", ".new-er"]
