"""After any sequence of edits, what the engine has over the last build is what a clean build gives, byte for byte.

SEALPRESS_HUNT=N runs every machine over N sequences.
"""

import os
from contextlib import ExitStack
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from ssg.build.engine import Engine, Interrupted, Turn
from tests.ssg.blogs import files
from tests.ssg.build.edits import Machine, case
from tests.ssg.build.test_incremental import Data, Looks, Pictures, Words

Look = dict[str, tuple[int, int, int]]


def look(root: Path) -> Look:
    """What a watcher goes by: which files there are, and when each was last written."""
    found: Look = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = os.lstat(Path(folder, name))
            path = Path(folder, name).relative_to(root).as_posix()
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


class Resident(Machine):
    """Two engines that stay: one is told which paths changed, the other looks at everything."""

    in_git = False

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()
        super().teardown()

    @rule(made=st.integers(0, 12))
    def be_interrupted(self, made: int) -> None:
        """After so many files that were made the next edit cuts in; or after so many looks, while pages are read."""
        self.stop = made

    @invariant()
    def the_incremental_tree_is_the_clean_one(self) -> None:
        if not hasattr(self, "blog"):
            return
        if not hasattr(self, "stack"):
            self.stack = ExitStack()
            self.stop = -1
            if self.in_git:
                self.blog.track()
            self.blog.built()
            self.seen = look(self.blog.root)
            request = self.blog.request(self.blog.output, self.blog.store)
            self.engines = [self.stack.enter_context(Engine.opened(request)) for _ in range(2)]
        now = look(self.blog.root)
        paths = {path for path in now.keys() | self.seen.keys() if now.get(path) != self.seen.get(path)}
        self.seen = now
        turns = [self.turned(engine, told) for engine, told in zip(self.engines, (paths, None), strict=True)]
        if self.stop >= 0:
            self.stop = -1
            return
        clean = self.blog.clean()
        self.faults = self.faults + 1 if isinstance(clean, list) else 0
        for engine, turn in zip(self.engines, turns, strict=True):
            assert turn is not None
            if isinstance(clean, list):
                assert engine.problems
                continue
            snapshot = engine.snapshot
            assert not snapshot.problems
            assert not snapshot.left
            assert {path: self.content(engine, path) for path in snapshot.files} == files(self.blog.folder / "clean")
            assert list(map(str, snapshot.warnings)) == list(map(str, clean.warnings))
        if self.faults == 3:
            self.mend()

    @staticmethod
    def content(engine: Engine, path: str) -> bytes | None:
        """As a reader gets it: what somebody took out of the output folder is made when it is asked for."""
        found = engine.snapshot.read(path)
        if found is None:
            engine.make(path)
            found = engine.snapshot.read(path)
        return found

    def turned(self, engine: Engine, paths: set[str] | None) -> Turn | None:
        engine.ask(self.blog.options, self.blog.clock)
        looks = iter(range(self.stop)) if self.stop >= 0 else None

        def cut() -> bool:
            return looks is not None and next(looks, None) is None

        early: dict[str, bytes | None] = {}

        def shown(turn: Turn) -> None:
            early.update({path: engine.snapshot.read(path) for path in turn.changed})

        try:
            turn = engine.turn(paths, list(engine.snapshot.files)[::5], cut, shown)
        except Interrupted:
            return None
        assert early == {path: engine.snapshot.read(path) for path in early}
        assert early.keys() <= set(turn.changed)
        list(engine.rest(cut))
        return turn


class EngineWords(Resident, Words):
    pass


class EngineInGit(Resident, Words):
    """Where single files come and go without a look at everything."""

    in_git = True


class EngineLooks(Resident, Looks):
    pass


class EngineData(Resident, Data):
    pass


class EnginePictures(Resident, Pictures):
    pass


TestEngineWords = case(EngineWords, 3, 8)
TestEngineInGit = case(EngineInGit, 3, 8)
TestEngineLooks = case(EngineLooks, 3, 8)
TestEngineData = case(EngineData, 3, 8)
TestEnginePictures = case(EnginePictures, 3, 8)
