"""The lines of `_redirects` are read as they are meant, or refused at the very character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.config import redirects, toml
from sealpress.config.redirects import Redirect
from sealpress.problems import Exit, Problem

READ = [
    ("/a /b", ("/a", "/b", 301)),
    ("/a /b 301", ("/a", "/b", 301)),
    ("  /a\t/b   302  ", ("/a", "/b", 302)),
    ("/a /b 307\r", ("/a", "/b", 307)),
    ("/a https://example.org/x?y#z 308", ("/a", "https://example.org/x?y#z", 308)),
    ("/a http://example.org:8080", ("/a", "http://example.org:8080", 301)),
    ("/a https://[::1]/", ("/a", "https://[::1]/", 301)),
    ("/a 410", ("/a", "", 410)),
    ("/a - 410 # since May", ("/a", "", 410)),
    ("/a /b # 302", ("/a", "/b", 301)),
    ("/a /b#part", ("/a", "/b#part", 301)),
    ("/%C3%A9t%c3%a9/ /été/", ("/été/", "/%C3%A9t%C3%A9/", 301)),
    ("/a%20b /c%20d", ("/a b", "/c%20d", 301)),
    ("/100%25 /a%2525", ("/100%", "/a%2525", 301)),
    ('/"{}|\\^` /"{}|\\^`', ('/"{}|\\^`', "/%22%7B%7D%7C%5C%5E%60", 301)),
    ("/%2A/%3Ax /b", ("/*/:x", "/b", 301)),
    ("/a:b /a:b", ("/a:b", "/a:b", 301)),
]


@pytest.mark.parametrize(("line", "found"), READ, ids=[line for line, _ in READ])
def test_a_line_is_read(line: str, found: tuple[str, str, int]) -> None:
    (rule,) = redirects.parse(line)
    assert (rule.path, rule.to, rule.status) == found


def test_a_list_is_read_in_its_order_with_places() -> None:
    rules = redirects.parse("# top\n\n   # indented\n/a /b\n\t/c 410\n")
    assert [(rule.path, str(rule.place), str(rule.target)) for rule in rules] == [
        ("/a", "_redirects:4:1", "_redirects:4:4"),
        ("/c", "_redirects:5:2", "_redirects:5:5"),
    ]


@pytest.mark.parametrize(
    ("to", "inner"),
    [
        ("/b", "/b"),
        ("/b?x=/c", "/b"),
        ("/b#x?y", "/b"),
        ("/%C3%A9", "/é"),
        ("https://example.org/b", None),
    ],
)
def test_a_target_on_the_site_is_a_path(to: str, inner: str | None) -> None:
    (rule,) = redirects.parse(f"/a {to}")
    assert rule.inner == inner


REFUSED = [
    # the line, the message, columns of the carets, the hint
    ("/a", '"/a" leads nowhere', (1, 2), 'a line is FROM TO [STATUS], or FROM 410: "/old/ /new/ 302"'),
    ("/a 301", '"/a" has no target', (4, 3), None),
    ("/a - 301", '"/a" has no target', (4, 1), None),
    ("/a -", '"/a" has no target', (4, 1), None),
    ("/a /b 410", "what is gone leads nowhere", (4, 2), "write /a 410"),
    ("/a /b 303", '"303" is no status of a redirect', (7, 3), "write 301, 302, 307 or 308; 410 for what is gone"),
    ("/a /b 3O1", '"3O1" is no status of a redirect', (7, 3), None),
    ("/a /b ٣٠١", '"٣٠١" is no status of a redirect', (7, 3), None),
    ("/a /b 200", '"200" is no status of a redirect', (7, 3), "a page can't be shown under another address; "),
    ("/a /b 301!", '"301!" is no status of a redirect', (7, 4), 'take the "!" out: a file of the tree always comes'),
    ("/a /b 302 Country=fr", '"Country=fr" is one word too many', (11, 10), "conditions can't be set"),
    ("a /b", '"a" is not a path of the site: it must begin with "/"', (1, 1), "write /a"),
    ("https://x.org/a /b", '"https://x.org/a" is not a path of the site', (1, 15), "leave the host out"),
    ("/a?b=c /b", '"/a?b=c" has more than a path', (1, 6), "leave out what begins with"),
    ("/a#b /b", '"/a#b" has more than a path', (1, 4), None),
    ("/a/* /b", '"/a/*" has a wildcard, and there are none', (1, 4), "write one line for each path"),
    ("/a/:slug /b", '"/a/:slug" has a wildcard, and there are none', (1, 8), None),
    ("/a /b/:splat", '"/b/:splat" has a placeholder, and there are none', (4, 9), None),
    ("/a%zz /b", '"%zz" is no escape', (1, 5), "a % that is meant is %25"),
    ("/a /b%", '"%" is no escape', (4, 3), None),
    ("/a%E9 /b", '"/a%E9" is not UTF-8 behind its escapes', (1, 5), "write the characters themselves"),
    ("/a%00 /b", '"/a%00" holds a control character', (1, 5), None),
    ("/a%0d%0aX-Y:z /b", '"/a%0d%0aX-Y:z" holds a control character', (1, 13), None),
    ("/a//b /b", '"/a//b" is not a plain path', (1, 5), None),
    ("/a/../b /b", '"/a/../b" is not a plain path', (1, 7), None),
    ("/a/%2e/b /b", '"/a/%2e/b" is not a plain path', (1, 8), None),
    ("/a /../b", '"/../b" is not a plain path', (4, 5), None),
    ("/a b", '"b" is neither a path of the site nor a web address', (4, 1), 'write a path that begins with "/"'),
    ("/a //x.org/b", '"//x.org/b" names a host without a scheme', (4, 9), "write https://x.org/b"),
    ("/a javascript:alert(1)", '"javascript:alert(1)" is neither a path', (4, 19), None),
    ("/a https:///b", '"https:///b" is neither a path of the site nor a web address', (4, 10), None),
    ("/a https://x.org:99999/", '"https://x.org:99999/" is not a URL', (4, 20), None),
    ("/a https://u:p@x.org/", '"https://u:p@x.org/" is not the address of a page', (4, 18), None),
    ("/a https://é.org/", '"https://é.org/" has a host that is not ASCII', (4, 14), None),
    ("/a\x01b /b", "'\\x01' can't stand in an address", (3, 1), "take it out, or write it as %01"),
    ("/a /b\u2028c", "'\\u2028' can't stand in an address", (6, 1), None),
    ("/a\u00a0/b", "'\\xa0' can't stand in an address", (3, 1), "take it out, or write it as %C2%A0"),
    ("/" + "a" * 2048 + " /b", "a path of more than 2048 bytes", (1, 2049), None),
]


@pytest.mark.parametrize(("line", "message", "at", "hint"), REFUSED, ids=[row[0][:24] for row in REFUSED])
def test_a_line_that_says_nothing_is_refused_at_its_place(
    line: str, message: str, at: tuple[int, int], hint: str | None
) -> None:
    with pytest.raises(Problem) as caught:
        redirects.parse(f"# first\n{line}\n/fine /b\n")
    problem = caught.value
    assert problem.message.startswith(message)
    assert problem.place
    assert (problem.place.file, problem.place.line) == ("_redirects", 2)
    assert (problem.place.column, problem.place.length) == at
    assert problem.code is Exit.TREE
    assert (problem.hint or "").startswith(hint or "")
    assert problem.hint


def test_all_wrong_lines_are_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        redirects.parse("/a\n/b /c 999\n/d /e\n")
    assert [str(one.place) for one in caught.value.each] == ["_redirects:1:1", "_redirects:2:7"]


def test_a_problem_shows_its_line_with_a_caret() -> None:
    with pytest.raises(Problem) as caught:
        redirects.parse("/old/ /new/ 303")
    assert str(caught.value) == (
        '_redirects:1:13: "303" is no status of a redirect\n'
        "1 | /old/ /new/ 303\n"
        "                ^^^\n"
        "hint: write 301, 302, 307 or 308; 410 for what is gone"
    )


def test_rules_of_the_settings_have_the_places_of_their_keys_and_values() -> None:
    text = '[image.redirects]\n"/a" = "/b 302"\n"/c" = "410"\n'
    node = toml.parse(text, "site.toml").at("image", "redirects")
    table = {"/a": "/b 302", "/c": "410"}
    found = redirects.of_table(table, node)
    assert [(rule.path, rule.to, rule.status) for rule in found] == [("/a", "/b", 302), ("/c", "", 410)]
    assert [(str(rule.place), str(rule.target)) for rule in found] == [
        ("site.toml:2:1", "site.toml:2:8"),
        ("site.toml:3:1", "site.toml:3:8"),
    ]
    with pytest.raises(Problem) as caught:
        redirects.of_table({"/a": "/b 999"}, node)
    assert (str(caught.value.place), caught.value.code) == ("site.toml:2:8", Exit.SITE)
    with pytest.raises(Problem) as caught:
        redirects.of_table({"/x y": "/b"}, None)
    assert str(caught.value.place) == "site.toml"


@given(st.text())
def test_any_text_is_read_or_refused_and_what_is_read_is_harmless(text: str) -> None:
    _check(text)


words = st.sampled_from(
    ["/a", "/b/", "/é", "/%41", "410", "-", "302", "https://x.org/", "#", "\t", " ", "/a b", "//", "%0a", "$x", '"']
)


@given(st.lists(words, max_size=5).map(" ".join))
def test_any_words_are_read_or_refused(line: str) -> None:
    _check(line)


def _check(text: str) -> None:
    refused: list[Problem] = []
    rules: tuple[Redirect, ...] = ()
    try:
        rules = redirects.parse(text)
    except Problem as problem:
        refused += problem.each
    assert all(one.place and one.place.line and one.hint for one in refused)
    for rule in rules:
        assert rule.path.startswith("/")
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in rule.path)
        assert rule.to.isascii()
        assert not set(rule.to) & set(' "\\\r\n\t')
        assert rule.status in {301, 302, 307, 308, 410}
        assert bool(rule.to) == (rule.status != 410)
