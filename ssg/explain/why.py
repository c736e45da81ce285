"""What the last build knows of one file: what it was made from, and why it was made anew when it last was.

    asked(site, output, path)   the file or the source that a person names, as an Explanation or a Use
    ssg.explain.text                 either of them as text

Nothing is built. All comes from what the last build into the output folder left behind (ssg.cache.last_build); what was
changed since is looked at, and told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sealpress import tools
from sealpress.config.sitefile import NAME, SiteFile
from sealpress.frozen import frozen
from sealpress.html.active_content import origin
from sealpress.problems import Exit, Problem, did_you_mean
from ssg.build.inputs import STRINGS, Inputs, Request, inputs_of
from ssg.build.read import sha256_of
from ssg.cache import stamps
from ssg.cache.last_build import KeptAsset, KeptFile, KeptOutput, LastBuild, Memory
from ssg.cache.settings import differing, stated
from ssg.cache.store import folder_of
from ssg.cache.tracing import AnswerOrigin, Key, Scope, scope_of
from ssg.content.data import ENDINGS
from ssg.content.model import output_of
from ssg.explain.wording import said
from ssg.rendering import plan
from ssg.rendering.output_kind import OutputKind, Subject
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.theme import OWN, STATIC, TEMPLATES, built_in

HINT: Final = "run ssg build first"


@frozen
class ChangesSince:
    """What is otherwise than the last build left it. `output`: "" or what happened to the file.

    `settings` are the keys of site.toml, where that is among the sources.
    """

    output: str = ""
    sources: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


@frozen
class Explanation:
    """A file of the tree. `source` is what it alone is made of, "" for a list or a feed.

    `because` and `questions` are as the last build has them, `files` names the files of templates and of the theme by
    their names; `served` is its path on the site, `at` its place on the disk.
    """

    path: str
    served: str
    at: Path
    kind: OutputKind
    origin: str
    source: str
    sha256: str
    size: int
    because: tuple[str | Key, ...]
    questions: tuple[Key, ...]
    files: Mapping[str, str]
    tools: Mapping[str, str]
    changes: ChangesSince

    def data(self) -> dict[str, object]:
        """All of it for a machine."""
        return {
            "path": self.path,
            "url": self.served,
            "file": str(self.at),
            "kind": self.kind.name,
            "origin": self.origin,
            "source": self.source or None,
            "sha256": self.sha256,
            "bytes": self.size,
            "because": [_question(one) for one in self.because],
            "questions": [_question(one) for one in self.questions],
            "files": dict(self.files),
            "tools": dict(self.tools),
            "changed_since": {
                "output": self.changes.output or None,
                "sources": list(self.changes.sources),
                "settings": list(self.changes.settings),
            },
        }


@frozen
class Use:
    """A source, and the files for which something was asked of it: each with the questions, none for a copy.

    `made` are those among them that are made of its bytes, each with what it is to it: "a copy of it".
    """

    source: str
    files: Mapping[str, tuple[Key, ...]]
    note: str
    changes: ChangesSince
    made: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, object]:
        """All of it for a machine."""
        return {
            "source": self.source,
            "files": {path: [_question(one) for one in questions] for path, questions in self.files.items()},
            "note": self.note or None,
            "changed_since": {"sources": list(self.changes.sources), "settings": list(self.changes.settings)},
        }


def _question(one: str | Key) -> dict[str, object]:
    if isinstance(one, str):
        return {"said": one}
    return {"question": one[0], "arguments": list(one[1:]), "said": said(one).sentence(), "group": said(one).group}


def asked(
    site: SiteFile, output: Path, path: str, *, dirty: bool = False, kinds: Sequence[OutputKind] = ()
) -> Explanation | Use:
    """What `path` is: a file of the tree by any of its names, or a source. `dirty` and `kinds` as for a build.

    Raises Problem (exit 2) where there is no last build to ask, or it knows no such path; and as `situation_of` does.
    """
    last, inputs = _recalled(Request(site, output, dirty=dirty, kinds=kinds))
    known = _LastBuildLookup(site, output, last, inputs, plan.kinds(kinds))
    if found := known.output(path):
        return known.explanation(found)
    if source := known.source(path):
        return known.use(source)
    names = [*last.outputs, *(f"/{one}".removesuffix("index.html") for one in last.outputs), *last.sources]
    hint = f"the last build into {output} neither made nor read it: if it is new, {HINT}"
    raise Problem(f'nothing is known of "{path}"{did_you_mean(path, names)}', hint=hint, code=Exit.USAGE)


def _recalled(request: Request) -> tuple[LastBuild, Inputs]:
    memory = Memory.of(folder_of(request.site.root), request.output.absolute())
    last = memory.recall(memory.tree())
    if last is None:
        there = memory.exists()
        message = (
            "the last build can't be read: it is another user's or another version's, or damaged"
            if there
            else f"no build into {request.output} is remembered"
        )
        raise Problem(message, hint=f"{HINT}, without --no-cache", code=Exit.USAGE)
    inputs = inputs_of(request)
    if last.world != inputs.world or not last.kinds.keys() <= plan.kinds(request.kinds).keys():
        raise Problem(
            "the last build was made with other versions of sealpress or its tools", hint=HINT, code=Exit.USAGE
        )
    return last, inputs


@dataclass(frozen=True)
class _LastBuildLookup:
    """The last build of one site into one folder, asked by names."""

    site: SiteFile
    folder: Path
    last: LastBuild
    inputs: Inputs
    kinds: Mapping[str, OutputKind]

    # What a person names.

    def output(self, path: str) -> str:
        """The file of the tree that is meant, or ""."""
        return next((found for one in self._candidates(path) if (found := self._among(one))), "")

    def _candidates(self, path: str) -> Iterator[str]:
        """In the tree by its name there, on the disk, on the site."""
        yield path
        if inside := _below(Path(path), self.folder):
            yield inside
        base = urlsplit(self.site.settings.site.url)
        try:
            url = urlsplit(path)
            if url.netloc and origin(url._replace(scheme=base.scheme)) != origin(base):
                return
        except ValueError:  # no URL
            return
        served = unquote(url.path)
        yield served
        if served.startswith(base.path):
            yield served.removeprefix(base.path)

    def _among(self, name: str) -> str:
        plain = name.strip("/")
        candidates = (plain, output_of(f"/{plain}/") if plain else "index.html")
        return next((one for one in candidates if one in self.last.outputs), "")

    def source(self, path: str) -> str:
        """The source that is meant, or ""."""
        listed = {*self.last.sources, *self._theme_files.values(), NAME}
        listed |= {self._template(str(key[1])) for key in self.last.parts if key[0] == "template"}
        listed |= {f"{self._theme}/{STRINGS}/{tag}.toml" for tag in self.site.settings.site.languages}
        candidates = (path.removeprefix("./"), _below(Path(path), self.site.root))
        return next((one for one in candidates if one in listed), "")

    # What is known of it.

    def explanation(self, path: str) -> Explanation:
        old, file = KeptOutput._make(self.last.outputs[path]), KeptFile._make(self.last.files[path])
        kind = self.kinds[old.kind]
        questions = tuple(self.last.known().keys(self.last.traces[path]))
        files = {str(key[1]): self._template(str(key[1])) for key in questions if key[0] == "template"}
        theirs = self._theme_files
        assets = {str(key[1]) for key in questions if key[0] == "asset"}
        files |= {name: theirs[name] for name in sorted(assets) if name in theirs}
        source = self._source(old)
        changed = self._changed()
        facts = {str(key[1]) for key in questions if scope_of(SiteQueries, key) is Scope.FACT}
        strings = {file for key in questions if key[0] == "string" for file in self._string_files(str(key[2]))}
        near = {source, *facts, *files.values(), *strings, *self._to_come(questions)}
        near |= {NAME} if any(_is_of_site_file(key) for key in questions) else set()
        return Explanation(
            path=path,
            served=_served(path),
            at=self.folder / path,
            kind=kind,
            origin=old.origin,
            source=source,
            sha256=file.sha256,
            size=file.size,
            because=old.because,
            questions=tuple(sorted(questions, key=lambda key: tuple(map(str, key)))),
            files=files,
            tools=_tools(kind),
            changes=self._changes(self._touched(path, file), [one for one in changed if one in near]),
        )

    def use(self, source: str) -> Use:
        known = self.last.known()
        hits = known.hits(self.last.traces, [key for key, _ in known.items() if self._is_about(key, source)])
        found: dict[str, tuple[Key, ...]] = {}
        made: dict[str, str] = {}
        for path, plain in self.last.outputs.items():
            output = KeptOutput._make(plain)
            kind = self.kinds[output.kind]
            if kind.subject in {Subject.FILE, Subject.THEME} and self._source(output) == source:
                made[path] = kind.relation
            if path in hits or path in made:
                found[path] = tuple(sorted(hits.get(path, ()), key=lambda key: tuple(map(str, key))))
        drafts, scheduled = self.last.left_out
        note = "a draft" if source in drafts else "dated after the commit" if source in scheduled else ""
        return Use(source, found, note, self._changes("", [one for one in self._changed() if one == source]), made)

    def _is_about(self, key: Key, source: str) -> bool:
        name, *given = key
        if name == "template":
            return self._template(str(given[0])) == source
        if name == "asset":
            return self._theme_files.get(str(given[0])) == source
        if name == "string":
            return source in self._string_files(str(given[1]))
        return source in given or (source == NAME and _is_of_site_file(key))

    def _source(self, output: KeptOutput) -> str:
        """What a file alone is made of, or ""."""
        match self.kinds[output.kind].subject:
            case Subject.PAGE | Subject.FILE:
                return output.subject
            case Subject.THEME:
                return self._theme_files.get(output.subject, "")
            case Subject.OTHER:
                return ""

    # Which files are behind names.

    @cached_property
    def _theme(self) -> str:
        name = self.site.settings.site.theme
        return f"themes/{name}" if name in built_in() else name.rstrip("/")

    def _template(self, name: str) -> str:
        own = f"{self.site.settings.build.templates}/{name}"
        return own if own in self.last.sources else f"{self._theme}/{TEMPLATES}/{name.removeprefix(OWN)}"

    @cached_property
    def _theme_files(self) -> Mapping[str, str]:
        """The files of the theme by their names, without those that are made of nothing on the disk."""
        start = f"{self._theme}/{STATIC}/"
        served = map(KeptAsset._make, self.last.theme_files)
        return {one.name: one.origin for one in served if one.origin.startswith(start)}

    def _string_files(self, tag: str) -> tuple[str, ...]:
        own = f"{STRINGS}/{tag}.toml"
        return (f"{self._theme}/{own}", *((own,) if own in self.last.sources else ()))

    def _to_come(self, questions: Iterable[Key]) -> Iterator[str]:
        """The site's own files that would answer questions, were they there."""
        folders = self.site.settings.build
        for name, *given in questions:
            match name:
                case "template":
                    yield f"{folders.templates}/{given[0]}"
                case "string":
                    yield f"{STRINGS}/{given[1]}.toml"
                case "data_named":
                    yield from (f"{folders.data}/{given[0]}{ending}" for ending in ENDINGS)

    # What happened since.

    def _changes(self, output: str, sources: list[str]) -> ChangesSince:
        return ChangesSince(output, tuple(sources), self._keys if NAME in sources else ())

    def _touched(self, path: str, old: KeptFile) -> str:
        stamp = stamps.stamp(self.folder / path)
        if stamp is None:
            return "is gone"
        return "" if stamp == old.stamp or sha256_of(self.folder / path) == old.sha256 else "was changed by hand"

    def _changed(self) -> list[str]:
        """The sources that are not what they were; site.toml where a setting is another one."""
        now, before = self.inputs.sources.stamps, self.last.sources
        root = self.site.root
        found = []
        for source, (stamp, sha256) in before.items():
            seen = now.get(source) or stamps.stamp(root / source)
            if seen is None or (seen != stamp and sha256_of(root / source) != sha256):
                found.append(source)
        found += [source for source in now if source not in before]
        if self._keys:
            found.append(NAME)
        return sorted(found)

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        """Those of site.toml that are not what they were."""
        return differing(self.last.settings, stated(self.site))


def _tools(kind: OutputKind) -> Mapping[str, str]:
    """Those that a file may depend on."""
    found = tools.of_tree()
    return found if kind.tools is None else {name: found[name] for name in kind.tools}


def _below(path: Path, folder: Path) -> str:
    """The path within a folder, or "": both as they are on the disk."""
    try:
        here, top = path.resolve(), folder.resolve()
    except (OSError, RuntimeError, ValueError):  # a link in a circle, a name that no disk takes
        return ""
    return here.relative_to(top).as_posix() if here.is_relative_to(top) and here != top else ""


def _served(path: str) -> str:
    return f"/{path.removesuffix('index.html')}" if path == "index.html" or path.endswith("/index.html") else f"/{path}"


def _is_of_site_file(key: Key) -> bool:
    question = SiteQueries.declared.get(str(key[0]))
    return (
        question is not None and question.origin in {AnswerOrigin.SETTINGS, AnswerOrigin.OPTIONS} and key[0] != "as_of"
    )
