"""The writer's own editor: what VISUAL or EDITOR names, where that needs no terminal, which is the preview's."""

import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_IN_A_TERMINAL: Final = re.compile(
    "ed|ex|vi|vim|nvim|view|nano|pico|joe|jed|mg|micro|ne|hx|helix|kak|mcedit|emacs|editor|sensible-editor"
)
_TERMINAL: Final = frozenset(("-t", "-nw", "--tty", "--no-window-system"))


def of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The program with its arguments; () where there is none, or one that takes a terminal."""
    said = environment.get("VISUAL") or environment.get("EDITOR") or ""
    try:
        words = shlex.split(said)
    except ValueError:
        return ()
    name = Path(words[0]).name.lower().partition(".")[0] if words else ""
    if not name or _IN_A_TERMINAL.fullmatch(name) or not _TERMINAL.isdisjoint(words):
        return ()
    program = shutil.which(words[0], path=environment.get("PATH"))
    return (program, *words[1:]) if program else ()


def start(command: Sequence[str], file: Path, told: Callable[[str], None]) -> None:
    """Opens a file, and waits for nothing. What can't be started, or fails, is `told`. Ctrl-C doesn't reach it."""
    try:
        process = subprocess.Popen(
            [*command, os.fspath(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        told(f"can't start the editor {command[0]}: {error.strerror}")
        return

    def wait() -> None:
        if code := process.wait():
            told(f"the editor {command[0]} ended with exit code {code}")

    threading.Thread(target=wait, daemon=True).start()
