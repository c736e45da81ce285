"""Sorted rules change no token, and expressions.first() tells only what is so."""

import re
import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pygments
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexer import RegexLexer, bygroups, combined, default, include, using, words
from pygments.lexers import get_lexer_by_name
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Punctuation,
    String,
    Text,
)

from ssg.markup.code import highlighting, languages
from ssg.markup.fast import lexing
from ssg.markup.fast.expressions import ASCII, first
from tests.ssg.markup import texts
from tests.ssg.markup.fast.test_expressions import EXPRESSIONS, FLAGS

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Lexers that use Pygments' own loop; with it, those that embed others (using) or are made of others (bygroups, words).
LANGUAGES = (
    *("ada", "apacheconf", "awk", "bash", "cmake", "css", "dart", "diff", "docker", "elixir"),
    *("go", "html", "ini", "java", "javascript", "kotlin", "make", "nginx", "nix", "perl", "powershell", "properties"),
    *("python", "r", "rust", "scala", "scss", "sed", "swift", "systemd", "tcl", "toml", "typescript", "vim", "xml"),
    *("zig", "graphql", "haskell", "sql", "tex", "protobuf", "gherkin", "groovy", "fortran"),
)
KNOWN = tuple(name for name in LANGUAGES if languages.lexer_of(name))

_FILES: dict[str, tuple[str, ...]] = {
    "python": ("*.py",),
    "html": ("*.html",),
    "css": ("*.css",),
    "javascript": ("*.js",),
    "bash": ("*.sh", "*.bash", "activate"),
    "toml": ("*.toml",),
    "ini": ("*.cfg", "*.ini", "*.desktop"),
    "make": ("Makefile*", "*.mk"),
    "tcl": ("*.tcl",),
    "xml": ("*.xml", "*.svg"),
    "nginx": ("*.conf",),
    "sql": ("*.sql",),
    "perl": ("*.pl", "*.pm"),
    "diff": ("*.patch", "*.diff"),
    "awk": ("*.awk",),
    "cmake": ("*.cmake",),
    "tex": ("*.tex",),
}


def pair(name: str) -> "tuple[Lexer, Lexer]":
    """A lexer with sorted rules, and one as Pygments has it."""
    quick, stock = (get_lexer_by_name(name, stripnl=False) for _ in range(2))
    lexing.accelerate(quick, after=0)
    return quick, stock


pairs = cache(pair)


def assert_same(name: str, text: str) -> None:
    quick, stock = pairs(name)
    assert list(quick.get_tokens(text)) == list(stock.get_tokens(text)), name


@cache
def real_files() -> tuple[Path, ...]:
    """Files of this repository, of Python's library and of the machine: in a fixed order, whatever is there."""
    library = Path(sysconfig.get_path("stdlib"))
    roots = (texts.REPOSITORY / "ssg", texts.REPOSITORY / "themes", library, Path("/usr/share/doc"), Path("/etc"))
    return tuple(path for root in roots if root.is_dir() for path in _files(root, 3))


def _files(folder: Path, depth: int) -> "list[Path]":
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    files = [path for path in found if path.suffix and not path.is_symlink() and path.is_file()][:40]
    if depth:
        for path in [path for path in found if path.is_dir() and not path.is_symlink()][:30]:
            files += _files(path, depth - 1)
    return files


@pytest.mark.parametrize("name", sorted(_FILES))
def test_real_files_have_the_same_tokens(name: str) -> None:
    chosen = [path for path in real_files() if any(path.match(pattern) for pattern in _FILES[name])][:8]
    for path in chosen:
        try:
            text = path.read_text(errors="replace")[:12_000]
        except OSError:
            continue
        assert_same(name, text)
    for _, code in texts.CODE:
        assert_same(name, code)


def test_there_are_files_and_lexers_enough_to_tell() -> None:
    assert len(KNOWN) >= 40
    accelerated = [name for name in KNOWN if "get_tokens" in vars(pairs(name)[0])]
    assert len(accelerated) >= 35
    assert sum(path.match("*.py") for path in real_files()) > 8


@cache
def _mixture() -> str:
    # Every language's text is a text for every other one's lexer: mostly errors, which must be the same too.
    return "\n".join([*(code for _, code in texts.CODE), *texts.TRAPS, texts.post(1)])


@pytest.mark.parametrize("name", KNOWN)
def test_text_of_other_languages_has_the_same_tokens(name: str) -> None:
    assert_same(name, _mixture())


