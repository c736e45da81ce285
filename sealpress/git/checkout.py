"""Files of a commit, written through a git folder of our own, which borrows the repository's objects and nothing else.

So neither the repository's configuration nor this machine's changes a byte or runs a program: no line ending is
converted but as the commit's own .gitattributes say, no filter runs, no file is left out. Files that Git LFS keeps are
taken from its folder by the digest that the commit names.

Sources: gitrepository-layout(5); gitattributes(5); Git LFS, "Specification", The Pointer.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Final

from sealpress import VERSION
from sealpress.git import call
from sealpress.problems import MachineProblem, Place, Problem

_PLAIN: Final = {
    "bare": "false",
    "autocrlf": "false",
    "eol": "lf",
    "symlinks": "true",
    "hooksPath": os.devnull,
    "attributesFile": os.devnull,
}
_POINTER: Final = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_POINTER_LIMIT: Final = 1024  # bytes


def make(folder: Path, head: str = "", objects: Path | None = None) -> None:
    """An empty git folder at `folder`; with the commit `head` checked out, of those in the folder `objects`."""
    for name in ("objects/info", "refs", "info"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text(f"{head or 'ref: refs/heads/main'}\n", encoding="ascii")
    # Ids of 64 digits are sha256; without a commit, either will do.
    is_long = len(head) == hashlib.sha256().digest_size * 2
    lines = ["[core]", f"repositoryformatversion = {int(is_long)}", *(f"{name} = {_PLAIN[name]}" for name in _PLAIN)]
    lines += ["[extensions]", "objectFormat = sha256"] if is_long else []
    (folder / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "info/attributes").write_text("* -filter\n", encoding="utf-8")
    if objects:
        (folder / "objects/info/alternates").write_bytes(_quoted(os.fsencode(objects)) + b"\n")


def put(folder: Path, head: str, objects: Path, large: Path) -> Path:
    """The commit's files in the folder `folder`, which is nobody else's; gives where they are.

    What it has of an earlier commit stays where it is the same; where anything else is found there than git has put
    there, all of it is written anew. Raises Problem as `fill`.
    """
    tree, own, whole = folder / "tree", folder / "git", folder / "whole"
    try:
        if not _renewed(tree, own, whole, head, objects):
            for old in (tree, own):
                if os.path.lexists(old):
                    shutil.rmtree(old)
            tree.mkdir(parents=True)
            make(own, head, objects)
            fill(tree, own, head, large)
        else:
            _fetch_large(tree, own, large)
        whole.write_text(VERSION, encoding="utf-8")
    except OSError as error:
        raise MachineProblem(f"{folder} can't be written: {error.strerror}", hint="remove it") from None
    return tree


def _renewed(tree: Path, own: Path, whole: Path, head: str, objects: Path) -> bool:
    """Whether the files of an earlier commit are those of this one now, and nothing else is there."""
    try:
        is_whole = whole.read_text("utf-8") == VERSION
        whole.unlink()
        index = (own / "index").read_bytes()
    except (OSError, UnicodeDecodeError):
        return False
    shutil.rmtree(own)
    make(own, head, objects)
    (own / "index").write_bytes(index)
    environment = _environment(tree, own)
    try:
        # Files that are the same blobs may have other line endings by other attributes.
        attributes = ("diff-index", "--cached", "--name-only", head, "--", ":(glob)**/.gitattributes")
        if not is_whole or call.ask(tree, *attributes, environment=environment):
            return False
        call.ask(tree, "read-tree", "--reset", "-u", head, environment=environment)
        return not call.ask(tree, "ls-files", "--others", environment=environment)
    except Problem:
        return False


def fill(tree: Path, own: Path, head: str, large: Path) -> None:
    """The commit's files, into the empty folder `tree`, by the git folder `own`; `large` is where Git LFS keeps files.

    Raises Problem (exit 9): objects are missing; a file of Git LFS is not on this machine.
    """
    call.ask(tree, "read-tree", head, environment=_environment(tree, own))
    # -u: what the files look like goes into the index, so that they are found unchanged.
    call.ask(tree, "checkout-index", "--all", "-u", "--quiet", environment=_environment(tree, own))
    _fetch_large(tree, own, large)


def _environment(tree: Path, own: Path) -> dict[str, str]:
    return {"GIT_DIR": str(own), "GIT_WORK_TREE": str(tree), "GIT_ATTR_NOSYSTEM": "1"}


def _fetch_large(tree: Path, own: Path, large: Path) -> None:
    """Puts the files of Git LFS in the places of their pointers."""
    environment = _environment(tree, own)
    attributes = own / "info/attributes"
    if any(b"lfs" in file.read_bytes() for file in tree.rglob(".gitattributes") if not file.is_symlink()):
        attributes.unlink()
        listed = call.ask(tree, "ls-files", "-z", "--", ":(attr:filter=lfs)", environment=environment) or b""
        for name in filter(None, listed.split(b"\0")):
            _take(tree, os.fsdecode(name), large)


def _take(tree: Path, name: str, large: Path) -> None:
    """Puts what Git LFS keeps in a pointer's place."""
    file = tree / name
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _POINTER_LIMIT:
        return
    if not (pointer := _POINTER.match(file.read_bytes())):
        return
    oid = pointer[1].decode()
    kept = large / oid[:2] / oid[2:4] / oid
    missing = MachineProblem(
        "Git LFS keeps this file, and it is not on this machine", place=Place(name), hint="git lfs fetch"
    )
    if not kept.is_file():
        raise missing
    shutil.copyfile(kept, file)
    with file.open("rb") as copied:
        if hashlib.file_digest(copied, "sha256").hexdigest() != oid:
            raise missing


def _quoted(path: bytes) -> bytes:
    """As a line of objects/info/alternates."""
    if b"\n" not in path:
        return path
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
