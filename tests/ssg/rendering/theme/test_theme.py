"""Themes are found, their options are checked, and what a site brings of its own comes first."""

import shutil
from pathlib import Path

import pytest

from sealpress.problems import Problem
from ssg.rendering.theme import theme


def load(blog, files=None):
    site, document = blog.site()
    return theme.load(blog.root, site.settings, document, files)


def problem_of_load(blog, files=None):
    with pytest.raises(Problem) as caught:
        load(blog, files)
    return str(caught.value)


def with_theme(blog, name):
    blog.settings_text = blog.settings_text.replace('author = "Ada"', f'author = "Ada"\ntheme = "{name}"')


OWN = {
    "wood/theme.toml": 'title = "Wood"\n[options.grain]\ndefault = 3\n',
    "wood/templates/home.html": "{{ theme.grain + 1 }} {{ t('hi') }}",
    "wood/i18n/en.toml": 'hi = "Hi"\nheading_link = "x"\n',
    "wood/i18n/fr.toml": 'hi = "Salut"\nheading_link = "x"\n',
}


def own_theme(blog):
    with_theme(blog, "wood")
    for name, text in OWN.items():
        blog.write(name, text)


def test_the_built_in_theme_is_there():
    assert "plain" in theme.built_in()


def test_an_installed_package_holds_its_themes_itself(tmp_path, monkeypatch):
    """In a wheel they are at ssg/themes, in a checkout beside the packages."""
    package = tmp_path / "site-packages" / "ssg"
    (package / "rendering").mkdir(parents=True)
    monkeypatch.setattr(theme, "__file__", str(package / "rendering" / "theme" / "theme.py"))
    assert theme.built_in_folder() == tmp_path / "site-packages" / "themes"
    (package / "themes").mkdir()
    assert theme.built_in_folder() == package / "themes"


def test_an_unknown_theme_is_a_problem_with_its_place(blog):
    with_theme(blog, "plane")
    assert problem_of_load(blog) == (
        'site.toml:6:9: no theme is called "plane" (did you mean "plain"?)\n'
        '6 | theme = "plane"\n'
        "            ^^^^^^^\n"
        "hint: built in: plain; a theme of your own is a folder with a theme.toml that git tracks"
    )


def test_a_theme_never_lies_outside_the_repository(blog):
    for name in ("../plain", "/usr/share/plain"):
        with_theme(blog, name)
        assert "it is the name of a theme, or a folder in the repository" in problem_of_load(blog)
        blog.settings_text = blog.settings_text.replace(f'\ntheme = "{name}"', "")


def test_a_folder_of_the_repository_can_be_the_theme(blog):
    own_theme(blog)
    blog.given = blog.given[:2]
    rendered_home = load(blog)
    assert rendered_home.settings.title == "Wood"
    assert rendered_home.options == {"grain": 3}
    assert rendered_home.strings["fr"].text("hi") == "Salut"


def test_only_files_that_count_are_read(blog):
    """A template or theme that git does not track is not there."""
    own_theme(blog)
    assert load(blog, list(OWN)).templates.keys() == {"home.html", "theme/home.html"}
    assert 'the theme "wood" is not added to git' in problem_of_load(blog, [])
    blog.write("templates/post.html", "x")
    assert "post.html" not in load(blog, list(OWN)).templates
    assert "post.html" in load(blog, [*OWN, "templates/post.html"]).templates


def test_links_and_hidden_files_are_no_templates(blog, tmp_path):
    blog.write("templates/a.html", "x")
    blog.write("templates/.a.html.swp", "x")
    blog.write("templates/a.html~", "x")
    (blog.root / "templates" / "passwd.html").symlink_to("/etc/passwd")
    own = {name for name, file in load(blog).templates.items() if file.shown.startswith("templates/")}
    assert own == {"a.html"}


def test_a_template_of_the_site_overrides_the_themes_and_can_extend_it(blog):
    blog.write("templates/404.html", '{% extends "theme/404.html" %}{% block head %}<meta name="own">{% endblock %}')
    page = blog.rendered()["404.html"]
    assert '<meta name="own">' in page
    assert "Page not found" in page


def test_strings_of_the_site_come_before_the_themes(blog):
    blog.write("i18n/en.toml", 'not_found = "Nobody home"\n')
    assert "<h1>Nobody home</h1>" in blog.rendered()["404.html"]


