"""`imagebake lock`: pins the packages of the image, and tells what they lag behind in."""

from pathlib import Path
from typing import Final

import click

from imagebake.commands.options import architectures_option, lock_option, settings_here, site_option
from sealpress.commands.command import output_options
from sealpress.commands.console import Console, size
from sealpress.config.settings import EDGE_LOCK_NAME, LOCK_NAME, Architecture, ImageSettings
from sealpress.problems import Exit


@click.command()
@click.option("--upgrade", is_flag=True, help="Take the newest version of every package.")
@click.option(
    "--outdated",
    is_flag=True,
    help="Write nothing; list packages with newer versions, and exit with 1 where a security update waits.",
)
@click.option("--edge", is_flag=True, help=f"The lock of the edge, {EDGE_LOCK_NAME}, in the place of the site's.")
@architectures_option
@lock_option
@site_option
@output_options
def lock(
    *,
    upgrade: bool,
    outdated: bool,
    edge: bool,
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
        return _outdated(lock_file, site_file, console, edge=edge)
    from imagebake.recipes import edge as edges  # noqa: PLC0415 - --help need not wait for what the work imports
    from imagebake.recipes.lock import pin  # noqa: PLC0415

    settings, folder = settings_here(site_file, architectures)
    file = lock_file or folder / _name(edge=edge)
    if edge:
        settings = edges.settings_of(settings)
    found, changed = pin(settings, file, console, edges.ROOTS if edge else (), upgrade=upgrade)
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


def _name(*, edge: bool) -> str:
    return EDGE_LOCK_NAME if edge else LOCK_NAME


_TOLD: Final = ("name", "version", "architecture", "sha256", "size", "diff_id")


def _outdated(lock_file: Path | None, site_file: Path | None, console: Console, *, edge: bool) -> int:
    """Of the site's lock and that of the edge beside it; or of one of them alone."""
    settings, folder = settings_here(site_file, ())
    file = lock_file or folder / _name(edge=edge)
    told, waits = _lagging(settings, file, console, edge=edge)
    if not edge and not lock_file and (beside := folder / EDGE_LOCK_NAME).is_file():
        told["edge"], is_waiting = _lagging(settings, beside, console, edge=True)
        waits = waits or is_waiting
    console.result(told)
    return Exit.DIFFERENT if waits else Exit.OK


def _lagging(settings: ImageSettings, file: Path, console: Console, *, edge: bool) -> tuple[dict[str, object], bool]:
    """Tells what one lock lags behind in: gives the same for a machine, and whether a security update waits."""
    from imagebake.packages import lock as locks  # noqa: PLC0415
    from imagebake.recipes.lock import outdated  # noqa: PLC0415 - as above

    found = outdated(settings, locks.load(file), console)
    # Mostly both architectures lag behind in the same: that is one line for a person.
    lines: dict[tuple[str, str, str, str], list[str]] = {}
    for one in found:
        line = (one.name, one.locked, one.newest, "yes" if one.is_security else "no")
        lines.setdefault(line, []).append(one.architecture)
    if lines:
        rows = [[*line, ", ".join(where)] for line, where in lines.items()]
        console.table(["package", "locked", "newest", "security", "architecture"], rows)
    waiting = sorted({one.name for one in found if one.is_security})
    if waiting:
        renew = "imagebake lock --edge --upgrade" if edge else "imagebake lock --upgrade"
        console.say(f"Security updates wait for {', '.join(waiting)}: {renew}")
    else:
        console.say("No security update waits" if found else f"Nothing is newer than {file}")
    told: dict[str, object] = {"lock": str(file), "security": bool(waiting)}
    return told | {"outdated": [one.as_data() for one in found]}, bool(waiting)
