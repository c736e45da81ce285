"""The headers of an answer as the sealed nginx sends them, and what the preview's own script needs besides.

The policy is that of one page with the site's style sheets. A sealed site has one for all its pages: it allows besides
what the others need.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from sealpress.config import serving
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.policy import pages, source_lists
from sealpress.policy.refusals import complaint, mend
from sealpress.policy.source import TextSource, TooLongError, texts
from sealpress.policy.source_lists import DRAWING, Computation, Files, Needs
from sealpress.problems import Problem
from sealpress.tree.tree import CacheClass, TreeFile, media_type

_SHEET: Final = "text/css"
_SCRIPTS: Final = ("script-src-elem", "script-src", "default-src")
_REQUESTS: Final = ("connect-src", "default-src")


@frozen
class SiteHeaders:
    """Of a site with these files. `sheets` are the paths of its style sheets."""

    site: SiteFile
    files: Files
    sheets: tuple[str, ...]

    @classmethod
    def of(cls, site: SiteFile, paths: Iterable[str]) -> "SiteHeaders":
        kinds = {path: media_type(path) for path in paths}
        return cls(site, Files.of(kinds.items()), tuple(path for path, kind in kinds.items() if kind == _SHEET))

    def policy(self, path: str, content: bytes, read: Callable[[str], bytes | None]) -> str:
        """The Content-Security-Policy of what a file holds, "" for none; `read` gives the style sheets. Raises
        LookupError where one is not made yet.
        """
        image, kind = self.site.settings.image, media_type(path)
        if kind not in pages.READERS:
            return ""
        for name, value in image.headers.items():
            if name.lower() == serving.CSP.lower():
                return value
        if (said := source_lists.given(image)) is None:
            try:
                said = self._computation({path: content} | {one: _held(read(one)) for one in self.sheets}).policies(
                    self.files
                )
            except Problem:  # which a bake tells
                return ""
        return said.drawings if kind == DRAWING else said.pages

    def refused(self, path: str, content: bytes) -> list[str]:
        """What a bake would refuse of a file, and what mends it, in words."""
        if source_lists.given(self.site.settings.image) is not None or media_type(path) not in pages.READERS:
            return []
        found = self._computation({path: content})
        return [f"{complaint(one)}: {mend(one, found.own)}" for one in found.refused]

    def _computation(self, held: Mapping[str, bytes]) -> Computation:
        documents = [TreeFile(name, name, 0, media_type(name), CacheClass.REVALIDATE) for name in held]
        found = {source_lists.key(one): _needs(one.media_type, held[one.path]) for one in documents}
        return Computation(documents, found, self.site.settings.image, self.site.settings.site.url)

    def headers(self, policy: str) -> dict[str, str]:
        """What every answer carries besides."""
        own = self.site.settings.image.headers.items()
        return serving.headers({name: value for name, value in own if name.lower() != serving.CSP.lower()}, policy)


def _held(content: bytes | None) -> bytes:
    if content is None:
        raise LookupError
    return content


@lru_cache(100)
def _needs(kind: str, content: bytes) -> Needs:
    try:
        return frozenset(load[:2] for load in pages.READERS[kind](TextSource(texts([content]))))
    except (UnicodeError, TooLongError):  # which a bake tells
        return frozenset()


def named(policy: str) -> str:
    """A short name of a policy."""
    return hashlib.sha256(policy.encode("utf-8", "replace")).hexdigest()[:16]


def with_script(policy: str, script: str, events: str, nonce: str) -> str:
    """The policy that allows the preview's script besides, by its address, and what that asks for: addresses below
    `events`. Nothing of a preview is asked for by TLS.
    """
    directives: dict[str, list[str]] = {}
    for words in map(str.split, policy.split(";")):
        if words:
            directives.setdefault(words[0].lower(), words[1:])
    directives.pop("upgrade-insecure-requests", None)
    for names, own in ((_SCRIPTS, script), (_REQUESTS, events)):
        if (name := next((name for name in names if name in directives), None)) is not None:
            sources = [one for one in directives[name] if one.lower() != "'none'"]
            directives[names[0]] = [*sources, f"'nonce-{nonce}'" if "'strict-dynamic'" in sources else own]
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())
