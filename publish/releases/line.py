"""A line of releases: one site at one target. What of all that a host holds belongs to it, and how that is called.

A host tells by labels: the site's name and URL, the target, the readers' address and port; with the embedded runner the
clone's folder, too. Two sites may share a name, as two blogs called "notes" do, and even a URL that some template has.
So a release for other readers, or of another URL, is the line's only where the repository knows its commit.
A release of before, whose labels name no target, is that target's whose readers it was made for.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from publish.engines.protocol import Container, Endpoint, Host, Role, RunState
from publish.probing import probe
from sealpress import labels
from sealpress.problems import Exit, Problem

_DIGITS: Final = 16  # of a release in an image's name, as imagebake has it
_SEAL_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """`site` is its name in labels and images, `readers` where they reach it on the host.

    `folder` is that of the site's clone, "" where all clones publish the same line. `knows`: whether a commit is one of
    the site's repository.
    """

    site: str
    target: str
    readers: Endpoint
    url: str = ""
    folder: str = ""
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
        return MappingProxyType(told | ({labels.FOLDER: self.folder} if self.folder else {}))

    def container_name(self, generation: int, role: Role) -> str:
        return f"sealpress-{self.name}-{generation}" + ("-candidate" if role is Role.CANDIDATE else "")

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


def check_free(line: Line, containers: Iterable[Container]) -> None:
    """Raises Problem (exit 7) where another line's server has the readers' port, with the way out.

    Told before anything is sent: the engine itself would tell in the gap.
    """
    for one in containers:
        is_server = one.labels.get(labels.ROLE) == Role.SERVER and one.state is RunState.RUNNING
        if is_server and overlap(readers_of(one), line.readers) and not line.holds(one):
            raise _taken(line, one)


def left_alone(line: Line, containers: Iterable[Container]) -> Iterator[str]:
    """A sentence for each server that runs on and may be what the user takes for this line's."""
    for one in containers:
        told = one.labels
        is_server = told.get(labels.ROLE) == Role.SERVER and one.state is RunState.RUNNING
        if not is_server or told.get(labels.SITE) != line.site or line.holds(one):
            continue
        readers = told.get(labels.READERS, "").partition(" ")[0]
        if line.is_namesake(one):
            yield f"{one.name} goes on at {readers}: its commit is not known here, so it may be another site's"
        elif labels.TARGET not in told:
            yield f"{one.name} goes on at {readers}: the next publish to a target with that port takes its place"


def check_silent(host: Host, line: Line, fetch: probe.Fetch) -> None:
    """Raises Problem (exit 7) where something answers on the readers' port already.

    To be asked where no server of the line has the port. What speaks no HTTP is told by the engine, in the flip.
    """
    for address in _LOOPBACKS.get(line.readers.address, (line.readers.address,)):
        with suppress(Problem), host.reach(Endpoint(address, line.readers.port)) as reached:
            fetch(reached, probe.RELEASE_PATH)
            break
    else:
        return
    raise Problem(
        f"port {line.readers.port} of {host.title} is taken: something answers there that is no release of this target",
        hint=f"see `docker ps` and `ss -ltnp` there, or set another `port` for [publish.{line.target}] in site.toml",
        code=Exit.ENGINE,
    )


_LOOPBACKS: Final = MappingProxyType(
    {"": ("127.0.0.1", "::1"), "0.0.0.0": ("127.0.0.1",), "::": ("::1",)}  # noqa: S104 - asked, not bound
)


def _taken(line: Line, other: Container) -> Problem:
    told = other.labels
    target, folder, url = (told.get(label, "") for label in (labels.TARGET, labels.FOLDER, labels.URL))
    generation = told.get(labels.GENERATION, "?")
    free = f"set another `port` or `address` for [publish.{line.target}] in site.toml"
    if told.get(labels.SITE) != line.site:
        whose = f"the site {told.get(labels.SITE, '')}" + (f", target {target}" if target else "")
        hint = f"{free}; or stop that one: {other.name}"
    elif target != line.target:
        whose = f'this site\'s target "{target}", generation {generation}'
        hint = (
            f'{free}; if "{target}" is what this target was called before, call it so again, then `publish stop '
            f"{target}`, then rename it"
        )
    elif folder != line.folder:
        whose = f"this site from {folder}, generation {generation}"
        hint = f"`publish stop {target}` in that folder; or {free}"
    else:
        whose = f'another site that is called "{line.site}", too ({url}), generation {generation}'
        hint = (
            f"give this one a name of its own, [image] name, and {free}; if it is this site, which has moved, publish "
            f"from a clone with its whole history, or stop it on the host: {other.name}"
        )
    return Problem(f"port {line.readers.port} is taken by {whose}", hint=hint, code=Exit.ENGINE)
