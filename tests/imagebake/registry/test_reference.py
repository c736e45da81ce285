"""What may be called an image in a registry, and which way leads there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.registry.reference import looks_like_one, parse
from sealpress.problems import Exit, Problem


@pytest.mark.parametrize(
    ("text", "url", "name", "tag"),
    [
        ("registry.example.org/blog", "https://registry.example.org", "blog", ""),
        ("registry.example.org:5000/ada/my-blog:v1.2_x", "https://registry.example.org:5000", "ada/my-blog", "v1.2_x"),
        ("localhost/blog", "http://localhost", "blog", ""),
        ("localhost:5000/blog:latest", "http://localhost:5000", "blog", "latest"),
        ("127.0.0.1:5000/a/b/c", "http://127.0.0.1:5000", "a/b/c", ""),
        ("127.8.0.9/blog", "http://127.8.0.9", "blog", ""),
        ("[::1]:5000/blog", "http://[::1]:5000", "blog", ""),
        ("https://localhost:5000/blog", "https://localhost:5000", "blog", ""),
        ("http://localhost:5000/blog", "http://localhost:5000", "blog", ""),
        ("registry:5000/blog", "https://registry:5000", "blog", ""),
    ],
)
def test_a_name_says_where_and_how(text: str, url: str, name: str, tag: str) -> None:
    found = parse(text)
    assert (found.registry.url, found.name, found.tag) == (url, name, tag)


def test_a_digest_names_an_image_too() -> None:
    found = parse(f"registry.example.org/blog@sha256:{'a' * 64}")
    assert (found.name, found.tag, found.digest) == ("blog", "", f"sha256:{'a' * 64}")
    assert str(found) == f"registry.example.org/blog@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blog",
        "ada/blog",  # no registry: it is never guessed
        "registry.example.org",
        "registry.example.org/",
        "registry.example.org/Blog",
        "registry.example.org/../blog",
        "registry.example.org/a//b",
        "registry.example.org/blog:",
        "registry.example.org/blog:a/b",
        "registry.example.org/blog:-a",
        "registry.example.org/blog@",
        "registry.example.org/blog@sha256:12",
        "registry.example.org:99999/blog",
        "registry.example.org:0/blog",
        "user:password@registry.example.org/blog",
        "registry.example.org/blog?x=1",
        "registry.example.org/blog\n",
        "registry .example.org/blog",
        "http://registry.example.org/blog",
        "http://127.0.0.1.example.org/blog",
        "http://localhost.example.org/blog",
        "file://localhost/blog",
        "registry.example.org/" + "a" * 256,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text)
    assert caught.value.code is Exit.USAGE
    assert not looks_like_one(text)


@given(st.text(alphabet=st.sampled_from("ab:/@.-_[]1%\\\n é"), max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except Problem:
        return
    assert parse(str(found)) == found or text.startswith("https://")
    assert found.registry.scheme == "https" or found.registry.is_here
