"""`publish --plan`: what readers would see change, told before anything is changed."""

import json

import pytest

from imagebake.packages import lock as locks
from publish.plan import sides
from tests.publish.cli.conftest import LOCK, commit, git

pytestmark = pytest.mark.long

FEED = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'
ENTRY = "<entry><id>tag:{0}</id><title>{0}</title><link href='https://a.example/{0}/'/></entry>"


@pytest.fixture
def site(blog):
    """A blog whose tree is the folder `tree`, in its first commit."""
    locks.save(LOCK, blog.folder / "imagebake.lock")
    (blog.folder / "generate.sh").write_text("mkdir -p public && cp -R tree/. public/\n")
    write(blog, "index.html", "<p>Home of a blog")
    write(blog, "old/index.html", "<p>Old")
    write(blog, "a/index.html", "<title>A</title><p>This was written long ago.")
    write(blog, "style.css", "p { color: red }")
    write(blog, "feed.xml", FEED.format(ENTRY.format("a")))
    commit(blog.folder)
    return blog


def write(blog, path: str, text: str) -> None:
    file = blog.folder / "tree" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def change(blog) -> None:
    write(blog, "a/index.html", "<title>A</title><p>This was written today.")
    write(blog, "b/index.html", "<p>Brand new")
    write(blog, "style.css", "p { color: blue }")
    write(blog, "feed.xml", FEED.format(ENTRY.format("b") + ENTRY.format("a")))
    git(blog.folder, "rm", "-q", "tree/old/index.html")
    with (blog.folder / "site.toml").open("a") as file:
        file.write('\n[image.redirects]\n"/old/" = "/a/ 308"\n\n[image.headers]\n"X-Own" = "yes"\n')
    commit(blog.folder)


def standing(blog) -> list[tuple[str, bytes]]:
    """All that a host has but for what its sites log, and all that the blog's folder holds but for kept results."""
    state = blog.folder.parent / "state"
    return [
        (str(path), path.read_bytes())
        for top in (state / "containers", state / "images", blog.folder)
        for path in sorted(top.rglob("*"))
        if path.is_file() and path.name != "log" and ".git/" not in str(path) and ".sealpress" not in str(path)
    ]


def test_what_readers_would_see_is_told_and_nothing_is_changed(site, publish, tmp_path):
    assert publish()[0] == 0
    first = git(site.folder, "rev-parse", "HEAD")
    change(site)
    before = standing(site)
    page = tmp_path / "plan.html"
    code, out, err = publish("--plan", "--html", str(page))
    assert code == 0, err
    head = git(site.folder, "rev-parse", "HEAD")
    lines = out.splitlines()
    assert lines[0].startswith("here: generation 1, release ")
    assert lines[0].endswith(f"commit {first[:12]} runs on this machine; commit {head[:12]} would take its place")
    assert lines[1:-2] == [
        "pages: 1 added, 1 changed, 1 removed",
        "  ~ /a/",
        "      A This was written [-long ago.-] {+today.+}",
        "  + /b/",
        "  - /old/",
        "other files: 2 changed",
        "  ~ /feed.xml",
        "  ~ /style.css",
        "new in the feeds: 1",
        "  + b  /b/",
        "redirects:",
        "  + /old/  /a/ 308",
        "headers:",
        "  + X-Own  yes",
        "edge: none, without an engine",
    ]
    assert lines[-2].startswith("to send: ")
    assert lines[-1] == "nothing was changed"
    assert standing(site) == before
    assert site.page("/a/") == "<title>A</title><p>This was written long ago."
    written = page.read_text()
    assert "<del>long ago.</del> <ins>today.</ins>" in written
    assert "src=" not in written
    assert "href=" not in written


