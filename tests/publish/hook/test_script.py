"""The hook's script: where it is put, what stood there before, and what it was told at install."""

import json
from pathlib import Path

import pytest

from publish.hook import script
from sealpress.problems import Exit
from tests.publish.hook.blogs import BROKEN, SITE, Run, at, commit


def test_branches_and_options_that_were_named_at_install(blog: Path, run: Run) -> None:
    run("publish", "hook", "install", "--branch", "live", "--branch", "it's", folder=blog)
    commit(blog, run, b=BROKEN)
    run("git", "push", "-q", "origin", "main", folder=blog)
    for branch in ("live", "it's"):
        assert run("git", "push", "-q", "origin", f"main:refs/heads/{branch}", folder=blog, code=None).returncode
    (blog / "site.toml").write_text(f'{SITE}[hook]\nbranches = ["trunk"]\n')
    run("publish", "hook", "install", folder=blog)
    commit(blog, run)
    run("git", "push", "-q", "origin", "main", folder=blog)
    assert run("git", "push", "-q", "origin", "main:refs/heads/trunk", folder=blog, code=None).returncode


def test_a_hook_that_was_there_runs_first_and_comes_back_byte_for_byte(blog: Path, run: Run, tmp_path: Path) -> None:
    run("publish", "hook", "uninstall", folder=blog)
    hook = blog / ".git/hooks/pre-push"
    assert not hook.exists()
    own = f'#!/bin/sh\n# é\ncat > "{tmp_path}/heard"\necho "$1" >> "{tmp_path}/heard"\n[ ! -e "{tmp_path}/no" ]\n'
    hook.write_text(own)
    hook.chmod(0o751)
    for _ in range(2):
        run("publish", "hook", "install", folder=blog)
    good = commit(blog, run, b="---\ntitle: B\n---\n")
    before = at(tmp_path / "remote.git", "main", run)
    (tmp_path / "no").touch()
    done = run("git", "push", "origin", "main", folder=blog, code=None)
    assert done.returncode
    assert "builds" not in done.stderr
    (tmp_path / "no").unlink()
    run("git", "push", "-q", "origin", "main", folder=blog)
    assert (tmp_path / "heard").read_text() == f"refs/heads/main {good} refs/heads/main {before}\norigin\n"
    run("git", "push", "-q", "origin", "main", folder=blog)
    assert (tmp_path / "heard").read_text() == "origin\n"
    run("publish", "hook", "uninstall", folder=blog)
    assert hook.read_text() == own
    assert hook.stat().st_mode & 0o777 == 0o751
    assert sorted(path.name for path in hook.parent.iterdir() if not path.name.endswith(".sample")) == ["pre-push"]
    assert "no hook of ours" in run("publish", "hook", "uninstall", folder=blog).stdout


def test_a_hook_of_ours_that_somebody_changed_is_left_alone(blog: Path, run: Run) -> None:
    hook = blog / ".git/hooks/pre-push"
    hook.write_text(hook.read_text() + "echo mine\n")
    before = hook.read_text()
    assert "no hook of ours" in run("publish", "hook", "uninstall", folder=blog).stdout
    assert hook.read_text() == before
    run("publish", "hook", "install", folder=blog)
    assert hook.with_name(script.KEPT).read_text() == before
    hook.write_text(f"{hook.read_text()}# again\n")
    for command in ("install", "uninstall"):
        done = run("publish", "hook", command, folder=blog, code=Exit.MACHINE)
        assert "is another one than publish wrote" in done.stderr
    assert hook.with_name(script.KEPT).read_text() == before


def test_core_hooks_path(blog: Path, run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    """A folder of the repository's own gets the hook; one that all repositories share is the user's to change."""
    run("publish", "hook", "uninstall", folder=blog)
    run("git", "config", "core.hooksPath", ".githooks", folder=blog)
    run("publish", "hook", "install", folder=blog)
    assert (blog / ".githooks/pre-push").exists()
    commit(blog, run, b=BROKEN)
    assert run("git", "push", "-q", "origin", "main", folder=blog, code=None).returncode
    run("publish", "hook", "uninstall", folder=blog)
    run("git", "config", "--unset", "core.hooksPath", folder=blog)
    run("git", "config", "--global", "core.hooksPath", str(tmp_path / "shared"), folder=blog)
    done = run("publish", "hook", "install", folder=blog)
    assert 'publish hook run -- "$@"' in done.stdout
    assert not (tmp_path / "shared").exists()
    assert not (blog / ".git/hooks/pre-push").exists()


def test_a_link_of_the_repository_that_leads_out_of_it_gets_no_hook(blog: Path, run: Run, tmp_path: Path) -> None:
    """The setting is the user's, and the link can have come with a commit. One that stays within is like a folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (blog / "inside").mkdir()
    run("git", "config", "core.hooksPath", ".githooks/git", folder=blog)
    for target, code in ((elsewhere, Exit.MACHINE), (tmp_path, Exit.MACHINE), (blog / "inside", 0)):
        (blog / ".githooks").symlink_to(target)
        for command in ("install", "uninstall"):
            done = run("publish", "hook", command, folder=blog, code=code)
            if code:
                assert f"a link that leads out of the repository, to {target}" in done.stderr
        (blog / ".githooks").unlink()
    run("git", "config", "core.hooksPath", str(elsewhere), folder=blog)
    run("publish", "hook", "install", folder=blog)
    assert [path.name for path in elsewhere.iterdir()] == ["pre-push"]


@pytest.mark.parametrize("manager", [".husky", "lefthook.yml", ".pre-commit-config.yaml"])
def test_hook_managers_get_a_line(blog: Path, run: Run, manager: str) -> None:
    run("publish", "hook", "uninstall", folder=blog)
    (blog / manager).write_text("")
    done = run("publish", "hook", "install", "--json", folder=blog)
    told = json.loads(done.stdout)
    assert manager in told["line"]
    assert "publish hook run" in told["line"]
    assert not told["written"]
    assert not (blog / ".git/hooks/pre-push").exists()


def test_a_wrong_hook_table_is_told_at_its_place(blog: Path, run: Run) -> None:
    for table, said in (
        ('publish = "nowhere"', "[hook] publish names no target"),
        ('on = "pre-push"', '[hook] on = "pre-push" has no target'),
        ("timeout = 0", "[hook] timeout must lie between 1 and 3600"),
    ):
        (blog / "site.toml").write_text(f"{SITE}[hook]\n{table}\n")
        done = run("publish", "hook", "install", folder=blog, code=Exit.SITE)
        assert said in done.stderr
        assert "site.toml:5:" in done.stderr
