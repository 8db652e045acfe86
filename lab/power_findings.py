"""Yields how honest a gate is, by the gates that were tried on known code: counts with their bounds, as values."""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Interval

POWER_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """So many of so many, with the two-sided 95 % interval of the rate (Clopper and Pearson 1934)."""

    count: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Gates of unchanged code: `bound` is the one-sided 95 % upper bound of the rate of alarms.

    `budget` are seconds for measuring, 0 where they were not kept; `failed` are those that could not compare, and
    `faster` those that called something faster, which is no alarm and not true either.
    """

    what: str
    tolerance: float
    budget: float
    gates: int
    alarms: int
    passed: int
    unclear: int
    bound: float
    longest: float
    failed: int = 0
    faster: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Planted mistakes of a kind, how many were found by the layer that had to, and the seconds of the longest."""

    kind: str
    layer: str
    found: int
    of: int
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """Planted work of a kind: how often it was called slower.

    `truth` are (face, ratio) of separate long runs of the very same work on the same machine, where there were any;
    `ratios` those that the gates saw; `covered` counts the intervals of gates with such a truth that hold it; `faster`
    comparisons that were called so.
    """

    kind: str
    tolerance: float
    found: Proportion
    faster: int
    truth: tuple[tuple[str, Interval], ...]
    covered: Proportion | None
    ratios: tuple[tuple[str, float], ...]
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one gate of the duel did with one kind of change: how often it raised an alarm."""

    kind: str
    alarms: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Duellist:
    """One gate of the duel at one threshold."""

    name: str
    threshold: float
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePower:
    """All that a ledger of tries says.

    `bound` is that of the alarms of all gates of unchanged code. `between` is the standard deviation of log-ratios
    between gates of one operation of unchanged code, and `half` the median half-width of their intervals; `least` are
    (tolerance, the least slow-down that eight gates in ten find, before fresh blocks confirm it). `line` is by how much
    the truths of the doses are off the line through 1 that fits those of their machine best, at most, as a share.
    """

    first: str
    last: str
    machines: tuple[str, ...]
    commits: tuple[str, ...]
    datasets: tuple[str, ...]
    tries: int
    alarms: tuple[Alarms, ...]
    mistakes: tuple[Mistake, ...]
    doses: tuple[Dose, ...]
    covered: Proportion | None
    bound: float
    between: float | None
    half: float | None
    least: tuple[tuple[float, float], ...]
    line: float | None
    duel: tuple[Duellist, ...]
    schema_version: int = field(default=POWER_VERSION)
