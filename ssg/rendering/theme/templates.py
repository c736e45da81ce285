"""Jinja2 for a theme: confined to the theme's files, strict, sandboxed, and with errors that people can act on.

The sandbox is not there because a site's author is an enemy. It keeps a template a function of the site: no attribute
leads to the machine, the clock or chance, and a theme from elsewhere can't read a file that the site doesn't hold.
"""

import datetime as dt
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from types import MemberDescriptorType, TracebackType
from typing import Any, Final, Protocol

import jinja2
from jinja2 import meta
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, UndefinedError

from sealpress.files import given
from sealpress.problems import Place, Problem, did_you_mean
from ssg.cache.tracing import Key, Trace
from ssg.content.absence import Absence
from ssg.content.data import ENDINGS
from ssg.rendering.theme import limits
from ssg.rendering.theme.contexts import Context, Contexts
from ssg.rendering.theme.fixed import is_fixed
from ssg.rendering.theme.loader import COMPILED, KEPT, TemplateLoader
from ssg.rendering.theme.missing import Missing, NoSuchNameError, describe
from ssg.rendering.theme.theme import ThemeFile

Functions = Mapping[str, Callable[..., Any]]


@dataclass(slots=True)
class Templates:
    """Compiled templates for one language. Make them with `environments`."""

    files: Mapping[str, ThemeFile]
    environment: "_Environment"
    tracing: "Tracing"

    def render(self, name: str, variables: Mapping[str, Any], subject: str) -> str:
        """The text of a template. `subject` is what is being rendered, for messages: "content/posts/x.md".

        Raises Problem at the template's line.
        """
        self.environment.left = limits.STEPS
        try:
            return self.environment.get_template(name).render(variables)
        except Problem as problem:
            if problem.place and problem.place.file != _strings_file(problem):
                raise
            raise self._problem(problem, problem.message, subject, hint=problem.hint) from None
        except jinja2.TemplateSyntaxError as error:
            raise self._broken(error) from None
        except jinja2.TemplatesNotFound as error:
            raise self._not_found(error, ", ".join(str(one) for one in error.templates), subject) from None
        except jinja2.TemplateNotFound as error:
            raise self._not_found(error, str(error.name), subject) from None
        except UndefinedError as error:
            raise self._undefined(error, variables, subject) from None
        except SecurityError as error:
            hint = "templates may use values, filters and functions, not the insides of Python"
            raise self._problem(error, _sentence(str(error)), subject, hint=hint) from None
        except jinja2.TemplateError as error:
            raise self._problem(error, _sentence(str(error)), subject, whole=name) from None
        except RecursionError as error:
            message = "the templates include each other without end, or are nested too deeply"
            raise self._problem(error, message, subject, whole=name) from None
        except Exception as error:
            # A wrong argument or a division by zero is the template's fault; a fault of ours keeps its traceback.
            if _is_ours(error.__traceback__, self._names()):
                raise
            raise self._problem(error, _CALLED.sub("", _sentence(str(error))), subject) from None
        finally:
            self.environment.contexts.forget()

    def close(self) -> None:
        """Takes apart what knows itself in a circle: nothing is rendered any more."""
        self.environment.contexts.close()
        for template in (self.environment.cache or {}).values():
            vars(template).clear()
        vars(self.environment).clear()

    def faults(self, names: Iterable[str]) -> Iterator[Problem]:
        """Those of the syntax of some templates, and of all that they name; what isn't there is told by `render`."""
        return (found for _, found in self._named(names) if found)

    def named(self, name: str) -> list[ThemeFile]:
        """A template, and all that it names, and these in their turn."""
        return [file for file, _ in self._named([name])]

    def _named(self, names: Iterable[str]) -> Iterator[tuple[ThemeFile, Problem | None]]:
        seen: set[str] = set()
        waiting = [*reversed(list(names))]
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self.files:
                continue
            seen.add(name)
            file = self.files[name]
            problem: Problem | None = None
            try:
                self.environment.get_template(name)
                text = given.content(file.path, given.SETTINGS, file.shown).decode("utf-8", "replace")
                waiting += _referenced(text)
            except jinja2.TemplateSyntaxError as error:
                problem = self._broken(error)
            except Problem as raised:
                problem = raised
            except jinja2.TemplateError:  # which rendering tells, with the page that it is for
                pass
            yield file, problem

    def _broken(self, error: jinja2.TemplateSyntaxError) -> Problem:
        message, hint, word = self._syntax(_sentence(error.message or "broken syntax"))
        return Problem(message, place=self._line(error.name, error.lineno, word), hint=hint)

    def _syntax(self, said: str) -> tuple[str, str | None, str]:
        """What Jinja2 says of a template's syntax, with what could have been meant, and the word that it is about."""
        word = found[1] if (found := re.search(r"'(\w+)'", said)) else ""
        if said.startswith("no filter named"):
            return (
                f"{said}{did_you_mean(word, self.environment.filters)}",
                "the reference of templates lists filters",
                word,
            )
        if inner := re.search(r"needs to be closed is '(\w+)'", said):
            is_end = said.startswith("unexpected end")
            message = f"{'the template ends' if is_end else f'{word} stands here'}, and {inner[1]} is still open"
            return message, f"write {{% end{inner[1]} %}} where it ends", "" if is_end else word
        if said.startswith("encountered unknown tag"):
            is_end = word.startswith("end") or word in {"else", "elif"}
            other = f"nothing is open here that {word} could end" if is_end else "Jinja2 has no such tag"
            return said, f"{other}; text that is no template stands between {{% raw %}} and {{% endraw %}}", word
        return said, None, ""

    def _names(self) -> Mapping[str, str]:
        return {str(file.path): name for name, file in self.files.items()}

    def _problem(
        self,
        error: BaseException,
        message: str,
        subject: str,
        *,
        word: str = "",
        hint: str | None = None,
        whole: str = "",
    ) -> Problem:
        name, line = _where(error.__traceback__, self._names())
        place = self._line(name, line, word) or (Place(self.files[whole].shown) if whole in self.files else None)
        return Problem(f"{message} (while rendering {subject})", place=place, hint=hint)

    def _line(self, name: str | None, number: int | None, word: str) -> Place | None:
        """The place of a line in a template; of `word` in it, where it is there."""
        if name is None or name not in self.files:
            return None
        file = self.files[name]
        lines = given.content(file.path, given.SETTINGS, file.shown).decode("utf-8", "replace").split("\n")
        if number is None or number > len(lines):
            return Place(file.shown)
        text = lines[number - 1]
        found = re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text) if word else None
        if found is None:
            start = len(text) - len(text.lstrip())
            return Place(file.shown, number, start + 1, text, max(1, len(text.strip())))
        return Place(file.shown, number, found.start() + 1, text, len(word))

    def _not_found(self, error: jinja2.TemplateNotFound, wanted: str, subject: str) -> Problem:
        known = [name for name in self.files if not name.startswith("theme/")]
        if absent := self.tracing.absent_below("templates", wanted):
            return self._absent(error, f'there is no template "{wanted}"', absent, subject, wanted)
        return self._problem(
            error,
            f'there is no template "{wanted}"{did_you_mean(wanted, known)}',
            subject,
            word=wanted,
            hint=f"templates: {', '.join(sorted(known))}",
        )

    def _absent(
        self, error: BaseException, message: str, absent: tuple[str, Absence], subject: str, word: str
    ) -> Problem:
        said = absent[1].problem(message, absent[0])
        return self._problem(error, said.message, subject, word=word, hint=said.hint)

    def _undefined(self, error: UndefinedError, variables: Mapping[str, Any], subject: str) -> Problem:
        if not isinstance(error, NoSuchNameError):
            return self._problem(error, _sentence(str(error)), subject)
        if error.owner is None:
            known = {*variables, *self.environment.globals}
            message = f'nothing is called "{error.name}" here{did_you_mean(error.name, known)}'
        else:
            known = set(error.known)
            if error.folder is not None:
                files = [f"{error.folder}/{error.name}{ending}".lstrip("/") for ending in ENDINGS]
                if absent := self.tracing.absent_below("data", *files):
                    return self._absent(error, f'data has no "{error.name}"', absent, subject, error.name)
            message = f'{error.owner} has no "{error.name}"{did_you_mean(error.name, known)}'
        hint = f"known: {', '.join(sorted(known))}" if known else None
        return self._problem(error, message, subject, word=error.name, hint=hint)


