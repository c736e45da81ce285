"""`ssg preview --sealed`: what is previewed is baked after each edit, and the image runs here by the embedded runner.

ssg knows no image and no host: it finds this room by its entry point (pyproject.toml, "sealpress.preview").
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from imagebake.nginx import runners
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import Container, ContainerSpec, Endpoint
from publish.publishing import pipeline
from sealpress.commands.console import SILENT, Progress
from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.git import repository as git
from sealpress.problems import EngineProblem, Problem, printable
from sealpress.tree import tree

if TYPE_CHECKING:
    from imagebake.recipes.recipe import Image

_LOOPBACK = "127.0.0.1"
_SECONDS = 1  # for the one before to end: its readers are on this machine
_LINES = 5  # of a log


@dataclass
class SealedServer:
    """Serves the last tree that could be baked, on a port of its own."""

    engine: EmbeddedEngine
    progress: Progress
    _image: "Image | None" = None
    _container: Container | None = None

    def take(self, site: SiteFile, folder: Path) -> tuple[str, int]:
        """Bakes the tree in a folder, as `publish --dirty` would, and serves it from now on: an address and a port.

        Raises Problem or Problems, of any stage: then the one before goes on.
        """
        found = replace(tree.scan(folder, site.settings.build.keep), below=sitefile.below(site.settings.site.url))
        with pipeline.source(site, SILENT, dirty=True) as made_from:
            lock = pipeline.lock_file(made_from, None, made_from.home, self.progress)
            product = pipeline.Product(found, made_from.commit, made_from.as_of or git.NO_DATE)
            image = pipeline.bake(product, made_from, lock, self.engine.architecture(), SILENT)
        port = site.settings.image.port
        if self._container and self._image and image.digest == self._image.digest:
            return self._endpoint(self._container, port)
        before, self._image, self._container = (self._image, self._container), image, self._started(image, port)
        if before[1] and before[0]:
            self.engine.stop(before[1].id, _SECONDS)
            self.engine.remove(before[1].id)
            if before[0].reference != image.reference:
                self.engine.remove_image(before[0].reference)
        return self._endpoint(self._container, port)

    def end(self) -> None:
        if self._container:
            self.engine.remove(self._container.id)

    def _started(self, image: "Image", port: int) -> Container:
        self.engine.load(image.archive(image.reference))
        spec = ContainerSpec(image.digest, image.reference, {port: Endpoint(_LOOPBACK, 0)})
        made = self.engine.create(spec)
        try:
            self.engine.start(made.id)
            self._endpoint(made, port)
        except BaseException:
            with suppress(Problem):
                self.engine.remove(made.id)
            raise
        return made

    def _endpoint(self, container: Container, port: int) -> tuple[str, int]:
        if (found := self.engine.endpoint(container.id, port)) is None:
            said = printable(self.engine.logs(container.id, _LINES))
            raise EngineProblem(f"nginx ended: {said}")
        return found.address, found.port


@contextmanager
def opened(site: SiteFile, progress: Progress) -> Iterator[SealedServer]:
    """Ends all that it started with the context. Writes the lock where there is none, which takes its time.

    Raises Problem (exit 9) where no sealed image can run, and (exit 4) where no mirror answers.
    """
    with scratch.folder("sealed") as folder:
        server = SealedServer(EmbeddedEngine(folder, runners.find_runner()), progress)
        with pipeline.source(site, SILENT, dirty=True) as made_from:
            pipeline.lock_file(made_from, None, made_from.home, progress)
        try:
            yield server
        finally:
            server.end()
