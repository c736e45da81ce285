"""The real thing without an engine: real packages, the sealed nginx, real HTTP, by every runner that works here."""

import hashlib
import os
import signal
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagebake.nginx import runners
from imagebake.recipes.site import bake, content_policy
from publish.deploy.ship import ship
from publish.engines.embedded import processes
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import Endpoint, RunState
from publish.probing import answers, probe
from publish.probing.compare import compare
from publish.publishing import report
from publish.publishing.pipeline import Product
from publish.releases import history, rollback
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import LocalHost
from sealpress import labels
from sealpress.config import toml
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.needs import MAY_SKIP
from tests.ports import free_port
from tests.publish.deployments import changed, deployment, switch
from tests.publish.locks import real_lock

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("sealed")]

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def lock():
    return real_lock()


@pytest.fixture(params=[runner.name for runner in runners.available()])
def host(request, tmp_path):
    runner = next(one for one in runners.available() if one.name == request.param)
    engine = EmbeddedEngine(tmp_path / "state", runner)
    yield LocalHost(engine, is_by_folder=True)
    for container in (tmp_path / "state/containers").glob("[!.]*"):
        engine.remove(container.name)


@pytest.fixture
def publish(host, lock, tmp_path, request):
    """Publishes these files as the site; gives its tree and where readers find it."""
    readers = Endpoint("127.0.0.1", free_port())
    site = "sealed-" + hashlib.sha256(f"{tmp_path} {request.node.nodeid}".encode()).hexdigest()[:12]
    line = ReleaseLine(site, "here", readers)

    def call(files, document=None, line=line, **changes):
        root = tmp_path / f"tree-{len(list(tmp_path.iterdir()))}"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        described = tree.scan(root)
        (image,) = bake(
            described, lock, ImageSettings(), [host.engine.architecture()], CREATED, name=site, document=document
        )
        job = deployment(
            host=host,
            line=line,
            release=image.release,
            commit="",
            ship=lambda engine, progress: ship(engine, image, progress, line),
            timeout=20,
        )
        switch(changed(job, **changes))
        return described, readers, line

    call.line = line
    return call


def differences(described, readers, document=None):
    settings = ImageSettings()
    policy = content_policy(described, settings, "sealed", document)
    return compare(answers.of(described, settings, (), policy), readers)


PAGES = {"index.html": "<h1>one</h1>", "404.html": "not here", "posts/été/index.html": "é", "a.0a1b2c3d.css": "x{}"}


def test_a_sealed_site_is_served_edited_and_taken_back(publish, host):
    described, readers, line = publish(PAGES)
    assert differences(described, readers) == ()
    described, readers, _ = publish(PAGES | {"index.html": "<h1>two</h1>"})
    assert differences(described, readers) == ()

    # A release that can't be healthy, with a reader at the old one all the while.
    stop, failures = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            if wrong := probe.check(readers, [probe.Expectation("/", body=b"<h1>two</h1>")]):
                failures.append(wrong)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with pytest.raises(Problem, match="did not become healthy"):
            publish(PAGES | {"index.html": "<h1>three</h1>"}, expectations=(probe.Expectation("/", (418,)),), timeout=1)
    finally:
        stop.set()
        reader.join()
    assert failures == []

    back = rollback.choose(history.read(host.engine, line), None, 3)
    again = rollback.ship_again(back, back.site.image, line)
    switch(deployment(host, line, back.release, again, seal=back.told(labels.SEAL), timeout=20))
    assert probe.fetch(readers, "/").body == b"<h1>one</h1>"
    assert [(one.generation, one.state) for one in history.read(host.engine, line)] == [
        (3, RunState.RUNNING),
        (2, RunState.EXITED),
    ]


@pytest.mark.skipif(not runners.has_ipv6() and MAY_SKIP, reason="this kernel has no IPv6")
def test_without_an_address_both_families_are_served(publish):
    port = free_port()
    publish(PAGES, line=replace(publish.line, readers=Endpoint("", port)))
    for address in ("127.0.0.1", "::1"):
        assert probe.fetch(Endpoint(address, port), "/").body == b"<h1>one</h1>"
    with socket.socket(socket.AF_INET6) as taken:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind(("::1", 0))
        taken.listen()
        other = replace(publish.line, readers=Endpoint("", taken.getsockname()[1]), target="there")
        with pytest.raises(Problem, match="of this machine can't be had: Address already in use"):
            publish(PAGES, line=other)


def test_what_a_killed_leader_leaves_is_still_known_and_ended(publish, host):
    """nginx's master, or bubblewrap's monitor, is killed; workers go on serving and hold the port."""
    _, readers, line = publish(PAGES)
    server = history.read(host.engine, line)[0].site
    leader = host.engine._recorded(host.engine._containers / server.id)
    os.kill(leader.pid, signal.SIGKILL)
    probe.wait(lambda: "alive" if processes.is_alive(leader) else None, 5)
    publish(PAGES | {"index.html": "<h1>two</h1>"})
    assert probe.fetch(readers, "/").body == b"<h1>two</h1>"
    history.stop(host.engine, line)
    with pytest.raises(Problem, match="nothing listens there"):
        probe.fetch(readers, "/")


def test_a_site_below_a_path_goes_live_only_where_readers_ask_for_it(publish, host):
    """The front page, the page for what isn't there and "/" are asked for before the flip, below the path."""
    document = toml.parse('[site]\nurl = "https://blog.example/notes/"\n', "site.toml")
    described, readers, _ = publish(PAGES, document=document)
    below = replace(described, below="notes/")
    assert differences(below, readers, document) == ()
    assert probe.check(readers, report.expectations(Product(below, "", CREATED))) is None
    assert probe.check(readers, report.expectations(Product(described, "", CREATED))) is not None