def test_a_machine_gets_the_same(site, publish):
    publish()
    change(site)
    code, out, _ = publish("--plan", "--json")
    told = json.loads(out)
    assert code == 0
    assert [(one["url"], one["change"]) for one in told["pages"]] == [
        *(("/a/", "changed"), ("/b/", "added"), ("/old/", "removed")),
    ]
    assert told["pages"][0]["words"][1:] == [
        {"kind": "removed", "text": "long ago."},
        {"kind": "added", "text": "today."},
    ]
    assert told["feed_items"] == [{"id": "tag:b", "path": "/b/", "title": "b"}]
    assert told["redirects"] == [{"name": "/old/", "before": None, "after": "/a/ 308"}]
    assert told["runs"]["generation"] == 1
    assert told["bytes"] > 0
    assert told["packages"] is None  # the hand-made image names another lock


def test_of_a_first_publish_all_is_added(site, publish):
    code, out, err = publish("--plan")
    assert code == 0, err
    assert "nothing is published to this machine yet" in out.splitlines()[0]
    assert "pages: 3 added" in out
    assert "  + /old/\n" in out
    assert "packages:" not in out
    assert not (site.folder.parent / "state/containers").exists()


def test_what_runs_already_would_change_nothing(site, publish):
    publish()
    code, out, _ = publish("--plan")
    assert code == 0
    assert out.splitlines()[1:] == [
        *("readers would see no change", "edge: none, without an engine"),
        *("to send: nothing, the host has the image", "nothing was changed"),
    ]


def test_a_page_that_was_changed_on_the_host_is_told(site, publish, monkeypatch):
    publish()
    change(site)
    fetch = sides.probe.fetch

    def lying(endpoint, path, **limits):
        answer = fetch(endpoint, path, **limits)
        return sides.probe.SiteAnswer(200, b"<p>forged", answer.headers) if path == "/a/" else answer

    monkeypatch.setattr(sides.probe, "fetch", lying)
    code, out, _ = publish("--plan")
    assert code == 0
    told = "its old text can't be had: the host serves other bytes than its release holds"
    assert f"  ~ /a/\n      {told}\n" in out


def test_what_no_commit_tells_is_fetched_and_that_is_said(site, publish):
    write(site, "a/index.html", "<p>Not committed, \x1b[31mand red")
    write(site, "gone/index.html", "<p>Only here")
    assert publish("--dirty")[0] == 0
    git(site.folder, "stash", "-q", "-u")
    write(site, "b/index.html", "<p>Brand new")
    commit(site.folder)
    code, out, err = publish("--plan")
    assert code == 0, err
    assert "what runs is not known by its seal: this machine was made of what no commit holds" in err
    assert "  ~ /a/\n" in out
    assert "[-Not committed, \\x1b[31mand red-]" in out
    assert "  + /b/\n" in out
    assert "\x1b" not in out
    told = json.loads(publish("--plan", "--json")[1])
    assert (told["redirects"], told["headers"], len(told["missing"])) == (None, None, 1)


def test_colours_are_for_a_terminal_that_wants_them(site, publish, monkeypatch):
    publish()
    change(site)
    monkeypatch.setattr("sealpress.commands.console.Console.paints", lambda *_: True)
    _, out, _ = publish("--plan")
    assert "      A This was written \x1b[31mlong ago.\x1b[0m \x1b[32mtoday.\x1b[0m\n" in out


def test_a_stopped_site_has_nothing_to_compare_with(site, publish):
    publish()
    publish("stop")
    code, _, err = publish("--plan")
    assert code == 8
    assert "generation 1 does not run" in err
    assert "publish start brings it back" in err


def test_a_page_for_the_plan_needs_a_plan(site, publish, tmp_path):
    code, _, err = publish("--html", str(tmp_path / "plan.html"))
    assert code == 2
    assert "--html goes with --plan" in err
    assert not (site.folder.parent / "state/containers").exists()


def test_without_a_lock_none_is_written(site, publish):
    git(site.folder, "rm", "-q", "imagebake.lock")
    commit_id = commit(site.folder) if git(site.folder, "status", "--porcelain") else ""
    code, out, err = publish("--plan")
    assert code == 0, err
    assert commit_id
    assert "pages: 3 added" in out
    assert "there is no imagebake.lock yet" in err
    assert not (site.folder / "imagebake.lock").exists()
    assert publish("--plan", "--locked")[0] == 4
