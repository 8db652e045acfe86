"""Yields the trials of a study of caches as they were seen, each with its samples and why it does not count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.caching_model import Array, Keys
from lab.caching_plan import CachingBlock, CachingPlan, CachingTrial
from lab.caching_trials import block_name, part_name
from lab.json_files import read
from lab.recorder import Fault, Told, read_samples
from lab.results import RunFolder
from lab.trial import LoadReport, TrialReport, cut
from lab.validity import void_trial
from lab.verdict import kernel_ratios

KEYS: Final = 1 << 16
"""More keys than an arm has."""

Rows = NDArray[np.void]


@dataclass(frozen=True, kw_only=True)
class SeenTrial:
    """A trial of `block`: all its requests, in the order of sending. Of its cells those below `arms` read."""

    block: int
    what: CachingTrial
    rows: Rows
    report: TrialReport
    reasons: tuple[str, ...]
    arms: int

    @cached_property
    def reads(self) -> Rows:
        """The reads that were answered right, those of the beginning too."""
        right: Rows = self.rows[(self.rows["fault"] == Fault.NONE) & (self.rows["cell"] < self.arms)]
        return right

    @cached_property
    def writes(self) -> Array:
        """When each write was done, in seconds from the trial's start."""
        right = (self.rows["fault"] == Fault.NONE) & (self.rows["cell"] >= self.arms)
        done: Array = self.rows["done"][right] / 1e9
        return done

    @property
    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process over the requests of the trial."""
        sent = max(int((self.rows["fault"] != Fault.UNSENT).sum()), 1)
        return {name: seconds / sent for name, seconds in self.report.cpu}


@dataclass(frozen=True, kw_only=True)
class SeenCaching:
    """Every trial of a run; `levels` are its variants, by what differs between them."""

    plan: CachingPlan
    levels: tuple[str, ...]
    faces: tuple[str, ...]
    trials: tuple[SeenTrial, ...]

    @cached_property
    def counted(self) -> tuple[SeenTrial, ...]:
        """The trials that count."""
        return tuple(trial for trial in self.trials if not trial.reasons)

    @cached_property
    def cached(self) -> tuple[int, ...]:
        """The variants of which a cache told something, by number."""
        told = {trial.what.variant for trial in self.trials if (trial.reads["cache"] != Told.NOTHING).any()}
        return tuple(sorted(told))

    def of(self, kind: str, *, variant: int, writes: float = 0.0, face: str = "") -> list[SeenTrial]:
        """The trials of a kind that count, a block each."""
        return [
            trial
            for trial in self.counted
            if (trial.what.kind, trial.what.variant, trial.what.writes) == (kind, variant, writes)
            and trial.what.face in {"", face}
        ]

    def own(self, trial: SeenTrial, *, face: str) -> Rows:
        """The reads of a trial by one face, without those of its beginning."""
        rows: Rows = trial.reads[self.is_own(trial, face=face)]
        return rows

    def is_own(self, trial: SeenTrial, *, face: str) -> NDArray[np.bool_]:
        """Which of the reads of a trial those are."""
        own: NDArray[np.bool_] = is_counted(trial.reads) & (self.face_of(trial.reads) == self.faces.index(face))
        return own

    def face_of(self, rows: Rows) -> Keys:
        """By which face each of the rows asks, by number."""
        numbers: Keys = rows["cell"].astype(np.int64) // len(self.levels)
        return numbers


def is_counted(rows: Rows) -> NDArray[np.bool_]:
    """Which of the rows are not of a trial's beginning."""
    found: NDArray[np.bool_] = rows["warm"] == 0
    return found


def is_hit(rows: Rows) -> NDArray[np.bool_]:
    """Which of the rows found what they asked for."""
    found: NDArray[np.bool_] = np.isin(rows["cache"], (Told.HIT, Told.PART))
    return found


def wanted(rows: Rows) -> Keys:
    """What each of the rows asks for, by one number: its key, at its arm."""
    numbers: Keys = rows["cell"].astype(np.int64) * KEYS + rows["key"]
    return numbers


def response(rows: Rows) -> Array:
    """From when each was due to its last byte, in seconds."""
    seconds: Array = (rows["done"] - rows["due"]) / 1e9
    return seconds


def service(rows: Rows) -> Array:
    """From when each was sent to its last byte, in seconds."""
    seconds: Array = (rows["done"] - rows["sent"]) / 1e9
    return seconds


def seen_trials(folder: RunFolder, *, blocks: int, arms: int) -> tuple[SeenTrial, ...]:
    """Every trial of the blocks that came to their end."""
    paths = {number: folder.blocks / f"{block_name(number)}.json" for number in range(blocks)}
    done = {number: read(path, CachingBlock).trials for number, path in paths.items() if path.exists()}
    reports = {
        (number, part): read(folder.blocks / f"{part_name(number, part)}.report.json", LoadReport)
        for number, trials in done.items()
        for part in dict.fromkeys(trial.part for trial in trials)
    }
    kernels: dict[int, list[int]] = {}
    for (number, _), report in reports.items():
        kernels.setdefault(number, []).extend(min(trial.kernels) for trial in report.trials)
    ratios = kernel_ratios(kernels)
    return tuple(
        each
        for (number, part), report in reports.items()
        for each in _seen(
            folder, number, [trial for trial in done[number] if trial.part == part], report=report, arms=arms,
            kernel_ratio=ratios.get(number, 1.0),
        )
    )  # fmt: skip


def _seen(
    folder: RunFolder, block: int, trials: Sequence[CachingTrial], *, report: LoadReport, arms: int, kernel_ratio: float
) -> Iterator[SeenTrial]:
    path = folder.samples / f"{part_name(block, trials[0].part)}.samples"
    rows, damage = read_samples(path)
    damage = damage or cut(path, samples=len(rows), report=report)
    for trial in trials:
        own = rows[rows["round"] == trial.number]
        own = own[np.argsort(own["sent"], kind="stable")]
        sent = own[own["fault"] != Fault.UNSENT]
        wrong = int((sent["fault"] != Fault.NONE).sum())
        lateness = float(np.quantile((sent["sent"] - sent["due"]) / 1e9, 0.99)) if len(sent) else 0.0
        reasons = void_trial(
            report.trials[trial.number], lateness=lateness, unsent=len(own) - len(sent), kernel_ratio=kernel_ratio
        )
        if wrong or not len(sent):
            reasons = (f"{wrong} of {len(sent)} answers were wrong or missing", *reasons)
        yield SeenTrial(
            block=block, what=trial, rows=own, report=report.trials[trial.number], arms=arms,
            reasons=(*reasons, damage) if damage else reasons,
        )  # fmt: skip
