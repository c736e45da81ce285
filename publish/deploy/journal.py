"""The journal of a deployment: the steps that a host goes through, in phases, and what came of each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from sealpress.frozen import frozen


class DeployStep(StrEnum):
    LOOK = "look"  # read the host; put right what a publish that died left there
    LOAD = "load"  # the images are on the host, and are those that were baked
    CREATE = "create"  # candidates stand beside the old servers
    START = "start"
    PROBE = "probe"  # they answer, as this release
    FLIP = "flip"  # the new servers have the readers' ports
    VERIFY = "verify"  # they answer there
    WATCH = "watch"  # of a canary: they have answered there for a while
    PRUNE = "prune"  # the candidates and the oldest releases are gone
    RESTORE = "restore"  # the old servers have the readers' ports again, and answer
    DISCARD = "discard"  # candidates and new images are gone


# Hosts go through the steps of a phase side by side, but are committed one after the other; no phase begins before all
# hosts are through the one before it.
PHASES: Final = (
    (DeployStep.LOOK,),
    (DeployStep.LOAD, DeployStep.CREATE, DeployStep.START, DeployStep.PROBE),  # then the host is staged
    (DeployStep.FLIP, DeployStep.VERIFY, DeployStep.WATCH),  # then it is committed
    (DeployStep.PRUNE,),
)

# What takes back all that was done on a host, by the step that was last begun there. The release is out when `prune`
# begins: what can't be tidied then is tidied by the next publish.
_STAGED: Final = (DeployStep.DISCARD,)
_COMMITTED: Final = (DeployStep.RESTORE, DeployStep.DISCARD)
TAKEN_BACK_BY: Final[Mapping[DeployStep, tuple[DeployStep, ...]]] = MappingProxyType(
    {DeployStep.LOOK: (), **dict.fromkeys(PHASES[1], _STAGED), **dict.fromkeys(PHASES[2], _COMMITTED)}
)

# Steps that put things right run to their end: an interrupt waits.
SHELTERED: Final = frozenset(_COMMITTED)


@frozen
class Event:
    """One line of the journal. `seconds` is how long the step took."""

    step: DeployStep
    outcome: Literal["done", "failed", "interrupted"]
    detail: str
    seconds: float

    def __str__(self) -> str:
        # What failed is told as a Problem, in full: the line need not say it, too.
        is_told = self.outcome == "done" and self.detail
        return f"{self.step}: {self.outcome}" + (f", {self.detail}" if is_told else "")

    def as_data(self) -> dict[str, object]:
        return {
            "step": str(self.step),
            "outcome": self.outcome,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
        }
