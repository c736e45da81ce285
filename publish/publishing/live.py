"""The live site, asked as its readers reach it: by its address, through whatever stands before its host.

It says itself which commit it is of (imagebake.recipes.statement). That commit is built here again, from the author's
own repository, and each of its files is compared: so nothing that the site says is believed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

from imagebake.nginx.answers import SEAL_PATH
from imagebake.recipes import statement
from imagebake.recipes.statement import Statement
from publish.engines.protocol import Endpoint
from publish.probing import probe
from publish.publishing import pipeline, report
from publish.publishing.pipeline import SiteSource
from sealpress import VERSION
from sealpress.commands.console import Console
from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.git import repository as git
from sealpress.git.repository import Commit, Repository
from sealpress.problems import Exit, MachineProblem, Problem, ReleaseProblem, UsageProblem

_SECONDS: Final = 30.0
_PORTS: Final = {"http": 80, "https": 443}


def is_address(text: str) -> bool:
    return re.match(r"https?://", text, re.IGNORECASE) is not None


def verify(site: SiteFile, url: str, console: Console, *, allow_command: bool) -> dict[str, object]:
    """Compares what the site at `url` answers with the commit that it says it is of, and tells.

    Raises Problem (exit 1) where anything differs, or the site is of no commit; (exit 2) for a `url` that is none, or a
    commit that isn't here; (exit 8) where nothing answers there as a release does; (exit 10) where its seal is none.
    """
    endpoint = reached(url, sitefile.below(site.settings.site.url))
    told = said(endpoint, url)
    if told.site != (own := sitefile.image_name(site.settings)):
        hint = f"this folder's site is {own}: go into the folder of the other one"
        raise Problem(f"{url} is another site: {told.site}", code=Exit.DIFFERENT, hint=hint)
    with scratch.folder("publish") as made, source_of(site, told.held_by, url) as made_from:
        product = pipeline.produce(made_from, made, console, dirty=False, allow_command=allow_command)
        said_by = {"address": url, "site": own, "commit": made_from.commit, "release": told.release}
        try:
            compared = report.compared(product.tree, made_from.site, endpoint, console)
        except Problem as problem:
            problem.hint = problem.hint or _hint(told, product.tree.digest)
            if problem.facts:
                problem.facts = {**problem.facts, **said_by}
            raise
        if product.tree.digest != told.tree:
            message = f"commit {made_from.commit[:12]} makes another tree than {url} says that it has"
            raise Problem(message, code=Exit.DIFFERENT, hint=_hint(told, product.tree.digest))
    console.say(f"{url} is commit {made_from.commit[:12]}")
    repository = git.discover(site.root.resolve())
    head = repository.head() if repository else None
    if head and head.id != made_from.commit:
        console.note(f"the last commit here is {head.id[:12]}")
    return compared | said_by


@contextmanager
def source_of(site: SiteFile, held_by: str, url: str, *, to_publish: bool = False) -> Iterator[SiteSource]:
    """The commit that the site at `url` says it was made of ("": none), as the repository here has it, in a folder that
    is gone afterwards. `to_publish`: and not only to be compared with what is there.

    Raises Problem (exit 1) where no commit holds that, (exit 2) where it isn't here, or is not to be trusted.
    """
    if not held_by:
        hint = "publish without --dirty"
        raise Problem(f"{url} was made of what no commit holds", code=Exit.DIFFERENT, hint=hint)
    folder = site.root.resolve()
    repository = git.discover(folder)
    commit = _commit(repository, held_by)
    assert repository is not None  # noqa: S101 - it has the commit
    with pipeline.committed(repository, commit, folder, site.name) as made_from:
        head = repository.head()
        has_command = bool(made_from.site.settings.build.command)
        if (has_command or to_publish) and not (head and repository.is_ancestor(commit, head)):
            # Else whoever answers there could choose among the commits here whose program is run, or what comes out.
            message = f"{url} says that it is commit {commit.id[:12]}, which is not in this branch's history"
            left = "it is not published" if to_publish else "its [build] command is not run"
            raise UsageProblem(message, hint=f"{left}: git switch to a branch that holds it, if you trust that commit")
        yield made_from


def reached(url: str, below: str) -> Endpoint:
    """Where the server of a site's URL is (`below`: OutputTree.below). Raises Problem (exit 2) for what names none, and
    for a part of a site, since all of it is looked at.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.username or not parts.hostname.isascii():
        raise UsageProblem(f'"{url}" is no address of a site', hint="write one like https://blog.example.org")
    if parts.query or parts.fragment or unquote(parts.path).strip("/") not in {"", below.strip("/")}:
        whole = f"{parts.scheme}://{parts.netloc}/{below}"
        raise UsageProblem(f'"{url}" is not the whole site', hint=f"it is looked at as a whole: {whole}")
    return Endpoint(parts.hostname, port, is_secure=parts.scheme == "https")


def said(endpoint: Endpoint, url: str) -> Statement:
    """What the site tells of itself. Raises Problem (exit 8) where that is nothing, (exit 10) where it is no seal."""
    path = f"/{SEAL_PATH}"
    answer = probe.fetch(endpoint, path, seconds=_SECONDS, limit=statement.LIMIT)
    if location := answer.headers.get("location"):
        raise ReleaseProblem(f"{url} leads to {location}", hint="name the address that readers end at")
    if answer.status != 200:
        hint = "every site that sealpress published has it: perhaps what stands before the site lets it not through"
        raise ReleaseProblem(f"{url} has no {path}: status {answer.status}", hint=hint)
    return statement.read(answer.body, f"{url.rstrip('/')}{path}")


def _commit(repository: Repository | None, wanted: str) -> Commit:
    if repository is None:
        raise MachineProblem("this folder is in no git repository", hint="go into the blog's own")
    if not repository.holds(wanted):
        message = f"the live site is of commit {wanted[:12]}, which is not in this repository"
        raise UsageProblem(message, hint="git fetch --all; a shallow clone: git fetch --unshallow")
    return repository.commit(wanted)


def _hint(told: Statement, tree: str) -> str | None:
    """Why the files may be others than those that were published."""
    its = told.tools.get("sealpress", "")
    if tree == told.tree:
        return "the files here are those that were published: what readers get was changed on its way, or on the host"
    if its != VERSION:
        return f"it was published by sealpress {its}, and this is {VERSION}: the same version makes the same files"
    return None
