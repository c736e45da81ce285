"""One publish from end to end: a commit's site is built, baked, sealed, sent and switched to, and told."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from imagebake.seal.signing import key_for
from publish import pipeline, report, seal_store, targets
from publish.deploy.ship import ship
from publish.pipeline import SiteSource
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage
from sealpress import labels
from sealpress.commands.console import Console
from sealpress.config.settings import PublishTarget
from sealpress.files import scratch


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for besides the target: options of `publish`, as its help tells them."""

    lock: Path | None = None
    locked: bool = False
    allow_command: bool = False
    check: bool = False
    key: str | None = None
    sign: bool = True


def publish_site(made_from: SiteSource, name: str, settings: PublishTarget, wishes: Wishes, console: Console) -> None:
    """Puts the site on the target `name`, and tells what runs there then. Raises Problem or Problems, of any stage."""
    home = made_from.home
    with scratch.folder("publish") as folder, ExitStack() as stack:
        # A site that can't be published is told before a host is asked, and perhaps a person for a key's passphrase.
        if wishes.locked:
            pipeline.lock_file(made_from, wishes.lock, home, console, locked=True)
        product = pipeline.produce(
            made_from, folder, console, dirty=not made_from.is_checkout, allow_command=wishes.allow_command
        )
        lock = pipeline.lock_file(made_from, wishes.lock, home, console, locked=wishes.locked)
        image = pipeline.bake(product, made_from, lock, None, console)
        there = stack.enter_context(targets.opened(made_from.site, name, settings, console, home))
        if (architecture := there.engine.architecture()) != image.architecture:
            image = pipeline.bake(product, made_from, lock, architecture, console)
        # Signed and kept before anything is sent: nothing goes live that has no seal.
        key = key_for(wishes.key, home) if wishes.sign else None
        kept, seal = seal_store.keep(seal_store.seal(image, product, made_from, lock, key), image, home)
        baked = ServiceImage(
            image.release,
            lambda engine, progress: ship(engine, image, progress, there.line),
            report.expectations(product),
        )
        release = ReleaseSpec(
            (there.site_service(),),
            {SITE_SERVICE: baked},
            product.commit,
            image.labels.get(labels.SEAL, ""),
            subject=made_from.subject if product.commit else "",
        )
        outcome = report.put_out(there, release, console)
        facts: dict[str, object] = {
            "digest": image.digest,
            "bytes": image.size,
            "tree": product.tree.digest,
            "seal": str(kept),
            "keys": [fingerprint for fingerprint, _ in seal.signatures],
        }
        report.tell(there, outcome, facts, console)
        if wishes.check:
            report.verify(there, outcome.site.id, product.tree, console)
