"""The recipe of the edge: Debian's Caddy, which stands before sites and owns the ports that readers know.

Nothing of a site is in it, and no configuration: whoever runs it puts a file into its volume (publish/edge) before it
starts. What Caddy was told last, it keeps there itself, and comes back with it after a crash or a reboot.

Its packages have a lock of their own, `edge.lock`, beside the site's: mirrors drop a package as soon as a newer one is
out, so a lock that came with sealpress would soon name what nobody has; and it is the author who takes security
updates. Debian 12's Caddy has holes that nobody mends: no lock is of a suite before trixie.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from imagebake.image.nss import User
from imagebake.packages.lock import Lock
from imagebake.packages.selection import Root
from imagebake.recipes import python, recipe
from imagebake.recipes.python import Supply
from imagebake.recipes.recipe import Image
from sealpress import labels
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import EDGE_LOCK_NAME, Architecture, ImageSettings
from sealpress.problems import LockProblem

USER: Final = User("caddy", 102, 102, "/config")
FOLDER: Final = "/config"
CONFIGURATION: Final = f"{FOLDER}/edge.json"
SAVED: Final = f"{FOLDER}/caddy/autosave.json"
"""What Caddy took last, as it keeps it."""

ADMIN: Final = "unix//tmp/admin.sock"
PROGRAM: Final = "/usr/bin/caddy"
RELOAD: Final = (PROGRAM, "reload", "--config", CONFIGURATION, "--address", ADMIN)
"""What is run in the container once CONFIGURATION was written: all of it is taken, or nothing."""

CERTIFICATES: Final = "/certificates"
"""Where certificates and their keys are, and the accounts at CAs; on a host, in a volume that outlives the edge."""

PORT: Final = 8080
SECURE_PORT: Final = 8443
"""Of TLS: over TCP, and over UDP for HTTP/3."""

PROBE_PORT: Final = 8081
"""Where single replicas can be asked: see publish/edge/configuration.py."""

SUPPLIES: Final = (
    Supply(
        roots=(Root("caddy", PROGRAM.lstrip("/")),),
        environment=(f"HOME={FOLDER}", f"XDG_CONFIG_HOME={FOLDER}", f"XDG_DATA_HOME={FOLDER}"),
    ),
    python.CA_ROOTS,  # to ask a CA for certificates
    python.volume(FOLDER, USER),
    python.volume(CERTIFICATES, USER),
)
ROOTS: Final = python.roots(SUPPLIES)
"""What the edge's lock is resolved for."""

RECIPE: Final = python.recipe(
    labels.EDGE,
    SUPPLIES,
    users=(USER,),
    entrypoint=(PROGRAM, "run", "--config", CONFIGURATION, "--resume"),
    port=PORT,
)

_BEFORE: Final = frozenset({"bullseye", "bookworm"})


def settings_of(site: ImageSettings) -> ImageSettings:
    """Those of the edge's image beside a site's: its mirrors and architectures, and no older suite than trixie."""
    return replace(site, suite="trixie") if site.suite in _BEFORE else site


def bake(lock: Lock, settings: ImageSettings, architecture: Architecture, progress: Progress = SILENT) -> Image:
    """The edge's image: a function of its lock alone. Raises Problem (exit 4) as packages do."""
    if lock.suite in _BEFORE:
        raise LockProblem(
            f"the edge's lock is of {lock.suite}, whose Caddy has holes",
            hint=f"delete {EDGE_LOCK_NAME}; the next publish writes it",
        )
    if lacking := [root.package for root in ROOTS if root not in lock.roots]:
        raise LockProblem(
            f"the edge's lock has no {', '.join(lacking)}: an older sealpress wrote it",
            hint=f"imagebake lock --edge writes it anew; then commit {EDGE_LOCK_NAME}",
        )
    release = python.release_id(RECIPE, lock.digest)
    told = MappingProxyType({labels.SITE: labels.EDGE, labels.RELEASE: release, labels.COMMIT: ""})
    made = replace(RECIPE, runtime=replace(RECIPE.runtime, labels=told))
    (image,) = recipe.bake(made, lock, settings, [architecture], lock.date, release, progress)
    return image
