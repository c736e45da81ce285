"""Files that no build reads, and that look as though one should: told, each with where it would be read."""

import os
import subprocess
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.git.repository import History, discover
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from tests.ssg.blogs import Blog, told, tried

pytestmark = pytest.mark.long

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
LOCAL = ["-c", "protocol.file.allow=always"]


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    made = Blog(tmp_path)
    made.page("index.md", "Home.")
    made.page("posts/a.md", "A.")
    return made


def warned(blog: Blog) -> list[tuple[str, str, str]]:
    """All warnings of a build, which the next one tells again, and a clean one too."""
    built = blog.built()
    assert isinstance(built, Built), built
    assert told(blog.built()) == told(built) == told(blog.clean())
    return [(str(one.place), one.message, one.hint or "") for one in built.warnings]


@pytest.mark.parametrize(
    ("file", "message", "hint"),
    [
        ("i18n/en.yaml", "since they are no TOML", "write i18n/en.toml"),
        ("i18n/en.yml", "since they are no TOML", "write i18n/en.toml"),
        ("i18n/fr.json", "since they are no TOML", "write i18n/fr.toml"),
        ("i18n/fr.po", "since they are no TOML", "write i18n/fr.toml"),
        ("i18n/FR.toml", "not read from here", "i18n/fr.toml"),
        ("i18n/site/fr.toml", "not read from here", "i18n/fr.toml"),
        ("data/i18n/en.toml", "not read from here", "i18n/en.toml"),
        ("data/people.csv", 'ends in ".csv"', "TOML, YAML or JSON"),
        ("data/people.YAML", 'ends in ".YAML"', '"people.yaml"'),
        ("templates/post.html.j2", "no page is rendered", '"post.html"'),
        ("templates/page.htm", "no page is rendered", '"page.html"'),
        ("templates/POST.html", "no page is rendered", '"post.html"'),
        ("templates/_default/single.html", "no page is rendered", '"post.html"'),
        ("templates/index.html", "no page is rendered", '"home.html"'),
    ],
)
def test_what_is_passed_over_is_told(file: str, message: str, hint: str, blog: Blog) -> None:
    assert warned(blog) == []
    blog.write(file, "# nothing\n")
    ((place, said, way_out),) = warned(blog)
    assert place == file
    assert message in said
    assert hint in way_out
    (blog.root / file).unlink()
    assert warned(blog) == []


@pytest.mark.parametrize("folder", ["layouts", "_layouts", "_includes", "_data", "locales"])
def test_a_folder_of_another_generator_is_told(folder: str, blog: Blog) -> None:
    blog.write(f"{folder}/en.html", "x")
    ((place, said, hint),) = warned(blog)
    assert (place, said) == (folder, "no build reads this folder")
    assert "here they are in " in hint


@pytest.mark.parametrize(
    "file",
    [
        "i18n/de.toml",  # of a language that the site may have one day
        "i18n/README.md",
        "data/README.md",
        "static/js/i18n/en.json",  # for readers
        "content/i18n/en.json",
        "templates/mine.html",
        "templates/partials/card.j2",
        "notes/en.yaml",
        "themes/other/i18n/en.yaml",
    ],
)
def test_what_may_well_be_meant_is_not(file: str, blog: Blog) -> None:
    blog.write(file, 'x = "1"\n')
    assert warned(blog) == []


def test_a_template_that_a_page_or_a_template_names_is_used(blog: Blog) -> None:
    blog.write("templates/page.htm", "x")
    blog.write("templates/index.html", "x")
    blog.write("templates/404.html", '{% include "page.htm" %}')
    blog.page("about.md", "x", template="index.html")
    assert warned(blog) == []


def git(folder: Path, *arguments: str) -> None:
    folder.mkdir(exist_ok=True)
    subprocess.run([*GIT, *LOCAL, *arguments], cwd=folder, check=True, timeout=60, capture_output=True)


@pytest.fixture
def wooden(blog: Blog) -> Blog:
    """A site whose theme, and a folder of its static files, are submodules."""
    blog.own_theme()
    theme = blog.folder / "wood"
    (blog.root / "own").rename(theme)
    for folder in (theme, blog.root):
        git(folder, "init", "-q")
    git(theme, "add", "-A")
    git(theme, "commit", "-qm", "Wood")
    for name in ("themes/wood", "static/vendor"):
        git(blog.root, "submodule", "--quiet", "add", str(theme), name)
    blog.set("site", "theme", "themes/wood")
    git(blog.root, "add", "-A")
    git(blog.root, "commit", "-qm", "Blog")
    return blog


def problems_of(root: Path, output: Path, **options: object) -> dict[str, tuple[str, str]]:
    site = sitefile.load(root / "site.toml", "site.toml", is_tolerant=True)
    result = tried(lambda: build(Request(site, output, **options)))  # type: ignore[arg-type]
    assert isinstance(result, list), result
    return {str(place): (message, hint) for message, place, hint, _ in result}  # type: ignore[misc,has-type]


@pytest.mark.parametrize("is_fetched", [True, False])
@pytest.mark.parametrize("is_exported", [True, False])
def test_a_submodule_is_told_as_that(is_fetched: bool, is_exported: bool, wooden: Blog) -> None:
    root, options = wooden.root, {}
    if not is_fetched:
        git(wooden.folder, "clone", "-q", str(root), "clone")
        root = wooden.folder / "clone"
    if is_exported:
        repository = discover(root)
        assert repository
        head = repository.head()
        assert head
        with repository.checkout(head) as tree:
            options = {"in_git": False, "history": History(repository, root)}
            found = problems_of(tree, wooden.output, **options)
    else:
        found = problems_of(root, wooden.output)
    message, hint = found["site.toml:5:9"]
    assert message == 'the theme "themes/wood" is a submodule, of which no build reads anything'
    commands = hint.partition(": ")[2]
    assert commands.startswith("git submodule update --init themes/wood; ")
    environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "file"}
    subprocess.run(commands, shell=True, cwd=root, check=True, timeout=60, env=environment, capture_output=True)
    site = sitefile.load(root / "site.toml", "site.toml")
    built = build(Request(site, wooden.output))
    ((place, said),) = [(str(one.place), one.message) for one in built.warnings]
    assert (place, said) == ("static/vendor", "this is a submodule, of which no build reads anything")


def test_pages_in_a_submodule_are_told(wooden: Blog) -> None:
    wooden.set("build", "content", "themes/wood")
    ((message, hint),) = problems_of(wooden.root, wooden.output).values()
    assert message == 'there are no pages in "themes/wood"'
    assert hint.startswith("it is a submodule")


@pytest.mark.parametrize("name", ["theme.yaml", "theme.yml", "theme.json"])
def test_a_theme_whose_settings_are_no_toml_is_told(name: str, blog: Blog) -> None:
    blog.own_theme()
    (blog.root / "own/theme.toml").rename(blog.root / "own" / name)
    blog.set("site", "theme", "own")
    result = blog.built()
    assert isinstance(result, list)
    assert [hint for message, _, hint, _ in result if message == 'the folder "own" has no theme.toml'] == [
        f'{name} is there: a theme\'s settings are TOML, theme.toml, with title = "…" and [options.NAME]'
    ]
