"""What the commands print: results to one stream, the way there to the other, nothing that a terminal would obey."""

import io
import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from sealpress.commands import console as console_module
from sealpress.commands.console import SILENT, Console, size
from sealpress.problems import Exit, Place, Problem, Problems


def captured(*, as_json: bool = False, quiet: bool = False) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, json=as_json, quiet=quiet), out, err


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Console, int]]:
    """A console on a real terminal, and the other end of it."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    reader, writer = pty.openpty()
    with open(writer, "w", encoding="utf-8") as stream:
        yield Console(stream, stream), reader
    os.close(reader)


def seen(reader: int) -> str:
    os.set_blocking(reader, False)
    chunks = []
    try:
        while chunk := os.read(reader, 65536):
            chunks.append(chunk)
    except OSError:  # nothing yet, or the other end is closed
        pass
    return b"".join(chunks).decode()


def awaited(reader: int, text: str) -> str:
    """What is seen until `text` is among it."""
    shown, end = "", time.monotonic() + 30
    while text not in shown:
        assert time.monotonic() < end, f"only {shown!r} was seen"
        time.sleep(0.01)
        shown += seen(reader)
    return shown


def use(console: Console) -> None:
    console.note("on the way")
    console.say("a result")
    console.result({"b": [1], "a": "é"})
    with console.track("Fetching", 3000, "bytes") as advance:
        advance(1500)
        advance(1500)
    with console.track("Pages", None) as advance:
        advance(7)
    console.problem(Problem("wrong", hint="mend it"))


def test_results_and_the_way_there_go_to_two_streams() -> None:
    console, out, err = captured()
    use(console)
    assert out.getvalue() == "a result\n"
    assert err.getvalue() == "on the way\nFetching: 3.00 kB\nPages: 7\nerror: wrong\nhint: mend it\n"


def test_json_is_one_document_and_alone_on_its_stream() -> None:
    console, out, err = captured(as_json=True)
    use(console)
    assert out.getvalue() == '{\n  "a": "é",\n  "b": [\n    1\n  ]\n}\n'
    assert "on the way" in err.getvalue()


def test_quiet_leaves_results_and_problems() -> None:
    console, out, err = captured(quiet=True)
    use(console)
    assert out.getvalue() == "a result\n"
    assert err.getvalue() == "error: wrong\nhint: mend it\n"


def test_several_problems_are_counted() -> None:
    console, _, err = captured()
    console.problem(Problems([Problem("one"), Problem("two", place=Place("f", 1, 1, "x"))]))
    assert err.getvalue() == "error: one\nerror: f:1:1: two\n1 | x\n    ^\n2 errors\n"


def test_a_terminal_gets_colour_and_a_bar(terminal: tuple[Console, int], monkeypatch: pytest.MonkeyPatch) -> None:
    # A person's patience: no caller has another.
    monkeypatch.setattr("sealpress.commands.console._PATIENCE", 0.01)
    console, reader = terminal
    assert console.is_live
    console.problem(Problem("wrong"))
    with console.track("Fetching [x]", 10) as advance:
        advance(4)
        shown = awaited(reader, "4/10")
        advance(6)
    shown += seen(reader)
    assert "\x1b[1;31merror:\x1b[0m wrong" in shown
    assert "Fetching [x]" in shown
    assert "10/10" in shown


def test_work_that_nobody_waits_for_shows_nothing(terminal: tuple[Console, int]) -> None:
    console, reader = terminal
    with console.track("Fetching", 10) as advance:
        advance(10)
    assert seen(reader) == ""
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer) and waits(thread)]


def waits(timer: threading.Timer) -> bool:
    timer.join(1)
    return timer.is_alive()


def test_a_bar_that_comes_up_when_the_work_is_over_is_not_shown(
    terminal: tuple[Console, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()
    shown = console_module._shown

    def late(*given: Any) -> Any:
        begun.set()
        over.wait(10)
        return shown(*given)

    monkeypatch.setattr("sealpress.commands.console._PATIENCE", 0.0)
    monkeypatch.setattr("sealpress.commands.console._shown", late)
    console, reader = terminal
    with console.track("Fetching", 10):
        assert begun.wait(10)
    over.set()
    assert not any(waits(one) for one in threading.enumerate() if isinstance(one, threading.Timer))
    assert seen(reader) == ""


INTERRUPTED = """
import os
import time
import click
from sealpress.commands.command import output_options, run

