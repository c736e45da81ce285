"""The journal of a release: the steps that it goes through, which of them follows which, and what came of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal


class Step(StrEnum):
    LOOK = "look"  # read the host; put right what a publish that died left there
    LOAD = "load"  # the image is on the host, and is the one that was baked
    CREATE = "create"  # a candidate stands beside the old server
    START = "start"
    PROBE = "probe"  # it answers, as this release
    FLIP = "flip"  # the new server has the readers' port
    VERIFY = "verify"  # it answers there
    PRUNE = "prune"  # the candidate and the oldest releases are gone
    DONE = "done"
    RESTORE = "restore"  # the old server has the readers' port again, and answers
    DISCARD = "discard"  # candidate and new image are gone
    FAILED = "failed"


AFTER: Final[Mapping[Step, tuple[Step, Step]]] = MappingProxyType(
    # step: (where to when it is done, where to when it failed)
    {
        Step.LOOK: (Step.LOAD, Step.FAILED),
        Step.LOAD: (Step.CREATE, Step.DISCARD),
        Step.CREATE: (Step.START, Step.DISCARD),
        Step.START: (Step.PROBE, Step.DISCARD),
        Step.PROBE: (Step.FLIP, Step.DISCARD),
        Step.FLIP: (Step.VERIFY, Step.RESTORE),
        Step.VERIFY: (Step.PRUNE, Step.RESTORE),
        # The release is out: what can't be tidied now is tidied by the next publish.
        Step.PRUNE: (Step.DONE, Step.DONE),
        Step.RESTORE: (Step.DISCARD, Step.DISCARD),
        Step.DISCARD: (Step.FAILED, Step.FAILED),
    }
)

# Steps that put things right run to their end: an interrupt waits.
SHELTERED: Final = frozenset({Step.RESTORE, Step.DISCARD})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal. `seconds` is how long the step took."""

    step: Step
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
