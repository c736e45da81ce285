"""as_of: SOURCE_DATE_EPOCH, else the commit, else nothing; never the wall clock."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from sealpress.git import repository as git
from sealpress.git.repository import as_of
from sealpress.problems import Exit, Problem


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> git.Repository:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-05-04T12:00:00+02:00")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for command in (
        ["init", "-q"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-mx"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, timeout=60)
    return git.Repository(tmp_path)


def test_the_moment_is_the_commit_in_utc(repository: git.Repository) -> None:
    assert as_of(repository) == dt.datetime(2026, 5, 4, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize("epoch", [0, 1, 1777888800, 253402300799])
def test_source_date_epoch_goes_first(repository: git.Repository, monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(epoch))
    assert as_of(repository) == dt.datetime.fromtimestamp(epoch, dt.UTC)


def test_without_a_commit_there_is_no_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert as_of(None) is None
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, timeout=60)
    assert as_of(git.Repository(tmp_path)) is None


@pytest.mark.parametrize("epoch", ["", "now", "-1", "1.5", " 1", "²", "253402300800", "9" * 5000])
def test_a_bad_source_date_epoch_is_named(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(Problem, match="SOURCE_DATE_EPOCH is") as caught:
        as_of(None)
    assert caught.value.code is Exit.MACHINE
    assert "git log -1 --format=%ct" in (caught.value.hint or "")
