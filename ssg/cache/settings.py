"""What site.toml states, key by key: so that later somebody can say which key is another one."""

from collections.abc import Iterator, Mapping

from sealpress.config.document import Node, dotted
from sealpress.config.sitefile import SiteFile
from ssg.cache.tracing import digest

ALL = ""
"""In the place of a key: all settings together, with what follows from them."""

Stated = dict[str, bytes]
"""A digest of each key's value, by the key as a person says it: "[site] title"."""


def stated(site: SiteFile) -> Stated:
    return {ALL: digest(site.settings)} | {dotted(path): digest(value) for path, value in _leaves(site.document, ())}


def differing(before: Stated, now: Stated) -> tuple[str, ...]:
    """The keys that came, went, or have another value; none where the settings are the same after all."""
    if before.get(ALL) == now.get(ALL):
        return ()
    return tuple(key for key in {**now, **before} if key != ALL and before.get(key) != now.get(key))


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if not isinstance(node.value, Mapping):
        yield path, node.plain()
        return
    for key, child in node.value.items():
        yield from _leaves(child, (*path, key))
