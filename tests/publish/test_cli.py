"""The command line, as it is typed: a commit of a blog ends as a running site, and each mistake as one clear message.

The generator, the embedded engine and HTTP are real; the image is a hand-made one, and Python stands in for nginx.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebake.nginx import runners
from publish import cli, pipeline, report, seal_store, targets
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress import labels
from sealpress.commands import consent
from sealpress.commands.command import run
from sealpress.config import sitefile
from sealpress.config.settings import PublishTarget
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.ports import free_port
from tests.publish.memory import MemoryHost

pytestmark = pytest.mark.long

SITE = """
[site]
title = "A blog"
url = "https://{name}.example/"

[build]
command = ["sh", "generate.sh"]
output = "public"

[publish.here]
host = "local"
port = {port}
address = "127.0.0.1"
engine = "embedded"
timeout = 20
"""
GENERATE = 'mkdir -p public/a && cp page.html public/index.html && echo "$SOURCE_DATE_EPOCH" > public/a/index.html\n'


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


@pytest.fixture
def blog(tmp_path, monkeypatch, layer_of, python_runner, hand_made):
    """A repository with one commit, and an image that is its output tree."""
    port = free_port()
    folder = tmp_path / "blog"
    folder.mkdir()
    name = "t" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    (folder / "site.toml").write_text(SITE.format(name=name, port=port))
    (folder / "generate.sh").write_text(GENERATE)
    (folder / "page.html").write_text("one")
    (folder / ".gitignore").write_text("public\n")
    (folder / "imagebake.lock").write_text("")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)

    def bake(product, made_from, lock, architecture, progress):
        assert lock.is_file()
        site = sitefile.image_name(made_from.site.settings)
        release = "sha256:" + hashlib.sha256(product.tree.digest.encode()).hexdigest()
        files = {f"site/{entry.path}": product.tree.file(entry).read_bytes() for entry in product.tree.entries}
        extra = {"site/.well-known/release": release.encode(), "site/healthz": b"ok"}
        if b"broken" in files["site/index.html"]:
            extra["broken"] = b""
        image_labels = {labels.SITE: site, labels.RELEASE: release, labels.COMMIT: product.commit}
        image = hand_made(f"localhost/site/{site}:{release[7:19]}", (layer_of(files | extra),), image_labels)
        return Baked(image, release)

    monkeypatch.setattr(pipeline, "bake", bake)
    monkeypatch.setattr(seal_store, "seal", lambda image, *_: Seal(image))
    monkeypatch.setattr(
        seal_store, "keep", lambda seal, image, home: (home / image.reference, seal) if seal.image is image else None
    )
    monkeypatch.setattr(runners, "find_runner", lambda: python_runner)
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(consent.VARIABLE, "1")
    monkeypatch.chdir(folder)
    yield Blog(folder, port)
    engine = EmbeddedEngine(tmp_path / "state", python_runner)
    for container in (tmp_path / "state/containers").glob("[!.]*"):
        engine.remove(container.name)


@dataclass(frozen=True)
class Seal:
    """What stands for the seal of an image that nobody signed."""

    image: object
    signatures: tuple[()] = ()


class Baked:
    """An image with what the command line tells of it."""

    def __init__(self, image, release: str) -> None:
        self.image, self.release = image, release
        self.digest, self.size = "sha256:" + "d" * 64, 9_870_000

    def __getattr__(self, name: str):
        return getattr(self.image, name)


class Blog:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def page(self, path: str = "/") -> str:
        return probe.fetch(Endpoint("127.0.0.1", self.port), path).body.decode()

    def edit(self, text: str) -> str:
        (self.folder / "page.html").write_text(text)
        return commit(self.folder)


def commit(folder: Path) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def publish(monkeypatch, capsys):
    """Runs the command line; gives its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["publish", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(cli.publish)
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_a_commit_becomes_a_running_site(blog, publish):
    code, out, err = publish("here", "--check")
    assert code == 0, err
    assert blog.page() == "one"
    # The generator's clock is the commit's.
    assert blog.page("/a/").strip() == git(blog.folder, "log", "-1", "--format=%ct")
    assert out.splitlines()[0] == f"http://127.0.0.1:{blog.port}/ answers: generation 1"
    assert f"commit {git(blog.folder, 'rev-parse', 'HEAD')}" in out
    assert f"image   sha256:{'d' * 64}, 9.87 MB" in out
    assert out.splitlines()[-1] == "verified: all 2 files are served as they were built"
    assert "probe: done" in err
    # The repository itself is as it was.
    assert not (blog.folder / "public").exists()


def test_only_what_is_committed_is_published_unless_dirty(blog, publish):
    publish()
    (blog.folder / "page.html").write_text("not yet")
    code, out, err = publish()
    assert (code, blog.page()) == (0, "one")
    assert "already runs: generation 1" in out
    assert "changes that are not committed stay out (--dirty takes them in)" in err
    code, _, _ = publish("--dirty")
    assert (code, blog.page()) == (0, "not yet")
    _, out, _ = publish("status", "--json")
    assert [one["commit"] for one in json.loads(out)["releases"]] == ["", git(blog.folder, "rev-parse", "HEAD")]


def test_what_was_published_dirty_and_then_committed_is_a_release_of_that_commit(blog, publish):
    """What is told is what the host has; not a commit that nothing there is of."""
    (blog.folder / "page.html").write_text("two")
    assert publish("--dirty")[0] == 0
    head = commit(blog.folder)
    code, out, _ = publish("--json")
    told = json.loads(out)
    assert (code, told["unchanged"], told["generation"], told["commit"]) == (0, False, 2, head)
    _, out, _ = publish("status", "--json")
    assert [one["commit"] for one in json.loads(out)["releases"]] == [head, ""]
    assert told["image"] == json.loads(out)["releases"][0]["image"]
    told = json.loads(publish("--json")[1])
    assert (told["unchanged"], told["commit"]) == (True, head)
    # A dirty tree of the same pages is none of that commit.
    (blog.folder / "README").write_text("x")
    told = json.loads(publish("--dirty", "--json")[1])
    assert (told["unchanged"], told["commit"]) == (False, "")


def test_status_tells_when_each_release_was_published_and_of_which_commit(blog, publish, monkeypatch):
    git(blog.folder, "commit", "-q", "--allow-empty", "-m", "Mend the \x1b[31mshed\n\nIt leaked.")
    monkeypatch.setattr(report, "_now", lambda: 1795000000)
    publish()
    (blog.folder / "page.html").write_text("two")
    publish("--dirty")
    monkeypatch.setattr(report, "_now", lambda: 1795000000 + 3 * 3600 + 5)
    header, dirty, committed = publish("status")[1].splitlines()
    assert header.split() == ["GENERATION", "STATE", "PUBLISHED", "AGE", "RELEASE", "COMMIT", "SUBJECT"]
    assert dirty.split()[2:6] == ["2026-11-18", "11:06", "UTC", "3"]
    assert dirty.split()[-2:] == ["–", "–"]
    assert committed.endswith(f"{git(blog.folder, 'rev-parse', 'HEAD')[:12]}  Mend the \\x1b[31mshed")
    told = json.loads(publish("status", "--json")[1])["releases"]
    assert [(one["published"], one["subject"]) for one in told] == [
        ("2026-11-18T11:06:40Z", None),
        ("2026-11-18T11:06:40Z", "Mend the \x1b[31mshed"),
    ]
    publish("rollback")
    assert json.loads(publish("status", "--json")[1])["releases"][0]["subject"] == "Mend the \x1b[31mshed"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172799, "47 h"), (172800, "2 d")],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(seconds, said):
    assert report.age(seconds) == said


