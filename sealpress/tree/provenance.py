"""What an output tree was made from: the commit, every input's digest, the tools. Whoever builds a tree hands it to the
seal as data, so that imagebake need not know the generator.

As a file it is JSON: {"commit": "…" or null, "clean": true, "inputs": {"content/index.md": "64 hex digits"}, "tools":
{"markdown": "3.11.3"}}. Nothing in it depends on the machine: tools are those that sealpress pins exactly, since they
reach the output's bytes. Python's own version is none of them.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final

from sealpress.files import given, scratch
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Place, Problem, UsageProblem
from sealpress.tools import of_tree

_LIMIT: Final = 64 << 20
_CHUNK: Final = 1 << 20
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@frozen
class Provenance:
    """`commit` in hex digits, "" where there is none; `clean`: the inputs are just as it holds them.

    `inputs` are (path, sha256 in hex), relative to site.toml's folder and sorted by path; `tools` are names and
    versions.
    """

    commit: str
    clean: bool
    inputs: tuple[tuple[str, str], ...]
    tools: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def as_json(self) -> dict[str, object]:
        return {
            "commit": self.commit or None,
            "clean": self.clean,
            "inputs": dict(self.inputs),
            "tools": dict(self.tools),
        }


def of_files(
    root: Path, names: Iterable[str], *, commit: str, clean: bool, tools: Mapping[str, str] | None = None
) -> Provenance:
    """The provenance of a tree that was made from these files below `root`.

    Of a link, the digest is that of its target's text, as git has it. Raises Problem (exit 9) for a file that can't be
    read.
    """
    inputs = tuple((name, _digest(root / name)) for name in sorted(set(names), key=lambda name: name.encode()))
    return Provenance(commit, clean, inputs, MappingProxyType(dict(tools or {})))


def files_below(root: Path, without: Iterable[str] = ()) -> list[str]:
    """Every file and link below a folder, such as the checkout of a commit; relative, with "/", sorted.

    What lies in the folders `without` doesn't count, nor what git keeps.
    """
    left_out = {".git", *(str(PurePosixPath(folder)) for folder in without)}
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if (here / name).as_posix() not in left_out and name not in links]
        found += [(here / name).as_posix() for name in (*files, *links)]
    return sorted(name for name in found if name not in left_out)


def tools() -> Mapping[str, str]:
    """The versions of what ssg's output depends on, as installed here: with CLDR's, which comes with Babel."""
    from babel.core import get_cldr_version  # noqa: PLC0415 - takes long to load, for a seal alone

    return MappingProxyType(dict(sorted({**of_tree(), "cldr": get_cldr_version()}.items())))


def save(provenance: Provenance, file: Path) -> None:
    """Writes the file, whole. Raises Problem (exit 9), also where something stands there that is no provenance."""
    if os.path.lexists(file):
        try:
            load(file)
        except Problem as problem:
            raise MachineProblem(
                f"{file} is there already and is no provenance", hint="name another file, or remove this one"
            ) from problem
    text = json.dumps(provenance.as_json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch.save(file, [text.encode()])
    except OSError as error:
        raise MachineProblem(f"can't write {file}: {error.strerror}") from None


def load(file: Path) -> Provenance:
    """Raises Problem (exit 2) for a file that is none."""
    try:
        return from_json(given.parsed(given.read(file, _LIMIT)), file.name)
    except OSError as error:
        raise UsageProblem(f"can't read {file}: {error.strerror}") from None


def from_json(document: Any, shown: str) -> Provenance:
    """Raises Problem (exit 2) for anything of another shape."""
    match document:
        case {
            "commit": str() | None as commit,
            "clean": bool(clean),
            "inputs": dict(inputs),
            "tools": dict(versions),
            **rest,
        } if not rest:
            pass
        case _:
            raise _refused(shown, "it must have commit, clean, inputs and tools, and nothing else")
    if commit and not _COMMIT.fullmatch(commit):
        raise _refused(shown, "its commit is not 40 or 64 hex digits")
    for path, sha256 in inputs.items():
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise _refused(shown, f"the digest of {path!a} is not 64 hex digits")
        if not path or path.startswith("/") or ".." in path.split("/") or not _is_text(path):
            raise _refused(shown, f"{path!a} is no path of an input")
    if not all(isinstance(version, str) and _is_text(version) and _is_text(name) for name, version in versions.items()):
        raise _refused(shown, "its tools are not names with versions")
    ordered = tuple(sorted(inputs.items(), key=lambda item: item[0].encode()))
    return Provenance(commit or "", clean, ordered, MappingProxyType(dict(sorted(versions.items()))))


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(file: Path) -> str:
    try:
        if file.is_symlink():
            return hashlib.sha256(os.fsencode(file.readlink())).hexdigest()
        with file.open("rb") as found:
            return hashlib.file_digest(found, "sha256").hexdigest()
    except OSError as error:
        raise MachineProblem(f"can't read the input {file}: {error.strerror}") from None


def _refused(shown: str, why: str) -> Problem:
    return UsageProblem(f"this is no provenance of a tree: {why}", place=Place(shown))