class Tracing(Protocol):
    """Where it is recorded which templates were used, and what they asked (ssg.cache.tracing)."""

    def template(self, name: str) -> str | None: ...

    def traced(self) -> AbstractContextManager[set[Key]]: ...

    def absent_below(self, folder: str, *names: str) -> tuple[str, Absence] | None: ...

    def also(self, trace: Iterable[Key]) -> None: ...


def environments(
    files: Mapping[str, ThemeFile],
    functions: Mapping[str, Functions],
    values: Mapping[str, Mapping[str, Any]],
    tracing: Tracing,
) -> Mapping[str, Templates]:
    """Templates by language. `functions` serve as filters and as global functions, `values` as global names."""
    return {language: _templates(files, functions[language], values[language], tracing) for language in functions}


def _templates(
    files: Mapping[str, ThemeFile],
    functions: Functions,
    values: Mapping[str, Any],
    tracing: Tracing,
) -> Templates:
    environment = _Environment(
        loader=TemplateLoader(files),
        undefined=Missing,
        autoescape=lambda name: name is None or name.endswith((".html", ".xml", ".svg")),
        bytecode_cache=COMPILED,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.tracing = tracing
    environment.finalize = environment.finalized
    # Chance and memory addresses have no place in an output.
    del environment.filters["random"], environment.filters["pprint"], environment.globals["lipsum"]
    environment.filters.update({name: _filter(function) for name, function in functions.items()})
    environment.meter()
    environment.globals.update(functions)
    environment.globals.update(values)
    return Templates(files, environment, tracing)


@lru_cache(KEPT)
def _referenced(text: str) -> tuple[str, ...]:
    """The templates that one names in its tags. Raises jinja2.TemplateSyntaxError."""
    found = meta.find_referenced_templates(jinja2.Environment(autoescape=True).parse(text))
    return tuple(one for one in found if one is not None)


class _Template(jinja2.Template):
    """A template whose imports are recorded: what its top level asks belongs to every template that imports it."""

    environment: "_Environment"

    def _get_default_module(self, ctx: jinja2.runtime.Context | None = None) -> TemplateModule:
        del ctx  # the globals of all templates are the same
        known = self.environment.imported
        if self.name in known:
            module, asked, steps = known[self.name]
            self.environment.tracing.also(asked)
            self.environment.spend(steps)  # as if it had been run: a limit must not hang on who came before
            return module
        loose = self.environment.loose
        left = self.environment.left
        with self.environment.tracing.traced() as trace:
            context = self.new_context({})
            module = TemplateModule(self, context)
        if loose == self.environment.loose and all(map(is_fixed, context.vars.values())):
            known[self.name] = module, frozenset(trace), left - self.environment.left
            self.environment.contexts.keep(context)
        else:
            self.environment.loose += 1
        self.environment.tracing.also(trace)
        return module


class _Environment(limits.Bounded):
    """The sandbox, with its rules worked out once for each type and name, which is all that they look at.

    Whoever uses a template is recorded as having asked for it, whether or not it was loaded before.
    """

    template_class = _Template
    context_class = Context

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}
        self._plain: set[tuple[type, str]] = set()
        self.tracing: Tracing
        self.imported: dict[str | None, tuple[TemplateModule, Trace, int]] = {}
        self.loose = 0  # imports whose top level keeps something that changes
        self.contexts = Contexts()

    def finalized(self, value: Any) -> Any:
        """Lets through what has a text of its own: anything else printed is a slip, such as a None or a whole page."""
        if isinstance(value, str):
            if (size := len(value)) > limits.SHORT:
                self.reserve(size)
            return value
        if isinstance(value, int | float | jinja2.Undefined):
            return value
        hint = " (use the filter date or iso)" if isinstance(value, dt.date) else ""
        raise jinja2.TemplateRuntimeError(f"{describe(value)} can't be printed{hint}")

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> jinja2.Template:  # noqa: A002
        self.tracing.template(name)
        return super()._load_template(name, globals)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What templates do most: a view's own property, once the sandbox has let it through, is a plain attribute."""
        key = (type(obj), attribute)
        if key in self._plain:
            return getattr(obj, attribute)
        value = super().getattr(obj, attribute)
        if self._safe.get(key) and isinstance(getattr(type(obj), attribute, None), property | MemberDescriptorType):
            self._plain.add(key)
        return value

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        key = (type(obj), attr)
        if key not in self._safe:
            self._safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._safe[key]


