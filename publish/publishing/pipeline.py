"""The chain of one publish: a commit → its output tree → the image for a host's architecture.

source    the folder that is built: a clean worktree of HEAD, or with --dirty the working tree as it is
produce   the output tree, by ssg or by the site's own generator ([build] command)
bake      the image
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publish.publishing import kept_tree
from sealpress.commands import generator
from sealpress.commands.console import Progress
from sealpress.config import sitefile
from sealpress.config.settings import LOCK_NAME, Architecture
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.git.repository import Commit, History, Repository
from sealpress.problems import LockProblem, MachineProblem, Problem, in_short
from sealpress.tree import provenance, strays, tree
from sealpress.tree.provenance import Provenance
from sealpress.tree.tree import OutputTree

if TYPE_CHECKING:
    from imagebake.recipes.recipe import Image


@frozen
class SiteSource:
    """What is built. `commit` in hex digits, with the `subject` of its message; "" where no commit holds just this.

    `as_of` None: nothing tells.
    """

    site: SiteFile
    commit: str
    as_of: datetime | None
    is_checkout: bool
    home: Path  # the blog's own folder, where results of earlier builds are kept
    provenance: Provenance  # for the seal
    subject: str = ""
    history: History | None = None  # the commit's, where the files are not in a repository themselves
    kept: Path | None = None  # the folder with the last tree that was made of a commit, as long as it is ours


@frozen
class Product:
    """An output tree with what it was made from. `as_of` becomes the image's date of creation."""

    tree: OutputTree
    commit: str
    as_of: datetime
    warnings: tuple[Problem, ...] = ()


@contextmanager
def source(found: SiteFile, progress: Progress, *, dirty: bool) -> Iterator[SiteSource]:
    """The site as HEAD holds it, in a folder that is gone afterwards; with `dirty`, where and as it is.

    Raises Problem (exit 3, 9) where there is no commit, or it has no site.toml.
    """
    folder = found.root.resolve()
    repository = git.discover(folder)
    commit = repository.head() if repository else None
    built = found.settings.build.output
    if dirty:
        is_clean = bool(repository and commit and repository.is_clean(folder, built))
        names = _names_here(folder, repository, built)
        told = _provenance(found, names, commit.id if commit else "", clean=is_clean)
        held = told.commit if is_clean else ""
        subject = repository.subject(commit) if held and repository and commit else ""
        as_of = git.as_of(repository)
        yield SiteSource(found, held, as_of, is_checkout=False, home=folder, provenance=told, subject=subject)
        return
    if repository is None or commit is None:
        raise MachineProblem(
            f"{folder} is in no git repository" if repository is None else "this repository has no commit yet",
            hint="git init, git add, git commit; or publish the folder as it is: --dirty",
        )
    if not repository.is_clean(folder, built):
        progress.note(
            f"publishing commit {commit.id[:12]}; changes that are not committed stay out (--dirty takes them in)"
        )
    with committed(repository, commit, folder, found.name) as made_from:
        yield made_from


@contextmanager
def committed(repository: Repository, commit: Commit, folder: Path, name: str) -> Iterator[SiteSource]:
    """The site of the site file `name` in the blog's own `folder`, as a commit holds it; gone afterwards.

    Raises Problem (exit 3) where the commit has no such file, (exit 9) where a part of the commit is missing.
    """
    with kept_tree.held(folder) as kept, repository.checkout(commit, kept / "commit") as checkout:
        root = checkout / folder.relative_to(repository.root.resolve())
        if not (root / name).is_file():
            raise Problem(
                f"commit {commit.id[:12]} has no {name} in this folder",
                hint=f"git add {name} and commit it; or publish the folder as it is: --dirty",
            )
        site = sitefile.load(root / name, name)
        yield SiteSource(
            site,
            commit.id,
            git.as_of(repository, commit),
            is_checkout=True,
            home=folder,
            provenance=_provenance(site, provenance.files_below(root), commit.id, clean=True),
            subject=repository.subject(commit),
            history=History(repository, folder, commit.id),
            kept=kept,
        )


