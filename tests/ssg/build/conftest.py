"""A blog of a few posts that was built."""

from pathlib import Path

import pytest

from tests.ssg.blogs import Blog

POSTS = 6


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    found = Blog(tmp_path)
    for number in range(POSTS):
        found.page(f"posts/p{number}.md", f"Body {number}.", date=f"2026-01-0{number + 1}")
    found.page("about.md", "[tags](/tags/)\n\n## Part")
    found.built()
    return found
