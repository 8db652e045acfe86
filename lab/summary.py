"""Yields each block's times as a table and each cell's service time over blocks. It compares no two cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.findings import Interval
from lab.scatter import mean_of

Array = NDArray[np.float64]

QUANTILES: Final = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTimes:
    """One block: seconds per pass and cell, (passes, cells), NaN where a cell was not asked; and failures per cell."""

    index: int
    seconds: Array
    failures: NDArray[np.int64]

    def pairs(self, candidate: int, reference: int) -> tuple[Array, Array]:
        """The seconds of both cells over the passes in which both ran: (n,), (n,)."""
        first, second = self.seconds[:, candidate], self.seconds[:, reference]
        both = np.isfinite(first) & np.isfinite(second)
        return first[both], second[both]


def block_times(samples: NDArray[np.void], *, index: int, cells: int) -> BlockTimes:
    """The measured samples (rows of `recorder.SAMPLE`) of block `index` as a table; warm-up is left out."""
    measured = samples[samples["warm"] == 0]
    passes = int(measured["round"].max()) + 1 if len(measured) else 0
    seconds = np.full((passes, cells), np.nan)
    right = measured[measured["fault"] == 0]
    seconds[right["round"], right["cell"]] = (right["done"] - right["sent"]) / 1e9
    failures = np.bincount(samples["cell"][samples["fault"] != 0], minlength=cells)
    return BlockTimes(index=index, seconds=seconds, failures=failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTimes:
    """A cell's service times: requests, blocks, the mean over blocks of block means, and quantiles of all samples."""

    requests: int
    block_means: tuple[float, ...]
    service: Interval | None
    quantiles: tuple[tuple[float, float], ...]

    @property
    def median(self) -> float | None:
        """The median of all samples, in seconds; None without samples."""
        return dict(self.quantiles).get(0.5)


def cell_times(blocks: Sequence[BlockTimes], *, cell: int) -> CellTimes:
    """The service times of one cell over `blocks`; the interval needs two blocks."""
    columns = [column[np.isfinite(column)] for column in (block.seconds[:, cell] for block in blocks)]
    columns = [column for column in columns if len(column)]
    means = np.array([column.mean() for column in columns])
    everything = np.concatenate(columns) if columns else np.zeros(0)
    service = None
    if len(means) > 1:
        service = mean_of(means)
    elif len(means):
        [mean] = means.tolist()
        service = Interval(estimate=mean, low=mean, high=mean, blocks=1)
    return CellTimes(
        requests=len(everything),
        block_means=tuple(float(mean) for mean in means),
        service=service,
        quantiles=tuple((q, float(np.quantile(everything, q))) for q in QUANTILES) if len(everything) else (),
    )
