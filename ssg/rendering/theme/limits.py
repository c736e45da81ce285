"""What a template may ask for: so many steps and so much text for each file, counted the same on every machine.

A step is an expression or a tag that is run, an item that a filter takes, or sixteen characters of a text on its way.
Steps are counted where a block of a template begins, so that no loop, macro or recursion runs without them; what makes
much of little (a width, a repetition, a power) is worked out before it is done.

Sources: Jinja2's compiler and its sandbox, whose own limits are `range` and the fields of str.format.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import BuiltinMethodType, MappingProxyType, MethodType
from typing import Any, Final

from jinja2 import TemplateRuntimeError, nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEscapeFormatter, SandboxedFormatter
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]

from ssg.rendering.theme import sizes
from ssg.rendering.theme.filters import FREE, metered

STEPS: Final = 10_000_000
"""Of one file. The archive of 10,000 posts takes a fiftieth of them."""

TOO_MUCH: Final = "this takes more than"

_SIZED: Final = frozenset(
    {list, tuple, dict, range, set, frozenset, type({}.keys()), type({}.values()), type({}.items()), MappingProxyType}
)
SHORT: Final = 63
"""Characters of a text that takes no step of its own."""

_CHARACTERS: Final = 4  # as a power of two: how many are a step


class Bounded(ImmutableSandboxedEnvironment):
    """The sandbox, with a number of steps that is `left`. Whoever renders sets it, and calls `meter` once before."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.left = STEPS
        self.code_generator_class = _Generator
        self.concat = self._concat  # type: ignore[method-assign]

    def meter(self) -> None:
        """Counts the filters that are there by now."""
        self.filters.update(
            {name: metered(self, name, function) for name, function in self.filters.items() if name not in FREE}
        )

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TemplateRuntimeError(f"{TOO_MUCH} {STEPS:,} steps, the most for a file: look for loops within loops")

    def printed(self, value: Any) -> str:
        """What stands in an expression's place in HTML.

        That goes among other text as it is: escape() would make a Markup of it first, which takes ten times as long.
        """
        kind = type(value)
        if kind is str or kind is Markup:
            if (size := len(value)) > SHORT:
                self.reserve(size)
            return _escape_inner(value) if kind is str else value
        return escape(self.finalize(value) if self.finalize else value)

    def weighed(self, value: Any) -> Any:
        """The value, once what it takes to look at all of it is counted."""
        kind = type(value)
        if kind is str or kind is Markup:
            if (size := len(value)) > SHORT:
                self.reserve(size)
        elif kind in _SIZED:
            self.spend(len(value))
        elif hasattr(kind, "__next__"):  # an iterator, told without an abstract class's way of finding out
            return self._counted(value)
        return value

    def nested(self, value: Any) -> Any:
        """A list, tuple or table that was just made, once all in it is counted: each may hold another one twice."""
        self.spend(sizes.items(value))
        return value

    def joined(self, join: Callable[[Sequence[Any]], str], parts: Sequence[Any]) -> str:
        """What `~` makes of its parts."""
        size = sum(map(sizes.extent, parts))
        self.reserve(size)
        return join(parts)

    def reserve(self, size: int) -> None:
        """Counts a text of `size` characters that is about to be made."""
        if size > sizes.TEXT:
            raise sizes.too_long(size)
        self.spend(size >> _CHARACTERS)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operation whose result can be much larger than its operands."""
        match operator:
            case "+":
                if isinstance(left, str | bytes):
                    self.reserve(sizes.extent(left) + sizes.extent(right))
                elif isinstance(left, sizes.CONTAINERS):
                    self.spend(sizes.items(left) + sizes.items(right))
            case "*":
                self._check_product(left, right)
            case "**":
                if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > sizes.BITS:
                    raise sizes.too_large_number()
            case "%" if isinstance(left, str | bytes):
                self.reserve(sizes.percent_size(left, right))
        return super().call_binop(context, operator, left, right)

    def _check_product(self, left: Any, right: Any) -> None:
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > sizes.BITS:
                raise sizes.too_large_number()
            return
        many, count = (left, right) if isinstance(right, int) else (right, left)
        if isinstance(count, int) and count > 0:
            if isinstance(many, str | bytes):
                self.reserve(len(many) * count)
            elif isinstance(many, sizes.CONTAINERS):
                items = sizes.items(many) * count
                if items > sizes.ITEMS:
                    raise sizes.too_many(items)
                self.spend(items)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call from a template; of a text's own methods those that make much of little are looked at before."""
        kind = type(obj)
        if kind is BuiltinMethodType or (kind is MethodType and isinstance(obj.__self__, str)):
            args = self._method(obj.__name__, obj.__self__, args, kwargs)
            return self.weighed(super().call(context, obj, *args, **kwargs))
        if len(args) + len(kwargs) > 1:
            given = [one for one in (*args, *kwargs.values()) if type(one) in sizes.CONTAINERS and one]
            if len(given) > 1:
                self.spend(sizes.items(given))
        return super().call(context, obj, *args, **kwargs)

    def _method(self, name: str, owner: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        self.weighed(owner)
        if isinstance(owner, int):
            if name == "to_bytes":
                self.reserve(args[0] if args and isinstance(args[0], int) else kwargs.get("length", 1))
        elif isinstance(owner, str | bytes):
            given = [*args, *kwargs.values()]
            match name, given:
                case "center" | "ljust" | "rjust" | "zfill", [int() as width, *_]:
                    self.reserve(width)
                case "expandtabs", [int() as width, *_]:
                    self.reserve(len(owner) + width * len(owner))
                case "replace", [str() | bytes() as old, str() | bytes() as new, *_]:
                    self.reserve(sizes.replaced_size(owner, old, new))
                case "translate", [Mapping() as table]:
                    self.reserve(len(owner) * max((sizes.extent(one) for one in table.values()), default=1))
                case "join", [parts]:
                    listed = list(self._counted(parts))
                    self.reserve(sum(map(sizes.extent, listed)) + len(owner) * len(listed))
                    return (listed,)
        return args

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """str.format and format_map, whose fields may not be wider than a text."""
        if super().wrap_str_format(value) is None:
            return None
        text: str = value.__self__
        formatter = _EscapeFormatter(self, escape=text.escape) if isinstance(text, Markup) else _Formatter(self)

        def formatted(*args: Any, **kwargs: Any) -> str:
            given = args[0] if value.__name__ == "format_map" and args else kwargs
            self.weighed(text)
            return type(text)(formatter.vformat(text, () if given is not kwargs else args, given))

        return formatted

    def _concat(self, parts: Iterable[str]) -> str:
        listed = parts if isinstance(parts, list) else list(parts)
        size = sum(map(len, listed))
        if size > sizes.TEXT:
            raise sizes.too_long(size)
        return "".join(listed)

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item


class _Generator(CodeGenerator):
    """Writes the counting into the code of a template."""

    counts = True  # whether the next block counts for itself

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        block = list(nodes)
        if self.counts:
            self.writeline(f"environment.spend({1 + sum(map(_weight, block))})", block[0] if block else None)
        super().blockvisit(block, frame)

    def visit_If(self, node: nodes.If, frame: Frame) -> None:  # noqa: N802 - Jinja2's names
        self._visit(super().visit_If, node, frame, counts=False)

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:  # noqa: N802
        self._visit(super().visit_Macro, node, frame, counts=True)

    def visit_CallBlock(self, node: nodes.CallBlock, frame: Frame) -> None:  # noqa: N802
        self._visit(super().visit_CallBlock, node, frame, counts=True)

    def _visit(self, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame, *, counts: bool) -> None:
        before, self.counts = self.counts, counts
        visit(node, frame)
        self.counts = before

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        if node.test is not None:
            # Run for each item, also for those that the body never sees.
            counted = nodes.Not(nodes.EnvironmentAttribute(f"spend({_weight(node.test)})"))
            node.test = nodes.And(counted, node.test, lineno=node.test.lineno)
        self._visit(super().visit_For, node, frame, counts=True)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        if frame.eval_ctx.volatile:
            join = "(markup_join if context.eval_ctx.volatile else str_join)"
        else:
            join = "markup_join" if frame.eval_ctx.autoescape else "str_join"
        self.write(f"environment.joined({join}, (")
        for one in node.nodes:
            self.visit(one, frame)
            self.write(", ")
        self.write("))")

    @optimizeconst
    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        # Two texts are compared as far as the shorter one goes; what something is looked for in is looked at whole.
        is_short = isinstance(node.expr, nodes.Const) or all(isinstance(one.expr, nodes.Const) for one in node.ops)
        self.write("(")
        self._weighed(node.expr, frame, counts=not is_short)
        for one in node.ops:
            self.write(f" {_OPERATORS[one.op]} ")
            self._weighed(one.expr, frame, counts=not is_short or one.op in {"in", "notin"})
        self.write(")")

    @optimizeconst
    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        if isinstance(node.arg, nodes.Slice):  # copies, and asks nobody
            self._weighed(node.node, frame)
            self.write("[")
            self.visit(node.arg, frame)
            self.write("]")
        else:
            super().visit_Getitem(node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        if node.ctx == "load":
            self._nested(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        self._nested(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802 - Jinja2\'s names
        self._nested(super().visit_Dict, node, frame)

    def _nested(self, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        self.write("environment.nested(")
        visit(node, frame)
        self.write(")")

    def _weighed(self, node: nodes.Node, frame: Frame, *, counts: bool = True) -> None:
        if isinstance(node, nodes.Const) or not counts:
            self.visit(node, frame)
            return
        self.write("environment.weighed(")
        self.visit(node, frame)
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            self.write("(environment.printed(" if finalize.src else "environment.printed(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        # Nothing is worked out while a template is compiled: nobody would count it.
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


_OPERATORS: Final = {
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gteq": ">=",
    "lt": "<",
    "lteq": "<=",
    "in": "in",
    "notin": "not in",
}
_BLOCKS: Final = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)


def _weight(node: nodes.Node) -> int:
    """How many steps it takes to run a node once, without the blocks in it, which count for themselves."""
    if isinstance(node, nodes.TemplateData):
        return 1 + (len(node.data) >> _CHARACTERS)
    inner = node.iter_child_nodes(exclude=("body", "else_") if isinstance(node, _BLOCKS) else None)
    return 1 + sum(map(_weight, inner))


class _Formatter(SandboxedFormatter):
    _env: Bounded

    def format_field(self, value: Any, format_spec: str) -> Any:
        return _field(self._env, super().format_field, value, format_spec)


class _EscapeFormatter(SandboxedEscapeFormatter):
    _env: Bounded

    def format_field(self, value: Any, format_spec: str) -> Any:
        return _field(self._env, super().format_field, value, format_spec)


def _field(environment: Bounded, form: Callable[[Any, str], Any], value: Any, spec: str) -> Any:
    environment.reserve(sizes.extent(value) + sum(int(digits) for digits in re.findall(r"[0-9]{1,18}", spec)))
    return environment.weighed(form(value, spec))