def with_target(blog, name: str) -> int:
    """Adds a target on this machine; gives its port."""
    port = free_port()
    file = blog.folder / "site.toml"
    here = f'[publish.{name}]\nhost = "local"\nport = {port}\naddress = "127.0.0.1"\nengine = "embedded"\n'
    file.write_text(file.read_text() + here)
    commit(blog.folder)
    return port


def test_two_targets_on_one_host_are_published_stopped_and_taken_back_each_by_itself(blog, publish):
    port = with_target(blog, "staging")

    def pages() -> list[str]:
        found = []
        for one in (blog.port, port):
            try:
                found.append(probe.fetch(Endpoint("127.0.0.1", one), "/").body.decode())
            except Problem:
                found.append("")
        return found

    assert publish("here")[0] == 0
    assert publish("staging")[:2][0] == 0
    assert pages() == ["one", "one"]
    blog.edit("two")
    assert "answers: generation 2" in publish("staging")[1]
    assert pages() == ["one", "two"]
    assert publish("rollback", "staging")[0] == 0
    assert publish("stop", "here")[1] == "here is down\n"
    assert pages() == ["", "one"]
    assert [one["generation"] for one in json.loads(publish("status", "staging", "--json")[1])["releases"]] == [3, 2]
    assert publish("prune", "staging")[0] == 0
    assert publish("start", "here")[0] == 0
    assert pages() == ["one", "one"]


