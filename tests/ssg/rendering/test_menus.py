"""Menus and the links of templates lead somewhere, and none of them runs anything."""

import re

import pytest


def test_menus_lead_somewhere_or_are_a_problem(blog, problem_of):
    """Source paths find the page of the reader's language; what is not there is a problem in site.toml."""
    blog.settings_text += (
        '\n[[menus.main]]\ntitle = "Us"\nurl = "about.md"\n\n[[menus.main]]\ntitle = "All"\nurl = "/tags/"\n'
    )
    rendered = blog.rendered()
    assert '<li><a href="/about/" aria-current="page">Us</a></li>' in rendered["about/index.html"]
    assert '<li><a href="/fr/a-propos/">Us</a></li>' in rendered["fr/index.html"]
    blog.settings_text += (
        '\n[[menus.main]]\ntitle = "x"\nurl = "abut.md"\n\n[[menus.main]]\ntitle = "y"\nurl = "/tag/"\n'
    )
    assert problem_of(blog) == (
        'site.toml:26:7: there is no page "content/abut.md" (did you mean "content/about.md"?) for a menu to lead to\n'
        '26 | url = "abut.md"\n'
        "           ^^^^^^^^^\n"
        'site.toml:30:7: nothing on the site is at "/tag/" (did you mean "/tags/"?)\n'
        '30 | url = "/tag/"\n'
        "           ^^^^^^^\n"
        "hint: a page is best named by its source: docs/index.md"
    )


@pytest.mark.parametrize(
    "url", ["javascript:a()", " Java\\tScript:a()", "data:text/html,x", "view-source:javascript:a"]
)
def test_no_menu_runs_anything(blog, problem_of, url):
    blog.settings_text += f'\n[[menus.main]]\ntitle = "x"\nurl = "{url}"\n'
    said = problem_of(blog)
    assert said.startswith("site.toml:18:7: a menu can't lead to \"")
    assert said.endswith("hint: name a page by its source, a path of the site, or a whole https:// URL")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            '<a href="{{ page.params.link | url }}">x</a>',
            'templates/link.html:1:1: a link can\'t lead to "javascript:"',
        ),
        ('<a href="{{ absolute_url(page.params.link) }}">x</a>', "templates/link.html:1:1: a link can't lead to"),
        (
            '<a href="{{ page.params.link }}">x</a>',
            'templates/link.html: content/link.md gets a <a href> that leads to "javascript:"',
        ),
        (
            '<form action="{{ page.params.link }}">x</form>',
            'templates/link.html: content/link.md gets a <form action> that leads to "javascript:"',
        ),
        (
            '<meta http-equiv="refresh" content="0; url={{ page.params.link }}">',
            'templates/link.html: content/link.md gets a <meta content> that leads to "javascript:"',
        ),
        ('<base href="/x/">', "templates/link.html: content/link.md gets a <base href>"),
    ],
)
@pytest.mark.parametrize("link", ["javascript:a()", " javascript:a()", "java\tscript:a()", "java\nscript:a()"])
def test_no_template_writes_what_runs_into_a_link(blog, problem_of, template, said, link):
    blog.write("templates/link.html", template)
    blog.page("content/link.md", template="link.html", params={"link": link})
    assert problem_of(blog).startswith(said)


@pytest.mark.parametrize(
    "written",
    [
        '<a href="javascript&colon;a()">x</a>',
        '<a href="java&#115;cript&#x3A;a()">x</a>',
        '<a href="java&Tab;script&#58;a()">x</a>',
        '<a href="&#0000106avascript:a()">x</a>',
        '<form action="java&NewLine;script:a()">x</form>',
        '<iframe src="data:,x"></iframe>',
        "<object data='data:image/svg+xml,x'></object>",
        "<embed src=data:;base64,eA==>",
        '<!-- --!><a href="javascript:a()">x</a><!-- -->',
        '<!--><a href="javascript:a()">x</a>-->',
        '<!---><a href="javascript:a()">x</a>-->',
    ],
)
def test_no_template_hides_what_runs(blog, problem_of, written):
    """By references to characters, by media types, by comments that end sooner than they seem to."""
    blog.write("templates/link.html", written)
    blog.page("content/link.md", template="link.html")
    assert problem_of(blog).startswith("templates/link.html: content/link.md gets a <")


def test_a_template_may_write_of_scripts(blog):
    text = (
        "<p>javascript:a()</p><script>x = 'javascript:a()'</script><img src='data:image/png;base64,x'><base target=a>"
        "<!-- <a href='javascript:a()'> -->&#39;&#8217;&#x2019;"
    )
    blog.write("templates/page.html", text)
    assert blog.rendered()["about/index.html"] == text


def test_the_menu_says_where_one_is(blog):
    rendered = blog.rendered()
    marks = {
        path: re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', rendered[path].split("<main")[0])
        for path in (
            "index.html",
            "docs/index.html",
            "docs/coat/index.html",
            "posts/two/index.html",
            "tags/wood/index.html",
        )
    }
    assert marks == {
        "index.html": [("/", "page")],
        "docs/index.html": [("/docs/", "page")],
        "docs/coat/index.html": [("/docs/", "true")],
        "posts/two/index.html": [("/posts/", "true")],
        "tags/wood/index.html": [("/posts/", "true")],
    }
