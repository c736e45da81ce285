"""What an archive calls its packages and itself: names, paths, digests, as far as they can be told by their shape."""

import re
from typing import Final, Literal, get_args

Archive = Literal["main", "updates", "security"]
"""The suite itself, its updates between point releases, and its security updates, which have a mirror of their own."""

ARCHIVES: Final[tuple[Archive, ...]] = get_args(Archive)


def is_name(text: str) -> bool:
    """Whether a package may have this name."""
    return re.fullmatch(r"[a-z0-9][a-z0-9+.-]{1,127}", text) is not None


def is_pool_path(path: str) -> bool:
    """Whether a path of a package stays below the mirror's root and is plain text."""
    parts = path.split("/")
    return (
        path.endswith(".deb")
        and not {"", ".", ".."} & {*parts}
        and re.fullmatch(r"[\w.+~:/%-]+", path, re.ASCII) is not None
    )


def is_sha256(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