def produce(
    made_from: SiteSource,
    scratch: Path,
    progress: Progress,
    *,
    dirty: bool,
    allow_command: bool = False,
    lasting: bool = False,
    drafts: bool = False,
) -> Product:
    """The output tree, below `scratch` or where the site's own generator puts it.

    With `lasting`, `scratch` is a folder that stays, and the next tree there is made from this one. `drafts`: with the
    pages that are marked as such, which is for ssg to know.

    Raises Problem or Problems (exit 3) as ssg does, and for a generator that fails or writes no tree.
    """
    if made_from.site.settings.build.command:
        return _by_command(made_from, progress, allowed=allow_command)
    from sealpress.processes.workers import cores  # noqa: PLC0415
    from ssg.build.build import build  # noqa: PLC0415
    from ssg.build.inputs import Request  # noqa: PLC0415 - takes long to import, and other generators need none of it
    from ssg.cache.store import folder_of  # noqa: PLC0415
    from ssg.content.sources import Options  # noqa: PLC0415
    from ssg.explain import left_out  # noqa: PLC0415

    request = Request(
        made_from.site,
        scratch / "tree",
        dirty=dirty,
        in_git=not made_from.is_checkout,
        history=made_from.history,
        as_of=made_from.as_of,
        store=folder_of(made_from.home),
        workers=cores(),
        adopting=lasting,  # that folder is nobody else's
        lasting=lasting,
        options=Options(drafts=drafts),
    )
    built = build(request, progress)
    if built.leftovers:
        progress.note(strays.told(built.leftovers))
    for line in (*left_out.lines(built, is_release=True), *in_short(built.warnings)):
        progress.note(line)
    return Product(_placed(built.tree, made_from), made_from.commit, built.as_of, tuple(built.warnings))


def lock_file(
    made_from: SiteSource, given: Path | None, beside: Path, progress: Progress, *, locked: bool = False
) -> Path:
    """The lock of the image: the one given, else the one that the commit holds beside site.toml; else, unless `locked`,
    the one in the folder `beside`, which is written where there is none.

    Raises Problem (exit 4) where the commit must hold it and doesn't, and where no mirror answers.
    """
    if given:
        return given
    file = made_from.site.root / LOCK_NAME
    if os.path.lexists(file):  # what is there and is no file is told when it is read
        return file
    own = beside / LOCK_NAME
    add = f"git add {LOCK_NAME} and commit it"
    if locked:
        if made_from.is_checkout and own.is_file():
            raise LockProblem(f"{LOCK_NAME} is not committed", hint=add)
        hint = f"publish without --locked, or imagebake lock, writes it; then {add}"
        raise LockProblem(f"there is no {LOCK_NAME} beside {made_from.site.name}", hint=hint)
    if not os.path.lexists(own):
        from imagebake.recipes.lock import pin  # noqa: PLC0415 - once in the life of a blog

        progress.note(f"there is no {LOCK_NAME} yet: pinning the packages of the web server")
        pin(made_from.site.settings.image, own, progress)
    progress.note(f"{LOCK_NAME} is not committed, so another machine may take other packages: {add}")
    return own


def bake(
    product: Product, made_from: SiteSource, lock: Path, architecture: Architecture | None, progress: Progress
) -> "Image":
    """The image; for None, that of the first architecture that site.toml names and the lock has, which most hosts are.

    Raises Problem (exit 4, 5) as imagebake does.
    """
    from imagebake.packages import lock as locks  # noqa: PLC0415
    from imagebake.recipes import page_sources  # noqa: PLC0415
    from imagebake.recipes.site import bake  # noqa: PLC0415

    settings = made_from.site.settings
    held = locks.load(lock)
    if architecture is None:
        wanted = settings.image.architectures
        architecture = ([one for one in wanted if one in held.architectures] or wanted)[0]
    with page_sources.named(made_from.site, product.tree.root):
        (image,) = bake(
            product.tree,
            held,
            settings.image,
            [architecture],
            product.as_of,
            name=sitefile.image_name(settings),
            source=made_from.provenance,
            document=made_from.site.document,
            progress=progress,
        )
    return image


def _names_here(folder: Path, repository: git.Repository | None, built: str) -> list[str]:
    """What a build of the folder as it is may read: all but what git ignores, and what is built."""
    if repository is None:
        names = git.files_without_git(folder)
    else:
        names = [*repository.tracked(folder), *repository.untracked(folder)]
    return [name for name in names if not name.startswith(f"{built}/")]


def _provenance(site: SiteFile, names: list[str], commit: str, *, clean: bool) -> Provenance:
    """Another generator's version is not known here."""
    versions = {} if site.settings.build.command else provenance.tools()
    return provenance.of_files(site.root, names, commit=commit, clean=clean, tools=versions)


def _by_command(made_from: SiteSource, progress: Progress, *, allowed: bool) -> Product:
    """Runs [build] command in the site's folder."""
    as_of = made_from.as_of or git.NO_DATE
    folder = generator.run(made_from.site, made_from.home, as_of, progress, allowed=allowed)
    scanned = tree.scan(folder, made_from.site.settings.build.keep)
    if scanned.left_out:
        progress.note(strays.told(scanned.left_out))
    return Product(_placed(scanned, made_from), made_from.commit, as_of)


def _placed(found: OutputTree, made_from: SiteSource) -> OutputTree:
    """As readers will ask for it."""
    return replace(found, below=sitefile.below(made_from.site.settings.site.url))
