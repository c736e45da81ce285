"""A build's writing, as short as it can be."""

from pathlib import Path

import pytest

from sealpress.commands.console import SILENT
from ssg.output.stage import Stage, staged


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody has built anything before."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "sealpress"


def placed(root: Path, tree: dict[str, bytes], *, adopting: bool = False) -> None:
    """A build's writing, as short as it can be."""
    with staged(root, None, None, SILENT, adopting=adopting) as stage:
        put(stage, tree)


def put(stage: Stage, tree: dict[str, bytes]) -> None:
    written = {path: stage.put(path, content) for path, content in tree.items()}
    stage.commit(written.keys(), written)


def everything(root: Path) -> list[str]:
    """All that stands in a folder, the folders, too."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
