"""What an edit reaches is made anew, and nothing else: exactly the files that show it."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ssg.build import stale as staleness
from ssg.build import steps
from ssg.build.result import Built
from ssg.cache import last_build
from ssg.content import data
from ssg.content.sources import Options
from ssg.rendering.theme.theme import built_in_folder
from tests.ssg.blogs import Blog, files, stamps, told
from tests.ssg.images import pictures

pytestmark = pytest.mark.long

LISTS = {"index.html", "posts/index.html", "tags/red/index.html"}  # of summaries, with their titles
TITLES = LISTS | {"archive/index.html", "archive/2026/index.html"}
EVERY_POST = {f"posts/{name}/index.html" for name in "abcde"}


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    """Five posts, of which b stands between a and c, and two pages in English and French."""
    blog = Blog(tmp_path)
    blog.set("lists", "per_page", 10)
    for number, name in enumerate("abcde"):
        blog.page(f"posts/{name}.md", f"Summary of {name}.\n\nBody of {name}.", date=f"2026-01-0{number + 1}")
    blog.page("docs/index.md", "Docs.\n\n## Part")
    blog.page("docs/x.md", "X.")
    blog.page("about.md", "About.")
    blog.page("about.fr.md", "Sur.")
    return blog


Remade = Callable[[], set[str]]


@pytest.fixture
def remade(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> Remade:
    """Builds, and gives the files that were made anew; the tree is that of a clean build, or it fails."""
    made: list[str] = []
    real = staleness.stale

    def stale(*given: object) -> Iterator[staleness.Stale]:
        for one in real(*given):  # type: ignore[arg-type]
            made.append(one.file.path)
            yield one

    def built() -> set[str]:
        clean = told(blog.clean())
        made.clear()
        result = blog.built()
        assert told(result) == clean
        assert isinstance(result, Built)
        assert result.made == len(made)
        return set(made)

    monkeypatch.setattr(staleness, "stale", stale)
    built()
    return built


def test_nothing_is_made_anew_for_nothing(remade: Remade) -> None:
    assert remade() == set()


def test_a_touched_file_makes_nothing(blog: Blog, remade: Remade) -> None:
    before = stamps(blog.output)
    for path in blog.root.rglob("*.md"):
        os.utime(path)
    assert remade() == set()
    assert stamps(blog.output) == before


def test_a_body_below_its_summary_reaches_its_page_and_the_feed(blog: Blog, remade: Remade) -> None:
    blog.body("posts/b.md", "Summary of b.\n\nAnother body.")
    assert remade() == {"posts/b/index.html", "feed.xml"}


def test_a_body_that_is_not_in_a_feed_reaches_its_page_alone(blog: Blog, remade: Remade) -> None:
    blog.set("feeds", "full", value=False)
    remade()
    blog.body("posts/b.md", "Summary of b.\n\nAnother body.")
    assert remade() == {"posts/b/index.html"}


def test_a_summary_reaches_the_lists_that_show_it(blog: Blog, remade: Remade) -> None:
    blog.body("posts/b.md", "Another summary.\n\nBody of b.")
    assert remade() == {"posts/b/index.html", "feed.xml", *LISTS}


def test_a_title_reaches_lists_and_neighbours(blog: Blog, remade: Remade) -> None:
    blog.page("posts/b.md", "Summary of b.\n\nBody of b.", date="2026-01-02", title="Bee")
    neighbours = {f"posts/{name}/index.html" for name in "abc"}
    assert remade() == {*neighbours, "feed.xml", *TITLES}


def test_a_page_s_title_reaches_its_section(blog: Blog, remade: Remade) -> None:
    blog.page("docs/x.md", "X.", title="Ex")
    assert remade() == {"docs/index.html", "docs/x/index.html"}


def test_a_comment_in_a_head_makes_nothing(blog: Blog, remade: Remade) -> None:
    blog.page("docs/x.md", "X.", **{"# a comment": "x"})
    assert remade() == set()


def test_an_edit_that_converts_to_the_same_makes_nothing(blog: Blog, remade: Remade) -> None:
    blog.body("docs/x.md", "X.\n\n\n")
    assert remade() == set()


def test_an_edit_and_its_undoing_between_two_builds_make_nothing(blog: Blog, remade: Remade) -> None:
    blog.body("posts/b.md", "Other.")
    blog.body("posts/b.md", "Summary of b.\n\nBody of b.")
    assert remade() == set()


def test_a_new_post_reaches_what_lists_it_and_the_newest_before_it(blog: Blog, remade: Remade) -> None:
    blog.page("posts/f.md", "New.", date="2026-01-06", tags="")
    lists = {"index.html", "posts/index.html", "archive/index.html", "archive/2026/index.html"}
    feeds = {"feed.xml", "fr/feed.xml"}  # the French one has no posts, so it is dated by the newest page
    assert remade() == {"posts/f/index.html", "posts/e/index.html", "sitemap.xml", *feeds, *lists}


def test_a_tag_that_a_post_loses_reaches_the_lists_that_name_it(blog: Blog, remade: Remade) -> None:
    """No list but the tag's own and that of all tags shows how many posts it has."""
    blog.page("posts/b.md", "Summary of b.\n\nBody of b.", date="2026-01-02", tags="")
    shown = {"index.html", "posts/index.html", "feed.xml", "tags/red/index.html", "tags/index.html"}
    assert remade() - shown == {"posts/b/index.html"}


