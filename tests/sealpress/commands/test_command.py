"""How every command line ends: with the right exit code, and a sentence or a traceback but never both."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sealpress import VERSION

COMMANDS = """
import os, signal, sys, time
import click
from sealpress.commands.command import CommandGroup as Group, output_options, run, version_option
from sealpress.problems import Exit, Place, Problem, Problems

@click.group(cls=Group)
@version_option
def tool(): pass

@tool.command()
@click.argument("count", type=int)
@output_options
def build(count, console):
    '''Builds.'''
    for number in range(count):
        console.say(f"line {number}")
    console.note("done")
    console.result({"count": count})

@tool.command()
@click.argument("kind")
def fail(kind):
    match kind:
        case "problem": raise Problem("wrong", place=Place("f", 1), hint="mend it", code=Exit.LOCK)
        case "problems": raise Problems([Problem("one", code=Exit.HOST), Problem("two", code=Exit.TREE)])
        case "defect": raise KeyError("a defect")
        case "pipe": raise BrokenPipeError(32, "a socket")
        case "code": sys.exit(Exit.DIFFERENT)
        case "abort": raise click.Abort

@tool.command()
def sleep():
    print("ready", flush=True)
    time.sleep(30)

run(tool)
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command") / "tool.py"
    path.write_text(COMMANDS)
    return path


def call(script: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_success_is_zero(script: Path) -> None:
    done = call(script, "build", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "line 0\nline 1\n", "done\n")


def test_json_and_quiet_are_options_of_every_command(script: Path) -> None:
    done = call(script, "build", "2", "--json", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, '{\n  "count": 2\n}\n', "")
    assert "--json" in call(script, "build", "--help").stdout
    assert "Builds." in call(script, "build", "--help").stdout


def test_a_problem_is_its_text_and_its_code(script: Path) -> None:
    done = call(script, "fail", "problem")
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "error: f:1: wrong\nhint: mend it\n")


def test_of_several_problems_the_first_gives_the_code(script: Path) -> None:
    done = call(script, "fail", "problems")
    assert (done.returncode, done.stderr) == (6, "error: one\nerror: two\n2 errors\n")


def test_a_code_is_kept(script: Path) -> None:
    assert call(script, "fail", "code").returncode == 1


@pytest.mark.parametrize(("kind", "said"), [("defect", "KeyError: 'a defect'"), ("pipe", "BrokenPipeError")])
def test_a_defect_keeps_its_traceback(script: Path, kind: str, said: str) -> None:
    done = call(script, "fail", kind)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert said in done.stderr


def test_a_mistyped_command_gets_the_nearest_one(script: Path) -> None:
    done = call(script, "biuld")
    assert done.returncode == 2
    assert done.stderr.endswith('Error: no such command "biuld" (did you mean "build"?)\n')


@pytest.mark.parametrize("word", ["a\nError: b", "a\u2028b", "a\x1b[2J", "a\u202eb"])
@pytest.mark.parametrize("before", [[], ["build"], ["build", "2"], ["build", "--"]])
def test_what_was_typed_makes_no_line_of_its_own(script: Path, before: list[str], word: str) -> None:
    for typed in (word, f"--{word}"):
        done = call(script, *before, typed)
        assert done.returncode == 2
        assert sum(line.startswith("Error: ") for line in done.stderr.splitlines()) == 1
        assert not {"\x1b", "\u202e", "\u2028"} & set(done.stderr)


@pytest.mark.parametrize("arguments", [["build"], ["build", "x"], ["build", "1", "--jsno"], ["zzz"], []])
def test_a_wrong_command_line_is_two(script: Path, arguments: list[str]) -> None:
    done = call(script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr


def test_help_and_version_are_results(script: Path) -> None:
    from sealpress import VERSION

    assert call(script, "--help").returncode == 0
    assert VERSION in call(script, "--version").stdout


def test_an_interruption_is_130_and_says_so(script: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, script, "sleep"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "interrupted: nothing is half done"
    assert call(script, "fail", "abort").returncode == 130


def test_a_reader_that_goes_away_is_no_error(script: Path) -> None:
    """`ssg build | head -1`"""
    process = subprocess.Popen(
        [sys.executable, script, "build", "20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline() == "line 0\n"
    process.stdout.close()
    assert process.stderr.read() == "done\n"
    assert process.wait(timeout=30) == 0
    process.stderr.close()


def test_a_terminal_in_ascii_is_enough(script: Path) -> None:
    done = call(script, "café", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 2


@pytest.mark.parametrize("command", ["ssg", "imagebake", "publish"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(command: str, shell: str) -> None:
    """What the reference tells to put into a shell's start-up file gives the shell something to run."""
    program = Path(sys.executable).parent / command
    environment = {**os.environ, f"_{command.upper()}_COMPLETE": f"{shell}_source"}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert f"_{command}_completion" in done.stdout


def test_a_completion_names_the_options() -> None:
    program = Path(sys.executable).parent / "ssg"
    environment = {**os.environ, "_SSG_COMPLETE": "bash_complete", "COMP_WORDS": "ssg build --dr", "COMP_CWORD": "2"}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "plain,--drafts\n"


@pytest.mark.parametrize("package", ["ssg", "imagebake", "publish"])
def test_python_runs_each_command_as_a_module(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", package, "--version"], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"sealpress {VERSION}\n"
