"""Archives and documents on disk: each appears whole, or not at all."""

import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from imagebake.recipe import Image
from sealpress.console import Advance, Progress
from sealpress.problems import Exit, Problem


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


def write(file: Path, pieces: Iterable[bytes], advance: Advance = lambda _done: None) -> None:
    """Writes a file for all to read; its folder is made. Raises Problem (exit 9), and as `pieces` do."""
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as out:
            for piece in pieces:
                out.write(piece)
                advance(len(piece))
        temporary.chmod(0o644)
        temporary.replace(file)
        temporary = None
    except OSError as error:
        raise Problem(f"can't write {file}: {error.strerror}", code=Exit.MACHINE) from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)
