"""Where Jinja2 gets its templates from: a list that was made before, and code that was compiled before."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from sealpress.files import given
from sealpress.problems import Place, Problem
from ssg.rendering.theme import blocks
from ssg.rendering.theme.theme import OWN, ThemeFile

KEPT: Final = 500
"""Templates of which something is remembered: more than any theme has."""


class TemplateLoader(jinja2.BaseLoader):
    """Finds a template by its name in a list that was made before: no name leads out of it."""

    def __init__(self, files: Mapping[str, ThemeFile]) -> None:
        self._files = files
        self._theirs = {file.path for name, file in files.items() if name.startswith(OWN)}

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        del environment
        if template not in self._files:
            raise jinja2.TemplateNotFound(template)
        file = self._files[template]
        text = self._text(file)
        blocks.check(text, file.shown, lambda name: self._parent(file, name))
        return text, str(file.path), None

    def _parent(self, file: ThemeFile, name: str) -> str | None:
        """The text of a parent; None of one by which the site does without blocks that the theme's templates have."""
        parent = self._files.get(name)
        if parent is None or (file.path in self._theirs and parent.path not in self._theirs):
            return None
        return self._text(parent)

    @staticmethod
    def _text(file: ThemeFile) -> str:
        try:
            text = given.content(file.path, given.SETTINGS, file.shown).decode()
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Problem("the template is not UTF-8", place=Place(file.shown, line), hint="save it as UTF-8") from None
        return text.replace("\r\n", "\n")


class _Compiled(BytecodeCache):
    def __init__(self) -> None:
        self.code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self.code) >= KEPT:  # of texts that were since written over
            self.code.clear()
        self.code[bucket.key, bucket.checksum] = bucket.code


COMPILED: Final = _Compiled()
"""Compiled templates of this process, each by its name, file and text: they serve all languages, and all turns of an
engine that stays in memory. Nothing is kept on disk.
"""
