"""Yields arrival times: when each request of an open load is due, from a seed, whatever the server does.

A rate that changes with time is a profile of straight segments. Times come by the inverse of its integral: constant
arrivals stand where the integral reaches 0, 1, 2, ..., Poisson arrivals where it reaches the sums of exponential gaps
(time change of a unit-rate process: Çinlar, Introduction to Stochastic Processes, 1975).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.errors import LabError

KINDS: Final = ("constant", "poisson")
SHAPES: Final = ("steady", "ramp", "spike", "ladder")
RUNGS: Final = 5
"""Steps of a ladder."""

SPIKE: Final = 3.0
"""How many times the usual rate the middle fifth of a spike has."""

MOST: Final = 50_000_000
"""Arrivals above which a schedule is refused: it would not fit into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A time, in seconds, in which a level (requests per second, or users) goes straight from `begin` to `end`."""

    seconds: float
    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """A seeded arrival process: `constant` or `poisson`, over a profile of rates per second."""

    kind: str
    profile: tuple[Segment, ...]
    seed: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return sum(segment.seconds for segment in self.profile)

    @property
    def rate(self) -> float:
        """The mean rate that it offers, per second."""
        return _area(self.profile) / self.seconds


def profile(shape: str, *, rate: float, seconds: float) -> tuple[Segment, ...]:
    """The profile of a load shape whose usual level is `rate`. Raises LabError for a shape that there is not.

    `steady` keeps it; `ramp` climbs from a tenth of it; `spike` triples it in the middle fifth; `ladder` climbs to it
    in five equal steps.
    """
    if shape == "steady":
        return (Segment(seconds=seconds, begin=rate, end=rate),)
    if shape == "ramp":
        return (Segment(seconds=seconds, begin=rate / 10, end=rate),)
    if shape == "spike":
        calm = Segment(seconds=seconds * 0.4, begin=rate, end=rate)
        return (calm, Segment(seconds=seconds * 0.2, begin=rate * SPIKE, end=rate * SPIKE), calm)
    if shape == "ladder":
        levels = [rate * (rung + 1) / RUNGS for rung in range(RUNGS)]
        return tuple(Segment(seconds=seconds / RUNGS, begin=level, end=level) for level in levels)
    raise LabError(f"there is no load shape {shape[:40]!r}", hint=f"choose one of {', '.join(SHAPES)}")


def level(segments: tuple[Segment, ...], at: float) -> float | None:
    """The level of a profile `at` seconds after its start; None after its end."""
    for segment in segments:
        if at < segment.seconds:
            return segment.begin + (segment.end - segment.begin) * at / segment.seconds
        at -= segment.seconds
    return None


def due_times(arrivals: Arrivals) -> NDArray[np.int64]:
    """When each arrival is due: (n,) nanoseconds from the start, ascending. Raises LabError for more than `MOST`."""
    total = _area(arrivals.profile)
    if total > MOST:
        raise LabError(f"{total:,.0f} arrivals are too many for one schedule", hint="ask for less time or a lower rate")
    if arrivals.kind == "poisson":
        random = np.random.default_rng(arrivals.seed)
        # Enough gaps in nearly every case, and more where they are not: eight standard deviations above the mean.
        sums = np.cumsum(random.exponential(size=int(total + 8 * np.sqrt(total) + 16)))
        while sums[-1] < total:
            sums = np.concatenate([sums, sums[-1] + np.cumsum(random.exponential(size=len(sums)))])
        return _times(sums[sums < total], arrivals.profile)
    # A hair more than a whole total is no arrival at the very end.
    return _times(np.arange(int(np.ceil(total * (1 - 1e-14) - 1e-9)), dtype=np.float64), arrivals.profile)


def share(due: NDArray[np.int64], *, worker: int, workers: int) -> NDArray[np.int64]:
    """The numbers of the arrivals that one of `workers` sends: every workers-th, so that the union is the process."""
    return np.arange(worker, len(due), workers)


def _area(segments: tuple[Segment, ...]) -> float:
    return sum(segment.seconds * (segment.begin + segment.end) / 2 for segment in segments)


def _times(sums: NDArray[np.float64], segments: tuple[Segment, ...]) -> NDArray[np.int64]:
    """Where the integral of the profile reaches `sums`, in nanoseconds."""
    found, before, start = [], 0.0, 0.0
    for segment in segments:
        area = _area((segment,))
        inside = sums[(sums >= before) & (sums < before + area)] - before
        slope = (segment.end - segment.begin) / segment.seconds
        # Solves begin*t + slope/2*t^2 = inside, in the form that stays exact where the slope is small or zero.
        root = np.sqrt(np.maximum(segment.begin**2 + 2 * slope * inside, 0.0))
        found.append(start + 2 * inside / np.maximum(segment.begin + root, 1e-300))
        before, start = before + area, start + segment.seconds
    times: NDArray[np.float64] = np.concatenate(found) if found else np.zeros(0)
    return np.round(times * 1e9).astype(np.int64)
