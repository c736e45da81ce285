import pytest

from sealpress.problems import Problem
from ssg.l10n.language import language
from ssg.l10n.punctuation import NARROW
from ssg.l10n.strings import load

EN, FR, AR = language("en"), language("fr"), language("ar")
ENGLISH = """\
more = "Read more"
by = "by {name}"
posts = {one = "{count} post", other = "{count} posts"}
"""
FRENCH = """\
more = "Lire la suite !"
by = "par {name}"
posts = {one = "{count} article", other = "{count} articles"}
"""


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for tag, text in files.items():
        (folder / f"{tag}.toml").write_text(text, "utf-8")
    return folder


def test_both_languages_speak(tmp_path):
    strings = load([write(tmp_path / "i18n", en=ENGLISH, fr=FRENCH)], [EN, FR])
    assert strings["en"].text("more") == "Read more"
    assert strings["fr"].text("more") == f"Lire la suite{NARROW}!"
    assert strings["en"].text("by", name="<Ada>") == "by <Ada>"
    assert [strings["en"].text("posts", count=n) for n in (0, 1, 1234)] == ["0 posts", "1 post", "1,234 posts"]
    assert [strings["fr"].text("posts", count=n) for n in (0, 1, 2)] == ["0 article", "1 article", "2 articles"]
    assert strings["fr"].text("posts", count=1_000_000) == f"1{NARROW}000{NARROW}000 articles"


def test_the_sites_own_strings_stand_in_for_the_themes(tmp_path):
    theme = write(tmp_path / "theme", en=ENGLISH)
    own = write(tmp_path / "own", en='more = "Go on"')
    strings = load([theme, own], [EN])["en"]
    assert (strings.text("more"), strings.text("by", name="x")) == ("Go on", "by x")


@pytest.mark.parametrize(
    ("english", "french", "message"),
    [
        (
            'a = "x"\nb = "y"',
            'a = "x"',
            (
                'i18n/fr.toml: the interface string "b" is missing in Français (fr)\n'
                "hint: put these lines into i18n/fr.toml, translated; the original is behind each #\n"
                'b = ""  # "y"'
            ),
        ),
        (
            'a = "x"',
            'a = "x"\nb = "y"',
            (
                'i18n/en.toml: the interface string "b" is missing in English (en)\n'
                "hint: put these lines into i18n/en.toml, translated; the original is behind each #\n"
                'b = ""  # Français: "y"'
            ),
        ),
        (
            'a = {other = "x"}',
            'a = {one = "x", other = "y"}',
            (
                'i18n/en.toml:1:1: the interface string "a" lacks the plural form "one"\n'
                '1 | a = {other = "x"}\n    ^\n'
                "hint: English has one, other"
            ),
        ),
        (
            'a = {one = "x", othr = "x", other = "x"}',
            'a = "x"',
            (
                'i18n/en.toml:1:17: "othr" is not a plural form (did you mean "other"?)\n'
                '1 | a = {one = "x", othr = "x", other = "x"}\n                    ^^^^\n'
                "hint: English has one, other"
            ),
        ),
        (
            'a = "{x.y}"',
            'a = "x"',
            (
                'i18n/en.toml:1:5: the interface string "a" has a field that is not a name in braces\n'
                '1 | a = "{x.y}"\n        ^^^^^^^\n'
                'hint: write {count}, and "{{" for a brace itself'
            ),
        ),
        (
            "a = 1",
            'a = "x"',
            (
                'i18n/en.toml:1:5: the interface string "a" must be text, or a table of plural forms\n'
                "1 | a = 1\n        ^\n"
                'hint: a = "…", or a = {one = "…", other = "…"}'
            ),
        ),
    ],
)
def test_what_one_language_lacks_is_a_problem_with_its_file(tmp_path, english, french, message):
    with pytest.raises(Problem) as caught:
        load([write(tmp_path / "i18n", en=english, fr=french)], [EN, FR])
    assert str(caught.value) == message


def refused(folders, languages):
    with pytest.raises(Problem) as caught:
        load(folders, languages, 'the theme "plain"')
    return caught.value


