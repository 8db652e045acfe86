"""Yields what a ladder of concurrency tells: the capacity, the knee and, where it can be told, Gunther's law.

Pure statistics on arrays: it knows no files, no cells and no verdicts. Everywhere `users` (m,) is the ladder, distinct
whole numbers of at least 1 in any order, and `throughput` (n blocks, m) is requests/s, NaN where a block has no valid
value; zero and below count as NaN, for a step that answered nothing has no logarithm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from lab.effect import LEVEL, Array, interval_half_width
from lab.load_findings import Bound, Law

Users = NDArray[np.int64]

GROWTH: Final = 0.10
"""A last step that is the highest and grows by more than this share: what lies beyond the ladder may be higher yet."""

STEPS: Final = 5
"""Steps that the law needs, of the ladder and of a block that is refitted: two beyond its three parameters."""

POINTS: Final = 8
"""Points that the law needs: with under five degrees of freedom left, t is above 2.6 and says mostly itself."""

REFITS: Final = 4
"""Blocks from which their scatter gives the intervals; with three, t is 4.3 and their points tell more."""

BEND: Final = 0.9
"""Share of linear growth at the last step above which contention and coherency cannot be told from noise."""

WIDEST_RATE: Final = 0.25
"""Half width of ln λ's interval, that is about ±25 %, above which the curve has no known beginning."""

WIDEST_CONTENTION: Final = 0.15
"""Half width of σ's interval above which it does not tell a ceiling of 7 λ (Amdahl's 1 / σ) from none."""

WORST_RMS: Final = 0.10
"""Relative residual of the steps' means above which the ladder has another shape: a sharp knee, or a failed step."""

ROUNDING: Final = 1e-12
"""A σ or κ this small is a fit's rounding of 0: at a thousand users it would cost a millionth of throughput."""

RATE, CONTENTION, COHERENCY = range(3)
"""Where ln λ, σ and κ stand in a fit's parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The highest throughput of the ladder, in requests/s, and the column in which it was measured."""

    throughput: Bound
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """The concurrency at which the two asymptotes meet; or None, with the reason."""

    users: Bound | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usl:
    """The law as fitted; or None, with the reason why the ladder does not identify it."""

    law: Law | None = None
    reason: str = ""


def capacity(throughput: Array) -> Capacity | None:
    """The highest mean over blocks along the ladder, with its t interval; None when no column has two values.

    The winner's curse: the column is chosen on the mean over all blocks, once, never block by block (a mean
    of the blocks' own maxima grows with the noise), and the interval is that of the chosen column as if it had been
    named beforehand. On a flat top of k equal columns the estimate is still too high, by at most sqrt(2 ln k)
    standard errors; with one clear peak by nothing. A column with one value cannot win: it may be luck alone.
    """
    valid = _valid(throughput)
    eligible = np.flatnonzero(np.isfinite(valid).sum(axis=0) > 1)
    if not len(eligible):
        return None
    column = int(eligible[np.argmax(np.nanmean(valid[:, eligible], axis=0))])
    values = valid[:, column]
    return Capacity(throughput=_mean(values[np.isfinite(values)]), column=column)


def knee(users: Users, throughput: Array) -> Knee:
    """N* = Xmax / X(1), where light load's asymptote N X(1) meets the ceiling Xmax (Denning and Buzen 1978).

    The ratio is taken per block, at the column that `capacity` chooses over all of them, and then its mean and t
    interval over blocks: a block's own speed cancels. Below N* there is no need to queue, above it there is no
    way not to. It needs a user alone and a ladder that has met its ceiling.
    """
    users, valid = _ladder(users, throughput)
    enough = np.isfinite(valid).sum(axis=0) > 1
    users, valid = users[enough], valid[:, enough]
    highest = capacity(valid)
    if highest is None:
        return Knee(reason="no step has two valid blocks")
    if users[0] != 1:
        return Knee(reason="no two valid blocks at concurrency 1")
    if len(users) == 1:
        return Knee(reason="the ladder has one step")
    means = np.nanmean(valid, axis=0)
    if highest.column == len(users) - 1 and means[-1] > (1 + GROWTH) * means[-2]:
        return Knee(reason=f"throughput still grows by {means[-1] / means[-2] - 1:.0%} at the last step")
    ratios = valid[:, highest.column] / valid[:, 0]
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < 2:
        return Knee(reason="no two blocks are valid at both concurrency 1 and the highest throughput")
    return Knee(users=_mean(ratios))


