"""One word, one thing: no two classes of the product have one name, nor a class and a type that has a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import imagebake
import publish
import sealpress
import ssg


def named(tree: ast.Module) -> Iterator[str]:
    """The classes and the types' names that stand at a module's top. A TypeVar stands for whatever is put in its place,
    and names nothing.
    """
    for one in tree.body:
        match one:
            case ast.ClassDef(name=name):
                yield name
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                is_variable = isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"
                if name[:1].isupper() and not name.isupper() and not is_variable:
                    yield name


def twice(texts: dict[str, str]) -> dict[str, list[str]]:
    """The names that stand for several things, with the modules that they stand in."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, text in texts.items():
        for name in named(ast.parse(text)):
            found[name].append(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_no_name_stands_for_two_things() -> None:
    texts = {}
    for package in (sealpress, ssg, imagebake, publish):
        top = Path(package.__path__[0])
        texts |= {str(file.relative_to(top.parent)): file.read_text("utf-8") for file in sorted(top.rglob("*.py"))}
    assert len(texts) > 300
    assert twice(texts) == {}


def test_a_name_that_stands_for_two_things_is_found() -> None:
    texts = {
        "a": "class Engine:\n    class Inner: ...\nKind = TypeVar('Kind')\nROW = 1",
        "b": "Engine = dict[str, int]\nKind = Literal['a']\nROW = 2\nclass Inner: ...",
        "c": "Inner: TypeAlias = int",
    }
    assert twice(texts) == {"Engine": ["a", "b"], "Inner": ["b", "c"]}
