"""Yields what sample files of a load say, trial by trial and cell by cell, in bounded memory. It judges nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    `statuses` are those of answers with a wrong one.
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
    statuses: dict[int, int] = field(default_factory=dict)

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
        for fault, count in _counted(rows["fault"]):
            if fault not in (Fault.NONE, Fault.UNSENT):
                self.faults[Fault(fault)] = self.faults.get(Fault(fault), 0) + count
        for status, count in _counted(rows["status"][rows["fault"] == Fault.STATUS]):
            self.statuses[status] = self.statuses.get(status, 0) + count

    def merge(self, other: "Latencies") -> None:
        """Adds what another one counted."""
        for name in ("response", "service", "lateness"):
            getattr(self, name).merge(getattr(other, name))
        for name in ("offered", "sent", "right", "late", "unsent", "body_bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for fault, count in other.faults.items():
            self.faults[fault] = self.faults.get(fault, 0) + count
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


@dataclass(kw_only=True)
class Tape:
    """What some sample files hold, part by part, what is wrong with them, and how many samples they have in all."""

    parts: dict[int, Latencies] = field(default_factory=dict)
    damages: list[str] = field(default_factory=list)
    samples: int = 0


def by_trial_and_cell(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Each row's part by its trial and its cell: the trial's number in the upper bits, the cell's in the lower 16."""
    numbers: NDArray[np.int64] = rows["round"].astype(np.int64) << 16 | rows["cell"]
    return numbers


def read_tape(
    paths: Iterable[Path], *, by: Callable[[NDArray[np.void]], NDArray[np.int64]] = by_trial_and_cell
) -> Tape:
    """What the valid prefixes of `paths` hold after the warm-up, in parts by what `by` says of rows of SAMPLE.

    Workers' files of one load add up to what one generator would have seen.
    """
    tape = Tape()
    for path in paths:
        for rows in _batches(path, damages=tape.damages):
            tape.samples += len(rows)
            counted = rows[rows["warm"] == 0]
            numbers = by(counted)
            order = np.argsort(numbers, kind="stable")
            distinct, starts = np.unique(numbers[order], return_index=True)
            if len(distinct):
                for number, part in zip(distinct.tolist(), np.split(counted[order], starts[1:]), strict=True):
                    tape.parts.setdefault(number, Latencies()).add(part)
    return tape


def completed(paths: Iterable[Path], *, windows: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """How many right answers came in each trial's window of nanoseconds, whenever they were asked for.

    A rate is counted so: those due in a time, over the time until the last of them, would let one that hangs speak for
    all, and those sent in it would be too many by what is under way at its end.
    """
    found: dict[int, int] = {}
    for path in paths:
        for rows in _batches(path, damages=[]):
            right = rows[rows["fault"] == Fault.NONE]
            for trial in windows.keys() & np.unique(right["round"]).tolist():
                done, (begin, end) = right["done"][right["round"] == trial], windows[trial]
                found[trial] = found.get(trial, 0) + int(((done >= begin) & (done < end)).sum())
    return found


def asked(paths: Iterable[Path]) -> dict[tuple[int, int], int]:
    """How many requests were sent for each (cell, key), those of the warm-up too."""
    found: dict[tuple[int, int], int] = {}
    for path in paths:
        for rows in _batches(path, damages=[]):
            sent = rows[rows["fault"] != Fault.UNSENT]
            for number, count in _counted(sent["cell"].astype(np.uint64) << 32 | sent["key"]):
                place = (number >> 32, number & 0xFFFFFFFF)
                found[place] = found.get(place, 0) + count
    return found


def merged(parts: Iterable[Latencies]) -> Latencies:
    """The sum of `parts`."""
    total = Latencies()
    for part in parts:
        total.merge(part)
    return total


def _counted(values: NDArray[np.unsignedinteger]) -> Iterator[tuple[int, int]]:
    """Every distinct value with how often it comes."""
    distinct, counts = np.unique(values, return_counts=True)
    return zip(distinct.tolist(), counts.tolist(), strict=True)


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