def test_a_body_with_an_anchor_that_others_link_to_reaches_its_page(blog: Blog, remade: Remade) -> None:
    blog.body("docs/x.md", "[part](index.md#part)")
    remade()
    blog.body("docs/index.md", "Docs.\n\nMore.\n\n## Part")
    assert remade() == {"docs/index.html"}


def test_a_template_reaches_its_users(blog: Blog, remade: Remade) -> None:
    blog.write("templates/404.html", "<p>{{ site.title }}</p>")
    assert remade() == {"404.html", "fr/404.html"}
    blog.write("templates/post.html", "<p>{{ page.title }}</p>")
    assert remade() == EVERY_POST
    blog.write("templates/lonely.html", "nobody uses it")
    assert remade() == set()


def test_an_included_template_reaches_all_that_include_it_when_it_comes_and_goes(blog: Blog, remade: Remade) -> None:
    blog.write("templates/post.html", "{% include 'extra.html' ignore missing %}")
    remade()
    blog.write("templates/extra.html", "extra")
    assert remade() == EVERY_POST
    (blog.root / "templates/extra.html").unlink()
    assert remade() == EVERY_POST


@pytest.fixture
def with_data(blog: Blog, remade: Remade) -> Remade:
    """Pages that read one data file each, and the page for what is not there, which lists all that is in a folder."""
    blog.write("data/authors.yaml", "ada: {name: Ada}\n")
    blog.write("data/team/people.json", '["Bea"]')
    blog.write("templates/post.html", "{{ site.data.authors.ada.name }}")
    blog.write("templates/page.html", "{{ site.data.team.people[0] }}{{ site.data.get('links', ['none'])[0] }}")
    blog.write("templates/404.html", "{% for name in site.data.team %}{{ name }} {% endfor %}")
    remade()
    return remade


PAGES = {"docs/index.html", "docs/x/index.html", "about/index.html", "fr/about/index.html"}
MISSING = {"404.html", "fr/404.html"}


def test_a_data_file_reaches_those_that_asked_for_it(blog: Blog, with_data: Remade) -> None:
    blog.write("data/authors.yaml", "ada: {name: Adele}\n")
    assert with_data() == EVERY_POST
    blog.write("data/team/people.json", '["Cid"]')
    assert with_data() == PAGES


def test_a_data_file_that_says_the_same_makes_nothing(blog: Blog, with_data: Remade) -> None:
    blog.write("data/authors.yaml", "# A comment\nada:\n  name: 'Ada'\n")
    blog.write("data/team/people.json", '[\n  "Bea"\n]\n')
    assert with_data() == set()


def test_the_order_of_a_table_is_what_it_says(blog: Blog, with_data: Remade) -> None:
    blog.write("data/authors.yaml", "ada: {name: Ada}\nbea: {name: Bea}\n")
    assert with_data() == EVERY_POST
    blog.write("data/authors.yaml", "bea: {name: Bea}\nada: {name: Ada}\n")
    assert with_data() == EVERY_POST


