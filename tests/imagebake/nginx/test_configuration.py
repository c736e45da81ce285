"""nginx.conf is a function of the settings and the tree's names, and what comes from outside stays a value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.nginx import configuration, directives
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from sealpress.tree.tree import MEDIA_TYPES, CacheClass, cache_class


def tokens(text: str) -> list[str]:
    """nginx's own reading of a configuration, as far as we write one: words, quoted words, `;`, `{` and `}`."""
    found: list[str] = []
    for quoted, mark, word in re.findall(r'(?:#[^\n]*\n)|"((?:[^"\\]|\\.)*)"|([;{}])|([^\s;{}"#]\S*?)(?=[;\s])', text):
        if quoted or mark or word:
            found.append(re.sub(r'\\([\\"])', r"\1", quoted) if quoted else mark or word)
    return found


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1))
def test_any_argument_is_read_back_as_it_was(text: str) -> None:
    assert tokens(directives.rendered([directives.Directive("name", (text, "end"))])) == ["name", text, "end", ";"]


def test_a_control_character_never_gets_into_a_configuration() -> None:
    with pytest.raises(ValueError, match="control character"):
        directives.rendered([directives.Directive("name", ("a\nb",))])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X A", "", 'the header "X A" is not the name of a header'),
        ("X-A\r\nX-B", "", 'the header "X-A\\x0d\\x0aX-B" is not the name of a header'),
        ("", "x", 'the header "" is not the name of a header'),
        ("X-A", "a\r\nX-B: c", 'the header "X-A" has a character that no header may hold (control or not ASCII)'),
        ("X-A", "é", 'the header "X-A" has a character that no header may hold (control or not ASCII)'),
        ("content-type", "x", 'the header "content-type" can\'t be set: nginx works it out for every answer'),
        ("ETag", "x", 'the header "ETag" can\'t be set: nginx works it out for every answer'),
    ],
)
def test_a_header_that_cannot_be_set_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        configuration.nginx_conf(ImageSettings(headers={name: value}), [])
    assert caught.value.code is Exit.SITE
    assert str(caught.value).startswith(f"site.toml: {message}\nhint: ")


@pytest.mark.parametrize("path", ["healthz", ".well-known/release"])
def test_a_path_that_the_image_answers_itself_is_refused(path: str) -> None:
    with pytest.raises(Problem) as caught:
        configuration.nginx_conf(ImageSettings(), ["index.html", path])
    assert (caught.value.code, caught.value.message) == (Exit.TREE, f'"{path}" is a path that the image answers itself')


def test_edits_of_pages_leave_the_configuration_alone() -> None:
    before = configuration.entries(ImageSettings(), ["404.html", "a.html"])
    assert configuration.entries(ImageSettings(), ["404.html", "b.0a1b2c3d.css", "c/index.html"]) == before
    assert configuration.entries(ImageSettings(), ["404.html", "fr/404.html"]) != before


def test_the_deepest_404_page_comes_first() -> None:
    conf = tokens(configuration.nginx_conf(ImageSettings(), ["404.html", "a/404.html", "a/b/404.html", "z/404.html"]))
    rules = [word for word in conf if word.startswith("~^/")]
    assert rules == ["~^/a/b/", "~^/a/", "~^/z/"]


def test_no_folder_name_reaches_the_configuration_unless_it_is_plain() -> None:
    plain = configuration.nginx_conf(ImageSettings(), ["404.html"])
    for folder in ('a"; }', "a b", "$uri", "é", "a?b", "a\\b", "{}"):
        assert configuration.nginx_conf(ImageSettings(), ["404.html", f"{folder}/404.html"]) == plain


def test_headers_stand_in_the_server_alone() -> None:
    """A location with an add_header of its own would lose all of the server's."""
    conf = configuration.nginx_conf(ImageSettings(headers={"X-A": "b"}), ["404.html"])
    assert {len(line) - len(line.lstrip()) for line in conf.splitlines() if "add_header" in line} == {8}


def test_every_media_type_of_the_tree_is_told() -> None:
    words = tokens(configuration.mime_types())
    for ending, kind in MEDIA_TYPES.items():
        assert ending in words[words.index(kind) : words.index(";", words.index(kind))]


@given(st.from_regex(r"[a-z/]{0,6}[.-]?[0-9a-f]{0,10}\.[a-z]{2,4}", fullmatch=True))
def test_nginx_caches_for_ever_just_what_the_tree_says(path: str) -> None:
    rules = [word for word in tokens(configuration.nginx_conf(ImageSettings(), [])) if word.startswith(("~\\.", "~["))]
    never, ever = (re.compile(rule[1:]) for rule in rules)
    is_immutable = not never.search(path) and ever.search(path) is not None
    assert is_immutable == (cache_class(path) is CacheClass.IMMUTABLE)


def test_listening_names_the_address_where_there_is_one() -> None:
    assert configuration.listen_conf(address="", port=8080) == "listen 8080 default_server;\n"
    assert configuration.listen_conf(address="127.0.0.1", port=80) == "listen 127.0.0.1:80 default_server;\n"
    assert configuration.listen_conf(address="::1", port=80) == 'listen "[::1]:80" default_server;\n'
