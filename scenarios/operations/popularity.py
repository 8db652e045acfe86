"""Yields ranks that follow Zipf's law: few things are asked for often, many now and then. It knows no things."""

from math import exp, expm1, log, log1p
from random import Random
from typing import Final

USUAL: Final = 1.0
"""The exponent where none is given; 0 is uniform, and the larger it is, the fewer things get most requests."""

MOST: Final = 8.0
"""The largest exponent: beyond it nothing but the first few things is ever asked for."""


def rank(rng: Random, count: int, *, exponent: float = USUAL) -> int:
    """A number from 1 to `count`: one drawn from 1 to count + 1 with the density x ** -exponent, rounded down.

    It is the exact inverse of that distribution, so it takes one number of `rng`, whatever the exponent, and of the
    same number a larger exponent never makes a larger rank. Raises ValueError for no things and for an exponent that is
    not from 0 to `MOST`.
    """
    whole = _weight(1, count, exponent)
    number = rng.random()
    if exponent == 1:
        drawn = float((count + 1) ** number)
    else:
        drawn = exp(log1p((1 - exponent) * number * whole) / (1 - exponent))
    # The last digit may be rounded to either side of what there is.
    return min(max(int(drawn), 1), count)


def share(place: int, count: int, *, exponent: float = USUAL) -> float:
    """The probability that `rank` draws `place`: some (place + 1/2) ** -exponent, and nearly that but for the first.

    Raises ValueError as it does, and for a place that there is not.
    """
    whole = _weight(1, count, exponent)
    if not 1 <= place <= count:
        raise ValueError(f"place {place} is none of 1 to {count}")
    return _weight(place, place, exponent) / whole


def _weight(first: int, last: int, exponent: float) -> float:
    """The integral of x ** -exponent from `first` to `last` + 1."""
    if last < 1:
        raise ValueError(f"{last} things are none to choose from")
    if not 0 <= exponent <= MOST:
        raise ValueError(f"exponent {exponent} is none from 0 to {MOST:g}")
    span = log1p((last + 1 - first) / first)
    if exponent == 1:
        return span
    # first ** (1 - a) * ((1 + width / first) ** (1 - a) - 1) / (1 - a), without taking like from like.
    return exp((1 - exponent) * log(first)) * expm1((1 - exponent) * span) / (1 - exponent)
