"""Yields estimates from blocks: a block's numbers, t intervals, exact sign-flip p, simultaneous bounds.

Pure statistics on arrays: it knows no files, no cells and no verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

TRIM: Final = 0.2
LEVEL: Final = 0.95
SIMULATIONS: Final = 4000
EXACT_UP_TO: Final = 14

ENOUGH: Final = 4
"""Blocks below which correlations cannot be told, so that effects are taken for independent: the wider bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The mean over blocks with its bounds, in the units of the values (log-ratios, as a rule)."""

    mean: float
    low: float
    high: float
    blocks: int
    simultaneous: int
    p: float


def trimmed_mean(values: Array, *, share: float = TRIM) -> float:
    """Mean of `values` (n,) without the lowest and the highest `share` of them, floor(share n) a side."""
    cut = int(share * len(values))
    return float(np.mean(np.sort(values)[cut : len(values) - cut]))


def typical(candidate: Array, reference: Array) -> float:
    """The typical request: 20 % trimmed mean of ln(candidate / reference) over pairs (n,), (n,) of seconds."""
    return trimmed_mean(np.log(candidate / reference))


def total(candidate: Array, reference: Array) -> float:
    """The total: ln(sum of candidate / sum of reference) over pairs (n,), (n,) of seconds."""
    return float(np.log(candidate.sum() / reference.sum()))


def sign_flip_p(values: Array) -> float:
    """Exact two-sided p of a mean of zero under all 2^n changes of sign of `values` (n,); sampled above 14."""
    count = len(values)
    observed = abs(float(values.mean()))
    means = np.abs(_signs(count) @ values) / count
    return float(np.mean(means >= observed - 1e-12 * max(observed, 1.0)))


@cache
def _signs(count: int) -> Array:
    """All changes of sign of so many values, or 2^14 of them: (changes, count)."""
    if count <= EXACT_UP_TO:
        return np.array(list(product((1.0, -1.0), repeat=count)))
    return np.random.default_rng(0).choice((1.0, -1.0), size=(2**EXACT_UP_TO, count))


def one_sided_p(values: Array) -> float:
    """The t test's p that the mean of `values` (n,) is not above zero; 1 below two values."""
    if len(values) < 2:
        return 1.0
    spread = values.std(ddof=1)
    if spread == 0:
        return 0.0 if values.mean() > 0 else 1.0
    return float(special.stdtr(len(values) - 1, -values.mean() / spread * np.sqrt(len(values))))


def estimate(blocks: Array, *, seed: int, level: float = LEVEL) -> list[Estimate | None]:
    """One estimate per column of `blocks` (n blocks, m effects), all bounds holding at once at `level`.

    A column's NaNs are blocks in which its effect was not measured; a column with fewer than two values
    gives None. The bounds are t intervals with the column's own n - 1 degrees of freedom, widened by
    max-T on the scale of p (min-P: Westfall and Young 1993), so that columns with unlike n are on a par.
    """
    present = np.isfinite(blocks)
    usable = [column for column in range(blocks.shape[1]) if present[:, column].sum() > 1]
    critical = _critical_p(blocks[:, usable], seed=seed, alpha=1 - level) if usable else 1 - level
    found: list[Estimate | None] = [None] * blocks.shape[1]
    for column in usable:
        values = blocks[present[:, column], column]
        half = interval_half_width(values, alpha=critical)
        mean = float(values.mean())
        found[column] = Estimate(
            mean=mean, low=mean - half, high=mean + half, blocks=len(values), simultaneous=len(usable),
            p=sign_flip_p(values),
        )  # fmt: skip
    return found


def interval_half_width(values: Array, *, alpha: float = 1 - LEVEL) -> float:
    """Half the width of the two-sided t interval at 1 - alpha for the mean of `values` (n,), n at least 2."""
    count = len(values)
    return float(special.stdtrit(count - 1, 1 - alpha / 2) * values.std(ddof=1) / np.sqrt(count))


