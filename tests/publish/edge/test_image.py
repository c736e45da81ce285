"""The edge's lock: written once, whoever asks first; and what to do where it can't be."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from imagebake.packages import lock as locks
from publish.edge import image
from publish.engines.protocol import Endpoint
from sealpress.commands.console import SILENT
from sealpress.config.settings import EDGE_LOCK_NAME, ImageSettings
from sealpress.problems import Exit, Problem
from tests.publish.cli.conftest import LOCK

ENGINE = SimpleNamespace(architecture=lambda: "amd64")
READERS = Endpoint("", 80)


def test_hosts_that_get_their_first_edge_at_once_get_that_of_one_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def pin(_settings, file: Path, *_: object) -> None:
        asked.append(threading.current_thread().name)
        time.sleep(0.2)  # in which the others come
        locks.save(LOCK, file)

    monkeypatch.setattr(image, "pin", pin)
    monkeypatch.setattr(image.recipe, "bake", lambda lock, *_: lock)
    monkeypatch.setattr(image, "ship", lambda _engine, baked, *_: baked)
    with ThreadPoolExecutor(3) as pool:
        each = [pool.submit(image.bring, ENGINE, ImageSettings(), (tmp_path,), READERS, SILENT) for _ in range(3)]
    assert [one.result() for one in each] == [LOCK] * 3
    assert len(asked) == 1


def test_where_no_mirror_answers_the_way_without_an_edge_is_told(tmp_path: Path) -> None:
    settings = ImageSettings(mirror=f"file://{tmp_path}/none", security_mirror=f"file://{tmp_path}/none")
    with pytest.raises(Problem) as caught:
        image.bring(ENGINE, settings, (tmp_path,), READERS, SILENT)
    assert caught.value.code is Exit.LOCK
    assert str(caught.value.hint).endswith('; or edge = "none" in site.toml goes without an edge')
    assert not (tmp_path / EDGE_LOCK_NAME).exists()
