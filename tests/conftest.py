"""Marks each test with what it needs, as far as its fixtures and its time limit tell: `make test-fast` goes by that.

Sets what holds for all property tests: how fast examples are made says how busy the machine is, and no more; and where
one takes a fixture, all its examples share that.
"""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "sealpress", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("sealpress")

NEEDS = {"browser": "browser", "npm": "network", "site_lock": "network"}
"""The marks of tests that use these fixtures, or others that do."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    usual = float(config.getini("timeout"))
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in NEEDS:
                item.add_marker(NEEDS[fixture])
        if is_long(item, usual):
            item.add_marker("long")


def is_long(item: pytest.Item, usual: float) -> bool:
    """Whether a test is given more than the `usual` seconds, or all that it wants."""
    limit = item.get_closest_marker("timeout")
    return limit is not None and not 0 < float(limit.args[0]) <= usual
