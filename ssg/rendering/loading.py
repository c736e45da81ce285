"""Where Jinja2 gets its templates from: a list that was made before, and code that was compiled before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from sealpress import given
from sealpress.problems import Place, Problem
from ssg.rendering.theme import ThemeFile


class Loader(jinja2.BaseLoader):
    """Finds a template by its name in a list that was made before: no name leads out of it."""

    def __init__(self, files: Mapping[str, ThemeFile]) -> None:
        self._files = files

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        del environment
        if template not in self._files:
            raise jinja2.TemplateNotFound(template)
        file = self._files[template]
        try:
            text = given.content(file.path, given.SETTINGS, file.shown).decode()
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Problem("the template is not UTF-8", place=Place(file.shown, line), hint="save it as UTF-8") from None
        return text.replace("\r\n", "\n"), str(file.path), None


@dataclass(slots=True)
class Compiled(BytecodeCache):
    """Compiled templates, shared by the environments of all languages of one build; nothing is kept on disk."""

    code: dict[str, Any] = field(default_factory=dict)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.code
