"""Brings a baked image onto a host: only the layers that it lacks, checked, and named only once it is whole.

    load under a name of its own → read back → compare layers and labels → give it its name → drop the first name

Docker's classic store knows a layer by all those below it, so an archive may leave out only a prefix that some image
on the host has, or the whole is put together there (rebuild.py); Podman and Docker with containerd's store find each
layer by its content. The latter takes an archive whatever it lacks: there, a container is created of the image and
removed again, which needs all of its layers. Where the host takes such an archive badly, or the image read back is not
the baked one, everything is sent once, and only then it is a Problem.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from imagebake.image.oci import blob_path
from publish.deploy import rebuild, splice
from publish.deploy.splice import Splice
from publish.engines.protocol import ContainerEngine, ContainerSpec, Host, LoadedImage, RemoteHost, Role
from publish.releases.ownership import ReleaseLine
from sealpress import labels
from sealpress.commands.console import Advance, Progress, size
from sealpress.problems import EngineProblem, Exit, Problem

if TYPE_CHECKING:
    from imagebake.recipes.recipe import Image


def ship(
    engine: ContainerEngine, image: "Image", progress: Progress, line: ReleaseLine, host: Host | None = None
) -> LoadedImage:
    """The image as the engine now holds it, under the line's name for it. `host`: that of the engine, where the way
    there is worth saving.

    Nothing is sent where the engine has it already. Raises Problem (exit 7) where the engine can't take it, and (exit
    6) where the connection is cut. Nothing is left under either name then; a cut connection may leave the first name,
    which the next shipment takes over.
    """
    own = line.reference(image.labels)
    there = engine.image(own)
    if there is not None and _difference(image, there) is None:
        progress.note(f"{own} is on the host already: nothing to send")
        return there
    held = engine.images(image.labels.get(labels.SITE, ""))
    if there is None and (same := _under_another_name(held, image)):
        with suppress(Problem):  # its own line may let it go just now
            engine.tag(same.id, own)
            progress.note(f"{own} is on the host already, as {same.references[0]}: nothing to send")
            return engine.image(own) or same
    loaded = _send_what_is_needed(engine, image, line, progress, held, host)
    if there is not None and there.references == (own,) and there.id != loaded.id:
        # Nothing names it any longer. A container may still need it: then the engine keeps it.
        with suppress(Problem):
            engine.remove_image(there.id)
    return loaded


def weight(engine: ContainerEngine, image: "Image", line: ReleaseLine, host: Host | None = None) -> int:
    """Bytes that `ship` would send, before any compression; 0 where the engine has the image already."""
    there = engine.image(line.reference(image.labels))
    held = engine.images(image.labels.get(labels.SITE, ""))
    if (there is not None and _difference(image, there) is None) or _under_another_name(held, image):
        return 0
    known = _known(held, image)
    base, made = _together(image, held, known) if isinstance(host, RemoteHost) else _NOT_TOGETHER
    return image.archive_size(line.arriving, _omitted(image, known, base, made)) + len(made.literal)


_NOT_TOGETHER: Final = (None, Splice())


def _together(image: "Image", held: Sequence[LoadedImage], known: Sequence[str]) -> tuple[LoadedImage | None, Splice]:
    """Of the images that the host has, the one from which this one is put together, and what of its own layers is made
    of those that stand there instead; None where leaving out those that are `known` will do.
    """
    sizes = {layer.diff_id: layer.size for layer in image.layers}
    if (base := rebuild.base_for(held, sizes)) is None:
        return _NOT_TOGETHER
    there = {*known, *base.diff_ids}
    new = (layer for layer in image.layers if layer.diff_id not in there)
    made = splice.of(new, (one for one in base.diff_ids if one not in sizes))
    omitted = _omitted(image, known, base, made)
    saved = sum(sizes[one] for one in omitted if one not in known) - len(made.literal)
    return (base, made) if saved > rebuild.WORTH else _NOT_TOGETHER


def _omitted(image: "Image", known: Sequence[str], base: LoadedImage | None, made: Splice) -> tuple[str, ...]:
    """The layers that are not sent."""
    there = {*known, *made.layers, *(base.diff_ids if base else ())}
    return tuple(layer.diff_id for layer in image.layers if layer.diff_id in there)


def _under_another_name(images: Sequence[LoadedImage], image: "Image") -> LoadedImage | None:
    """The image, as another line of the site has it. One that may lack a layer is not taken for it."""
    for held in images:
        if held.references and not held.unproven and _difference(image, held) is None:
            return held
    return None


def _send_what_is_needed(
    engine: ContainerEngine,
    image: "Image",
    line: ReleaseLine,
    progress: Progress,
    held: Sequence[LoadedImage],
    host: Host | None,
) -> LoadedImage:
    """`held`: the site's images on the host."""
    known = _known(held, image)
    base, made = _together(image, held, known) if isinstance(host, RemoteHost) else _NOT_TOGETHER
    if isinstance(host, RemoteHost) and base:
        omit = _omitted(image, known, base, made)

        def together(advance: Advance) -> None:
            def delta(beside: Mapping[str, str]) -> Iterator[bytes]:
                paths = {**beside, **{one: blob_path(one) for one in made.layers}}
                again = {one: path for one, path in paths.items() if one not in known}
                return _counted(image.archive(line.arriving, omit, again, made.files(paths)), advance)

            rebuild.load(host, engine, base, line.name, delta)

        try:
            return _send(engine, image, line, omit, progress, together, len(made.literal))
        except _NotTaken as refused:
            progress.note(f"{refused.problem.message}; sending more layers")
    if known:
        try:
            return _send(engine, image, line, known, progress)
        except _NotTaken as refused:
            progress.note(f"{refused.problem.message}; sending all layers")
    try:
        return _send(engine, image, line, (), progress)
    except _NotTaken as refused:
        raise refused.problem from None


