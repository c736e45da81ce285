"""Fixtures of the tests with a real browser: the packages of a real image, and Chromium."""

import pytest

from tests.browser.chromium import PROGRAM
from tests.imagebake.conftest import image, open_folder, rootfs, site_lock
from tests.needs import unavailable

__all__ = ["browser", "image", "open_folder", "rootfs", "site_lock"]


@pytest.fixture(scope="session")
def browser() -> str:
    """The program. Skips the test where there is none; under CI=true that is a failure."""
    if PROGRAM is None:
        unavailable("no Chromium on this machine: tools/test-machine installs it")
    return PROGRAM
