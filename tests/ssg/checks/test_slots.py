"""Whatever a slot of a body gives is checked as the body is: the ids in it are anchors, a fault stands at its place."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sealpress.problems import Problem
from ssg.build.engine import Engine
from ssg.build.result import Built
from ssg.markup import converter
from ssg.markup.text.converted import Argument, Converted, Slot, slot_marker
from ssg.rendering.bodies.closing import KINDS, Closing, SlotKind
from tests.ssg.blogs import Blog

ABOUT = {"home": "content/index.md", "post": "content/posts/b.md"}
GREETING = re.compile(r"\[\[(\w+)( loud)?\]\]")


def greeting(closing: Closing, target: str, given: tuple[Argument, ...]) -> str:
    if target == "nobody":
        raise Problem("there is nobody to greet", hint="name somebody")
    if target in ABOUT:  # what it gives hangs on another page
        return f'<i id="{closing.queries.title(ABOUT[target])}">Home</i>'
    said = "HELLO" if given else "Hello"
    return f'<b id="greeting-{target}">{said} from {closing.queries.title(closing.source)}</b>'


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    """Two pages, and a kind of slot that is written [[name]]."""

    def convert(text: str, *more: Any) -> Converted:
        found = plain(text, *more)
        slots = list(found.slots)

        def marked(html: str) -> str:
            def marker(one: re.Match[str]) -> str:
                at = text.index(one[0])
                line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
                given = (Argument("loud", ""),) if one[2] else ()
                slots.append(Slot("greeting", one[1], line, column, len(one[0]), given))
                return slot_marker(len(slots) - 1)

            return GREETING.sub(marker, html)

        html, summary = marked(found.html), marked(found.summary_html)
        return replace(found, html=html, summary_html=summary, slots=tuple(slots))

    plain = converter.convert
    monkeypatch.setattr(converter, "convert", convert)
    monkeypatch.setitem(KINDS, "greeting", SlotKind(greeting))
    made = Blog(tmp_path)
    made.page("about.md", "*About.* [[ada loud]]\n\n## Here")
    made.page("posts/a.md", "A. [It](../about.md#greeting-ada), [this](#greeting-bob)\n\n- [[bob]]")
    return made


def faults(blog: Blog) -> list[str]:
    """All that stops a build, as it is told; a clean one finds the same."""
    found = blog.built()
    assert isinstance(found, list), found
    assert blog.clean() == found
    return [f"{place}: {message}" for message, place, *_ in found]  # type: ignore[misc, has-type]


def test_it_stands_where_it_was_written_and_links_lead_to_its_ids(blog: Blog) -> None:
    assert isinstance(blog.built(), Built)
    assert (
        '<em>About.</em> <b id="greeting-ada">HELLO from about</b></p>'
        in (blog.output / "about/index.html").read_text()
    )
    assert '<b id="greeting-bob">Hello from a</b>' in (blog.output / "posts/a/index.html").read_text()


def test_an_id_that_no_slot_gives_any_more_is_missed_by_who_leads_there(blog: Blog) -> None:
    blog.built()
    blog.page("about.md", "About. [[eve]]")
    (told,) = faults(blog)
    assert told.startswith('content/posts/a.md:6:9: there is no anchor "#greeting-ada" in "content/about.md" (did you')
    blog.page("about.md", "About. [[ada]]")
    assert isinstance(blog.built(), Built)


@pytest.mark.parametrize("of", ["home", "post"])
@pytest.mark.parametrize("before", ["about.md", "posts/c.md"])
def test_an_id_of_a_slot_whose_page_stays_as_it_was_is_missed_too(blog: Blog, before: str, of: str) -> None:
    """What a slot gives can hang on all that may be asked of the site: on a page whose title is a part of the site's
    structure, or on one whose is not. The page that has it is read again before, or another one is.
    """
    named = ABOUT[of].removeprefix("content/")
    blog.page(named, "Named.", title="Ada")
    blog.page("about.md", f"About. [[{of}]]")
    blog.page("posts/a.md", "[Home](../about.md#Ada)")
    assert isinstance(blog.built(), Built)
    blog.page(before, f"About. [[{of}]]\n\nMore.")
    assert isinstance(blog.built(), Built)
    blog.page(named, "Named.", title="Eve")
    (told,) = faults(blog)
    assert told.startswith('content/posts/a.md:6:8: there is no anchor "#Ada" in "content/about.md"')
    blog.page(named, "Named.", title="Ada")
    assert isinstance(blog.built(), Built)


@pytest.mark.parametrize("of", ["home", "post"])
def test_an_engine_that_stays_tells_it_as_long_as_it_is_so(blog: Blog, of: str) -> None:
    blog.page(ABOUT[of].removeprefix("content/"), "Named.", title="Ada")
    blog.page("about.md", f"About. [[{of}]]")
    blog.page("posts/a.md", "[Home](../about.md#Ada)")
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        for title, is_there in (("Ada", True), ("Eve", False), ("Bob", False), ("Ada", True), ("Eve", False)):
            blog.page(ABOUT[of].removeprefix("content/"), "Named.", title=title)
            told = [str(one.place) for one in engine.turn({ABOUT[of]}).problems]
            list(engine.rest())
            assert ("content/posts/a.md:6:8" in told) != is_there, title


def test_an_id_that_a_slot_gives_a_second_time_is_told_at_the_slot(blog: Blog) -> None:
    blog.page("about.md", "## Me {#greeting-ada}\n\nAbout. [[ada]]")
    (told,) = faults(blog)
    assert told.startswith('content/about.md:6:8: content/about.md gets two things with the id "greeting-ada"')
    assert "the other is at content/about.md:4:" in told


@pytest.mark.parametrize("summary", ["", "Text.\n\n"])
def test_a_fault_of_one_is_told_at_its_place(blog: Blog, summary: str) -> None:
    blog.page("posts/b.md", f"{summary}To [[nobody]]: hello.")
    (told,) = faults(blog)
    assert told == f"content/posts/b.md:{8 if summary else 6}:4: there is nobody to greet"


def test_a_summary_of_the_front_matter_has_none_whatever_it_holds(blog: Blog) -> None:
    blog.page("posts/b.md", "Text.", summary='"a \\x02slot7=\\x03 b"')
    assert isinstance(blog.built(), Built)
    assert "<p>a \ufffdslot7=\x03 b</p>" in (blog.output / "index.html").read_text()
