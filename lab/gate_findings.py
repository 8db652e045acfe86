"""Yields what a gate found: its verdict with all that it rests on, as one value; and its JSON. It computes nothing."""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Effect, Statement

GATE_VERSION: Final = 1

CODES: Final = {"pass": 0, "regression": 1, "unclear": 3}
"""Exit codes by verdict; 2 is for what could not be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChange:
    """An answer of a candidate's that is not the reference's: for which parameters, and how it differs."""

    operation: str
    face: str
    parameters: str
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One cell that both commits have: an operation through a face at a variant, cold or warm."""

    operation: str
    face: str
    variant: tuple[tuple[str, str], ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One count that differs: worse beyond its limit, or better, or other (a statement in place of another)."""

    place: Place
    metric: str
    base: float
    head: float
    limit: float
    verdict: str
    gone: tuple[Statement, ...] = ()
    new: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How a count of a cold request grows from one page size to another, in both commits: worse where head's does more.

    `base` and `head` are the counts at each of `sizes`.
    """

    place: Place
    metric: str
    sizes: tuple[int, int]
    base: tuple[int, int]
    head: tuple[int, int]
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What was to be compared and could not be: worse where the head alone is to blame, else unclear."""

    operation: str
    face: str
    reason: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFindings:
    """Two commits and what differs between them, layer by layer.

    `verdict` is pass, regression or unclear; `stopped` names the layer that decided before time was measured, or is
    empty. `answers` are changed contracts, `changed` those that were accepted, `lost` what could not be compared,
    `changes` counts that differ, `growths` those that grow otherwise with the page, `budgets` counts above an absolute
    budget, `effects` service times head / base, `benchmarks` those of calls in process, where they were asked for.
    `places` requests were counted, of the operations and faces in `places_counted`. `instrument` says which commit's
    lab judged, and what differs in it.
    """

    verdict: str
    base: str
    head: str
    instrument: str
    stopped: str
    answers: tuple[AnswerChange, ...]
    accepted: tuple[str, ...]
    changes: tuple[Change, ...]
    budgets: tuple[Change, ...]
    effects: tuple[Effect, ...]
    places: int
    places_counted: tuple[tuple[str, str], ...]
    command: str
    notes: tuple[str, ...] = ()
    growths: tuple[Growth, ...] = ()
    benchmarks: tuple[Effect, ...] = ()
    changed: tuple[AnswerChange, ...] = ()
    lost: tuple[Lost, ...] = ()
    schema_version: int = field(default=GATE_VERSION)

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.verdict]

    @property
    def worse(self) -> tuple[Change, ...]:
        """The counts that are worse than allowed."""
        return tuple(change for change in self.changes if change.verdict == "worse")
