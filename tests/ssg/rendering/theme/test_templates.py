"""A fault in a template is a Problem at its line, with the page being rendered and what could have been meant."""

import datetime as dt

import pytest

from sealpress.problems import Problem


def message_of(blog, template, name="page.html", **files):
    """What rendering content/about.md with a template ends with."""
    blog.write(f"templates/{name}", template)
    for other, text in files.items():
        blog.write(f"templates/{other}.html", text)
    with pytest.raises(Problem) as caught:
        blog.rendered()
    return str(caught.value)


SUBJECT = "(while rendering content/about.md)"


def test_an_undefined_name(blog):
    assert message_of(blog, "<h1>x</h1>\n  {{ pge.title }}\n") == (
        f'templates/page.html:2:6: nothing is called "pge" here (did you mean "page"?) {SUBJECT}\n'
        "2 |   {{ pge.title }}\n"
        "         ^^^\n"
        "hint: known: absolute_url, asset, cycler, date, dict, iso, joiner, lang, namespace, number, page, range, "
        "site, t, theme, tojson, url"
    )


def test_an_undefined_attribute(blog):
    text = message_of(blog, "{{ page.titel }}")
    assert text.startswith(
        f'templates/page.html:1:9: page has no "titel" (did you mean "title"?) {SUBJECT}\n'
        "1 | {{ page.titel }}\n            ^^^^^"
    )
    assert "hint: known: absolute_url, alternates, ancestors, author, children" in text


def test_an_undefined_option_and_parameter(blog):
    assert 'the table has no "acent" (did you mean "accent"?)' in message_of(blog, "{{ theme.acent }}")
    assert 'the table has no "mood"' in message_of(blog, "{{ page.params.mood }}")


def test_a_name_may_be_asked_for(blog):
    """`is defined` and default() work with names that aren't there."""
    blog.write(
        "templates/page.html", "{{ 'yes' if nothing is defined else 'no' }} {{ page.params.mood | default('calm') }}"
    )
    assert blog.rendered()["about/index.html"] == "no calm"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a\n{% if page %}\nb\n{% endfor %}\n", "4:4: endfor stands here, and if is still open", "{% endif %}"),
        ("{% block x %}{% if page %}{% endblock %}", "1:30: endblock stands here, and if is still open", "{% endif %}"),
        ("{% for x in [] %}{% else %}{% endif %}", "1:31: endif stands here, and for is still open", "{% endfor %}"),
        ("{% for x in [] %}\n{% if x %}", "2:1: the template ends, and if is still open", "{% endif %}"),
        ("{% macro x() %}", "1:1: the template ends, and macro is still open", "{% endmacro %}"),
        ("a {% endif %}", "1:6: encountered unknown tag 'endif'", "nothing is open here that endif could end"),
    ],
)
def test_broken_syntax(text, message, hint, blog):
    said = message_of(blog, text)
    assert said.startswith(f"templates/page.html:{message}")
    assert hint in said.rpartition("hint: ")[2]


def test_a_missing_template(blog):
    text = message_of(blog, '{% include "macro.html" %}')
    assert text.startswith(
        f'templates/page.html:1:13: there is no template "macro.html" (did you mean "macros.html"?) {SUBJECT}\n'
    )


def test_no_template_leads_out_of_the_theme(blog):
    blog.write("secret.html", "secret")
    for name in ("../secret.html", "/etc/passwd", "../../ssg/content/model.py"):
        assert f'there is no template "{name}"' in message_of(blog, f'{{% include "{name}" %}}')


def test_an_error_deep_down_is_told_where_it_is(blog):
    """Not where the page's own template includes it."""
    text = message_of(
        blog,
        '{% extends "frame.html" %}\n{% block x %}{% include "part.html" %}{% endblock %}',
        frame="{% block x %}{% endblock %}",
        part="\n\n{{ 1 / 0 }}",
    )
    assert text == (f"templates/part.html:3:1: division by zero {SUBJECT}\n3 | {{{{ 1 / 0 }}}}\n    ^^^^^^^^^^^")


def test_templates_that_include_each_other(blog):
    text = message_of(blog, '{% include "a.html" %}', a='{% include "b.html" %}', b='{% include "a.html" %}')
    assert f"the templates include each other without end, or are nested too deeply {SUBJECT}" in text


