"""Processes of ssh: started with pipes, heard within a time and a size, ended.

What comes out of them is written by the other side, so nothing is read to its end for as long as it likes to talk.
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sealpress.problems import MachineProblem

# Safe in every shell that an account may have: no quote, no line feed, no "!" of csh, no backslash before another.
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./,:@+-")


def popen(command: list[str], *, stderr: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    """Starts ssh with pipes, in the C locale, so that its words can be read; in a session of its own, so that Ctrl-C
    reaches this program first, which then ends ssh in order.

    Raises Problem (exit 9) where there is no ssh.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise MachineProblem("there is no ssh on this machine", hint="install OpenSSH's client") from None


def for_any_shell(command: Sequence[str]) -> str:
    """A command line that hands these words to a command, whatever the account's login shell is: sh, csh, fish.

    Line feeds and exclamation marks mean something to csh within quotes, too; so the words travel in octal.
    """
    octal = "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in os.fsencode(shlex.join(command)))
    return f"""exec sh -c 'eval "$(printf %b "$0")"' '{octal}'"""


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process that we started: asked first, then made to. Closes its pipes."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
