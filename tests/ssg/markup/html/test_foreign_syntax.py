"""Other systems' syntax in a text: told once a page, at its place, and never where readers are meant to see it."""

import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import Converted, MarkdownOptions

DIALECTS = ["commonmark", "python-markdown"]


def read(text: str, dialect: str = "commonmark") -> Converted:
    return convert(text, MarkdownOptions(dialect=dialect), language("en"))  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "shown", "line", "column", "length"),
    [
        ("a {{ site.url }} b", "{{ site.url }}", 1, 3, 14),
        ("a\n\n{{x}}", "{{x}}", 3, 1, 5),
        ("{{- x -}}", "{{- x -}}", 1, 1, 9),
        ("{% include a.html %}", "{% include a.html %}", 1, 1, 20),
        ("{%- if x -%}", "{%- if x -%}", 1, 1, 12),
        ('{{< figure src="a.png" >}}', '{{< figure src="a.png" >}}', 1, 1, 26),
        ("{{% note %}}", "{{% note %}}", 1, 1, 12),
        ("{# a remark #}", "{# a remark #}", 1, 1, 14),
        ("a <%= yield %>", "<%= yield %>", 1, 3, 12),
        ("# A {{ x }}", "{{ x }}", 1, 5, 7),
        ("- a\n\n    {{ x }}", "{{ x }}", 3, 5, 7),
        ("> {{ x }}", "{{ x }}", 1, 3, 7),
        ("| a |\n|---|\n| {{ x }} |", "{{ x }}", 3, 3, 7),
        ("a[^1]\n\n[^1]: {{ x }}", "{{ x }}", 3, 7, 7),
        ("<div>{{ x }}</div>", "{{ x }}", 1, 6, 7),
        ("`{{ x }}` {{ x }}", "{{ x }}", 1, 11, 7),
        ("```\n{{ x }}\n```\n\n{{ x }}", "{{ x }}", 5, 1, 7),
        ("a\n\n    {{ x }}\n\n{{ x }}", "{{ x }}", 5, 1, 7),
        ("<!-- {{ x }} -->\n\n{{ x }}", "{{ x }}", 3, 1, 7),
        ("<pre>{{ x }}</pre>\n\n{{ x }}", "{{ x }}", 3, 1, 7),
        ("\\{{ x }} {{ x }}", "{{ x }}", 1, 10, 7),
        ("::: tip\na\n:::", "::: tip", 1, 1, 7),
        (":::warning\na\n:::", ":::warning", 1, 1, 10),
        (":::{note}\na\n:::", ":::{note", 1, 1, 8),
        ("[[toc]]", "[[toc]]", 1, 1, 7),
        ("[[_TOC_]]", None, 1, 1, None),
        ("@[toc]", "@[toc]", 1, 1, 6),
        ("import A from './a.js'\n\nb", "import A from './a.js'", 1, 1, 22),
        ("export const a = 1\n\nb", "export const", 1, 1, 13),
        ("a\n\n$$x^2$$", "$$x^2$$", 3, 1, 7),
        ("$$\n\\frac{a}{b}\n$$", "$$ \\frac{a}{b} $$", 1, 1, None),
        ("a \\(x^2\\) b", "\\(x^2\\)", 1, 3, 7),
        ("\\[ y = \\alpha \\]", "\\[ y = \\alpha \\]", 1, 1, None),
    ],
)
def test_it_is_told_at_its_place(
    text: str, shown: str | None, line: int, column: int, length: int | None, dialect: str
) -> None:
    found = read(text, dialect)
    (told,) = found.warnings
    assert (told.line, told.column) == (line, column)
    if shown is not None:
        assert told.message.startswith(f'"{shown}" is shown as it is: it is ')
    if length is not None:
        assert told.length == length
    assert told.hint


