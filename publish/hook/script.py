"""The hook's file: a few lines of shell that run the hook that was there before, then `publish hook run`.

It is known by its own digest, so that one that somebody changed is never taken for ours. A hook that was there keeps
its bytes under another name, and gets its name back when ours goes.
"""

import hashlib
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.git.repository import Repository
from sealpress.problems import MachineProblem, Problem

NAME: Final = "pre-push"
KEPT: Final = "pre-push.before-sealpress"

_LIMIT: Final = 1 << 20  # bytes
_OWN: Final = frozenset({"local", "worktree"})  # scopes of settings that are the repository's
_MARK: Final = re.compile(rb"#!/bin/sh\n# sealpress's pre-push hook ([0-9a-f]{64})\n")
_TEXT: Final = """\
# It builds and checks what is pushed, before the remote gets it. To push without it once: git push --no-verify
# Made by `publish hook install`; `publish hook uninstall` takes it away, and puts back what was here before.
pushed=$(cat)
before=$(dirname "$0")/{kept}
if [ -x "$before" ]; then
  if [ -n "$pushed" ]; then printf '%s\\n' "$pushed"; fi | "$before" "$@" || exit $?
fi
publish={publish}
[ -x "$publish" ] || publish=publish
if [ -n "$pushed" ]; then printf '%s\\n' "$pushed"; fi | exec "$publish" hook run{options} -- "$@"
"""

_MANAGERS: Final = (
    (".husky", "husky", '.husky/pre-push: publish hook run{options} -- "$@"'),
    ("lefthook.yml", "lefthook", "lefthook.yml, pre-push: {{ run: publish hook run{options}, use_stdin: true }}"),
    (
        ".pre-commit-config.yaml",
        "pre-commit",
        (
            ".pre-commit-config.yaml, a local hook: {{ id: publish, name: publish, language: system, always_run: true,"
            " stages: [pre-push], pass_filenames: false, entry: publish hook run{options} }}"
        ),
    ),
)
"""The files that tell a hook manager, its name, and where the line belongs."""


@frozen
class Installed:
    """`file` is the hook; "" for `kept` where there was none before. Not `written`: `line` is to be added by hand, for
    the `reason` that follows "since".
    """

    file: Path
    kept: str = ""
    written: bool = True
    line: str = ""
    reason: str = ""


def install(repository: Repository, options: Sequence[str]) -> Installed:
    """Puts the hook in its place, or says which line belongs where a hook manager, or the user for all repositories,
    keeps hooks.

    Raises Problem (exit 9) for a hook of ours that somebody changed, for a link that leads out of the repository, and
    where the disk refuses.
    """
    words = "".join(f" {shlex.quote(option)}" for option in options)
    scope, path = repository.hooks_path()
    folder = _folder(repository, scope, path)
    file = folder / NAME
    line = f'publish hook run{words} -- "$@"'
    for name, manager, where in _MANAGERS:
        if os.path.lexists(repository.root / name):
            return Installed(file, written=False, line=where.format(options=words), reason=f"{manager} keeps the hooks")
    if scope and scope not in _OWN:
        reason = "core.hooksPath is one folder for all of your repositories"
        return Installed(file, written=False, line=line, reason=reason)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = ""
        if os.path.lexists(file) and not _is_ours(file):
            if os.path.lexists(folder / KEPT):
                raise _changed(file)
            file.rename(folder / KEPT)
        if os.path.lexists(folder / KEPT):
            kept = str(folder / KEPT)
        with files.writing(file, mode=0o755, sync=True) as out:
            out.write(_script(words))
    except OSError as error:
        raise MachineProblem(f"can't write {file}: {error.strerror}") from None
    return Installed(file, kept)


def uninstall(repository: Repository) -> Path | None:
    """Takes the hook away, and puts the one before in its place. Gives its file; None where there is none of ours.

    Raises Problem (exit 9) as `install`.
    """
    file = _folder(repository, *repository.hooks_path()) / NAME
    kept = file.with_name(KEPT)
    try:
        if not os.path.lexists(file) and not os.path.lexists(kept):
            return None
        if os.path.lexists(file) and not _is_ours(file):
            if os.path.lexists(kept):
                raise _changed(file)
            return None
        if os.path.lexists(kept):
            kept.rename(file)
        else:
            file.unlink()
    except OSError as error:
        raise MachineProblem(f"can't remove {file}: {error.strerror}") from None
    return file


def _folder(repository: Repository, scope: str, path: str) -> Path:
    """Of hooks. The repository's own setting names one by a path in it, where a link can have come with a commit."""
    folder = repository.hooks(path)
    for one in files.above(folder.absolute()) if scope in _OWN else ():
        if one.is_symlink() and _holds(repository, one.parent) and not _holds(repository, one):
            raise MachineProblem(
                f"core.hooksPath is {path}, and {one} is a link that leads out of the repository, to {one.resolve()}",
                hint="look whose link that is; then git config core.hooksPath with the folder itself",
            )
    return folder


def _holds(repository: Repository, path: Path) -> bool:
    return path.resolve().is_relative_to(repository.root.resolve())


def _changed(file: Path) -> Problem:
    return MachineProblem(
        f"{file} is another one than publish wrote, and {KEPT} lies beside it",
        hint=f"look at both; then remove the one that you don't want, or call {KEPT} {NAME} again",
    )


def _is_ours(file: Path) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with files.opened(file) as opened:
        data = opened.read(_LIMIT)
    mark = _MARK.match(data)
    return bool(mark and mark[1].decode() == hashlib.sha256(data[mark.end() :]).hexdigest())


def _script(options: str) -> bytes:
    publish = Path(sys.argv[0]).absolute()
    known = publish if publish.name == "publish" and os.access(publish, os.X_OK) else Path("publish")
    text = _TEXT.format(kept=KEPT, publish=shlex.quote(str(known)), options=options)
    body = text.encode("utf-8", "surrogateescape")
    return f"#!/bin/sh\n# sealpress's pre-push hook {hashlib.sha256(body).hexdigest()}\n".encode() + body
