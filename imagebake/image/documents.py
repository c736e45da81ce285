"""An image's documents read back into records: index, manifest, configuration. Nothing in them is believed.

What sealpress writes itself is read strictly: a key that the specification does not have, `Environment` for `Env`,
would be passed over by every engine without a word. What others wrote may hold more, as the specification allows; but
what is known must have its shape, and sizes and depths are bounded.

Source: OCI image-spec v1.1: config.md "Properties", manifest.md, image-index.md, descriptor.md; RFC 8259, section 4, on
names that stand twice.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import Problem, TreeProblem, did_you_mean

LAYER_LIMIT: Final = 8 << 30  # bytes of one blob
_DEPTH: Final = 32
_ITEMS: Final = 4096  # of one list or object

DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_EXPOSED: Final = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?")
_VARIABLE: Final = re.compile(r"[^=\0]+=[^\0]*")

_Value = TypeVar("_Value")
Shape = Callable[[object, str], _Value]
"""Turns a value of the document into one of ours. The text is where it stands, for messages. Raises Problem."""


@frozen
class Blob:
    """descriptor.md. `architecture` and `variant` are the platform's, "" where it has none."""

    media_type: str
    digest: str
    size: int
    architecture: str
    variant: str
    os: str
    annotations: Mapping[str, str]


@frozen
class ImageIndex:
    manifests: tuple[Blob, ...]
    annotations: Mapping[str, str]


@frozen
class Manifest:
    """`layers` from the lowest up."""

    config: Blob
    layers: tuple[Blob, ...]
    annotations: Mapping[str, str]


@frozen
class Execution:
    """The object "config" of a configuration: how the image's process runs."""

    user: str
    ports: tuple[str, ...]  # "8080/tcp", sorted
    environment: tuple[str, ...]  # "NAME=value"
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]  # "Cmd"
    volumes: tuple[str, ...]  # sorted
    working_dir: str
    labels: Mapping[str, str]
    stop_signal: str


@frozen
class HistoryStep:
    """One entry of the history. `is_empty`: it made no layer."""

    created: str
    created_by: str
    comment: str
    is_empty: bool


@frozen
class Config:
    """config.md. `created` as it stands there; `diff_ids` from the lowest layer up."""

    architecture: str
    variant: str
    os: str
    created: str
    execution: Execution
    diff_ids: tuple[str, ...]
    history: tuple[HistoryStep, ...]


def architecture(name: str) -> Architecture | None:
    """The architecture of this name; None for one that is not known here."""
    return next((known for known in get_args(Architecture) if known == name), None)


def index(data: bytes, name: str) -> ImageIndex:
    """`name` is what messages call the document. Raises Problem (exit 5)."""
    found = _object(parse(data, name), name)
    return ImageIndex(
        manifests=_get(found, "manifests", _list_of(_blob), name),
        annotations=_get(found, "annotations", _texts_by_name, name, _NOTHING),
    )


def manifest(data: bytes, name: str) -> Manifest:
    """Raises Problem (exit 5)."""
    found = _object(parse(data, name), name)
    return Manifest(
        config=_get(found, "config", _blob, name),
        layers=_get(found, "layers", _list_of(_blob), name),
        annotations=_get(found, "annotations", _texts_by_name, name, _NOTHING),
    )


def config(data: bytes, name: str, *, strict: bool = False) -> Config:
    """With `strict`, a key that config.md does not know is a Problem, too. Raises Problem (exit 5)."""
    found = _object(parse(data, name), name)
    if strict:
        _only(found, _CONFIG_KEYS, name)
    root = _get(found, "rootfs", _object, name)
    if root.get("type", "layers") != "layers":
        raise _wrong(f"rootfs.type in {name}", '"layers"')
    return Config(
        architecture=_get(found, "architecture", _text, name),
        variant=_get(found, "variant", _text, name, ""),
        os=_get(found, "os", _text, name, "linux"),
        created=_get(found, "created", _text, name, ""),
        execution=_execution(_get(found, "config", _object, name, _NOTHING), f"config in {name}", strict=strict),
        diff_ids=_get(root, "diff_ids", _list_of(_digest), f"rootfs in {name}"),
        history=_get(found, "history", _list_of(_step), name, ()),
    )


def execution(value: object, name: str) -> Execution:
    """How a process runs, as config.md's object "config" has it: read strictly, for what is to become an image's.

    Raises Problem (exit 5): an unknown key (`Environment` for `Env`), or a value of the wrong shape.
    """
    return _execution(_object(value, name), name, strict=True)


def parse(data: bytes, name: str) -> object:
    """Any JSON document in which no name stands twice: readers differ in which one they take.

    Raises Problem (exit 5).
    """
    try:
        found: object = json.loads(data.decode(), object_pairs_hook=_pairs, parse_constant=_no_constant)
        _check_depth(found)
    except (ValueError, RecursionError):
        raise TreeProblem(f"{name} is not JSON, or not such as all readers read alike") from None
    return found


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_name: str) -> object:
    raise ValueError


