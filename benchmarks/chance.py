"""Numbers that look like chance and are a function of a name: the same everywhere, whatever the version of Python."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_BLOCK = 4096

T = TypeVar("T")


class Chance:
    """A stream of choices that is named. Two streams with one name choose the same."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._blocks = 0
        self._bytes = b""
        self._at = 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; `limit` is at most 65536. The bias of the remainder does not matter here."""
        if self._at == len(self._bytes):
            self._bytes = hashlib.shake_128(f"{self._name}/{self._blocks}".encode()).digest(_BLOCK)
            self._blocks += 1
            self._at = 0
        number = int.from_bytes(self._bytes[self._at : self._at + 2], "big")
        self._at += 2
        return number % limit

    def between(self, first: int, last: int) -> int:
        """A number from `first` to `last`, both included."""
        return first + self.below(last - first + 1)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different choices, in the order in which they were drawn."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(count)]
