"""The invented blog, built by sealpress: the tree that is baked and served."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks import corpus
from sealpress.problems import Problem

MOMENT: Final = "1717243200"
"""SOURCE_DATE_EPOCH of every build and bake."""

_LIMIT: Final = 300  # seconds


def built(folder: Path, posts: int) -> Path:
    """Writes a blog of so many posts into the new folder `folder`, builds it, and gives its tree.

    Raises Problem where it can't be built.
    """
    corpus.write("sealpress", folder, posts)
    build = [sys.executable, "-m", "ssg.cli", "build", "--quiet"]
    for command in (["git", "init", "-q"], ["git", "add", "-A"], build):
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": MOMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        if done.returncode:
            raise Problem(f"the blog can't be built: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return folder / "public"