def _check_depth(value: object, depth: int = 0) -> None:
    if depth > _DEPTH:
        raise ValueError
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(item, depth + 1)


_EXECUTION_KEYS: Final = frozenset(
    {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"}
)
_CONFIG_KEYS: Final = frozenset(
    {"architecture", "variant", "os", "created", "author", "config", "rootfs", "history", "os.version", "os.features"}
)


def _execution(found: Mapping[str, object], where: str, *, strict: bool) -> Execution:
    if strict:
        _only(found, _EXECUTION_KEYS, where)
    return Execution(
        user=_get(found, "User", _text, where, ""),
        ports=tuple(_get(found, "ExposedPorts", _set_of(_EXPOSED, '"PORT/tcp" or the like'), where, ())),
        environment=_get(found, "Env", _list_of(_variable), where, ()),
        entrypoint=_get(found, "Entrypoint", _list_of(_text), where, ()),
        arguments=_get(found, "Cmd", _list_of(_text), where, ()),
        volumes=_get(found, "Volumes", _set_of(re.compile(r"/[^\0]*"), "an absolute path"), where, ()),
        working_dir=_get(found, "WorkingDir", _text, where, ""),
        labels=_get(found, "Labels", _texts_by_name, where, _NOTHING),
        stop_signal=_get(found, "StopSignal", _text, where, ""),
    )


def _step(value: object, where: str) -> HistoryStep:
    found = _object(value, where)
    return HistoryStep(
        created=_get(found, "created", _text, where, ""),
        created_by=_get(found, "created_by", _text, where, ""),
        comment=_get(found, "comment", _text, where, ""),
        is_empty=_get(found, "empty_layer", _flag, where, False),
    )


def _blob(value: object, where: str) -> Blob:
    found = _object(value, where)
    platform = _get(found, "platform", _object, where, _NOTHING)
    return Blob(
        media_type=_get(found, "mediaType", _text, where),
        digest=_get(found, "digest", _digest, where),
        size=_get(found, "size", _size, where),
        architecture=_get(platform, "architecture", _text, where, ""),
        variant=_get(platform, "variant", _text, where, ""),
        os=_get(platform, "os", _text, where, ""),
        annotations=_get(found, "annotations", _texts_by_name, where, _NOTHING),
    )


_MISSING: Final = object()
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _get(found: Mapping[str, object], key: str, shape: Shape[_Value], where: str, default: Any = _MISSING) -> _Value:
    """The value of a key. null counts as left out: Docker writes it for an empty list."""
    value = found.get(key)
    if value is None:
        if default is _MISSING:
            raise TreeProblem(f'{where} needs the key "{key}"')
        return default  # type: ignore[no-any-return]
    return shape(value, f"{key} in {where}")


def _only(found: Mapping[str, object], known: frozenset[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise TreeProblem(
                f'unknown key "{key}" in {where}{_meant(key, known)}', hint=f"known keys: {', '.join(sorted(known))}"
            )


def _meant(key: str, known: frozenset[str]) -> str:
    # `Env` is too short to look like `Environment` to a comparison of letters.
    short = [one for one in sorted(known) if key.lower().startswith(one.lower())]
    return f' (did you mean "{short[0]}"?)' if short else did_you_mean(key, known)


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or len(value) > _ITEMS:
        raise _wrong(where, "an object")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(where, "text that is UTF-8") from None
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false")
    return value


def _size(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAYER_LIMIT:
        raise _wrong(where, "a number of bytes")
    return value


def _digest(value: object, where: str) -> str:
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise _wrong(where, '"sha256:" and 64 hex digits')
    return value


def _variable(value: object, where: str) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise _wrong(where, '"NAME=value"')
    return _text(value, where)


def _list_of(shape: Shape[_Value]) -> Shape[tuple[_Value, ...]]:
    def read(value: object, where: str) -> tuple[_Value, ...]:
        if not isinstance(value, list) or len(value) > _ITEMS:
            raise _wrong(where, "a list")
        return tuple(shape(item, f"item {number} of {where}") for number, item in enumerate(value, 1))

    return read


def _set_of(pattern: re.Pattern[str], wanted: str) -> Shape[tuple[str, ...]]:
    """config.md writes a set as an object whose values are empty objects."""

    def read(value: object, where: str) -> tuple[str, ...]:
        found = _object(value, where)
        for key, empty in found.items():
            if not pattern.fullmatch(_text(key, where)):
                raise _wrong(f'the name "{key}" in {where}', wanted)
            if empty not in ({}, None):
                raise _wrong(f"{key} in {where}", "an empty object")
        return tuple(sorted(found))

    return read


def _texts_by_name(value: object, where: str) -> Mapping[str, str]:
    found = _object(value, where).items()
    return MappingProxyType({_text(key, where): _text(one, f"{key} in {where}") for key, one in found})


def _wrong(where: str, wanted: str) -> Problem:
    return TreeProblem(f"{where} must be {wanted}")
