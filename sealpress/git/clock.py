"""as_of: the one clock. What "now" means to a build is the commit that it builds, never the wall clock."""

import os
from datetime import UTC, datetime
from typing import Final

from sealpress.git.repository import Repository
from sealpress.problems import MachineProblem

NO_DATE: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""That of what nothing dates: the first that every archive's format can say (ZIP's begins there)."""


def as_of(repository: Repository | None) -> datetime | None:
    """SOURCE_DATE_EPOCH, else the time of the commit, else None where there is neither; in UTC, whole seconds.

    Source: the Reproducible Builds specification of SOURCE_DATE_EPOCH. Raises Problem (exit 9) for a bad value.
    """
    if (epoch := os.environ.get("SOURCE_DATE_EPOCH")) is not None:
        # Twelve digits reach beyond the year 9999, where datetime ends.
        if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 12 and int(epoch) < 253402300800):
            raise MachineProblem(
                f'SOURCE_DATE_EPOCH is "{epoch}"',
                hint="set it to whole seconds since 1970, as `git log -1 --format=%ct` prints them, or unset it",
            )
        return datetime.fromtimestamp(int(epoch), UTC)
    commit = repository.head() if repository else None
    return commit.time if commit else None
