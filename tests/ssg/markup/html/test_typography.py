import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssg.markup.html import typography
from ssg.markup.text.converted import MarkdownOptions

SET = MarkdownOptions(permalinks=False)
N, W = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("tag", "text", "html"),
    [
        ("en", "\"a\" and 'b'", "“a” and ‘b’"),
        ("en", "it's 'tis the '90s", "it’s ’tis the ’90s"),
        ("en", "\"'a' b\" \"a 'b'\"", "“‘a’ b” “a ‘b’”"),
        ("en", 'a 5" disk, 6\'2" tall', 'a 5" disk, 6\'2" tall'),
        ("en", '"*a*" *"b"* "`c`" ("d")', "“<em>a</em>” <em>“b”</em> “<code>c</code>” (“d”)"),
        ("en", '*a*\'s "[b](c)"', '<em>a</em>’s “<a href="c">b</a>”'),
        ("en", "a -- b---c ... ---- ..... d--e", "a – b—c … ---- ..... d–e"),
        ("en", "use --force, or --help", "use --force, or --help"),
        ("en", "a --> b <-- c", "a --&gt; b &lt;-- c"),
        ("en", r"\"a\" \'b\' c \-- d \...", "&quot;a&quot; &#x27;b&#x27; c -- d ..."),
        ("en", "`\"a\" -- 'b'` <kbd>'</kbd>", "<code>\"a\" -- 'b'</code> <kbd>'</kbd>"),
        (
            "en",
            'https://e.org/a--b?c...d "https://e.org"',
            '<a href="https://e.org/a--b?c...d">https://e.org/a--b?c...d</a> “https://e.org”',
        ),
        ("en", "<https://e.org/a--b>", '<a href="https://e.org/a--b">https://e.org/a--b</a>'),
        ("en", "&quot;a&quot; b! c: d", "&quot;a&quot; b! c: d"),
        ("en", '![a "b" --](c.png "d \'e\'")', '<img alt="a &quot;b&quot; --" src="c.png" title="d &#x27;e&#x27;">'),
        ("en", '"a"[^1]\n\n[^1]: x', None),
        ("fr", '"a" et \'b\' l\'"été"', f"«{N}a{N}» et “b” l’«{N}été{N}»"),
        ("fr", "Oui ! Non? Si: la; 12:30 « b »", f"Oui{W}! Non{W}? Si{N}: la{W}; 12:30 «{N}b{N}»"),
        (
            "fr",
            "*Oui* ! `a ? b` &amp; https://e.org/?a=1;b!",
            f'<em>Oui</em>{W}! <code>a ? b</code> &amp; <a href="https://e.org/?a=1;b">https://e.org/?a=1;b</a>{W}!',
        ),
        ("fr", '"a !"', f"«{N}a{W}!{N}»"),
        ("fr", "Le fichier `a` : `b` ; fin", f"Le fichier <code>a</code>{N}: <code>b</code>{W}; fin"),
        ("fr", "*Oui !*", f"<em>Oui{W}!</em>"),
        ("de", "\"a 'b' c\" geht's", "„a ‚b‘ c“ geht’s"),
        ("ja", '"a"', "「a」"),
    ],
)
def test_text_is_set_as_its_language_is(rendered, tag, text, html):
    if html is None:
        assert "“a”<sup" in rendered(text, SET, tag)
    else:
        assert rendered(text, SET, tag) == f"<p>{html}</p>"


def test_code_scripts_and_styles_are_never_set(rendered):
    text = '<pre>"a" -- \'b\'</pre>\n\n<script>"a" -- \'b\'</script>\n\n<div>"c"</div>\n\n    "d"\n\n```\n"e"\n```'
    html = rendered(text, SET)
    assert "<pre>\"a\" -- 'b'</pre>" in html
    assert "<script>\"a\" -- 'b'</script>" in html
    assert "<div>“c”</div>" in html
    assert '<code>"d"\n</code>' in html
    assert '<code>"e"\n</code>' in html


def test_headings_and_summaries_are_set_too(converted):
    found = converted('# It\'s "a"\n\n"b"', SET)
    assert (found.headings[0].title, found.headings[0].id) == ("It’s “a”", "its-a")
    assert found.summary_text == "“b”"


def test_no_break_spaces_stay_in_headings_and_summaries(converted):
    found = converted("## Oui ?  Non\n\nSi !", SET, "fr")
    assert (found.headings[0].title, found.headings[0].html) == (f"Oui{W}? Non", f"Oui{W}? Non")
    assert found.summary_text == f"Si{W}!"


def test_a_long_row_of_quotes_takes_no_long_time(rendered):
    for piece in ("('a ", '"a '):
        assert rendered(piece * 20_000, SET).count("a") == 20_000


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["http://a", "www.", "x.org", '"', "'", "--", "...", " ", "a", "1", "&amp;", "."])))
def test_addresses_are_looked_for_only_where_there_are_some(parts: list[str]) -> None:
    # The expression without addresses must do as well for a text that has none.
    text = "".join(parts)
    if "://" not in text and "www." not in text:
        found = [(each.span(), each.lastgroup) for each in typography._ADDRESS_PATTERN.finditer(text)]
        assert [(each.span(), each.lastgroup) for each in typography._PATTERN.finditer(text)] == found
