"""Whether what is faster than Pygments' own steps is used. It never changes a byte.

SEALPRESS_ACCELERATORS=0 in the environment turns it off. With a version of the library or of Python that it was not
tested with, the library's own steps are used.
"""

import os
import sys
from typing import Final

VARIABLE: Final = "SEALPRESS_ACCELERATORS"
PYGMENTS: Final = frozenset({"2.21.0"})
PYTHON: Final = frozenset({(3, 11), (3, 12), (3, 13)})


def is_on(version: str, tested: frozenset[str]) -> bool:
    """Whether to accelerate a library of this version."""
    return os.environ.get(VARIABLE) != "0" and version in tested and sys.version_info[:2] in PYTHON
