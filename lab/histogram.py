"""Yields HDR histograms of durations: three digits, constant memory, exact to merge. It keeps no sample.

A value is known to within 1 / 1024 of itself, whatever its size, from 1 ns to 1 h; the middle of its bucket, which is
what is given out, is at most half of that away (Tene, HdrHistogram).
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

DIGITS: Final = 3
HIGHEST: Final = 3_600_000_000_000
"""Nanoseconds in an hour; what is longer counts as an hour."""

_SUB_BUCKET_BITS: Final = 11
"""Values below 2^11 have buckets of one nanosecond; each doubling above doubles their width."""


class Histogram:
    """Durations in nanoseconds, counted in buckets of three significant digits."""

    def __init__(self, encoded: bytes | None = None) -> None:
        """An empty one, or that which `encoded` (from `encode`) holds."""
        self._counts = HdrHistogram(1, HIGHEST, DIGITS)
        if encoded is not None:
            self._counts.decode_and_add(encoded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and np.array_equal(self._array(), other._array())

    __hash__ = None  # type: ignore[assignment] # it changes

    @property
    def count(self) -> int:
        """How many durations it holds."""
        return int(self._counts.total_count)

    def add(self, durations: NDArray[np.int64]) -> None:
        """Counts `durations` (n,), in nanoseconds; below zero counts as zero."""
        values = np.clip(durations, 0, HIGHEST)
        _, exponents = np.frexp(values.astype(np.float64))
        shift = np.maximum(exponents - _SUB_BUCKET_BITS, 0)
        # The lowest value of each bucket stands for all in it: few distinct ones are left to record one by one.
        distinct, counts = np.unique((values >> shift) << shift, return_counts=True)
        for value, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            self._counts.record_value(value, count)

    def merge(self, other: "Histogram") -> None:
        """Adds what another one holds; the sum is that of one histogram which saw all."""
        self._counts.add(other._counts)  # noqa: SLF001 - another one of this class

    def encode(self) -> bytes:
        """Itself as compressed text, as other HdrHistogram libraries read it."""
        encoded: bytes = self._counts.encode()
        return encoded

    def percentile(self, share: float) -> float:
        """The duration, in seconds, that a `share` of all is at or below: nearest rank, ceil(share * n); 0 if empty."""
        return self.percentiles((share,))[0]

    def percentiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """`percentile` for each of `shares`."""
        if not self.count:
            return tuple(0.0 for _ in shares)
        sums = np.cumsum(self._array())
        found = []
        for each in shares:
            index = int(np.searchsorted(sums, max(ceil(each * self.count - 1e-9), 1)))
            lowest = self._counts.get_value_from_index(index)
            found.append((lowest + self._counts.get_highest_equivalent_value(lowest)) / 2e9)
        return tuple(found)

    def _array(self) -> NDArray[np.int64]:
        # A copy: the counters live in memory of the library's own, which a merge may replace.
        return np.array(np.frombuffer(self._counts.counts, dtype=np.int64))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The sum of `histograms`."""
    total = Histogram()
    for each in histograms:
        total.merge(each)
    return total
