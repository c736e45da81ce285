"""The default theme: readable in both schemes, small, and French where it is French."""

import re
import tomllib

import pytest

from ssg.markup.code import highlighting
from ssg.markup.dialects.conversion import BOXES
from ssg.rendering.theme.theme import built_in_folder

PLAIN = built_in_folder() / "plain"
STYLE = (PLAIN / "static" / "style.css").read_text("utf-8")
ACCENTS = tomllib.loads((PLAIN / "theme.toml").read_text("utf-8"))["options"]["accent"]["choices"]


def strings(language):
    return tomllib.loads((PLAIN / "i18n" / f"{language}.toml").read_text("utf-8"))


def luminance(colour):
    """WCAG 2.2, relative luminance of a #rrggbb."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    """Black on white is 21; #767676 is the known grey that just passes on white."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def properties(selector):
    block = STYLE[STYLE.index(selector + " {") :].split("}")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def schemes():
    light = properties(":root")
    dark = light | properties(':root:not([data-theme="light"])')
    for accent in ACCENTS:
        own = light if accent == "blue" else properties(f'[data-accent="{accent}"]')
        yield f"light {accent}", light | {"accent": own["accent"]}
        yield f"dark {accent}", dark | {"accent": own["accent-dark"]}


@pytest.mark.parametrize(("name", "colours"), [pytest.param(*one, id=one[0]) for one in schemes()])
def test_every_ink_is_readable_on_every_ground(name, colours):
    """WCAG 2.2, 1.4.3 (AA): 4.5 to 1 for text of any size."""
    for ink in ("ink", "soft", "accent"):
        for ground in ("ground", "raised"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (name, ink, ground)
    # The current page's number in a pagination, and marked text, stand in the ground's colour on the accent's.
    assert contrast(colours["ground"], colours["accent"]) >= 4.5


def test_a_reader_whose_site_is_dark_sees_what_a_dark_system_shows():
    assert properties(':root[data-theme="dark"]') == properties(':root:not([data-theme="light"])')


def code_rules(selector):
    """Colour by rule of the code style sheet for one scheme, and its ground."""
    sheet = highlighting.stylesheet()
    rules = re.findall(rf"^{re.escape(selector)}(?: [.\w]+)? \{{[^}}]*\}}", sheet, re.MULTILINE)
    ground = next(found[1] for rule in rules if (found := re.search(r"background: *(#[0-9a-fA-F]{6})", rule)))
    inks = [found[1] for rule in rules if (found := re.search(r"(?<![-\w])color: *(#[0-9a-fA-F]{6})", rule))]
    return ground, inks


@pytest.mark.parametrize("selector", [".highlight", ':root:not([data-theme="light"]) .highlight'])
def test_code_is_readable(selector):
    """WCAG 2.2, 1.4.3 (AA), for every token in both schemes."""
    ground, inks = code_rules(selector)
    assert len(inks) > 10
    for ink in inks:
        assert contrast(ink, ground) >= 4.5, ink


def test_the_theme_is_small():
    """A style sheet below 12 KiB, and a page's own frame below 4 kB."""
    assert len(STYLE.encode()) < 12 * 1024
    assert (PLAIN / "static" / "favicon.svg").stat().st_size < 1000


def test_a_page_is_small(blog):
    assert len(blog.rendered()["about/index.html"].encode()) < 4000


def test_nothing_is_loaded_from_elsewhere(blog):
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    page = blog.rendered()["index.html"]
    loaded = re.findall(r'<(?:link rel="(?:stylesheet|icon)"[^>]*href|img src|script src)="([^"]+)"', page)
    assert loaded
    assert all(href.startswith("/assets/") for href in loaded)


def test_all_languages_have_the_same_strings():
    english, french = strings("en"), strings("fr")
    assert english.keys() == french.keys()
    for key, text in english.items():
        assert type(text) is type(french[key]), key
        fields = re.compile(r"\{\w+\}")
        for one, other in zip(forms(text), forms(french[key]), strict=True):
            assert sorted(fields.findall(one)) == sorted(fields.findall(other)), key


def forms(text):
    return [text] if isinstance(text, str) else list(text.values())


def test_every_string_is_used_and_every_used_string_is_there():
    """heading_link, footnote_back and the titles of boxes are asked for by the converter."""
    templates = "".join(path.read_text("utf-8") for path in sorted((PLAIN / "templates").iterdir()))
    used = set(re.findall(r'\bt\("(\w+)"', templates)) | {
        "heading_link",
        "footnote_back",
        "posts",
        "tags",
        "archive",
        "not_found",
        *(f"admonition_{word}" for word in BOXES),
    }
    assert used == strings("en").keys()


def test_no_english_is_left_on_a_french_page(empty):
    """A French site whose content has no letter but digits shows French strings alone, in every kind of page."""
    empty.settings_text = (
        empty.settings_text.replace('["en", "fr"]', '["fr"]').replace("The Shed", "1").replace("L'Atelier", "1")
    )
    empty.settings_text = (
        empty.settings_text.replace("Notes on glass.", "2")
        .replace("Notes sur le verre.", "2")
        .replace('author = "Ada"', 'author = "3"')
    )
    import datetime as dt

    def moment(number):
        return dt.datetime(2026, 8, number, tzinfo=dt.UTC)

    for number in range(1, 6):
        empty.page(
            f"content/posts/{number}.md",
            title=str(number),
            body="4",
            date=moment(number),
            tags=("9",),
            author="8",
            updated=moment(28),
        )
    for source in ("docs/index", "docs/1", "docs/2"):
        empty.page(f"content/{source}.md", title="6", body="7", updated=moment(3))
    known = words(" ".join(form for text in strings("fr").values() for form in forms(text)))
    known |= words("Français août août.")
    for path, text in empty.rendered().items():
        if path.endswith(".html"):
            shown = re.sub(r"<[^>]+>", " ", text.replace("&#39;", "'"))
            labels = " ".join(re.findall(r'(?:aria-label|title|alt)="([^"]*)"', text))
            assert words(shown + " " + labels) - known == set(), path


def words(text):
    return set(re.findall(r"[^\W\d_]+", re.sub(r"\{\w+\}", " ", text).lower()))


def test_french_has_its_spaces_and_apostrophes():
    """No-break spaces inside guillemets and before the colon, and the printer's apostrophe."""
    for key, text in strings("fr").items():
        for form in forms(text):
            assert "'" not in form, key
            assert not re.search(r" [:;!?»]|« ", form), key
            assert not re.search(r"«[^\u00a0]|[^\u00a0\u202f][:;!?»]", form), key
