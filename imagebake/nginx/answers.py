"""Which paths of a URL the image answers, known from the tree's names alone: what nginx.conf does, said once more.

It is what redirects are checked against. All paths here are decoded and begin with "/".
"""

from collections.abc import Iterable
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import Place, TreeProblem

RELEASE_PATH: Final = ".well-known/release"
SEAL_PATH: Final = ".well-known/seal.json"
HEALTH_PATH: Final = "healthz"
INDEX: Final = "index.html"
NOT_FOUND: Final = "404.html"
_HTML: Final = ".html"


@frozen
class ServedPaths:
    """`files`: path of a URL → the tree's file that answers. `folders`: paths that are led on to themselves and "/".

    `below`: as in OutputTree; where it is not "", the image leads from "/" there.
    """

    files: dict[str, str]
    folders: frozenset[str]
    below: str = ""

    def answered(self, path: str) -> str | None:
        """What answers there, for a person; None where nothing does."""
        if path in self.files:
            return f'the file "{self.files[path]}"'
        own = path.lstrip("/") in {RELEASE_PATH, SEAL_PATH, HEALTH_PATH} or (path == "/" and self.below)
        return "the image itself" if own else None


def of(paths: Iterable[str], below: str = "") -> ServedPaths:
    """What a tree with these paths (OutputTree.paths) answers."""
    files: dict[str, str] = {}
    folders: set[str] = set()
    for path in sorted(paths):
        # A file itself comes before one that only loses its ending.
        files[f"/{path}"] = path
        if path == INDEX or path.endswith(f"/{INDEX}"):
            files.setdefault("/" + path.removesuffix(INDEX), path)
        if path.endswith(_HTML) and path.rpartition("/")[2] != _HTML:
            files.setdefault("/" + path.removesuffix(_HTML), path)
        parts = path.split("/")[:-1]
        folders.update("/" + "/".join(parts[:end]) for end in range(1, len(parts) + 1))
    return ServedPaths(files, frozenset(folders - files.keys()), below)


def check_own(paths: Iterable[str]) -> None:
    """Raises Problem (exit 5) for a file at a path that the image answers itself."""
    for path in paths:
        if path in {RELEASE_PATH, SEAL_PATH, HEALTH_PATH}:
            raise TreeProblem(
                f'"{path}" is a path that the image answers itself',
                place=Place(path),
                hint="take it out of the tree, or rename it",
            )
