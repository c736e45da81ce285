"""What shares are called, and which ones are meant; and what is left of one that is killed at any step."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from publish.edge import configuration
from publish.edge.edge import behind_edge
from publish.edge.pair import SiteFiles
from publish.edge.share import SharedRelease
from publish.engines.protocol import Container, ContainerSpec, Endpoint, LoadedImage, Role
from publish.probing.probe import SiteAnswer
from publish.releases import history
from publish.releases.ownership import ReleaseLine
from publish.target import shares
from publish.target.shares import ReleaseShare, SharedSite
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.config import sitefile
from sealpress.problems import Exit, Problem
from tests.publish.edge.test_edge import Caddies, OneHost


def known(**named: str) -> list[ReleaseShare]:
    return [
        ReleaseShare(name.replace("_", "-"), what, 1, "https://blog.example/_share/x/", ())
        for name, what in named.items()
    ]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("branch new-theme", "new-theme"),
        ("branch Feature/été #1", "feature-t-1"),
        ("branch new-theme, with drafts", "new-theme-with-drafts"),
        ("branch all", "all-2"),
        ("branch 日本", "share"),
        ("branch " + "x" * 300, "x" * 40),
        ("the working tree", "the-working-tree"),
        ("branch a/b", "a-b-2"),
        ("branch a-b", "a-b"),
    ],
)
def test_a_name_is_made_of_words_and_two_branches_never_share_one(what: str, name: str) -> None:
    assert shares.name_for(what, known(a_b="branch a-b")) == name


@pytest.mark.parametrize(
    ("name", "meant"), [("a", ("a",)), ("all", ("a", "b")), ("c", 'there is no share "c"'), ("", "which share?")]
)
def test_which_share_is_meant(name: str, meant: object) -> None:
    both = known(a="branch a", b="branch b")
    if isinstance(meant, tuple):
        assert shares.chosen(name, both) == meant
        return
    with pytest.raises(Problem, match=str(meant)) as caught:
        shares.chosen(name, both)
    assert caught.value.code is Exit.USAGE


def test_the_only_one_needs_no_name_and_none_is_told() -> None:
    assert shares.chosen("", known(a="branch a")) == ("a",)
    with pytest.raises(Problem, match="nothing is shared"):
        shares.chosen("all", [])


SITE = """
[site]
title = "A blog"
url = "https://blog.example/notes/"

