"""Archives on disk: each appears whole, or not at all."""

import os
import tempfile
from pathlib import Path

from imagebake.recipe import Image
from sealpress.console import Progress
from sealpress.problems import Exit, Problem


def write_archive(image: Image, file: Path, progress: Progress) -> None:
    """Writes the hybrid archive of an image, under its own reference. Raises Problem (exit 5, 9)."""
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        temporary = Path(name)
        with (
            os.fdopen(handle, "wb") as out,
            progress.track(f"Writing {file.name}", image.archive_size(image.reference), "bytes") as advance,
        ):
            for piece in image.archive(image.reference):
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
