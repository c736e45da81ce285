"""A repository is data: whatever its configuration and its files name, nothing of it runs and nothing else is read."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from sealpress.git import call
from sealpress.git import repository as git
from sealpress.problems import Problem
from tests.sealpress.git.conftest import Repo, Trap

pytestmark = pytest.mark.usefixtures("user")


def everything(folder: Path) -> None:
    """All that is ever asked of git about a site in `folder`."""
    repository = git.discover(folder)
    assert repository
    repository.listed(folder)
    repository.tracked(folder)
    repository.untracked(folder)
    git.setting(folder, "user.signingKey", is_path=True)
    commit = repository.head()
    assert commit == repository.commit("HEAD")
    assert commit
    for ask in (
        lambda: repository.is_clean(folder),
        lambda: repository.dates(folder),
        lambda: used(repository.checkout(commit)),
        lambda: used(repository.clone(commit)),
    ):
        with suppress(Problem):
            ask()


def used(opened: AbstractContextManager[Path]) -> None:
    with opened as tree:
        assert tree.is_dir()


def touched(repo: Repo) -> None:
    """Only a look into the file can tell that it is as it was."""
    file = repo.root / "a.md"
    file.write_bytes(file.read_bytes())


def monitor(repo: Repo, trap: Trap) -> None:
    repo.run("config", "core.fsmonitor", str(trap.program))


def hooks(repo: Repo, trap: Trap) -> None:
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "fsmonitor-watchman"):
        hook = repo.file(f".git/hooks/{name}", trap.program.read_text())
        hook.chmod(0o755)
    repo.run("config", "core.hooksPath", str(repo.root / ".git" / "hooks"))


def pagers(repo: Repo, trap: Trap) -> None:
    for name in ("core.pager", "pager.log", "pager.status", "pager.config", "core.editor", "core.askPass"):
        repo.run("config", name, str(trap.program))
    for name in ("diff.external", "diff.x.command", "diff.x.textconv", "core.sshCommand", "core.gitProxy"):
        repo.run("config", name, str(trap.program))
    repo.run("config", "credential.helper", f"!{trap.program}")
    repo.file(".gitattributes", "*.md diff=x\n")
    repo.commit(a_md="2")


def filters(repo: Repo, trap: Trap) -> None:
    repo.file(".gitattributes", "*.md filter=x\n")
    repo.commit(a_md="2")
    for name in ("clean", "smudge", "process"):
        repo.run("config", f"filter.x.{name}", str(trap.program))
    repo.run("config", "filter.x.required", "true")
    touched(repo)


def filters_of_the_repositorys_attributes(repo: Repo, trap: Trap) -> None:
    repo.file(".git/info/attributes", "* filter=x diff=x\n")
    repo.run("config", "filter.x.smudge", str(trap.program))
    repo.run("config", "filter.x.clean", str(trap.program))
    touched(repo)


def filters_of_the_worktrees_configuration(repo: Repo, trap: Trap) -> None:
    filters(repo, trap)
    repo.run("config", "extensions.worktreeConfig", "true")
    repo.file(".git/config.worktree", f'[filter "y"]\n\tclean = {trap.program}\n')
    repo.file(".gitattributes", "*.md filter=y\n")


def filters_of_an_included_file(repo: Repo, trap: Trap) -> None:
    repo.file("extra", f'[filter "x"]\n\tclean = {trap.program}\n\tsmudge = {trap.program}\n')
    repo.file(".gitattributes", "*.md filter=x\n")
    repo.commit()
    repo.run("config", "include.path", "../extra")
    touched(repo)


def filters_with_an_odd_name(repo: Repo, trap: Trap) -> None:
    repo.file(".git/info/attributes", "* filter=a=b\n")
    repo.run("config", "filter.a=b.clean", str(trap.program))
    touched(repo)


def signatures(repo: Repo, trap: Trap) -> None:
    """The commit has a signature, which is shown by a program."""
    text = repo.run("cat-file", "commit", "HEAD")
    head, _, rest = text.partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n{rest}"
    file = repo.file(".git/signed", signed)
    repo.run("update-ref", "HEAD", repo.run("hash-object", "-t", "commit", "-w", str(file)).strip())
    repo.run("config", "log.showSignature", "true")
    for name in ("gpg.program", "gpg.ssh.program", "gpg.x509.program"):
        repo.run("config", name, str(trap.program))


def promises(repo: Repo, trap: Trap) -> None:
    """A partial clone that has to ask for a file, and says how."""
    blob = repo.run("rev-parse", "HEAD:a.md").strip()
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    repo.run("config", "core.repositoryformatversion", "1")
    repo.run("config", "extensions.partialClone", "origin")
    repo.run("config", "remote.origin.promisor", "true")
    repo.run("config", "remote.origin.url", f"ext::{trap.program}")
    repo.run("config", "protocol.ext.allow", "always")
    repo.run("config", "protocol.allow", "always")
    (repo.root / "a.md").unlink()


def uploads(repo: Repo, trap: Trap) -> None:
    promises(repo, trap)
    repo.run("config", "remote.origin.url", str(repo.root))
    repo.run("config", "remote.origin.uploadpack", str(trap.program))
    repo.run("config", "uploadpack.packObjectsHook", str(trap.program))


def submodules(repo: Repo, trap: Trap) -> None:
    other = Repo(repo.root.parent / "other")
    other.commit(x_md="1")
    repo.run("submodule", "add", "-q", str(other.root), "module")
    repo.commit()
    repo.run("config", "-f", ".git/modules/module/config", "core.fsmonitor", str(trap.program))
    repo.run("config", "submodule.recurse", "true")
    repo.run("config", "submodule.module.update", f"!{trap.program}")
    repo.run("config", "status.submoduleSummary", "true")
    (repo.root / "module/x.md").write_text("1")


@pytest.mark.parametrize(
    "set_it",
    [
        monitor,
        hooks,
        pagers,
        filters,
        filters_of_the_repositorys_attributes,
        filters_of_the_worktrees_configuration,
        filters_of_an_included_file,
        filters_with_an_odd_name,
        signatures,
        promises,
        uploads,
        submodules,
    ],
)
def test_nothing_that_the_repositorys_configuration_names_runs(
    set_it: Callable[[Repo, Trap], None], repo: Repo, trap: Trap
) -> None:
    repo.commit(a_md="1")
    set_it(repo, trap)
    trap.mark.unlink(missing_ok=True)  # git itself ran it while the trap was set
    everything(repo.root)
    assert trap.ran == ""


@pytest.mark.parametrize("knows", [True, False], ids=["git knows safe.bareRepository", "an older git"])
def test_a_committed_folder_that_looks_like_a_repository_is_a_folder(
    knows: bool, repo: Repo, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its configuration names a monitor, hooks, filters, and a work tree elsewhere: none of it is read."""
    if not knows:
        # An older git takes this setting for nothing: there is none of that age here.
        monkeypatch.setattr(call, "SETTINGS", tuple(one for one in call.SETTINGS if "bareRepo" not in one))
    (trap.program.parent / "elsewhere").mkdir()
    repo.file("blog/HEAD", "ref: refs/heads/main\n")
    repo.file("blog/objects/info/packs")
    repo.file("blog/refs/heads/x")
    repo.file("blog/hooks/post-index-change", trap.program.read_text()).chmod(0o755)
    repo.file(
        "blog/config",
        f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {trap.program}\n"
        f"\tworktree = {trap.program.parent}/elsewhere\n[gpg]\n\tformat = ssh\n"
        f'[gpg "ssh"]\n\tprogram = {trap.program}\n[user]\n\tsigningKey = evil\n'
        f'[filter "x"]\n\tclean = {trap.program}\n',
    )
    repo.file("blog/content/a.md")
    repo.commit()
    blog = repo.root / "blog"
    for folder in (blog, blog / "content", blog / "refs"):
        everything(folder)
        assert git.discover(folder) == git.Repository(repo.root)
    assert "content/a.md" in repo.found().tracked(blog)
    assert git.setting(blog, "user.signingKey") == ""
    assert trap.ran == ""


