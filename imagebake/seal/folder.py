"""What stands beside the layout in a folder that `imagebake bake` wrote: archives, bills of materials, the seal.

A user loads the archive and reads the bill, so both are held against the image that was verified. What the seal says
nothing of is told.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from imagebake.image import inspection, oci
from imagebake.image.inspection import TarArchive
from imagebake.recipes import sbom
from imagebake.recipes.statement import Statement, refused
from imagebake.seal import envelope, standing
from imagebake.seal.verification import Verified, altered
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Problem, SealProblem

LAYOUT: Final = "oci"
ARCHIVE: Final = ".tar"


@frozen
class Beside:
    """Names in the folder: what was verified, and what the seal does not speak of. Both sorted."""

    verified: tuple[str, ...]
    unknown: tuple[str, ...]


def is_baked(path: Path) -> bool:
    """Whether it is a folder with a layout in it, as `imagebake bake` writes one."""
    return (path / LAYOUT / oci.LAYOUT_FILE).is_file()


def check(folder: Path, images: Sequence[Verified], told: Statement, seal: Path) -> Beside:
    """Holds everything in the folder against its images. `seal` is the file that they were verified by.

    Raises Problem (exit 10) for an archive or a bill that is not theirs, also of an architecture that the seal does not
    name.
    """
    by_architecture = {image.architecture: image for image in images}
    verified, unknown = [LAYOUT], []
    try:
        for file in sorted(folder.iterdir()):
            name = file.name
            architecture, ending = _part(name, told.site)
            if architecture:
                image = by_architecture.get(architecture)
                if image is None:
                    raise SealProblem(
                        f"{file} can't be trusted: the seal names no image for {architecture}",
                        hint="an earlier bake may have left it there: remove it, or bake for all architectures again",
                    )
                _check_archive(file, image, told) if ending == ARCHIVE else _check_bill(file, image)
            if architecture or (name == envelope.NAME and file.samefile(seal)):
                verified.append(name)
            elif name != LAYOUT:
                unknown.append(f"{name}/" if file.is_dir() else name)
    except OSError as error:
        raise MachineProblem(f"can't read {error.filename or folder}: {error.strerror}") from None
    return Beside(tuple(sorted(verified)), tuple(unknown))


def _part(name: str, site: str) -> tuple[Architecture | None, str]:
    """Of which architecture a file is, by the name that it has from a bake, and what it is."""
    for architecture in get_args(Architecture):
        for ending in (ARCHIVE, sbom.ENDING):
            if name == f"{site}-{architecture}{ending}":
                return architecture, ending
    return None, ""


def _check_archive(file: Path, image: Verified, told: Statement) -> None:
    shown = str(file)
    try:
        standing.check_packing(file)
        with inspection.opened(file) as blobs:
            reports = inspection.read(blobs, shown)
            if [report.digest for report in reports] != [image.digest] or not isinstance(blobs, TarArchive):
                raise refused(shown, "it holds another image than the layout beside it")
            if left_out := [layer.name for layer in reports[0].layers if not layer.is_there]:
                raise refused(shown, f'it lacks the layer "{left_out[0]}"')
            standing.check_archive(blobs, image.held, told.reference, shown)
    except Problem as problem:
        raise altered(problem) from None


def _check_bill(file: Path, image: Verified) -> None:
    if not file.is_file():
        raise refused(str(file), "it is no file")
    with file.open("rb") as found:
        data = found.read(len(image.bill) + 1)
    if not data or data != image.bill:
        raise refused(str(file), "it is not the bill of materials of the image")
