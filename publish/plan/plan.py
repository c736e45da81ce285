"""What a publish would change: what runs on the target and what would come, side by side. Nothing is changed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

from imagebake.image.comparison import Setting
from imagebake.nginx import redirects
from publish.deploy.ship import weight
from publish.edge import image as edge_image
from publish.engines.protocol import Container, RunState
from publish.plan import sides, words
from publish.plan.sides import ByName, Running, Side
from publish.plan.words import Piece
from publish.probing.answers import url_path
from publish.publishing import ledger, pipeline
from publish.publishing.feeds import FeedItem
from publish.publishing.ledger import Ledger, Lost
from publish.publishing.pipeline import Product, SiteSource
from publish.publishing.publication import Wishes
from publish.releases import history
from publish.releases.release import Release
from publish.target import fleet
from publish.target.fleet import Fleet
from sealpress.commands.console import SILENT, Console
from sealpress.config.settings import LOCK_NAME, PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem

COMPARED: Final = 50
"""Pages whose words are compared, unless all are wanted."""


@frozen
class FileChange:
    """A file that readers would get otherwise. `words`: of a page, how its text changes; None where that isn't known,
    and `why` says so.
    """

    url: str
    kind: Literal["added", "changed", "removed"]
    is_page: bool
    words: tuple[Piece, ...] | None = None
    why: str = ""


@frozen
class Plan:
    """What a publish would do. `runs` is None where nothing is published yet; what else is None can't be known.

    `lost` stops the publish. `bytes` would be sent, before any compression. `missing` tells why not all is known, and
    `gaps` where nothing answers for a moment, one sentence each. `edges`: what would own the readers' port.
    """

    target: str
    host: str
    runs: Release | None
    commit: str
    files: tuple[FileChange, ...]
    items: tuple[FeedItem, ...]
    redirects: tuple[Setting, ...] | None
    headers: tuple[Setting, ...] | None
    packages: tuple[Setting, ...] | None
    bytes: int | None
    missing: tuple[str, ...]
    lost: tuple[Lost, ...]
    gaps: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()

    def changes(self, kind: str, *, is_page: bool) -> tuple[FileChange, ...]:
        return tuple(one for one in self.files if one.kind == kind and one.is_page is is_page)


def make(
    site: SiteFile, made_from: SiteSource, name: str, settings: PublishTarget, wishes: Wishes, console: Console
) -> Plan:
    """The plan of one publish of `made_from` to the target `name`; `site` is the blog's own, with its repository.

    Raises Problem or Problems as that publish would before it sends anything.
    """
    with scratch.folder("publish") as folder, ExitStack() as stack:
        if wishes.locked:
            pipeline.lock_file(made_from, wishes.lock, made_from.home, console, locked=True)
        product = pipeline.produce(
            made_from, folder, console, dirty=not made_from.is_checkout, allow_command=wishes.allow_command
        )
        hosts = stack.enter_context(fleet.opened(made_from.site, name, settings, console, made_from.home))
        if wishes.locked and any(one.line.hosts for one in hosts):
            edge_image.check_locked(made_from.site)
        there = hosts[0]
        lock = _lock(made_from, wishes.lock)
        architecture = there.engine.architecture()
        missing: list[str] = []
        travels = None
        if lock:
            images = {
                one: pipeline.bake(product, made_from, lock, one, console)
                for one in sorted({each.engine.architecture() for each in hosts})
            }
            travels = sum(
                fleet.at_once(
                    hosts, lambda one: weight(one.engine, images[one.engine.architecture()], one.line, one.host)
                )
            )
        else:
            missing.append(f"there is no {LOCK_NAME} yet: publish writes it, and only then it is known what is sent")
        document = made_from.site.document
        after = sides.built(product, made_from, lock, architecture)
        found, *others = fleet.at_once(hosts, lambda one: history.read(one.engine, one.line))
        missing += _others(hosts, found, others)
        running = None
        if found:
            runs = next((one for one in found if one.runs), found[0])
            running = stack.enter_context(
                sides.running(there, site, runs, product.tree, console, allow_command=wishes.allow_command)
            )
            missing += [running.missing] if running.missing else []
        before = running.side if running else Side({}, frozenset(), after.below, {}, {}, {}, ())
        silent = (
            host.flip(SILENT).gap(_running(releases)) for host, releases in zip(hosts, (found, *others), strict=True)
        )
        return Plan(
            gaps=tuple(dict.fromkeys(filter(None, silent))),
            edges=tuple(dict.fromkeys(fleet.called(hosts, one) + one.edge for one in hosts)),
            target=there.name,
            host=", ".join(one.host.title for one in hosts),
            runs=running.release if running else None,
            commit=product.commit,
            files=tuple(_files(running, after, product, whole=console.whole)),
            items=_new_items(before, after),
            redirects=_table(before.redirects, after.redirects),
            headers=_table(before.headers, after.headers),
            packages=_table(before.packages, after.packages),
            bytes=travels,
            missing=tuple(missing),
            lost=ledger.lost(
                Ledger.of_all(fleet.at_once(hosts, ledger.read)).with_committed(ledger.committed(made_from.site)),
                ledger.served(product.tree, redirects.read(product.tree, made_from.site.settings.image, document)),
            ),
        )


def _others(hosts: Fleet, first: tuple[Release, ...], others: Sequence[tuple[Release, ...]]) -> Iterator[str]:
    """Which hosts run something else than the first, with which the plan compares."""
    for one, found in zip(hosts[1:], others, strict=True):
        ours, theirs = (next((each.commit for each in told if each.runs), "") for told in (first, found))
        if ours != theirs:
            yield f"{one.host.title} runs another commit than {hosts[0].host.title}, with which this compares"


def _running(releases: Sequence[Release]) -> tuple[Container, ...]:
    """The servers that readers have."""
    servers = (one for release in releases[:1] for one in release.containers)
    return tuple(one for one in servers if one.state is RunState.RUNNING)


def _lock(made_from: SiteSource, given: Path | None) -> Path | None:
    """The lock that a publish would take; None where it would have to write one."""
    if given:
        return given
    beside = (folder / LOCK_NAME for folder in (made_from.site.root, made_from.home))
    return next((file for file in beside if os.path.lexists(file)), None)


def _files(running: Running | None, after: Side, product: Product, *, whole: bool) -> Iterator[FileChange]:
    """Pages first, then all else; each by its address."""
    before = running.side if running else Side({}, frozenset(), after.below)
    pages = before.pages | after.pages
    # Fetched and not sealed: what else the host has is not known.
    known = after.files if running is None or not running.missing else {path: after.files[path] for path in after.pages}
    compared = 0
    for path in sorted({*before.files, *known}, key=lambda path: (path not in pages, path.encode())):
        is_page = path in pages
        url = _url(path, after.below if path in known else before.below)
        if path not in before.files:
            yield FileChange(url, "added", is_page)
        elif path not in known:
            yield FileChange(url, "removed", is_page)
        elif before.files[path] != known[path]:
            if not (is_page and running):
                yield FileChange(url, "changed", is_page)
                continue
            compared += 1
            if compared > COMPARED and not whole:
                yield FileChange(url, "changed", is_page, why="--all compares its words, too")
            else:
                yield _compared(url, path, running, product)


def _compared(url: str, path: str, running: Running, product: Product) -> FileChange:
    try:
        old = running.fetch(path)
    except Problem as problem:
        return FileChange(url, "changed", is_page=True, why=f"its old text can't be had: {problem.message}")
    entry = next(one for one in product.tree.entries if one.path == path)
    text = words.difference(words.blocks(old), words.blocks(product.tree.read(entry)))
    return FileChange(url, "changed", is_page=True, words=text, why="" if text else "not a word of its text")


def _url(path: str, below: str) -> str:
    return f"/{below}404.html" if path == "404.html" else url_path(path, below)


def _new_items(before: Side, after: Side) -> tuple[FeedItem, ...]:
    """Those whose id no feed has yet."""
    if before.items is None or after.items is None:
        return ()
    known = {item.id for item in before.items}
    return tuple({item.id: item for item in after.items if item.id not in known}.values())


def _table(before: ByName | None, after: ByName | None) -> tuple[Setting, ...] | None:
    if before is None or after is None:
        return None
    names = sorted({*before, *after})
    return tuple(Setting(one, before.get(one), after.get(one)) for one in names if before.get(one) != after.get(one))
