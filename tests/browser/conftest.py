"""Fixtures of the tests with a real browser: the packages of a real image, and Chromium."""

import os

import pytest

from tests.browser.chromium import PROGRAM
from tests.imagebake.conftest import image, open_folder, rootfs, site_lock

__all__ = ["browser", "image", "open_folder", "rootfs", "site_lock"]


@pytest.fixture(scope="session")
def browser() -> str:
    """The program. Skips the test where there is none; under CI=true that is a failure."""
    if PROGRAM is None:
        assert os.environ.get("CI") != "true", "no Chromium on this machine"
        pytest.skip("no Chromium on this machine: tools/test-machine installs it")
    return PROGRAM
