"""The edge's image on its way to a host: from its lock, which is written beside the site's where there is none yet."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from imagebake.packages import lock as locks
from imagebake.recipes import edge as recipe
from imagebake.recipes.lock import pin
from publish.deploy.ship import ship
from publish.edge.container import line_of
from publish.engines.protocol import ContainerEngine, Endpoint, LoadedImage
from publish.releases.release import TIME
from sealpress.commands.console import Progress
from sealpress.config.settings import EDGE_LOCK_NAME, ImageSettings
from sealpress.config.sitefile import SiteFile
from sealpress.problems import LockProblem, Problem

_PINNING: Final = threading.Lock()  # of several hosts of a target, the first one pins, and all have that lock
_WITHOUT: Final = 'edge = "none" in site.toml goes without an edge'


def check_locked(site: SiteFile) -> None:
    """Raises Problem (exit 4) where a commit has a target with an edge, and not its lock."""
    if not (site.root / EDGE_LOCK_NAME).is_file():
        hint = f"imagebake lock --edge writes it; then git add {EDGE_LOCK_NAME} and commit it"
        raise LockProblem(f"there is no {EDGE_LOCK_NAME} beside {site.name}", hint=f"{hint}; or {_WITHOUT}")


def bring(
    engine: ContainerEngine, site: ImageSettings, folders: Sequence[Path], readers: Endpoint, progress: Progress
) -> LoadedImage:
    """The image as the engine holds it then, under the name of the edge at `readers`.

    `folders`: where the lock may be, the first that has it; it is written into the last one. Raises Problem (exit 4)
    for packages, (exit 6, 7) as shipping does.
    """
    settings = recipe.settings_of(site)
    with _PINNING:
        file = _file(folders)
        if file is None:
            file = folders[-1] / EDGE_LOCK_NAME
            progress.note(f"there is no {EDGE_LOCK_NAME} yet: pinning the packages of the edge; commit it")
            try:
                pin(settings, file, progress, recipe.ROOTS)
            except Problem as problem:
                problem.hint = "; or ".join(filter(None, (problem.hint, _WITHOUT)))
                raise
    image = recipe.bake(locks.load(file), settings, engine.architecture(), progress)
    return ship(engine, image, progress, line_of(readers))


def dated(folders: Sequence[Path]) -> str:
    """The time of the lock, "2026-11-19T02:12:54Z"; "" where there is none yet. Raises Problem (exit 4)."""
    file = _file(folders)
    return locks.load(file).date.strftime(TIME) if file else ""


def _file(folders: Sequence[Path]) -> Path | None:
    return next((one for folder in folders if (one := folder / EDGE_LOCK_NAME).is_file()), None)
