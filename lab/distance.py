"""Yields how far cells are from what PostgreSQL alone needs for the same answers, by blocks of both. It reads no file.

Times are typical ones: 20 % trimmed means of a block's requests for one key, and the mean of those over keys.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.effect import interval_half_width, trimmed_mean
from lab.findings import Ceiling, Interval
from lab.plan import PlannedCell
from lab.recorder import Fault
from lab.results import AloneTimes

FIRST: Final = 3
"""Runs of a statement that a new connection plans and warms up with: they do not count, unless there are few more."""

Typical = dict[int, float]
"""Seconds by the number of a key."""

Place = tuple[str, str]
"""An operation and its way of paging: of these PostgreSQL has a statement for each key."""


def alone_typical(times: Sequence[AloneTimes]) -> dict[Place, Typical]:
    """What PostgreSQL alone took in one block: by operation and paging, each key's typical time."""
    taken: dict[tuple[Place, int], list[int]] = {}
    for each in times:
        counted = each.microseconds[min(FIRST, len(each.microseconds) // 2) :]
        taken.setdefault(((each.operation, each.paging), each.key), []).extend(counted)
    found: dict[Place, Typical] = {}
    for (place, key), microseconds in taken.items():
        if microseconds:
            found.setdefault(place, {})[key] = trimmed_mean(np.array(microseconds) / 1e6)
    return found


def cells_typical(samples: NDArray[np.void]) -> dict[int, Typical]:
    """What the cells of one block took: by cell, each key's typical time. `samples` are rows of `recorder.SAMPLE`."""
    right = samples[(samples["warm"] == 0) & (samples["fault"] == Fault.NONE)]
    right = right[np.lexsort((right["key"], right["cell"]))]
    seconds = (right["done"] - right["sent"]) / 1e9
    changes = np.flatnonzero(np.diff(right["cell"]) | np.diff(right["key"])) + 1
    starts = [0, *changes.tolist()] if len(right) else []
    found: dict[int, Typical] = {}
    for start, part in zip(starts, np.split(seconds, changes), strict=False):
        found.setdefault(int(right["cell"][start]), {})[int(right["key"][start])] = trimmed_mean(part)
    return found


def ceilings(blocks: Sequence[Mapping[Place, Typical]]) -> tuple[Ceiling, ...]:
    """What PostgreSQL alone needs, operation by operation: the mean over blocks, where there are two."""
    found = []
    for place in dict.fromkeys(each for block in blocks for each in block):
        values = np.array([_mean(block[place], block[place]) for block in blocks if place in block])
        if len(values) > 1:
            mean, half = float(values.mean()), interval_half_width(values)
            service = Interval(estimate=mean, low=max(mean - half, 0.0), high=mean + half, blocks=len(values))
            operation, paging = place
            found.append(Ceiling(operation=operation, paging=paging, service=service))
    return tuple(found)


def ceiling_ratio(
    cell: PlannedCell, *, cells: Sequence[Mapping[int, Typical]], alone: Sequence[Mapping[Place, Typical]]
) -> Interval | None:
    """A cell's time over PostgreSQL's own, by blocks of both and the keys that both were asked; None below two."""
    logs, place = [], place_of(cell)
    for ours, theirs in zip(cells, alone, strict=True):
        own, other = ours.get(cell.index, {}), theirs.get(place, {})
        if own.keys() & other.keys():
            logs.append(np.log(_mean(own, other) / _mean(other, own)))
    if len(logs) < 2:
        return None
    mean, half = float(np.mean(logs)), interval_half_width(np.array(logs))
    return Interval(estimate=exp(mean), low=exp(mean - half), high=exp(min(mean + half, 300.0)), blocks=len(logs))


def place_of(cell: PlannedCell) -> Place:
    """Which of PostgreSQL's statements give what the cell answers."""
    return cell.operation, cell.arm.paging if cell.arm else ""


def _mean(times: Typical, other: Typical) -> float:
    """The mean over the keys that the other has too."""
    return float(np.mean([seconds for key, seconds in times.items() if key in other]))
