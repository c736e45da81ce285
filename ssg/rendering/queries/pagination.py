"""Pagination: a long list stands on several pages, each with so many posts, and each with a path of its own."""

from collections.abc import Sequence

_REACH = 2  # pages shown on either side of the current one


def pages(start: str, posts: Sequence[str], size: int) -> list[tuple[str, tuple[str, ...]]]:
    """The path of each page of the list that begins at `start`, with its posts. An empty list has one page, too."""
    count = max(1, -(-len(posts) // size))
    return [
        (page_path(start, number), tuple(posts[(number - 1) * size : number * size])) for number in range(1, count + 1)
    ]


def page_path(start: str, number: int) -> str:
    """The path of a list's page: "/posts/" and 2 give "/posts/page/2/"."""
    if number == 1:
        return start
    return f"{start.removesuffix('.html').rstrip('/')}/page/{number}/"


def shown(number: int, count: int) -> list[int | None]:
    """The pages of a list to which page `number` leads: the first, the last, and those around it. None where some are
    left out.
    """
    near = range(number - _REACH, number + _REACH + 1)
    found: list[int | None] = []
    last = 0
    for one in sorted({1, count, *(each for each in near if 1 <= each <= count)}):
        if one - last > 1:
            found.append(one - 1 if one - last == 2 else None)
        found.append(one)
        last = one
    return found
