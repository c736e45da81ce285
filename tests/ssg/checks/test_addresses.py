"""Every address of the site that a template, an option, a sheet or a body writes leads somewhere."""

from pathlib import Path
from urllib.parse import quote

import pytest

from sealpress.problems import Exit
from tests.ssg.blogs import Blog

pytestmark = pytest.mark.long

HEAD = '{{% extends "theme/page.html" %}}\n{{% block head %}}{}{{% endblock %}}\n'


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    blog.page("about.md", "Text.")
    blog.page("posts/a.md", "Text.")
    blog.write("static/here.png", "x")
    blog.write("static/b c.png", "x")
    blog.write("static/here.css", "p { background: url(here.png) }")
    return blog


def faults(blog: Blog) -> list[tuple[str, str]]:
    """Message and place of each fault."""
    found = blog.built()
    if not isinstance(found, list):
        return []
    assert all(code is Exit.SITE for *_, code in found)  # type: ignore[misc]
    return [(message, str(place)) for message, place, *_ in found]  # type: ignore[misc]


def dead(blog: Blog) -> list[str]:
    return [message.split('"')[1] for message, _ in faults(blog) if message.startswith("nothing on the site is at")]


DEAD = {
    '<link rel="preload" href="/x.css">': "/x.css",
    "<link rel=preload href=/x.css>": "/x.css",
    "<LINK REL='preload' HREF='/x.css'>": "/x.css",
    '<script src="x.js"></script>': "x.js",
    '<img alt="a > b" src="../x.png">': "../x.png",
    '<img srcset="/here.png 1x, /x.png 2x" src="/here.png">': "/x.png",
    '<img srcset="/here.png 1x,\n /x.png 2x" src="/here.png">': "/x.png",
    '<video poster="/x.png" src="/here.png"></video>': "/x.png",
    '<video><source src="/x.webm"><track src="/here.png"></video>': "/x.webm",
    '<audio src="/x.mp3"></audio>': "/x.mp3",
    '<object data="/x.pdf"></object>': "/x.pdf",
    '<iframe src="/x/"></iframe>': "/x/",
    '<a href="/about/?q=1">fine</a><a href="/abuot/?q=1#t">not</a>': "/abuot/?q=1#t",
    '<form action="/search"></form>': "/search",
    '<button formaction="/x">x</button>': "/x",
    '<meta property="og:image" content="/x.png">': "/x.png",
    '<meta property="og:image" content="https://t.example.org/x.png">': "https://t.example.org/x.png",
    '<meta content="https://t.example.org/x.png" name="twitter:image">': "https://t.example.org/x.png",
    '<meta http-equiv="refresh" content="5; url=/x/">': "/x/",
    '<a href="https://t.example.org/x/">x</a>': "https://t.example.org/x/",
    '<a href="//t.example.org/x/">x</a>': "//t.example.org/x/",
    '<a href="https://t.example.org:443/x/">x</a>': "https://t.example.org:443/x/",
    '<a href="//T.example.org:/x/">x</a>': "//T.example.org:/x/",
    '<a href="HTTPS://T.EXAMPLE.ORG/x/">x</a>': "HTTPS://T.EXAMPLE.ORG/x/",
    '<svg><use href="/x.svg#a"/></svg>': "/x.svg#a",
    '<svg><image xlink:href="/x.png"/></svg>': "/x.png",
    '<p style="background: url(/x.png)">': "/x.png",
    "<style>p { background: url('/x.png') }</style>": "/x.png",
    "<STYLE>p { background: url('/x.png') }</Style>": "/x.png",
    '<a href="/b%20d.png">x</a>': "/b%20d.png",
    '<a href="/caf&eacute;/">x</a>': "/café/",
    '<a href="&#47;x/">x</a>': "/x/",
}


@pytest.mark.parametrize("html", DEAD)
def test_what_a_template_writes_must_lead_somewhere(blog: Blog, html: str) -> None:
    blog.write("templates/page.html", HEAD.format(html))
    (fault,) = faults(blog)
    assert fault[0].startswith(f'nothing on the site is at "{DEAD[html]}", to which ')
    is_escaped = "&" in html  # then it is nowhere as it is read
    assert fault[1] == "content/about.md" if is_escaped else fault[1].startswith("templates/page.html:"), fault


