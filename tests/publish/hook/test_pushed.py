"""The pre-push hook, with real git: what is pushed is built first, from the commit alone; a fault refuses the push."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from publish.hook import pushed
from publish.hook.pushed import PushedRef
from sealpress.commands import generator
from sealpress.problems import Exit, Problem
from tests.publish.hook.blogs import BROKEN, SITE, Run, at, commit, look

ZEROS = "0" * 40


def test_a_good_commit_goes_out_and_a_faulty_one_does_not(blog: Path, run: Run, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    good = commit(blog, run, b="---\ntitle: B\n---\n")
    done = run("git", "push", "origin", "main", folder=blog)
    assert f"origin main: commit {good[:12]} builds, " in done.stderr
    assert "git push --no-verify" in done.stderr
    assert at(remote, "main", run) == good
    bad = commit(blog, run, b=BROKEN)
    done = run("git", "push", "origin", "main", folder=blog, code=None)
    assert done.returncode
    assert "content/b.md:4:8: " in done.stderr
    assert at(remote, "main", run) == good
    run("git", "push", "-q", "--no-verify", "origin", "main", folder=blog)
    assert at(remote, "main", run) == bad


def test_the_commit_counts_and_not_what_lies_here(blog: Path, run: Run) -> None:
    """An edit that is not committed neither mends nor breaks a push; work tree and index stay byte for byte."""
    commit(blog, run, b="---\ntitle: B\n---\n")
    (blog / "content/b.md").write_text(BROKEN)
    (blog / "content/new.md").write_text(BROKEN)
    (blog / "site.toml").write_text("broken = [")
    before = look(blog)
    run("git", "push", "-q", "origin", "main", folder=blog)
    assert look(blog) == before
    (blog / "site.toml").write_text(SITE)
    commit(blog, run)
    (blog / "content/b.md").write_text("---\ntitle: B\n---\n")
    (blog / "content/new.md").unlink()
    before = look(blog)
    assert run("git", "push", "-q", "origin", "main", folder=blog, code=None).returncode
    assert look(blog) == before


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["main:refs/heads/feature"], False),
        (["HEAD:refs/heads/main"], True),
        (["HEAD~1:refs/heads/main"], False),
        (["HEAD~1:refs/heads/x", "main"], True),
        (["HEAD~1:refs/heads/main", "main:refs/heads/y"], False),
        (["main:refs/heads/feature", "main"], True),
        (["main", "main:refs/heads/feature"], True),
        (["v1"], False),
        (["--delete", "old"], False),
        ([":refs/heads/main"], False),
        (["--force", "main"], True),
        (["--all"], True),
        (["--tags"], False),
        (["--mirror"], True),
    ],
)
def test_only_branches_that_site_toml_names_are_looked_at(
    blog: Path, run: Run, tmp_path: Path, words: list[str], refused: bool
) -> None:
    remote = tmp_path / "remote.git"
    run("git", "config", "receive.denyDeleteCurrent", "ignore", folder=remote)
    run("git", "push", "-q", "--no-verify", "origin", "main:refs/heads/old", folder=blog)
    commit(blog, run, b="---\ntitle: B\n---\n")
    commit(blog, run, b=BROKEN)
    run("git", "tag", "v1", folder=blog)
    before = run("git", "for-each-ref", folder=remote).stdout
    options = [word for word in words if word.startswith("--")]
    done = run(
        "git", "push", *options, "origin", *(word for word in words if word not in options), folder=blog, code=None
    )
    assert bool(done.returncode) == refused, done.stderr
    assert (run("git", "for-each-ref", folder=remote).stdout == before) == refused


def test_everything_up_to_date_says_nothing(blog: Path, run: Run) -> None:
    assert run("git", "push", "origin", "main", folder=blog).stderr == "Everything up-to-date\n"


def test_a_tag_that_points_to_a_branch_s_commit_is_peeled(blog: Path, run: Run, tmp_path: Path) -> None:
    good = commit(blog, run, b="---\ntitle: B\n---\n")
    run("git", "tag", "-a", "-m", "x", "v2", folder=blog)
    run("git", "push", "-q", "origin", "v2^{}:refs/heads/main", folder=blog)
    assert at(tmp_path / "remote.git", "main", run) == good


def test_a_linked_worktree_a_detached_head_and_a_shallow_clone(blog: Path, run: Run, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    linked = tmp_path / "linked"
    run("git", "worktree", "add", "-q", "--detach", str(linked), folder=blog)
    bad = commit(linked, run, b=BROKEN)
    done = run("git", "push", "origin", "HEAD:main", folder=linked, code=None)
    assert "content/b.md:4:8: " in done.stderr
    assert at(remote, "main", run) != bad
    good = commit(linked, run, b="---\ntitle: B\n---\n")
    run("git", "push", "-q", "origin", "HEAD:main", folder=linked)
    assert at(remote, "main", run) == good
    shallow = tmp_path / "shallow"
    run("git", "clone", "-q", "--depth", "1", f"file://{remote}", str(shallow), folder=tmp_path)
    run("publish", "hook", "install", folder=shallow)
    good = commit(shallow, run, c="---\ntitle: C\n---\n")
    run("git", "push", "-q", "origin", "main", folder=shallow)
    assert at(remote, "main", run) == good


def test_submodules_and_what_git_lfs_keeps_elsewhere_are_told(blog: Path, run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    run("git", "init", "-q", folder=notes)
    (notes / "content").mkdir()
    commit(notes, run, a="---\ntitle: A\n---\n")
    run("git", "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(notes), "content/notes", folder=blog)
    good = commit(blog, run)
    before = look(blog)
    done = run("git", "push", "origin", "main", folder=blog)
    assert "warning: content/notes: this is a submodule, of which no build reads anything" in done.stderr
    assert look(blog) == before
    commit(blog, run, b="---\ntitle: B\n---\n[a](notes/content/a.md)\n")
    done = run("git", "push", "origin", "main", folder=blog, code=None)
    assert 'which is in a repository of its own, "content/notes"' in done.stderr
    data = b"an image, say"
    oid = hashlib.sha256(data).hexdigest()
    (blog / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"
    (blog / "content/a.bin").write_text(pointer)
    bad = commit(blog, run, b="---\ntitle: B\n---\n[a](a.bin)\n")
    done = run("git", "push", "origin", "main", folder=blog, code=None)
    assert "content/a.bin: Git LFS keeps this file, and it is not on this machine" in done.stderr
    assert at(tmp_path / "remote.git", "main", run) == good
    kept = blog / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)
    run("git", "push", "-q", "origin", "main", folder=blog)
    assert at(tmp_path / "remote.git", "main", run) == bad


def test_a_blog_in_a_folder_of_its_repository(tmp_path: Path, run: Run) -> None:
    top = tmp_path / "top"
    (top / "my site/content").mkdir(parents=True)
    (top / "my site/site.toml").write_text(SITE)
    (top / "my site/content/index.md").write_text("---\ntitle: A\n---\n")
    run("git", "init", "-q", folder=top)
    run("git", "init", "-q", "--bare", str(tmp_path / "r.git"), folder=tmp_path)
    run("git", "remote", "add", "origin", str(tmp_path / "r.git"), folder=top)
    run("publish", "hook", "install", folder=top / "my site")
    commit(top / "my site", run)
    assert "builds" in run("git", "push", "origin", "main", folder=top).stderr
    commit(top / "my site", run, b=BROKEN)
    assert run("git", "push", "origin", "main", folder=top / "my site/content", code=None).returncode


def test_a_remote_that_refuses_and_two_pushes_at_once(
    blog: Path, run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    remote = tmp_path / "remote.git"
    run("publish", "hook", "install", "--branch", "main", "--branch", "other", folder=blog)
    commit(blog, run, b="---\ntitle: B\n---\n")
    (remote / "hooks").mkdir(exist_ok=True)
    (remote / "hooks/pre-receive").write_text("#!/bin/sh\necho no >&2; exit 1\n")
    (remote / "hooks/pre-receive").chmod(0o755)
    done = run("git", "push", "origin", "main", folder=blog, code=None)
    assert done.returncode
    assert "builds" in done.stderr
    (remote / "hooks/pre-receive").unlink()
    names = ("main", "main:refs/heads/other")
    both = [
        subprocess.Popen(["git", "push", "origin", name], cwd=blog, env=environment, stderr=subprocess.PIPE)
        for name in names
    ]
    told = [one.communicate(timeout=120)[1].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert all("builds" in text for text in told)
    assert at(remote, "main", run) == at(remote, "other", run)


def test_pre_commit_s_variables_stand_for_the_input(blog: Path, run: Run) -> None:
    bad = commit(blog, run, b=BROKEN)
    more = {
        "PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main",
        "PRE_COMMIT_TO_REF": bad,
        "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/main",
    }
    assert "content/b.md:4:8" in run("publish", "hook", "run", folder=blog, code=Exit.SITE, **more).stderr
    run("publish", "hook", "run", folder=blog)


def test_git_s_own_variables_don_t_lead_astray(blog: Path, run: Run, tmp_path: Path) -> None:
    """In a hook, git names its repository and index by variables, which hold for what it runs."""
    good = run("git", "rev-parse", "HEAD", folder=blog).stdout.strip()
    line = f"refs/heads/main {good} refs/heads/main {ZEROS}\n"
    other = tmp_path / "other"
    run("git", "init", "-q", str(other), folder=tmp_path)
    more = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(other / "index")}
    assert "builds" in run("publish", "hook", "run", folder=blog, stdin=line, **more).stderr


def test_a_build_that_takes_too_long_is_ended(blog: Path, run: Run) -> None:
    (blog / "site.toml").write_text(f'{SITE}[build]\ncommand = ["sleep", "100"]\noutput = "x"\n[hook]\ntimeout = 1\n')
    commit(blog, run)
    began = time.monotonic()
    done = run("git", "push", "-q", "origin", "main", folder=blog, code=None, **{generator.VARIABLE: "1"})
    assert done.returncode
    assert "the build took longer than 1 s" in done.stderr
    assert time.monotonic() - began < 60


def test_ctrl_c_in_mid_build_refuses_the_push_and_leaves_nothing(
    blog: Path, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    pages = {
        f"p{number}": "---\ntitle: P\n---\n" + "word *b* [x](https://a.example/)\n\n" * 4000 for number in range(8)
    }
    commit(blog, run, **pages)
    before = look(blog)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    push = subprocess.Popen(
        ["git", "push", "origin", "main"],
        cwd=blog,
        env=environment | {"TMPDIR": str(scratch)},
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    while not list((tmp_path / "c").glob("sealpress/trees/*/tree")):
        assert push.poll() is None
    os.killpg(push.pid, signal.SIGINT)
    push.communicate(timeout=60)
    assert push.returncode
    assert look(blog) == before
    assert not list(scratch.glob("*/*"))


def test_what_becomes_of_the_tree_that_stays_refuses_no_push(blog: Path, run: Run, tmp_path: Path) -> None:
    """The next push is made from it: changed, taken away, or where no cache can be, it costs only time."""
    cache = tmp_path / "c"

    def push(text: str) -> str:
        commit(blog, run, b=f"---\ntitle: B\n---\n{text}\n")
        return run("git", "push", "origin", "main", folder=blog).stderr

    assert "builds, " in push("one")
    (tree,) = cache.glob("sealpress/trees/*/tree")
    (tree / "b/index.html").write_text("edited")
    (tree / "index.html").unlink()
    (tree / "mine.html").write_text("mine")
    assert "builds, " in push("two")
    assert "two" in (tree / "b/index.html").read_text()
    assert (tree / "index.html").exists()
    run("publish", "hook", "uninstall", folder=blog)
    assert not tree.parent.exists()
    run("publish", "hook", "install", folder=blog)
    shutil.rmtree(cache)
    cache.write_text("no folder")
    assert "builds, " in push("three")
    commit(blog, run, b=BROKEN)
    assert run("git", "push", "origin", "main", folder=blog, code=None).returncode


def test_the_hook_publishes_where_site_toml_says_so(blog: Path, run: Run) -> None:
    """What can't be published refuses the push too: here the lock is missing, and a push writes none."""
    site = f'{SITE}[publish.here]\nhost = "local"\n[hook]\npublish = "here"\non = "pre-push"\n'
    (blog / "site.toml").write_text(site + '[image]\nmirror = "http://127.0.0.1:9/debian"\n')
    commit(blog, run)
    done = run("publish", "hook", "install", folder=blog)
    assert "here: git push --dry-run runs hooks too, and publishes" in done.stderr
    assert "--publish here" in (blog / ".git/hooks/pre-push").read_text()
    done = run("git", "push", "-q", "origin", "main", folder=blog, code=None)
    assert done.returncode
    assert "builds" in done.stderr
    assert "there is no imagebake.lock" in done.stderr
    assert not (blog / "imagebake.lock").exists()


def test_lines_of_the_input() -> None:
    one, other = "a" * 40, "b" * 64
    lines = [
        f"refs/heads/main {one} refs/heads/main {ZEROS}",
        f"(delete) {ZEROS} refs/tags/v {one}",
        f"HEAD~1 {other} refs/heads/x {one}",
    ]
    data = "\n".join([*lines, ""])
    assert pushed.read(data.encode()) == (
        PushedRef("refs/heads/main", one, "refs/heads/main"),
        PushedRef("(delete)", ZEROS, "refs/tags/v"),
        PushedRef("HEAD~1", other, "refs/heads/x"),
    )
    assert pushed.read(b"") == pushed.read(b"\n") == ()
    for wrong in (b"refs/heads/main\n", b"a --upload-pack=x b c\n", b"\xff\n"):
        with pytest.raises(Problem, match="is no line that git gives"):
            pushed.read(wrong)
