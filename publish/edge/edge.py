"""The edge as a container on the host: found by its labels, made where it is missing, told what it shall do.

One has one port, with its address: so a site that comes with another port, or goes, never touches what is behind this
one. What it does is read back from itself: Caddy keeps what it took last in its volume, and comes back with it after a
crash or a reboot. Where the container is gone, or its volume, the labels of the sites' containers tell.

Engines give a port to one container at a time. So where an edge has to be made anew, the new one is made and told all
that it shall do before the old one has to let go of the port, and takes its place only then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from imagebake.recipes.edge import CONFIGURATION, PROBE_PORT, RELOAD, SAVED, USER
from publish.edge import certificates, configuration
from publish.edge.certificates import CertificateSource
from publish.edge.configuration import Routes, SiteBehindEdge
from publish.edge.container import MIGRATE, SECURE, candidate, line_of, name_at, server
from publish.engines.protocol import Container, ContainerSpec, EdgeEngine, Endpoint, Host, LoadedImage, RunState
from publish.probing import probe
from publish.releases.ownership import ReleaseLine, readers_of
from publish.releases.prune import prune_images
from publish.releases.reach import edge_at, edges_at
from publish.releases.release import generation_of, generations, is_candidate, is_server, port_of
from sealpress import labels
from sealpress.commands.console import SILENT, Progress
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem, Exit, Problem

_LIMIT: Final = 4 << 20  # bytes of a configuration
_WAIT: Final = 30.0  # seconds to answer after its start
_TURN: Final = 15.0  # seconds for whoever changes it just now
_STOP_SECONDS: Final = 10
_SWAP_SECONDS: Final = 1  # the same where another one waits for its port: readers wait, too
_LOG_LINES: Final = 300
_SHOWN_LINES: Final = 5
_PEM_LIMIT: Final = 1 << 20


def behind_edge(server: Container) -> SiteBehindEdge:
    """How the site of a server is reached, as far as its labels tell."""
    told = server.labels
    line = ReleaseLine(told.get(labels.SITE, ""), told.get(labels.TARGET, ""), Endpoint("", 0))
    hosts = tuple(told.get(labels.HOSTS, "").split()) or (configuration.ALL_HOSTS,)
    tls = certificates.of_label(told.get(labels.TLS, ""))
    # Without a certificate yet, a name leads to the first one as it was asked itself.
    leads_to = (
        f"{{http.request.scheme}}://{hosts[0]}"
        if tls
        else origin(hosts[0], told.get(labels.URL, ""), readers_of(server))
    )
    return SiteBehindEdge(line.name, hosts, leads_to, port_of(server), tls=tls)


def origin(host: str, url: str, readers: Endpoint | None) -> str:
    """Where the canonical name leads: as the site's own URL has it, where that is of this name."""
    parts = urlsplit(url)
    if parts.hostname == host:
        return f"{parts.scheme}://{parts.netloc}"
    return f"http://{host}" + (f":{readers.port}" if readers and readers.port != 80 else "")


