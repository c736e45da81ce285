"""What a test needs of its machine: where that is missing it is skipped with the reason; under CI=true it fails."""

import os
from typing import Final, NoReturn

import pytest

MAY_SKIP: Final = os.environ.get("CI") != "true"

root = pytest.mark.skipif(os.geteuid() != 0 and MAY_SKIP, reason="only root may do it")


def unavailable(reason: str) -> NoReturn:
    """Skips the test, or fails it where nothing may be skipped."""
    if MAY_SKIP:
        pytest.skip(reason)
    pytest.fail(reason, pytrace=False)
