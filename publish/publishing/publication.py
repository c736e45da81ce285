"""One publish from end to end: a commit's site is built, baked, sealed, sent and switched to, and told."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path

from imagebake.nginx import redirects
from imagebake.recipes.recipe import Image
from imagebake.seal.signing import key_for
from publish.deploy.ship import ship
from publish.edge import image as edge_image
from publish.publishing import ledger, pipeline, report, seal_store, sharing
from publish.publishing.ledger import Ledger
from publish.publishing.pipeline import Product, SiteSource
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage
from publish.target import audit, fleet, targets
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import Console
from sealpress.config.settings import PublishTarget
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem, raise_all


@frozen
class Wishes:
    """What a person asked for besides the target: options of `publish`, as its help tells them."""

    lock: Path | None = None
    locked: bool = False
    allow_command: bool = False
    key: str | None = None
    sign: bool = True
    allow_lost_urls: bool = False
    renews_edge: bool = True  # makes the edge anew where the commit has another lock for it
    command: str = "publish"  # as the audit log calls it
    facts: Mapping[str, object] = field(default_factory=dict)  # for the result


def publish_site(made_from: SiteSource, name: str, settings: PublishTarget, wishes: Wishes, console: Console) -> None:
    """Puts the site on the target `name`, and tells what runs there then. Raises Problem or Problems, of any stage."""
    home, site = made_from.home, made_from.site
    keeping = made_from.is_checkout
    with ExitStack() as stack:
        folder = made_from.kept or stack.enter_context(scratch.folder("publish"))
        # A site that can't be published is told before a host is asked, and perhaps a person for a key's passphrase.
        targets.files_of(site, name, settings, home)
        if wishes.locked:
            pipeline.lock_file(made_from, wishes.lock, home, console, locked=True)
            if settings.edge == "caddy":
                edge_image.check_locked(made_from.site)
        ways = stack.enter_context(fleet.begun(settings))
        product = pipeline.produce(
            made_from, folder, console, dirty=not keeping, allow_command=wishes.allow_command, lasting=keeping
        )
        lock = pipeline.lock_file(made_from, wishes.lock, home, console, locked=wishes.locked)
        image = pipeline.bake(product, made_from, lock, None, console)
        hosts = stack.enter_context(fleet.opened(site, name, settings, console, home, ways))
        if wishes.locked and any(there.line.hosts for there in hosts):
            edge_image.check_locked(made_from.site)
        images = {image.architecture: image}
        for there in hosts:
            if (architecture := there.engine.architecture()) not in images:
                images[architecture] = pipeline.bake(product, made_from, lock, architecture, console)
        serves = ledger.served(product.tree, redirects.read(product.tree, site.settings.image, site.document))
        known = fleet.at_once(hosts, ledger.read)
        lost = ledger.lost(Ledger.of_all(known).with_committed(ledger.committed(site)), serves)
        if lost and not wishes.allow_lost_urls:
            raise_all([one.problem() for one in lost])
        # Signed and kept before anything is sent: nothing goes live that has no seal.
        key = key_for(wishes.key, home) if wishes.sign else None
        wanted = {there.engine.architecture() for there in hosts}
        sealed = {
            architecture: seal_store.keep(seal_store.seal(image, product, made_from, lock, key), image, home)
            for architecture, image in images.items()
            if architecture in wanted
        }
        releases = [_release(there, images[there.engine.architecture()], product, made_from) for there in hosts]
        with audit.logged(hosts, wishes.command, console) as came:
            outcomes = report.put_out(hosts, releases, console, renews_edge=wishes.renews_edge)
            came.extend(map(report.done, outcomes))
        sharing.clear_if_due(hosts, console)
        try:
            for there, held in zip(hosts, known, strict=True):
                ledger.keep(there, held, serves, lost)
        except Problem as problem:  # the release is out; the next publish tells the ledger of it
            console.note(f"warning: the URL ledger was not kept: {problem.message}")
        facts: list[dict[str, object]] = []
        for there in hosts:
            image, (kept, seal) = images[there.engine.architecture()], sealed[there.engine.architecture()]
            of_image: dict[str, object] = {
                "digest": image.digest,
                "bytes": image.size,
                "tree": product.tree.digest,
                "seal": str(kept),
                "keys": [fingerprint for fingerprint, _ in seal.signatures],
                "lost": [one.as_data() for one in lost],
            }
            facts.append({**of_image, **wishes.facts})
        report.tell(hosts, outcomes, facts, console)


def _release(there: OpenTarget, image: Image, product: Product, made_from: SiteSource) -> ReleaseSpec:
    """What shall come onto one host."""
    baked = ServiceImage(
        image.release,
        lambda engine, progress: ship(engine, image, progress, there.line, there.host),
        report.expectations(product),
    )
    return ReleaseSpec(
        (there.site_service(),),
        {SITE_SERVICE: baked},
        product.commit,
        image.labels.get(labels.SEAL, ""),
        subject=made_from.subject if product.commit else "",
    )
