"""The images of a site: each is looked at once for its content, and each variant is made once.

What is known of an image is remembered by its sha256 and the software: in the last build, else in the store. So Pillow
is loaded only where an image or a variant is new.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from sealpress.commands.console import Progress
from sealpress.config.settings import ImagesSettings
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, raise_all
from sealpress.processes import workers as pool
from ssg.cache import software
from ssg.cache.last_build import KeptImage, seen_sha256
from ssg.cache.store import Store
from ssg.cache.table import Plain
from ssg.images.variants import Dimensions, Picture, format_of, picture


@frozen
class Gallery:
    """`sources` has the sha256 of each file, `seen` what the last build knew and
    this one learns, as it is kept (ssg.cache.last_build.KeptImage); `pillow` is the
    version.
    """

    root: Path
    settings: ImagesSettings
    store: Store
    sources: Mapping[str, Plain]
    pillow: str = ""
    seen: dict[str, Plain] = field(default_factory=dict)
    _bad: set[str] = field(default_factory=set)

    def learn(self, images: Iterable[str], workers: int, progress: Progress) -> None:
        """Looks at those that are new, on all cores. Raises Problem or Problems (exit 3)."""
        new = [source for source in images if not self._is_known(source)]
        if not new:
            return
        problems: dict[str, Problem] = {}
        with self.store.together(), progress.track("Looking at images", len(new)) as advance:
            for part, looks in pool.shared(self._looks, new, workers):
                for source, found in zip(part, looks, strict=True):
                    if isinstance(found, Problem):
                        problems[source] = found
                    else:
                        self._learned(source, found)
                advance(len(part))
        self._bad.update(problems)
        raise_all([problems[source] for source in new if source in problems])

    def picture(self, source: str) -> Picture | None:
        """An image and its variants; None for what is none or has no size, and for one that was told to be bad.

        Raises Problem (exit 3) for a bad one.
        """
        if source not in self.sources or not format_of(source) or source in self._bad:
            return None
        if not self._is_known(source):
            self._learned(source, self._look(source))
        seen = KeptImage._make(self.seen[source])
        if not seen.width:
            return None
        dimensions = Dimensions(seen.width, seen.height, seen.is_still)
        return picture(source, seen.sha256, dimensions, self.settings, self.pillow)

    def warnings(self, source: str) -> list[Problem]:
        """What the author of an image should know. It was learned."""
        doubts = KeptImage._make(self.seen[source]).doubts if source in self.seen else ()
        return [Problem(message, place=Place(source), hint=hint, is_warning=True) for message, hint in doubts]

    def damaged(self, variants: Mapping[str, str], quality: int, workers: int, progress: Progress) -> list[Problem]:
        """What is wrong with images that a look did not show: a variant of each is made, and kept.

        `variants` are the outputs by source.
        """

        def made(part: Sequence[tuple[str, str]]) -> list[Problem]:
            found: list[Problem] = []
            for source, output in part:
                try:
                    self.content(source, output, quality)
                except Problem as problem:
                    found.append(problem)
            return found

        problems: list[Problem] = []
        with progress.track("Making images", len(variants)) as advance:
            for part, found in pool.shared(made, list(variants.items()), workers):
                problems += found
                advance(len(part))
        return problems

    def content(self, source: str, output: str, quality: int) -> bytes:
        """The variant of an image that stands at `output`. Raises Problem (exit 3) for a damaged image."""
        found = self.picture(source)
        variant = next(one for one in found.variants if one.output == output) if found else None
        assert variant is not None  # noqa: S101 - it was named after what picture() gave
        key = self._key(source, "variant", variant.width, variant.height, quality)
        data = self.store.get(key)
        if data is None:
            from ssg.images import raster  # noqa: PLC0415 - it loads Pillow

            data = raster.encoded(self.root / source, source, variant, quality)
            self.store.put(key, data, alone=True)
        return data

    def _is_known(self, source: str) -> bool:
        if source not in self.seen or KeptImage._make(self.seen[source]).sha256 != seen_sha256(self.sources[source]):
            data = self.store.get(self._key(source, "look", format_of(source)))
            if data is None:
                return False
            width, height, is_still, doubts = json.loads(data)
            self._keep(source, Dimensions(width, height, is_still, tuple(map(tuple, doubts))))
        return True

    def _looks(self, images: Sequence[str]) -> list[Dimensions | Problem]:
        found: list[Dimensions | Problem] = []
        for source in images:
            try:
                found.append(self._look(source))
            except Problem as problem:
                found.append(problem)
        return found

    def _look(self, source: str) -> Dimensions:
        if format_of(source) == "SVG":
            from ssg.images import svg  # noqa: PLC0415 - most sites have none

            return svg.look(self.root / source, source)
        from ssg.images import raster  # noqa: PLC0415 - it loads Pillow

        return raster.look(self.root / source, source)

    def _keep(self, source: str, look: Dimensions) -> None:
        sha256 = seen_sha256(self.sources[source])
        self.seen[source] = tuple(KeptImage(sha256, look.width, look.height, look.is_still, look.doubts))

    def _learned(self, source: str, look: Dimensions) -> None:
        self._keep(source, look)
        data = json.dumps([look.width, look.height, look.is_still, look.doubts]).encode()
        self.store.put(self._key(source, "look", format_of(source)), data)

    def _key(self, source: str, *what: str | int) -> str:
        depends = [*map(str, what), seen_sha256(self.sources[source]), self.pillow, software.digest()]
        return hashlib.sha256("\0".join(["image", *depends]).encode()).hexdigest()
