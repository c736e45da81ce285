"""What ssg, imagebake and publish share: problems, the site file, the output tree, git, the one clock, the console."""

from typing import Final

VERSION: Final = "0.1.0"
"""Part of every seal: another version of sealpress may give other bytes. A test holds it against pyproject.toml."""
