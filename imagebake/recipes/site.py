"""The recipe of a site's image: nginx with its configuration, then the tree; and the bake of one."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imagebake.image import nss, oci, tar
from imagebake.image.entries import Bytes, File
from imagebake.nginx import answers, configuration, languages, redirects, trial
from imagebake.packages.lock import Lock
from imagebake.packages.selection import Root
from imagebake.policy import header
from imagebake.recipes import package_layers, precompressed, site_layers, statement
from imagebake.recipes.recipe import Image, Recipe, RecipePart, layered
from sealpress import VERSION, labels
from sealpress.commands.console import SILENT, Progress
from sealpress.config import sitefile
from sealpress.config.document import Node
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.policy.source_lists import NO_POLICY, Needs, Policies
from sealpress.problems import LockProblem, UsageProblem
from sealpress.tree.provenance import Provenance
from sealpress.tree.tree import OutputTree

ROOTS: Final = (Root("libnginx-mod-http-brotli-static", configuration.BROTLI_MODULE), Root("nginx", "usr/sbin/nginx"))
"""What `imagebake lock` resolves for the image of a site."""

_NAME_LIMIT: Final = 128
CONFIGURATION: Final = "configuration"
"""The layer with nginx's configuration."""

RELEASE: Final = "release"
"""The layer with what names the release."""

# What it is called, for which machines it is, and where its bytes come from.
_OUTSIDE: Final = frozenset({"name", "architectures", "mirror", "security_mirror", "snapshot_mirror"})


def release_id(tree: OutputTree, lock: Lock, settings: ImageSettings, policy: Policies = NO_POLICY) -> str:
    """What a release is called, "sha256:…", known before the bake: the digest of all that its image depends on.

    Every setting of [image] counts but for those that say nothing of what is in the image (see _OUTSIDE). `policy` is
    the Content-Security-Policy: it depends on the site's own address, too.
    """
    sealed = {one.name: _plain(getattr(settings, one.name)) for one in fields(settings) if one.name not in _OUTSIDE}
    data = {
        "tree": tree.digest,
        "below": tree.below,
        "lock": lock.digest,
        "settings": sealed,
        "policy": [policy.pages, policy.drawings],
        "siblings": precompressed.RULES,
        "sealpress": VERSION,
    }
    return "sha256:" + hashlib.sha256(oci.canonical(data)).hexdigest()


def _plain(value: object) -> object:
    """A setting as JSON has it."""
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case str() | int() | None:
            return value
    raise TypeError(f"no setting has values such as {value!r}")


def recipe(
    tree: OutputTree,
    settings: ImageSettings,
    name: str,
    release: str,
    commit: str,
    document: Node | None = None,
    policy: Policies = NO_POLICY,
    seal: bytes = b"",
    held: Sequence[RecipePart] | None = None,
) -> Recipe:
    """The recipe of a site's image: nginx with its configuration, then the tree.

    What names the release is the uppermost layer, of a few hundred bytes: beside it, an edited page changes the one
    that it is in, and the feeds stay where they are. `document` is site.toml as it was read, for places; `policy` the
    Content-Security-Policy; `seal` the release statement (seal/statement.py), b"" for an image that has none; `held`
    the parts of the tree, where they are known.

    Raises Problem (exit 3) for a header or a redirect that can't be, (exit 5) for what doesn't fit the tree.
    """
    moved = redirects.read(tree, settings, document)
    tree = replace(tree, entries=tree.served)
    paths = frozenset(tree.paths)
    languages.front_pages(settings, paths, tree.below, document)
    files = (*nss.entries(), *configuration.entries(settings, paths, moved, policy, tree.below))
    marks = [File(f"{configuration.ROOT}/{answers.RELEASE_PATH}", Bytes(f"{release}\n".encode()))]
    told = {labels.SITE: name, labels.RELEASE: release, labels.COMMIT: commit}
    if seal:
        marks.append(File(f"{configuration.ROOT}/{answers.SEAL_PATH}", Bytes(seal)))
        told[labels.SEAL] = "sha256:" + hashlib.sha256(seal).hexdigest()
    parts = held if held is not None else site_layers.parts_of(tree, name)
    return Recipe(
        name=name,
        parts=(
            RecipePart(CONFIGURATION, tar.digest(files).diff_id, lambda: files),
            *parts,
            RecipePart(RELEASE, tar.digest(marks).diff_id, lambda: marks),
        ),
        runtime=oci.Runtime(
            entrypoint=configuration.ENTRYPOINT,
            user=f"{nss.USER}:{nss.GROUP}",
            port=settings.port,
            stop_signal="SIGQUIT",  # nginx's graceful end: answers under way are finished
            labels=MappingProxyType(told),
        ),
    )


