"""Docker and Podman as runners: what they say when they refuse is told, a line of theirs on a line."""

from pathlib import Path

import pytest

from sealpress.problems import Exit, Problem
from tests.engine.containers import EngineRunner


def test_what_an_engine_says_against_an_image_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\ncat > /dev/null\nprintf "reading\\nno space left\\033[1m\\n" >&2\nexit 1\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "rootfs").mkdir()
    with pytest.raises(Problem) as caught:
        EngineRunner("docker").command(tmp_path / "rootfs", 1, "127.0.0.1", tmp_path)
    assert str(caught.value) == "docker did not take the image\n  | reading\n  | no space left\\x1b[1m"
    assert caught.value.code is Exit.ENGINE
