"""The Content-Security-Policy of a tree: what its documents need, as far as site.toml allows it, in one header.

It begins with `default-src 'none'` and names only what was found: the site's own files, inline scripts and styles by
their sha256, and other sites where `[image] third_parties` lists them. What no file shows is what scripts do: where
there are any, they may ask the site itself, and load from it what kinds of files it has. A third party's script or
style sheet may load from that party what its kind does.

Drawings, which are SVG files, have a policy of their own for whoever opens one by itself: an `img` asks none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from imagebake.policy import needs
from sealpress.config.settings import ImageSettings
from sealpress.policy import source_lists
from sealpress.policy.refusals import complaint, mend
from sealpress.policy.source_lists import Computation, Files, FoundNeed, Needs, Policies
from sealpress.problems import Problem, TreeProblem, raise_all
from sealpress.tree.tree import OutputTree, TreeFile

_SHOWN: Final = 3


def compute(
    tree: OutputTree,
    settings: ImageSettings,
    *,
    url: str = "",
    name: str = "site",
    known: Mapping[str, Needs] = MappingProxyType({}),
) -> Policies:
    """The values of the header; "" where site.toml turns it off, or sets the header itself.

    `url` is the site's own address: absolute URLs to it are not those of a third party. `name` is whose findings the
    cache keeps them as, `known` what `needs.read` has found already. Raises
    Problem or Problems (exit 5), each at its place in the tree: a third party that isn't
    listed, an object, a `javascript:` URL, a file that can't be read as its type, a policy that is too long.
    """
    if (said := source_lists.given(settings)) is not None:
        return said
    computation = Computation(needs.documents(tree), needs.of(tree, name, known), settings, url)
    raise_all([_refused(tree, one, computation.own) for one in computation.refused])
    policies = computation.policies(Files.of((entry.path, entry.media_type) for entry in tree.entries))
    return replace(policies, withheld=_withheld(tree, computation.withheld, computation.own))


def unread(tree: OutputTree, settings: ImageSettings, name: str) -> list[TreeFile]:
    """The documents that `compute` would have to read, since the cache doesn't know them."""
    return needs.unread(tree, name) if source_lists.given(settings) is None else []


def _withheld(tree: OutputTree, found: Sequence[FoundNeed], own: str | None) -> tuple[str, ...]:
    lines = [
        f"{needs.place(tree, one)}: {complaint(one)}: where it is opened by itself, that is missing; {mend(one, own)}"
        for one in found[:_SHOWN]
    ]
    rest = len(found) - _SHOWN
    return (*lines, f"{rest} more of the kind, in other drawings") if rest > 0 else tuple(lines)


def _refused(tree: OutputTree, one: FoundNeed, own: str | None) -> Problem:
    return TreeProblem(complaint(one), place=needs.place(tree, one), hint=mend(one, own))