def test_strings_that_do_not_count_are_no_part_of_the_site(blog):
    """An untracked i18n/ is not read; beside tracked files an untracked one is a problem, since it would be, and
    so is one for a language that the theme doesn't have.
    """
    blog.write("i18n/en.toml", 'not_found = "Nobody home"\n')
    blog.write("i18n/fr.toml", 'not_found = "Personne"\n')
    assert load(blog, []).strings["en"].text("not_found") == "Page not found"
    assert problem_of_load(blog, ["i18n/en.toml"]) == (
        "i18n/fr.toml: these interface strings are not added to git\n"
        "hint: git add i18n/fr.toml, with --force where .gitignore leaves it out; or build with --dirty"
    )


def test_options_have_defaults_types_and_choices(blog):
    """All that is wrong is said at once, each at its place."""
    blog.settings_text += '\n[theme]\nacent = "teal"\naccent = "tael"\nshow_reading_time = "no"\n'
    assert problem_of_load(blog) == (
        'site.toml:17:1: unknown key "acent" in [theme] (did you mean "accent"?)\n'
        '17 | acent = "teal"\n'
        "     ^^^^^\n"
        "hint: known keys: accent, appearance, font, footer, show_reading_time, contents_from, posts_at_home, "
        "stylesheet\n"
        'site.toml:18:10: [theme] accent can\'t be "tael" (did you mean "teal"?)\n'
        '18 | accent = "tael"\n'
        "              ^^^^^^\n"
        'hint: possible: "blue", "teal", "green", "plum", "rust", "slate"\n'
        "site.toml:19:21: [theme] show_reading_time must be true or false, not text\n"
        '19 | show_reading_time = "no"\n'
        "                         ^^^^\n"
        "hint: write false"
    )


def test_a_translated_option_is_a_text_or_one_for_each_language(blog):
    blog.settings_text += '\n[theme]\nfooter = {fr = "Fin & suite"}\n'
    rendered = blog.rendered()
    assert "<p>Fin &amp; suite</p>" in rendered["fr/index.html"]
    assert "Fin" not in rendered["index.html"]
    blog.settings_text = blog.settings_text.replace('fr = "', 'de = "')
    assert problem_of_load(blog).startswith(
        'site.toml:17:11: [theme] footer has "de", which is not one of [site] languages'
    )


def test_every_choice_of_the_plain_theme_works(blog):
    blog.settings_text += (
        '\n[theme]\naccent = "plum"\nappearance = "dark"\nfont = "serif"\nshow_reading_time = false\n'
        'posts_at_home = 1\nstylesheet = "/own.css"\n'
    )
    home = blog.rendered()["index.html"]
    assert '<html lang="en" dir="ltr" data-accent="plum" data-theme="dark" data-font="serif">' in home
    assert '<link rel="stylesheet" href="/own.css">' in home
    assert home.count('<li><a href="/posts/') == 2  # the menu's, and one post
    assert "to read" not in blog.rendered()["posts/one/index.html"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 1\n", 'wood/theme.toml:1:1: unknown key "titel" in theme.toml (did you mean "title"?)'),
        ('title = "x"\n[options.a-b]\ndefault = 1\n', 'wood/theme.toml:2:1: the option "a-b" can\'t be reached'),
        ('title = "x"\n[options.a]\ndefault = "x"\nchoices = ["y"]\n', 'the default of "a" is not one of its choices'),
        ('title = "x"\n[options.a]\ndefault = 1\ntranslated = true\n', "so its default must be text"),
        ('title = "x"\n[options.a]\ndefault = 2026-05-04\n', 'the default of "a" must be text, a number'),
    ],
)
def test_a_broken_theme_toml_is_a_problem_of_that_file(blog, text, message):
    own_theme(blog)
    blog.write("wood/theme.toml", text)
    assert message in problem_of_load(blog)


def test_a_theme_without_a_template_that_is_needed_says_which(blog, problem_of):
    own_theme(blog)
    assert problem_of(blog) == (
        'the theme "wood" has no template "page.html", which content/about.md needs\n'
        "hint: write templates/page.html, in the theme or in the site's own templates"
    )


def test_the_built_in_theme_is_whole():
    """Each template of rendering is there, and a copy of the theme in a repository is a theme like any other."""
    from ssg.rendering.pages import TEMPLATES

    folder = theme.built_in_folder() / "plain"
    there = {path.name for path in (folder / "templates").iterdir()}
    assert {*TEMPLATES.values(), "home.html", "page.html", "post.html"} <= there


def test_a_copy_of_the_built_in_theme_renders_the_same(blog):
    expected = blog.rendered()
    shutil.copytree(theme.built_in_folder() / "plain", blog.root / "themes" / "mine")
    with_theme(blog, "themes/mine")
    assert blog.rendered() == expected


def test_shown_names_tell_no_path_of_the_machine(blog):
    assert all(not Path(file.shown).is_absolute() for file in load(blog).templates.values())
