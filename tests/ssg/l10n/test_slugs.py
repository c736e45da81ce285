import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.l10n.language import language
from ssg.l10n.slugs import LIMIT, slug


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
