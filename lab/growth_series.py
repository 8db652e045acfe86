"""Yields what was measured of each operation, face and arm at every size, and how it grows. It words nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.derive import Derivation
from lab.effect import Array, trimmed_mean
from lab.experiment import Arm
from lab.findings import Evidence, Interval
from lab.growth_fit import Growth, growth
from lab.limits import REQUEST_LIMIT
from lab.part import void_blocks
from lab.results import CellProof, RunFolder
from lab.scatter import mean_of

COUNTED: Final = ("statements", "shared buffers", "rows", "bytes")
"""What is counted of a request."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """An operation at a face and an arm, followed over the sizes: (m,) or (k blocks, m), NaN where there is nothing.

    `seconds` are the blocks' times, `counts` what a request did, by name. `more_than` are the seconds, by the number of
    a size, that a request takes at the least where a limit ended it; `reasons` are why there is no time.
    """

    operation: str
    face: str
    arm: str
    rows: Array
    seconds: Array
    counts: Mapping[str, Array]
    more_than: Mapping[int, float]
    reasons: Mapping[int, str]

    def time(self, size: int) -> Interval | None:
        """What a request takes at a size."""
        values = self.seconds[:, size]
        values = values[np.isfinite(values)]
        return mean_of(values) if len(values) > 1 else None

    @cached_property
    def growth(self) -> Growth:
        """How the time grows."""
        return growth(self.rows, self.seconds)

    @cached_property
    def counted(self) -> dict[str, Growth]:
        """How each count grows."""
        return {what: growth(self.rows, counts[None, :]) for what, counts in self.counts.items()}


@dataclass(frozen=True)
class Followed:
    """All series of a study, from its folder alone."""

    folder: RunFolder

    @cached_property
    def parts(self) -> dict[str, Derivation]:
        """The sizes of which there is anything, the smallest first."""
        experiment = self.folder.manifest.experiment
        assert experiment.growth is not None  # noqa: S101 - only runs that followed growth are derived here
        return {
            name: Derivation(RunFolder(self.folder.path / name))
            for name in experiment.growth.sizes
            if (self.folder.path / name / "manifest.json").exists()
        }

    @cached_property
    def rows(self) -> Array:
        """The rows of each size (m,)."""
        facts = [dict(part.manifest.dataset) for part in self.parts.values()]
        return np.array([float(each["rows"].replace(",", "")) for each in facts])

    @cached_property
    def voids(self) -> dict[tuple[str, int], str]:
        """Why a block of a size counts for nothing, or ""."""
        return void_blocks({
            (name, index): report for name, part in self.parts.items() for index, report in part.reports.items()
        })  # fmt: skip

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """Every operation, face and arm, in the order of the design."""
        experiment = self.folder.manifest.experiment
        assert experiment.growth is not None  # noqa: S101 - as above
        if not self.parts:
            return ()
        names = dict(zip(experiment.variants, experiment.growth.arms, strict=True))
        [first, *_] = self.parts.values()
        return tuple(self._series(place[0], place[1], cell, names) for place, cell in first.numbers.items())

    def _series(self, operation: str, arm: Arm, cell: int, names: Mapping[tuple[tuple[str, str], ...], str]) -> Series:
        parts = list(self.parts.values())
        proofs = [part.proofs.get(cell) for part in parts]
        reasons = {}
        for number, (part, proof) in enumerate(zip(parts, proofs, strict=True)):
            if proof is None or proof.void:
                reasons[number] = proof.void if proof else "the run ended before it was proven"
            elif part.failures[cell]:
                reasons[number] = f"{part.failures[cell]} answers were not the proven one"
        evidence = [_evidence(proof) if proof else () for proof in proofs]
        return Series(
            operation=operation, face=arm.face, arm=names[arm.variant], rows=self.rows,
            seconds=self._seconds(cell, without=reasons), counts=_counts(evidence), reasons=reasons,
            more_than={n: proof.more_than for n, proof in enumerate(proofs) if proof and proof.more_than},
        )  # fmt: skip

    def _seconds(self, cell: int, *, without: Mapping[int, str]) -> Array:
        """A cell's times (blocks, sizes): of the keys that all sizes were asked with, each the typical request."""
        experiment = self.folder.manifest.experiment
        assert experiment.growth is not None  # noqa: S101 - as above
        tables = [
            [] if number in without else [by_key.get(cell, {}) for by_key in self._blocks[name]]
            for number, name in enumerate(self.parts)
        ]
        asked = [set().union(*table) for table in tables if any(table)]
        common = sorted(set.intersection(*asked)) if asked else []
        found = np.full((experiment.growth.blocks, len(tables)), np.nan)
        for size, table in enumerate(tables):
            for block, by_key in enumerate(table):
                if common and all(key in by_key for key in common):
                    found[block, size] = np.mean([by_key[key] for key in common])
        return found

    @cached_property
    def _blocks(self) -> dict[str, list[dict[int, dict[int, float]]]]:
        """By size and block, by cell and key: the typical request's seconds. A spare block stands in for a void one."""
        experiment = self.folder.manifest.experiment
        assert experiment.growth is not None  # noqa: S101 - as above
        found = {}
        for name, part in self.parts.items():
            counting = {i: rows for i, (rows, _) in part.samples.items() if self.voids.get((name, i)) == ""}
            plan = part.plan
            found[name] = [
                _typical(counting.get(block, counting.get(plan.spare(block)) if plan else None))
                for block in range(experiment.growth.blocks)
            ]
        return found


def _typical(samples: NDArray[np.void] | None) -> dict[int, dict[int, float]]:
    """Of a block's samples, by cell and key, the trimmed mean of seconds."""
    found: dict[int, dict[int, float]] = {}
    if samples is None:
        return found
    right = samples[(samples["warm"] == 0) & (samples["fault"] == 0)]
    taken = (right["done"] - right["sent"]) / 1e9
    for cell, key in sorted(set(zip(right["cell"].tolist(), right["key"].tolist(), strict=True))):
        own = taken[(right["cell"] == cell) & (right["key"] == key)]
        found.setdefault(cell, {})[key] = trimmed_mean(own)
    return found


def _evidence(proof: CellProof) -> tuple[Evidence, ...]:
    """What was counted, key by key: nothing of a request that was cut, and of one that took too long its first."""
    if proof.void:
        return (proof.cold,) if proof.cold and proof.more_than == REQUEST_LIMIT else ()
    first = proof.warm or proof.cold
    return (first, *proof.others) if first else ()


def _counts(evidence: Sequence[Sequence[Evidence]]) -> dict[str, Array]:
    """What a request did at each size: the mean over the keys that were counted at all sizes that were."""
    keys = min((len(each) for each in evidence if each), default=0)
    found = {what: np.full(len(evidence), np.nan) for what in COUNTED}
    for size, each in enumerate(evidence):
        counted = each[:keys]
        if counted:
            found["statements"][size] = np.mean([one.statement_count for one in counted])
            found["shared buffers"][size] = np.mean([one.shared_buffers for one in counted])
            found["rows"][size] = np.mean([one.rows for one in counted])
            found["bytes"][size] = np.mean([one.body_bytes for one in counted])
    return found
