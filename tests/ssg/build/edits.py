"""What an author may do to a small blog, as tables; and a blog that is built after each edit in two ways.

SEALPRESS_HUNT=N runs every machine over N sequences.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from ssg.cache import last_build
from tests.ssg.blogs import Blog, files, told

HUNT = int(os.environ.get("SEALPRESS_HUNT", "0"))

WORDS = ["red", "tan", "sky", "elm"]  # of one length: an edit that keeps the size must be seen too
NAMES = ["posts/a", "posts/b", "posts/c", "posts/d", "docs/x", "docs/y", "docs/index", "posts/index", "index", "about"]
SUFFIXES = ["", "", "", ".fr"]
BODIES = [
    "*{word}*",
    'It\'s "{word}" -- so.',
    "Same start.\n\nThen {word}.",
    "First.\n\n<!-- more -->\n\nMore {word}.",
    "## Part {word}\n\n### Under\n\n#### Deep\n\n{word}",
    "## Part\n\n[here](#part)\n\nSee.[^1]\n\n[^1]: A {word} note.",
    "```python\nprint('{word}')\n```\n\n{word}",
    "{word}\n\n```python\nprint('same')\n```",
    "[to](/content/{other})",
    "[to](/{other}.md)",
    "[to](/{other}.md#part)\n\n{word}",
    "[to](/{other}.md#part-red)",
    "[tags](/tags/) [feed](/feed.xml) {word}",
    "![p](p.txt)",
    "[sheet](/assets/extra.css)",
    "<p>raw {word}</p>",
    "100. {word}\n\n    two",  # which is warned of
    "- {word}\n\n        two\n\n## Part",
]
KEYS = {
    "title": ["Red", "It's", '"A: b"', "A–b"],
    "date": ["2026-01-01", "2026-01-09", "2025-12-31T23:30:00Z", "2026-03-01", "2026-01-05T10:00:00"],
    "updated": ["", "2026-02-01", "2026-01-05", "2020-01-01"],
    "slug": ["", "red", "tan", "a"],
    "tags": ["", "[red]", "[Red, tan]", "[tan, sky]", "[RED]"],
    "series": ["", "", "", "[red]", "[Red, tan]"],  # unknown where the settings don't declare it
    "key": ["", "one", "two"],
    "draft": ["", "true", "false"],
    "description": ["", "Told"],
    "summary": ["", "Short"],
    "author": ["", "Ada"],
    "order": ["", "1", "-1"],
    "toc": ["", "true", "false"],
    "template": ["", "", "special.html", "nowhere.html"],
    "params": ["", "{a: 1}", "{a: [1, x]}", "{a: {b: 2026-01-01}}"],
    "tilte": ["", "", "x"],
    "# a comment": ["", "x"],
}
TEMPLATES = {
    "404.html": ["<p>WORD {{ site.title }}</p>", '{% from "own.html" import latest %}{{ latest() }}'],
    "post.html": [
        '{% extends "theme/post.html" %}{% block head %}WORD {{ site.posts(limit=2) | length }}{% endblock %}',
        '{% import "own.html" as own %}{{ own.latest() }}{{ own.row() }}{{ page.content }}',
        '{% extends "theme/post.html" %}{% block head %}{% include "extra.html" ignore missing %}{% endblock %}',
        "{{ page.title }}{% set n %}style.css{% endset %}{{ asset(n) }}{{ page.next.title if page.next }}",
        "{{ page.nothing }}",
    ],
    "page.html": [
        '{% for post in site.posts(tag="red") %}{{ post.summary }}{% endfor %}{{ t("feed") }}',
        '{{ page.params | length }}{{ page.params.get("a", "") is mapping }}',
        '{% include ["extra.html", "special.html"] %}{{ site.params.get("a", "none") }}',
        '{{ site.page("about.md").title }}',
        '{% import "own.html" as own %}{{ own.row() }}',
    ],
    "base.html": [
        '{% extends "theme/base.html" %}{% block head %}<i>WORD{{ theme.footer }}</i>{% endblock %}',
        "{% import 'macros.html' as m %}{{ page.url }}{% block head %}{% endblock %}{% block main %}{% endblock %}",
    ],
    "own.html": [
        """{% set all = site.posts() %}{% macro latest() %}{{ all[0].title if all }}{% endmacro %}
        {% macro row() %}WORD{% endmacro %}""",
        """{% set rows = cycler("odd", "even") %}{% macro row() %}{{ rows.next() }}{% endmacro %}
        {% macro latest() %}{{ site.post_count }}{% endmacro %}""",
        """{% set all = site.posts() | map(attribute="title") %}{% macro row() %}{{ all | join(" ") }}{% endmacro %}
        {% macro latest() %}{% endmacro %}""",
    ],
    "extra.html": ["WORD", "None", "{{ site.description }}"],
    "special.html": ["WORD {{ page.title }} {{ page.content }}"],
    "broken.html": ["{% if %}"],
}
FRENCH_FIRST = ["fr", "en"]
SETTINGS = [
    *[("site", "title", value) for value in ("One", "It's Two")],
    *[("site", "description", value) for value in (None, "Told")],
    *[("site", "author", value) for value in (None, "Bea")],
    *[("site", "url", value) for value in ("https://t.example.org/", "https://o.example.org/sub/")],
    *[("site", "languages", value) for value in (["en"], ["en", "fr"], FRENCH_FIRST)],
    *[("site", "default_language", value) for value in (None, "fr")],
    *[("site", "timezone", value) for value in ("UTC", "Pacific/Auckland")],
    *[("site", "theme", value) for value in ("plain", "own")],
    *[("theme", "accent", value) for value in ("blue", "green")],
    *[("theme", "footer", value) for value in ("", "It's", {"en": "E", "fr": "F"})],
    *[("theme", "posts_at_home", value) for value in (0, 2)],
    *[("theme", "contents_from", value) for value in (1, 3)],
    *[("theme", "stylesheet", value) for value in ("", "/own.css")],
    *[("permalinks", "post", value) for value in ("/posts/{slug}/", "/{year}/{slug}.html", "/{slug}/")],
    *[("permalinks", "tag", value) for value in ("/tags/{slug}/", "/t/{slug}/")],
    *[("permalinks", "archive", value) for value in ("/archive/", "/posts/a/")],
    *[("taxonomies", "series", value) for value in (None, {"title": "One"}, {"title": "It's", "path": "/s.html"})],
    *[("lists", "per_page", value) for value in (1, 2, 10)],
    *[("feeds", "limit", value) for value in (1, 2, 20)],
    *[("feeds", "full", value) for value in (True, False)],
    *[("feeds", "enabled", value) for value in (True, False)],
    *[
        ("menus", "main", value)
        for value in (None, [{"title": "It's", "url": "/"}], [{"title": "A", "url": "about.md"}])
    ],
    *[("params", "a", value) for value in (None, "x", 2)],
    *[("markdown", "typography", value) for value in (True, False)],
    *[("markdown", "toc_depth", value) for value in (2, 3)],
    *[("markdown", "highlight", value) for value in (True, False)],
    *[("markdown", "html", value) for value in (True, False)],
    *[("build", "strict", value) for value in (None, None, True)],
    *[("language.fr", "title", value) for value in (None, "Un")],
]
STRINGS = {
    "feed": ["Feed", "Feed!"],
    "previous_post": ["Before", "Avant"],
    "heading_link": ["To {title}", "At {title}"],
}

words = st.sampled_from(WORDS)


def some(table: dict[str, list[str]]) -> st.SearchStrategy[tuple[str, str]]:
    """One of a table's keys with one of its values."""
    return st.sampled_from([(key, value) for key, values in table.items() for value in values])


