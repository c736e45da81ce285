"""What can go wrong while a release is sent to each engine: the site runs on and answers, and the next one comes."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from publish.deploy.ship import ship
from publish.engines.protocol import Endpoint, Host
from publish.probing import probe
from publish.releases import history, prune, rollback
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.config.settings import PublishTarget
from sealpress.problems import Exit, Problem
from tests.engine.conftest import ENGINES, place_of
from tests.engine.machine import Machine
from tests.engine.perlsite import SealedImage, heavier, seal
from tests.publish.deployments import deployment, switch

LINE = ReleaseLine("blog", "production", Endpoint("0.0.0.0", 8080), "https://blog.example/")
NEXT = "the page of the next release"


@dataclass
class Site:
    """A site that runs on a host of one engine."""

    machine: Machine
    engine: str
    target: PublishTarget
    host: Host

    def publish(self, image: SealedImage, host: Host | None = None, timeout: int = 30) -> None:
        host = host or self.host

        def bring(engine, progress):
            return ship(engine, image, progress, LINE)

        switch(deployment(host, LINE, image.labels[labels.RELEASE], bring, timeout=timeout))

    def read(self) -> str:
        with open_host(self.target, SILENT) as host, host.reach(Endpoint("127.0.0.1", 8080)) as reached:
            return probe.fetch(reached, "/").body.decode()

    @contextmanager
    def asked(self) -> Iterator[set[str]]:
        """What a reader gets, again and again by a connection of its own, as long as the context lasts."""
        seen: set[str] = set()
        over = threading.Event()
        with open_host(self.target, SILENT) as host, host.reach(Endpoint("127.0.0.1", 8080)) as reached:

            def ask() -> None:
                while not over.is_set():
                    try:
                        seen.add(probe.fetch(reached, "/").body.decode())
                    except Problem as problem:
                        seen.add(problem.message)

            thread = threading.Thread(target=ask)
            thread.start()
            try:
                yield seen
            finally:
                over.set()
                thread.join()

    def generations(self) -> list[int]:
        return [one.generation for one in history.read(self.host.engine, LINE)]

    def run(self, *arguments: str) -> str:
        """The engine's own command line, on the machine itself."""
        if self.engine == "podman":
            return self.machine.run("podman", "--url", "unix:///run/podman/podman.sock", *arguments)
        return self.machine.run("docker", *arguments)


@pytest.fixture(params=ENGINES)
def site(request) -> Iterator[Site]:
    place = place_of(request, request.param)
    before = place.inventory()
    target = place.machine.target("root", engine="podman" if request.param == "podman" else "docker")
    with open_host(target, SILENT) as host:
        made = Site(place.machine, request.param, target, host)
        made.publish(seal({"index.html": "one"}))
        yield made
    with open_host(target, SILENT) as host:
        for container in host.engine.containers():
            host.engine.remove(container.id)
        prune.prune_images(host.engine, LINE)
        for image in host.engine.images("blog"):
            for reference in image.references:
                host.engine.remove_image(reference)
    assert place.inventory() == before


@dataclass(frozen=True)
class Cut(SealedImage):
    """Something is done once `share` of what is sent is on its way."""

    share: float = 0.0
    act: Callable[[], None] = lambda: None

    def archive(self, reference: str, omit: Collection[str] = ()) -> Iterator[bytes]:
        sent, until = 0, self.share * self.archive_size(reference, omit)
        for piece in super().archive(reference, omit):
            before, sent = sent, sent + len(piece)
            if before < until <= sent:
                self.act()
            yield piece


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_load_that_is_cut_anywhere_leaves_the_site_as_it_was_and_the_next_one_comes(site, share):
    image = heavier(seal({"index.html": "two"}), 24)
    before = site.host.engine.images("blog")
    cut = Cut(image.reference, image.sealed, image.labels, share=share, act=site.machine.cut_connections)
    with pytest.raises(Problem) as caught:
        site.publish(cut)
    assert caught.value.each[0].code is Exit.HOST
    assert site.read() == "one"
    with open_host(site.target, SILENT) as host:
        assert host.engine.images("blog") == before
        site.publish(image, host)
    assert site.read() == "two"


def half(pieces: Iterator[bytes]) -> Iterator[bytes]:
    whole = b"".join(pieces)
    yield whole[: len(whole) // 2]


def corrupt(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """In the page itself: what the host has already, it may not even look at."""
    whole = b"".join(pieces)
    assert whole.count(NEXT.encode()) == 1
    yield whole.replace(NEXT.encode(), NEXT.upper().encode())


@pytest.mark.parametrize("spoil", [half, corrupt, lambda _pieces: iter([])], ids=["half", "corrupt", "empty"])
def test_a_damaged_archive_leaves_the_site_as_it_was(site, spoil):
    """On Docker that is an error inside of HTTP 200; containerd's store takes some of it without a word."""
    before = site.host.engine.images("blog")
    with site.asked() as seen, pytest.raises(Problem) as caught:
        site.publish(replace(seal({"index.html": NEXT}), spoil=spoil))
    assert caught.value.code is Exit.ENGINE
    assert "\n" not in caught.value.message
    assert seen == {"one"}
    assert site.host.engine.images("blog") == before
    assert site.generations() == [1]
    site.publish(seal({"index.html": "two"}))
    assert site.read() == "two"


def test_an_archive_that_lacks_a_layer_that_the_host_has_not_is_sent_whole(site):
    """As if we had been wrong of what the host has: the first archive leaves out all layers, and can't be whole."""
    image = heavier(seal({"index.html": "two"}), 1)
    tries: list[int] = []

    class Lacking(SealedImage):
        def archive(self, reference, omit=()):
            tries.append(len(omit))
            lacks = [layer.diff_id for layer in self.layers] if len(tries) == 1 else omit
            return super().archive(reference, lacks)

    site.publish(Lacking(image.reference, image.sealed, image.labels))
    assert tries[1:] == [0]
    assert site.read() == "two"


def test_an_image_that_was_removed_by_hand_is_sent_again(site):
    image = site.host.engine.images("blog")[0]
    with site.asked() as seen:
        site.run(*(["untag"] if site.engine == "podman" else ["image", "rm", "--force"]), image.references[0])
    assert seen == {"one"}
    site.publish(seal({"index.html": "two"}))
    assert site.read() == "two"
    site.publish(seal({"index.html": "one"}))
    assert site.read() == "one"


def test_a_prune_of_all_that_does_not_run_takes_what_could_be_gone_back_to_and_nothing_else(site):
    site.publish(seal({"index.html": "two"}))
    with site.asked() as seen:
        site.run("system", "prune", "--all", "--force")
    assert seen == {"two"}
    assert site.generations() == [2]
    with pytest.raises(Problem, match="there is no release before generation 2 on the host") as caught:
        rollback.choose(history.read(site.host.engine, LINE), None, 3)
    assert "others were removed on the host" in (caught.value.hint or "")
    assert "git worktree add" in (caught.value.hint or "")
    # Its commit, published again, and from then on there is something to go back to.
    site.publish(seal({"index.html": "one"}))
    assert site.read() == "one"
    back = rollback.choose(history.read(site.host.engine, LINE), None, 3)
    made = deployment(
        site.host, LINE, back.release, rollback.ship_again(back, back.site.image, LINE), commit=back.commit, timeout=30
    )
    switch(made)
    assert site.read() == "two"
