"""A tree's layers are the same whoever makes them: one process, several, or some that are killed on the way."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from imagebake.image.layers import Layer, is_remembered
from imagebake.policy import header, needs
from imagebake.recipes import site_layers
from imagebake.recipes.recipe import RecipePart
from sealpress.commands.console import SILENT
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import Needs
from sealpress.problems import Problem
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree
from tests.imagebake.conftest import write_tree

TEXT = "<p>A sentence that is said again and again. <b>{0}</b> {0}</p>\n" * 30


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def site(tmp_path: Path, own_cache: Path) -> OutputTree:
    pages = {f"posts/{number}/index.html": TEXT.format(number).encode() for number in range(300)}
    return tree.scan(write_tree(tmp_path / "tree", {**pages, "index.html": b"<p>home</p>", "a.css": b"a{}" * 900}))


def blobs_of(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir(exist_ok=True)
    return folder


def made_ahead(site: OutputTree, parts: Sequence[RecipePart], blobs: Path | None) -> dict[str, Needs]:
    documents = header.unread(site, ImageSettings(), "site")
    return site_layers.ahead(site, parts, documents, lambda: None, SILENT, blobs)


def layers(parts: Sequence[RecipePart], blobs: Path | None) -> list[Layer]:
    return [part.layer(blobs) for part in parts]


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealpress.processes.workers.cores", lambda: 3)


@pytest.mark.usefixtures("cores")
def test_layers_and_needs_are_those_that_one_process_finds(tmp_path: Path, site: OutputTree, own_cache: Path) -> None:
    parts = site_layers.parts_of(site, "x")
    found = made_ahead(site, parts, blobs_of(tmp_path))
    assert found == needs.read(site, site.entries)
    assert all(is_remembered(part.description) for part in parts)
    ahead = layers(parts, blobs_of(tmp_path))
    assert all(layer.blob for layer in ahead)
    taken = [b"".join(layer.stream()) for layer in ahead]
    for file in sorted(own_cache.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    alone = layers(parts, None)
    assert [(one.name, one.diff_id, one.size) for one in alone] == [(one.name, one.diff_id, one.size) for one in ahead]
    assert [b"".join(layer.stream()) for layer in alone] == taken


@pytest.mark.usefixtures("cores")
def test_what_is_known_is_not_made_again(tmp_path: Path, site: OutputTree, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = site_layers.parts_of(site, "x")
    known = made_ahead(site, parts, None)
    header.compute(site, ImageSettings(), known=known)
    monkeypatch.setattr("sealpress.processes.workers.shared", None)
    assert made_ahead(site, parts, blobs_of(tmp_path)) == {}


@pytest.mark.usefixtures("cores")
def test_little_is_left_to_who_asks_for_it(tmp_path: Path, site: OutputTree, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = site_layers.parts_of(site, "x")
    begun: list[int] = []
    monkeypatch.setattr("sealpress.processes.workers.shared", None)
    few = site_layers.ahead(site, parts[:3], site.entries[:3], lambda: begun.append(1), SILENT, blobs_of(tmp_path))
    assert (few, begun) == ({}, [1])


@pytest.mark.usefixtures("cores")
def test_nobody_is_forked_beside_a_thread(tmp_path: Path, site: OutputTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", None)
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert made_ahead(site, site_layers.parts_of(site, "x"), blobs_of(tmp_path)) == {}
    finally:
        over.set()
        thread.join()


@pytest.mark.usefixtures("cores")
def test_a_file_that_changed_is_told_of_where_its_turn_comes(tmp_path: Path, site: OutputTree) -> None:
    parts = site_layers.parts_of(site, "x")
    (tmp_path / "tree/posts/7/index.html").write_text(TEXT.format("seven"))
    found = made_ahead(site, parts, blobs_of(tmp_path))
    assert found == needs.read(site, site.entries)
    (left,) = [part for part in parts if not is_remembered(part.description)]
    with pytest.raises(Problem, match=r'"posts/7/index\.html" changed while it was read'):
        left.layer(blobs_of(tmp_path))


@pytest.mark.usefixtures("cores")
def test_a_worker_that_is_killed_costs_only_time(
    tmp_path: Path, site: OutputTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, read = os.getpid(), needs.read

    def deadly(*given: object) -> dict[str, Needs]:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(needs, "read", deadly)
    parts = site_layers.parts_of(site, "x")
    assert made_ahead(site, parts, blobs_of(tmp_path)) == read(site, site.entries)
    assert all(layer.blob for layer in layers(parts, blobs_of(tmp_path)))


def test_the_number_of_cores_changes_no_byte(tmp_path: Path, site: OutputTree) -> None:
    code = (
        "import os, sys; os.sched_setaffinity(0, {int(c) for c in sys.argv[2].split(',')})\n"
        "from imagebake.recipes import site_layers; from sealpress.tree import tree\n"
        "from sealpress.commands.console import SILENT\n"
        "from pathlib import Path; t = tree.scan(Path(sys.argv[1])); parts = site_layers.parts_of(t, 'x')\n"
        "site_layers.ahead(t, parts, t.entries, list, SILENT, None)\n"
        "for one in parts: print(one.layer(None).diff_id)\n"
    )
    cores = sorted(os.sched_getaffinity(0))
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(site.root), ",".join(map(str, some))],
            env={**os.environ, "SEALPRESS_CACHE": str(tmp_path / f"cache-{len(some)}")},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for some in (cores[:1], cores)
    }
    assert len(said) == 1
    assert len(said.pop().splitlines()) == 6
