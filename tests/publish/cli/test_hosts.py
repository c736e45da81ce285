"""The command line of a target with several hosts: what a person and a machine are told, where one can't be reached."""

import json

import pytest

from publish.target import fleet
from sealpress.config.settings import PublishTarget
from sealpress.problems import Exit, Problem

SEVERAL = PublishTarget(host=("ada@one.example", "ada@two.example"))


@pytest.fixture
def several(blog, monkeypatch):
    """The blog's target, with a second host that ssh can't reach: its name is one that no resolver knows."""
    config = blog.folder.parent / "ssh_config"
    config.write_text("UserKnownHostsFile /dev/null\nIdentityAgent none\n")
    monkeypatch.setenv("SEALPRESS_SSH_CONFIG", str(config))
    file = blog.folder / "site.toml"
    text = file.read_text().replace('engine = "embedded"\n', "")
    file.write_text(text.replace('host = "local"', 'host = ["local", "ada@none.invalid"]'))
    return blog


@pytest.mark.parametrize("command", [[], ["--plan"], ["rollback"], ["stop"], ["start"], ["prune"], ["ledger"], ["log"]])
def test_nothing_is_done_where_one_host_is_out_of_reach(several, publish, command):
    code, _, err = publish(*command)
    assert code == Exit.HOST, err
    assert "none.invalid" in err


def test_status_tells_of_the_others_all_the_same(several, publish):
    code, out, err = publish("status", "--json")
    assert code == Exit.HOST, err
    here, there = json.loads(out)["hosts"]
    assert (here["host"], here["releases"]) == ("this machine", [])
    assert there["host"] == "ada@none.invalid"
    assert "none.invalid" in there["problem"]["message"]
    code, out, err = publish("status")
    assert out.splitlines()[0] == "local:"
    assert "ada@none.invalid:" in out
    assert "not known: " in out


def test_doctor_looks_at_each(several, publish):
    code, out, err = publish("doctor", "--json")
    assert code == Exit.DIFFERENT, err
    found = json.loads(out)["findings"]
    assert {*found} == {"this machine", "here local", "here ada@none.invalid"}
    assert not found["here ada@none.invalid"][0]["is_well"]


def test_logs_are_those_of_one_host(several, publish):
    code, _, err = publish("logs")
    assert code == Exit.USAGE
    assert "logs are those of one host, and here has 2" in err
    assert "hint: --host with one of these: local, ada@none.invalid" in err
    code, _, err = publish("logs", "--host", "ada@non.invalid")
    assert code == Exit.USAGE
    assert 'here has no host "ada@non.invalid" (did you mean "ada@none.invalid"?)' in err
    code, _, err = publish("logs", "--host", "local")
    assert (code, "the site does not run" in err) == (Exit.RELEASE, True), err


def test_a_target_of_several_hosts_is_each_of_them_in_turn():
    assert [one.only_host for one in SEVERAL.each] == ["ada@one.example", "ada@two.example"]
    assert fleet.choose(SEVERAL, "p", "ada@two.example", "").only_host == "ada@two.example"
    with pytest.raises(Problem):
        fleet.choose(SEVERAL, "p", None, "")
