"""Going back to an earlier release: which one is meant, and its images, which are on the host still."""

from typing import Final

from publish.engines.protocol import ContainerEngine, LoadedImage
from publish.releases.ownership import ReleaseLine
from publish.releases.release import Release, ReleaseSpec, ServiceImage, ServiceSpec, Ship, service_of
from sealpress import labels
from sealpress.commands.console import Progress
from sealpress.problems import EngineProblem, ReleaseProblem, UsageProblem


def choose(found: tuple[Release, ...], to: int | None, keep: int) -> Release:
    """The release to go back to: generation `to`, or the one before the current. Raises Problem (exit 2, 8)."""
    if not found:
        raise ReleaseProblem("there is no release of this site on the host", hint="publish it first")
    have = ", ".join(str(one.generation) for one in found)
    newest = found[0].generation
    if to is not None:
        for one in found:
            if one.generation == to:
                return one
        is_lost = newest - keep < to < newest and len(found) < keep
        hint = f"these are there: {have}" + (f"; {_lost(keep)}" if is_lost else "")
        raise UsageProblem(f"there is no generation {to} on the host", hint=hint)
    if len(found) > 1:
        return found[1]
    if newest == 1:
        hint = "it is the first one"
    elif keep == 1:
        hint = f"with `keep` = 1 in site.toml, publish keeps none to go back to; {_AGAIN}"
    else:
        hint = _lost(keep)
    raise ReleaseProblem(f"there is no release before generation {newest} on the host", hint=hint)


_AGAIN: Final = (
    "an older commit can be published again: git worktree add ../old COMMIT, publish --site ../old/site.toml"
)


def _lost(keep: int) -> str:
    """What became of releases that publish itself would have left there."""
    return (
        f"publish keeps {keep}, as `keep` in site.toml says, so others were removed on the host, as by `docker "
        f"container prune`, which takes all that is stopped; {_AGAIN}"
    )


def again(old: Release, services: tuple[ServiceSpec, ...], line: ReleaseLine) -> ReleaseSpec:
    """The old release anew: its images, by the settings that its services have now. One that it lacked is left out."""
    made_from = {service_of(one): one for one in reversed(old.containers)}
    images = {
        name: ServiceImage(one.labels.get(labels.RELEASE, ""), ship_again(old, one.image, line))
        for name, one in made_from.items()
    }
    kept = tuple(one for one in services if one.name in images)
    return ReleaseSpec(kept, images, old.commit, old.told(labels.SEAL), subject=old.told(labels.SUBJECT))


def ship_again(old: Release, image: str, line: ReleaseLine) -> Ship:
    """In the place of shipping: an image that an old release left on the host, under the line's own name."""

    def look_up(engine: ContainerEngine, progress: Progress) -> LoadedImage:
        del progress
        if found := engine.image(image):
            name = line.reference(found.labels)
            if name not in found.references:
                engine.tag(found.id, name)
            return engine.image(name) or found
        raise EngineProblem(
            f"the image of generation {old.generation} is gone from the host",
            hint=f"publish its commit again: {old.commit}" if old.commit else None,
        )

    return look_up
