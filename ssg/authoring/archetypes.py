"""A new page, from an archetype of the site's own (archetypes/post.md, archetypes/post.fr.md) or a plain one.

An archetype is a page with {{ title }}, {{ date }} and {{ language }} where these belong. A translation begins as the
text that is to be translated, and as a draft, so that no reader sees it before it is one.
"""

import datetime as dt
import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from sealpress.config.sitefile import SiteFile
from sealpress.files import files, given
from sealpress.problems import MachineProblem, Place, Problem, UsageProblem, did_you_mean
from ssg.content import front_matter, taxonomies
from ssg.content.location import POSTS, Location, locate
from ssg.l10n.language import language
from ssg.l10n.slugs import slug

ArchetypeKind = Literal["post", "page"]

FOLDER: Final = "archetypes"

_PLAIN: Final = {
    "post": "---\ntitle: {{ title }}\ndate: {{ date }}\n---\n\n",
    "page": "---\ntitle: {{ title }}\n---\n\n",
}
_FIELD: Final = re.compile(r"\{\{ *(\w+) *\}\}")
_DRAFT: Final = re.compile(r"(?m)^draft[ \t]*[:=].*\n?")
_TITLE: Final = re.compile(r"(?m)^title[ \t]*[:=].*$")


def new(site: SiteFile, kind: ArchetypeKind, title: str, tag: str, folder: str, today: dt.date) -> str:
    """Writes a page with that title and gives its source. `tag` "": the default language; `folder` is one below the
    content folder, or below that of posts.

    Raises Problem (exit 2) for a title that gives no file name, a file that is there, a language that the site doesn't
    have; (exit 3) for a faulty archetype; (exit 9) where the disk refuses.
    """
    tag = _language_of(site, tag or site.settings.site.default_language)
    name = slug(title, language(tag))
    if not name or not title.isprintable():
        hint = "a file is called after it: use letters or digits"
        raise UsageProblem("the title gives no file name", hint=hint)
    parts = PurePosixPath(folder).parts
    if not folder.isprintable() or "\\" in folder or PurePosixPath(folder).is_absolute() or ".." in parts:
        raise UsageProblem(f"{folder} must lie below {site.settings.build.content}/")
    below = "/".join(((POSTS,) if kind == "post" else ()) + parts)
    values = {"title": json.dumps(title, ensure_ascii=False), "date": today.isoformat(), "language": tag}
    text = _filled(*_archetype(site, kind, tag), values)
    return _written(site, _source(site, below, name, tag), text)


def translation(site: SiteFile, file: Path, title: str, tag: str) -> str:
    """Writes the draft of a page's translation beside it, and gives its source. `title` "": as the page has it; `tag`
    "": the other one of two languages.

    Raises Problem as `new` does, and (exit 2) for a file that is no page of the site.
    """
    where = _located(site, file)
    others = [one for one in site.settings.site.languages if one != where.language]
    if not tag and len(others) != 1:
        hint = f"name one with --lang: {', '.join(others)}" if others else "add one to [site] languages in site.toml"
        raise UsageProblem("into which language is it to be translated?", hint=hint)
    tag = _language_of(site, tag or others[0])
    if tag == where.language:
        raise UsageProblem(f'{where.source} is in "{tag}" already', hint="name another language")
    data = given.read(site.root / where.source, given.TEXT)
    page = front_matter.read(data, where.source)
    sign = " =" if page.fence == "+++" else ":"
    own = _DRAFT.sub("", page.head)
    if title:
        own = _TITLE.sub(lambda _: f"title{sign} {json.dumps(title, ensure_ascii=False)}", own, count=1)
    text = f"{page.fence}\ndraft{sign} true\n{own.strip()}\n{page.fence}\n{page.body}"
    front = front_matter.read(text.encode(), where.source, taxonomies.keys(site)).front_matter
    if not front.draft or (title and front.title != title):
        hint = "copy the file by hand, and give it the keys title and draft: true"
        raise Problem(f"the front matter of {where.source} is written in a way that can't be taken over", hint=hint)
    return _written(site, _source(site, where.folder, where.stem, tag), text)


def _language_of(site: SiteFile, tag: str) -> str:
    languages = site.settings.site.languages
    if tag not in languages:
        raise UsageProblem(
            f'"{tag}" is not one of the site\'s languages{did_you_mean(tag, languages)}',
            place=site.place("site", "languages"),
            hint=f'add "{tag}" to [site] languages',
        )
    return tag


def _located(site: SiteFile, file: Path) -> Location:
    content = site.root / site.settings.build.content
    path = Path(os.path.normpath(file.absolute()))
    if not path.is_relative_to(content) or path.suffix != ".md" or not path.is_file():
        raise UsageProblem(
            f"{file} is no page of this site", hint=f"name a Markdown file below {site.settings.build.content}/"
        )
    return locate(site.settings, path.relative_to(site.root).as_posix())


def _source(site: SiteFile, folder: str, stem: str, tag: str) -> str:
    """Where the page belongs: by folder where the site has one for a language, else by file name."""
    content = PurePosixPath(site.settings.build.content)
    if any((site.root / content / one).is_dir() for one in site.settings.site.languages):
        return str(content / tag / folder / f"{stem}.md")
    ending = "" if tag == site.settings.site.default_language else f".{tag}"
    return str(content / folder / f"{stem}{ending}.md")


def _archetype(site: SiteFile, kind: ArchetypeKind, tag: str) -> tuple[str, str]:
    """Its text, and the file that it stands in."""
    for name in (f"{FOLDER}/{kind}.{tag}.md", f"{FOLDER}/{kind}.md"):
        path = site.root / name
        if os.path.lexists(path):
            try:
                return given.read(path, given.TEXT, inside=True).decode("utf-8"), name
            except UnicodeDecodeError:
                raise Problem(f"{name} is not UTF-8", place=Place(name), hint="save it as UTF-8") from None
            except OSError as error:
                raise MachineProblem(f"can't read {name}: {error.strerror}") from None
    return _PLAIN[kind], ""


def _filled(text: str, file: str, values: dict[str, str]) -> str:
    for number, line in enumerate(text.split("\n"), 1):
        for field in _FIELD.finditer(line):
            if field[1] not in values:
                raise Problem(
                    f'an archetype has no "{field[1]}"{did_you_mean(field[1], values)}',
                    place=Place(file, number, field.start() + 1, line, len(field[0])),
                    hint=f"it has {', '.join(values)}",
                )
    return _FIELD.sub(lambda field: values[field[1]], text)


def _written(site: SiteFile, source: str, text: str) -> str:
    path = site.root / source
    files.check_way(path)
    if os.path.lexists(path):
        raise UsageProblem(f"{source} is there already", hint="give the page another title")
    try:
        files.make(site.root, *PurePosixPath(source).parts[:-1])
        with path.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise MachineProblem(f"can't write {source}: {error.strerror}") from None
    return source
