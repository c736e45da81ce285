"""No template takes more memory or time than a file may have; which it asks for, it is told at its line."""

# ruff: noqa: E501 - a template is one line

import pytest

from sealpress.problems import Problem
from ssg.rendering import plan
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.pages import PAGE
from ssg.rendering.theme import limits, sizes

LONG_TEXTS = [
    r"""{{ '%010000000000d' % 1 }}""",
    r"""{{ '%*d' % (1000000000, 1) }}""",
    r"""{{ '%.*f' % (1000000000, 1.5) }}""",
    r"""{{ '%0999999999.2f' | format(1.5) }}""",
    r"""{{ '{:0999999999}'.format(1) }}""",
    r"""{{ '{:{w}}'.format(1, w=999999999) }}""",
    r"""{{ '{0:>999999999}'.format('x') }}""",
    r"""{{ '{a:>999999999}'.format_map({'a': 'x'}) }}""",
    r"""{{ 'x'.center(999999999) }}""",
    r"""{{ 'x'.ljust(999999999) }}""",
    r"""{{ 'x'.zfill(999999999) }}""",
    r"""{{ 'x' | center(999999999) }}""",
    r"""{{ 'a\tb'.expandtabs(999999999) }}""",
    r"""{{ 'x' * 999999999 }}""",
    r"""{{ 999999999 * 'x' }}""",
    r"""{{ (1).to_bytes(999999999, 'big') | length }}""",
    r"""{{ 'x' | indent(999999999) }}""",
    r"""{{ 'a b c' | wordwrap(1, wrapstring='x' * 9999999) }}""",
    r"""{{ range(100000) | join('x' * 100000) }}""",
    r"""{{ ('x' * 100000).join(['a'] * 100000) }}""",
    r"""{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}""",
    r"""{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}""",
    r"""{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}""",
    r"""{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}""",
    r"""{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}""",
    r"""{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = d(ns.x) %}{% endfor %}""",
    r"""{% set x = 'x' * 10000000 %}{{ '%s%s%s' % (x, x, x) }}""",
    r"""{% set x = 'x' * 10000000 %}{{ '{0}{0}{0}'.format(x) }}""",
    r"""{% set x = 'x' * 1000000 %}{{ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x }}""",
    r"""{{ range(100000) | map('string') | map('center', 99999999) | list }}""",
    r"""{{ ('a.de ' * 1000000) | urlize(target='x' * 1000) }}""",
    r"""{{ 'x' | attr('center')(999999999) }}""",
    r"""{{ 'x'['center'](999999999) }}""",
    r"""{{ ('a' * 1000).translate({97: 'b' * 10000000}) }}""",
    r"""{% filter center(999999999) %}x{% endfilter %}""",
    r"""{{ 'a'.encode().center(999999999) | length }}""",
    r"""{{ "%s" | format('x' * 10000000, ) | length }}""",
]
LONG_LISTS = [
    r"""{{ ([1] * 999999999) | length }}""",
    r"""{{ [1] | batch(999999999, 'x') | list | length }}""",
    r"""{{ [1] | slice(999999999) | list | length }}""",
    r"""{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}""",
    r"""{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | string | length }}""",
    r"""{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}{{ ns.x == ns.x }}""",
    r"""{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}{{ ns.x | tojson }}""",
    r"""{% set ns = namespace(x=[1]) %}{% macro m() %}{% set ns.x = varargs %}{% endmacro %}{% for i in range(60) %}{{ m(ns.x, ns.x) }}{% endfor %}{{ ns.x | tojson }}""",
    r"""{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x] * 2 %}{% endfor %}{{ ns.x | string | length }}""",
    r"""{{ [[1] * 1000] * 1000 }}""",
]
LONG_WAYS = [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}",
    "{% for a in range(100000) %}{{ range(100000) | sum }}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(100) }}",
    "{% for x in [1] recursive %}{% if loop.depth < 60 %}{{ loop([1]) }}{{ loop([1]) }}{% endif %}{% endfor %}",
    r"""{% for a in range(100000) %}{% set x = range(100000) | list %}{% endfor %}""",
    r"""{% for a in range(100000) %}{{ 'x' * 1000 }}{% endfor %}""",
    r"""{% for a in range(100000) %}{% for b in range(1000) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}""",
    r"""{% set x = 'x' * 800000 %}{% for a in range(100000) %}{% if x in x ~ 'y' %}{% endif %}{% endfor %}""",
    r"""{% set x = 'x' * 800000 %}{% for a in range(100000) %}{% if x[1:] %}{% endif %}{% endfor %}""",
    r"""{% set x = 'x' * 800000 %}{% for a in range(100000) %}{% set b = x.split('y') %}{% endfor %}""",
    r"""{{ range(100000) | map('center', 999999) | list | length }}""",
    r"""{% set x = range(100000) | list %}{% for a in range(100000) %}{{ a in x }}{% endfor %}""",
]
LARGE_NUMBERS = [
    r"""{{ 2 ** 9999999 }}""",
    r"""{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}""",
]


@pytest.fixture
def made(blog):
    """What a template makes of a page."""

    def make(template: str, **others: str) -> bytes:
        blog.write("templates/page.html", "one\n" + template)
        for name, text in others.items():
            blog.write(f"templates/{name}.html", text)
        renderer = plan.Renderer(blog.queries())
        return renderer.make(OutputFile("about/index.html", PAGE, "content/about.md", "content/about.md"))[0]

    return make


@pytest.fixture
def said(made):
    """What the author of a template is told."""

    def text(template: str, **others: str) -> str:
        with pytest.raises(Problem) as caught:
            made(template, **others)
        return str(caught.value)

    return text


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """A hundredth of them, so that the tests take no time."""
    monkeypatch.setattr(limits, "STEPS", 100_000)
    monkeypatch.setattr(sizes, "TEXT", 1_600_000)
    monkeypatch.setattr(sizes, "ITEMS", 100_000)