def test_a_renamed_target_is_told_before_anything_is_shipped(blog, publish):
    publish()
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace("[publish.here]", "[publish.there]"))
    blog.edit("two")
    code, _, err = publish("there")
    assert code == 7
    assert f'error: port {blog.port} is taken by this site\'s target "here", generation 1\n' in err
    assert "call it so again, then `publish stop here`, then rename it" in err
    assert "load: " not in err
    assert blog.page() == "one"


def test_a_clone_neither_stops_nor_sees_what_another_one_serves(blog, publish, monkeypatch, tmp_path):
    """With the embedded runner, which is for looking at a site: `make demo` in two clones of this project."""
    publish()
    clone = tmp_path / "clone"
    git(blog.folder, "clone", "-q", str(blog.folder), str(clone))
    monkeypatch.chdir(clone)
    assert publish("status")[1] == "nothing is published to here yet\n"
    assert publish("stop")[1] == "here was not running\n"
    assert publish("rollback")[0] == 8
    code, _, err = publish()
    assert code == 7
    assert f"error: port {blog.port} is taken by this site from {blog.folder}, generation 1\n" in err
    assert blog.page() == "one"
    port = with_target(Blog(clone, 0), "elsewhere")
    (clone / "page.html").write_text("clone")
    commit(clone)
    assert "generation 1" in publish("elsewhere")[1]
    assert probe.fetch(Endpoint("127.0.0.1", port), "/").body == b"clone"
    assert blog.page() == "one"


def test_edit_broken_edit_rollback_stop_start_status(blog, publish):
    publish()
    blog.edit("two")
    assert publish("here")[0] == 0
    assert blog.page() == "two"
    blog.edit("broken")
    code, out, err = publish("here", "--json")
    assert code == 8
    assert "error: the new release did not become healthy: it ended\n  | the configuration is broken" in err
    failed = json.loads(out)
    assert failed["published"] is False
    assert [(one["step"], one["outcome"]) for one in failed["journal"]][-2:] == [
        ("probe", "failed"),
        ("discard", "done"),
    ]
    assert blog.page() == "two"
    assert publish("rollback")[0] == 0
    assert blog.page() == "one"
    code, out, _ = publish("status", "here")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["GENERATION", "STATE"],
        ["3", "answers"],
        ["2", "exited"],
    ]
    code, out, _ = publish("rollback", "--to", "2", "--json")
    assert (code, json.loads(out)["generation"], blog.page()) == (0, 4, "two")
    assert publish("stop")[:2] == (0, "here is down\n")
    assert publish("stop")[:2] == (0, "here was not running\n")
    assert publish("status")[0] == 1
    code, out, _ = publish("start")
    assert (code, blog.page()) == (0, "two")
    assert f"http://127.0.0.1:{blog.port}/ answers: generation 4" in out


