"""The Debian mirror that tests with real packages need."""

from imagebake.fetch import download
from imagebake.packages import mirror
from imagebake.packages.mirror import Mirrors
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from tests.needs import unavailable


def require_mirror() -> Mirrors:
    """The mirrors of this machine, asked for a sign of life.

    Skips the test where none answers, with the reason in one line; under CI=true that is a failure.
    """
    try:
        found = mirror.find(ImageSettings())
        download.small(f"{found.main}/dists/{ImageSettings().suite}/InRelease", 8 << 20, "Release")
    except (Problem, download.Gone) as problem:
        unavailable(f"no Debian mirror: {problem}".splitlines()[0])
    return found