class _NotTaken(Exception):  # noqa: N818 - a reason to try again, not an error yet
    """The engine did not come to hold the image that was sent."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _known(images: Sequence[LoadedImage], image: "Image") -> tuple[str, ...]:
    """What an archive may leave out: each layer that one of the site's images on the host has, where it knows layers
    by content; else the longest run of layers from the lowest up that one of them has.
    """
    wanted = [layer.diff_id for layer in image.layers]
    others = [other for other in images if other.reusable]
    held = {diff_id for other in others if other.by_content for diff_id in other.diff_ids}
    if held:
        return tuple(diff_id for diff_id in wanted if diff_id in held)
    prefixes = (
        tuple(ours for ours, _ in takewhile(lambda pair: pair[0] == pair[1], zip(wanted, other.diff_ids, strict=False)))
        for other in others
    )
    return max(prefixes, key=len, default=())


def _send(
    engine: ContainerEngine,
    image: "Image",
    line: ReleaseLine,
    omit: tuple[str, ...],
    progress: Progress,
    together: Callable[[Advance], None] | None = None,
    more: int = 0,
) -> LoadedImage:
    """All but the layers to `omit`. `together`: has the engine load them with what it has, and `more` bytes."""
    arriving, own = line.arriving, line.reference(image.labels)
    # What a shipment that was killed has left.
    for left in engine.containers(image.labels.get(labels.SITE, "")):
        if left.name == _trial(line):
            engine.remove(left.id)
    engine.remove_image(arriving)
    total = image.archive_size(arriving, omit) + more
    count = len(image.layers)
    progress.note(f"sending {count - len(omit)} of {count} layers, {size(total)}")
    try:
        try:
            with progress.track("sending", total, "bytes") as advance:
                if together:
                    together(advance)
                else:
                    engine.load(_counted(image.archive(arriving, omit), advance))
        except Problem as problem:
            # Only the engine's refusal may be due to what was left out; a cut connection or a bad layer is not.
            raise (_NotTaken(problem) if problem.code is Exit.ENGINE else problem) from None
        loaded = engine.image(arriving)
        if loaded is None:
            raise _NotTaken(EngineProblem(f"{engine.title} took the image, but does not have it", hint=_LOOK))
        if difference := _difference(image, loaded):
            message = f"{engine.title} holds another image than was sent: {difference}"
            raise _NotTaken(EngineProblem(message, hint=_LOOK))
        if omit and loaded.unproven:
            _try_out(engine, line)
        engine.tag(loaded.id, own)
        if not together:
            splice.learn(layer for layer in image.layers if layer.diff_id not in omit)
    finally:
        # The connection may be what failed: then the reason counts, not that this can't be done either.
        with suppress(Problem):
            engine.remove_image(arriving)
    named = engine.image(own)
    if named is None or named.id != loaded.id:
        message = f"{own} was loaded, but is not what the host now has under that name"
        raise EngineProblem(message, hint="is somebody else publishing? Try again")
    return named


def _trial(line: ReleaseLine) -> str:
    """The name of a container that shows whether an image is whole."""
    return f"{line.name}-arriving"


def _try_out(engine: ContainerEngine, line: ReleaseLine) -> None:
    """Creates a container of the image, which is never started, and removes it. Raises _NotTaken where that fails."""
    # Whatever interrupts it, the next deployment removes a candidate.
    marks = {**line.labels, labels.ROLE: str(Role.CANDIDATE)}
    spec = ContainerSpec(_trial(line), line.arriving, {}, marks, restart=False)
    try:
        made = engine.create(spec)
    except Problem as problem:
        raise (_NotTaken(problem) if problem.code is Exit.ENGINE else problem) from None
    engine.remove(made.id)


_LOOK: Final = "look at the engine's own log and free space on the host, then publish again"


def _difference(image: "Image", held: LoadedImage) -> str | None:
    """In what the held image is not the baked one; None where it is."""
    wanted = tuple(layer.diff_id for layer in image.layers)
    if wanted != held.diff_ids:
        return f"its layers are {len(held.diff_ids)}, ending with {(held.diff_ids or ('none',))[-1][:19]}"
    for name in sorted({*image.labels, *held.labels}):
        if image.labels.get(name) != held.labels.get(name):
            return f"its label {name} is {held.labels.get(name)!r}"
    return None


def _counted(archive: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    for piece in archive:
        yield piece
        advance(len(piece))