def test_the_address_is_that_of_the_release_and_not_one_that_site_toml_has_since(blog, publish):
    publish()
    site = blog.folder / "site.toml"
    text = site.read_text()
    site.write_text(text.replace(f"port = {blog.port}", f"port = {blog.port + 1}"))
    assert site.read_text() != text
    assert json.loads(publish("status", "here", "--json")[1])["address"] == f"http://127.0.0.1:{blog.port}/"
    publish("stop")
    assert f"http://127.0.0.1:{blog.port}/ answers: generation 1" in publish("start")[1]


def test_prune_forgets_what_is_more_than_keep(blog, publish):
    for text in ("one", "two", "three"):
        blog.edit(text + "!")
        publish()
    file = blog.folder / "site.toml"
    file.write_text(file.read_text() + "keep = 1\n")
    assert publish("prune")[:2] == (0, "2 of 3 releases forgotten\n")
    assert json.loads(publish("prune", "--json")[1])["kept"] == [3]
    assert blog.page() == "three!"


def test_verify_compares_the_running_site_with_the_last_commit(blog, publish, monkeypatch):
    publish()
    assert publish("verify")[:2] == (0, "verified: all 2 files are served as they were built\n")
    before = json.loads(publish("verify", "--json")[1])
    assert before["commit"] == before["runs"] != ""
    (blog.folder / "README").write_text("of no page")
    monkeypatch.setenv("GIT_COMMITTER_DATE", git(blog.folder, "log", "-1", "--format=%cI"))  # a page holds it
    git(blog.folder, "add", "README")
    git(blog.folder, "commit", "--quiet", "--message", "a file that reaches no page")
    code, out, err = publish("verify", "--json")
    assert (code, json.loads(out)["runs"]) == (0, before["commit"])
    assert json.loads(out)["commit"] != before["commit"]
    assert f"the host runs commit {before['commit'][:12]}, and these files are of commit " in err
    blog.edit("two")
    code, _, err = publish("verify")
    assert code == 1
    assert "2 of 2 files differ" in err or "1 of 2 files differ" in err
    assert "/: other bytes than the tree's file" in err


def test_json_tells_all_of_a_publish(blog, publish):
    code, out, _ = publish("--json")
    told = json.loads(out)
    assert code == 0
    assert told["published"] is True
    assert told["address"] == f"http://127.0.0.1:{blog.port}/"
    assert told["commit"] == git(blog.folder, "rev-parse", "HEAD")
    assert [one["step"] for one in told["journal"]] == [
        "look", "load", "create", "start", "probe", "flip", "verify", "prune",
    ]  # fmt: skip


def test_quiet_prints_the_result_alone(blog, publish):
    code, out, err = publish("-q")
    assert (code, err) == (0, "")
    assert out == f"http://127.0.0.1:{blog.port}/ answers: generation 1\n"


