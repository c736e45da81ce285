"""The URL ledger: no publish loses an address that readers may have, unless somebody insists."""

import json

import pytest

from imagebake.packages import lock as locks
from tests.publish.cli.conftest import LOCK, commit, git

pytestmark = pytest.mark.long


@pytest.fixture
def site(blog):
    """A blog whose tree is the folder `tree`, with a page /a/ and one at /b/; both are published first."""
    (blog.folder / "generate.sh").write_text("mkdir -p public && cp -R tree/. public/\n")
    for path in ("index.html", "a/index.html", "b/index.html"):
        write(blog, path, "<p>one")
    commit(blog.folder)
    return blog


def write(blog, path: str, text: str) -> None:
    (blog.folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
    (blog.folder / "tree" / path).write_text(text)


def drop(blog) -> None:
    git(blog.folder, "rm", "-q", "tree/a/index.html")
    commit(blog.folder)


def containers(blog) -> list[str]:
    return sorted(str(path) for path in (blog.folder.parent / "state/containers").iterdir())


def urls(publish) -> list[str]:
    code, out, err = publish("ledger", "--json")
    assert code == 0, err
    return [one["url"] for one in json.loads(out)["urls"]]


def test_a_publish_that_would_lose_a_url_stops_before_anything_is_changed(site, publish):
    assert publish()[0] == 0
    assert urls(publish) == ["/", "/a/", "/b/"]
    drop(site)
    before = containers(site)
    code, _, err = publish()
    assert code == 3
    assert "error: /a/ was served by an earlier release, and nothing answers there any more\n" in err
    assert 'hint: add to [image.redirects] in site.toml: "/a/" = "410"; publish --allow-lost-urls lets it go' in err
    assert (containers(site), site.page("/a/")) == (before, "<p>one")
    locks.save(LOCK, site.folder / "imagebake.lock")
    commit(site.folder)
    code, out, err = publish("--plan")
    assert code == 0, err
    assert 'lost, which stops the publish: 1\n  - /a/  keep it: "/a/" = "410"\n' in out
    with (site.folder / "site.toml").open("a") as file:
        file.write('\n[image.redirects]\n"/a/" = "410"\n')
    commit(site.folder)
    assert "lost" not in publish("--plan")[1]
    assert publish()[0] == 0
    assert urls(publish) == ["/", "/a/", "/b/"]


def test_who_insists_loses_it_once(site, publish):
    publish()
    drop(site)
    code, out, err = publish("--allow-lost-urls", "--json")
    assert code == 0, err
    assert json.loads(out)["lost"] == [{"url": "/a/", "id": None, "id_now": None, "line": '"/a/" = "410"'}]
    assert urls(publish) == ["/", "/b/"]
    site.edit("again")
    assert publish()[0] == 0
    # It counts anew where it is served anew.
    write(site, "a/index.html", "<p>back")
    commit(site.folder)
    publish()
    drop(site)
    assert publish()[0] == 3


def test_what_urls_txt_tells_counts_too(site, publish):
    publish()
    code, out, _ = publish("ledger", "--write")
    assert code == 0
    file = site.folder / "urls.txt"
    assert out == f"Wrote 3 URLs into {file}: git add urls.txt, and commit it\n"
    assert file.read_text().splitlines()[1:] == ["/", "/a/", "/b/"]
    with file.open("a") as out_file:
        out_file.write("/from-before/\n")
    commit(site.folder)
    code, _, err = publish()
    assert (code, "/from-before/ was served by an earlier release" in err) == (3, True)
    assert publish("--allow-lost-urls")[0] == 0
    assert publish("ledger", "--write")[0] == 0
    assert file.read_text().splitlines()[1:] == ["/", "/a/", "/b/"]
    assert publish("ledger")[1] == file.read_text()
    # The image doesn't hold it.
    assert "from-before" not in site.page("/urls.txt")


def test_a_release_that_never_was_live_does_not_count(site, publish):
    publish()
    write(site, "index.html", "broken")
    write(site, "new/index.html", "<p>new")
    commit(site.folder)
    assert publish()[0] == 8
    assert urls(publish) == ["/", "/a/", "/b/"]


def test_a_rollback_is_never_stopped_and_what_it_takes_away_still_counts(site, publish):
    publish()
    write(site, "new/index.html", "<p>new")
    commit(site.folder)
    publish()
    assert publish("rollback")[0] == 0
    assert urls(publish) == ["/", "/a/", "/b/", "/new/"]
    git(site.folder, "revert", "--no-edit", "HEAD")
    code, _, err = publish()
    assert (code, "/new/ was served" in err) == (3, True)


def test_a_ledger_that_can_not_be_kept_is_told_and_the_release_is_out(site, publish):
    (site.folder.parent / "state").mkdir(exist_ok=True)
    (site.folder.parent / "state/records").write_text("in the way")
    code, _, err = publish()
    assert code == 0
    assert "warning: the URL ledger was not kept: this machine can't keep its records" in err
    (site.folder.parent / "state/records").unlink()
    code, out, _ = publish()
    assert (code, "already runs" in out) == (0, True)
    assert urls(publish) == ["/", "/a/", "/b/"]


def test_lines_of_a_record_that_are_none_are_passed_over(site, publish):
    publish()
    (record,) = (site.folder.parent / "state/records").glob("*.urls")
    with record.open("ab") as file:
        file.write(b"+ /c\x1b[31m/\n+ no\n* /d/\n+ \xff\n\n+ /e/ id \x1b\n+")
    code, out, _ = publish("ledger")
    assert (code, "\x1b" not in out) == (0, True)
    assert out.splitlines()[1:] == ["/", "/a/", "/b/", "/e/ id \\x1b"]