@pytest.mark.parametrize(
    ("tag", "name", "forms"),
    [
        ("ar", "العربية", "zero one two few many other"),
        ("pl", "Polski", "one few many"),
        ("de", "Deutsch", "one other"),
        ("ja", "日本語", "other"),
    ],
)
def test_a_language_that_the_theme_lacks_is_one_fault_with_all_lines_to_translate(tmp_path, tag, name, forms):
    folder, own = write(tmp_path / "i18n", en=ENGLISH, fr=FRENCH), tmp_path / "own"
    found = refused([folder, own], [language(tag)])
    empty = ", ".join(f'{form} = ""' for form in forms.split())
    assert str(found) == (
        f'i18n/{tag}.toml: the theme "plain" has no interface strings in {name} ({tag}); it has en, fr\n'
        f"hint: put these lines into i18n/{tag}.toml, translated; the original is behind each #\n"
        'more = ""  # "Read more"\n'
        'by = ""  # "by {name}"\n'
        f'posts = {{{empty}}}  # {{one = "{{count}} post", other = "{{count}} posts"}}'
    )
    assert found.as_data()["block"] == list(found.block)

    # As they are, they are told again, as what stands there; filled in, they are all that is needed.
    write(own, **{tag: "\n".join(found.block)})
    again = refused([folder, own], [language(tag)])
    assert again.message == f"3 interface strings are not translated in {name} ({tag})"
    assert again.block == found.block
    write(own, **{tag: "\n".join(found.block).replace('""', '"x"')})
    assert load([folder, own], [language(tag)])[tag].text("posts", count=2) == "x"


def test_what_a_translation_lacks_and_what_is_empty_in_it_are_a_fault_each(tmp_path):
    theme = write(tmp_path / "theme", en=ENGLISH)
    own = write(tmp_path / "own", de='by = ""\nposts = {one = "", other = "{count}"}')
    found = refused([theme, own], [EN, language("de")])
    assert [one.message for one in found.each] == [
        'the interface string "more" is missing in Deutsch (de)',
        "2 interface strings are not translated in Deutsch (de)",
    ]
    assert [len(one.block) for one in found.each] == [1, 2]


def test_a_text_of_the_theme_may_be_emptied(tmp_path):
    theme = write(tmp_path / "theme", en=ENGLISH)
    assert load([theme, write(tmp_path / "own", en='more = ""')], [EN])["en"].text("more") == ""


def test_a_theme_without_english_shows_what_it_has(tmp_path):
    found = refused([write(tmp_path / "i18n", fr=FRENCH)], [FR, AR])
    assert found.block[0] == 'more = ""  # Français: "Lire la suite !"'


def test_a_text_from_anybody_stays_one_line_of_toml(tmp_path):
    theme = write(tmp_path / "theme", en='"a b" = "x\\nerror: \\u202ey"')
    (line,) = str(refused([theme], [FR])).split("\n")[2:]
    assert line == '"a b" = ""  # "x\\nerror: \\u202ey"'


@pytest.mark.parametrize("text", ["{", "}", "{0}", "{}", "{a!r}", "{a:>9}", "{a[0]}"])
def test_a_field_is_a_name_and_nothing_more(tmp_path, text):
    with pytest.raises(Problem, match="not a name in braces"):
        load([write(tmp_path / "i18n", en=f'a = "{text}"')], [EN])


def test_a_wrong_use_of_a_string_is_a_problem(tmp_path):
    strings = load([write(tmp_path / "i18n", en=ENGLISH)], [EN])["en"]
    with pytest.raises(Problem, match=r'no interface string is called "mor" \(did you mean "more"\?\)'):
        strings.text("mor")
    with pytest.raises(Problem, match=r'"by" needs a value for \{name\} \(did you mean "nam"\?\)'):
        strings.text("by", nam="x")
    with pytest.raises(Problem, match="has plural forms and needs a number"):
        strings.text("posts", count="three")


def test_broken_toml_and_bytes_are_problems(tmp_path):
    folder = write(tmp_path / "i18n", en="a = ")
    (folder / "fr.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(Problem) as caught:
        load([folder], [EN, FR])
    assert [problem.message.split(":")[0] for problem in caught.value.each] == [
        "not valid TOML",
        "i18n/fr.toml is not UTF-8",
    ]