def test_the_build_comes_before_the_host_is_asked(blog, publish, monkeypatch):
    """A broken site is told without a connection, which may ask for a passphrase; what is mistyped, without a build."""
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('host = "local"', 'host = "deploy@nowhere.invalid"'))
    file.write_text(file.read_text().replace('engine = "embedded"', 'engine = "docker"'))
    (blog.folder / "generate.sh").write_text("exit 3\n")
    commit(blog.folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for command in ([], ["verify"]):
        code, _, err = publish(*command)
        assert code == 3
        assert "failed with code 3" in err
        assert "nowhere.invalid" not in err
    file.write_text(file.read_text().replace('engine = "docker"', 'engine = "embedded"'))
    code, _, err = publish()
    assert code == 6
    assert "the embedded runner works on this machine only" in err


def test_a_site_file_of_another_name_is_the_one_that_is_published_and_the_one_that_is_named(blog, publish):
    (blog.folder / "site.toml").rename(blog.folder / "trial.toml")
    commit(blog.folder)
    assert publish("--site", "trial.toml")[0] == 0
    assert blog.page() == "one"
    for command in ([], ["status"], ["rollback"], ["stop"], ["start"], ["prune"], ["verify"]):
        code, _, err = publish(*command, "--site", "nope.toml")
        assert (code, err) == (3, "error: there is no file nope.toml\nhint: correct the path after --site\n")
    (blog.folder / "trial.toml").write_text("[site\n")
    assert "error: trial.toml:1:" in publish("--site", "trial.toml")[2]


def test_the_site_file_can_be_named_before_and_after_the_command(blog, publish, monkeypatch, tmp_path):
    publish()
    monkeypatch.chdir(tmp_path)
    assert publish("--site", "blog/site.toml", "status", "here")[0] == 0
    assert publish("status", "--site", "blog/site.toml")[0] == 0
    assert publish("--site", "blog/site.toml", "--json")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["her"], 2, 'error: site.toml: there is no target "her" (did you mean "here"?)\nhint: targets: here\n'),
        (
            ["statsu"],
            2,
            'error: site.toml: there is no target "statsu" (did you mean "status"?)\nhint: targets: here\n',
        ),
        (["here", "status"], 2, "Got unexpected extra argument (status)"),
        (["status", "rollback"], 2, 'error: "rollback" is a command, and must come first: publish rollback\n'),
        (["rollback"], 8, "error: there is no release of this site on the host\n"),
        (["start"], 8, "error: there is no release of this site on the host\nhint: publish it first\n"),
        (["status"], 1, "this machine: the embedded runner (python)"),
        (["rollback", "--to", "0"], 2, "Invalid value for '--to'"),
        (["here", "--lock", "nowhere.lock"], 2, "Invalid value for '--lock'"),
        (["verify"], 8, "error: nothing is published there yet\nhint: publish first\n"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(blog, publish, arguments, code, said):
    ended, _, err = publish(*arguments)
    assert ended == code
    assert said in err


def test_a_lock_that_is_not_committed_is_taken_and_said(blog, publish):
    git(blog.folder, "rm", "-q", "--cached", "imagebake.lock")
    git(blog.folder, "commit", "-q", "-m", "x")
    code, _, err = publish("--locked")
    assert code == 4
    assert "error: imagebake.lock is not committed\nhint: git add imagebake.lock and commit it" in err
    code, _, err = publish()
    assert code == 0
    assert "imagebake.lock is not committed, so another machine may take other packages: git add imagebake.lock" in err
    assert publish("--lock", "imagebake.lock", "--locked")[0] == 0


def test_where_locks_are_not_written_a_missing_one_names_the_command_that_does(blog, publish):
    git(blog.folder, "rm", "-q", "imagebake.lock")
    git(blog.folder, "commit", "-q", "-m", "x")
    code, _, err = publish("--locked")
    assert code == 4
    assert (
        "error: there is no imagebake.lock beside site.toml\nhint: publish without --locked, or imagebake lock" in err
    )
    assert not (blog.folder / "imagebake.lock").exists()


def test_a_folder_without_git_needs_dirty(blog, publish, tmp_path):
    (blog.folder / ".git").rename(tmp_path / "away")
    code, _, err = publish()
    assert code == 9
    assert "is in no git repository\nhint: git init" in err
    assert publish("--dirty")[0] == 0
    assert blog.page("/a/").strip() == "315532800"


def test_a_site_file_that_is_not_committed_is_said(blog, publish):
    git(blog.folder, "rm", "-q", "--cached", "site.toml")
    git(blog.folder, "commit", "-q", "-m", "x")
    assert "has no site.toml in this folder\nhint: git add site.toml" in publish()[2]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo something; echo is wrong >&2; exit 3\n", '"sh" failed with code 3\n  | something\n  | is wrong\n'),
        ("true\n", '"sh" wrote no folder "public"'),
        ("ln -s /etc public\n", '[build] output "public" leads out of the site'),
    ],
)
def test_a_generator_that_fails_is_shown_with_its_words(blog, publish, script, said):
    (blog.folder / "generate.sh").write_text(script)
    commit(blog.folder)
    code, _, err = publish()
    assert code == 3
    assert "site.toml:" in err
    assert said in err


