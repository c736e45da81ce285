"""What is taken from an answer of an engine: values of the kind that they must have, else the answer is refused."""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from publish.engines.protocol import Container, LoadedImage, RunState

_STATES: Final = {
    "created": RunState.CREATED,
    "configured": RunState.CREATED,  # Podman's word
    "initialized": RunState.CREATED,  # Podman's word
    "running": RunState.RUNNING,
    "paused": RunState.RUNNING,
    "stopping": RunState.RUNNING,  # Podman's word
}

Kind = TypeVar("Kind")

LISTED: Final = 1000
"""Entries of a list that an engine may give: containers or images of one site, names of one image."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,199}")
_KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {str: "text", int: "a number", bool: "true or false", dict: "a table", list: "a list"}
)


class Misshapen(Exception):  # noqa: N818 - the answer is, not this program
    """An answer that is no answer, to be read behind the engine's name: "gives no text as State.Status"."""


def take(answer: object, kind: type[Kind], *path: str) -> Kind:
    """The value at `path` below tables, which is of that kind. Raises Misshapen."""
    found = find(answer, kind, *path)
    if found is None:
        raise _misshapen(kind, path)
    return found


def find(answer: object, kind: type[Kind], *path: str) -> Kind | None:
    """As `take`; None where nothing stands there, or null, or no table on the way."""
    for number, key in enumerate(path):
        if answer is None:
            return None
        if not isinstance(answer, dict):
            raise _misshapen(dict, path[:number])
        answer = answer.get(key)
    if answer is None:
        return None
    if not isinstance(answer, kind) or (isinstance(answer, bool) and kind is int):
        raise _misshapen(kind, path)
    if isinstance(answer, list) and len(answer) > LISTED:
        raise Misshapen(f"lists more than {LISTED} entries{_as(path)}")
    return answer


def identifier(answer: object, *path: str) -> str:
    """An id or a name, as it may stand in the path of a question."""
    found = take(answer, str, *path).removeprefix("/")
    if not _IDENTIFIER.fullmatch(found):
        raise Misshapen(f"gives no name{_as(path)}")
    return found


def texts(answer: object, *path: str) -> tuple[str, ...]:
    """A list of texts; () where there is none."""
    found = find(answer, list, *path) or []
    if not all(isinstance(one, str) for one in found):
        raise Misshapen(f"gives a list of other things than texts{_as(path)}")
    return tuple(found)


def labels(answer: object, *path: str) -> Mapping[str, str]:
    """A table of texts, read-only; empty where there is none."""
    found = find(answer, dict, *path) or {}
    if not all(isinstance(value, str) for value in found.values()):
        raise Misshapen(f"gives a table of other things than texts{_as(path)}")
    return MappingProxyType(dict(found))


def binding(answer: object) -> tuple[str, int] | None:
    """The address and port on the host of one binding; None where it has no port."""
    port = find(answer, str, "HostPort")
    if not port:
        return None
    address = find(answer, str, "HostIp") or "0.0.0.0"  # noqa: S104 - read, not bound
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise Misshapen("gives no IP address as HostIp") from None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise Misshapen("gives no port as HostPort")
    return address, int(port)


def image(found: object, *, by_content: bool, unproven: bool) -> LoadedImage:
    """An image that was inspected. Raises Misshapen."""
    return LoadedImage(
        id=identifier(found, "Id"),
        references=tuple(sorted(texts(found, "RepoTags"))),
        diff_ids=texts(found, "RootFS", "Layers"),
        labels=labels(found, "Config", "Labels"),
        reusable=True,
        by_content=by_content,
        unproven=unproven,
    )


def container(found: object) -> Container:
    """A container that was inspected. Raises Misshapen."""
    state = _STATES.get(take(found, str, "State", "Status"), RunState.EXITED)
    return Container(
        id=identifier(found, "Id"),
        name=identifier(found, "Name"),
        state=state,
        labels=labels(found, "Config", "Labels"),
        image=take(found, str, "Config", "Image"),
        # Between two tries of the restart policy ("restarting") a container is one that ended.
        exit_code=find(found, int, "State", "ExitCode") if state is RunState.EXITED else None,
    )


def _misshapen(kind: type, path: tuple[str, ...]) -> Misshapen:
    return Misshapen(f"gives no answer that is {_KINDS[kind]}{_as(path)}")


def _as(path: tuple[str, ...]) -> str:
    return f" as {'.'.join(path)}" if path else ""
