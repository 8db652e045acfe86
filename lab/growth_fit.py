"""Yields how a number grows with rows: the curve a + b n^c, the interval of its exponent, and the word for it.

Pure statistics on arrays: it knows no files and no cells. Everywhere `rows` (m,) are distinct sizes of datasets, the
smallest first, and `values` (k blocks, m) what was measured there, NaN where a block has none; one block alone is a
count, which has no noise.

The curve is written as s (1 + g f_c(x)) with x = n / n_1 and f_c(x) = (x^c - 1) / c, which is ln x at c = 0 (Box and
Cox 1964): s is the value at the smallest size, and a logarithm is the end of the family and no other model. It is
a + b n^c with a = s (1 - g / c) and b = s g / (c n_1^c).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import optimize, special

from lab.effect import LEVEL, Array, interval_half_width
from lab.findings import Interval

ENOUGH: Final = 4
"""Sizes that an exponent needs: through three points goes a curve of every shape."""

GROWN: Final = 0.10
"""Growth from the smallest size to the largest that is none worth a word."""

NEAR: Final = 0.05
"""How far an interval may be from 0 or from 1 to count as there: caches that come to their ends bend a line so much."""

WIDE: Final = 0.5
"""An interval of the exponent that is wider than this chooses no word: it would do so by one of its ends alone."""

STEEPEST: Final = 3.0
"""The largest exponent that is looked for."""

STEP: Final = 0.05
ROUNDING: Final = 1e-9
"""What is left of noise in numbers without any."""

MISFIT: Final = 0.05
"""The p below which sizes lie further from the curve than the scatter of blocks explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted curve: the value at the smallest size, how it grows from there, the exponent, and that size."""

    start: float
    gain: float
    exponent: float
    smallest: float

    def at(self, rows: Array) -> Array:
        """The curve at these numbers of rows (n,)."""
        return self.start * (1 + self.gain * _shape(rows / self.smallest, self.exponent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How a number grows: a word, and `reason` where there is none.

    `factor` is the value at the largest size over that at the smallest, `slope` that of its logarithm over the rows'
    logarithm along all sizes, `exponent` the c of a + b n^c where something grows. `ends` are the rows of those sizes.
    """

    word: str = ""
    reason: str = ""
    factor: Interval | None = None
    slope: Interval | None = None
    exponent: Interval | None = None
    model: Model | None = None
    ends: tuple[float, float] = (0.0, 0.0)

    @property
    def short(self) -> str:
        """The word, or else what is known without one."""
        return self.word or ("growing" if self.exponent else "not told")


def growth(rows: Array, values: Array) -> Growth:
    """What the values say; where they say too little there is no word, and a reason.

    Without the largest sizes nothing is called O(1): what was cut there may be what has grown.
    """
    largest = float(rows[-1]) if len(rows) else 0.0
    rows, values = _usable(rows, values)
    if len(rows) < ENOUGH:
        return Growth(reason=f"not enough sizes: {len(rows)} of at least {ENOUGH}")
    if not len(values):
        return Growth(reason="fewer than two blocks have all sizes")
    logs, places = np.log(values), np.log(rows)
    factor, slope = _factor(logs), _slope(places, logs)
    told = Growth(factor=factor, slope=slope, ends=(float(rows[0]), float(rows[-1])))
    if factor.high <= 1 + GROWN:
        if told.ends[1] < largest:
            return replace(told, reason=f"the same up to {told.ends[1]:,.0f} rows, and not known beyond")
        return replace(told, word="O(1)")
    if factor.low <= 1:
        return replace(told, reason=f"growth of up to {factor.high:.2f}x is not told from none")
    model, exponent = _fitted(rows, logs)
    told = replace(told, model=model, exponent=exponent)
    if exponent.high - exponent.low > WIDE or exponent.high >= STEEPEST:
        return replace(told, reason="grows, by an unknown exponent")
    return replace(told, word=_word(exponent))


def _word(exponent: Interval) -> str:
    """The class of growth that the exponent's interval leaves: a logarithm is its lower end."""
    is_log, is_linear = exponent.low <= NEAR, exponent.low <= 1 + NEAR and exponent.high >= 1 - NEAR
    if exponent.low > 1 + NEAR:
        return "more than O(n)"
    if is_log and not is_linear:
        return "O(log n)"
    return "O(n)" if is_linear and not is_log else "between O(log n) and O(n)"


def _usable(rows: Array, values: Array) -> tuple[Array, Array]:
    """The sizes that two blocks have, or the one that there is, and of these the blocks that have them all."""
    present = np.isfinite(values) & (values > 0)
    kept = present.sum(axis=0) >= min(2, len(values))
    rows, values, present = rows[kept], values[:, kept], present[:, kept]
    whole = values[present.all(axis=1)] if len(rows) else values[:0]
    return rows, whole if len(whole) >= min(2, len(values)) else values[:0]


def _factor(logs: Array) -> Interval:
    return _exponential(_interval(logs[:, -1] - logs[:, 0]))


