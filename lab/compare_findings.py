"""Yields what two runs say against each other, as values that console and page read. It computes nothing.

`before` and `after` are the first and the second run; ratios are after / before.
"""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Evidence, Interval
from lab.study_findings import Unit

COMPARE_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One of the two: what it asked, when, of which commit, and the path of its folder from the page."""

    experiment: str
    run: str
    started: str
    commit: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that the runs do not share; `makes_unlike` where times cannot be held against each other with it."""

    name: str
    before: str
    after: str
    makes_unlike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPair:
    """One cell in both runs: its service times and their ratio; without one, `reason` says why.

    Evidence is of the first cold request, and there where the runs counted different things alone.
    """

    operation: str
    face: str
    server: str
    variant: tuple[tuple[str, str], ...]
    before: Interval | None = None
    after: Interval | None = None
    ratio: Interval | None = None
    p: float | None = None
    verdict: str = "void"
    reason: str = ""
    evidence_before: Evidence | None = None
    evidence_after: Evidence | None = None

    @property
    def is_counted_otherwise(self) -> bool:
        """Whether a cold request did something else."""
        return self.evidence_before is not None and self.evidence_after is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPair:
    """One effect in both runs, each a ratio of arms that ran side by side, and the ratio of these ratios."""

    operation: str
    face: str
    kind: str
    subject: str
    given: str
    before: Interval
    after: Interval
    ratio: Interval
    p: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a number beside the cells is: `what` of which arm at which load, `of`.

    `is_paired` where it is a ratio of what ran side by side within its run.
    """

    what: str
    of: str
    unit: Unit
    face: str = ""
    variant: tuple[tuple[str, str], ...] = ()
    is_paired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPair:
    """A number of a load, of mails or of a study in both runs, and the ratio; without one, `reason` says why.

    `note` tells where the loads that both were seen at differ.
    """

    of: Measure
    before: Interval | float
    after: Interval | float
    ratio: Interval | None = None
    p: float | None = None
    verdict: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPair:
    """The floor of an operation and face, a bare view of the same server, in both runs: medians in seconds."""

    operation: str
    face: str
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """How many times as long it took in the second run: by so much the machine itself may have moved."""
        return self.after / self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs against each other. `alone_before` and `alone_after` count the cells and numbers that only one has.

    `numbers` are what they hold beside cells, where they differ or have an interval.
    """

    before: ComparedRun
    after: ComparedRun
    answer: tuple[str, ...]
    differences: tuple[Difference, ...]
    floors: tuple[FloorPair, ...]
    cells: tuple[CellPair, ...]
    effects: tuple[EffectPair, ...]
    alone_before: int
    alone_after: int
    numbers: tuple[NumberPair, ...] = ()
    schema_version: int = field(default=COMPARE_VERSION)