def test_somebody_elses_command_does_not_run_before_it_is_allowed(blog, publish, monkeypatch):
    """Neither by publish nor by its verify; once allowed for this folder, both run it."""
    monkeypatch.delenv(consent.VARIABLE)
    (blog.folder / "generate.sh").write_text(f"touch {blog.folder}/../ran\n{GENERATE}")
    commit(blog.folder)
    for arguments in ((), ("--dirty",), ("verify",)):
        code, _, err = publish(*arguments)
        assert code == 2
        assert 'site.toml wants to run "sh generate.sh", and nobody has allowed that yet' in err
        assert "--allow-command" in err
    assert not (blog.folder.parent / "ran").exists()
    assert publish("--allow-command")[0] == 0
    assert (blog.folder.parent / "ran").exists()
    assert publish("--dirty")[0] == 0
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('"generate.sh"', '"-c", "sh generate.sh"'))
    commit(blog.folder)
    assert publish()[0] == 2


def test_a_generator_that_is_not_installed_is_said(blog, publish):
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('"sh"', '"no-such-generator"'))
    commit(blog.folder)
    code, _, err = publish()
    assert code == 9
    assert '"no-such-generator" is not installed' in err


def test_ssg_builds_from_a_checkout(blog, publish):
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('command = ["sh", "generate.sh"]\n', ""))
    (blog.folder / "content").mkdir()
    (blog.folder / "content/index.md").write_text("---\ntitle: Hello\n---\nA page.\n")
    commit(blog.folder)
    code, out, err = publish("--check")
    assert code == 0, err
    assert "A page." in blog.page()
    assert "files are served as they were built" in out


