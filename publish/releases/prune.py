"""What is kept of a line on a host, and what is forgotten: containers and images with its labels, and nothing else."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from publish.engines.protocol import Container, ContainerEngine
from publish.releases.history import containers, read
from publish.releases.ownership import ReleaseLine
from publish.releases.release import is_candidate
from sealpress.problems import Problem


def remove_candidates(engine: ContainerEngine, line: ReleaseLine) -> tuple[str, ...]:
    """Removes the line's candidates. What could not be removed is told, one line each."""
    return _remove_all(engine, filter(is_candidate, containers(engine, line)))


def prune(engine: ContainerEngine, line: ReleaseLine, keep: int) -> tuple[str, ...]:
    """Forgets candidates, and all releases but the newest `keep`, by label and generation alone.

    What runs always stays. Of two generations that are the same release only the newer one counts. Images go when no
    container of the site is made from them. What could not be removed is told, one line each.
    """
    warnings = remove_candidates(engine, line)
    kept: set[object] = set()
    forgotten: list[Container] = []
    for one in read(engine, line):
        stays = len(kept) < max(keep, 1) and one.identity not in kept
        if stays or one.runs:
            kept.add(one.identity)
        else:
            forgotten += one.containers
    removed = _remove_all(engine, forgotten)
    return (*warnings, *removed, *prune_images(engine, line, [one.image for one in forgotten]))


def prune_images(engine: ContainerEngine, line: ReleaseLine, forgotten: Iterable[str] = ()) -> tuple[str, ...]:
    """Removes the line's names of images which no container of the site is made from.

    Releases of before had other names: of those only what `forgotten` ones were made from goes. An image that lost its
    last name goes too, as soon as no container is made from it; which ones those are only the engine knows, so its
    refusal counts as an answer.
    """
    used = {one.image for one in engine.containers(line.site)}
    images = engine.images(line.site)
    for image in images:
        if not image.references:
            with suppress(Problem):
                engine.remove_image(image.id)
    ours = {name for name in forgotten if name.startswith(f"localhost/site/{line.site}:")}
    names = [name for image in images for name in image.references if line.owns(name) or name in ours]
    return _each([(name, name) for name in names if name not in used], engine.remove_image)


def _remove_all(engine: ContainerEngine, unwanted: Iterable[Container]) -> tuple[str, ...]:
    return _each([(one.name, one.id) for one in unwanted], engine.remove)


def _each(items: list[tuple[str, str]], remove: Callable[[str], None]) -> tuple[str, ...]:
    """Removes one after the other; one that can't be removed does not stop the rest."""
    warnings: list[str] = []
    for name, key in items:
        try:
            remove(key)
        except Problem as problem:
            warnings.append(f"{name} could not be removed: {problem.message}")
    return tuple(warnings)