def content_policy(
    tree: OutputTree,
    settings: ImageSettings,
    name: str,
    document: Node | None = None,
    known: Mapping[str, Needs] = MappingProxyType({}),
) -> Policies:
    """The Content-Security-Policies of a site. `known`: what needs.read has found beforehand.

    Raises Problem (exit 5) as `policy.header.compute` does.
    """
    served = replace(tree, entries=tree.served)
    return header.compute(served, settings, url=_url(document), name=name, known=known)


def below(document: Node | None) -> str:
    """OutputTree.below of a site whose site.toml this is; "" where there is none."""
    return sitefile.below(_url(document))


def _url(document: Node | None) -> str:
    url = document.at("site", "url") if document else None
    return str(url.value) if url else ""


def bake(
    tree: OutputTree,
    lock: Lock,
    settings: ImageSettings,
    architectures: Sequence[Architecture],
    created: datetime,
    *,
    name: str,
    commit: str = "",
    source: Provenance | None = None,
    document: Node | None = None,
    progress: Progress = SILENT,
    blobs: Path | None = None,
) -> list[Image]:
    """The images of a site, in the order of `architectures`: what they share is worked out once.

    `created` becomes their date; `commit` in hex digits, "" for a tree that no commit holds. `source` tells what the
    tree was made from, and takes the place of `commit`. `document` is site.toml as it was read, for places. `blobs`: a
    folder in which tars are left that had to be produced (oci.blobs_for). With a warm cache nothing is fetched.

    Raises Problem: (exit 2) a name that no image can have, (exit 3) a header or a redirect that can't be, (exit 4) a
    package that can't be had or trusted, (exit 5) a tree that can't be sealed, or that its redirects don't fit.
    """
    if not re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", name) or len(name) > _NAME_LIMIT:
        raise UsageProblem(
            f'"{name}" can\'t be the name of an image',
            hint="use small letters and digits, with dots, dashes or underscores between them",
        )
    settings = _of_suite(settings, lock, document)
    packages = package_layers.files_of(lock, settings, architectures, progress)
    tree = replace(tree, below=below(document)) if document else tree
    served = replace(tree, entries=tree.served)
    held = site_layers.parts_of(served, name)
    unread = header.unread(served, settings, name)
    needs = site_layers.ahead(served, held, unread, partial(package_layers.begin, packages), progress, blobs)
    policy = content_policy(tree, settings, name, document, needs)
    policy.tell(progress)
    release = release_id(tree, lock, settings, policy)
    seal = statement.describe(tree, lock.digest, name, release, source, commit)
    made = recipe(tree, settings, name, release, seal.held_by, document, policy, seal.data, held)
    images = layered(made, packages, created, release, progress, blobs)
    for image in images:
        if packages[image.architecture].is_at_hand:
            count = len(lock.of(image.architecture))
            own = [layer for layer in image.layers[count:] if layer.name == CONFIGURATION]
            trial.check([*image.layers[:count], *own], image.architecture, document)
    return images


def _of_suite(settings: ImageSettings, lock: Lock, document: Node | None) -> ImageSettings:
    """The settings, of the suite that the lock is of: what nginx is told depends on which one it is.

    Raises Problem (exit 4) where site.toml asks for another.
    """
    asked = document.at("image", "suite") if document else None
    if asked and asked.value != lock.suite:
        raise LockProblem(
            f'[image] suite is "{asked.value}", and the lock has packages of "{lock.suite}"',
            place=asked.place,
            hint="imagebake lock renews it",
        )
    return replace(settings, suite=lock.suite)
