import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.l10n.language import language
from ssg.l10n.slugs import LIMIT, name_slug, same_name, slug


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("Hello, World!", "en", "hello-world"),
        ("L'été à Œuvre", "fr", "l-ete-a-oeuvre"),
        ("L’été", "fr", "l-ete"),
        ("Don't stop", "en", "dont-stop"),
        ("Straße über Größe", "de", "strasse-ueber-groesse"),
        ("Größe", "en", "grosse"),
        ("Привет, мир! Йод", "ru", "привет-мир-йод"),
        ("日本語 テスト", "ja", "日本語-テスト"),
        ("हिन्दी में", "hi", "हिन्दी-में"),
        ("العربية", "ar", "العربية"),
        ("İstanbul ISI", "tr", "istanbul-isi"),
        ("a_b--c/d.e", "en", "a-b-c-d-e"),
        ("ﬁ ½ ², Ａ", "en", "fi-1-2-2-a"),
        ("soft\u00adhyphen", "en", "softhyphen"),
        ("It’s “that”…", "en", "its-that"),
        ("0\u0080\u10710", "en", "0-0"),
        ("  -- ", "en", None),
        ("❤️", "en", None),
        ("", "en", None),
    ],
)
def test_a_slug_folds_latin_and_keeps_other_letters(text, tag, expected):
    assert slug(text, language(tag)) == expected


@given(st.text(), st.sampled_from(["en", "fr", "de", "tr", "ru"]))
def test_a_slug_is_a_safe_name_and_its_own_slug(text, tag):
    found = slug(text, language(tag))
    if found is None:
        return
    assert len(found.encode()) <= LIMIT
    assert not set(found) & set("/\\.?#%&\"'<> \t\n")
    assert not found.startswith("-")
    assert not found.endswith("-")
    assert slug(found, language(tag)) == found


def test_a_long_title_is_cut_between_words():
    found = slug("mot " * 100, language("fr"))
    assert found is not None
    assert found == "-".join(["mot"] * 45)
    assert len(slug("я" * 500, language("ru")).encode()) == LIMIT


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C", "c"),
        ("C#", "c-sharp"),
        ("c#", "c-sharp"),
        ("C++", "c-plus-plus"),
        ("C++17", "c-plus-plus-17"),
        ("F#/.NET", "f-sharp-net"),
        ("A+B", "a-plus-b"),
        ("#hashtag", "hashtag"),
        ("Ｃ＋＋", "c-plus-plus"),
        ("été", "ete"),
        ("+", None),
    ],
)
def test_a_name_s_signs_are_spelled(name, expected):
    assert name_slug(name, language("en")) == expected


@pytest.mark.parametrize(
    ("one", "other", "tag", "same"),
    [
        ("Été", "ete", "fr", True),
        ("e\u0301te\u0301", "été", "fr", True),
        ("l'œuvre", "L’Oeuvre", "fr", True),
        ("a  b", "A b", "en", True),
        ("Grüße", "Gruesse", "de", True),
        ("ﬁn", "fin", "en", True),
        ("C", "C#", "en", False),
        (".NET", "NET", "en", False),
        ("machine-learning", "machine learning", "en", False),
        ("R&D", "R/D", "en", False),
        ("a*", "a", "en", False),
    ],
)
def test_names_are_one_up_to_case_accents_and_form(one, other, tag, same):
    assert (same_name(one, language(tag)) == same_name(other, language(tag))) is same
