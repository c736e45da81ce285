"""sealpress with one of its tricks switched off: `python -m benchmarks.without NAME build --quiet`.

Nothing in the product knows of it: a module is changed when it has just been loaded, so that what is loaded late stays
late. Each trick that can be switched off is declared once, in TRICKS.
"""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

Change = Callable[[Any], None]
"""What is done to a module."""

_TOP: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Trick:
    """One accelerator, cache or habit of starting.

    `code` is where it stands: modules, each with the functions and classes that are it (`a/b.py:Class.method`), or
    whole. `changes` switch it off, by module. It is looked for in the scenarios `at` (benchmarks.tricks).
    """

    what: str
    at: tuple[str, ...]
    code: tuple[str, ...]
    changes: Mapping[str, Change]

    @property
    def lines(self) -> int:
        return sum(map(_lines, self.code))


def _lines(place: str) -> int:
    file, _, name = place.partition(":")
    text = (_TOP / file).read_text("utf-8")
    if not name:
        return text.count("\n")
    node: Any = ast.parse(text)
    for part in name.split("."):
        (node,) = (one for one in node.body if getattr(one, "name", "") == part or part in _targets(one))
    return int(node.end_lineno - node.lineno + 1 + len(getattr(node, "decorator_list", ())))


def _targets(node: Any) -> list[str]:
    return [node.target.id] if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else []


def _put(name: str, value: object) -> Change:
    """Puts a value in the place of a module's, or of what is in one of its classes."""
    *path, last = name.split(".")

    def change(module: Any) -> None:
        for part in path:
            module = getattr(module, part)
        assert hasattr(module, last), f"there is no {name} any more"
        setattr(module, last, value)

    return change


def _unpack_rows(module: Any) -> None:
    """All rows of all tables are unpacked as soon as they are read."""
    recall = module.Memory.recall

    def recalled(self: Any, tree: Any) -> Any:
        if build := recall(self, tree):
            for name in ("parsed_pages", "pages", "questions"):
                table = getattr(build, name)
                setattr(build, name, type(table)(dict(table.items())))
        return build

    module.Memory.recall = recalled


def _make_pages(module: Any) -> None:
    """All pages of the last build are made at once."""
    begin = module.LazyPages.__init__

    def begun(self: Any, *given: Any) -> None:
        begin(self, *given)
        for source in self:
            self[source]

    module.LazyPages.__init__ = begun


def _no_kept_blocks(module: Any) -> None:
    get = module._KeptBlocks.get  # noqa: SLF001 - it is what is switched off

    def got(self: Any, key: str) -> None:
        get(self, key)

    module._KeptBlocks.get = got  # noqa: SLF001


def _load_all(_: Any) -> None:
    """What a build may need is loaded before it begins."""
    for name in (
        "ssg.build.steps",
        "ssg.output.stage",
        "ssg.markup.converter",
        "ssg.markup.html.body",
        "ssg.markup.dialects.commonmark",
        "ssg.markup.dialects.serialization",
        "ssg.markup.code.highlighting",
        "ssg.content.formats.yaml",
        "ssg.rendering.feeds",
        "ssg.rendering.sitemap",
        "babel.dates",
        "pygments.lexers",
    ):
        import_module(name)


def _uncached(*names: str) -> Change:
    def change(module: Any) -> None:
        for name in names:
            setattr(module, name, getattr(module, name).__wrapped__)

    return change