def fit_usl(users: Users, throughput: Array) -> Usl:
    """The Universal Scalability Law X(N) = λ N / (1 + σ (N - 1) + κ N (N - 1)), Gunther (2007), or why not.

    Least squares on ln X, for errors are relative, over all points at once with σ and κ at least 0: these are the
    estimates. Their intervals come from

    - 4 or more blocks with 5 valid steps each: every block is fitted on its own, and the half width is the t
      interval's over those fits, so that what a block's points have in common counts once. These fits may go
      below 0: held at it, they would scatter less than the noise does.
    - fewer: the pooled fit's covariance s² (J'J)⁻¹ with (points - 3) degrees of freedom. It takes the points of
      one block for independent, and is too narrow when blocks differ as wholes.

    Either is symmetric around the estimate, on ln λ (the delta method), σ and κ; σ's and κ's end at 0. Where the
    points would have σ or κ below 0, and 0 outside its interval, the law is refused: held at 0, a straight line with
    a sharp knee passes for a curve with a peak. The intervals tell of noise, not of a ladder that has another shape
    than the law, nor of unlike blocks that lack different steps: that shows in `rms`.
    """
    users, valid = _ladder(users, throughput)
    reason = _too_little(users, valid)
    if reason:
        return Usl(reason=reason)
    present = np.isfinite(valid)
    pooled_users = np.broadcast_to(users, valid.shape)[present]
    logs = np.log(valid[present])
    free = _fit(pooled_users, logs)
    fitted = _bounded(free, users=pooled_users, logs=logs)
    residuals = logs - _log_law(fitted, users=pooled_users)
    # Blocks scatter, and the intervals say how much; what a step's blocks have in common is another shape.
    steps = [residuals[pooled_users == step].mean() for step in users]
    rms = float(np.sqrt(np.mean(np.square(steps))))
    if rms > WORST_RMS:
        return Usl(reason=f"the law misses the measured steps by {rms:.0%}")
    rows = np.flatnonzero(present.sum(axis=1) >= STEPS)
    if len(rows) >= REFITS:
        refits = np.array([_fit(users[present[row]], np.log(valid[row, present[row]])) for row in rows])
        half = np.array([interval_half_width(column) for column in refits.T])
    else:
        rows = rows[:0]
        half = _half_width_of_pooled(fitted, users=pooled_users, residuals=residuals)
    if half[RATE] > WIDEST_RATE:
        return Usl(reason="the interval of λ is wider than ±25 %")
    if half[CONTENTION] > WIDEST_CONTENTION:
        return Usl(reason="the interval of σ is wider than ±0.15")
    for name, of in (("σ", CONTENTION), ("κ", COHERENCY)):
        if free[of] + half[of] < -ROUNDING:
            return Usl(reason=f"the measured points have {name} below 0, which the law excludes")
    return Usl(law=_law(fitted, half=half, rms=rms, refits=len(rows)))


def _valid(throughput: Array) -> Array:
    return np.where(np.isfinite(throughput) & (throughput > 0), throughput, np.nan)


def _ladder(users: Users, throughput: Array) -> tuple[Users, Array]:
    """The steps that any block has a value of, from the fewest users to the most."""
    valid = _valid(throughput)
    order = np.argsort(users)
    order = order[np.isfinite(valid[:, order]).any(axis=0)]
    return users[order], valid[:, order]


def _mean(values: Array) -> Bound:
    mean, half = float(values.mean()), interval_half_width(values)
    return Bound(estimate=mean, low=mean - half, high=mean + half)


def _too_little(users: Users, valid: Array) -> str:
    """Why no law can be fitted to this ladder, whatever the fit; empty when one can."""
    points = int(np.isfinite(valid).sum())
    if len(users) < STEPS:
        return f"the ladder has {len(users)} valid steps, fewer than {STEPS}"
    if points < POINTS:
        return f"there are {points} valid points, fewer than {POINTS}"
    means = np.nanmean(valid, axis=0)
    linear = means[0] * users[-1] / users[0]
    if means[-1] > BEND * linear:
        return f"the ladder never bends: its last step is at {means[-1] / linear:.0%} of linear growth"
    return ""


