"""The release statement as it stands in the image, at /.well-known/seal.json: what the release was made from.

It is a function of (commit, lock, sealpress version), as the whole image is: no Python version, no machine, no time.
What is not known, since another generator made the tree, is null. Its digest is the image's label org.sealpress.seal.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from imagebake.image import documents
from imagebake.image.oci import canonical
from imagebake.packages.control import is_sha256
from imagebake.recipes import precompressed
from sealpress import tools
from sealpress.frozen import frozen
from sealpress.problems import Problem, SealProblem
from sealpress.tree import provenance
from sealpress.tree.provenance import Provenance
from sealpress.tree.tree import OutputTree

FORMAT: Final = "https://sealpress.org/seal/v1"
RELEASE_LENGTH: Final = 16  # hex digits of the release in an image's tag: enough for every blog ever
LIMIT: Final = 64 << 20
_KEYS: Final = frozenset(
    ["clean", "commit", "format", "inputs", "lock", "own_siblings", "release", "site", "tools", "tree", "unserved"]
)


@frozen
class Statement:
    """`release`, `lock` and `tree` are "sha256:…"; `commit` hex digits, "" for none that is known.

    `clean` and `inputs`, (path, sha256 in hex), are None where nobody told what the tree was made from.
    `unserved`: files of the tree that the image does not hold, (path, sha256 in hex, size). `own_siblings`: files of
    the tree whose names end as those of compressed siblings do. With both, the tree's digest can be worked out from the
    image. `tools` holds at least sealpress. `below`: as in OutputTree; the file has that key only where it is not "".
    """

    site: str
    release: str
    lock: str
    tree: str
    tools: Mapping[str, str]
    commit: str = ""
    clean: bool | None = None
    inputs: tuple[tuple[str, str], ...] | None = None
    unserved: tuple[tuple[str, str, int], ...] = ()
    own_siblings: tuple[str, ...] = ()
    below: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "site": self.site,
            "release": self.release,
            "commit": self.commit or None,
            "clean": self.clean,
            "inputs": None if self.inputs is None else dict(self.inputs),
            "tools": dict(self.tools),
            "lock": self.lock,
            "tree": self.tree,
            "unserved": {path: {"sha256": sha256, "size": size} for path, sha256, size in self.unserved},
            "own_siblings": list(self.own_siblings),
            **({"below": self.below} if self.below else {}),
        }

    @property
    def reference(self) -> str:
        """What the image is called."""
        return reference(self.site, self.release)

    @property
    def held_by(self) -> str:
        """The commit that holds all inputs as they were, "" for none: the image's label org.sealpress.commit."""
        return "" if self.clean is False else self.commit

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return canonical(self.as_json())

    @property
    def digest(self) -> str:
        return digest(self.data)


def describe(
    tree: OutputTree, lock: str, site: str, release: str, source: Provenance | None, commit: str = ""
) -> Statement:
    """The statement of a release. `lock` is the lock's digest; `commit` counts where there is no `source`."""
    served = {entry.path for entry in tree.served}
    return Statement(
        site=site,
        release=release,
        lock=lock,
        tree=tree.digest,
        tools=MappingProxyType(dict(sorted({**(source.tools if source else {}), **tools.of_image()}.items()))),
        commit=source.commit if source else commit,
        clean=source.clean if source else None,
        inputs=source.inputs if source else None,
        unserved=tuple((entry.path, entry.sha256, entry.size) for entry in tree.entries if entry.path not in served),
        own_siblings=tuple(entry.path for entry in tree.entries if entry.path.endswith(precompressed.SUFFIX)),
        below=tree.below,
    )


def reference(site: str, release: str) -> str:
    """What an image of this release, "sha256:…", is called on a host."""
    return f"localhost/site/{site}:{release.removeprefix('sha256:')[:RELEASE_LENGTH]}"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read(data: bytes, shown: str) -> Statement:
    """The statement in these bytes. Raises Problem (exit 10) for anything of another shape."""
    return from_json(parsed(data, LIMIT, shown), shown)


def parsed(data: bytes, limit: int, shown: str) -> Any:
    """The JSON document in these bytes, which all readers read alike. Raises Problem (exit 10)."""
    if len(data) > limit:
        raise refused(shown, "it is too large")
    try:
        found = documents.parse(data, "it")
        if b"\\u" in data:
            canonical(found)
    except Problem as problem:
        raise refused(shown, problem.message) from None
    except UnicodeEncodeError:
        raise refused(shown, "half of a pair stands in it, which is no character") from None
    return found


def from_json(document: Any, shown: str) -> Statement:
    """Raises Problem (exit 10)."""
    match document:
        case {
            "format": str(version),
            "site": str(site),
            "release": str(release),
            "commit": str() | None as commit,
            "clean": bool() | None as clean,
            "inputs": dict() | None as inputs,
            "tools": dict(tools),
            "lock": str(lock),
            "tree": str(tree),
            "unserved": dict(unserved),
            "own_siblings": list(own),
        } if document.keys() - {"below"} == _KEYS and isinstance(document.get("below", ""), str):
            pass
        case _:
            raise refused(shown, "it is no release statement")
    if version != FORMAT:
        raise refused(shown, f"its format is {version[:80]!a}; this version of sealpress knows {FORMAT}")
    if not all(documents.DIGEST.fullmatch(one) for one in (release, lock, tree)):
        raise refused(shown, "one of its digests has another shape")
    try:
        told = {"commit": commit, "clean": bool(clean), "inputs": inputs or {}, "tools": tools}
        source = provenance.from_json(told, shown)
    except Problem as problem:
        raise refused(shown, problem.message) from None
    if (inputs is None) != (clean is None):
        raise refused(shown, "it says that its inputs are clean, and not what they are")
    if not all(isinstance(text, str) for text in own):
        raise refused(shown, "one of its paths is none")
    return Statement(
        site=site,
        release=release,
        lock=lock,
        tree=tree,
        tools=source.tools,
        commit=source.commit,
        clean=clean,
        inputs=None if inputs is None else source.inputs,
        unserved=tuple(sorted(_unserved(path, found, shown) for path, found in unserved.items())),
        own_siblings=tuple(own),
        below=document.get("below", ""),
    )


def _unserved(path: str, found: Any, shown: str) -> tuple[str, str, int]:
    match found:
        case {"sha256": str(sha256), "size": int(size), **rest} if (
            not rest and is_sha256(sha256) and not isinstance(size, bool) and size >= 0
        ):
            return path, sha256, size
        case _:
            raise refused(shown, f"what it says of {path!a} has another shape")


def refused(shown: str, why: str) -> Problem:
    return SealProblem(
        f"{shown} can't be trusted: {why}", hint="don't run the image before you know why; imagebake bake seals it anew"
    )