PIECES = st.sampled_from(
    [
        *("\n", " ", "\t", "\x0b", "\x1c", "\x00", "é", "ſ", "K", "İ", "ı", "п", "\u2028", "\\", "\\n", "\\\n"),
        *('"', "'", '"""', "'''", "`", "```", "#", "#!", "//", "/*", "*/", "<!--", "-->", "<", ">", "</", "/>", "<?"),
        *("{", "}", "${", "$(", "$", "%", "%{", "@", "&", "&&", "|", "(", ")", "[", "]", "[[", "]]", ":", "::", ";"),
        *(",", ".", "..", "-", "--", "->", "=", "==", "=>", "!", "!=", "?", "~", "^", "*", "+", "_", "/"),
        *(
            "0",
            "12",
            "0x1F",
            "1.5e-3",
            "1_000",
            "if",
            "IF",
            "Else",
            "for",
            "def",
            "class",
            "let",
            "in",
            "end",
            "SELECT",
        ),
        *("from", "import", "fn", "pub", "return", "true", "None", "self", "x", "Zz", "EOF", "<<EOF", "r'", 'f"', "b'"),
    ]
)


@settings(max_examples=500)
@given(st.sampled_from(KNOWN), st.lists(PIECES | st.text(max_size=3), max_size=50).map("".join))
def test_any_text_has_the_same_tokens(name: str, text: str) -> None:
    assert_same(name, text)


class Inner(RegexLexer):
    name = "Inner"
    tokens = {"root": [(r"\w+", Name), (r".", Text)]}  # noqa: RUF012


class Traps(RegexLexer):
    """All that a state can hold, with flags and expressions that trip up a reading of their first characters."""

    name = "Traps"
    flags = re.IGNORECASE | re.MULTILINE
    tokens = {  # noqa: RUF012
        "root": [
            (r"(?<=k)s+", Keyword),
            (r"(?!a)[a-c]+(?=\d)", Name),
            (r"k", Keyword.Pseudo),
            (r"(?-i:Z)", Keyword.Type),
            (words(("if", "else", "ſs"), prefix=r"\b", suffix=r"\b"), Keyword),
            (r"(\d+)(\.)?(\d*)", bygroups(Number, Punctuation, Number)),
            (r"<([^>]*)>", bygroups(using(Inner))),
            (r'"', String, combined("string", "escape")),
            (r"\(", Punctuation, ("paren", "#push")),
            (r"\)", Punctuation, "#pop"),
            include("comments"),
            (r"^=", Text, "deep"),
            (r"[^\w\s\"'(){}<>#=]+", Text),
            (r"\s+", Text),
        ],
        "comments": [(r"#.*?$", Comment)],
        "string": [(r'"', String, "#pop"), (r"[^\"\\]+", String)],
        "escape": [(r"\\.", String.Escape)],
        "paren": [(r"\)", Punctuation, "#pop:2"), (r"\(", Punctuation, "#push"), default("inner")],
        "inner": [(r"[^()]+", Name, ("#pop", "#pop")), default("#pop:9")],
        "deep": [(r"(?=.)", Text, "deeper"), (r"\n", Text, "#pop")],
        "deeper": [(r"[a-z]*", Name, "#pop:2")],
    }


@settings(max_examples=400)
@given(st.text(alphabet='aBkKſsSZz12.(){}<>"\\#=- \nifelé', max_size=40))
def test_a_lexer_of_all_kinds_of_rules_has_the_same_tokens(text: str) -> None:
    quick, stock = Traps(stripnl=False), Traps(stripnl=False)
    lexing.accelerate(quick, after=0)
    assert list(quick.get_tokens(text)) == list(stock.get_tokens(text))


def test_a_lexer_with_a_loop_of_its_own_stays_as_it_is() -> None:
    for name in ("yaml", "json", "c", "html+jinja", "rst"):
        lexer = get_lexer_by_name(name)
        if type(lexer).get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
            lexing.accelerate(lexer)
            assert "get_tokens" not in vars(lexer), name


def test_rules_are_sorted_only_when_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    lexer = get_lexer_by_name("bash")
    lexing.accelerate(lexer, after=5)
    sorted_for: list[str] = []
    own = lexing._tokens
    monkeypatch.setattr(lexing, "_tokens", lambda *given: sorted_for.append(given[2]) or own(*given))
    found = [list(lexer.get_tokens(text)) for text in ("a b\n", "a b\n", "a b\n")]
    assert sorted_for == ["a b\n"]
    assert found[0] == found[1] == found[2]


