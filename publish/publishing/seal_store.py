"""The seals of what was published: a file for each image, in .sealpress/seals in the blog's folder.

A host keeps an image and no seal. The file is what `imagebake verify --seal` checks the image by later: a signed
statement of what was published, in the envelope that `imagebake bake` writes beside an image.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from imagebake.packages import lock as locks
from imagebake.recipes import statement
from imagebake.recipes.recipe import Image
from imagebake.recipes.statement import RELEASE_LENGTH
from imagebake.seal import envelope
from sealpress.files import files
from sealpress.problems import MachineProblem, Problem

if TYPE_CHECKING:
    from imagebake.seal.envelope import Seal
    from imagebake.seal.signing import SigningKey
    from publish.publishing.pipeline import Product, SiteSource

FOLDER: Final = Path(".sealpress", "seals")


def seal(image: Image, product: "Product", made_from: "SiteSource", lock: Path, key: "SigningKey | None") -> "Seal":
    """The seal of an image that was baked of these; signed, where there is a key.

    Raises Problem (exit 10) where the key does not sign.
    """
    told = statement.describe(product.tree, locks.load(lock).digest, image.name, image.release, made_from.provenance)
    found = envelope.seal([image.sealed], image.reference, told)
    return envelope.signed(found, key) if key else found


def keep(found: "Seal", image: Image, home: Path) -> tuple[Path, "Seal"]:
    """Writes the seal; gives its file and what that holds: also signatures that it had before.

    Git is told to ignore the folder. Raises Problem (exit 9).
    """
    # One release of two commits has two seals: the later one must not take the place of what runs.
    digits = (image.release.removeprefix("sha256:")[:RELEASE_LENGTH], found.statement.digest[7:15])
    file = home / FOLDER / f"{'-'.join(digits)}-{image.architecture}.json"
    try:
        files.hide(files.make(home, *FOLDER.parts))
    except OSError as error:
        raise MachineProblem(f"can't keep the seal in {home / FOLDER}: {error.strerror}") from None
    kept = _joined(found, file)
    envelope.save(kept, file)
    return file, kept


def _joined(found: "Seal", file: Path) -> "Seal":
    """The same image's seal of before, with the signatures of this one; where they can't be joined, one that is signed.

    Who bakes with another Python signs other bytes.
    """
    try:
        before = envelope.load(file)
    except Problem:
        return found
    if before.subjects != found.subjects:
        return found
    if before.payload != found.payload:
        return found if found.signatures else before
    for fingerprint, signature in found.signatures:
        before = envelope.with_signature(before, fingerprint, signature)
    return before
