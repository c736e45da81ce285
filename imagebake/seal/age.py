"""Whether a release is newer than a commit or a day: against an old one, rightly sealed, that is shown again.

A signature holds no time. What is known is the commit, whose ancestors the repository knows, and the image's date,
which the seal covers.
"""

from datetime import UTC, datetime
from pathlib import Path

from imagebake.recipes.statement import Statement
from sealpress.git import repository as git
from sealpress.problems import Problem, SealProblem, UsageProblem


def check(told: Statement, created: datetime, than: str, home: Path) -> None:
    """Raises Problem (exit 10) where the release is not newer than `than`: a date, or a commit of the repository here.

    Also where that can't be told; (exit 2) for a `than` that is neither.
    """
    if day := _day(than):
        if created <= day:
            raise _older(told, f"its date is {created:%Y-%m-%d %H:%M:%S %Z}", than)
        return
    repository = git.discover(home)
    if repository is None:
        raise UsageProblem(
            f'"{than}" is no date, and {home} is in no git repository',
            hint="run it in the site's repository, name its site file: --site, or write a date: 2026-05-04",
        )
    try:
        known = repository.commit(than)
    except Problem as problem:
        raise Problem(
            problem.message, hint="name a commit or a tag of it, or write a date: 2026-05-04", code=problem.code
        ) from None
    if not told.commit:
        raise _older(told, "it names no commit", than)
    try:
        commit = repository.commit(told.commit)
    except Problem:
        raise SealProblem(
            f"the seal is of the commit {told.commit[:12]}, which is not in this repository",
            hint="git fetch, if it should be; else don't run the image",
        ) from None
    if commit.id == known.id or not repository.is_ancestor(known, commit):
        if commit.id != known.id and repository.is_shallow:
            raise SealProblem(
                f"this clone is shallow: it can't tell whether {commit.id[:12]} follows {than}",
                hint="git fetch --unshallow (in CI: fetch the whole history)",
            )
        raise _older(told, f"its commit {commit.id[:12]} does not follow {known.id[:12]}", than)


def _day(text: str) -> datetime | None:
    """A day or a moment, in UTC where it says nothing else; None for what is no date."""
    try:
        found = datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None
    return found and (found if found.tzinfo else found.replace(tzinfo=UTC))


def _older(told: Statement, why: str, than: str) -> Problem:
    return SealProblem(
        f"the release {told.release[:19]} of {told.site} is not newer than {than}: {why}",
        hint="an old release may have been put in the place of a newer one",
    )
