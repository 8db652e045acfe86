"""Yields intervals from the scatter of blocks' own values, none below 0. It knows not what they measure."""

from collections.abc import Sequence

import numpy as np

from lab.effect import Array, interval_half_width
from lab.findings import Interval

Values = Sequence[float] | Array


def mean_of(values: Values) -> Interval:
    """The mean of at least two blocks' values, with its 95 % t interval."""
    return around(float(np.mean(values)), values)


def around(estimate: float, values: Values, *, most: float = np.inf) -> Interval:
    """An estimate from all blocks together, with the t interval that the scatter of their own `values` gives.

    It ends at 0 and at `most`. A percentile of few requests is too low, and of all blocks' requests together less so
    than of each block's own.
    """
    half = interval_half_width(np.array(values))
    low, high = max(estimate - half, 0.0), min(estimate + half, most)
    return Interval(estimate=estimate, low=low, high=high, blocks=len(values))


def ratio_of(logs: Values) -> Interval:
    """The ratio whose logarithm each of at least two blocks gives, with its 95 % t interval on logs."""
    values = np.array(logs)
    half, mean = interval_half_width(values), float(values.mean())
    low, middle, high = (float(np.exp(value)) for value in (mean - half, mean, mean + half))
    return Interval(estimate=middle, low=low, high=high, blocks=len(values))