def test_a_data_file_that_comes_and_goes_reaches_those_that_asked_for_its_name(blog: Blog, with_data: Remade) -> None:
    blog.write("data/links.toml", 'a = "x"\n[[b]]\n')
    blog.write("templates/page.html", "{{ site.data.team.people[0] }}{{ site.data.get('links', {}).a }}")
    with_data()
    blog.write("data/lonely.toml", "")
    assert with_data() == set()
    blog.write("data/team/others.toml", "")
    assert with_data() == MISSING
    (blog.root / "data/team/others.toml").replace(blog.root / "data/team/those.toml")
    assert with_data() == MISSING
    (blog.root / "data/links.toml").replace(blog.root / "data/links.json")
    blog.write("data/links.json", '{"a": "y"}')
    assert with_data() == PAGES


@pytest.mark.usefixtures("with_data")
def test_a_data_file_is_not_read_for_what_does_not_show_it(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = data.read
    monkeypatch.setattr(data, "read", lambda found, source: read.append(source) or real(found, source))
    blog.write("templates/post.html", "{{ page.content }}")
    blog.built()
    blog.body("posts/b.md", "Summary of b.\n\nAnother body.")
    blog.built()
    assert read == []
    blog.write("templates/post.html", "{{ site.data.authors.ada.name }}")
    blog.built()
    assert read == ["data/authors.yaml"]


def test_an_interface_string_reaches_the_pages_that_show_it(blog: Blog, remade: Remade) -> None:
    text = (built_in_folder() / "plain/i18n/fr.toml").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("not_found_text"))
    blog.write("i18n/fr.toml", line.replace('= "', '= "Hé : ') + "\n")
    assert remade() == {"fr/404.html"}


@pytest.mark.parametrize(
    ("table", "key", "value", "expected"),
    [
        ("feeds", "limit", 2, {"feed.xml", "fr/feed.xml"}),
        ("feeds", "full", False, {"feed.xml", "fr/feed.xml"}),
        ("theme", "posts_at_home", 3, set()),  # there is no home page beside the list
        ("site", "timezone", "UTC", set()),
        ("params", "a", "x", set()),
        ("image", "port", 9090, set()),
    ],
)
def test_a_setting_reaches_what_asks_for_it(
    table: str, key: str, value: object, expected: set[str], blog: Blog, remade: Remade
) -> None:
    blog.set(table, key, value)
    assert remade() == expected


def test_a_setting_that_all_pages_show_reaches_all(blog: Blog, remade: Remade) -> None:
    blog.set("theme", "accent", "green")
    assert remade() == {path for path in files(blog.output) if path.endswith(".html")}


def test_a_copied_file_reaches_its_copy(blog: Blog, remade: Remade) -> None:
    blog.write("static/x.txt", "one")
    remade()
    blog.write("static/x.txt", "two")
    assert remade() == {"x.txt"}


def test_a_theme_s_style_sheet_reaches_every_page_by_its_name(blog: Blog, remade: Remade) -> None:
    blog.own_theme()
    blog.set("site", "theme", "own")
    remade()
    blog.write("own/static/extra.css", "a {}")
    (made,) = remade()
    assert made.startswith("assets/extra.")


def test_an_edited_image_reaches_its_variants_and_the_pages_that_show_it(blog: Blog, remade: Remade) -> None:
    """Not the feed, which shows its size alone, nor the page that only links to it, nor another image's variants."""
    blog.set("images", "widths", [20, 40])
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(60, 40))
    pictures.save(blog.root / "content/posts/other.png", pictures.corners(60, 40))
    blog.body("posts/b.md", "Summary of b.\n\n![P](p.png)")
    blog.body("posts/c.md", "Summary of c.\n\n[P](p.png) ![O](other.png)")
    remade()
    pictures.save(blog.root / "content/posts/p.png", pictures.corners(60, 40).rotate(180))
    made = remade()
    variants = {path for path in made if path.endswith(".webp")}
    assert len(variants) == 2
    assert all(path.startswith("assets/p-") for path in variants)
    assert made - variants == {"posts/b/index.html", "posts/p.png"}
    assert not [path for path in files(blog.output) if path.startswith("assets/p-") and path not in variants]
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(50, 40))
    assert "feed.xml" in remade()


