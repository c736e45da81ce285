"""Builds of these tests leave their records and their key in a state folder of their own."""

from collections.abc import Iterator

import pytest

from sealpress.files import signing


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SEALPRESS_STATE", raising=False)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        signing._key.cache_clear()  # tests that ran before may have asked for one
        yield
