"""New layers told by what a host has: most of a layer is, block by block, an older one of which one page was edited.

A layer's tar is known by the digests of its pieces, each a few blocks of a member. They are kept in the cache when the
layer is sent, so whoever published last knows what the host has; who doesn't sends the layer whole. Nothing of it has
to be believed: the engine hashes what came together.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from imagebake.fetch import cache
from imagebake.image.layers import Layer
from imagebake.image.tar import BLOCK
from sealpress.frozen import frozen

LITERAL: Final = "literal"
"""The file of a delta that holds what no layer there has."""
MADE: Final = "made"
"""The file of a delta that tells what layers are made of: path, source, first block, count of blocks."""

_PIECE: Final = 8  # blocks
_RANGES: Final = 200  # of a layer, each of which costs the host a process
_LARGEST: Final = 32 << 20  # bytes of a layer, which is held
_KNOWN: Final = struct.Struct(">16sB")

Blocks = tuple[bytes, int]
"""A digest of bytes, and how many blocks they are."""


@frozen
class Splice:
    """Layers to be made on the host. `ranges`: of which layer (both by diff_id), "" for the literal, from which block
    on and how many.
    """

    ranges: tuple[tuple[str, str, int, int], ...] = ()
    literal: bytes = b""

    @property
    def layers(self) -> frozenset[str]:
        return frozenset(target for target, _, _, _ in self.ranges)

    def files(self, beside: Mapping[str, str]) -> dict[str, bytes]:
        """What a delta has of it. `beside`: the paths of all these layers there."""
        told = (
            f"{beside[target]} {beside[source] if source else LITERAL} {first} {count}\n"
            for target, source, first, count in self.ranges
        )
        return {LITERAL: self.literal, MADE: "".join(told).encode()}


def of(new: Iterable[Layer], held: Iterable[str]) -> Splice:
    """Those of the new layers that are largely made of layers with these diff_ids."""
    places = {piece: (diff_id, at) for diff_id in held for piece, at in _placed(_recalled(diff_id))}
    ranges: list[tuple[str, str, int, int]] = []
    literal = bytearray()
    for layer in filter(_is_edited, new) if places else ():
        data = b"".join(layer.stream())
        pieces = _pieces(data)
        _remember(layer.diff_id, pieces)
        own, rest = _ranges(layer.diff_id, data, pieces, places, len(literal))
        if len(own) <= _RANGES and len(rest) < len(data) // 2:
            ranges += own
            literal += rest
    return Splice(tuple(ranges), bytes(literal))


def learn(layers: Iterable[Layer]) -> None:
    """Keeps what layers are made of that were sent whole."""
    for layer in filter(_is_edited, layers):
        if not _recalled(layer.diff_id):
            _remember(layer.diff_id, _pieces(b"".join(layer.stream())))


def _is_edited(layer: Layer) -> bool:
    """Whether a layer is one that changes in part, and can be held. A package's is another one as a whole."""
    return layer.size <= _LARGEST and not layer.created_by.endswith(".deb")


def _ranges(
    layer: str, data: bytes, pieces: Sequence[Blocks], places: Mapping[Blocks, tuple[str, int]], begun: int
) -> tuple[list[tuple[str, str, int, int]], bytes]:
    """What a layer is made of, in order; and the bytes that no other has, behind the `begun` ones."""
    found: list[tuple[str, str, int, int]] = []
    literal = bytearray()
    for piece, at in _placed(pieces):
        source, first = places.get(piece, ("", (begun + len(literal)) // BLOCK))
        if not source:
            literal += data[at * BLOCK : (at + piece[1]) * BLOCK]
        if found and found[-1][1] == source and found[-1][2] + found[-1][3] == first:
            found[-1] = (layer, source, found[-1][2], found[-1][3] + piece[1])
        else:
            found.append((layer, source, first, piece[1]))
    return found, bytes(literal)


def _placed(pieces: Iterable[Blocks]) -> Iterator[tuple[Blocks, int]]:
    """Each with the block that it begins with."""
    at = 0
    for piece in pieces:
        yield piece, at
        at += piece[1]


def _pieces(tar: bytes) -> tuple[Blocks, ...]:
    """A member's header begins one, so that a member is found again wherever it stands."""
    found: list[Blocks] = []
    at = 0
    while at < len(tar):
        size = int(tar[at + 124 : at + 135].strip(b"\0 ") or b"0", 8)  # ustar's size, in octal
        end = at + BLOCK + -(-size // BLOCK) * BLOCK
        for start in range(at, end, _PIECE * BLOCK):
            data = tar[start : min(start + _PIECE * BLOCK, end)]
            found.append((blake2b(data, digest_size=16).digest(), len(data) // BLOCK))
        at = end
    return tuple(found)


def _remember(diff_id: str, pieces: Iterable[Blocks]) -> None:
    cache.remember(_name(diff_id), b"".join(_KNOWN.pack(*piece) for piece in pieces))


def _recalled(diff_id: str) -> tuple[Blocks, ...]:
    data = cache.recalled(_name(diff_id)) or b""
    return tuple(_KNOWN.iter_unpack(data)) if len(data) % _KNOWN.size == 0 else ()


def _name(diff_id: str) -> str:
    return f"pieces/{diff_id.removeprefix('sha256:')}"
