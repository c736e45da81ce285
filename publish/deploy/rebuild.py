"""Puts an image together on its host, of the layers that an image there has and those that are new.

Docker's classic store takes a layer only upon those that lie below it: where a low one is new, an archive must hold all
above it as well, though nearly all of them are there. And of a layer that is new to any engine, most stands in one that
it has (splice.py). So the engine itself is asked for an image that has them, and what it gives is packed anew, with
ours, beside it. It hashes each layer that it loads, and the image is compared afterwards as any other: nothing of what
happens on the host is believed.

It needs the engine's own command and tar there, and some room in the account's cache folder, which a run that was
killed may leave behind: the next one removes it. Wherever it fails, the caller sends more.

Source: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

import json
import re
import secrets
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Final, cast

from publish.engines.protocol import ContainerEngine, LoadedImage, RemoteHost
from publish.ssh.connection import end
from sealpress.problems import EngineProblem, Problem, printable
from sealpress.processes.pipes import hear

_SAVED_WITHIN: Final = 120.0  # seconds, for the engine to give an image
_LOADED_WITHIN: Final = 600.0
WORTH: Final = 1 << 20
"""Bytes that have to be saved: an engine that gives and takes an image is busy for a while."""

# $1 a word before every answer, $2 the engine's socket, $3 the image, $4 whose it is, $5 the engine's command. What we
# send ends with `parts`, the names of all that belongs to the image: without it, it did not come whole.
_SCRIPT: Final = """
set -e
umask 077
case $4 in '' | . | .. | */*) exit 1 ;; esac
folder="${XDG_CACHE_HOME:-${HOME:?}/.cache}/sealpress/$4"
rm -rf "$folder"
mkdir -p "$folder"
trap 'cd /; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cd "$folder"
engine=--host
[ "$5" = docker ] || engine=--url
"$5" "$engine" "unix://$2" save "$3" </dev/null | tar -xf -
echo "$1"
cat manifest.json
echo
echo "$1"
tar -xf -
while read -r target source first count; do
    dd if="$source" bs=512 skip="$first" count="$count" >>"$target" 2>/dev/null
done <made
tar -cf - -T parts | "$5" "$engine" "unix://$2" load --quiet >/dev/null
"""

_LAYER: Final = re.compile(r"[0-9a-f]{64}/layer\.tar|blobs/sha256/[0-9a-f]{64}|[0-9a-f]{64}\.tar")

Delta = Callable[[Mapping[str, str]], Iterable[bytes]]
"""The archive of what is new, given the paths of the layers that are beside it, by their diff_ids."""


def base_for(images: Sequence[LoadedImage], sizes: Mapping[str, int]) -> LoadedImage | None:
    """Of these images of a host, the one that has most of the layers in `sizes` (bytes by diff_id)."""
    able = [one for one in images if one.reusable]
    return max(able, key=lambda one: sum(sizes.get(diff_id, 0) for diff_id in one.diff_ids), default=None)


def load(host: RemoteHost, engine: ContainerEngine, base: LoadedImage, name: str, delta: Delta) -> None:
    """Has the engine load what `base` has and `delta` brings. `name`: whose image it is, by the name of the line.

    Raises Problem (exit 7) where the host can't, (exit 6) where the connection is cut.
    """
    word, command = secrets.token_hex(8), engine.title.partition(" ")[0].lower()
    process = host.begin(["sh", "-c", _SCRIPT, "sealpress-rebuild", word, host.socket, base.id, name, command])
    told = re.compile(rf"{word}\n(.*)\n{word}\n".encode(), re.DOTALL)
    try:
        heard, said = hear(process, _SAVED_WITHIN, until=told.search)
        found = told.search(heard)
        if not found:
            raise _failed(engine, said)
        held = _paths(engine, found[1], base)
        stdin = cast("IO[bytes]", process.stdin)
        with suppress(BrokenPipeError):  # then the script tells why
            for piece in delta(held):
                stdin.write(piece)
            stdin.close()
        _, said = hear(process, _LOADED_WITHIN)
        if process.wait(_LOADED_WITHIN):
            raise _failed(engine, said)
    except (TimeoutError, subprocess.TimeoutExpired, ValueError):
        raise _failed(engine, b"it takes too long, or says too much") from None
    finally:
        end(process)


def _paths(engine: ContainerEngine, manifest: bytes, base: LoadedImage) -> dict[str, str]:
    """Where the engine's archive has each layer of the image, by diff_id."""
    try:
        (image,) = json.loads(manifest)
        layers = [str(path) for path in image["Layers"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        layers = []
    if len(layers) != len(base.diff_ids) or not all(map(_LAYER.fullmatch, layers)):
        raise _failed(engine, b"its archive of the image is of another kind")
    return dict(zip(base.diff_ids, layers, strict=True))


def _failed(engine: ContainerEngine, said: bytes) -> Problem:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    why = f": {printable(lines[-1])[:200]}" if lines else ""
    return EngineProblem(f"{engine.title} can't put the image together on the host{why}")
