"""`publish renew`: the commit that runs, with the newest packages; nothing else of the site changes."""

import json
from dataclasses import replace

import pytest

from imagebake.packages import lock as locks
from publish.publishing import live, renewal
from publish.target.targets import OpenTarget
from sealpress.config import sitefile
from sealpress.problems import Exit, LockProblem, Problem
from tests.publish.cli.conftest import LOCK, PACKAGE, commit, git

pytestmark = pytest.mark.long

NEWER = replace(LOCK, packages=(replace(PACKAGE, version="2", sha256="cd" * 32),))


@pytest.fixture
def mirror(monkeypatch):
    """What a mirror has, as the lock that an upgrade gives."""
    has = [NEWER]

    def pin(_settings, file, _progress, *, upgrade):
        assert upgrade
        before = locks.load(file) if file.exists() else None
        if isinstance(has[0], Exception):
            raise has[0]
        locks.save(has[0], file)
        return has[0], before != has[0]

    monkeypatch.setattr(renewal, "pin", pin)
    return has


@pytest.fixture
def site(blog, publish):
    locks.save(LOCK, blog.folder / "imagebake.lock")
    commit(blog.folder)
    assert publish()[0] == 0
    return blog


def generation(publish) -> int:
    return json.loads(publish("status", "--json")[1])["releases"][0]["generation"]


def test_what_runs_gets_the_newest_packages_and_no_newer_page(site, publish, mirror):
    runs = git(site.folder, "rev-parse", "HEAD")
    site.edit("written, and not published yet")
    code, out, err = publish("renew", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["commit"], told["generation"], told["unchanged"]) == (runs, 2, False)
    assert told["packages"] == [{"name": "tiny", "before": "1", "after": "2"}]
    assert site.page() == "one"
    assert locks.load(site.folder / "imagebake.lock") == NEWER
    assert "imagebake.lock has these packages now: git add imagebake.lock and commit it" in err
    assert git(site.folder, "status", "--porcelain") == "M imagebake.lock"
    newest = json.loads(publish("log", "--json")[1])["entries"][0]
    assert (newest["command"], newest["result"]) == ("renew", "done")


def test_an_edge_is_left_as_it_is(site, publish, mirror, monkeypatch):
    """The commit that runs may be one of before, to which it was rolled back, with an older lock of the edge."""
    asked = []
    flip = OpenTarget.flip
    monkeypatch.setattr(OpenTarget, "flip", lambda *given, **how: asked.append(how) or flip(*given, **how))
    for command in ("renew", "rollback"):
        asked.clear()
        assert publish(command)[0] == 0
        assert {"renews_edge": False} in asked
        assert {"renews_edge": True} not in asked


def test_nothing_newer_is_nothing_done(site, publish, mirror):
    assert publish("renew")[0] == 0
    commit(site.folder)
    code, out, err = publish("renew")
    assert code == 0
    assert "nothing is newer than the packages of imagebake.lock\n" in out
    assert "already runs: generation 2" in out
    assert "commit it" not in err
    assert git(site.folder, "status", "--porcelain") == ""


def test_a_lock_that_was_renewed_by_hand_is_published(site, publish, mirror):
    locks.save(NEWER, site.folder / "imagebake.lock")
    code, out, _ = publish("renew")
    assert (code, "answers: generation 2" in out) == (0, True)


def test_what_fails_leaves_lock_and_site(site, publish, mirror, monkeypatch):
    before = (site.folder / "imagebake.lock").read_bytes()
    mirror[0] = LockProblem("no mirror answers")
    assert publish("renew")[0] == 4
    mirror[0] = NEWER
    monkeypatch.setattr(
        "publish.publishing.report.put_out", lambda *_, **__: (_ for _ in ()).throw(LockProblem("the host is full"))
    )
    assert publish("renew")[0] == 4
    assert (site.folder / "imagebake.lock").read_bytes() == before
    assert (site.page(), generation(publish)) == ("one", 1)


def test_nothing_published_yet_is_told(blog, publish, mirror):
    code, _, err = publish("renew")
    assert (code, "nothing is published to here yet" in err) == (8, True)


def test_what_somebody_took_down_stays_down(site, publish, mirror):
    publish("stop")
    code, _, err = publish("renew")
    assert (code, "here does not run, and is left as it is" in err) == (8, True)
    assert json.loads(publish("status", "--json")[1])["releases"][0]["state"] == "exited"


def test_what_no_commit_holds_can_not_be_built_again(site, publish, mirror):
    (site.folder / "page.html").write_text("dirty")
    publish("--dirty")
    code, _, err = publish("renew")
    assert (code, "here was made of what no commit holds" in err) == (1, True)
    assert generation(publish) == 2


def test_a_host_does_not_choose_whose_program_runs(site, publish, mirror):
    """Its labels could name any commit here: one that is not in the branch's history is not built."""
    git(site.folder, "switch", "-q", "-c", "another")
    site.edit("of another branch")
    assert publish()[0] == 0
    git(site.folder, "switch", "-q", "main")
    code, _, err = publish("renew")
    assert (code, "which is not in this branch's history" in err) == (2, True)


@pytest.mark.parametrize("to_publish", [True, False])
def test_a_host_does_not_choose_what_is_published(blog, to_publish):
    """A draft on a branch of its own, say: it may be compared with what is there, and never comes out by a renewal."""
    git(blog.folder, "switch", "-q", "-c", "draft")
    (blog.folder / "site.toml").write_text('[site]\ntitle = "A"\nurl = "https://blog.example.org/"\n')
    draft = commit(blog.folder)
    git(blog.folder, "switch", "-q", "main")
    found = live.source_of(sitefile.open_site(blog.folder / "site.toml"), draft, "here", to_publish=to_publish)
    if not to_publish:
        with found as made_from:
            assert made_from.commit == draft
        return
    with pytest.raises(Problem, match="which is not in this branch's history") as raised, found:
        pass
    assert (raised.value.code, "it is not published" in str(raised.value.hint)) == (Exit.USAGE, True)
