import datetime as dt
import subprocess
import sys

import pytest

from sealpress.problems import Problem
from ssg.l10n.language import language
from ssg.l10n.punctuation import NARROW, NO_BREAK, Quotes
from ssg.l10n.timezones import timezone

DAY = dt.date(2026, 10, 4)


@pytest.mark.parametrize(
    ("tag", "name", "direction", "forms"),
    [
        ("en", "English", "ltr", ("one", "other")),
        ("fr", "Français", "ltr", ("one", "other")),
        ("pt-BR", "Português (Brasil)", "ltr", ("one", "other")),
        ("ar", "العربية", "rtl", ("zero", "one", "two", "few", "many", "other")),
        ("pl", "Polski", "ltr", ("one", "few", "many")),
        ("ja", "日本語", "ltr", ("other",)),
    ],
)
def test_a_language_knows_its_own_name_direction_and_plurals(tag, name, direction, forms):
    found = language(tag)
    assert (found.tag, found.name, found.direction, found.plural_forms) == (tag, name, direction, forms)


@pytest.mark.parametrize(
    ("tag", "near"),
    [
        ("en-us", "en-US"),
        ("EN", "en"),
        ("fr_FR", "fr-FR"),
        ("fre", "fr"),
        ("fr-XX", "fr"),
        ("../x", None),
        ("", None),
        ("qqq", None),
    ],
)
def test_an_unknown_tag_is_a_problem_with_the_nearest_one(tag, near):
    with pytest.raises(Problem) as caught:
        language(tag)
    expected = f' (did you mean "{near}"?)' if near else ""
    assert caught.value.message == f'no language has the tag "{tag}"{expected}'


def test_dates_numbers_and_months_are_as_cldr_has_them():
    en, fr = language("en"), language("fr")
    assert en.date(DAY) == "October 4, 2026"
    assert fr.date(DAY) == "4 octobre 2026"
    assert language("en-GB").date(DAY) == "4 October 2026"
    assert fr.date(DAY, "short") == "04/10/2026"
    assert fr.date(dt.datetime(2026, 10, 4, 23, tzinfo=dt.UTC), "d MMM y") == "4 oct. 2026"
    assert fr.month(8) == "août"
    assert (en.number(12345.6), fr.number(12345.6)) == ("12,345.6", f"12{NARROW}345,6")
    assert (fr.plural(0), en.plural(0), fr.plural(2)) == ("one", "other", "other")


@pytest.mark.parametrize("form", ["HH", "longg", "bbbbbbbb"])
def test_a_date_form_that_is_none_is_a_problem(form):
    with pytest.raises(Problem, match="is not a form of a date"):
        language("en").date(DAY, form)


def test_quotes_are_the_nearest_that_are_known():
    assert language("fr").quotes == Quotes("«", "»", "“", "”")
    assert language("de-AT").quotes == Quotes("„", "“", "‚", "‘")
    assert language("de-CH").quotes == Quotes("«", "»", "‹", "›")
    assert language("sw").quotes == Quotes("“", "”", "‘", "’")


@pytest.mark.parametrize(
    ("text", "set_text"),
    [
        ("Oui !", f"Oui{NARROW}!"),
        ("Oui!", f"Oui{NARROW}!"),
        ("Quoi ?!", f"Quoi{NARROW}?!"),
        ("Voir : ceci", f"Voir{NO_BREAK}: ceci"),
        ("Voir: ceci", f"Voir{NO_BREAK}: ceci"),
        ("« mot »", f"«{NO_BREAK}mot{NO_BREAK}»"),
        ("«mot»", f"«{NO_BREAK}mot{NO_BREAK}»"),
        ("(sic !)", f"(sic{NARROW}!)"),
        ("12:30", "12:30"),
        ("https://a.fr/b?c=1;d!", f"https://a.fr/b?c=1;d{NARROW}!"),
        ("a &amp; b", "a &amp; b"),
        ("bien :)", "bien :)"),
        ("a?b=c", "a?b=c"),
        ("! important", "! important"),
    ],
)
def test_french_has_no_break_spaces(text, set_text):
    assert language("fr").spaced(text) == set_text
    assert language("fr").spaced(set_text) == set_text
    assert language("en").spaced(text) == text


def test_canadian_and_swiss_french_have_their_own_spaces():
    assert language("fr-CA").spaced("Oui ! Voir : « x »") == f"Oui! Voir{NO_BREAK}: «{NO_BREAK}x{NO_BREAK}»"
    assert language("fr-CH").spaced("Voir : «x»") == f"Voir{NARROW}: «{NARROW}x{NARROW}»"


@pytest.mark.parametrize(
    ("tag", "titles"),
    [
        ("en", ["Äpfel", "apple", "banana", "“Cherry”", "éclair", "Zebra", "Привет"]),
        ("fr", ["Cote", "cote", "coté", "côte", "côté", "œuf", "ouf"]),
        ("sv", ["apa", "zebra", "åka", "ärlig", "öra"]),
        ("es", ["nube", "ñandú", "oso"]),
        ("de", ["Ofen", "Öl", "Zebra"]),
        ("pl", ["lato", "łza", "mak"]),
        ("tr", ["dağ", "ılık", "ilk"]),
    ],
)
def test_titles_sort_as_the_language_has_its_letters(tag, titles):
    assert sorted([*titles[3:], *titles[:3]], key=language(tag).sort_key) == titles


def test_equal_titles_sort_by_code_points():
    key = language("en").sort_key
    assert key("a") != key("A")
    assert sorted(["a", "A", "a"], key=key) == ["A", "a", "a"]


def test_a_zone_comes_from_the_tzdata_package_and_from_nowhere_else(tmp_path):
    """A poisoned search path changes nothing, and none of the machine's zone files is opened."""
    poison = tmp_path / "Europe"
    poison.mkdir()
    (poison / "Paris").write_bytes(b"not a zone")
    script = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import datetime as dt
from ssg.l10n.timezones import timezone
print(dt.datetime(2026, 7, 1, tzinfo=timezone("Europe/Paris")).utcoffset())
files = [name for name in opened if "zoneinfo" in name and not name.endswith((".py", ".pyc"))]
assert files and all("tzdata" in name for name in files), files
"""
    environment = {"PYTHONTZPATH": str(tmp_path), "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("2:00:00\n", "")


def test_utc_is_a_zone_and_an_unknown_one_a_problem():
    assert timezone("UTC") is dt.UTC
    with pytest.raises(Problem) as caught:
        timezone("Europe/Pariss")
    assert caught.value.message == 'no time zone is called "Europe/Pariss" (did you mean "Europe/Paris"?)'
    for name in ("../../etc/passwd", "/etc/localtime", "Europe", ""):
        with pytest.raises(Problem):
            timezone(name)
