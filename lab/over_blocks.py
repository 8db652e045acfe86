"""Yields intervals of numbers that blocks give: around what all give together, by the scatter of their own values."""

from collections.abc import Callable, Sequence

import numpy as np

from lab.effect import Array, interval_half_width
from lab.findings import Interval

Samples = Sequence[Array]
"""Values of one kind, block by block."""


def around(estimate: float, values: Sequence[float], *, most: float = np.inf) -> Interval | None:
    """An estimate with the t interval of the blocks' own `values`, within 0 and `most`; None below two blocks."""
    if len(values) < 2:
        return None
    half = interval_half_width(np.array(values))
    low, high = max(estimate - half, 0.0), min(estimate + half, most)
    return Interval(estimate=estimate, low=low, high=high, blocks=len(values))


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Interval | None:
    """The mean ratio of blocks' (candidate, reference), both above 0, on logarithms; None below two blocks."""
    if len(pairs) < 2:
        return None
    logs = np.array([np.log(candidate / reference) for candidate, reference in pairs])
    half, mean = interval_half_width(logs), float(logs.mean())
    low, middle, high = (float(np.exp(value)) for value in (mean - half, mean, mean + half))
    return Interval(estimate=middle, low=low, high=high, blocks=len(logs))


def mean_over(samples: Samples) -> Interval | None:
    """The mean of all values."""
    return _over(samples, lambda values: float(values.mean()))


def quantile_over(samples: Samples, *, share: float) -> Interval | None:
    """The quantile of all values: a percentile of few requests is too low, and of more less so."""
    return _over(samples, lambda values: float(np.quantile(values, share)))


def _over(samples: Samples, statistic: Callable[[Array], float]) -> Interval | None:
    there = [values for values in samples if len(values)]
    return around(statistic(np.concatenate(there)), [statistic(values) for values in there]) if there else None
