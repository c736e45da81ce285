"""Hosts as site.toml names them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.ssh.address import Address, parse_address
from sealpress.problems import Exit, Problem

GOOD = {
    "blog.example.org": Address("blog.example.org"),
    "deploy@blog.example.org": Address("blog.example.org", "deploy"),
    "deploy@192.0.2.7": Address("192.0.2.7", "deploy"),
    "deploy@2001:db8::7": Address("2001:db8::7", "deploy"),
    "deploy@[fd77::1]": Address("fd77::1", "deploy"),
    "[fd77::1]": Address("fd77::1"),
    "ssh://deploy@blog.example.org:2222": Address("blog.example.org", "deploy", 2222),
    "ssh://blog.example.org/": Address("blog.example.org"),
    "ssh://deploy@[2001:db8::7]:22": Address("2001:db8::7", "deploy", 22),
    "web-1_alias": Address("web-1_alias"),
}


@pytest.mark.parametrize("host", GOOD)
def test_a_host_is_read_as_ssh_would(host):
    assert parse_address(host) == GOOD[host]


@pytest.mark.parametrize(
    "host",
    [
        "",
        "-oProxyCommand=id",
        "deploy@-oProxyCommand=id",
        "-l@host",
        "ssh://-oProxyCommand=id/",
        "ssh://deploy@host:0",
        "ssh://deploy@host:65536",
        "ssh://deploy@host:22/path",
        "http://host",
        "deploy@host name",
        "deploy@[fd77::1]:22",
        "deploy@[host]",
        "deploy@[-oProxyCommand=id]",
        "deploy@host;id",
        "deploy@host\n",
        "deploy@$(id)",
        "a@b@c",
        "deploy@",
        "hôte",
    ],
)
def test_anything_else_is_refused_with_the_way_to_write_it(host):
    with pytest.raises(Problem) as caught:
        parse_address(host)
    assert caught.value.code is Exit.HOST
    assert "user@name" in caught.value.hint


@given(st.text(alphabet=string.printable, max_size=40))
def test_no_host_becomes_an_option_or_more_than_one_word(host):
    """Whatever passes is one argument for ssh that it takes as a destination."""
    try:
        destination = parse_address(host).destination
    except Problem:
        return
    assert destination[0] not in "-@"
    assert "@-" not in destination
    assert not set(destination) & set(" \t\r\n;&|$`'\"\\<>()*?%\0")


def test_known_hosts_names_another_port_in_brackets():
    assert parse_address("ssh://blog.example.org:2222").known_hosts_name == "[blog.example.org]:2222"
    assert parse_address("ssh://blog.example.org:22").known_hosts_name == "blog.example.org"