@frozen
class Edge:
    """The edge at `readers` of a host. `ship` brings its image, and is asked only where it has to be made. `dated`: the
    time of the lock that it is made of then, as labels.PUBLISHED has it, "" where there is no lock yet. `renews`:
    whether one that is of another lock may be made anew. `files` are put into its volume by their paths, before it is
    told anything that names them.
    """

    host: Host
    readers: Endpoint
    ship: Callable[[], LoadedImage]
    dated: Callable[[], str] = lambda: ""
    renews: bool = True
    progress: Progress = SILENT
    clock: probe.Clock = probe.SYSTEM_CLOCK
    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def engine(self) -> EdgeEngine:
        """Raises Problem (exit 7) where the host's has no networks."""
        if not isinstance(self.host.engine, EdgeEngine):
            raise EngineProblem(f'{self.host.engine.title} has no edge: edge = "none", or Docker or Podman')
        return self.host.engine

    @property
    def name(self) -> str:
        return name_at(self.readers)

    def container(self) -> Container | None:
        return edge_at(self.engine, self.readers)

    def stands(self) -> bool:
        """Whether it runs."""
        found = self.container()
        return found is not None and found.state is RunState.RUNNING

    def older(self) -> tuple[str, str] | None:
        """The times of the lock that it is made of, "" where that is not known, and of the one that it shall be made
        of; None where it is as it shall be.

        Of several sites that share it the newest lock counts, so that they don't renew it in turns; one alone may go
        back to an older one.
        """
        found, wanted = self.container(), self.dated()
        if found is None or not wanted:
            return None
        held = found.labels.get(labels.LOCK, "")
        return (held, wanted) if wanted > held or (wanted < held and len(self._lines()) < 2) else None

    def is_stale(self, *, is_secure: bool) -> bool:
        """Whether it stands, and has to be made anew: of another lock, or to have the port of TLS as well."""
        found = self.container()
        return found is not None and (self._is_due() or (is_secure and labels.TLS not in found.labels))

    def _is_due(self) -> bool:
        return self.renews and self.older() is not None

    def prepare(self, *, is_secure: bool = False) -> None:
        """Brings its image, where it has to be made; and looks, before the one that stands is touched, whether a
        container of that runs.

        Raises Problem (exit 7) where it doesn't, or where somebody else has the port of TLS.
        """
        found = self.container()
        if found and not self.is_stale(is_secure=is_secure):
            if self.renews and "" < self.dated() < found.labels.get(labels.LOCK, ""):
                self.progress.note(
                    f"the edge {found.name}, which has other sites as well, is of a newer lock, and stays"
                )
            return
        if is_secure and not (found and labels.TLS in found.labels):
            self._check_secure_port()
        self._try()

    def _check_secure_port(self) -> None:
        try:
            with self.host.reach(Endpoint(self.readers.address, SECURE)) as reached:
                probe.fetch(reached, "/")
        except Problem:  # what speaks no HTTP at all is told by the engine
            return
        hint = "see `docker ps` and `ss -ltnp` there; or leave `tls` out, behind a proxy that has the certificates"
        message = f"port {SECURE} of {self.host.title} is taken: something answers there that is not the edge"
        raise EngineProblem(message, hint=hint)

    def root(self) -> str:
        """The certificate, in PEM, of the edge's own CA; "" where it has none yet."""
        return (self._kept(certificates.INTERNAL_ROOT) or b"").decode("ascii", "replace")

    def holds(self, source: CertificateSource, host: str) -> bool:
        """Whether there is a certificate of that source for a name."""
        return source.kind == "own" or self._kept(certificates.path_of(source, host)) is not None

    def _kept(self, path: str) -> bytes | None:
        found = self.container()
        return self.engine.read(found.id, path, _PEM_LIMIT) if found else None

    def refusals(self, hosts: Iterable[str]) -> Mapping[str, str]:
        """What a CA said last to these names, since it was told its configuration."""
        found = self.container()
        return certificates.refusals(self.engine.logs(found.id, _LOG_LINES), hosts) if found else {}

    def routes(self) -> Routes:
        """What it was told last, and took; {} where there is none."""
        found = self.container()
        return self._routes(found) if found else {}

    def _routes(self, found: Container) -> Routes:
        for path in (SAVED, CONFIGURATION):
            if data := self.engine.read(found.id, path, _LIMIT):
                return configuration.routes_of(data)
        return {}

    def _by_labels(self) -> Routes:
        """What running containers tell, where the edge itself doesn't: of each line, the newest release that no publish
        is just about to put in front of readers.
        """
        behind = self._behind()
        found = {}
        for site, target in self._lines():
            line = ReleaseLine(site, target, self.readers)
            own = [one for one in behind if line.is_namesake(one)]
            coming = {generation_of(one) for one in own if is_candidate(one)}
            running = [one for one in own if is_server(one) and one.state is RunState.RUNNING]
            made_of = next((ones for number, ones in generations(running).items() if number not in coming), ())
            if made_of:
                found[line.name] = configuration.route(behind_edge(made_of[0]), [one.id for one in made_of])
        return found

    def tell(
        self,
        line: str,
        route: dict[str, Any] | None,
        *,
        is_renewed: bool = False,
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        """Leads a line's readers there, at once or not at all; None: there is no such site any longer, and nothing that
        was shared beside it.

        Makes the edge where it is missing, starts it where it doesn't run, and removes it with its last site.
        `is_renewed`: makes it anew, too, where that is due (`older`). `let_go`: what frees its port, done at the last
        moment before an edge is made that is missing, and before all else where there is one. Raises Problem (exit 7)
        where it can't be made, or refuses; then the one that stood has its port again.
        """
        with self._turn():
            found = self.container()
            for one in edges_at(self.engine, self.readers):  # what a publish that was killed left beside it
                if found is None or one.id != found.id:
                    self.engine.remove(one.id)
            held = (self._routes(found) if found else {}) or self._by_labels()
            wanted = {name: one for name, one in held.items() if name != line and (route or not _goes_with(name, line))}
            if route:
                wanted[line] = route
            if not wanted:
                self._remove(found)
            elif found is None:
                self._make(wanted, 1, let_go)
            elif (_is_secure(wanted) and labels.TLS not in found.labels) or (is_renewed and self._is_due()):
                let_go()
                self._make_anew(found, wanted)
            else:
                let_go()
                if found.state is not RunState.RUNNING or wanted != held:
                    self._change(found, wanted)

    def _make_anew(self, found: Container, wanted: Routes) -> None:
        """A new one in the place of the one that stands, which is kept until the new one answers."""
        try:
            self._make(wanted, generation_of(found) + 1, lambda: self.engine.stop(found.id, _SWAP_SECONDS))
        except BaseException:
            self.engine.start(found.id)
            self._await(found)
            raise
        with suppress(Problem):  # readers have the new one; what stays goes with the next publish
            self.engine.remove(found.id)
            prune_images(self.engine, line_of(self.readers))

    def _change(self, found: Container, wanted: Routes) -> None:
        wanted = self._tell(found, wanted)
        if found.state is not RunState.RUNNING:
            self.engine.start(found.id)
            self._await(found)
        code, said = self.engine.run(found.id, RELOAD)
        if code:
            message = f"the edge {found.name} refuses its configuration (code {code})"
            raise EngineProblem(message, said=said.splitlines()[-_SHOWN_LINES:])

    def _try(self) -> None:
        """Runs one for a moment that nobody reaches. Raises Problem (exit 7) where it does not answer."""
        image = self.ship()
        with self._turn():
            self._remove_candidates()
            try:
                self._begin(candidate(self.readers, image), {}, lambda: None)
            finally:
                self._remove_candidates()
                self.tidy()

    def _remove_candidates(self) -> None:
        for one in filter(is_candidate, edges_at(self.engine, self.readers)):
            self.engine.remove(one.id)

    def _make(self, wanted: Routes, generation: int, let_go: Callable[[], None]) -> None:
        image = self.ship()
        spec = server(self.readers, image, generation, self.dated(), is_secure=_is_secure(wanted))
        self._begin(spec, wanted, let_go)
        self.progress.note(f"the edge {spec.name} stands at port {self.readers.port}")

    def _begin(self, spec: ContainerSpec, wanted: Routes, let_go: Callable[[], None]) -> None:
        """Makes one and starts it; `let_go` is done in between, as late as can be."""
        try:
            self._create_and_start(spec, wanted, let_go)
        except Problem as problem:
            # As a sysctl's name, or as its path below /proc/sys.
            if not any(name.rpartition(".")[2] in problem.message for name in MIGRATE):
                raise
            self.progress.note("the host's Linux is older than 5.14: some requests may be lost when the edge changes")
            self._create_and_start(replace(spec, sysctls=MappingProxyType({})), wanted, let_go)

    def _create_and_start(self, spec: ContainerSpec, wanted: Routes, let_go: Callable[[], None]) -> None:
        made = self.engine.create(spec)
        try:
            # Before it starts: it shall not answer a single request without.
            self._tell(made, wanted)
            let_go()
            self.engine.start(made.id)
            self._await(made)
        except BaseException:
            self.engine.remove(made.id)
            raise

    def _tell(self, found: Container, wanted: Routes) -> Routes:
        """Writes what it shall do, but nothing that it would refuse: a site whose file is lost goes without TLS."""
        owner = (USER.uid, USER.gid)
        for path, data in self.files.items() if _is_secure(wanted) else ():
            self.engine.write(found.id, path, data, owner)
        told = {}
        for line, one in wanted.items():
            names = certificates.files_of(one["tls"]) if configuration.is_secure(one) else ()
            if all(name in self.files or self.engine.read(found.id, name, _PEM_LIMIT) is not None for name in names):
                told[line] = one
            else:
                self.progress.note(f"warning: the certificate of {line} is not on the host any more: publish that, too")
                told[line] = {key: value for key, value in one.items() if key != "tls"}
        self.engine.write(found.id, CONFIGURATION, configuration.document(told), owner)
        return told

    def _await(self, started: Container) -> None:
        """Until it answers."""

        def check_once() -> str | None:
            wrong = self._silent(started)
            now = self.engine.inspect(started.id) if wrong else None
            if now and now.state is RunState.EXITED:
                raise self._failed(started, f"it ended with code {now.exit_code}")
            return wrong

        if wrong := probe.wait(check_once, _WAIT, self.clock):
            raise self._failed(started, wrong)

    def _failed(self, started: Container, wrong: str) -> Problem:
        said = self.engine.logs(started.id, _SHOWN_LINES).splitlines()
        return EngineProblem(f"the edge {started.name} was started, but does not answer: {wrong}", said=said)

    def _silent(self, started: Container) -> str | None:
        endpoint = self.engine.endpoint(started.id, PROBE_PORT)
        if endpoint is None:
            return "it does not run"
        try:
            with self.host.reach(endpoint) as reached:
                probe.fetch(reached, "/")
        except Problem as problem:
            return problem.message
        return None

    def _remove(self, found: Container | None) -> None:
        if found:
            self.engine.stop(found.id, _STOP_SECONDS)
            self.engine.remove(found.id)
            prune_images(self.engine, line_of(self.readers))
        self.tidy()

    def tidy(self) -> None:
        """Removes the network, where neither an edge has it nor a release, which may be stopped and start again."""
        if not self._behind() and not self.container():
            with suppress(Problem):
                self.engine.remove_network(self.name)

    def _lines(self) -> list[tuple[str, str]]:
        """The sites and targets behind it."""
        told = {(one.labels.get(labels.SITE, ""), one.labels.get(labels.TARGET, "")) for one in self._behind()}
        return sorted(told)

    def _behind(self) -> tuple[Container, ...]:
        """The containers of all sites behind it, in whatever state."""
        found = self.engine.containers()
        return tuple(one for one in found if labels.HOSTS in one.labels and readers_of(one) == self.readers)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One after the other: several lines share an edge, and each has a lock of its own."""
        until = self.clock.now() + _TURN
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self.host.lock(self.name))
                    break
                except Problem as problem:
                    if problem.code is not Exit.HOST or self.clock.now() > until:
                        raise
                    self.clock.sleep(0.1)
            yield


def _goes_with(name: str, line: str) -> bool:
    return configuration.line_of(name) == line


def _is_secure(routes: Routes) -> bool:
    return any(map(configuration.is_secure, routes.values()))
