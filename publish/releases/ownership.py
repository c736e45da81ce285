"""A line of releases: one site at one target. What of all that a host holds belongs to it, and how that is called.

A host tells by labels: the site's name and URL, the target, the readers' address and port; with the embedded runner the
clone's folder, too. Two sites may share a name, as two blogs called "notes" do, and even a URL that some template has.
So a release for other readers, or of another URL, is the line's only where the repository knows its commit.
A release of before, whose labels name no target, is that target's whose readers it was made for.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from publish.engines.protocol import Container, Endpoint, Role
from sealpress import labels
from sealpress.frozen import frozen

_DIGITS: Final = 16  # of a release in an image's name, as imagebake has it
_SEAL_DIGITS: Final = 8


@frozen
class ReleaseLine:
    """`site` is its name in labels and images, `readers` where they reach it on the host.

    `hosts`: by which names, through an edge that has their port ("*": by all that no other site has); () without one.
    `tls`: where the certificates for them come from, as the label has it; "" without TLS.
    `folder` is that of the site's clone, "" where all clones publish the same line. `knows`: whether a commit is one of
    the site's repository.
    """

    site: str
    target: str
    readers: Endpoint
    url: str = ""
    folder: str = ""
    hosts: tuple[str, ...] = ()
    tls: str = ""
    knows: Callable[[str], bool] = lambda _commit: False

    @property
    def key(self) -> str:
        """Names the line among those of its site. Neither a target nor digits have a dot, so no two share one."""
        return f"{self.target}.{hashlib.sha256(self.folder.encode()).hexdigest()[:8]}" if self.folder else self.target

    @property
    def name(self) -> str:
        """Names the line on a host: "blog-example-org.production"."""
        return f"{self.site}.{self.key}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells the line of a container."""
        readers = f"{self.readers.address}:{self.readers.port}"
        told = {labels.SITE: self.site, labels.TARGET: self.target, labels.URL: self.url, labels.READERS: readers}
        more = {labels.FOLDER: self.folder, labels.HOSTS: " ".join(self.hosts), labels.TLS: self.tls}
        return MappingProxyType(told | {name: text for name, text in more.items() if text})

    def container_name(self, generation: int, role: Role, which: str = "") -> str:
        """`which` of several containers of a generation, as in "comments-2"; "" for the site's first."""
        name = f"sealpress-{self.name}-{generation}" + (f"-{which}" if which else "")
        return name if role is Role.SERVER else f"{name}-{role}"

    def reference(self, image_labels: Mapping[str, str]) -> str:
        """The line's own name of an image: two lines can hold one image, and each lets it go by itself.

        Images of one release and different commits differ in their seals.
        """
        digits = image_labels.get(labels.RELEASE, "").removeprefix("sha256:")[:_DIGITS]
        seal = image_labels.get(labels.SEAL, "").removeprefix("sha256:")[:_SEAL_DIGITS]
        return self._image(f"{digits}-{seal}" if seal else digits)

    @property
    def arriving(self) -> str:
        """The name of an image that is not yet known to be whole."""
        return self._image("arriving")

    def owns(self, reference: str) -> bool:
        """Whether an image's name is one that this line gives. A user's own is not, nor is another line's."""
        return reference.rpartition(".")[0] == self._image("").removesuffix(".")

    def _image(self, last: str) -> str:
        return f"localhost/site/{self.site}:{self.key}.{last}"

    def holds(self, container: Container) -> bool:
        """Whether a container is one of this line's: see the module's first lines."""
        told = container.labels
        if told.get(labels.SITE) != self.site:
            return False
        is_for_readers = overlap(readers_of(container), self.readers)
        if labels.TARGET not in told:
            return is_for_readers
        if self.folder and told.get(labels.TARGET) == self.target and _is_gone(told.get(labels.FOLDER, "")):
            return is_for_readers  # that clone was moved or removed: who else could stop it?
        if not self.is_namesake(container):
            return False
        # Whoever gets TLS stays the same site.
        is_same_site = told.get(labels.URL, "").partition("://")[2] == self.url.partition("://")[2]
        if self.folder or (is_for_readers and is_same_site):
            return True
        return self.knows(told.get(labels.COMMIT, ""))

    def is_namesake(self, container: Container) -> bool:
        """Whether names of its container could meet those of this line."""
        told = container.labels
        here = (self.site, self.target, self.folder)
        return here == (told.get(labels.SITE), told.get(labels.TARGET), told.get(labels.FOLDER, ""))


def _is_gone(folder: str) -> bool:
    """A folder that can't be looked at may be there."""
    try:
        Path(folder).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return bool(folder)
    except OSError:
        return False
    return False


def readers_of(container: Container) -> Endpoint | None:
    """What a container was created for; None where its labels don't tell."""
    address, _, port = container.labels.get(labels.READERS, "").partition(" ")[0].rpartition(":")
    return Endpoint(address, int(port)) if port.isascii() and port.isdigit() and len(port) <= 5 else None


def overlap(one: Endpoint | None, other: Endpoint | None) -> bool:
    """Whether two can't be had at once: one port, and an address that both have. "" has all of both families."""
    if one is None or other is None or one.port != other.port:
        return False
    try:
        pair = [ipaddress.ip_address(address) for address in (one.address, other.address) if address]
    except ValueError:
        return one.address == other.address
    if len(pair) < 2:
        return True
    first, second = pair
    return first.version == second.version and (first.is_unspecified or second.is_unspecified or first == second)
