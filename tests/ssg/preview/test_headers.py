"""The policy that a page is under in a preview: that of the sealed site, as far as it needs it; and the script's."""

from pathlib import Path

import pytest

from imagebake.policy import header
from sealpress.config import sitefile
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree
from ssg.preview.headers import SiteHeaders, with_script
from ssg.preview.server import OWN
from tests.ssg.blogs import Blog

PARTY = "https://pictures.example"
HOST = f"http://localhost:4000{OWN}"


def directives(policy: str) -> dict[str, set[str]]:
    return {words[0]: set(words[1:]) for words in map(str.split, policy.split(";")) if words}


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    blog.write("static/custom.css", "h1 { background: url(/a.png) } p { background: url(data:image/png;base64,AA==) }")
    blog.write("static/a.png", "")
    blog.write("static/own.js", "1")
    blog.page("index.md", "Home.")
    blog.page("about.md", "<script>one()</script>\n\n<p style='color: red' onclick='two()'>Words</p>")
    blog.page("posts/one.md", "<script src='/own.js'></script>\n\n<iframe src='/about/'></iframe>")
    blog.page("posts/two.md", "<img src='https://pictures.example/a.png' alt='A picture'>")
    return blog


def previewed(blog: Blog) -> dict[str, str]:
    """The policy of each page of the built site."""
    built = blog.built()
    assert not isinstance(built, list), built
    site = sitefile.load(blog.root / "site.toml", "site.toml")
    headers = SiteHeaders.of(site, built.files)

    def read(path: str) -> bytes:
        return (blog.output / path).read_bytes()

    return {path: headers.policy(path, read(path), read) for path in built.files}


def test_a_page_may_what_it_may_when_it_is_sealed(blog: Blog) -> None:
    blog.set("image", "third_parties", [PARTY])
    found = previewed(blog)
    site = sitefile.load(blog.root / "site.toml", "site.toml")
    sealed = header.compute(tree.scan(blog.output), site.settings.image, url=site.settings.site.url)
    whole = directives(sealed.pages)
    together: dict[str, set[str]] = {}
    for path, policy in found.items():
        if path.endswith(".html"):
            for name, sources in directives(policy).items():
                # Whether a party that no page here asks is asked by scripts, nobody knows who looks at one page.
                assert sources - {"'none'", PARTY} <= whole.get(name, set()), (path, name)
                together.setdefault(name, set()).update(sources)
    nothing = {"'none'", PARTY}
    for name in together | whole:
        assert together.get(name, set()) - nothing == whole.get(name, set()) - nothing, name
    assert PARTY in directives(found["posts/two/index.html"])["img-src"]
    assert [policy for path, policy in found.items() if path.endswith(".svg")] == [sealed.drawings]
    assert found["own.js"] == ""


def test_what_no_bake_would_take_is_refused(blog: Blog) -> None:
    """And the writer hears of it, in the words of a bake."""
    assert "pictures.example" not in previewed(blog)["posts/two/index.html"]
    page = (blog.output / "posts/two/index.html").read_bytes()
    (told,) = SiteHeaders.of(sitefile.load(blog.root / "site.toml", "site.toml"), ()).refused(
        "posts/two/index.html", page
    )
    with pytest.raises(Problem) as raised:
        header.compute(tree.scan(blog.output), ImageSettings())
    assert told == f"{raised.value.message}: {raised.value.hint}"
    assert PARTY in told
    blog.set("image", "policy", "default-src 'self'")
    assert SiteHeaders.of(sitefile.load(blog.root / "site.toml", "site.toml"), ()).refused("x.html", page) == []


def test_what_site_toml_says_itself(blog: Blog) -> None:
    blog.set("image", "policy", "default-src 'self'")
    assert previewed(blog)["about/index.html"] == "default-src 'self'"
    blog.set("image", "policy", "off")
    assert previewed(blog)["about/index.html"] == ""
    blog.set("image", "headers", {"content-security-policy": "img-src 'none'", "X-Own": "1", "Referrer-Policy": ""})
    assert previewed(blog)["about/index.html"] == "img-src 'none'"
    site = sitefile.load(blog.root / "site.toml", "site.toml")
    sent = SiteHeaders.of(site, ()).headers("x")
    assert (sent["Content-Security-Policy"], sent["X-Own"], sent["Referrer-Policy"]) == ("x", "1", "")
    assert sent["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", ""),
        (
            "default-src 'none'; img-src 'self'",
            f"default-src 'none'; img-src 'self'; script-src-elem {HOST}client.js; connect-src {HOST}",
        ),
        (
            "script-src 'self' 'unsafe-inline'; connect-src 'none'",
            (
                f"script-src 'self' 'unsafe-inline'; connect-src {HOST}; "
                f"script-src-elem 'self' 'unsafe-inline' {HOST}client.js"
            ),
        ),
        ("img-src 'self'; upgrade-insecure-requests", "img-src 'self'"),
        ("script-src 'strict-dynamic'", "script-src 'strict-dynamic'; script-src-elem 'strict-dynamic' 'nonce-N'"),
        ("IMG-SRC a; img-src b", "img-src a"),
    ],
)
def test_the_script_of_the_preview_may_run_and_ask(policy: str, expected: str) -> None:
    assert with_script(policy, f"{HOST}client.js", HOST, "N") == expected
