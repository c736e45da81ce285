"""One run shows all that can be known in one run: no stage of a build hides the faults of the next."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ssg.build.result import Built
from tests.ssg.blogs import Blog
from tests.ssg.images import pictures

pytestmark = pytest.mark.long


def page(name: str, body: str, **head: str) -> Callable[[Blog], None]:
    return lambda blog: blog.page(name, body, **head)


def text(name: str, content: str) -> Callable[[Blog], None]:
    return lambda blog: blog.write(name, content)


def image(blog: Blog) -> None:
    file = pictures.save(blog.root / "content/lake.jpg", pictures.gradient(900, 600))
    file.write_bytes(file.read_bytes()[:2000])


def link(blog: Blog) -> None:
    (blog.root / "content/posts").mkdir(exist_ok=True)
    (blog.root / "content/posts/out").symlink_to("/etc/hosts")


def menu(blog: Blog) -> None:
    blog.set("menus", "main", [{"title": "A", "url": "/nowhere-at-all/"}])


# A fault of each stage: what makes it, where it is told, and the beginning of what is told.
FAULTS: dict[str, tuple[Callable[[Blog], None], str, str]] = {
    "a menu": (menu, "site.toml:8:33", 'nothing on the site is at "/nowhere-at-all/"'),
    "a setting": (lambda blog: blog.set("lists", "per_page", 0), "site.toml:6:12", "[lists] per_page must lie"),
    "an option": (lambda blog: blog.set("theme", "acent", "x"), "site.toml", 'unknown key "acent" in [theme]'),
    "a link of the file system": (link, "content/posts/out", "a symbolic link"),
    "a secret": (text("static/.env", "A=1\n"), "static/.env", '"static/.env" is, by its name,'),
    "an ending": (text("content/notes.markdown", "x"), "content/notes.markdown", '"notes.markdown" is no page'),
    "a language": (page("a.de.md", "Text."), "content/a.de.md", '"de" is not one of the site\'s languages'),
    "no front matter": (text("content/b.md", "Text.\n"), "content/b.md:1:1", "the page has no front matter"),
    "a key": (page("c.md", "Text.", tilte="x"), "content/c.md:3:1", 'unknown key "tilte" in the front matter'),
    "a body": (page("d.md", "```python {hl=x\ny\n```\n"), "content/d.md:4:1", ""),
    "a body below a key": (
        page("e.md", "[x](javascript:alert)", tilte="x"),
        "content/e.md:5:5",
        "",
    ),
    "a slug": (page("f.md", "Text.", slug="A B"), "content/f.md:3:7", 'the slug "A B" can\'t stand'),
    "a date": (page("posts/g.md", "Text.", date=""), "content/posts/g.md:2:8", "a post needs a date"),
    "a page": (page("h.md", "[x](nowhere.md)"), "content/h.md:4:5", 'this links to "content/nowhere.md"'),
    "a file": (page("i.md", "![x](nowhere.png)"), "content/i.md:4:6", 'there is no file "content/nowhere.png"'),
    "an anchor": (page("j.md", "[x](#nowhere)"), "content/j.md:4:5", 'there is no anchor "#nowhere"'),
    "a path": (page("k.md", "[x](/not-here-either/)"), "content/k.md:4:5", 'nothing on the site is at "/not-here-'),
    "two of one path": (page("l.md", "Text.", slug="about"), "content/l.md", '"content/l.md" and'),
    "two of one key": (page("m.md", "Text.", key="about"), "content/m.md:3:6", 'the key "about" is already'),
    "tags": (page("posts/n.md", "Text.", tags="[C#, C-Sharp]"), "content/posts/n.md:4:", "the tags"),
    "an image": (image, "content/lake.jpg", ""),
    "data": (text("data/one.json", "{"), "data/one.json:1:2", "not valid JSON"),
    "a string": (text("i18n/en.toml", "x = \n"), "i18n/en.toml:1:5", "not valid TOML"),
    "a template": (text("templates/page.html", "{% if %}"), "templates/page.html:1:1", "expected an expression"),
}

# What only files that were made can tell, beside faults of bodies and menus: what makes it, and where it is told.
SEEN: dict[str, tuple[Callable[[Blog], None], str]] = {
    "an address of a template": (
        text(
            "templates/list.html",
            '{% extends "theme/list.html" %}{% block head %}<i lang="x"><a href="/zzz/">{% endblock %}',
        ),
        "templates/list.html:1:69",
    ),
    "an address of a style sheet": (text("static/own.css", "p { background: url(x.png) }"), "static/own.css:1:21"),
    "an anchor of a template": (
        text("templates/tag.html", '{% extends "theme/tag.html" %}{% block head %}<a href="/about/#x">{% endblock %}'),
        "templates/tag.html:1:56",
    ),
    "an id twice": (
        text(
            "templates/tags.html", '{% extends "theme/tags.html" %}{% block head %}<i id="a"><i id="a">{% endblock %}'
        ),
        "templates/tags.html:1:65",
    ),
    "a template that fails": (text("templates/archive.html", "{{ page.nothing }}"), "templates/archive.html:1:9"),
    "an address in front matter": (
        page("v.md", "Text.", params="{image: /x.png}", template="image.html"),
        "content/v.md:3:17",
    ),
    "a whole URL in a body": (page("q.md", "[x](https://t.example.org/x/y/)"), "content/q.md:4:5"),
}
IMAGE = (
    '{% extends "theme/page.html" %}{% block head %}'
    '<meta property="og:image" content="{{ page.params.image }}">{% endblock %}'
)

OF_BODIES = ("a page", "a file", "an anchor", "a path", "a body")
OF_OTHERS = (
    "a menu",
    "a link of the file system",
    "a secret",
    "an ending",
    "two of one path",
    "no front matter",
    "a date",
)


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    made = Blog(tmp_path)
    made.page("about.md", "Text.")
    made.page("index.md", "Home.")
    made.page("posts/a.md", "A post.")
    return made


def told(blog: Blog) -> list[str]:
    result = blog.built()
    clean = blog.clean()
    if isinstance(result, Built):
        assert isinstance(clean, Built)
        return []
    assert result == clean
    return [f"{place}: {message}" for message, place, *_ in result]  # type: ignore[misc]


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_told_once(blog: Blog, name: str) -> None:
    make, place, message = FAULTS[name]
    blog.built()
    make(blog)
    found = told(blog)
    print(found)
    assert any(one.startswith(place) and message in one for one in found), found
    if name != "a body below a key":
        assert len(found) == 1


def test_one_run_tells_the_faults_of_all_stages_and_mending_one_shows_no_other(tmp_path: Path) -> None:
    names = list(FAULTS)
    seen: list[str] | None = None
    while names:
        blog = Blog(tmp_path / f"{len(names)}")
        blog.page("about.md", "Text.")
        blog.page("index.md", "Home.")
        blog.page("posts/a.md", "A post.")
        for name in names:
            FAULTS[name][0](blog)
        found = [without_lines(one) for one in told(blog)]
        for name in names:
            place, message = FAULTS[name][1:]
            assert any(one.startswith(without_lines(place)) and message in one for one in found), (name, found)
        assert seen is None or set(found) < set(seen), set(found) - set(seen)
        seen = found
        del names[len(names) * 5 // 7]
    assert seen is not None
    assert len(seen) == 1


def without_lines(place: str) -> str:
    """A place of site.toml moves as faults go."""
    return "site.toml" + place[place.find(" ") :] * (" " in place) if place.startswith("site.toml") else place


# What hangs on something that is at fault, and is not told a second time: what there is, and the only place of a fault.
FOLLOWING: dict[str, tuple[list[Callable[[Blog], None]], list[str]]] = {
    "a page without front matter": (
        [text("content/b.md", "Text.\n"), page("x.md", "[x](b.md) [y](b.md#part) [z](/b/)")],
        ["content/b.md:1:1"],
    ),
    "a page whose YAML is none": (
        [
            text("content/b.md", "---\ntitle: [\nslug: other\n---\n## Part\n"),
            page("x.md", "[y](b.md#part) [z](/other/)"),
        ],
        ["content/b.md:2:8"],
    ),
    "a post without a date": (
        [page("posts/g.md", "Text.", date=""), page("x.md", "[x](posts/g.md)")],
        ["content/posts/g.md:2:8"],
    ),
    "a page with a wrong date": (
        [page("posts/g.md", "Text.", date="soon", tags="[deep]"), page("x.md", "[x](/tags/deep/) [y](posts/g.md)")],
        ["content/posts/g.md:3:7"],
    ),
    "a bundle that can't be read": (
        [
            text("content/b/index.md", "Text.\n"),
            text("content/b/note.txt", "x"),
            page("x.md", "[x](b/note.txt) [y](b/index.md)"),
        ],
        ["content/b/index.md:1:1"],
    ),
    "a page of an unknown language": ([page("a.de.md", "Text."), page("x.md", "[x](a.de.md)")], ["content/a.de.md"]),
    "a bad slug": ([page("f.md", "Text.", slug="A B"), page("x.md", "[x](/a-b/) [y](f.md)")], ["content/f.md:3:7"]),
    "two slugs that are none": (
        [page("f.md", "Text.", slug="A B"), page("h.md", "Text.", slug="A b")],
        ["content/f.md:3:7", "content/h.md:3:7"],
    ),
    "a damaged image": ([image, page("x.md", "![x](lake.jpg)")], ["content/x.md:4:6"]),
    "a link of the file system": ([link, page("x.md", "[x](posts/out)")], ["content/posts/out"]),
    "an unknown theme": (
        [lambda blog: blog.set("site", "theme", "nowhere"), page("x.md", "[x](/assets/style.css)")],
        ["site.toml:5:9"],
    ),
    "a menu to a page that can't be read": (
        [
            text("content/b.md", "Text.\n"),
            lambda blog: blog.set("menus", "main", [{"title": "A", "url": "b.md"}, {"title": "B", "url": "/b/"}]),
        ],
        ["content/b.md:1:1"],
    ),
    "a template that names none": (
        [page("x.md", "Text.", template="nowhere.html"), page("y.md", "[x](nowhere.md)")],
        ["content/x.md:3:11", "content/y.md:4:5"],
    ),
    "dead links in summaries and feeds": (
        [page("posts/s.md", "[x](nowhere.md#a) [y](/not/#b) ![z](n.png) [p](#c) [q](../about.md#d)")],
        [f"content/posts/s.md:6:{column}" for column in (5, 23, 37, 48, 56)],
    ),
    "an anchor that a body names twice": (
        [page("x.md", "## A {#a}\n\n<p id='a'>x</p>\n\n[x](#a)")],
        ["content/x.md:6:8"],
    ),
    "an anchor of a page that can't be read": (
        [
            text("content/b.md", "Text.\n"),
            text(
                "templates/page.html", '{% extends "theme/page.html" %}{% block head %}<a href="/b/#x">{% endblock %}'
            ),
        ],
        ["content/b.md:1:1"],
    ),
    "a url of a page that can't be read": (
        [
            text("content/b.md", "Text.\n"),
            text(
                "templates/page.html",
                '{% extends "theme/page.html" %}{% block head %}<a href="{{ url("b.md") }}">{% endblock %}',
            ),
        ],
        ["content/b.md:1:1"],
    ),
    "data that templates need": (
        [text("data/one.json", "{"), text("templates/page.html", "{{ site.data.one.a }}")],
        ["data/one.json:1:2"],
    ),
    "a template of many pages": (
        [text("templates/base.html", "{{ page.nothing }}")],
        ["templates/base.html:1:9"],
    ),
}


def with_faults(blog: Blog, names: Iterable[str]) -> None:
    blog.write("templates/image.html", IMAGE)
    for name in names:
        FAULTS[name][0](blog)


@pytest.mark.parametrize("name", SEEN)
def test_what_made_files_tell_is_told_beside_dead_links(blog: Blog, name: str) -> None:
    with_faults(blog, OF_BODIES)
    before = told(blog)
    make, place = SEEN[name]
    make(blog)
    found = told(blog)
    assert [one for one in found if one not in before] == [one for one in found if one.startswith(place)], found
    assert len(found) == len(before) + 1
    assert not (blog.output / "about").exists()


def test_all_that_made_files_tell_is_told_in_one_run(blog: Blog) -> None:
    with_faults(blog, [*OF_BODIES, *OF_OTHERS])
    before = told(blog)
    for make, _ in SEEN.values():
        make(blog)
    found = [one for one in told(blog) if one not in before]
    places = {place for name, (_, place) in SEEN.items() if name != "a template that fails"}
    assert {one.partition(": ")[0] for one in found} == places


def test_a_template_that_fails_does_not_hide_what_other_files_tell(blog: Blog) -> None:
    blog.write("templates/image.html", IMAGE)
    for make, _ in SEEN.values():
        make(blog)
    assert sorted(one.partition(": ")[0] for one in told(blog)) == sorted(place for _, place in SEEN.values())


def test_what_is_told_of_a_body_is_told_of_a_template_that_writes_it_too(blog: Blog) -> None:
    blog.page("x.md", "[x](/zz/) [y](about.md#y) [z](#z)")
    blog.page("y.md", "[x](https://t.example.org/zz/)")
    of_bodies = ["content/x.md:4:15", "content/x.md:4:31", "content/x.md:4:5"]
    assert sorted(one.partition(": ")[0] for one in told(blog)) == [*of_bodies, "content/y.md:4:5"]
    head = '{% extends "theme/page.html" %}{% block head %}'
    blog.write("templates/page.html", head + '<a href="/zz/"><a href="/about/#y">{% endblock %}')
    of_template = ["templates/page.html:1:57", "templates/page.html:1:72"]
    assert sorted(one.partition(": ")[0] for one in told(blog)) == [*of_bodies, "content/y.md:4:5", *of_template]


@pytest.mark.parametrize("name", FOLLOWING)
def test_what_hangs_on_a_fault_is_not_told_besides(blog: Blog, name: str) -> None:
    made, places = FOLLOWING[name]
    for make in made:
        make(blog)
    assert [one.partition(": ")[0] for one in told(blog)] == places, told(blog)


def test_a_fault_in_a_body_that_is_kept_is_told_again(blog: Blog) -> None:
    blog.page("h.md", "```python {hl=x\ny\n```\n\n[x](nowhere.md)")
    first = told(blog)
    assert len(first) == 2
    blog.page("posts/b.md", "Text.")
    assert told(blog) == first == told(blog)


def test_a_build_tells_the_faults_of_each_template_and_of_each_once(blog: Blog) -> None:
    blog.write("templates/page.html", "{{ page.nothing }}")
    blog.write("templates/post.html", "\n{{ nowhere }}")
    blog.page("more.md", "Text.")
    assert [one.partition(": ")[0] for one in told(blog)] == ["templates/page.html:1:9", "templates/post.html:2:4"]