def test_in_a_link_it_is_told_where_it_makes_it_none() -> None:
    """CommonMark has no blanks in a target. Python-Markdown has, and a dead one is told with the other links."""
    text = "[a]({{ site.url }}/b)"
    (told,) = read(text).warnings
    assert (told.line, told.column, told.length) == (1, 5, 14)
    (link,) = read(text, "python-markdown").links
    assert link.target == "{{ site.url }}/b"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        "`{{ x }}` `{% y %}` `$$x^2$$` `::: a` `[[toc]]`",
        "```\n{{ x }}\n::: a\n$$x^2$$\nimport a from 'b'\n```",
        "a\n\n    {{ x }}\n    ::: tip",
        "<!-- {{ x }} {% y %} $$x^2$$ -->",
        "a <!-- {{ x }} --> b",
        "<pre>{{ x }} $$x^2$$</pre>",
        "<script>\nlet a = `{{ x }}`;\n</script>",
        "<style>\n.a {{ x }}\n</style>",
        "a <code>{{ x }}</code> <kbd>{% y %}</kbd>",
        "\\{{ x }} \\{% y %} \\{{< z >}} \\{{% z %}}",
        "&#123;{ x }} &#36;$x^2$$",
        "it costs $5 and $6, or $$ in Sydney and $$$ in Oslo",
        "$x^2$ is a price in a foreign land",
        "\\[a remark\\] and \\(another\\)",
        "\\[x\\]: no definition, \\(a, b\\) no formula",
        "we import goods from 'here' and export let alone",
        "goods that we\nimport from 'here'",
        "{{ and no end",
        "{{ in one\n\nand }} in another paragraph",
        "{% and no end",
        "# A {#id}",
        "## A {#id .b}\n\nc {: #d}",
        "a ::: b",
        ":: a\n\n: b",
        "[[1]] [[a note]] x[[i]]",
        "a < b %> c <% d",
        "{ { x } }",
        "[TOC]\n\n# A",
    ],
)
def test_what_readers_are_meant_to_see_is_not_told(text: str, dialect: str) -> None:
    assert read(text, dialect).warnings == ()


def test_each_kind_is_told_once_with_its_count() -> None:
    found = read("{{ a }} {% b %} {{< c >}}\n\n{{ d }}\n\n$$x^2$$ \\(y_1\\)\n\n::: a\nb\n:::\n\n::: c\nd\n:::\n")
    assert [(one.message.partition(" is shown as it is: ")[2], one.line) for one in found.warnings] == [
        ("it is template code of another system (4 times on this page)", 1),
        ("it is a formula, and nothing sets formulas here (2 times on this page)", 5),
        ("it is a container of another system (2 times on this page)", 7),
    ]


def test_what_is_told_is_short() -> None:
    message = read("{{ " + "x" * 500 + " }}").warnings[0].message
    assert "x…x" in message
    assert len(message) < 150


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("\\{{ x }}", "<p>{{ x }}</p>"),
        ("\\{% x %}", "<p>{% x %}</p>"),
        ("\\$$x\\$$", "<p>$$x$$</p>"),
        ("\\:::a", "<p>:::a</p>"),
        ("\\<%= x %>", "<p>&lt;%= x %&gt;</p>"),
        ("\\[a\\] \\(b\\)", "<p>[a] (b)</p>"),
        ("*\\{a* **\\(b**", "<p><em>{a</em> <strong>(b</strong></p>"),
        ("| \\{a |\n|---|\n| \\[b |", None),
        ('[\\(a](b "\\[c") ![\\{d](e)', None),
    ],
)
def test_what_a_backslash_keeps_reaches_readers_as_it_is(text: str, html: str | None) -> None:
    found = read(text)
    assert "\x02" not in found.html.replace("\x02slot", "").replace("\x02anchor", "")
    assert found.faults == found.warnings == ()
    assert html is None or found.html == html
    assert "\x02" not in found.plain_text + found.summary_text


def test_an_escaped_sign_in_a_heading_is_no_part_of_its_anchor() -> None:
    (heading,) = read("# A \\(b\\) \\{c").headings
    assert (heading.id, heading.title) == ("a-b-c", "A (b) {c")
