"""What has moved or is gone: the tree's own list and [image.redirects], checked against the tree, as maps of nginx.

A file always comes first, so a rule is looked up only where no file answers, and costs nothing elsewhere. Since nginx's
maps fold case in ASCII, so do rules: `/Old` also answers `/old`, where no file does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from imagebake.nginx import answers
from imagebake.nginx.answers import ServedPaths
from imagebake.nginx.directives import Directive, choice, directive, literal, when
from sealpress.config import redirects as rules
from sealpress.config.document import Node, text_of
from sealpress.config.redirects import GONE, MOVED, Redirect
from sealpress.config.settings import ImageSettings
from sealpress.files import given
from sealpress.problems import Exit, Place, Problem, TreeProblem, did_you_mean, raise_all
from sealpress.tree.tree import REDIRECTS, OutputTree

_BUCKET: Final = 128  # bytes; nginx's own default is 64
_SIZE: Final = 2048  # entries: nginx's default
_OVERHEAD: Final = 64  # bytes of a bucket that are no key, with room to spare


def read(tree: OutputTree, settings: ImageSettings, document: Node | None = None) -> tuple[Redirect, ...]:
    """All rules: those of `_redirects` at the tree's root, then those of [image.redirects].

    `document` is site.toml as it was read, for places. Raises Problem or Problems: (exit 3) for a rule in the settings
    that says nothing, (exit 5) for one in the list, and for any that doesn't fit the tree.
    """
    found: list[Redirect] = []
    if len(tree.served) < len(tree.entries):
        data = given.content(tree.root / REDIRECTS, given.TEXT, REDIRECTS, Exit.TREE)
        found += rules.parse(text_of(data, REDIRECTS, Exit.TREE))
    table = document.at("image", "redirects") if document else None
    found += rules.of_table(settings.redirects, table)
    check(found, tree.paths, tree.below)
    return tuple(found)


def check(found: Sequence[Redirect], paths: Iterable[str], below: str = "") -> None:
    """Whether the rules fit a tree with these paths. Raises Problem or Problems (exit 5).

    Refused are: two rules for one path, a rule for a path that a file answers, a target on the site that nothing
    answers, a chain of rules, and a loop.
    """
    if not found:
        return
    answered = answers.of(paths, below)
    first: dict[str, Redirect] = {}
    doubled = [
        _twice(rule, earlier) for rule in found if (earlier := first.setdefault(folded(rule.path), rule)) is not rule
    ]
    wrong = (_wrong_start(rule, answered) or _wrong_target(rule, answered, first) for rule in found)
    raise_all([*doubled, *(problem for problem in wrong if problem)])


def sizes(found: Sequence[Redirect]) -> tuple[Directive, ...]:
    """What the maps need; must stand before the first map of `http`."""
    longest = max((len(rule.path.encode()) for rule in found), default=0)
    bucket = max(_BUCKET, 1 << (longest + _OVERHEAD - 1).bit_length())
    size = max(_SIZE, 1 << (2 * len(found)).bit_length())
    return (
        directive(
            "map_hash_bucket_size", str(bucket), why="For the longest path that has moved, and for how many have."
        ),
        directive("map_hash_max_size", str(size)),
    )


def in_http(found: Sequence[Redirect]) -> tuple[Directive, ...]:
    """One map for each status in use, from a path to where it leads."""
    return tuple(_map(status, [rule for rule in found if rule.status == status]) for status in _used(found))


def absent(found: Sequence[Redirect]) -> tuple[Directive, ...]:
    """The locations of all that no file answers, and of what not even a 404 page of the tree does."""
    gone = [when(_variable(GONE), directive("return", str(GONE)))] if GONE in _used(found) else []
    moved = [
        when(_variable(status), directive("return", str(status), _variable(status)))
        for status in _used(found)
        if status != GONE
    ]
    return (
        Directive("location", ("@absent",), (*moved, *gone, directive("return", "404"))),
        Directive("location", ("@missing",), (*gone, directive("return", "404"))),
    )


def _used(found: Sequence[Redirect]) -> list[int]:
    return [status for status in (*MOVED, GONE) if any(rule.status == status for rule in found)]


def _variable(status: int) -> str:
    return "$gone" if status == GONE else f"$moved_{status}"


def _map(status: int, found: Sequence[Redirect]) -> Directive:
    # Keys are never variables to nginx, so there `$` is itself; values are.
    cases = sorted((rule.path, "1" if status == GONE else _location(rule.to)) for rule in found)
    return choice("$uri", _variable(status), ("default", ""), *cases)


def _location(to: str) -> str:
    """The value of the header: with the query that was asked with, unless the target has its own."""
    before, mark, fragment = to.partition("#")
    query = "" if "?" in before else "$is_args$args"
    return f"{literal(before)}{query}{mark}{literal(fragment)}"


def folded(path: str) -> str:
    """A rule's path as nginx compares the keys of a map (ngx_strlow): without case, in ASCII alone."""
    return "".join(char.lower() if char.isascii() else char for char in path)


def _twice(rule: Redirect, earlier: Redirect) -> Problem:
    if rule.path == earlier.path:
        message = f'"{rule.path}" has a rule already, in {earlier.place}'
    else:
        message = (
            f'"{rule.path}" differs from "{earlier.path}" in {earlier.place} by case alone, which is not looked at'
        )
    return _problem(message, rule.place, "keep one of them")


def _wrong_start(rule: Redirect, answered: ServedPaths) -> Problem | None:
    if what := answered.answered(rule.path):
        hint = f"a file always comes first: take the rule out, or {what.removeprefix('the ')} out of the tree"
        if "image itself" in what:
            hint = "take the rule out"
        return _problem(f'"{rule.path}" is answered by {what}', rule.place, hint)
    if rule.path in answered.folders:
        return _problem(
            f'"{rule.path}" is a folder of the tree, so it leads to "{rule.path}/"',
            rule.place,
            f"write the rule for {rule.path}/",
        )
    return None


def _wrong_target(rule: Redirect, answered: ServedPaths, first: Mapping[str, Redirect]) -> Problem | None:
    inner = rule.inner
    if inner is None or answered.answered(inner):
        return None
    if following := first.get(folded(inner)):
        return _chain(rule, following, first)
    if inner in answered.folders and answered.answered(f"{inner}/"):
        return _problem(f'"{inner}" is led on to "{inner}/"', rule.target, f"write {inner}/")
    twins = [path for path in answered.files if _last(path) == _last(inner)]
    return _problem(
        f'nothing answers "{inner}"{did_you_mean(inner, twins)}', rule.target, "write a path that the tree has"
    )


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _chain(rule: Redirect, following: Redirect, first: Mapping[str, Redirect]) -> Problem:
    way = [rule, following]
    while (inner := way[-1].inner) is not None and (after := first.get(folded(inner))):
        if after in way:
            shown = " → ".join(one.path for one in [*way[way.index(after) :], after])
            return _problem(f"a loop: {shown}", rule.target, "let one of them lead to a page")
        way.append(after)
    last = way[-1]
    shown = " → ".join(one.path for one in way)
    if last.status == GONE:
        return _problem(f"{shown} is gone, in {last.place}", rule.target, f"write {rule.path} 410")
    return _problem(f"a chain: {shown} → {last.to}", rule.target, f"lead there at once: {rule.path} {last.to}")


def _problem(message: str, place: Place, hint: str) -> Problem:
    return TreeProblem(message, place=place, hint=hint)