@pytest.mark.parametrize("template", LONG_TEXTS)
def test_no_text_outgrows_a_file(said, template):
    told = said(template).split("\n")[0]
    assert told.startswith("templates/page.html:2:1: this ")
    assert "a file has 1,600,000 at most" in told or "the most for a file" in told


@pytest.mark.parametrize("template", LONG_LISTS)
def test_no_list_outgrows_what_a_list_may_have(said, template):
    told = said(template)
    assert told.startswith("templates/page.html:2:1: this ")
    assert "items; a list has 100,000 at most (while rendering content/about.md)" in told or "100,000 steps" in told


@pytest.mark.parametrize("template", LONG_WAYS)
def test_no_template_runs_for_ever(said, template):
    told = said(template)
    assert told.startswith("templates/page.html:2:1: this takes more than 100,000 steps, the most for a file")


@pytest.mark.parametrize("template", LARGE_NUMBERS)
def test_no_number_outgrows_what_can_be_printed(said, template):
    assert said(template).startswith("templates/page.html:2:1: this number has more than 3,000 digits")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ 1.5 | round(999999999, 'ceil') }}", "999999999 is more than the 100 digits or blanks"),
        ("{{ {'a': 1} | tojson(999999999) }}", "999999999 is more than the 100 digits or blanks"),
        ("{{ range(1000) | batch(1) | sum(start=[]) }}", "sum adds numbers"),
        ("{{ page.updated | date('y' * 1000) }}", "the form of a date has 1000 characters; 100 is the most"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "the templates include each other without end"),
        ("{% include 'page.html' %}", "the templates include each other without end"),
    ],
)
def test_what_makes_much_of_little_is_refused(said, template, told):
    assert told in said(template).split("\n")[0]


def test_what_grows_on_its_way_into_the_file_is_told_with_the_template(said):
    assert said("{% set x = '\"' * 500000 %}{{ x }}").startswith("templates/page.html: this makes a text of 2,500,004")


def test_what_an_import_takes_counts_for_whoever_imports_it_first_or_later(said, made):
    """Whether a file can be made must not hang on which one was made before it."""
    slow = {"slow": "{% set x = range(30000) | list %}"}
    both = "{% import 'slow.html' as a %}{% import 'slow.html' as b %}"
    assert made("{% import 'slow.html' as a %}", **slow)
    assert "100,000 steps" in said(both, **slow)


def test_each_file_has_steps_of_its_own(made):
    for _ in range(3):
        assert made("{% for a in range(20000) %}{% endfor %}")


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{{ '%05.1f|%-4s|%%' % (1.25, 'a') }}", "001.2|a   |%"),
        ("{{ '%(a)s%(a)s' % {'a': 'x'} }}", "xx"),
        ("{{ '{:>4}{a!r}'.format('x', a='y') }}", "   x&#39;y&#39;"),
        ("{{ '{a}'.format_map({'a': 1}) }}", "1"),
        (
            "{{ 'a' ~ 1 ~ 'b' | upper }} {{ 'a' + 'b' }} {{ 2 ** 10 }} {{ 3 * 'a' }} {{ [1] + [2] == [1, 2] }}",
            "a1B ab 1024 aaa True",
        ),
        (
            "{{ 'x' | center(5) }}|{{ 'x'.center(5) }}|{{ ['a', 'b'] | join('-') }}|{{ '-'.join(['a', 'b']) }}",
            "  x  |  x  |a-b|a-b",
        ),
        (
            "{% for a in [1, 2, 3] if a > 1 %}{{ loop.index }}{{ a }}{{ loop.last }} {% else %}none{% endfor %}",
            "12False 23True ",
        ),
        (
            "{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% endfor %}{{ 'b' in 'abc' }}{{ 1 < 2 <= 2 }}",
            "x1TrueTrue",
        ),
        ("{{ [3, 1] | sort | map('string') | reverse | join(',') }} {{ [1, 2] | sum }} {{ 'abc'[1:] }}", "3,1 3 bc"),
        (
            "{{ [1, 2, 3] | batch(2, 0) | list | length }} {{ 'a b' | wordwrap(1) | length }} {{ 'a&b' | replace('a', '<') }}",
            "2 3 &lt;&amp;b",
        ),
        (
            "{% filter upper %}a{% endfilter %}{% set x %}b{% endset %}{{ x }}{% if x == 'b' %}c{% elif x %}d{% endif %}",
            "Abc",
        ),
        (
            "{% macro m(x) %}<i>{{ x }}{{ x | safe }}</i>{% endmacro %}{{ m('<') }}{% set y %}{{ '&' }}{% endset %}{{ y }}{{ y ~ '>' }}",
            "<i>&lt;<</i>&amp;&amp;&gt;",
        ),
        (
            "{% macro c() %}{{ caller() }}{% endmacro %}{% call c() %}{{ '\"' }}{% endcall %}{% filter upper %}{{ '<a>' }}{% endfilter %}",
            "&#34;&LT;A&GT;",
        ),
        (
            "{% autoescape false %}{{ '<' }}{{ '<' | escape }}{% endautoescape %}{% autoescape true %}{{ '<' | e }}{{ 1.5 }}{{ true }}{{ -1 }}{{ ('<' | e) + '<' }}{% endautoescape %}",
            "<&lt;&lt;1.5True-1&lt;&lt;",
        ),
    ],
)
def test_what_is_counted_gives_what_it_gave(made, template, written):
    assert made(template).decode() == "one\n" + written
