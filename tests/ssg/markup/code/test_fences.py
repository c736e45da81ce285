"""What the first line of fenced code says, in the ways that authors of all generators write it."""

import subprocess
import sys

import pytest

from ssg.l10n.language import language
from ssg.markup.code import languages
from ssg.markup.code.fences import Fence, fence_of
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions
from ssg.markup.text.positions import MarkdownSource


def read(info: str, code: str = "a\nb\nc\nd\n") -> tuple[Fence, MarkdownSource]:
    source = MarkdownSource("")
    return fence_of(info, code, (1, 4), source), source


@pytest.mark.parametrize(
    ("info", "name", "column"),
    [
        ("python", "python", 4),
        ("{.python}", "python", 6),
        ("{python}", "python", 5),
        ("{ .python .wide }", "python", 7),
        ("{python, echo=FALSE}", "python", 5),
        ("{#x .python}", "python", 9),
        ("lang-js", "js", 9),
        ("language-js", "js", 13),
        ("{.language-js}", "js", 15),
        ("js:file.js", "js", 4),
        ("js{1,3}", "js", 4),
        ("js {1,3}", "js", 4),
        ("rust,no_run", "rust", 4),
        ("rust, ignore", "rust", 4),
        ("c++", "c++", 4),
        ("C#", "C#", 4),
        ("{.c++}", "c++", 6),
        ("{.C#}", "C#", 6),
        ("F#", "F#", 4),
        ("html+jinja", "html+jinja", 4),
        ("text/plain", "text/plain", 4),
        ("Node.js", "Node.js", 4),
        ("python=", "python", 4),
        ("python:", "python", 4),
        ("https://example.org/a.js", "https://example.org/a.js", 4),
        ("<a:b.c>", "<a:b.c>", 4),
        ("lang-", "lang-", 4),
        ("", "", 4),
        ("{}", "", 4),
        ("{1,3}", "", 4),
        ('title="x.py"', "", 4),
        ("{title=x.py}", "", 4),
    ],
)
def test_the_language_is_found_and_its_place(info: str, name: str, column: int) -> None:
    fence, source = read(info)
    assert (fence.language, fence.column) == (name, column)
    assert not source.faults


@pytest.mark.parametrize(
    "info",
    [
        'js hl_lines="1 3-4"',
        "js hl_lines=1,3-4",
        'js {hl_lines=[1,"3-4"]}',
        "js {hl_lines=['1', '3-4']}",
        "js {1,3-4}",
        "js{1,3-4}",
        "{.js hl_lines='1 3-4'}",
        "js highlight={1,3-4}",
        "js,hl_lines=1 3-4",
        "{1,3-4}",
    ],
)
def test_lines_to_mark_are_read_as_others_write_them(info: str) -> None:
    fence, source = read(info)
    assert fence.marked == {1, 3, 4}
    assert source.faults == source.warnings == []


@pytest.mark.parametrize(
    ("info", "first"),
    [
        ("js linenums", 1),
        ('js linenums="12"', 12),
        ("js {linenos=table}", 1),
        ("js {linenos=inline,linenostart=199}", 199),
        ("js {linenostart=199,linenos=true}", 199),
        ("js {linenos=false}", None),
        ("js,linenos", 1),
        ("js showLineNumbers", 1),
        ("{.js .numberLines startFrom=100}", 100),
        ("{.js .number-lines}", 1),
        ("js=", 1),
        ("js=12", 12),
        ("js", None),
    ],
)
def test_numbers_of_lines_are_read_as_others_write_them(info: str, first: int | None) -> None:
    fence, source = read(info)
    assert fence.first_number == first
    assert fence.classes == ()
    assert source.faults == source.warnings == []


@pytest.mark.parametrize(
    "info",
    [
        'js title="a b.js"',
        "js title='a b.js'",
        'js filename="a b.js"',
        '{.js caption="a b.js"}',
        'js {file="a b.js"}',
    ],
)
def test_titles_are_read_as_others_write_them(info: str) -> None:
    fence, source = read(info)
    assert fence.title == "a b.js"
    assert source.faults == source.warnings == []


@pytest.mark.parametrize("info", ["js:src/a.js", "js:title=src/a.js", "js title=src/a.js", "js name=src/a.js"])
def test_a_file_s_name_is_a_title(info: str) -> None:
    assert read(info)[0].title == "src/a.js"


