"""A question is declared on one method: its words, what it depends on, and that templates may ask it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View
from ssg.rendering.views.pages import PageView, TermView
from ssg.rendering.views.shared import asking
from ssg.rendering.views.sites import SiteView
from tests.ssg.explain.whys import SITE, part, post, write

VIEWS = {"page": PageView, "site": SiteView, "term": TermView}

DECLARED = """\
from ssg.cache.tracing import AnswerOrigin, fact, query
from ssg.rendering.queries import page_queries

class PageQueries(page_queries.PageQueries):
    @fact("number of letters", AnswerOrigin.FRONT, asked_as="page.letters")
    def letters(self, source):
        return len(self._pages[source].title)

    @query("the first page of", "{language}", asked_as="site.first", are_pages=True)
    def first(self, language):
        return min(page.source for page in self.site.pages if page.language == language)

page_queries.PageQueries = PageQueries
from ssg.cli import main
main()
"""


def ssg(root: Path, *arguments: str) -> list[str]:
    """What a command says, with one blank for many, where two more questions are declared and nothing else is done."""
    command = [sys.executable, "-c", DECLARED, *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_a_declared_question_is_asked_traced_and_said(tmp_path: Path) -> None:
    write(tmp_path, "site.toml", SITE)
    write(tmp_path, "content/posts/one.md", post("One"))
    write(tmp_path, "content/posts/two.md", post("Three", 2))
    write(tmp_path, "templates/post.html", "{{ page.letters }} of {{ site.first.letters }}\n")
    built = tmp_path / "public/posts/two/index.html"
    ssg(tmp_path, "build")
    assert built.read_text() == "5 of 3\n"
    said = ssg(tmp_path, "why", "/posts/two/")
    assert "front matter template, number of letters" in part(said, "Source: content/posts/two.md")
    assert "content/posts/one.md number of letters" in part(said, "Other pages")
    assert "the first page of en" in part(said, "Asked of the site")
    write(tmp_path, "content/posts/one.md", post("Telegraphs"))
    ssg(tmp_path, "build")
    assert built.read_text() == "5 of 10\n"
    because = part(ssg(tmp_path, "why", "/posts/two/"), "Last made anew because")
    assert because == ["content/posts/one.md number of letters"]
    write(tmp_path, "content/posts/one.md", post("Telephones"))
    ssg(tmp_path, "build")
    assert part(ssg(tmp_path, "why", "/posts/two/"), "Last made anew because") == because


def test_views_have_an_attribute_for_each_question_that_templates_ask() -> None:
    asked = [question for question in SiteQueries.declared.values() if question.asked_as]
    assert len(asked) >= 20
    for question in asked:
        view, _, attribute = question.asked_as.partition(".")
        assert getattr(VIEWS[view], attribute).__doc__ == getattr(SiteQueries, question.name).__doc__


def test_a_view_does_not_say_itself_what_a_question_declares() -> None:
    """Or one of the two would be lost without a word."""
    with pytest.raises(TypeError, match=r"Twice says itself what page\.title is"):

        @asking("page")
        class Twice(View):
            title = "mine"


def test_no_attribute_of_a_view_stands_for_two_questions() -> None:
    asked = [question.asked_as for question in SiteQueries.declared.values() if question.asked_as]
    assert len(set(asked)) == len(asked)
