"""A repository is data: whatever its configuration and its files name, nothing of it runs and nothing else is read."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from sealpress.git import call
from sealpress.git import repository as git
from sealpress.problems import Exit, Problem
from tests.sealpress.git.conftest import Repo


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration, empty."""
    file = tmp_path / "gitconfig"
    file.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return file


class Trap:
    """A program that leaves a mark where it runs."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "it-ran"
        self.program = folder / "trap.sh"
        self.program.write_text(f"#!/bin/sh\necho \"$@\" >> '{self.mark}'\ncat\n")
        self.program.chmod(0o755)

    @property
    def ran(self) -> str:
        return self.mark.read_text() if self.mark.exists() else ""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


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


def contents(tree: Path) -> dict[str, bytes]:
    files = (file for file in sorted(tree.rglob("*")) if file.is_file() and ".git/" not in f"{file.relative_to(tree)}")
    return {file.relative_to(tree).as_posix(): file.read_bytes() for file in files}


def both(repo: Repo, commit: git.Commit) -> Iterator[dict[str, bytes]]:
    for opened in (repo.found().checkout(commit), repo.found().clone(commit)):
        with opened as tree:
            yield contents(tree)


def test_no_configuration_changes_a_byte_of_a_commit(repo: Repo, user: Path, tmp_path: Path) -> None:
    """Neither the repository's nor the user's: line endings, filters, keywords, left-out folders, encodings."""
    repo.file(
        ".gitattributes", "*.md filter=x\n*.crlf text eol=crlf\n*.id ident\n*.sub export-subst\n*.auto text=auto\n"
    )
    repo.file("sub/b.md", "b\n")
    commit = repo.commit(a_md="a\n", c_crlf="c\n", d_id="$Id$\n", e_sub="$Format:%H$\n", f_auto="f\n")
    (expected, as_clone) = both(repo, commit)
    assert as_clone == expected
    assert expected["c.crlf"] == b"c\r\n"
    assert expected["e.sub"] == b"$Format:%H$\n"
    for name, value in {
        "core.autocrlf": "true",
        "core.eol": "crlf",
        "core.attributesFile": str(tmp_path / "attributes"),
        "filter.x.smudge": "tr a-z A-Z",
        "filter.x.clean": "tr A-Z a-z",
        "filter.x.required": "true",
        "core.sparseCheckout": "true",
        "core.quotePath": "true",
        "core.symlinks": "false",
        "core.ignoreCase": "true",
    }.items():
        repo.run("config", name, value)
        repo.run("config", "-f", str(user), name, value)
    (tmp_path / "attributes").write_text("* text eol=crlf\n")
    repo.file(".git/info/attributes", "* text eol=crlf ident filter=x\n")
    repo.file(".git/info/sparse-checkout", "/a.md\n")
    assert list(both(repo, commit)) == [expected, expected]


def test_a_commit_is_what_its_name_says_whatever_was_put_in_its_place(repo: Repo) -> None:
    """`git replace` and grafts hold on one machine only."""
    first = repo.commit(a_md="1")
    second = repo.commit(a_md="2", b_md="1")
    dates = repo.found().dates(repo.root)
    repo.run("replace", second.id, first.id)
    assert repo.found().head() == second
    assert repo.found().dates(repo.root) == dates
    assert [sorted(files) for files in both(repo, second)] == [["a.md", "b.md"]] * 2
    repo.run("replace", "-d", second.id)
    repo.file(".git/info/grafts", f"{second.id}\n")
    assert repo.found().dates(repo.root) == dates


def test_a_clone_is_clean_and_has_the_history(repo: Repo) -> None:
    repo.commit(a_md="1")
    commit = repo.commit(b_md="1")
    dates = repo.found().dates(repo.root)
    with repo.found().clone(commit) as tree:
        there = git.discover(tree)
        assert there == git.Repository(tree)
        assert there.head() == commit
        assert there.is_clean(tree)
        assert there.dates(tree) == dates
        assert there.tracked(tree) == ["a.md", "b.md"]


def test_a_repository_of_sha256_is_checked_out(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(root)], check=True, timeout=60)
    repo = Repo(root)
    commit = repo.commit(a_md="1")
    assert len(commit.id) == 64
    assert list(both(repo, commit)) == [{"a.md": b"1"}] * 2


def test_files_of_git_lfs_come_from_its_folder_by_their_digest(repo: Repo, trap: Trap) -> None:
    """Without a program: the commit names what they hold."""
    data = b"\x89PNG" * 1000
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"
    repo.file(".gitattributes", "*.png filter=lfs diff=lfs merge=lfs -text\n")
    commit = repo.commit(a_png=pointer, b_txt=pointer)
    repo.run("config", "filter.lfs.smudge", str(trap.program))
    with pytest.raises(Problem, match="Git LFS keeps this file") as caught:
        list(both(repo, commit))
    assert caught.value.code is Exit.MACHINE
    kept = repo.file(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}")
    with pytest.raises(Problem, match="Git LFS keeps this file"):
        list(both(repo, commit))  # another file by its name
    kept.write_bytes(data)
    assert [(files["a.png"], files["b.txt"]) for files in both(repo, commit)] == [(data, pointer.encode())] * 2
    assert trap.ran == ""


def test_settings_are_the_users_own(repo: Repo, user: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also those that the user's configuration keeps for one folder, and those of the environment."""
    repo.run("config", "user.signingKey", "theirs")
    repo.run("config", "gpg.ssh.program", "theirs")
    assert git.setting(repo.root, "user.signingKey") == ""
    user.write_text("[user]\n\tsigningKey = mine\n")
    assert git.setting(repo.root, "user.signingKey") == "mine"
    assert git.setting(repo.root, "gpg.ssh.program") == ""
    (tmp_path / "work").write_text("[user]\n\tsigningKey = ~/work\n")
    user.write_text(f'[user]\n\tsigningKey = mine\n[includeIf "gitdir:{repo.root}/"]\n\tpath = {tmp_path}/work\n')
    monkeypatch.setenv("HOME", "/home/me")
    assert git.setting(repo.root, "user.signingKey", is_path=True) == "/home/me/work"
    assert git.setting(tmp_path, "user.signingKey") == "mine"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.signingKey")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "given")
    assert git.setting(repo.root, "user.signingKey") == "given"


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
    "publish/ssh/process.py": "ssh",
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


def test_an_answer_without_an_end_is_cut_off(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit's message may have gigabytes, in a repository of a few megabytes."""
    repo.commit(a_md="1")
    monkeypatch.setattr(call, "LIMIT", 1 << 20)
    assert call.ask(repo.root, "log", "-1", "--format=%s") == b"x\n"
    (repo.root.parent / "message").write_text("y" * (2 << 20))
    repo.run("commit", "-q", "--allow-empty", "-F", str(repo.root.parent / "message"))
    with pytest.raises(Problem, match="git log gave an answer of more than 1 MiB") as caught:
        call.ask(repo.root, "log", "-1", "--format=%s")
    assert caught.value.code is Exit.MACHINE


def test_an_answer_that_does_not_come_is_not_waited_for(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as where a .gitignore is a pipe that nobody writes to."""
    os.mkfifo(repo.root / ".gitignore")
    monkeypatch.setattr(call, "TIMEOUT", 1)
    with pytest.raises(Problem, match="git ls-files gave no answer in 1 s"):
        call.ask(repo.root, "ls-files", "--others", "--exclude-standard")


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
