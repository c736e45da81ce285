"""`imagebake lock`: pins the packages of the image, and tells what they lag behind in."""

from pathlib import Path
from typing import Final

import click

from imagebake.commands.options import architectures_option, lock_option, settings_here, site_option
from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.config.settings import LOCK_NAME, Architecture
from sealpress.problems import Exit


@click.command()
@click.option("--upgrade", is_flag=True, help="Take the newest version of every package.")
@click.option(
    "--outdated",
    is_flag=True,
    help="Write nothing; list packages with newer versions, and exit with 1 where a security update waits.",
)
@architectures_option
@lock_option
@site_option
@output_options
def lock(
    *,
    upgrade: bool,
    outdated: bool,
    architectures: tuple[Architecture, ...],
    lock_file: Path | None,
    site_file: Path | None,
    console: Console,
) -> int:
    """Resolve the packages of the image and pin them in imagebake.lock.

    Asks a Debian mirror: [image] mirror in site.toml, else SEALPRESS_MIRROR, else where this machine's apt asks. The
    mirror's signature is checked, and every package is pinned by its sha256. Versions that an existing lock has are
    kept while the mirror has them; --upgrade takes the newest, and never an older one than the lock has.
    """
    if outdated:
        if upgrade or architectures:
            raise click.UsageError("--outdated goes with neither --upgrade nor --arch: it looks at the lock as it is")
        return _outdated(lock_file, site_file, console)
    from imagebake.recipes.lock import pin  # noqa: PLC0415 - --help need not wait for what the work imports

    settings, folder = settings_here(site_file, architectures)
    file = lock_file or folder / LOCK_NAME
    found, changed = pin(settings, file, console, upgrade=upgrade)
    if not console.quiet:
        console.table(
            ["package", "version", "architecture", "size"],
            [[one.name, one.version, one.architecture, size(one.size)] for one in found.packages],
        )
    console.say(f"{'Wrote' if changed else 'Nothing newer than'} {file}: {found.digest}")
    console.result(
        {
            "lock": str(file),
            "digest": found.digest,
            "changed": changed,
            "suite": found.suite,
            "date": found.date.isoformat(),
            "packages": [{name: getattr(one, name) for name in _TOLD} for one in found.packages],
        }
    )
    return Exit.OK


_TOLD: Final = ("name", "version", "architecture", "sha256", "size", "diff_id")


def _outdated(lock_file: Path | None, site_file: Path | None, console: Console) -> int:
    from imagebake.recipes.lock import outdated  # noqa: PLC0415 - as above

    settings, folder = settings_here(site_file, ())
    file = lock_file or folder / LOCK_NAME
    found = outdated(settings, file, console)
    # Mostly both architectures lag behind in the same: that is one line for a person.
    lines: dict[tuple[str, str, str, str], list[str]] = {}
    for one in found:
        told = (one.name, one.locked, one.newest, "yes" if one.is_security else "no")
        lines.setdefault(told, []).append(one.architecture)
    if lines:
        rows = [[*told, ", ".join(where)] for told, where in lines.items()]
        console.table(["package", "locked", "newest", "security", "architecture"], rows)
    waiting = sorted({one.name for one in found if one.is_security})
    if waiting:
        console.say(f"Security updates wait for {', '.join(waiting)}: imagebake lock --upgrade")
    else:
        console.say("No security update waits" if found else f"Nothing is newer than {file}")
    console.result(
        {
            "lock": str(file),
            "security": bool(waiting),
            "outdated": [
                {
                    "name": one.name,
                    "architecture": one.architecture,
                    "locked": one.locked,
                    "newest": one.newest,
                    "security": one.is_security,
                }
                for one in found
            ],
        }
    )
    return Exit.DIFFERENT if waiting else Exit.OK
