"""A run is measured with all its processes; one that fails or lasts too long is told of and leaves nothing behind."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.batch import Batch
from benchmarks.scenarios import EDITS, Session
from sealpress.problems import Problem

CHILD = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "b = bytearray(150_000_000); sum(range(3_000_000))"], check=True)
"""


def python(code: str, folder: Path, limit: float = 60) -> measure.Run:
    return measure.run([sys.executable, "-c", code], folder, {}, limit, folder / "log")


def test_memory_and_cpu_time_of_a_child_count(tmp_path: Path) -> None:
    alone = python("import time; time.sleep(0.3)", tmp_path)  # as long as it takes to be looked at
    with_child = python(CHILD, tmp_path)
    assert with_child.memory > 150_000_000 > alone.memory > 1_000_000
    assert with_child.cpu > alone.cpu
    assert with_child.wall > 0


def test_a_failure_is_told_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="failed with exit code 3: it broke"):
        python("import sys; print('it broke', file=sys.stderr); sys.exit(3)", tmp_path)


def test_a_run_that_lasts_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(measure.Overtime, match="not done after"):
        python(code, tmp_path, limit=2)
    pid = (tmp_path / "pid").read_text("ascii")
    # Ended; where nobody has asked for its exit code yet, it is there as a zombie.
    status = Path(f"/proc/{pid}/stat")
    for _ in range(100):
        if not status.exists() or status.read_text("ascii").split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")


def test_ratios_are_within_a_round_and_medians_over_rounds() -> None:
    def session(wall: float) -> Session:
        return Session(dict.fromkeys(EDITS, measure.Run(wall, wall, 1)), None)

    # The machine is twice as slow in the second round; the ratio doesn't see it.
    rounds = [{"hugo": session(one), "sealpress": session(one / 4)} for one in (1.0, 2.0, 1.0)]
    batch = Batch(1000, rounds)
    assert batch.ratio("sealpress", "cold", lambda run: run.wall) == 0.25
    assert batch.median("hugo", "cold", lambda run: run.wall) == 1.0
    assert batch.ratio("sealpress", "cold", lambda run: run.wall, against="pelican") is None