FINE = [
    '<link rel="x" href="/here.css"><a href="../">up</a><a href="#_content">here</a><a href="?a=b">query</a>',
    '<a href="/about">a server adds the slash</a><a href="/b%20c.png">a blank</a><a href="/b c.png">another</a>',
    '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" srcset="data:image/gif;base64,R0lG 2x">',
    '<a href="mailto:a@t.example.org">a</a><a href="https://other.example/x/">b</a><a href="//other.example/x">c</a>',
    '<a href="http://t.example.org/x/">another scheme</a><a href="https://t.example.org:8443/x/">another port</a>',
    '<a href="https://t.example.org:99999/x/">no port</a><a href="https://[t/">no host</a><a href="tel:+33">call</a>',
    "<p>text: href=\"/x\" src='/x.png' url(/x.png)</p><!-- <a href='/x'> --><script>'<a href=\"/x\">'</script>",
    '<meta name="description" content="/x is no address here"><meta name="d" content="5; of them">',
    '<a href="/healthz">a</a><a href="/.well-known/seal.json">b</a><a href="/sitemap.xml">c</a>',
    '<a href="/robots.txt">d</a>',
    '<a href="">itself</a><a href="/">home</a><a href="/feed.xml">feed</a><a href="/fr/feed.xml">feed</a>',
    '<input value="/x"><p data-src="/x.js" title=\'href="/x"\'>a</p>',
]


@pytest.mark.parametrize("html", FINE)
def test_what_leads_somewhere_or_to_others_is_let_be(blog: Blog, html: str) -> None:
    blog.write("templates/page.html", HEAD.format(html))
    assert faults(blog) == []


def test_an_option_of_the_theme_is_told_where_it_stands(blog: Blog) -> None:
    blog.set("theme", "stylesheet", "/custom.css")
    (fault,) = faults(blog)
    assert fault[0].startswith('nothing on the site is at "/custom.css", to which ')
    assert " more lead" in fault[0]  # once for all pages
    assert fault[1].startswith("site.toml:")
    blog.write("static/custom.css", "p { color: red }")
    assert faults(blog) == []
    blog.write("static/custom.css", "p { background: url(x.png) }")
    assert faults(blog)[0][1] == "static/custom.css:1:21"


@pytest.mark.parametrize(
    ("sheet", "address"),
    [
        ("p { background: url(x.png) }", "x.png"),
        ("@import '/x.css';", "/x.css"),
        ("@font-face { src: url('fonts/x.woff2') format('woff2') }", "fonts/x.woff2"),
        ("p { background: url(https://t.example.org/x.png) }", "https://t.example.org/x.png"),
        ("/* url(x.png) */ p { background: url(here.png) url(data:,) url(#a) }", ""),
    ],
)
def test_what_a_style_sheet_loads_must_be_there(blog: Blog, sheet: str, address: str) -> None:
    blog.write("static/here.css", sheet)
    assert dead(blog) == ([address] if address else [])
    blog.write("static/here.css", "")
    blog.own_theme()
    blog.set("site", "theme", "own")
    with (blog.root / "own/static/style.css").open("a") as file:
        file.write(sheet.replace("x.png", "/x.png").replace("fonts/", "/fonts/").replace("here.png", "/here.png"))
    found = blog.built()
    assert isinstance(found, list) == bool(address)


def test_addresses_of_the_site_are_looked_at_in_bodies_too(blog: Blog) -> None:
    blog.page("about.md", "See [a](https://t.example.org/posts/a/) and\n[b](https://t.example.org/posts/b/).")
    (fault,) = faults(blog)
    assert fault == (
        'nothing on the site is at "https://t.example.org/posts/b/", to which content/about.md leads',
        "content/about.md:5:5",
    )


def test_below_a_path_addresses_lead_below_it(blog: Blog) -> None:
    blog.set("site", "url", "https://t.example.org/blog/")
    html = '<a href="/blog/x/">no</a><a href="/blog/about/">yes</a><a href="/">another site</a>'
    blog.write("templates/page.html", HEAD.format(html))
    assert dead(blog) == ["/blog/x/"]
    blog.write("templates/page.html", HEAD.format('<a href="{{ url("/about/") }}">yes</a>'))
    assert faults(blog) == []


