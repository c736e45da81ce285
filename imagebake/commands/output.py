"""Archives and documents on disk, where each appears whole or not at all; or one archive on standard output."""

import os
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from imagebake.recipes.recipe import Image
from sealpress.commands.console import Advance, Progress
from sealpress.files import scratch
from sealpress.files.files import is_folder
from sealpress.problems import MachineProblem


def check_place(folder: Path, names: Iterable[str]) -> None:
    """Raises Problem (exit 9) where a file would be replaced that no bake wrote: a bake leaves a layout, too."""
    if is_folder(folder / "oci"):
        return
    if taken := sorted({name for name in names if os.path.lexists(folder / name)}):
        raise MachineProblem(
            f"{', '.join(taken)} in {folder} would be replaced, and no bake seems to have written there",
            hint="name another folder for the output, or move the files away",
        )


def write_archives(images: Mapping[Path, Image], progress: Progress) -> None:
    """Writes the hybrid archive of each image into its file, under the image's own reference.

    All at once: hashing and writing leave Python's lock to the others. Raises Problem (exit 5, 9).
    """
    sizes = {file: image.archive_size(image.reference) for file, image in images.items()}
    counted = threading.Lock()
    with (
        progress.track("Writing archives", sum(sizes.values()), "bytes") as advance,
        ThreadPoolExecutor(max(1, len(images))) as pool,
    ):

        def count(more: int) -> None:
            with counted:
                advance(more)

        archives = {file: image.archive(image.reference) for file, image in images.items()}
        for done in [pool.submit(write, file, pieces, count) for file, pieces in archives.items()]:
            done.result()


def stream(image: Image, progress: Progress) -> None:
    """Writes the image's archive, just as `write_archives` does, to standard output.

    Raises Problem (exit 9) where that is closed, before the archive's end or from the beginning; (exit 5).
    """
    if sys.stdout is None:  # as it is where file descriptor 1 was closed
        raise MachineProblem("standard output is closed")
    total = image.archive_size(image.reference)
    try:
        with progress.track("Writing the archive", total, "bytes") as advance:
            for piece in image.archive(image.reference):
                sys.stdout.buffer.write(piece)
                advance(len(piece))
            sys.stdout.buffer.flush()
    except OSError as error:
        # What is still buffered goes nowhere, or Python would fail over it once more on its way out.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise MachineProblem(
                "whoever read the archive went away before its end",
                hint="see what that program says: what it has read is no whole image",
            ) from None
        raise MachineProblem(f"can't write to standard output: {error.strerror}") from None


def write(file: Path, pieces: Iterable[bytes], advance: Advance = lambda _done: None) -> None:
    """Writes a file for all to read; its folder is made. Raises Problem (exit 9), and as `pieces` do."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch.save(file, pieces, advance, sync=False)
    except OSError as error:
        raise MachineProblem(f"can't write {file}: {error.strerror}") from None
