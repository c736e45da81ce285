"""A new blog: its site.toml, two pages in each language, and a git repository around them. Asks nothing.

Only files that aren't there yet are written, and all of them or none.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sealpress.config import other_generators, sitefile
from sealpress.config.settings import SiteSettings
from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.git import call, repository
from sealpress.problems import MachineProblem, UsageProblem
from ssg.authoring.samples import ABOUT, FIRST_POST
from ssg.l10n.language import language
from ssg.l10n.strings import FOLDER as STRINGS
from ssg.rendering.theme.theme import built_in_folder

PORT: Final = 8090

_IGNORED: Final = "# What sealpress makes and keeps.\n/public/\n/.sealpress/\n"
_SITE: Final = """\
# The site: what it is called, and where readers will find it one day.
[site]
title = {title}
url = "https://blog.example.org/"
{languages}
# `publish` puts the last commit on this machine: http://127.0.0.1:{port}/
[publish.here]
host = "local"
address = "127.0.0.1"
port = {port}

# And on a host of yours that has Docker and your ssh key: `publish production`.
# [publish.production]
# host = "deploy@blog.example.org"
"""


@frozen
class NewBlog:
    """`files` are relative to `folder`. `unnamed`: git doesn't know yet who commits. `foreign` are the languages
    that the theme has no words in.
    """

    folder: Path
    files: tuple[str, ...]
    made_repository: bool
    unnamed: bool
    foreign: tuple[str, ...]


def begin(folder: Path, languages: Sequence[str], today: dt.date) -> NewBlog:
    """Makes a blog in a folder that has none; its first language is the one without a prefix.

    Raises Problem (exit 2) for a folder with a blog in it or above it, or with one of the files; (exit 3) for a
    language that there isn't; (exit 9) where the disk or git refuses.
    """
    tags = list(dict.fromkeys(language(tag).tag for tag in languages))
    _check_free(folder)
    texts = {sitefile.NAME: _site(folder, tags), **dict(_pages(tags, today))}
    if not os.path.lexists(folder / ".gitignore"):
        texts[".gitignore"] = _IGNORED
    for name in texts:
        files.check_way(folder / name)
    if there := [name for name in texts if os.path.lexists(folder / name)]:
        raise UsageProblem(
            f"{folder / there[0]} is there already: nothing was written",
            hint="begin the blog in another folder: ssg init FOLDER",
        )
    _write(folder, texts)
    words = built_in_folder() / SiteSettings("", "").theme / STRINGS
    is_new = repository.discover(folder) is None
    if is_new:
        call.ask(folder, "init", "--quiet")
    return NewBlog(
        folder,
        tuple(texts),
        is_new,
        unnamed=call.ask(folder, "var", "GIT_COMMITTER_IDENT", may_fail=True) is None,
        foreign=tuple(tag for tag in tags if not (words / f"{tag}.toml").is_file()),
    )


def _check_free(folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageProblem(f"{folder} is no folder", hint="name another one: ssg init FOLDER")
    if blog := sitefile.find(folder.absolute()):
        raise UsageProblem(
            f"there is a blog already: {blog}", hint="ssg new post adds to it; or begin another one beside it"
        )
    if folder.is_dir():
        looks, hint = other_generators.found_in(folder)
        if looks:
            raise UsageProblem(f"{folder} has a site already{looks}", hint=hint)


def _site(folder: Path, tags: Sequence[str]) -> str:
    name = " ".join(folder.absolute().name.replace("-", " ").replace("_", " ").split())
    name = name if name.isprintable() and any(map(str.isalnum, name)) else "My blog"
    own = "" if tags == ["en"] else f"languages = {json.dumps(tags)}\n"
    # Of printable text, JSON's strings are TOML's.
    return _SITE.format(title=json.dumps(name[:1].upper() + name[1:], ensure_ascii=False), languages=own, port=PORT)


def _pages(tags: Sequence[str], today: dt.date) -> Iterator[tuple[str, str]]:
    for number, tag in enumerate(tags):
        ending = f".{tag}.md" if number else ".md"
        sample = tag.partition("-")[0]
        sample = sample if sample in ABOUT else "en"
        yield f"content/about{ending}", ABOUT[sample]
        yield f"content/posts/first-post{ending}", FIRST_POST[sample].format(date=today.isoformat())


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    made: list[Path] = []
    try:
        for parent in _missing(folder):
            parent.mkdir()
            made.append(parent)
        for name, text in texts.items():
            path = folder / name
            for parent in _missing(path.parent):
                parent.mkdir()
                made.append(parent)
            with path.open("x", encoding="utf-8", newline="\n") as out:
                made.append(path)
                out.write(text)
    except BaseException as error:
        _take_back(made)
        if isinstance(error, OSError):
            raise MachineProblem(f"can't write {error.filename or folder}: {error.strerror}") from None
        raise


def _missing(folder: Path) -> list[Path]:
    return [one for one in reversed([folder, *folder.parents]) if not os.path.lexists(one)]


def _take_back(made: Sequence[Path]) -> None:
    for path in reversed(made):
        if path.is_dir():
            files.leave([path])
        else:
            path.unlink(missing_ok=True)
