"""Deployments of one site to one host, put together from what a test has to say."""

from dataclasses import fields, replace

from publish.deploy import ship as shipping
from publish.deploy.deployment import Deployment
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Endpoint, LoadedImage
from publish.releases.ownership import ReleaseLine
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage, ServiceSpec
from sealpress import labels
from sealpress.frozen import frozen


def deployment(host, line, release, ship, commit="", **changes) -> Deployment:
    """`changes`: fields of Deployment, of ReleaseSpec, of the site's ServiceSpec and ServiceImage."""
    services = (ServiceSpec(readers=(line.readers,)),)
    wanted = ReleaseSpec(services, {SITE_SERVICE: ServiceImage(release, ship)}, commit)
    return changed(Deployment(host, line, wanted), **changes)


def changed(made: Deployment, **changes) -> Deployment:
    """With these fields; a new line brings its readers along."""
    if "line" in changes and "readers" not in changes:
        changes["readers"] = (changes["line"].readers,)

    def taken(kind) -> dict[str, object]:
        return {one.name: changes.pop(one.name) for one in fields(kind) if one.name in changes}

    release = made.release
    image = replace(release.images[SITE_SERVICE], **taken(ServiceImage))
    service = replace(release.services[0], **taken(ServiceSpec))
    of_host = taken(Deployment)
    release = replace(release, services=(service,), images={SITE_SERVICE: image}, **taken(ReleaseSpec))
    assert not changes
    return replace(made, release=release, **of_host)


def switch(made: Deployment) -> Outcome:
    (outcome,) = deploy([made])
    return outcome


@frozen
class PlainLine(ReleaseLine):
    """A site with one target, where an image has the name that it gives itself."""

    own: str = ""

    @property
    def key(self) -> str:
        return ""

    @property
    def name(self) -> str:
        return self.site

    @property
    def arriving(self) -> str:
        return f"localhost/site/{self.site}:arriving"

    def reference(self, image_labels) -> str:
        del image_labels
        return self.own


def ship(engine, image, progress, host=None) -> LoadedImage:
    """Ships an image under its own name."""
    line = PlainLine(image.labels[labels.SITE], "production", Endpoint("", 80), own=image.reference)
    return shipping.ship(engine, image, progress, line, host)
