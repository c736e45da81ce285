"""The audit log of a target: who changed what on its host, when, and what came of it. The host keeps it.

One line of JSON for each command that changes the host; of a long log the newest lines stay. It tells what was done by
sealpress, to whoever may log in there; it is no proof against them, since they can write it.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from publish.releases import records
from publish.ssh.lock import login
from publish.target import fleet
from publish.target.fleet import Fleet
from publish.target.targets import OpenTarget
from sealpress.commands.console import Progress
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import Problem

LIMIT: Final = 256 << 10
"""Bytes of the log, of which half stays when it grows beyond: some 500 commands at least."""

_RECORD: Final = "log"
_LONGEST: Final = 500  # characters of a value


@frozen
class AuditEntry:
    """One command. `at` is UTC, "2026-11-19T02:12:54Z"; `result` "done", "interrupted", or why it failed; `what`
    tells in words what came of it.
    """

    at: str
    who: str
    command: str
    result: str
    what: str = ""

    def as_data(self) -> dict[str, str]:
        return {"at": self.at, "who": self.who, "command": self.command, "result": self.result, "what": self.what}


@contextmanager
def logged(hosts: Fleet, command: str, progress: Progress) -> Iterator[list[str]]:
    """Writes an entry on each host when the context ends, however it does; what is put into the list becomes its
    `what`, in the order of the hosts.

    An entry that can't be written is a warning: what was done is done.
    """
    told: list[str] = []
    result = "done"
    try:
        yield told
    except BaseException as error:
        result = error.message if isinstance(error, Problem) else "interrupted"
        result = result if isinstance(error, (Problem, KeyboardInterrupt)) else repr(error)
        raise
    finally:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines = {
            one.host.title: _line(AuditEntry(at, _who(one), command, result, *told[number : number + 1]))
            for number, one in enumerate(hosts)
        }
        try:
            fleet.at_once(hosts, lambda one: records.add(one.host, one.line, _RECORD, [lines[one.host.title]], LIMIT))
        except Problem as problem:
            for one in problem.each:
                progress.note(f"warning: the audit log was not written: {one.message}")


def read(there: OpenTarget) -> tuple[AuditEntry, ...]:
    """The newest first. A line that is no entry is passed over. Raises Problem (exit 6)."""
    return tuple(filter(None, map(_entry, reversed(records.read(there.host, there.line, _RECORD)))))


def _who(there: OpenTarget) -> str:
    """As git knows them, and where they are logged in here: "Ada <ada@example.org>, ada@laptop"."""
    told = login()
    try:
        name, email = (git.setting(there.home, f"user.{key}") for key in ("name", "email"))
    except Problem:
        return told
    return f"{name} <{email}>, {told}" if name and email else told


def _line(entry: AuditEntry) -> str:
    return json.dumps({name: text[:_LONGEST] for name, text in entry.as_data().items() if text})


def _entry(line: str) -> AuditEntry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, Mapping):
        return None
    values = [found.get(name, "") for name in ("at", "who", "command", "result", "what")]
    return AuditEntry(*(value[:_LONGEST] for value in values)) if all(isinstance(one, str) for one in values) else None
