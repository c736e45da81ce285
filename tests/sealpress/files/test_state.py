"""Where this user's state lies: as the environment says, and nowhere that a repository could name."""

import os
from pathlib import Path

import pytest

from sealpress.files import home
from sealpress.problems import Exit, Problem


def test_the_state_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("SEALPRESS_STATE", raising=False)
    assert home.state_folder() == home.shared_state_folder() == tmp_path / "sealpress"
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "here"))
    assert home.state_folder() == home.shared_state_folder() == tmp_path / "here"


def test_a_relative_base_is_ignored_as_the_specification_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEALPRESS_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert home.state_folder() == home.shared_state_folder() == tmp_path / ".local/state/sealpress"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home.state_folder() == tmp_path / ".local/state/sealpress"
    assert home.shared_state_folder() == Path("/var/lib/sealpress")


def test_without_a_home_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALPRESS_STATE", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(home, "folder", lambda: None)
    with pytest.raises(Problem, match="no home folder") as caught:
        home.state_folder()
    assert caught.value.code == Exit.MACHINE
    assert "SEALPRESS_STATE" in (caught.value.hint or "")
