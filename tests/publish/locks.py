"""A real lock, for tests with real packages."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import resolve
from imagebake.recipes import site
from publish.engines.embedded.engine import EmbeddedEngine
from sealpress.config.settings import ImageSettings
from tests.mirrors import require_mirror


@cache
def real_lock() -> Lock:
    """What `imagebake lock` would write today, for this machine alone. Skips where no mirror answers.

    It takes as long as a publish: each process of the tests asks for it once.
    """
    architecture = EmbeddedEngine(Path("unused"), runners.find_runner()).architecture()
    settings = ImageSettings(architectures=(architecture,))
    require_mirror()
    # A real signature expires by the real clock.
    return resolve(settings, site.ROOTS, now=datetime.now(UTC))  # noqa: TID251