def _slope(places: Array, logs: Array) -> Interval:
    """The least squares line through each block's logarithms; of a single one its residuals give the interval."""
    centred = places - places.mean()
    slopes = logs @ centred / (centred @ centred)
    slopes[abs(slopes) < ROUNDING] = 0.0
    if len(logs) > 1:
        return _interval(slopes)
    residuals = logs[0] - logs[0].mean() - slopes[0] * centred
    degrees = len(places) - 2
    half = special.stdtrit(degrees, (1 + LEVEL) / 2) * np.sqrt(residuals @ residuals / degrees / (centred @ centred))
    return Interval(estimate=float(slopes[0]), low=float(slopes[0] - half), high=float(slopes[0] + half), blocks=1)


def _interval(values: Array) -> Interval:
    """The mean over blocks with its t interval; a count has none to it."""
    mean = float(values.mean())
    half = interval_half_width(values) if len(values) > 1 else 0.0
    return Interval(estimate=mean, low=mean - half, high=mean + half, blocks=len(values))


def _exponential(interval: Interval) -> Interval:
    # Beyond this no factor means anything, and exp would overflow.
    low, middle, high = (
        float(np.exp(min(each, 300.0))) for each in (interval.low, interval.estimate, interval.high)
    )  # fmt: skip
    return Interval(estimate=middle, low=low, high=high, blocks=interval.blocks)


def _shape(ratio: Array, exponent: float) -> Array:
    """f_c of `ratio` (n,): what grows, 0 at the smallest size."""
    logs = np.log(ratio)
    return logs if exponent == 0 else np.expm1(exponent * logs) / exponent


def _fitted(rows: Array, logs: Array) -> tuple[Model, Interval]:
    """The curve of least squares on logarithms of the means over blocks, and the profile interval of its exponent.

    An exponent c is inside while its best curve's sum of squares is above the least by no more than t² s² / blocks. s²
    is what is left of blocks when the means of blocks and of sizes are taken off; where the sizes lie further from the
    curve than that explains (F test), or where there is one block, it is what the curve leaves.
    """
    means, ratio = logs.mean(axis=0), rows / rows[0]

    def least(exponent: float) -> float:
        return _best(ratio, means, exponent)[0]

    grid = np.arange(0.0, STEEPEST + STEP / 2, STEP)
    sums = np.array([least(exponent) for exponent in grid])
    near = int(np.argmin(sums))
    found = optimize.minimize_scalar(
        least, bounds=(max(grid[near] - STEP, 0.0), min(grid[near] + STEP, STEEPEST)), method="bounded",
        options={"xatol": 1e-5},
    )  # fmt: skip
    exponent = float(found.x) if found.fun < sums[near] else float(grid[near])
    smallest = min(float(found.fun), float(sums[near]))
    spare = _spare(logs, left=smallest)
    low = _end(least, grid[::-1], start=exponent, limit=smallest + spare)
    high = _end(least, grid, start=exponent, limit=smallest + spare)
    _, gain, start = _best(ratio, means, exponent)
    model = Model(start=float(np.exp(start)), gain=gain, exponent=exponent, smallest=float(rows[0]))
    return model, Interval(estimate=exponent, low=low, high=high, blocks=len(logs))


def _best(ratio: Array, means: Array, exponent: float) -> tuple[float, float, float]:
    """The least sum of squares at an exponent, with the gain, and the logarithm of the start, that give it."""
    shape = _shape(ratio, exponent)

    def residuals(log_gain: Array) -> Array:
        return means - np.log1p(np.exp(log_gain)[..., None] * shape)

    def left(log_gain: Array) -> Array:
        each = residuals(log_gain)
        return ((each - each.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)

    # From a growth of a billionth to a start of nearly nothing.
    tried = np.linspace(-20.0, 30.0, 101) - np.log(shape[-1])
    sums = left(tried)
    near = int(np.argmin(sums))
    found = optimize.minimize_scalar(
        lambda log_gain: float(left(np.asarray(log_gain))),
        bounds=(tried[max(near - 1, 0)], tried[min(near + 1, len(tried) - 1)]), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    log_gain = np.asarray(found.x if found.fun < sums[near] else tried[near])
    return float(left(log_gain)), float(np.exp(log_gain)), float(residuals(log_gain).mean())


def _spare(logs: Array, *, left: float) -> float:
    """What a curve's sum of squares may be above the least one's."""
    blocks, sizes = logs.shape
    degrees = sizes - 3
    misfit = max(left, ROUNDING**2) / degrees
    if blocks > 1:
        each = logs - logs.mean(axis=0) - logs.mean(axis=1, keepdims=True) + logs.mean()
        pure_degrees = (blocks - 1) * (sizes - 1)
        scatter = max(float((each**2).sum()) / pure_degrees, ROUNDING**2) / blocks
        if special.fdtrc(degrees, pure_degrees, misfit / scatter) >= MISFIT:
            return float(special.stdtrit(pure_degrees, (1 + LEVEL) / 2) ** 2 * scatter)
    return float(special.stdtrit(degrees, (1 + LEVEL) / 2) ** 2 * misfit)


def _end(least: Callable[[float], float], grid: Array, *, start: float, limit: float) -> float:
    """Where the profile leaves the limit along a grid beyond `start`; the grid's end where it never does."""
    if least(start) >= limit:
        return start
    inside, up = start, grid[1] > grid[0]
    for exponent in grid[grid > start] if up else grid[grid < start]:
        if least(float(exponent)) > limit:
            return float(optimize.brentq(lambda at: least(at) - limit, inside, float(exponent), xtol=1e-5))
        inside = float(exponent)
    return inside