def test_an_image_whose_size_and_name_stay_reaches_its_copy_alone(blog: Blog, remade: Remade) -> None:
    """A small one has no variants: what pages say of it does not change with its colours."""
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(60, 40))
    blog.body("posts/b.md", "Summary of b.\n\n![P](p.png)")
    remade()
    pictures.save(blog.root / "content/posts/p.png", pictures.corners(60, 40))
    assert remade() == {"posts/p.png"}
    os.utime(blog.root / "content/posts/p.png")
    assert remade() == set()


def test_a_body_with_an_image_makes_no_variant_anew(blog: Blog, remade: Remade) -> None:
    blog.set("images", "widths", [20, 40])
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(60, 40))
    blog.body("posts/b.md", "Summary of b.\n\n![P](p.png)")
    remade()
    blog.body("posts/b.md", "Summary of b.\n\n![Pea](p.png)")
    assert remade() == {"posts/b/index.html", "feed.xml"}
    blog.page("posts/b.md", "Summary of b.\n\n![Pea](p.png)", date="2026-01-02", title="Bee")
    assert not [path for path in remade() if path.endswith((".webp", ".png"))]


def test_settings_of_images_reach_the_pages_with_images(blog: Blog, remade: Remade) -> None:
    blog.set("images", "widths", [20, 40])
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(60, 40))
    blog.body("posts/b.md", "Summary of b.\n\n![P](p.png)")
    remade()
    blog.set("images", "sizes", "50vw")
    assert remade() == {"posts/b/index.html"}
    blog.set("images", "widths", [20, 40, 50])
    made = remade()
    assert {path.partition(".")[0] for path in made} == {"posts/b/index", "assets/p-50"}
    blog.set("images", "quality", 50)
    made = remade()
    assert len(made) == 4
    assert "posts/b/index.html" in made


def test_a_lost_variant_is_made_alone(blog: Blog, remade: Remade) -> None:
    blog.set("images", "widths", [20])
    pictures.save(blog.root / "content/posts/p.png", pictures.gradient(60, 40))
    remade()
    (path,) = (path for path in files(blog.output) if path.endswith(".webp"))
    (blog.output / path).unlink()
    assert remade() == {path}


def test_a_draft_that_is_asked_for_reaches_the_lists(blog: Blog, remade: Remade) -> None:
    blog.page("docs/z.md", "Z.", draft="true")
    assert remade() == set()
    blog.options = Options(drafts=True)
    assert remade() == {"docs/z/index.html", "docs/index.html", "docs/x/index.html", "sitemap.xml"}


def test_a_spoiled_file_stops_the_build_and_is_made_anew_alone(blog: Blog, remade: Remade) -> None:
    for name in ("about/index.html", "stray.html"):
        (blog.output / name).write_text("spoiled")
        assert name in str(told(blog.built()))
        assert (blog.output / name).read_text() == "spoiled"
        (blog.output / name).unlink()
    assert remade() == {"about/index.html"}


def test_a_file_that_was_closed_is_opened_alone(blog: Blog, remade: Remade) -> None:
    before = stamps(blog.output)
    (blog.output / "about/index.html").chmod(0o600)
    assert remade() == {"about/index.html"}
    assert (blog.output / "about/index.html").stat().st_mode & 0o777 == 0o644
    assert stamps(blog.output) == before
    assert remade() == set()


@pytest.mark.parametrize("small", [True, False])
def test_a_folder_that_was_closed_is_opened_and_then_known(
    small: bool, blog: Blog, remade: Remade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_build, "_SMALL", 0 if small else 1000)
    blog.body("docs/x.md", "Other.")
    remade()
    (blog.output / "about").chmod(0o700)
    assert remade() == set()
    assert (blog.output / "about").stat().st_mode & 0o777 == 0o755
    monkeypatch.setattr(steps, "make", lambda *_: pytest.fail("built again"))
    time.sleep(0.1)  # the file system's clock must have moved on
    assert isinstance(blog.built(), Built)


def test_files_whose_bytes_stay_keep_their_time(blog: Blog, remade: Remade) -> None:
    before = stamps(blog.output)
    blog.write("templates/404.html", "")
    remade()
    blog.body("posts/b.md", "Summary of b.\n\nAnother body.")
    remade()
    (blog.root / "templates/404.html").unlink()
    shutil.rmtree(blog.store)
    assert len(remade()) == len(before)
    changed = {path for path, at in stamps(blog.output).items() if before[path] != at}
    assert changed == {"404.html", "fr/404.html", "posts/b/index.html", "feed.xml"}
