"""Yields ranks that follow Zipf's law: few things are asked for often, many now and then. It knows no things."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final

USUAL: Final = 1.0
"""The exponent where none is given; 0 is uniform, and the larger it is, the fewer things get most requests."""

MOST: Final = 8.0
"""The largest exponent: beyond it all but the first hundred things together are asked for never."""


def rank(rng: Random, count: int, *, exponent: float = USUAL) -> int:
    """A number from 1 to `count`, k in proportion to k ** -exponent exactly: the inverse of its distribution.

    It takes one number of `rng`, whatever the exponent, and a larger exponent never makes a larger rank of it. Raises
    ValueError for no things and for an exponent below 0 or above `MOST`.
    """
    sums = _sums(count, exponent)
    # A product may be rounded up to the whole sum.
    return min(bisect_right(sums, rng.random() * sums[-1]), count - 1) + 1


def share(place: int, count: int, *, exponent: float = USUAL) -> float:
    """The probability that `rank` draws `place`. Raises ValueError as it does, and for a place that there is not."""
    if not 1 <= place <= count:
        raise ValueError(f"place {place} is none of 1 to {count}")
    return float(place**-exponent) / _sums(count, exponent)[-1]


@lru_cache(maxsize=32)
def _sums(count: int, exponent: float) -> Sequence[float]:
    """The sums of the first 1, 2, ... weights: 8 bytes for each of the things."""
    if count < 1:
        raise ValueError(f"{count} things are none to choose from")
    if not 0 <= exponent <= MOST:
        raise ValueError(f"exponent {exponent} is none from 0 to {MOST:g}")
    return array("d", accumulate(place**-exponent for place in range(1, count + 1)))