def test_redirects_and_what_is_gone_are_known(blog: Blog) -> None:
    blog.write("templates/page.html", HEAD.format('<a href="/old/">a</a><a href="/older/">b</a><a href="/gone/">c</a>'))
    assert dead(blog) == ["/old/", "/older/", "/gone/"]
    blog.write("static/_redirects", "/old/ /about/\n/gone/ - 410\n")
    blog.set("image.redirects", '"/older/"', "/about/")
    assert faults(blog) == []


def test_what_other_programs_serve_is_named(blog: Blog) -> None:
    blog.write("templates/page.html", HEAD.format('<script src="/comments/js/embed.js"></script>'))
    blog.page("about.md", "See [all](/comments/all/).")
    assert [place for _, place in faults(blog)] == ["content/about.md:4:11", "templates/page.html:2:30"]
    blog.set("build", "elsewhere", ["/comments/"])
    assert faults(blog) == []
    blog.set("build", "elsewhere", ["comments/"])
    assert faults(blog) == [('[build] elsewhere must begin with "/", such as "/comments/"', "site.toml:8:14")]


def test_an_address_that_dies_is_told_whatever_is_made_anew(blog: Blog) -> None:
    """By a template that asks nothing of the page that goes; the next build knows of both."""
    blog.write("templates/page.html", HEAD.format('<link rel="x" href="/posts/a/"><link rel="y" href="/extra.txt">'))
    blog.write("static/extra.txt", "x")
    blog.page("other.md", "Text.")
    assert faults(blog) == []
    (blog.root / "static/extra.txt").unlink()
    assert dead(blog) == ["/extra.txt"]
    blog.write("static/extra.txt", "y")
    assert faults(blog) == []
    blog.page("posts/a.md", "Text.", slug="b")
    assert dead(blog) == ["/posts/a/"]
    assert faults(blog) == [(one, str(place)) for one, place, *_ in blog.clean()]  # type: ignore[union-attr, misc]
    blog.page("posts/a.md", "Text.")
    assert faults(blog) == []


def test_a_rule_that_goes_lets_addresses_die(blog: Blog) -> None:
    blog.write("templates/page.html", HEAD.format('<a href="/old/">a</a>'))
    blog.write("static/_redirects", "/old/ /about/\n")
    assert faults(blog) == []
    blog.write("static/_redirects", "/older/ /about/\n")
    assert dead(blog) == ["/old/"]


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("link", "file"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (DECOMPOSED, DECOMPOSED)])
def test_links_reach_files_whichever_normal_form_either_has(blog: Blog, link: str, file: str) -> None:
    """The address that is written is that of the file."""
    blog.page(f"{file}.md", "Text.", slug="coffee")
    blog.write(f"content/{file}.txt", "x")
    blog.write(f"static/{file}.pdf", "x")
    blog.page("about.md", f"[a]({link}.md) [b]({link}.txt) [c](/{link}.pdf) [d]({link}.md#x)\n\n## x")
    blog.body(f"{file}.md", "## x")
    assert faults(blog) == []
    html = (blog.output / "about/index.html").read_text()
    for path in ("/coffee/", f"/{quote(file)}.txt", f"/{quote(file)}.pdf", "/coffee/#x"):
        assert f'href="{path}"' in html


