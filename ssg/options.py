"""What a build takes in besides the published pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`drafts`: pages that are marked as such; `future`: pages that are dated after the clock of the build."""

    drafts: bool = False
    future: bool = False