def test_an_option_of_another_generator_is_passed_over_and_told() -> None:
    _, source = read("js copy theme=dark")
    assert [(one.message, one.column, one.length) for one in source.warnings] == [
        ('code has no option "copy": it is passed over', 7, 4),
        ('code has no option "theme": it is passed over', 12, 5),
    ]
    assert source.faults == []


def test_what_rust_says_to_its_compiler_is_no_option() -> None:
    _, source = read("rust,no_run,should_panic")
    assert source.faults == source.warnings == []


@pytest.mark.parametrize("info", ["js title", "js hl_lines", "js linenums=x", "js hl_lines=9", "js {hl_lines=[x]}"])
def test_an_option_that_cannot_be_read_is_a_fault(info: str) -> None:
    assert len(read(info)[1].faults) == 1


def test_classes_and_an_id_stand_on_the_block() -> None:
    fence, _ = read("{.js #a .wide .c++}")
    assert (fence.language, fence.id, fence.classes) == ("js", "a", ("wide", "c++"))


@pytest.mark.parametrize("piece", ["a=[", 'a="', "a={", "{", "a=", ".", "#", "1-", ",", "a:"])
def test_no_info_string_takes_long(piece: str) -> None:
    """Only so much of it is read."""
    assert len(read(piece * 100_000)[0].language) <= 1000


NAMES = """
plaintext text txt plain none output plain-text nohighlight jsonc json5 env dotenv mermaid csv tsv svelte vue astro
console shell-session terminal shell sh bash zsh fish ksh dockerfile containerfile gitignore log http hcl terraform
nginx caddyfile toml wat mdx jsx tsx proto protobuf c++ cpp c# csharp f# fsharp js javascript node mjs ts py rb rs go
golang yml kt kts html xml svg diff patch conf ini config make makefile cmake ps1 powershell cmd bat elm tf rss viml vim
"""


@pytest.mark.parametrize("name", NAMES.split())
@pytest.mark.parametrize("written", [str.lower, str.upper, str.capitalize])
def test_what_authors_call_languages_is_known(name: str, written: object) -> None:
    found = convert(f"```{written(name)}\na <b\n```", MarkdownOptions(), language("en"))  # type: ignore[operator]
    assert found.faults == found.warnings == ()
    assert f'<code class="language-{written(name)}">' in found.html  # type: ignore[operator]


def test_each_name_of_ours_is_read_by_a_lexer_of_pygments_and_none_is_said_twice() -> None:
    from pygments.lexers import get_all_lexers

    own = {alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}
    names = [name for names in languages._READ_BY.values() for name in names.split()]
    assert own.issuperset(languages._READ_BY)
    assert own.isdisjoint(names)
    assert len(names) == len(set(names))
    plain = languages._PLAIN.split()
    assert len(plain) == len(set(plain))
    assert set(plain).isdisjoint(names)
    assert set(plain) & own <= {"text", "output"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pyhton", ' (did you mean "python"?)'),
        ("Javscript", ' (did you mean "javascript"?)'),
        ("mermade", ' (did you mean "mermaid"?)'),
        ("jsoncc", ' (did you mean "jsonc"?)'),
        ("qqqqqqqq", ""),
    ],
)
def test_a_name_that_is_not_known_is_shown_plain_and_told_with_the_nearest(name: str, near: str) -> None:
    found = convert(f"a\n\n```{name}\nx < y\n```", MarkdownOptions(), language("en"))
    assert found.faults == ()
    assert f'<code class="language-{name}">x &lt; y\n</code>' in found.html
    assert [(one.message, one.line, one.column, one.length) for one in found.warnings] == [
        (f'no highlighting for "{name}"{near}: this code is shown plain', 3, 4, len(name))
    ]


@pytest.mark.parametrize("dialect", ["commonmark", "python-markdown"])
def test_both_dialects_tell_the_same(dialect: str) -> None:
    found = convert("- a\n\n    ```pyhton\n    x\n    ```", MarkdownOptions(dialect=dialect), language("en"))  # type: ignore[arg-type]
    assert [(one.line, one.column) for one in found.warnings] == [(3, 8)]
    assert found.faults == ()


PLAIN = """
import sys
from ssg.l10n.language import Language
from ssg.markup.text.converted import MarkdownOptions
from ssg.markup.converter import convert
found = convert("```mermaid\\na --> b\\n```", MarkdownOptions(), Language("en", "English", "ltr"))
assert "a --&gt; b" in found.html
assert "pygments" not in sys.modules
"""


def test_a_language_that_is_shown_plain_loads_no_pygments() -> None:
    assert subprocess.run([sys.executable, "-c", PLAIN], check=False, timeout=60).returncode == 0
