"""Commits with their ids and moments, and the days of files, from any history."""

from pathlib import Path

import pytest

from sealpress.git import repository
from sealpress.problems import Exit, Problem
from tests.sealpress.git.conftest import DAY, START, Repo


def test_a_commit_has_its_id_and_committers_time(repo: Repo) -> None:
    first = repo.commit(a_md="1")
    second = repo.commit(a_md="2")
    assert (first.time, second.time) == (START, START + DAY)
    assert repo.found().head() == second
    assert repo.found().commit("HEAD~1") == first
    assert repo.found().commit(first.id[:10]) == first
    repo.run("tag", "-a", "v1", "-m", "x", first.id)
    assert repo.found().commit("v1") == first


@pytest.mark.parametrize(
    "revision", ["nothing", "", "--all", "-x", "HEAD:a.md", "HEAD..HEAD", "^HEAD", "HEAD^{tree}", "a b"]
)
def test_what_names_no_commit_is_a_problem(repo: Repo, revision: str) -> None:
    repo.commit(a_md="1")
    with pytest.raises(Problem, match="there is no commit") as caught:
        repo.found().commit(revision)
    assert caught.value.code is Exit.USAGE


def test_dates_are_those_of_the_first_and_last_commit_with_the_file(repo: Repo) -> None:
    repo.commit(a_md="1", gone_md="1")
    repo.commit(b_md="1")
    (repo.root / "gone.md").unlink()
    repo.commit(a_md="2")
    repo.commit()  # an empty one
    repo.commit(c_md="1")
    assert repo.found().dates(repo.root) == {
        "a.md": repository.FileDates(START, START + 2 * DAY),
        "b.md": repository.FileDates(START + DAY, START + DAY),
        "c.md": repository.FileDates(START + 4 * DAY, START + 4 * DAY),
        "gone.md": repository.FileDates(START, START + 2 * DAY),
    }


def test_dates_do_not_depend_on_settings(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.commit(b_md="1")
    expected = repo.found().dates(repo.root)
    for name, value in {
        "log.showRoot": "false",
        "log.showSignature": "true",
        "color.ui": "always",
        "core.quotePath": "true",
        "log.date": "relative",
        "diff.renames": "copies",
        "log.follow": "true",
        "format.pretty": "oneline",
    }.items():
        repo.run("config", name, value)
    assert repo.found().dates(repo.root) == expected


def test_dates_reach_over_a_merge(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.run("checkout", "-q", "-b", "side")
    repo.commit(side_md="1")
    repo.run("checkout", "-q", "main")
    repo.commit(b_md="1")
    repo.run("merge", "-q", "--no-ff", "-m", "x", "side")
    assert {name: dates.first for name, dates in repo.found().dates(repo.root).items()} == {
        "a.md": START,
        "side.md": START + DAY,
        "b.md": START + 2 * DAY,
    }


def test_a_clock_that_ran_backwards_does_not_turn_dates_round(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.day -= 3 * DAY
    repo.commit(a_md="2")
    assert repo.found().dates(repo.root)["a.md"] == repository.FileDates(START - 2 * DAY, START)


def test_a_shallow_clone_has_no_dates(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.commit(a_md="2")
    repo.run("clone", "-q", "--depth=1", f"file://{repo.root}", str(tmp_path / "clone"))
    clone = repository.Repository(tmp_path / "clone")
    with pytest.raises(Problem, match="this clone is shallow") as caught:
        clone.dates(clone.root)
    assert caught.value.code is Exit.MACHINE
    assert "git fetch --unshallow" in (caught.value.hint or "")
    assert clone.head()
