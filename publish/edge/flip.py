"""The flip through an edge: new servers stand beside the old ones, then all readers are led to them at once.

No request is lost: the old servers answer until the edge has taken its new configuration, and those that are answering
then are let finish. A site that had the port itself until now gives it up in this flip, as one does that leaves its
edge: then readers wait for a moment, as in publish.deploy.flip.Replace.

The servers of before run on for a while, without readers: pages that were read before the flip ask for style sheets and
scripts that the new release may not have. The first publish or prune after that time ends them.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from publish.deploy.flip import STOP_SECONDS, ReaderCheck, Replace
from publish.edge import certificates, configuration
from publish.edge.certificates import CertificateSource
from publish.edge.configuration import SiteBehindEdge
from publish.edge.container import SECURE, line_of
from publish.edge.edge import Edge, behind_edge
from publish.engines.protocol import Container, ContainerEngine, ContainerSpec, Endpoint, LoadedImage, RunState
from publish.probing import probe
from publish.releases import history
from publish.releases.ownership import overlap, readers_of
from publish.releases.release import generation_of, generations, is_server, port_of, published_at
from sealpress import labels
from sealpress.frozen import frozen
from sealpress.problems import ReleaseProblem


@frozen
class ThroughEdge:
    """publish.deploy.flip.Flip. `behind` None: the site has its port itself from now on. `trust`: whom readers have to
    trust, in PEM; "": whom their machine trusts. `grace`: for how many seconds after a flip the servers of before run
    on. `now`: the seconds since 1970.
    """

    edge: Edge
    line: str
    behind: SiteBehindEdge | None
    drain: int = 30
    timeout: int = 60
    grace: int = 0
    fetch: probe.Fetch = probe.fetch
    trust: str = ""
    now: Callable[[], float] = time.time

    def prepare(self) -> None:
        if self.behind is not None:
            self.edge.prepare(is_secure=self.behind.tls is not None)

    def is_stale(self) -> bool:
        return self.behind is not None and self.edge.is_stale(is_secure=self.behind.tls is not None)

    def gap(self, old: tuple[Container, ...]) -> str:
        port = self.edge.readers.port
        if self.behind is None:
            is_behind = any(labels.HOSTS in one.labels for one in old if overlap(readers_of(one), self.edge.readers))
            return f"the site leaves the edge: for about a second nothing answers at port {port}" if is_behind else ""
        if any(overlap(edge.readers, self.edge.readers) for edge in self._left(old)):
            return f"the edge gets another address: for about a second nothing answers at port {port}"
        if any(labels.HOSTS not in one.labels for one in old if overlap(readers_of(one), self.edge.readers)):
            return f"the site comes behind an edge: for about a second nothing answers at port {port}"
        return f"the edge is made anew: for about a second nothing answers at port {port}" if self.is_stale() else ""

    def forward(
        self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[ContainerSpec, ...]
    ) -> tuple[Container, ...]:
        servers = tuple(map(engine.create, new))

        def let_go() -> None:
            for one in old:
                if labels.HOSTS not in one.labels:  # it has the port
                    engine.stop(one.id, STOP_SECONDS)
            self._leave(tuple(one for one in old if overlap(readers_of(one), self.edge.readers)))

        if self.behind is None:
            self.edge.tell(self.line, None)
            let_go()
            for one in servers:
                engine.start(one.id)
            return servers
        for one in servers:
            engine.start(one.id)
        if self.edge.stands():
            self._await(servers)
        self.edge.tell(self.line, self._route(servers), is_renewed=True, let_go=let_go)
        return servers

    def back(self, engine: ContainerEngine, old: tuple[Container, ...], new: tuple[Container, ...]) -> None:
        if not any(labels.HOSTS in one.labels for one in old):
            self.edge.tell(self.line, None)
            Replace().back(engine, old, new)
            return
        if self.behind is None:
            Replace().back(engine, (), new)  # it may have the port
        Replace().back(engine, old, ())
        for edge in self._left(old):
            self.edge.tell(self.line, None)
            edge.tell(self.line, self._route(old))
            break
        else:
            self.edge.tell(self.line, self._route(old))
        Replace().back(engine, (), new)

    def served(self, running: tuple[Container, ...]) -> tuple[Container, ...]:
        led: frozenset[str] = frozenset()
        for edge in (self.edge, *self._left(running)):
            if edge.stands() and not any(one.id[: configuration.ID_DIGITS] in led for one in running):
                led = configuration.replicas_of(edge.routes().get(self.line))
        return tuple(
            one for one in running if labels.HOSTS not in one.labels or one.id[: configuration.ID_DIGITS] in led
        )

    def _left(self, servers: tuple[Container, ...]) -> tuple[Edge, ...]:
        """The edges that these are behind and the release will not be: site.toml had another port or address."""
        each = dict.fromkeys(readers_of(one) for one in servers if labels.HOSTS in one.labels)
        return tuple(
            replace(self.edge, readers=at, ship=partial(self._bring, at))
            for at in each
            if at and at != self.edge.readers
        )

    def _bring(self, readers: Endpoint) -> LoadedImage:
        image = self.edge.ship()
        self.edge.engine.tag(image.id, line_of(readers).reference(image.labels))
        return image

    def _leave(self, servers: tuple[Container, ...]) -> None:
        for edge in self._left(servers):
            if edge.container():
                edge.tell(self.line, None)

    def wrong_for_readers(self, check: ReaderCheck, before: tuple[Container, ...], *, is_last: bool) -> str | None:
        """Over TLS, where the site has that: but a site for which no CA has given a certificate yet is had by http, and
        comes to TLS by itself as soon as one does. One that had a certificate before shall not lose it.
        """
        if self.behind is None:
            return None
        first = self.behind.hosts[0]
        plain = replace(self.edge.readers.local, name="" if first == configuration.ALL_HOSTS else first)
        if self.behind.tls is None:
            return check(plain)
        wrong = check(replace(plain, port=SECURE, is_secure=True, roots=self._roots(self.behind.tls)))
        if wrong is None and not is_last:
            return self._missing(self.behind.tls, self.behind.hosts[1:])
        if wrong is None or self.behind.tls.kind != "acme" or self._had_certificate(before):
            return wrong
        if not is_last and not self.edge.refusals((first,)):
            return wrong
        return wrong if check(plain) else None

    def _missing(self, tls: CertificateSource, hosts: tuple[str, ...]) -> str | None:
        """For which of the other names a certificate may come still."""
        waiting = [host for host in hosts if not self.edge.holds(tls, host)]
        said = self.edge.refusals(waiting) if waiting else {}
        return next((f"{host} has no certificate yet" for host in waiting if host not in said), None)

    def _roots(self, tls: CertificateSource) -> str:
        return self.edge.root() if tls.kind == "internal" else self.trust

    def _had_certificate(self, before: tuple[Container, ...]) -> bool:
        told = {certificates.of_label(one.labels.get(labels.TLS, "")) for one in before}
        hosts = {host for one in before for host in one.labels.get(labels.HOSTS, "").split()}
        return any(one is not None and self.edge.holds(one, host) for one in told for host in hosts)

    def retire(self, engine: ContainerEngine, old: tuple[Container, ...]) -> None:
        """Those of the release of before stay while their time lasts, as do any that readers get after all."""
        route = self.edge.routes().get(self.line)
        led, kept = configuration.replicas_of(route), configuration.previous_of(route)
        served = tuple(one for one in engine.containers() if one.id[: configuration.ID_DIGITS] in led)
        if kept and served and self._is_over(served[0]):
            self.edge.tell(self.line, self._route(served, with_previous=False))
            kept = frozenset()
        self._leave(old)
        for one in old:
            if one.id[: configuration.ID_DIGITS] not in led | kept:
                engine.stop(one.id, self.drain)
        self.edge.tidy()

    def _is_over(self, served: Container) -> bool:
        began = published_at(served)
        return began is None or self.now() >= began + self.grace

    def start(self, servers: tuple[Container, ...]) -> None:
        """Leads readers to servers that were started again. Raises Problem as `forward`."""
        if any(labels.HOSTS in one.labels for one in servers):
            edge = next(iter(self._left(servers)), self.edge)
            edge.tell(self.line, self._route(servers))

    def stop(self, servers: tuple[Container, ...] = ()) -> None:
        """Leads readers nowhere, before the servers are stopped."""
        self.edge.tell(self.line, None)
        self._leave(servers)

    def _await(self, servers: tuple[Container, ...]) -> None:
        def check_once() -> str | None:
            return history.wrong_with(self.edge.host, servers, self.fetch)

        if wrong := probe.wait(check_once, self.timeout, self.edge.clock):
            raise ReleaseProblem(f"the new release did not become healthy behind the edge: {wrong}")

    def _route(self, servers: tuple[Container, ...], *, with_previous: bool = True) -> dict[str, object]:
        """Of servers as they were made: their labels tell by which names readers reach them."""
        told = behind_edge(servers[0])
        if self.behind:
            told = replace(told, interval=self.behind.interval, failures=self.behind.failures)
        before = self._before(servers[0]) if with_previous and self.grace else ()
        previous = [configuration.upstream(one.id, port_of(one)) for one in before]
        return configuration.route(told, [one.id for one in servers], previous)

    def _before(self, server: Container) -> tuple[Container, ...]:
        """The servers behind the edge of the release before this server's, where they run."""
        own = [server.labels.get(name, "") for name in _LINE]
        running = [
            one
            for one in self.edge.engine.containers(own[0])
            if is_server(one) and one.state is RunState.RUNNING and labels.HOSTS in one.labels
            if [one.labels.get(name, "") for name in _LINE] == own and generation_of(one) < generation_of(server)
            if readers_of(one) == readers_of(server)  # and so on the edge's network
        ]
        return next(iter(generations(running).values()), ())


_LINE: Final = (labels.SITE, labels.TARGET, labels.FOLDER)