def test_help_teaches_and_comes_without_a_site(publish, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, _ = publish("--help")
    assert code == 0
    assert "publish rollback production" in out
    assert "--dirty" in out
    assert publish("help") == (code, out, "")
    assert publish("status", "--help")[0] == 0
    assert publish("production", "--help")[1].startswith("Usage: publish [TARGET] [OPTIONS]\n")


@pytest.mark.parametrize("command", [[], ["production"], *([name] for name in cli.publish.commands if name.isalpha())])
def test_help_fits_into_80_columns(publish, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = publish(*command, "--help")
    assert code == 0
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_the_first_help_shows_both_ways_to_call_it(publish):
    _, out, _ = publish("-h")
    assert out.startswith("Usage: publish [TARGET] [OPTIONS]\n       publish COMMAND [TARGET] [OPTIONS]\n\n")
    assert "  -h, --help " in out


def test_a_target_may_be_called_like_this_program(blog, publish):
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace("[publish.here]", "[publish.publish]"))
    commit(blog.folder)
    assert publish("publish")[0] == 0
    assert blog.page() == "one"


def test_outside_of_a_blog_the_fix_is_said(publish, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, _, err = publish("production")
    assert code == 3
    assert "there is no site.toml" in err


def test_the_address_is_where_a_person_can_look():
    assert targets.address(PublishTarget("deploy@blog.example.org")) == "http://blog.example.org/"
    assert targets.address(PublishTarget("ssh://d@h:2222", port=8080)) == "http://h:8080/"
    assert targets.address(PublishTarget("local", port=8080)) == "http://127.0.0.1:8080/"
    assert targets.address(PublishTarget("local", address="::1")) == "http://[::1]/"
    assert (
        targets.address(PublishTarget("local", port=8080), "https://x/%C3%A9t%C3%A9/")
        == "http://127.0.0.1:8080/%C3%A9t%C3%A9/"
    )


@pytest.mark.parametrize(
    ("target", "answering", "told"),
    [
        (PublishTarget("d@blog.example.org"), ["blog.example.org", "127.0.0.1"], "http://blog.example.org/"),
        (PublishTarget("d@[fd77::1]", port=8080), ["fd77::1", "127.0.0.1", "::1"], "http://[fd77::1]:8080/"),
        # A name that only ssh knows; a family that nothing serves.
        (PublishTarget("alias"), ["127.0.0.1"], "http://127.0.0.1/ on the host"),
        (PublishTarget("d@[fd77::1]", address="0.0.0.0"), ["127.0.0.1"], "http://127.0.0.1/ on the host"),
        (PublishTarget("d@192.0.2.7", address="::"), ["::1"], "http://[::1]/ on the host"),
        (PublishTarget("h", address="192.0.2.9"), ["h", "192.0.2.9"], "http://192.0.2.9/"),
        (PublishTarget("h", address="127.0.0.1", port=8080), ["127.0.0.1"], "http://127.0.0.1:8080/ on the host"),
        (PublishTarget("local"), ["127.0.0.1", "::1"], "http://127.0.0.1/"),
        (PublishTarget("local"), ["::1"], "http://[::1]/"),
        (PublishTarget("local", address="::", port=81), ["::1"], "http://[::1]:81/"),
    ],
)
def test_the_address_that_is_told_is_one_that_was_asked(target, answering, told):
    """And that answered as this release: something else on that port is not the site."""

    def fetch(endpoint: Endpoint, path: str) -> probe.SiteAnswer:
        assert endpoint.port == target.port
        return probe.SiteAnswer(200, b"sha256:a" if endpoint.address in answering else b"sha256:other")

    assert targets.asked(MemoryHost(title="the host"), target, "sha256:a", fetch) == told


def test_the_tree_of_a_command_is_described_like_any_other(blog, tmp_path):
    site = sitefile.load(blog.folder / "site.toml")
    from sealpress.commands.console import SILENT

    with pipeline.source(site, SILENT, dirty=False) as made_from:
        product = pipeline.produce(made_from, tmp_path, SILENT, dirty=False)
        assert product.tree == tree.scan(made_from.site.root / "public")


def test_warnings_of_a_build_are_told_in_short_and_end_a_publish_only_where_they_are_to(blog, publish):
    file = blog.folder / "site.toml"
    text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("command"))
    content = blog.folder / "content"
    content.mkdir()
    left = "\n\nb\n\n".join(["100. a\n\n    b"] * 4)
    (content / "index.md").write_text(f"---\ntitle: One\n---\n{left}\n")
    file.write_text(text)
    commit(blog.folder)
    code, _, err = publish()
    assert code == 0, err
    assert err.count("warning: content/index.md:6:5: this no longer belongs to the list above\n") == 1
    assert err.count("warning: ") == 3
    assert "4 warnings; ssg build shows each, with its line and a hint\n" in err
    assert "warning: content" not in publish("--quiet")[2]
    file.write_text(
        text.replace("[build]", "[build]\nstrict = true") if "[build]" in text else f"{text}\n[build]\nstrict = true\n"
    )
    commit(blog.folder)
    code, _, err = publish()
    assert (code, err.count("error: content/index.md")) == (3, 4)
    assert "answers" not in err


def test_what_a_generator_leaves_behind_is_not_published(blog, publish):
    script = (blog.folder / "generate.sh").read_text()
    (blog.folder / "generate.sh").write_text(f"{script}\ntouch public/.DS_Store public/index.html~\n")
    commit(blog.folder)
    code, _, err = publish("--check")
    assert code == 0, err
    assert err.count("left out: 2 hidden or left-over files (.DS_Store, index.html~)") == 1
    (blog.folder / "generate.sh").write_text(f"{script}\necho PASSWORD=1 > public/.env.local\n")
    commit(blog.folder)
    code, _, err = publish()
    assert code == 5
    assert '".env.local" is, by its name, where programs keep passwords or keys' in err
