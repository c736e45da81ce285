"""What git tells a pre-push hook: a line for each ref that is pushed, on standard input.

Source: githooks(5), pre-push: "<local-ref> SP <local-object-name> SP <remote-ref> SP <remote-object-name> LF"; a ref
that is deleted has a local object of zeros. Empty where everything is up to date.
"""

import re
from collections.abc import Mapping
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import UsageProblem

LIMIT: Final = 16 << 20
"""Bytes of standard input: 100,000 refs."""

_HEADS: Final = "refs/heads/"
_LINE: Final = re.compile(r"(?P<local>[^ ]+) (?P<object>[0-9a-f]{40,64}) (?P<remote>[^ ]+) [0-9a-f]{40,64}")


@frozen
class PushedRef:
    """`local` is as it was typed ("refs/heads/main", "HEAD~1"; "(delete)"), `remote` a whole ref; `object` in hex."""

    local: str
    object: str
    remote: str

    @property
    def branch(self) -> str:
        """The remote's branch; "" for a tag and whatever else is no branch."""
        return self.remote.removeprefix(_HEADS) if self.remote.startswith(_HEADS) else ""

    @property
    def is_deletion(self) -> bool:
        return not self.object.strip("0")


def read(data: bytes) -> tuple[PushedRef, ...]:
    """Every ref of a push. Raises Problem (exit 2) for a line that git doesn't write."""
    found = []
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if not match:
            raise UsageProblem(f'"{line}" is no line that git gives to a pre-push hook')
        found.append(PushedRef(match["local"], match["object"], match["remote"]))
    return tuple(found)


def from_pre_commit(environment: Mapping[str, str]) -> tuple[PushedRef, ...]:
    """The same where the hook manager pre-commit runs the hook, which gives no input but these variables."""
    names = ("PRE_COMMIT_LOCAL_BRANCH", "PRE_COMMIT_TO_REF", "PRE_COMMIT_REMOTE_BRANCH")
    local, commit, remote = (environment.get(name, "") for name in names)
    return (PushedRef(local, commit, remote),) if remote and commit else ()
