"""Records are what the standard library's frozen ones are."""

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass, field, fields, is_dataclass, replace

import pytest

from sealpress.frozen import frozen


@frozen
class Made:
    name: str
    numbers: tuple[int, ...] = ()
    aside: str = field(default="", compare=False)
    hidden: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Standard:
    name: str
    numbers: tuple[int, ...] = ()
    aside: str = field(default="", compare=False)
    hidden: str = field(default="", repr=False)


@frozen
class Empty:
    pass


@frozen
class One:
    numbers: tuple[int, ...]


@frozen
class Longer(One):
    name: str = ""


@frozen
class Own:
    name: str

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "own"


VALUES = [("a",), ("a", (1,)), ("a", (1,), "b"), ("a", (1,), "c"), ("a", (1,), "", "d"), ("b", (2,))]


def test_equality_and_sets_are_as_the_standard_has_them() -> None:
    made, standard = [Made(*one) for one in VALUES], [Standard(*one) for one in VALUES]
    assert [[one == other for other in made] for one in made] == [[a == b for b in standard] for a in standard]
    assert len(set(made)) == len(set(standard)) == 4
    assert [repr(one) for one in made] == [repr(one).replace("Standard", "Made") for one in standard]
    assert Made("a") != Standard("a")
    assert Empty() == Empty() != One(())
    assert {Empty(): 1}[Empty()] == 1
    assert One((1,)) == One((1,)) != One((2,))


def test_one_that_is_made_of_another_counts_all_its_fields() -> None:
    assert Longer((1,), "a") != Longer((1,), "b")
    assert Longer((1,)) != One((1,))
    assert repr(Longer((1,), "a")) == "Longer(numbers=(1,), name='a')"


def test_what_cannot_be_hashed_says_so() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(One([]))  # type: ignore[arg-type]


def test_own_methods_stay() -> None:
    assert Own("a") == Own("b")
    assert (hash(Own("a")), repr(Own("a"))) == (7, "own")


def test_a_record_is_a_dataclass_that_can_be_copied() -> None:
    made = Made("a", (1,))
    assert is_dataclass(made)
    assert [one.name for one in fields(made)] == ["name", "numbers", "aside", "hidden"]
    assert replace(made, name="b") == Made("b", (1,))
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    assert not hasattr(made, "__dict__")


def test_the_type_checker_lets_nobody_change_one() -> None:
    code = "from tests.sealpress.test_frozen import Made\nmade = Made('a')\nmade.name = 'b'\nMade(1)\n"
    check = [sys.executable, "-m", "mypy", "--config-file=", "-c", code]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert '"name" defined in "Made" is read-only' in found.stdout
    assert "incompatible type" in found.stdout
    with pytest.raises(AttributeError):
        Made("a").other = 1  # type: ignore[attr-defined]