def test_a_folder_outside_git_that_looks_like_a_repository_is_a_folder(tmp_path: Path, trap: Trap) -> None:
    blog = tmp_path / "blog"
    subprocess.run(["git", "init", "-q", "--bare", str(blog)], check=True, timeout=60)
    for name, value in (("core.bare", "false"), ("core.worktree", str(blog)), ("core.fsmonitor", str(trap.program))):
        subprocess.run(["git", "--git-dir", str(blog), "config", name, value], check=True, timeout=60)
    (blog / "a.md").write_text("1")
    trap.mark.unlink(missing_ok=True)
    assert git.discover(blog) is None
    assert "a.md" in git.files_without_git(blog)
    assert trap.ran == ""


def test_a_work_tree_that_the_configuration_names_is_not_taken(repo: Repo, tmp_path: Path) -> None:
    """Else files from anywhere would be read as the repository's."""
    repo.commit(a_md="1")
    other = tmp_path / "private"
    other.mkdir()
    (other / "a.md").write_text("secret")
    for where in (str(other), str(tmp_path)):
        repo.run("config", "core.worktree", where)
        assert git.discover(repo.root) == git.Repository(repo.root)
        assert repo.found().tracked(repo.root) == ["a.md"]
        assert repo.found().is_clean(repo.root)