@pytest.mark.parametrize(("written", "file"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_what_makes_an_address_reaches_files_of_another_normal_form(blog: Blog, written: str, file: str) -> None:
    blog.page(f"{file}.md", "## x", slug="coffee")
    blog.write(f"static/{file}.pdf", "x")
    blog.page("posts/tea.md", "Text.", tags="[Чай]")
    path = "/tags/\u0447\u0430\u0438\u0306/" if written == DECOMPOSED else "/tags/\u0447\u0430\u0439/"
    targets = [f"/{written}.pdf", f"{written}.md", path]
    blog.set("menus", "main", [{"title": "A", "url": url} for url in targets])
    blog.page("about.md", f"[x]({path})")
    blog.write("templates/page.html", HEAD.format("".join(f"<a href=\"{{{{ url('{one}') }}}}\">" for one in targets)))
    assert faults(blog) == []
    html = (blog.output / "about/index.html").read_text()
    for address in (f"/{quote(file)}.pdf", "/coffee/", "/tags/" + quote("\u0447\u0430\u0439") + "/"):
        assert html.count(f'href="{address}"') >= 2


@pytest.mark.parametrize(("written", "file"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
@pytest.mark.parametrize("form", ["/{}.pdf", "https://t.example.org/{}.pdf", "../{}.pdf"])
def test_an_address_of_another_normal_form_is_told_with_what_to_write(
    blog: Blog, written: str, file: str, form: str
) -> None:
    blog.write(f"static/{file}.pdf", "x")
    blog.write("templates/page.html", HEAD.format(f'<a href="{form.format(written)}">x</a>'))
    ((_, place, hint, _),) = blog.built()  # type: ignore[misc, union-attr]
    assert str(place).startswith("templates/page.html:2:")
    assert f'write "/{quote(file)}.pdf", or in a template {{{{ url("/{written}.pdf") }}}}' in str(hint)
    blog.write("templates/page.html", HEAD.format(f'<a href="/{quote(file)}.pdf">x</a>'))
    assert faults(blog) == []
    blog.write("static/here.css", f"p {{ background: url({form.format(written)}) }}")
    ((_, place, hint, _),) = blog.built()  # type: ignore[misc, union-attr]
    assert str(place).startswith("static/here.css:1:")
    assert f'write "/{quote(file)}.pdf": ' in str(hint)


def test_an_address_of_other_capitals_is_told_with_what_to_write(blog: Blog) -> None:
    blog.write("templates/page.html", HEAD.format('<a href="/Tags/">x</a>'))
    ((_, _, hint, _),) = blog.built()  # type: ignore[misc, union-attr]
    assert hint == 'write "/tags/": A and a are two letters'


@pytest.mark.parametrize(
    ("site", "same", "others"),
    [
        (
            "https://t.example.org/",
            ["https://t.example.org:443/x", "//t.example.org/x"],
            ["http://t.example.org:443/x"],
        ),
        (
            "https://t.example.org:443/",
            ["https://t.example.org/x", "https://T.example.org:/x"],
            ["//t.example.org:80/x"],
        ),
        ("http://t.example.org/", ["http://t.example.org:80/x", "//t.example.org:/x"], ["https://t.example.org/x"]),
        ("http://t.example.org:80/", ["http://t.example.org/x", "//t.example.org/x"], ["http://t.example.org:8080/x"]),
        ("https://t.example.org:8443/", ["//t.example.org:8443/x"], ["https://t.example.org/x"]),
        ("https://xn--bcher-kva.example/", ["https://b\u00fccher.example/x"], ["https://bucher.example/x"]),
        ("https://[::1]:443/", ["https://[::1]/x"], ["https://[::2]/x", "https://[::1/x", "https://t.example.org:0/x"]),
    ],
)
def test_one_origin_has_several_names(blog: Blog, site: str, same: list[str], others: list[str]) -> None:
    blog.set("site", "url", site)
    html = "".join(f'<a href="{url}">x</a>' for url in (*same, *others))
    blog.write("templates/page.html", HEAD.format(html))
    assert dead(blog) == same


def test_what_the_last_build_copied_is_not_looked_at_when_something_goes(blog: Blog) -> None:
    blog.write("static/raw.html", '<a href="/x/">x</a>')
    blog.page("more.md", "Text.")
    assert faults(blog) == []
    (blog.root / "content/more.md").unlink()
    assert faults(blog) == []


@pytest.mark.parametrize("dialect", ["commonmark", "python-markdown"])
def test_links_to_a_part_of_the_page_lead_to_the_page_from_lists_and_feeds(blog: Blog, dialect: str) -> None:
    blog.set("markdown", "dialect", dialect)
    text = "See [x](#y), [top](#), [all](?a=b) and [^1].\n\n<!-- more -->\n\n## Y\n\n[up](#)\n\n[^1]: note"
    blog.page("posts/a.md", text)
    assert faults(blog) == []
    page = (blog.output / "posts/a/index.html").read_text()
    assert page.count('href="#y"') >= 1
    assert page.count('href="#"') == 2
    assert 'href="/posts/a/?a=b"' in page
    for path in ("index.html", "posts/index.html", "tags/red/index.html"):
        listed = (blog.output / path).read_text()
        assert '<a href="/posts/a/#y">x</a>' in listed
        assert '<a href="/posts/a/#">top</a>' in listed
        assert '<a href="/posts/a/?a=b">all</a>' in listed
        assert 'href="#y"' not in listed
    feed = (blog.output / "feed.xml").read_text()
    assert "https://t.example.org/posts/a/#y" in feed
    assert 'href="#' not in feed.replace("&quot;", '"')