def _filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a filter that is called anew each time.

    Jinja2 works out a filter of a constant while it compiles ("home" | t), and what is compiled serves all languages.
    Filters that take the context are left alone.
    """

    @jinja2.pass_context
    def called(_context: jinja2.runtime.Context, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            try:
                inspect.signature(function).bind(*args, **kwargs)
            except TypeError as error:
                name = function.__name__
                message = f"{name} is given wrong arguments: {error}; the reference of templates has {name}"
                raise jinja2.TemplateRuntimeError(message) from None
            raise

    return called


def _where(traceback: TracebackType | None, names: Mapping[str, str]) -> tuple[str | None, int | None]:
    """The innermost template of a traceback, and the line in it; Jinja2 has put its own lines there."""
    name, line = None, None
    while traceback:
        if traceback.tb_frame.f_code.co_filename in names:
            name, line = names[traceback.tb_frame.f_code.co_filename], traceback.tb_lineno
        traceback = traceback.tb_next
    return name, line


def _is_ours(traceback: TracebackType | None, names: Mapping[str, str]) -> bool:
    """Whether an error came from below a template's own code: from neither a template nor Jinja2."""
    module = ""
    while traceback:
        frame = traceback.tb_frame
        module = "template" if frame.f_code.co_filename in names else str(frame.f_globals.get("__name__", ""))
        traceback = traceback.tb_next
    return module.split(".")[0] not in {"template", "jinja2", "markupsafe"}


def _strings_file(problem: Problem) -> str | None:
    """A Problem with an interface string names the file of strings; the template is what asked for it."""
    place = problem.place
    return place.file if place and place.file.startswith("i18n/") and place.line is None else None


_CALLED: Final = re.compile(r"\b(?:\w+\.)+(?:<locals>\.)?(?=\w+\(\))")
"""What Python puts before the name of a function."""


def _sentence(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
