"""The report on publishing says by itself what was not reached; a soak keeps the rows that a later run didn't come to;
the clock before an engine counts its answers, and not what is sent to it slowly.
"""

import socket
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import publishing, sections, soak
from benchmarks.engine_clock import EngineClock
from benchmarks.publishing import GZIP, OWN, REGISTRY, RSYNC, SAVE, Publishes, Turn
from benchmarks.soak import Soaked


def published(wall: float, engine: float, sent: int, fleet: float) -> str:
    own = Turn(wall, sent, wall, engine, 60, steps={"load": 0.5, "flip": 0.25})
    others = {way: [Turn(3.0, 10_000_000)] for way in (SAVE, GZIP, REGISTRY)}
    return publishing.publishes(Publishes({OWN: [own], **others, RSYNC: [Turn(0.1, 20_000)]}, [fleet], 0.1), "command")


def test_what_was_not_reached_is_said() -> None:
    well = published(1.5, 0.9, 190_000, 2.9)
    assert "not reached" not in well
    assert "- 0.8 s without the engine's own time: 0.60 s\n" in well
    bad = published(2.5, 0.9, 260_000, 5.1)
    assert bad.count("**not reached**") == 5


def test_a_row_of_a_soak_stays_until_its_scenario_runs_again() -> None:
    first, second, *_ = soak.SCENARIOS
    report = ""
    for engine, test, found in (
        ("docker", first, Soaked(240_000, 0, 600.0, "")),
        ("podman", second, Soaked(100, 3, 60.0, "assert ['new: refused'] == []")),
        ("docker", first, Soaked(250_000, 1, 600.0, "1 lost | and more")),
    ):
        report = sections.put(report, "soak", soak.report(report, engine, test, found))
    rows = [line for line in report.splitlines() if line.startswith(("| Docker", "| Podman"))]
    assert len(rows) == 2
    assert "| **failed**: 1 lost / and more | 250,000 | 1 | 10.0 |" in rows[0]
    assert "| 100 | 3 | 1.0 |" in rows[1]
    assert report.count("- not run yet: ") == len(soak.ENGINES) * len(soak.SCENARIOS) - 2


def test_the_clock_counts_what_an_engine_takes_to_answer() -> None:
    with tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as engine:
        engine.bind(f"{folder}/engine")
        engine.listen()

        def answer() -> None:
            asker, _ = engine.accept()
            with asker:
                for _ in range(2):
                    while not asker.recv(100).endswith(b"."):
                        pass
                    time.sleep(0.2)
                    asker.sendall(b"answer")

        thread = threading.Thread(target=answer)
        thread.start()
        clock = EngineClock(Path(folder, "engine"), Path(folder, "timed"))
        began = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(f"{folder}/timed")
            for _ in range(2):
                asker.sendall(b"slowly")
                time.sleep(0.3)  # which is nothing that the engine does
                asker.sendall(b".")
                assert asker.recv(100) == b"answer"
        thread.join()
        deadline = time.monotonic() + 10
        while clock.between(began, time.perf_counter())[1] < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        busy, _ = clock.between(began, time.perf_counter())
        assert 0.4 <= busy < time.perf_counter() - began - 0.6 + 0.01
        clock.close()
