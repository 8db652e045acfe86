"""Yields what an index costs a row that is inserted, as numbers with intervals, from the inserts. It reads no file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab import effect as statistics
from lab.comparisons import ratio
from lab.effect import Array, interval_half_width, trimmed_mean
from lab.findings import Interval
from lab.index_list import SecondaryIndex
from lab.index_writes import ALL, NONE, Insert, TableWrites
from lab.scatter import ratio_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an index costs a row: its insert's time with it over that without it, and what a row takes more.

    That are seconds, bytes of the write-ahead log and buffers; `reason` is why they are not known.
    """

    ratio: Interval | None = None
    seconds: Interval | None = None
    wal_bytes: float | None = None
    buffers: float | None = None
    reason: str = ""


def costs(indexes: Sequence[SecondaryIndex], writes: Sequence[TableWrites], *, seed: int) -> dict[str, Cost]:
    """By index; the bounds of all ratios hold at once."""
    tables = {each.table: each for each in writes}
    unknown = TableWrites(table="", reason="the run ended before it was measured")
    own = {index.name: tables.get(index.table, unknown) for index in indexes}
    found = {name: Cost(reason=table.reason) for name, table in own.items()}
    known = {name: table.inserts for name, table in own.items() if table.inserts}
    if known:
        values = np.array([_logs(inserts, without=name) for name, inserts in known.items()]).T
        for (name, inserts), estimate in zip(known.items(), statistics.estimate(values, seed=seed), strict=True):
            found[name] = replace(_more(inserts, without=name), ratio=ratio(estimate) if estimate else None)
    return found


def together(writes: Sequence[TableWrites]) -> dict[str, Interval]:
    """By table with more than one index: the time of an insert with all of them over that with none."""
    return {
        each.table: ratio_of(_logs(each.inserts, without=NONE))
        for each in writes
        if any(insert.without == NONE for insert in each.inserts)
    }


def _logs(inserts: Sequence[Insert], *, without: str) -> Array:
    """Block by block, the typical part: the trimmed mean of ln(time with all indexes / time without)."""
    blocks = _pairs(inserts, without=without, number=lambda each: each.seconds)
    return np.array([statistics.typical(with_all, lacking) for with_all, lacking in blocks])


def _more(inserts: Sequence[Insert], *, without: str) -> Cost:
    """What a row takes more with the index: seconds by blocks, the rest counted over all rows."""

    def counted(number: Callable[[Insert], float]) -> float:
        pairs = list(_pairs(inserts, without=without, number=lambda each: number(each) / each.rows))
        return float(np.mean([with_all.mean() - lacking.mean() for with_all, lacking in pairs]))

    blocks = _pairs(inserts, without=without, number=lambda each: each.seconds / each.rows)
    more = np.array([trimmed_mean(with_all - lacking) for with_all, lacking in blocks])
    mean, half = float(more.mean()), interval_half_width(more)
    return Cost(
        seconds=Interval(estimate=mean, low=mean - half, high=mean + half, blocks=len(more)),
        wal_bytes=counted(lambda each: each.wal_bytes), buffers=counted(lambda each: each.buffers),
    )  # fmt: skip


def _pairs(
    inserts: Sequence[Insert], *, without: str, number: Callable[[Insert], float]
) -> Iterator[tuple[Array, Array]]:
    """Block by block, a number of each part's insert into the table with all indexes, and into the one without."""
    found = {(each.block, each.part, each.without): number(each) for each in inserts}
    for block in dict.fromkeys(each.block for each in inserts):
        parts = [part for at, part, kind in found if (at, kind) == (block, without)]
        yield (
            np.array([found[block, part, ALL] for part in parts]),
            np.array([found[block, part, without] for part in parts]),
        )