TRICKS: Final[Mapping[str, Trick]] = {
    "rules": Trick(
        "Pygments' rules tried only where they can match",
        ("cold", "body"),
        (
            "ssg/markup/fast/lexing.py",
            *(
                f"ssg/markup/fast/expressions.py:{name}"
                for name in (
                    "first",
                    "_begin",
                    "_begin_of",
                    "_literal",
                    "_members",
                    "_CATEGORIES",
                    "_category",
                )
            ),
        ),
        {"ssg.markup.fast.lexing": _put("is_on", lambda: False)},
    ),
    "gates": Trick(
        "inline patterns tried only on texts that hold what they need",
        ("cold",),
        (
            *(
                f"ssg/markup/fast/expressions.py:{name}"
                for name in ("needed", "_implies", "_clauses", "_clauses_of", "_either", "_is_plain")
            ),
        ),
        {"ssg.markup.fast.expressions": _put("needed", lambda _: ())},
    ),
    "blocks": Trick(
        "highlighted code kept apart from the bodies",
        ("body",),
        ("ssg/build/convert.py:_KeptBlocks", "ssg/markup/code/highlighting.py:key_of"),
        {"ssg.build.convert": _no_kept_blocks},
    ),
    "packs": Trick(
        "results that are made together kept in one file",
        ("cold", "template"),
        tuple(f"ssg/cache/store.py:Store.{name}" for name in ("together", "_from_pack", "_place", "_indexes")),
        {"ssg.cache.store": _put("Store.together", lambda _: nullcontext())},
    ),
    "rendered": Trick(
        "files that an earlier build has rendered",
        ("cold", "title", "back"),
        ("ssg/build/reuse.py", "ssg/cache/answers.py:KnownAnswers.peek"),
        {
            "ssg.build.reuse": lambda module: (
                _put("ReusableFiles.find", lambda *_: None)(module),
                _put("ReusableFiles.keep", lambda *_: None)(module),
            )[0]
        },
    ),
    "elsewhere": Trick(
        "what the last build into another folder knew",
        ("other",),
        ("ssg/cache/last_build.py:Memory.elsewhere",),
        {"ssg.cache.last_build": _put("Memory.elsewhere", lambda *_: None)},
    ),
    "told again": Trick(
        "the last build told again where nothing changed",
        ("unchanged",),
        ("ssg/build/result.py:retold", "ssg/build/result.py:report_of", "ssg/build/inputs.py:fingerprint"),
        {"ssg.build.inputs": _put("fingerprint", lambda _: "")},
    ),
    "changes": Trick(
        "of a build that changed little, only that is kept",
        ("body",),
        (
            "ssg/cache/last_build.py:LastBuild.changed_to",
            "ssg/cache/last_build.py:LastBuild.apply",
            "ssg/cache/last_build.py:LastTree.apply",
            "ssg/cache/table.py:since",
        ),
        {"ssg.cache.last_build": _put("LastBuild.changed_to", lambda *_: None)},
    ),
    "rows": Trick(
        "rows of tables stay packed until they are asked for",
        ("body", "title"),
        ("ssg/cache/table.py",),
        {"ssg.cache.last_build": _unpack_rows},
    ),
    "pages": Trick(
        "pages of the last build made when they are asked for",
        ("body", "title"),
        ("ssg/build/records.py:LazyPages",),
        {"ssg.build.records": _make_pages},
    ),
    "collector": Trick(
        "Python's collector off while a build fills the memory",
        ("cold", "body", "title"),
        ("ssg/cache/last_build.py:without_collector",),
        {"ssg.cache.last_build": _put("without_collector", nullcontext)},
    ),
    "threshold": Trick(
        "Python's collector made rare in all commands",
        ("cold", "unchanged", "title"),
        (),
        {"sealpress.commands.command": _put("_NEW_OBJECTS", 700)},
    ),
    "versions": Trick(
        "versions of libraries read from the names of folders",
        ("unchanged", "body"),
        ("sealpress/tools.py:_installed",),
        {"sealpress.tools": _put("_installed", lambda: iter(()))},
    ),
    "loading": Trick(
        "libraries and rooms loaded where they are needed",
        ("unchanged", "body"),
        (),
        {"ssg.build.build": _load_all},
    ),
    "answers": Trick(
        "small functions that keep what they gave: slugs, links, escapes, tags, attributes",
        ("cold", "title"),
        (),
        {
            "ssg.l10n.slugs": _uncached("_name_slug"),
            "ssg.content.links": _uncached("destination"),
            "ssg.markup.html.tags": _uncached("tag"),
            "ssg.markup.dialects.serialization": _uncached("_pair"),
            "ssg.markup.text.characters": _uncached("is_punctuation", "is_white"),
            "sealpress.html.active_content": _uncached("urls_of"),
            "sealpress.tree.strays": _uncached("kind_of"),
        },
    ),
}


class _Changed(Loader):
    """Loads a module as another loader does, and changes it."""

    def __init__(self, loader: Any, change: Change) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


class _Finder(MetaPathFinder):
    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = changes

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self._changes:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None, f"there is no {name} any more"
        spec.loader = _Changed(spec.loader, self._changes[name])
        return spec


def main() -> None:
    name = sys.argv.pop(1)
    if name:
        sys.meta_path.insert(0, _Finder(TRICKS[name].changes))
    from ssg.cli import main as ssg  # noqa: PLC0415 - whose modules are changed

    ssg()


if __name__ == "__main__":
    main()