def _divisor(parameters: Array, *, users: Users) -> Array:
    """What divides λ N; kept above 0, where a step of the search that leaves σ or κ far below 0 has no logarithm."""
    divisor = 1 + parameters[CONTENTION] * (users - 1.0) + parameters[COHERENCY] * users * (users - 1.0)
    return np.maximum(divisor, 1e-9)


def _log_law(parameters: Array, *, users: Users) -> Array:
    return parameters[RATE] + np.log(users) - np.log(_divisor(parameters, users=users))


def _slopes(parameters: Array, *, users: Users) -> Array:
    """The derivatives (points, 3) of `_log_law` by its parameters."""
    divisor = _divisor(parameters, users=users)
    return np.stack([np.ones(len(users)), (1.0 - users) / divisor, users * (1.0 - users) / divisor], axis=1)


def _fit(users: Users, logs: Array, *, free: Sequence[int] = (RATE, CONTENTION, COHERENCY)) -> Array:
    """The parameters (3,) that fit `logs` (n,) best, the `free` ones of any sign, the others 0."""
    columns = list(free)
    start = np.array([(logs - np.log(users)).max(), 0.0, 0.0])[columns]

    def whole(parameters: Array) -> Array:
        full = np.zeros(3)
        full[columns] = parameters
        return full

    def residuals(parameters: Array) -> Array:
        return _log_law(whole(parameters), users=users) - logs

    def slopes(parameters: Array) -> Array:
        return _slopes(whole(parameters), users=users)[:, columns]

    found = optimize.least_squares(
        residuals, start, jac=slopes, method="lm", x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12
    )
    return whole(np.asarray(found.x, dtype=np.float64))


def _bounded(free: Array, *, users: Users, logs: Array) -> Array:
    """The best parameters with σ and κ at least 0: the `free` fit where it is so, else the best with one of them 0.

    SciPy's own bounds are not used: trf ends near a bound, never on it, and dogbox stays on one it should leave.
    """
    if free[CONTENTION:].min() >= 0:
        return free
    faces = [_fit(users, logs, free=kept) for kept in ((RATE,), (RATE, CONTENTION), (RATE, COHERENCY))]
    allowed = [face for face in faces if face[CONTENTION:].min() >= 0]
    return min(allowed, key=lambda face: float(((logs - _log_law(face, users=users)) ** 2).sum()))


def _half_width_of_pooled(fitted: Array, *, users: Users, residuals: Array) -> Array:
    """Half the widths (3,) of the t intervals of the pooled fit's parameters, bounds left aside."""
    degrees = len(residuals) - len(fitted)
    inverse = np.linalg.pinv(_slopes(fitted, users=users), rcond=1e-15)
    errors = np.sqrt((inverse**2).sum(axis=1) * (residuals**2).sum() / degrees)
    return np.asarray(special.stdtrit(degrees, (1 + LEVEL) / 2) * errors, dtype=np.float64)


def _law(fitted: Array, *, half: Array, rms: float, refits: int) -> Law:
    low, high = fitted - half, fitted + half
    rate = Bound(estimate=float(np.exp(fitted[0])), low=float(np.exp(low[0])), high=float(np.exp(high[0])))
    contention, coherency = (
        Bound(estimate=float(fitted[of]), low=max(0.0, float(low[of])), high=float(high[of]))
        for of in (CONTENTION, COHERENCY)
    )
    peak_users = peak_throughput = None
    if coherency.low > ROUNDING:
        # From σ + κ = 1 on a second user only costs: the peak is at the first.
        peak_users = float(np.sqrt(max((1 - contention.estimate) / coherency.estimate, 1.0)))
        divisor = 1 + (contention.estimate + coherency.estimate * peak_users) * (peak_users - 1)
        peak_throughput = rate.estimate * peak_users / divisor
    return Law(
        rate=rate, contention=contention, coherency=coherency, peak_users=peak_users,
        peak_throughput=peak_throughput, rms=rms, refits=refits,
    )  # fmt: skip