@pytest.mark.parametrize("template", ["{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ 1" + "+1" * 20_000 + " }}"])
def test_a_template_that_is_nested_too_deeply_is_named(blog, template):
    assert message_of(blog, template).startswith(
        "templates/page.html: the templates include each other without end, or"
    )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ page.next }}", "nothing (None) can't be printed"),
        ("{{ page }}", "page can't be printed"),
        ("{{ page.tags }}", "a list can't be printed"),
        ("{{ site.posts }}", "the function posts can't be printed"),
        ("{{ page.updated }}", "a date can't be printed (use the filter date or iso)"),
        ("{{ page.date | date }}", "date takes a date, not nothing (None)"),
        ("{{ page.title | iso }}", "iso takes a date, not text"),
        ("{{ number('3') }}", "number takes a number, not text"),
        ("{{ url(3) }}", "url takes text, not the number 3"),
        ("{{ page.updated | date('lnog') }}", '"lnog" is not a form of a date (did you mean "long"?)'),
        ("{{ t('postss') }}", 'no interface string is called "postss" (did you mean "posts"?)'),
        ("{{ t('post_count') }}", 'the interface string "post_count" has plural forms and needs a number'),
        ("{{ asset('stile.css') }}", 'the theme has no file "static/stile.css" (did you mean "style.css"?)'),
        ("{{ url('docs/x.md') }}", 'there is no page "content/docs/x.md"'),
        ("{{ site.page('abut.md').title }}", 'there is no page "content/abut.md" (did you mean "content/about.md"?)'),
        ("{{ page.title | shout }}", "no filter named 'shout'"),
        ("{{ page.title(1) }}", "'str' object is not callable"),
    ],
)
def test_a_wrong_value_is_a_problem(blog, template, message):
    text = message_of(blog, template)
    assert text.startswith("templates/page.html:1:")
    assert message in text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ page._page.source }}",
        "{{ page._scene.site.root }}",
        "{{ t.__globals__ }}",
        "{{ [1, 2] | random }}",
        "{{ lipsum() }}",
        "{% set x = [] %}{{ x.append(1) }}",
    ],
)
def test_no_way_leads_to_the_machine_or_to_chance(blog, template):
    assert message_of(blog, template).startswith("templates/page.html:1:")


def test_a_fault_of_ours_keeps_its_traceback(blog, monkeypatch):
    from ssg.rendering.views.pages import PageView

    def broken(self):
        raise KeyError("ours")

    monkeypatch.setattr(PageView, "reading_minutes", property(broken))
    with pytest.raises(KeyError, match="ours"):
        blog.rendered()


def test_text_is_escaped_html_is_not(blog):
    blog.write("templates/page.html", "{{ page.title }}{{ page.content }}")
    blog.page("content/x.md", title="<b>", body="<i>x</i>")
    assert blog.rendered()["x/index.html"] == "&lt;b&gt;<p><i>x</i></p>"


def test_what_templates_may_call(blog):
    """Every function, in both of its forms, in both languages."""
    blog.write(
        "templates/calls.html",
        "{{ t('post_count', count=1234) }}|{{ 'home' | t }}|{{ date(page.updated, 'MMMM y') }}|"
        "{{ page.updated | iso }}|"
        "{{ 1234.5 | number }}|{{ url('docs/index.md#a') }}|{{ '/x/' | absolute_url }}|{{ url('about.md') }}|"
        "{{ url('https://example.org/a') }}",
    )
    updated = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
    blog.page("content/calls.md", updated=updated, template="calls.html")
    blog.page("content/fr/calls.md", updated=updated, template="calls.html")
    rendered = blog.rendered()
    assert rendered["calls/index.html"] == (
        "1,234 posts|Home|August 2026|2026-08-01|1,234.5|/docs/#a|https://shed.example.org/x/|/about/|https://example.org/a"
    )
    assert rendered["fr/calls/index.html"] == (
        "1\u202f234 billets|Accueil|août 2026|2026-08-01|1\u202f234,5|/docs/#a|https://shed.example.org/x/|/fr/a-propos/|"
        "https://example.org/a"
    )


def test_a_template_that_is_not_utf8(blog):
    (blog.root / "templates").mkdir()
    (blog.root / "templates" / "page.html").write_bytes(b"a\n\xff")
    with pytest.raises(Problem) as caught:
        blog.rendered()
    assert str(caught.value) == "templates/page.html:2: the template is not UTF-8\nhint: save it as UTF-8"
