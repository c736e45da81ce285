"""Faults between pages are told for as long as they are there, whatever else is edited meanwhile."""

import pytest

from ssg.build.engine import Engine
from tests.ssg.blogs import Blog
from tests.ssg.build.test_engine import all_made, clean

FAULTS = {
    "a page and a folder": ("posts/p1/index.md", {}),
    "one key, the old page first": ("posts/x.md", {"key": "p2"}),
    "one key, the new page first": ("posts/a.md", {"key": "p2"}),
    "one slug, the old page first": ("posts/x.md", {"slug": "p1"}),
    "one slug, the new page first": ("posts/a.md", {"slug": "p1"}),
    "one tag's address, the old page first": ("posts/x.md", {"tags": '["b-a"]'}),
    "one tag's address, the new page first": ("posts/a.md", {"tags": '["b-a"]'}),
}
"""Of each, one of the two is told of; which one goes by their order."""


EDITS = {
    "nothing": "none",
    "another page": "posts/p3.md",
    "the old one": "posts/p1.md",
    "the new one": "",
}


@pytest.mark.parametrize("are_named", [True, False], ids=["named", "looked for"])
@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_pages_stays_told_until_it_is_mended(
    fault: str, edited: str, are_named: bool, blog: Blog
) -> None:
    path, front = FAULTS[fault]
    blog.page("posts/p2.md", "Two.", tags='["b/a"]', key="p2")

    def turn(*pages: str) -> None:
        engine.turn({f"content/{page}" for page in pages} if are_named else None)
        list(engine.rest())

    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        turn()
        blog.page(path, "New.", **front)
        turn(path)
        told = [one.message for one in engine.problems]
        assert told
        for number in range(3):
            if edited == "none":
                turn()
            else:
                blog.body(edited or path, f"Edit {number}.")
                turn(edited or path)
            assert [one.message for one in engine.problems] == told
        (blog.root / "content" / path).unlink()
        turn(path)
        assert not engine.problems
        assert all_made(engine) == clean(blog)
