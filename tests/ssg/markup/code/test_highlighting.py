import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sealpress.problems import Problem
from ssg.l10n.language import language
from ssg.markup.code import highlighting
from ssg.markup.code.highlighting import DARK, LIGHT, stylesheet
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions

CODE = "def f():\n    return 1\n"


def test_code_has_classes_and_no_styles(rendered):
    assert rendered(f"```python\n{CODE}```") == (
        '<pre class="highlight" tabindex="0"><code class="language-python">'
        '<span class="k">def</span><span class="w"> </span><span class="nf">f</span><span class="p">():</span>\n'
        '    <span class="k">return</span> <span class="mi">1</span>\n'
        "</code></pre>"
    )


@pytest.mark.parametrize(
    "info", ["python", ".python", " python ", "{.python}", "{ .python }", "Python", "py", "python3", "{.py .wide #a}"]
)
def test_a_language_can_be_written_in_several_ways(rendered, info):
    assert '<span class="k">def</span>' in rendered(f"```{info}\n{CODE}```")


def test_lines_are_numbered_and_marked_without_styles(rendered):
    html = rendered('```{.text .wide #a hl_lines="2-3" linenums=9 title="x <y>"}\na\n<b>\nc\n```')
    assert html == (
        '<figure class="code"><figcaption>x &lt;y&gt;</figcaption>'
        '<pre id="a" class="highlight wide" tabindex="0"><code class="language-text">'
        '<span class="line" data-line="9">a\n</span>'
        '<span class="line marked" data-line="10">&lt;b&gt;\n</span>'
        '<span class="line marked" data-line="11">c\n</span>'
        "</code></pre></figure>"
    )


def test_spans_never_cross_a_line(rendered):
    html = rendered('```python hl_lines=1\n"""a\nb"""\n```')
    for line in re.findall(r'<span class="line[^>]*>(.*?)\n</span>', html, re.DOTALL):
        assert line.count("<span") == line.count("</span>")


def test_leading_and_blank_lines_of_code_stay(rendered):
    text = re.sub("<[^>]+>", "", rendered("```python\n\n  a\n\n\n```"))
    assert text == "\n  a\n\n\n"


def test_highlighting_can_be_off_and_then_no_language_is_wrong(rendered):
    html = rendered("```nope\n<a>\n```", MarkdownOptions(highlight=False))
    assert html == '<pre class="highlight" tabindex="0"><code class="language-nope">&lt;a&gt;\n</code></pre>'


def test_a_style_sheet_for_light_and_dark():
    css = stylesheet()
    assert css == stylesheet(LIGHT, DARK)
    assert css.count("{") == css.count("}")
    assert "@media (prefers-color-scheme: dark)" in css
    assert ':root[data-theme="dark"] .highlight .k {' in css
    assert "prefers-color-scheme" not in stylesheet(dark=None)
    with pytest.raises(Problem, match=r'Pygments has no style "xcod" \(did you mean "xcode"\?\)'):
        stylesheet("xcod")


@pytest.mark.parametrize("style", [LIGHT, DARK])
def test_every_colour_of_the_default_styles_can_be_read(style):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    from pygments.styles import get_style_by_name

    chosen = get_style_by_name(style)
    for token, look in chosen:
        if look["color"]:
            ground = look["bgcolor"] or chosen.background_color.lstrip("#")
            assert _contrast(look["color"], ground) >= 4.5, token


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    colour = colour if len(colour) == 6 else "".join(2 * char for char in colour)
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_lexer_that_comes_to_no_end_is_a_fault_and_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pygments has lexers that go round for ever on what is not their language."""
    from pygments.lexers import MCSchemaLexer
    from pygments.token import Text

    def endless(*_: object) -> Iterator[tuple[int, object, str]]:
        while True:
            yield 0, Text, ""

    monkeypatch.setattr(MCSchemaLexer, "get_tokens_unprocessed", endless)
    highlighting._lexer.cache_clear()
    try:
        found = convert("```mcschema\nx\n```\n", MarkdownOptions(), language("en"))
    finally:
        highlighting._lexer.cache_clear()
    assert found.faults == ()
    assert '<code class="language-mcschema">x\n</code>' in found.html
    assert [(one.message, one.line) for one in found.warnings] == [
        ('this code is shown without colours: the highlighting for "mcschema" comes to no end', 1)
    ]


class _Kept(dict[str, str]):
    """The smallest keeper of blocks; counts what was put."""

    puts = 0

    def put(self, key: str, html: str, language: str) -> None:
        assert language
        self.puts += 1
        self[key] = html


TWO = f"a\n\n```python\n{CODE}```\n\n```bash\necho $x\n```\n"


def test_kept_blocks_change_no_byte_and_are_asked_first():
    kept = _Kept()
    alone = convert(TWO, MarkdownOptions(), language("en"))
    assert convert(TWO, MarkdownOptions(), language("en"), kept) == alone
    assert (len(kept), kept.puts) == (2, 2)
    edited = convert(TWO.replace("a\n", "b\n", 1), MarkdownOptions(), language("en"), kept)
    assert (edited.html, kept.puts) == (alone.html.replace("<p>a", "<p>b"), 2)
    marked = TWO.replace("```python", '```python title="t" hl_lines=1')
    assert convert(marked, MarkdownOptions(), language("en"), kept) == convert(
        marked, MarkdownOptions(), language("en")
    )
    assert kept.puts == 2


def test_a_kept_block_is_known_by_its_language_and_code():
    kept = _Kept()
    for text in (f"```python\n{CODE}```", f"```text\n{CODE}```", f"```ruby\n{CODE}```", "```python\nx\n```"):
        convert(text, MarkdownOptions(), language("en"), kept)
    assert kept.puts == 3


def test_what_pygments_does_not_know_is_told_each_time_and_never_kept():
    kept = _Kept()
    for _ in range(2):
        assert len(convert("```pyhton\nx\n```", MarkdownOptions(), language("en"), kept).warnings) == 1
    assert not kept


FRESH = """
import sys
import ssg.build.steps
assert not {"markdown", "pygments", "babel"} & sys.modules.keys()
import ssg.markup.converter
from ssg.l10n.language import Language
from ssg.markup.text.converted import MarkdownOptions
class Kept(dict):
    def put(self, key, html, language): self[key] = html
class Known:
    def get(self, key): return "kept"
    def put(self, key, html, language): raise AssertionError(key)
english = Language("en", "English", "ltr")
text = "# a\\n\\n```python\\nx = 1\\n```\\n"
found = ssg.markup.converter.convert(text, MarkdownOptions(), english, Known())
assert "<code class=\\"language-python\\">kept</code>" in found.html
assert not {"pygments", "babel"} & sys.modules.keys()
ssg.markup.converter.convert(text, MarkdownOptions(), english, Kept())
assert "pygments" in sys.modules
"""


def test_a_conversion_whose_code_is_known_imports_no_pygments():
    assert subprocess.run([sys.executable, "-c", FRESH], check=False, timeout=60).returncode == 0
