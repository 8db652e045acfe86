"""Yields what sample files of a load say, trial by trial and cell by cell, in bounded memory. It judges nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.histogram import Histogram
from lab.recorder import Fault, frames

BATCH: Final = 200_000
"""Rows that are counted at once: 12 MB with their temporary arrays some five times as much."""

LATE: Final = 5_000_000
"""Nanoseconds after its due time from which a request counts as sent late."""


@dataclass(kw_only=True)
class Latencies:
    """One cell in one trial. Times are of right answers after the warm-up; the counts are of the same period.

    `response` runs from due to done, `service` from sent to done, `lateness` from due to sent, for every request sent.
    `first` and `last` are the nanoseconds of the first due time and of the last answer.
    """

    response: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    lateness: Histogram = field(default_factory=Histogram)
    offered: int = 0
    sent: int = 0
    right: int = 0
    late: int = 0
    unsent: int = 0
    body_bytes: int = 0
    faults: dict[Fault, int] = field(default_factory=dict)
    first: int = -1
    last: int = -1

    @property
    def failed(self) -> int:
        """Requests that were sent and not answered right."""
        return self.sent - self.right

    def add(self, rows: NDArray[np.void]) -> None:
        """Counts rows of SAMPLE, all of this cell and trial and none of the warm-up."""
        sent = rows[rows["fault"] != Fault.UNSENT]
        right = sent[sent["fault"] == Fault.NONE]
        lateness = sent["sent"] - sent["due"]
        self.response.add(right["done"] - right["due"])
        self.service.add(right["done"] - right["sent"])
        self.lateness.add(lateness)
        self.offered += len(rows)
        self.sent += len(sent)
        self.right += len(right)
        self.late += int((lateness > LATE).sum())
        self.unsent += len(rows) - len(sent)
        self.body_bytes += int(right["bytes"].sum(dtype=np.int64))
        for fault, count in zip(*np.unique(rows["fault"], return_counts=True), strict=True):
            if fault not in (Fault.NONE, Fault.UNSENT):
                self.faults[Fault(fault)] = self.faults.get(Fault(fault), 0) + int(count)
        if len(rows):
            first = int(rows["due"].min())
            self.first = first if self.first < 0 else min(self.first, first)
        if len(sent):
            self.last = max(self.last, int(sent["done"].max()))


@dataclass(kw_only=True)
class Tape:
    """All trials of some sample files, by (trial, cell), and what is wrong with the files."""

    trials: dict[tuple[int, int], Latencies] = field(default_factory=dict)
    damages: list[str] = field(default_factory=list)

    def of_trial(self, trial: int) -> Latencies:
        """All cells of one trial as one."""
        total = Latencies()
        for (number, _), each in self.trials.items():
            if number == trial:
                _merge(total, each)
        return total


def read_tape(paths: Iterable[Path]) -> Tape:
    """What the valid prefixes of `paths` hold; workers' files of one load add up to what one generator would have seen."""
    tape = Tape()
    for path in paths:
        for rows in _batches(path, damages=tape.damages):
            counted = rows[rows["warm"] == 0]
            keys = counted["round"].astype(np.int64) << 16 | counted["cell"]
            order = np.argsort(keys, kind="stable")
            distinct, starts = np.unique(keys[order], return_index=True)
            for key, part in zip(distinct.tolist(), np.split(counted[order], starts[1:]), strict=True):
                tape.trials.setdefault((key >> 16, key & 0xFFFF), Latencies()).add(part)
    return tape


def _batches(path: Path, *, damages: list[str]) -> Iterator[NDArray[np.void]]:
    held: list[NDArray[np.void]] = []
    count = 0
    for each in frames(path):
        if isinstance(each, str):
            damages.append(each)
            continue
        held.append(each)
        count += len(each)
        if count >= BATCH:
            yield np.concatenate(held)
            held, count = [], 0
    if held:
        yield np.concatenate(held)


def _merge(total: Latencies, other: Latencies) -> None:
    for name in ("response", "service", "lateness"):
        getattr(total, name).merge(getattr(other, name))
    for name in ("offered", "sent", "right", "late", "unsent", "body_bytes"):
        setattr(total, name, getattr(total, name) + getattr(other, name))
    for fault, count in other.faults.items():
        total.faults[fault] = total.faults.get(fault, 0) + count
    total.first = other.first if total.first < 0 else min(total.first, other.first)
    total.last = max(total.last, other.last)