class Machine(RuleBasedStateMachine):
    """A blog that is built after each edit, on top of what was there and from nothing."""

    @initialize(small=st.booleans())
    def begin(self, small: bool) -> None:
        self.blog = Blog(Path(tempfile.mkdtemp(prefix="sealpress-edits-")))
        self.faults = 0
        self.away: list[Path] = []
        # Only a large site keeps what changed apart from the whole.
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(last_build, "_SMALL", 0 if small else 1000)
        for name in ("a", "b", "c"):
            self.blog.page(f"posts/{name}.md", f"It's {name}.")
        self.blog.page("about.md", "[tags](/tags/)\n\n## Part")

    def teardown(self) -> None:
        if hasattr(self, "blog"):
            self.patches.undo()
            shutil.rmtree(self.blog.folder)

    def move_away(self) -> None:
        """Takes out of the output what no build wrote, after it has stopped a build that left all as it was."""
        if self.away:
            before = files(self.blog.output)
            stopped = isinstance(self.blog.built(), list)
            assert stopped or not any(path.is_file() or path.is_symlink() for path in self.away)
            assert not stopped or files(self.blog.output) == before
        for path in self.away:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.away = []

    def mend(self) -> None:
        """Takes away whatever may be at fault."""
        shutil.rmtree(self.blog.root)
        self.blog.__post_init__()
        for name in ("a", "b"):
            self.blog.page(f"posts/{name}.md", "Mended.", tags="[red, tan]")
        self.blog.page("about.md", "Mended [tags](/tags/)\n\n## Part")

    @invariant()
    def the_incremental_tree_is_the_clean_one(self) -> None:
        if not hasattr(self, "blog"):
            return
        self.move_away()
        clean = told(self.blog.clean())
        before = files(self.blog.output)
        for turn in range(2):  # the second finds nothing changed
            result = self.blog.built()
            assert told(result) == clean
            if isinstance(result, list):
                assert files(self.blog.output) == before
            else:
                assert files(self.blog.output) == files(self.blog.folder / "clean")
                assert not turn or result.written == 0
        self.faults = self.faults + 1 if isinstance(clean, list) else 0
        if self.faults == 3:
            self.mend()


def case(machine: type[Machine], examples: int, steps: int) -> type:
    found = machine.TestCase
    found.settings = settings(
        max_examples=HUNT or examples,
        stateful_step_count=40 if HUNT else steps,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink] if HUNT else list(Phase),
        print_blob=True,
    )
    return pytest.mark.timeout(0 if HUNT else 300)(found)
