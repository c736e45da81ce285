"""The command line, as it is typed: a commit of a blog ends as a running site, and each mistake as one clear message.

The generator, the embedded engine and HTTP are real; the image is a hand-made one, and Python stands in for nginx.
"""

import json

import pytest

from publish.engines.protocol import Endpoint
from publish.probing import probe
from publish.publishing import pipeline
from sealpress.config import sitefile
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.ports import free_port
from tests.publish.cli.conftest import Blog, commit, git

pytestmark = pytest.mark.long


def test_a_commit_becomes_a_running_site(blog, publish):
    code, out, err = publish("here")
    assert code == 0, err
    assert blog.page() == "one"
    # The generator's clock is the commit's.
    assert blog.page("/a/").strip() == git(blog.folder, "log", "-1", "--format=%ct")
    assert out.splitlines()[0] == f"http://127.0.0.1:{blog.port}/ answers: generation 1"
    assert f"commit {git(blog.folder, 'rev-parse', 'HEAD')}" in out
    assert f"image   sha256:{'d' * 64}, 9.87 MB" in out
    assert "probe: done" in err
    code, out, err = publish("verify", "here")
    assert (code, out.splitlines()) == (
        0,
        [
            "verified: all 2 files are served as they were built (4 answers, with their headers)",
            f"here is commit {git(blog.folder, 'rev-parse', 'HEAD')[:12]}",
        ],
    )
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
        ["edge:", "none,"],
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
    assert publish("verify")[0] == 0
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
    assert "  | /: body: expected 3 bytes, sha256 " in err


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


def test_ssg_builds_from_a_checkout(blog, publish):
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('command = ["sh", "generate.sh"]\n', ""))
    (blog.folder / "content").mkdir()
    (blog.folder / "content/index.md").write_text("---\ntitle: Hello\n---\nA page.\n")
    commit(blog.folder)
    code, out, err = publish()
    assert code == 0, err
    assert "A page." in blog.page()
    code, out, err = publish("verify")
    assert code == 0, err
    assert "files are served as they were built" in out


def test_the_tree_of_a_command_is_described_like_any_other(blog, tmp_path):
    site = sitefile.load(blog.folder / "site.toml")
    from sealpress.commands.console import SILENT

    with pipeline.source(site, SILENT, dirty=False) as made_from:
        product = pipeline.produce(made_from, tmp_path, SILENT, dirty=False)
        assert product.tree == tree.scan(made_from.site.root / "public")


def test_what_a_generator_leaves_behind_is_not_published(blog, publish):
    script = (blog.folder / "generate.sh").read_text()
    (blog.folder / "generate.sh").write_text(f"{script}\ntouch public/.DS_Store public/index.html~\n")
    commit(blog.folder)
    code, _, err = publish()
    assert code == 0, err
    assert err.count("left out: 2 hidden or left-over files (.DS_Store, index.html~)") == 1
    (blog.folder / "generate.sh").write_text(f"{script}\necho PASSWORD=1 > public/.env.local\n")
    commit(blog.folder)
    code, _, err = publish()
    assert code == 5
    assert '".env.local" is, by its name, where programs keep passwords or keys' in err