STARTS = {
    "sealpress/git/call.py": "git",
    "sealpress/commands/generator.py": "[build] command, once its owner's word is there",
    "sealpress/commands/command.py": "itself",
    "imagebake/registry/credentials.py": "a helper of the user's own docker configuration",
    "imagebake/seal/rebuild.py": "ssg",
    "imagebake/seal/signing.py": "ssh-keygen, or the user's own in its place",
    "imagebake/nginx/runners.py": "a loader of what was baked",
    "imagebake/nginx/trial.py": "the nginx that is baked",
    "imagebake/recipes/wheelhouse.py": "pip",
    "publish/engines/embedded/processes.py": "what was baked",
    "publish/target/hosts.py": "a script of our own that asks systemctl, for doctor on this machine",
    "publish/ssh/connection.py": "ssh",
    "ssg/preview/editor.py": "the user's own editor, by a click in a page of the preview",
}
"""All that starts a process, and which: whoever adds one says here why no repository can choose it."""

_STARTERS = {
    "run", "Popen", "call", "check_call", "check_output", "system", "popen", "posix_spawn", "posix_spawnp",
    "execv", "execve", "execvp", "execvpe", "execl", "execlp", "spawnv", "spawnvp", "spawnl",
    "create_subprocess_exec", "create_subprocess_shell",
}  # fmt: skip


def test_git_is_started_in_one_place_only() -> None:
    root = Path(git.__file__).parents[2]
    found = set()
    for file in sorted(
        file for package in ("sealpress", "ssg", "imagebake", "publish") for file in (root / package).rglob("*.py")
    ):
        name = file.relative_to(root).as_posix()
        tree = ast.parse(file.read_bytes())
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess" | "os" | "asyncio"), attr=called)) if (
                    called in _STARTERS
                ):
                    found.add(name)
                case ast.ImportFrom(module="subprocess" | "os", names=names) if {one.name for one in names} & _STARTERS:
                    found.add(name)
                case ast.List(elts=[ast.Constant(value="git"), *_]) | ast.Tuple(elts=[ast.Constant(value="git"), *_]):
                    assert name == "sealpress/git/call.py"
    assert found == STARTS.keys()


def test_a_git_that_can_not_tell_whose_a_setting_is_is_too_old(
    repo: Repo, trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 2.26 it knows no --show-scope; then no filter runs unasked either."""
    repo.commit(a_md="1")
    filters(repo, trap)
    trap.mark.unlink(missing_ok=True)
    real = shutil.which("git")
    old = tmp_path / "bin/git"
    old.parent.mkdir()
    refuse = 'case "$*" in *--show-scope*) echo "error: unknown option" >&2; exit 129;; esac'
    old.write_text(f'#!/bin/sh\n{refuse}\nexec {real} "$@"\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    with pytest.raises(Problem, match="this git is too old") as caught:
        repo.found().is_clean(repo.root)
    assert "2.26" in (caught.value.hint or "")
    assert git.setting(repo.root, "user.signingKey") == ""
    assert trap.ran == ""


def test_ssg_and_imagebake_run_nothing_of_a_folder_that_looks_like_a_repository(repo: Repo, trap: Trap) -> None:
    """As a user types it, in that folder; the site is built."""
    config = f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {trap.program}\n\tworktree = {repo.root}/blog\n"
    repo.file("blog/HEAD", "ref: refs/heads/main\n")
    repo.file("blog/objects/info/packs")
    repo.file("blog/refs/heads/x")
    repo.file("blog/config", f'{config}[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tprogram = {trap.program}\n')
    repo.file("blog/site.toml", '[site]\ntitle = "T"\nurl = "https://x.example.org/"\nlanguages = ["en"]\n')
    repo.file("blog/content/index.md", "---\ntitle: a\n---\nText\n")
    repo.commit()
    build = [sys.executable, "-m", "ssg.cli", "build"]
    subprocess.run(build, cwd=repo.root / "blog", capture_output=True, timeout=100, check=True)
    bake = [sys.executable, "-m", "imagebake.cli", "bake", "public"]
    subprocess.run(bake, cwd=repo.root / "blog", capture_output=True, timeout=100, check=False)  # there is no lock
    assert trap.ran == ""
