"""What a release shows to readers: that which would be built, and that which runs.

What runs is known by its seal: the commit that this names is built again here, and where the tree's digest is the
sealed one, so is each file's. Where that can't be, its pages are fetched and believed as they come, and it is said.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from imagebake.nginx import redirects
from imagebake.packages import lock as locks
from imagebake.recipes import site as recipe
from imagebake.recipes.statement import Statement
from publish.engines.protocol import Endpoint
from publish.probing import probe
from publish.probing.answers import url_path
from publish.probing.compare import CONNECTIONS
from publish.publishing import feeds, live, pipeline
from publish.publishing.feeds import FeedItem
from publish.publishing.pipeline import Product, SiteSource
from publish.releases.reach import endpoint_of
from publish.releases.release import Release, port_of
from publish.target.targets import OpenTarget
from sealpress import VERSION, labels
from sealpress.commands.console import Console
from sealpress.config import serving, sitefile
from sealpress.config.settings import LOCK_NAME, Architecture
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem, ReleaseProblem, SealProblem
from sealpress.tree.tree import OutputTree

PAGE: Final = "text/html"
_SECONDS: Final = 30.0

ByName = Mapping[str, str]


@frozen
class Side:
    """One of the two. `files` are the served ones, by path the sha256 in hex; `pages` those of them that are HTML.

    `below`: as in OutputTree. `redirects`: by path, where it leads ("/new/ 301", "410"). What is None can't be known.
    """

    files: ByName
    pages: frozenset[str]
    below: str = ""
    redirects: ByName | None = None
    headers: ByName | None = None
    packages: ByName | None = None
    items: tuple[FeedItem, ...] | None = None


@frozen
class Running:
    """What runs. `fetch` gives a file as it is served, and raises Problem where that is not what `side` says.

    `missing`: why not all is known, "" where it is.
    """

    release: Release
    side: Side
    fetch: Callable[[str], bytes]
    missing: str = ""


def built(product: Product, made_from: SiteSource, lock: Path | None, architecture: Architecture) -> Side:
    """All that was built. Raises Problem (exit 4, 5) as a bake does."""
    tree, settings, document = product.tree, made_from.site.settings.image, made_from.site.document
    policy = recipe.content_policy(tree, settings, sitefile.image_name(made_from.site.settings), document)
    packages = locks.load(lock).of(architecture) if lock else None
    return Side(
        files={entry.path: entry.sha256 for entry in tree.served},
        pages=frozenset(entry.path for entry in tree.served if entry.media_type == PAGE),
        below=tree.below,
        redirects={rule.path: f"{rule.to} {rule.status}".strip() for rule in redirects.read(tree, settings, document)},
        headers=serving.headers(settings.headers, policy.pages),
        packages=None if packages is None else {one.name: one.version for one in packages},
        items=feeds.items(tree),
    )


@contextmanager
def running(
    there: OpenTarget, site: SiteFile, release: Release, new: OutputTree, console: Console, *, allow_command: bool
) -> Iterator[Running]:
    """What a release shows that the target has. `site`: the blog's own, with its repository; `new`: what would
    come, for its paths where no others are known.

    Raises Problem (exit 8) where it does not run.
    """
    endpoint = endpoint_of(there.engine, release.site.id, port_of(release.site))
    if endpoint is None:
        raise ReleaseProblem(
            f"generation {release.generation} does not run, so there is nothing to compare with",
            hint="publish start brings it back",
        )
    with there.host.reach(endpoint) as reached:
        try:
            told = _sealed(release, reached, there)
            side = _rebuilt(told, there, site, console, allow_command=allow_command)
            missing = ""
        except Problem as problem:
            side = _as_served(reached, new, console)
            missing = (
                f"what runs is not known by its seal: {problem.message}. Its pages were fetched and believed; "
                "pages that would go, redirects, headers and packages can't be told"
            )

        def fetch(path: str) -> bytes:
            return _fetched(reached, path, side.below, side.files[path])

        yield Running(release, side, fetch, missing)


def _sealed(release: Release, endpoint: Endpoint, there: OpenTarget) -> Statement:
    told = live.said(endpoint, there.host.title)
    if (sealed := release.told(labels.SEAL)) and told.digest != sealed:
        raise SealProblem(f"{there.host.title} serves another seal than it was published with")
    return told


def _rebuilt(told: Statement, there: OpenTarget, site: SiteFile, console: Console, *, allow_command: bool) -> Side:
    with (
        scratch.folder("publish") as folder,
        live.source_of(site, told.held_by, there.host.title) as made_from,
    ):
        product = pipeline.produce(
            made_from, folder, Console(console.out, console.err, quiet=True), dirty=False, allow_command=allow_command
        )
        if product.tree.digest != told.tree:
            its = told.tools.get("sealpress", VERSION)
            by = f"; it was published by sealpress {its}, and this is {VERSION}" if its != VERSION else ""
            raise SealProblem(f"its commit {told.held_by[:12]} makes another tree here{by}")
        lock = made_from.site.root / LOCK_NAME
        is_sealed = False
        with suppress(Problem):
            is_sealed = locks.load(lock).digest == told.lock
        return built(product, made_from, lock if is_sealed else None, there.engine.architecture())


def _as_served(endpoint: Endpoint, new: OutputTree, console: Console) -> Side:
    """The pages that are asked for, as far as they are there."""
    pages = [entry.path for entry in new.served if entry.media_type == PAGE]
    found: dict[str, str] = {}
    with console.track("Fetching pages", len(pages)) as advance, ThreadPoolExecutor(CONNECTIONS) as pool:
        for path, body in zip(pages, pool.map(lambda one: _got(endpoint, one, new.below), pages), strict=True):
            if body is not None:
                found[path] = hashlib.sha256(body).hexdigest()
            advance(1)
    return Side(found, frozenset(found), new.below)


def _got(endpoint: Endpoint, path: str, below: str) -> bytes | None:
    """None where there is no such file. Raises Problem (exit 8) where nothing answers."""
    answer = probe.fetch(endpoint, url_path(path, below), seconds=_SECONDS)
    return answer.body if answer.status == (404 if path == "404.html" else 200) and answer.whole else None


def _fetched(endpoint: Endpoint, path: str, below: str, sha256: str) -> bytes:
    body = _got(endpoint, path, below)
    if body is None:
        raise ReleaseProblem("the host does not serve it")
    if hashlib.sha256(body).hexdigest() != sha256:
        raise SealProblem("the host serves other bytes than its release holds")
    return body
