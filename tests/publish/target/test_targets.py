"""A target on its host: whether there is an edge before it, where site.toml leaves that to the host; as it is told."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from publish.engines.protocol import ContainerSpec, LoadedImage, Role
from publish.target import hosts, targets
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.problems import Exit, Problem
from tests.publish.edge.test_edge import Caddies
from tests.publish.memory import MemoryEngine
from tests.publish.target.test_shares import ClockedHost

SITE = '[site]\ntitle = "T"\nurl = "https://a.example/"\n[publish.p]\nhost = "local"\n'
PLAIN = {labels.SITE: "a-example", labels.TARGET: "p", labels.READERS: ":80 128", labels.URL: "https://a.example/"}
BEHIND = PLAIN | {labels.HOSTS: "*"}
PROXY = '[image]\ntrusted_proxies = ["192.0.2.1"]\n'
AS_BEFORE = 'none, as until now; edge = "caddy" in site.toml ends the gap of each publish'


def edge(folder: Path, monkeypatch: pytest.MonkeyPatch, engine: MemoryEngine, text: str) -> tuple[str, tuple[str, ...]]:
    (folder / "site.toml").write_text(text)
    site = sitefile.load(folder / "site.toml")
    monkeypatch.setattr(hosts, "open_host", lambda *_: nullcontext(ClockedHost(engine)))
    with targets.opened(site, *targets.choose(site, "p"), SILENT) as there:
        return there.edge, there.line.hosts


def stand(engine: MemoryEngine, *releases: Mapping[str, str], runs: bool = True) -> MemoryEngine:
    engine.loaded["i"] = LoadedImage("i", ("i",), ("i",), {})
    for number, told in enumerate(releases, 1):
        marks = {**told, labels.ROLE: str(Role.SERVER), labels.GENERATION: str(number)}
        made = engine.create(ContainerSpec(f"s{number}", "i", {}, marks))
        if runs and number == len(releases):
            engine.start(made.id)
    return engine


@pytest.mark.parametrize(
    ("lines", "releases", "told"),
    [
        ("", (), "sealpress-edge-80"),
        ("", (PLAIN,), AS_BEFORE),
        ("", (BEHIND,), "sealpress-edge-80"),
        ("", (PLAIN, BEHIND), "sealpress-edge-80"),
        ("", (BEHIND, PLAIN), AS_BEFORE),
        ("", (PLAIN | {labels.TARGET: "q", labels.READERS: ":81 128"},), "sealpress-edge-80"),
        ("replicas = 1\n", (PLAIN,), "sealpress-edge-80"),
        ('edge = "caddy"\n', (PLAIN,), "sealpress-edge-80"),
        ('edge = "none"\n', (), "none"),
        ('edge = "none"\n', (BEHIND,), "none"),
        ('networks = ["proxy"]\n', (), "none, with a proxy of your own"),
        (PROXY, (BEHIND,), "none, with a proxy of your own"),
    ],
)
def test_a_new_site_has_an_edge_and_one_that_stands_stays_as_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    releases: tuple[Mapping[str, str], ...],
    told: str,
) -> None:
    for runs in (True, False):
        found = edge(tmp_path, monkeypatch, stand(Caddies(), *releases, runs=runs), SITE + lines)
        assert found == (told, ("*",) if told.startswith("sealpress") else ())


def test_without_an_engine_there_is_none_and_what_needs_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is known only once the host was asked."""
    assert edge(tmp_path, monkeypatch, MemoryEngine(), SITE) == ("none, without an engine", ())
    for line in ('edge = "caddy"', 'hosts = ["a.example"]', "tls = true"):
        with pytest.raises(Problem, match="has neither Docker nor Podman, which an edge needs") as caught:
            edge(tmp_path, monkeypatch, MemoryEngine(), f"{SITE}{line}\n")
        assert caught.value.code is Exit.HOST
