"""What stays as it is, whoever uses it: views of the site, and what a template may set for those that import it."""

import datetime as dt
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import Any

from jinja2.environment import TemplateModule
from jinja2.runtime import Macro


class View:
    """What templates see of a site: it stays as it is, whoever uses it, and is only looked at."""

    __slots__ = ()


def is_fixed(value: Any) -> bool:
    """Whether what the top level of a template has set stays as it is, whoever uses it.

    A cycler, a namespace or an iterator would lead from one page to the next, and a page would hang on which was
    rendered before it: a template that sets one, or imports one that does, is run anew for each import.
    """
    match value:
        case None | str() | int() | float() | dt.date() | Macro() | TemplateModule() | FunctionType():
            return True
        case tuple() | list():
            return all(map(is_fixed, value))
        case View():  # before what it is made of, which would ask for all of it
            return True
        case Mapping():
            return all(map(is_fixed, value.values()))
        case MethodType():
            return is_fixed(value.__self__)
        case _:
            return False
