"""What the command line tells: help, addresses, states and ages, as text and as JSON."""

import json

import pytest

from publish import cli
from publish.engines.protocol import Endpoint
from publish.probing import probe
from publish.publishing import report
from publish.target import targets
from sealpress.config.settings import PublishTarget
from tests.publish.cli.conftest import commit, git
from tests.publish.memory import MemoryHost

pytestmark = pytest.mark.long


def test_status_tells_when_each_release_was_published_and_of_which_commit(blog, publish, monkeypatch):
    git(blog.folder, "commit", "-q", "--allow-empty", "-m", "Mend the \x1b[31mshed\n\nIt leaked.")
    monkeypatch.setattr(report, "_now", lambda: 1795000000)
    publish()
    (blog.folder / "page.html").write_text("two")
    publish("--dirty")
    monkeypatch.setattr(report, "_now", lambda: 1795000000 + 3 * 3600 + 5)
    header, dirty, committed, edge = publish("status")[1].splitlines()
    assert edge == "edge: none, without an engine"
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