def _critical_p(blocks: Array, *, seed: int, alpha: float) -> float:
    """The p that the smallest of m p-values stays above with probability 1 - alpha, when nothing is there.

    Simulates normal blocks with the correlation that the residuals show, shrunk towards independence by
    the intensity of Schäfer and Strimmer (2005): with few blocks the raw correlations are overstated.
    """
    count, effects = blocks.shape
    if effects == 1:
        return alpha
    present = np.isfinite(blocks)
    residuals = _standardised(blocks, present=present)
    shrink = _shrinkage(residuals, present=present)
    random = np.random.default_rng(seed)
    degrees = present.sum(axis=0) - 1
    common = random.standard_normal((SIMULATIONS, count, count)) @ residuals / np.sqrt(count - 1)
    own = random.standard_normal((SIMULATIONS, count, effects))
    draws = np.where(present, np.sqrt(1 - shrink) * common + np.sqrt(shrink) * own, 0.0)
    mean = draws.sum(axis=1) / (degrees + 1)
    squares = (np.where(present, draws - mean[:, None, :], 0.0) ** 2).sum(axis=1)
    t = np.abs(mean) * np.sqrt((degrees + 1) * degrees / np.maximum(squares, 1e-300))
    # The p of |t| falls with |t| alone at given degrees of freedom: one survival function per degree.
    smallest = np.full(SIMULATIONS, 1.0)
    for degree in np.unique(degrees):
        largest = t[:, degrees == degree].max(axis=1)
        smallest = np.minimum(smallest, 2 * special.stdtr(degree, -largest))
    return float(np.quantile(smallest, alpha))


def _standardised(blocks: Array, *, present: NDArray[np.bool_]) -> Array:
    """Residuals over blocks with unit variance (n - 1) per column; 0 where a block is missing."""
    spread = np.nanstd(blocks, axis=0, ddof=1)
    spread[spread == 0] = 1.0
    return np.where(present, (blocks - np.nanmean(blocks, axis=0)) / spread, 0.0)


def _shrinkage(residuals: Array, *, present: NDArray[np.bool_]) -> float:
    """Share of independence to mix in: sum of Var(r_ij) over sum of r_ij^2, within [0, 1]."""
    count = residuals.shape[0]
    if count < ENOUGH:
        return 1.0
    counts = present.T.astype(float) @ present.astype(float)
    products = residuals[:, :, None] * residuals[:, None, :]
    mean = products.sum(axis=0) / np.maximum(counts, 1)
    both = (present[:, :, None] & present[:, None, :]).astype(float)
    scatter = (((products - mean) ** 2) * both).sum(axis=0)
    correlation = mean * counts / np.maximum(counts - 1, 1)
    variance = scatter * counts / np.maximum(counts - 1, 1) ** 3
    off = ~np.eye(residuals.shape[1], dtype=bool)
    squares = float((correlation[off] ** 2).sum())
    return min(1.0, float(variance[off].sum()) / squares) if squares and count > 1 else 1.0


def shapley(values: dict[frozenset[str], Array], *, knobs: Sequence[str]) -> dict[str, Array]:
    """Each knob's Shapley share per block (n,) of the way from no knob to all of them.

    `values` gives, per set of knobs that are on, the blocks' values (n,). The shares sum to
    values[all] - values[none], block by block (Shapley 1953).
    """
    count = len(knobs)
    shares: dict[str, Array] = {}
    for knob in knobs:
        share = np.zeros_like(values[frozenset()])
        for on, value in values.items():
            if knob not in on:
                weight = factorial(len(on)) * factorial(count - len(on) - 1) / factorial(count)
                share = share + weight * (values[on | {knob}] - value)
        shares[knob] = share
    return shares


def welch(candidate: Array, reference: Array, *, alpha: float = 1 - LEVEL, simultaneous: int = 1) -> Estimate | None:
    """The difference of the means of two independent samples (n,), (m,) with a t interval at 1 - alpha; None below two.

    Variances may differ: degrees of freedom by Welch (1947) and Satterthwaite (1946). Bounds of `simultaneous`
    differences hold at once, whatever ties them together (Bonferroni).
    """
    if min(len(candidate), len(reference)) < 2:
        return None
    parts = [float(values.var(ddof=1)) / len(values) for values in (candidate, reference)]
    error, mean = sum(parts), float(candidate.mean() - reference.mean())
    blocks = len(candidate) + len(reference)
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
        return Estimate(mean=mean, low=mean, high=mean, blocks=blocks, simultaneous=simultaneous, p=p)
    degrees = error**2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (candidate, reference), strict=True)
    )
    half = float(special.stdtrit(degrees, 1 - alpha / simultaneous / 2)) * error**0.5
    p = float(2 * special.stdtr(degrees, -abs(mean) / error**0.5))
    return Estimate(mean=mean, low=mean - half, high=mean + half, blocks=blocks, simultaneous=simultaneous, p=p)