os.login_tty(0)  # so that Ctrl-C means something

@click.command()
@output_options
def wait(console):
    with console.track("Waiting", 9) as advance:
        advance(2)
        time.sleep(60)

run(wait)
"""


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    """A real terminal, with a real Ctrl-C: the bar's line ends, the cursor is back, the exit code says so."""
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=writer, env={**os.environ, "TERM": "xterm"}
    ) as child:
        os.close(writer)
        shown = awaited(reader, "2/9")
        os.write(reader, b"\x03")
        assert child.wait(30) == Exit.INTERRUPTED
    shown += seen(reader)
    os.close(reader)
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert shown.endswith("interrupted: nothing is half done\r\n")
    assert "Traceback" not in shown


def test_terse_work_is_told_of_only_where_it_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, err = captured()
    console = Console(out, err, terse=True)
    with console.track("Pages", 3) as advance:
        advance(3)
    assert err.getvalue() == ""
    monkeypatch.setattr("sealpress.commands.console._PATIENCE", 0.0)
    with console.track("Pages", 3) as advance:
        advance(3)
    assert err.getvalue() == "Pages: 3\n"


def test_results_are_as_wide_as_the_terminal(terminal: tuple[Console, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert terminal[0].width == 77
    assert captured()[0].width == 100


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("NO_COLOR", ""), ("TERM", "dumb")])
def test_no_colour_is_respected(
    terminal: tuple[Console, int], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    console, reader = terminal
    console.problem(Problem("wrong"))
    assert "\x1b" not in seen(reader)
    assert console.is_live is (name != "TERM")


def test_a_file_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console, _, err = captured()
    assert not console.is_live
    console.problem(Problem("wrong"))
    assert "\x1b" not in err.getvalue()


def test_text_from_outside_does_not_reach_the_terminal_raw() -> None:
    console, out, err = captured()
    console.note("\x1b[2J")
    console.say("\x1b[2J")
    console.table(["a"], [["\x1b[2J\n"]])
    console.problem(Problem("\x1b[2J"))
    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert out.getvalue().splitlines()[-1] == "\\x1b[2J\\x0a"


@pytest.mark.parametrize("char", ["\n", "\r", "\x85", "\u2028", "\u202e", "\u200b", "\x1b", "\x9b"])
def test_no_text_from_outside_makes_a_line_of_its_own(char: str) -> None:
    console, out, err = captured()
    console.note(f"a{char}error: b")
    console.say(f"a{char}error: b")
    console.table(["a"], [[f"a{char}error: b"]])
    console.problem(Problem(f"a{char}error: b"))
    assert len(out.getvalue().splitlines()) == 3
    assert len(err.getvalue().splitlines()) == 2
    assert char not in (out.getvalue() + err.getvalue()).replace("\n", "")


@pytest.mark.parametrize("char", ["\x7f", "\x9b", "\u2028", "\u202e", "\u200b", "\U000e0041"])
def test_json_has_escapes_for_what_could_drive_a_terminal_and_the_same_values(char: str) -> None:
    console, out, _ = captured(as_json=True)
    console.result({f"a{char}": [f"b{char}"]})
    assert char not in out.getvalue()
    assert json.loads(out.getvalue()) == {f"a{char}": [f"b{char}"]}


def stream(encoding: str) -> tuple[TextIO, io.BytesIO]:
    raw = io.BytesIO()
    return io.TextIOWrapper(raw, encoding=encoding), raw


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "é 日 😀 \\udcff\n"),
        ("ascii", "\\xe9 \\u65e5 \\U0001f600 \\udcff\n"),
        ("latin-1", "é \\u65e5 \\U0001f600 \\udcff\n"),
    ],
)
def test_a_terminal_that_does_not_know_a_character_gets_an_escape(encoding: str, shown: str) -> None:
    out, raw = stream(encoding)
    Console(out, out).say("é 日 😀 \udcff")
    assert raw.getvalue().decode(encoding) == shown


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_json_in_any_encoding(encoding: str) -> None:
    out, raw = stream(encoding)
    data = {"title": "é 日 😀"}
    Console(out, out, json=True).result(data)
    assert json.loads(raw.getvalue().decode(encoding)) == data


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    console, out, _ = captured()
    console.table(["name", "size", "note"], [["a", "9.87 MB", ""], ["longer", "12 B", "x y"], ["b", "–", ""]])
    assert out.getvalue() == (
        "name       size  note\n"
        "a       9.87 MB\n"
        "longer     12 B  x y\n"
        "b             –\n"
    )  # fmt: skip


