"""Yields what a history shows: ratios to a pinned reference, run by run, and where their level changed; as values."""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Interval

TREND_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run of a series: when, of which commit, on which machine, and its ratio."""

    measured: str
    run: str
    commit: str
    machine: str
    ratio: Interval
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Neighbouring points from `start` up to `end` (not included) that have one level, `ratio`."""

    start: int
    end: int
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One comparison over time. `reference` is the commit that it is held against, or empty in an experiment.

    `held` are the knobs that an experiment held. Without a reference a series has one machine. `is_time` tells whether
    less is faster.
    """

    experiment: str
    reference: str
    dataset: str
    operation: str
    face: str
    subject: str
    given: str
    points: tuple[Point, ...]
    levels: tuple[Level, ...]
    held: str = ""
    machine: str = ""
    is_time: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """All series of a history, those that changed last first."""

    history: str
    series: tuple[Series, ...]
    schema_version: int = field(default=TREND_VERSION)
