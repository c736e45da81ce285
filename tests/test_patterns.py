"""The same expressions match the same on every Python that we run on."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import imagebake
import publish
import sealpress
import ssg
from ssg.markup.converter import instance

SINGLE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY}


def patterns() -> Iterator[tuple[str, "re.Pattern[Any]"]]:
    """Every compiled pattern that a module has at its top, alone or in a table."""
    for package in (sealpress, ssg, imagebake, publish):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                for one in [value, *(value if isinstance(value, tuple | list | frozenset) else ())]:
                    if isinstance(one, re.Pattern):
                        yield f"{found.name}.{name}", one
                if isinstance(value, dict):
                    yield from ((f"{found.name}.{name}", one) for one in value.values() if isinstance(one, re.Pattern))


def possessive_groups(parsed: Any) -> Iterator[object]:
    for operation, argument in parsed:
        if operation is _constants.ATOMIC_GROUP:
            yield operation
        if operation is _constants.POSSESSIVE_REPEAT:
            _, _, body = argument
            if len(body) != 1 or body[0][0] not in SINGLE:
                yield operation
        for inner in argument if isinstance(argument, tuple | list) else [argument]:
            for one in inner if isinstance(inner, list) else [inner]:
                if isinstance(one, _parser.SubPattern):
                    yield from possessive_groups(one)


def inline_patterns() -> Iterator[tuple[str, "re.Pattern[Any]"]]:
    """Those that Python-Markdown compiles of ours."""
    for pattern in instance(html=True).markdown.inlinePatterns:
        if type(pattern).__module__.startswith("ssg."):
            yield f"{type(pattern).__module__}.{type(pattern).__name__}", pattern.getCompiledRegExp()


FOUND = dict([*patterns(), *inline_patterns()])


@pytest.mark.parametrize("name", FOUND)
def test_no_group_is_possessive_or_atomic(name: str) -> None:
    """Before CPython 3.11.5 (gh-106052) such a group matches what it must not: a policy missed scripts on Debian 12.

    One of single characters, `[^<]*+`, is another operation, and right everywhere.
    """
    pattern = FOUND[name]
    assert not list(possessive_groups(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)))


@pytest.mark.parametrize("pattern", ["(?:ab)*+", "(?>a|b)c", "x(?:y(?:zz|w)++)", "(a|(?:[bc]d)?+)"])
def test_the_look_at_groups_finds_them(pattern: str) -> None:
    assert list(possessive_groups(_parser.parse(pattern)))
    assert not list(possessive_groups(_parser.parse("[^<]*+(?:a.++|b)*")))