def test_few_rules_are_tried() -> None:
    # What the sorting is for: rules that are always taken to match would be found by no other test.
    lexer = get_lexer_by_name("python")
    root = lexing._Rules(lexer._tokens["root"])
    assert len(root["="]) < len(root.all) / 3
    assert root["é"] is root.all


def test_the_switch_and_untested_versions_leave_the_lexers_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_quick() -> bool:
        return "get_tokens" in vars(highlighting._lexer.__wrapped__("Python"))

    assert is_quick()
    with monkeypatch.context() as patch:
        patch.setenv(lexing.VARIABLE, "0")
        assert not is_quick()
    monkeypatch.setattr(pygments, "__version__", "99")
    assert not is_quick()


def chars(text: str) -> frozenset[str]:
    return frozenset(text)


LETTERS = frozenset(char for char in ASCII if char.isalpha())


@pytest.mark.parametrize(
    ("pattern", "flags", "expected"),
    [
        ("abc", 0, chars("a")),
        ("a?b", 0, chars("ab")),
        ("a*", 0, ASCII),
        ("a*+b", 0, chars("ab")),
        ("a{0}b", 0, chars("ab")),
        ("ab|cd|[e-g]", 0, chars("abcdefg") - chars("bd")),
        ("(a|b?)c", 0, chars("abc")),
        ("(a|)", 0, ASCII),
        ("[^a]", 0, ASCII - {"a"}),
        ("[^\\n]", 0, ASCII - {"\n"}),
        (".", 0, ASCII - {"\n"}),
        (".", re.DOTALL, ASCII),
        (r"\d+", 0, chars("0123456789")),
        (r"\s", 0, chars(" \t\n\r\f\v\x1c\x1d\x1e\x1f")),
        (r"\s", re.ASCII, chars(" \t\n\r\f\v")),
        (r"(?a:\s)", 0, chars(" \t\n\r\f\v")),
        (r"[^\w]", 0, ASCII - LETTERS - chars("0123456789_")),
        ("(?=[ab])[bc]", 0, chars("b")),
        ("(?=[ab])", 0, chars("ab")),
        ("(?=a)b?", 0, chars("a")),
        ("a?(?=b)c", 0, chars("ac")),
        ("(?!a)b", 0, chars("b")),
        ("(?!a)", 0, ASCII),
        ("(?<=a)b", 0, chars("b")),
        (r"^\ba$", 0, chars("a")),
        ("^", 0, ASCII),
        ("$", 0, ASCII),
        ("", 0, ASCII),
        ("a", re.IGNORECASE, chars("aA")),
        ("[a-b1]", re.IGNORECASE, chars("aAbB1")),
        ("[^a]", re.IGNORECASE, ASCII - {"a"}),
        ("ſ", re.IGNORECASE, LETTERS),
        ("ſ", 0, chars("")),
        ("[à-é]", 0, chars("")),
        ("(?i:a)b", 0, chars("aA")),
        ("(?>ab|c)", 0, chars("ac")),
        (r"(a)?\1b", 0, ASCII),
        ("a # b", re.VERBOSE, chars("a")),
    ],
)
def test_where_an_expression_can_begin(pattern: str, flags: int, expected: frozenset[str]) -> None:
    found = first(re.compile(pattern, flags))
    assert "".join(sorted(found)) == "".join(sorted(expected))


@settings(max_examples=600)
@given(EXPRESSIONS, FLAGS, st.text(alphabet="abBkKſsSé-. \n1", min_size=1, max_size=10))
def test_no_match_begins_where_it_was_ruled_out(pattern: str, flags: int, text: str) -> None:
    expression = re.compile(pattern, flags)
    beginnings = first(expression)
    for at, char in enumerate(text):
        if char.isascii() and expression.match(text, at):
            assert char in beginnings, (text, at)


def test_every_ascii_character_is_ruled_out_only_where_it_cannot_begin() -> None:
    """All rules of the lexers above, at every ASCII character and behind some that look-behinds ask for."""
    behind = ("", "\n", " ", "a", "0", "<", "$", ".")
    for name in KNOWN:
        for rules in getattr(pairs(name)[0], "_tokens", {}).values():
            for match, *_ in rules:
                beginnings = first(match.__self__)
                for char in ASCII - beginnings:
                    assert not any(match(f"{before}{char} a1{char}", len(before)) for before in behind), match.__self__
