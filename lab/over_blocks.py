"""Yields intervals of what blocks saw, where any: None of what fewer than two saw. It knows not what they measure."""

from collections.abc import Callable, Sequence

import numpy as np

from lab import scatter
from lab.effect import Array
from lab.findings import Interval

Samples = Sequence[Array]
"""Values of one kind, block by block."""


def around(estimate: float, values: Sequence[float], *, most: float = np.inf) -> Interval | None:
    """An estimate with the t interval of the blocks' own `values`, within 0 and `most`; None below two blocks."""
    return scatter.around(estimate, values, most=most) if len(values) > 1 else None


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Interval | None:
    """The mean ratio of blocks' (candidate, reference), both above 0, on logarithms; None below two blocks."""
    logs = [float(np.log(candidate / reference)) for candidate, reference in pairs]
    return scatter.ratio_of(logs) if len(logs) > 1 else None


def mean_over(samples: Samples) -> Interval | None:
    """The mean of all values."""
    return _over(samples, lambda values: float(values.mean()))


def quantile_over(samples: Samples, *, share: float) -> Interval | None:
    """The quantile of all values: a percentile of few requests is too low, and of more less so."""
    return _over(samples, lambda values: float(np.quantile(values, share)))


def _over(samples: Samples, statistic: Callable[[Array], float]) -> Interval | None:
    there = [values for values in samples if len(values)]
    return around(statistic(np.concatenate(there)), [statistic(values) for values in there]) if there else None
