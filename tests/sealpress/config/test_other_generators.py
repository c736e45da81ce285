"""Who runs a command of ours in the folder of another generator is told whose it is, and what to do."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from sealpress.config import other_generators, sitefile
from sealpress.config.settings import Settings
from sealpress.problems import Problem


@pytest.mark.parametrize(
    ("file", "name", "command"),
    [
        ("hugo.toml", "Hugo", '"hugo"'),
        ("config.toml", "Hugo or Zola", '"zola", "build"'),
        ("_config.yml", "Jekyll", '"bundle", "exec", "jekyll", "build"'),
        ("pelicanconf.py", "Pelican", '"pelican", "content"'),
        ("mkdocs.yml", "MkDocs", '"mkdocs", "build"'),
    ],
)
def test_a_folder_of_another_generator_is_told_as_that(file: str, name: str, command: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("", "utf-8")
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml")
    assert caught.value.message == f"there is no site.toml in {tmp_path}: this looks like a {name} site ({file})"
    assert f"command = [{command}]" in (caught.value.hint or "")


def test_a_folder_of_nobody_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml")
    assert caught.value.message == f"there is no site.toml in {tmp_path}"
    assert "write a site.toml" in (caught.value.hint or "")


SITE = '[site]\ntitle = "Ada"\nurl = "https://ada.example/"\n'


def hint_for(text: str, tmp_path: Path) -> tuple[str, str]:
    """What is said of a site.toml with these lines, besides [site]: the message and the hint."""
    (tmp_path / "site.toml").write_text(text, "utf-8")
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml", "site.toml")
    assert len(caught.value.each) == 1, str(caught.value)
    return caught.value.message, caught.value.hint or ""


@pytest.mark.parametrize(
    ("above", "below", "hint"),
    [
        ('baseURL = "https://ada.example/"', "", "[site] url"),
        ('languageCode = "en-us"', "", "[site] languages"),
        ("paginate = 10", "", "[lists] per_page"),
        ("", "[pagination]\npagerSize = 10", "[lists] per_page"),
        ('theme = "ananke"', "", "[site] theme"),
        ('markdown = "kramdown"', "", "[markdown] typography"),
        ("", "[menu]\n[[menu.main]]\nname = 'x'", "[[menus.main]]"),
        ("", "[markup.goldmark.renderer]\nunsafe = true", "[markdown] typography"),
        ("", "[languages.fr]\ntitle = 'x'", "[language.fr]"),
        ("", "[taxonomies]\ntag = 'tags'", "posts have tags"),
        ("", "[extra]\nx = 1", "[params]"),
        ("generate_feeds = true", "", "[feeds]"),
        ('baseurl = "/blog"', "", "[site] url"),
        ('SITEURL = "https://ada.example"', "", "[site] url"),
        ("DEFAULT_PAGINATION = 10", "", "[lists] per_page"),
        ('publishDir = "docs"', "", "[build] output"),
    ],
)
def test_a_key_of_another_generator_is_answered_with_its_name_here(
    above: str, below: str, hint: str, tmp_path: Path
) -> None:
    message, said = hint_for(f"{above}\n{SITE}{below}\n", tmp_path)
    assert hint in said
    assert "known keys" not in said
    assert "did you mean" not in message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (f"{SITE}per_page = 3\n", "it belongs below [lists]"),
        (f"{SITE}[feeds]\nper_page = 3\n", "it belongs below [lists]"),
        (f"{SITE}[image]\nwidths = [480]\n", "it belongs below [images]"),
        (f"{SITE}[site.permalinks]\npost = '/{{slug}}/'\n", "[permalinks] is a table of its own"),
        (f"paginator = 3\n{SITE}", "known keys: site, language, "),
    ],
)
def test_a_key_in_a_wrong_table_is_told_the_right_one(text: str, hint: str, tmp_path: Path) -> None:
    assert hint in hint_for(text, tmp_path)[1]


@pytest.mark.parametrize("pattern", ["/:year/:slug/", "/:title/", "/posts/:slug.html"])
def test_the_fields_of_another_generators_permalinks_are_told_apart(pattern: str, tmp_path: Path) -> None:
    message, _ = hint_for(f'{SITE}[permalinks]\npost = "{pattern}"\n', tmp_path)
    assert "a field stands in braces" in message


def test_what_the_hints_name_is_there() -> None:
    tables = {table.name: table.type for table in fields(Settings)}
    for key, hint in other_generators.KEYS.items():
        assert key == key.lower()
        for name, settings in re.findall(r"\[(\w+)[\w.]*\](?: (\w+(?:(?:, | and )\w+)*))?", hint):
            assert name in tables or name == "menus", hint
            record = tables[name]
            if is_dataclass(record) and f"here: [{name}] {settings}" in hint:
                known = {one.name for one in fields(record)}
                assert re.split(", | and ", settings)[0] in known, hint
