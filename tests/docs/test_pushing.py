"""The files that "Publish on git push" shows for CI and for a bare repository, run as they stand, with real git: what
was pushed is published, and readers get it.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from imagebake.packages import lock as locks
from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress.problems import Exit
from tests.docs.pages import CONTENT, blocks
from tests.docs.test_commands import Shell, shell_in
from tests.publish.locks import real_lock
from tests.test_installed import FROM_GIT

SITE = """\
[site]
title = "T"
url = "https://blog.example.org/"

[publish.production]
host = "local"
address = "127.0.0.1"
port = 8080
"""
SECRETS = {"DEPLOY_KEY": "a key", "KNOWN_HOSTS": "a host"}


def shown(title: str) -> str:
    """A file of the page, whose two languages show the same."""
    texts = {
        block.text
        for page in ("publish-on-push.md", "publish-on-push.fr.md")
        for block in blocks(CONTENT / "docs/how-to" / page)
        if block.title == title
    }
    (text,) = texts
    return text


def github() -> list[str]:
    found = yaml.safe_load(shown(".github/workflows/publish.yml"))
    assert found[True] == {"push": {"branches": ["main"]}}  # YAML 1.1 takes "on" for a truth
    assert found["permissions"] == {"contents": "read"}
    assert found["concurrency"]
    first, *steps = found["jobs"]["publish"]["steps"]
    assert first["uses"].startswith("actions/checkout@")
    assert first["with"] == {"fetch-depth": 0, "lfs": True}
    given = {name: value for step in steps for name, value in step.get("env", {}).items()}
    assert given == {"DEPLOY_KEY": "${{ secrets.DEPLOY_KEY }}", "KNOWN_HOSTS": "${{ vars.KNOWN_HOSTS }}"}
    return [step["run"] for step in steps]


def gitlab() -> list[str]:
    found = yaml.safe_load(shown(".gitlab-ci.yml"))["publish"]
    assert found["rules"] == [{"if": '$CI_COMMIT_BRANCH == "main"'}]
    assert found["variables"] == {"GIT_DEPTH": 0}
    assert found["resource_group"]
    return list(found["script"])


@pytest.mark.parametrize("steps", [github, gitlab])
def test_a_forge_s_file_installs_sealpress_and_publishes_with_the_lock(steps) -> None:  # type: ignore[no-untyped-def]
    first, *_, last = steps()
    assert first in FROM_GIT
    assert last == "publish --locked production"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """In a blog with a lock, whose remote "origin" is a bare repository that has its first commit."""
    with shell_in(tmp_path) as found:
        folder = found.folder / "blog"
        (folder / "content").mkdir(parents=True)
        (folder / "site.toml").write_text(found.here(SITE).replace('"local"\n', '"local"\nengine = "embedded"\n'))
        (folder / "content/index.md").write_text("---\ntitle: One\n---\n")
        found.folder = folder
        assert found.run("git init -q -b main && git init -q --bare -b main ../origin.git")[0] == 0
        ran(found, "git remote add origin ../origin.git && git add -A && git commit -qm One && git push -q origin main")
        yield found


def ran(shell: Shell, command: str) -> str:
    code, told = shell.run(command)
    assert code == 0, told
    return told


def lock(shell: Shell) -> None:
    locks.save(real_lock(), shell.folder / "imagebake.lock")
    ran(shell, "git add -A && git commit -qm Lock")


def home(shell: Shell) -> str:
    return probe.fetch(Endpoint("127.0.0.1", shell.port), "/").body.decode()


@pytest.mark.network
@pytest.mark.parametrize("steps", [github, gitlab])
def test_a_fresh_clone_publishes_what_was_pushed(shell: Shell, steps) -> None:  # type: ignore[no-untyped-def]
    """As a runner does it: detached, and in a shell that ends at the first fault. Without its lock, it is refused."""
    blog = shell.folder
    secrets = SECRETS
    if steps is gitlab:  # whose variables are files there
        secrets = {name: str(shell.top / name) for name in SECRETS}
        for name, text in SECRETS.items():
            Path(secrets[name]).write_text(f"{text}\n")
    shell.environment |= secrets
    script = "\n".join(["set -e", *steps()[1:]])
    code, told = shell.run(
        f"git clone -q ../origin.git ../runner && cd ../runner && git checkout -q --detach\n{script}"
    )
    assert code == Exit.LOCK, told
    assert "there is no imagebake.lock" in told
    shell.folder = blog
    lock(shell)
    ran(shell, "git push -q origin main && cd ../runner && git fetch -q && git checkout -q origin/main")
    ran(shell, script)
    assert "<title>One" in home(shell) or "One</h1>" in home(shell)
    for name, text in (("id_ed25519", "a key\n"), ("known_hosts", "a host\n")):
        file = Path(shell.environment["HOME"], ".ssh", name)
        assert file.read_text() == text
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.network
def test_a_bare_repository_publishes_what_comes_in(shell: Shell) -> None:
    hook = shell.top / "origin.git/hooks/post-receive"
    hook.write_text(shown("hooks/post-receive"))
    hook.chmod(0o755)
    told = ran(shell, "git commit -q --allow-empty -m Two && git push origin main 2>&1")
    assert "remote: error: there is no imagebake.lock" in told, "the push is done, and nothing is published"
    lock(shell)
    told = ran(shell, "git push origin main 2>&1")
    assert f"remote: http://127.0.0.1:{shell.port}/ answers: generation 1" in told
    (shell.folder / "content/index.md").write_text("---\ntitle: Another\n---\n")
    assert "answers" not in ran(shell, "git commit -qam Another && git push origin main:draft 2>&1")
    assert "Another" not in home(shell)
    assert "answers: generation 2" in ran(shell, "git push origin main 2>&1")
    assert "Another" in home(shell)
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=shell.folder, check=True, capture_output=True, timeout=30
    )
    assert not status.stdout