[publish.production]
host = "local"
edge = "caddy"
hosts = ["blog.example"]
"""
SHARED = SharedRelease("draft", "ab" * 16, 1000)
DRAFT = SharedSite("branch draft", "c" * 40, 8080, "notes/")
LINE = ReleaseLine(
    "blog-example", "production", Endpoint("", 80), "https://blog.example/notes/", hosts=("blog.example",)
)


class Killed(BaseException):
    """The command ends here, and puts nothing right."""


@dataclass
class Fragile(Caddies):
    """Also the calls of an edge can be made to fail."""

    def write(self, container_id: str, path: str, data: bytes, owner: tuple[int, int]) -> None:
        with self._call("write"):
            super().write(container_id, path, data, owner)

    def run(self, container_id: str, command) -> tuple[int, str]:
        with self._call("run"):
            return super().run(container_id, command)


@dataclass
class ClockedHost(OneHost):
    is_by_folder: bool = False
    time: int = 500

    def ask(self, command) -> str:
        assert command == ("date", "+%s")
        return f"{self.time}\n"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenTarget:
    """A site that is live behind an edge."""
    (tmp_path / "site.toml").write_text(SITE)
    site = sitefile.load(tmp_path / "site.toml")
    engine = Fragile()
    for name, who in (("e", labels.EDGE), ("live", "blog-example")):
        held = {labels.SITE: who, labels.RELEASE: "sha256:" + "a" * 64}
        engine.loaded[name] = LoadedImage(name, (f"localhost/site/{who}:80.{'a' * 16}",), (name,), held)
    monkeypatch.setattr("publish.probing.probe.fetch", lambda *_: SiteAnswer(404, b""))
    monkeypatch.setattr(history, "wrong_with", lambda *_: None)
    monkeypatch.setattr("publish.edge.image.bring", lambda *_: engine.loaded["e"])

    def ship(_engine, image, _progress, line, _host) -> LoadedImage:
        with engine._call("ship"):
            found = {labels.SITE: "blog-example", labels.RELEASE: image.release}
            loaded = LoadedImage(image.release, (line.reference(found),), (image.release,), found)
            engine.loaded[image.release] = loaded
            return loaded

    monkeypatch.setattr(shares, "ship", ship)
    target = OpenTarget(
        "production", site, site.settings.publish["production"], ClockedHost(engine), LINE, tmp_path, SiteFiles()
    )
    marks = {**LINE.labels, labels.ROLE: str(Role.SERVER), labels.GENERATION: "1", labels.RELEASE: "sha256:live"}
    live = engine.create(ContainerSpec("live", "live", {}, marks))
    engine.start(live.id)
    route = configuration.route(behind_edge(live), [live.id])
    target.flip(shares.SILENT).edge.tell(LINE.name, route)
    return target


def image(release: str) -> SimpleNamespace:
    return SimpleNamespace(release=f"sha256:{release * 64}", labels={})


def shared(there: OpenTarget) -> list[Container]:
    return [one for one in there.engine.containers() if one.labels.get(labels.ROLE) == Role.SHARED]


def routes(there: OpenTarget) -> dict[str, frozenset[str]]:
    held = there.flip(shares.SILENT).edge.routes()
    return {name: configuration.replicas_of(route) for name, route in held.items()}


def names(there: OpenTarget) -> set[str]:
    return {name for one in there.engine.images("blog-example") for name in one.references}


def test_a_share_is_begun_begun_again_and_ended_without_a_trace(there: OpenTarget) -> None:
    before = (routes(there), there.engine.containers(), names(there))
    address = shares.begin(there, image("1"), DRAFT, SHARED)
    assert address == f"https://blog.example/_share/{SHARED.secret}/"
    (one,) = shares.read(there)
    assert (one.name, one.what, one.commit, one.until, one.address) == (
        *("draft", "branch draft", "c" * 40),
        *(1000, address),
    )
    assert history.read(there.engine, LINE)[0].generation == 1
    assert len(history.read(there.engine, LINE)) == 1
    assert shares.begin(there, image("2"), DRAFT, replace(SHARED, until=2000)) == address
    (held,) = shared(there)
    assert (held.labels[labels.RELEASE], shares.read(there)[0].until) == ("sha256:" + "2" * 64, 2000)
    assert shares.clear(there) == ()
    assert shares.end(there, ("draft", "other")) == ("draft",)
    assert (routes(there), there.engine.containers(), names(there)) == before


def test_what_has_run_out_by_the_hosts_clock_is_cleared_away(there: OpenTarget) -> None:
    shares.begin(there, image("1"), DRAFT, SHARED)
    there.host.time = 999
    assert (len(shares.lasting(there, shares.read(there))), shares.clear(there)) == (1, ())
    there.host.time = 1000
    assert shares.lasting(there, shares.read(there)) == ()
    assert shares.clear(there) == ("the share draft has run out, and is gone",)
    assert (shared(there), len(routes(there))) == ([], 1)


def test_what_somebody_took_away_by_hand_leads_nowhere_afterwards(there: OpenTarget) -> None:
    shares.begin(there, image("1"), DRAFT, SHARED)
    there.engine.remove(shared(there)[0].id)
    assert len(routes(there)) == 2
    assert shares.clear(there) == ()
    assert len(routes(there)) == 1


STEPS = [
    (call, moment) for call in ("ship", "create", "start", "write", "run", "remove") for moment in ("before", "after")
]


@pytest.mark.parametrize(("call", "moment"), STEPS)
@pytest.mark.parametrize("is_again", [False, True])
def test_one_that_is_killed_at_any_step_leaves_the_live_site_alone_and_the_next_one_ends_well(
    there: OpenTarget, call: str, moment: str, is_again: bool
) -> None:
    live = routes(there)[LINE.name]
    if is_again:
        shares.begin(there, image("1"), DRAFT, SHARED)
    is_dead = False

    def kill(called: str, when: str) -> None:
        nonlocal is_dead
        if is_dead or (called, when) == (call, moment):  # who is dead puts nothing right either
            is_dead = True
            raise Killed

    there.engine.fault = kill
    with suppress(Killed):
        shares.begin(there, image("2"), DRAFT, SHARED)
    there.engine.fault = lambda *_: None
    assert routes(there)[LINE.name] == live
    if is_again:  # readers of the share have one of the two
        assert routes(there)[f"{LINE.name}/draft"] <= {one.id for one in shared(there)}
    shares.clear(there)
    assert len(shared(there)) == len(shares.read(there)) == len(routes(there)) - 1
    shares.begin(there, image("3"), DRAFT, SHARED)
    (held,) = shared(there)
    assert routes(there) == {LINE.name: live, f"{LINE.name}/draft": {held.id}}
    assert held.labels[labels.RELEASE] == "sha256:" + "3" * 64
    assert len([name for name in names(there) if ":production.draft." in name]) == 1


@pytest.mark.parametrize("call", ["create", "start", "write"])
def test_one_that_fails_leaves_nothing_of_itself(there: OpenTarget, call: str) -> None:
    shares.begin(there, image("1"), DRAFT, SHARED)
    before = (routes(there), there.engine.containers(), names(there))

    def fail(called: str, when: str) -> None:
        if (called, when) == (call, "before"):
            raise Problem("no", code=Exit.ENGINE)

    there.engine.fault = fail
    with pytest.raises(Problem, match="no"):
        shares.begin(there, image("2"), DRAFT, SHARED)
    there.engine.fault = lambda *_: None
    assert (routes(there), there.engine.containers(), names(there)) == before
