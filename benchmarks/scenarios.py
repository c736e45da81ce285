"""What a blogger does, on a fresh copy of a peer's site: build, build again, edit one thing and build again.

    cold        the first build, with no output and no cache
    unchanged   again, with nothing changed
    body        one paragraph more in one post
    title       another title for one post: its page, a page of the index, and those of its three tags
    template    one line more in the template of posts: every post's page

After each edit the output is searched for it, so that no build is quick by not building.
"""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks import census, corpus, measure
from benchmarks.peers import Peer
from sealpress.problems import Problem

COLD: Final = "cold"

TEMPLATES: Final = MappingProxyType(
    {
        "sealpress": "theme/templates/post.html",
        "hugo": "layouts/page.html",
        "pelican": "theme/templates/article.html",
        "nikola": "themes/bench/templates/post.tmpl",
        "eleventy": "_includes/post.njk",
        "jekyll": "_layouts/post.html",
    }
)
"""Where each peer keeps the template of a post's page."""

_SHOWN: Final = 5  # pages that show a post's title: its own, one of the index, one for each of three tags

_GIT: Final = ("git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "gc.auto=0")
_COMMITTED: Final = "2024-06-01T12:00:00Z"  # after the last post


@dataclass(frozen=True, slots=True)
class Session:
    """One peer once through all scenarios: a run for each by name, and what the cold build made."""

    runs: Mapping[str, measure.Run]
    made: census.Census | None


def prepare(peer: Peer, folder: Path, count: int) -> None:
    """Writes the peer's site of `count` posts into `folder`, ready for its first build."""
    corpus.write(peer.name, folder, count)
    for name, target in peer.links.items():
        (folder / name).symlink_to(target)
    if peer.with_git:
        _commit(folder)


def step(peer: Peer, folder: Path, count: int, scenario: str, limit: float) -> measure.Run:
    """Makes a scenario's edit on the peer's site and builds it, in at most `limit` seconds.

    Raises Problem with what went wrong, or where the edit didn't reach the output.
    """
    check = EDITS[scenario](peer.name, folder, count)
    os.sync()  # what was written for this run, or by the last one, is not this one's work
    done = measure.run(peer.command, folder, peer.environment, limit, folder.with_name(f"{peer.name}.log"))
    if problem := check():
        raise Problem(f"{scenario}: {problem}")
    return done


def _commit(folder: Path) -> None:
    environment = {**os.environ, "GIT_AUTHOR_DATE": _COMMITTED, "GIT_COMMITTER_DATE": _COMMITTED}
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "The blog")):
        subprocess.run([*_GIT, *command], cwd=folder, env=environment, check=True, timeout=300)


Check = Callable[[], str]
"""What is wrong with the output; "" where all is well."""


def _nothing(_peer: str, _folder: Path, _count: int) -> Check:
    return lambda: ""


def _body(peer: str, folder: Path, count: int) -> Check:
    post = corpus.post(count // 2)
    words = "and so the benchmark was edited"
    with corpus.source(peer, folder, post).open("a", encoding="utf-8") as file:
        file.write(f"\nOne paragraph more, {words}.\n")
    return lambda: _lacks(folder, post, words)


def _title(peer: str, folder: Path, count: int) -> Check:
    post = corpus.post(count // 3)
    title = f"{post.title} retitled"
    file = corpus.source(peer, folder, post)
    file.write_text(file.read_text("utf-8").replace(post.title, title, 1), encoding="utf-8")

    def check() -> str:
        wanted = title.encode()
        pages = sum(wanted in page.read_bytes() for page in (folder / "public").rglob("*.html"))
        return "" if pages >= _SHOWN else f"the new title is on {pages} pages, not {_SHOWN}"

    return check


def _template(peer: str, folder: Path, count: int) -> Check:
    file = folder / TEMPLATES[peer]
    words = "every post has this line"
    text = file.read_text("utf-8")
    file.write_text(text.replace("</article>", f"<p>{words}</p>\n</article>"), encoding="utf-8")
    return lambda: _lacks(folder, corpus.post(0), words) or _lacks(folder, corpus.post(count - 1), words)


def _lacks(folder: Path, post: corpus.Post, words: str) -> str:
    page = folder / "public" / post.path
    if not page.exists():
        return f"{post.path} is not there"
    return "" if words.encode() in page.read_bytes() else f"{post.path} doesn't show it"


EDITS: Final[Mapping[str, Callable[[str, Path, int], Check]]] = MappingProxyType(
    {COLD: _nothing, "unchanged": _nothing, "body": _body, "title": _title, "template": _template}
)
"""The scenarios in their order: what each does to the site, and the check that follows its build."""