def test_digests_and_versions_are_no_amounts() -> None:
    console, out, _ = captured()
    console.table(["release", "size"], [["0a1b2c", "1.5 kB"], ["9f", "20 B"]])
    assert out.getvalue() == "release    size\n0a1b2c   1.5 kB\n9f         20 B\n"


def test_a_table_without_rows_is_its_header() -> None:
    console, out, _ = captured()
    console.table(["a", "b"], [])
    assert out.getvalue() == "a  b\n"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_870_000, "9.87 MB"),
        (2 * 10**9, "2.00 GB"),
        (10**13, "10000.00 GB"),
    ],
)
def test_sizes_are_in_powers_of_ten(count: int, shown: str) -> None:
    assert size(count) == shown


def test_a_full_disk_is_a_problem_once() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        console = Console(full, full)
        with pytest.raises(Problem, match="No space left") as caught:
            console.say("x")
        assert caught.value.code is Exit.MACHINE
        console.say("y")  # goes nowhere, and fails no more


def test_a_reader_that_went_away_does_not_end_the_work() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as gone:
        console = Console(gone, gone)
        console.say("x")
        console.say("y")
        assert os.path.samestat(os.fstat(gone.fileno()), Path(os.devnull).stat()), "what is left to say goes nowhere"


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    SILENT.note("x")
    with SILENT.track("x", 1) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")


def many(count: int) -> Problems:
    kinds = ['this links to "{0}.md", which is not there', "byte {0} is not UTF-8"]
    return Problems(
        [Problem(kinds[number % 2].format(number), place=Place(f"{number:03}.md", 1)) for number in range(count)]
        + [Problem("a third kind")]
    )


def test_of_many_problems_the_first_few_of_each_kind_are_shown() -> None:
    console, _, err = captured()
    console.problem(many(100))
    lines = err.getvalue().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error"] * 3 + [lines[3]] + ["error"] * 3 + [lines[7]] + [
        "error",
        lines[9],
    ]
    assert lines[2] == 'error: 004.md:1: this links to "4.md", which is not there'
    assert (lines[3], lines[7]) == ("… and 47 more like these", "… and 47 more like these")
    assert lines[9] == "101 errors of 3 kinds; --all shows each"


def test_a_screenful_of_problems_stays_in_its_order() -> None:
    console, _, err = captured()
    console.problem(many(19))
    assert [line[7:10] for line in err.getvalue().splitlines()[:19]] == [f"{number:03}" for number in range(19)]
    assert err.getvalue().endswith("20 errors\n")


def test_all_problems_are_shown_where_all_are_wanted() -> None:
    console, _, err = captured()
    replace(console, whole=True).problem(many(100))
    assert err.getvalue().count("error: ") == 101
    assert err.getvalue().endswith("\n101 errors\n")


def test_a_machine_is_told_all_problems_and_what_there_is_besides() -> None:
    console, out, _ = captured()
    found = many(100)
    found.facts = {"published": False}
    replace(console, json=True).problem(found)
    told = json.loads(out.getvalue())
    assert told["published"] is False
    assert len(told["errors"]) == 101
    assert told["errors"][0] == {
        "block": [],
        "code": 3,
        "column": None,
        "file": "000.md",
        "hint": None,
        "kind": "this links to …, which is not there",
        "length": None,
        "line": 1,
        "message": 'this links to "0.md", which is not there',
        "said": [],
    }
