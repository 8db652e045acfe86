"""The estimators give reference values, and their intervals hold as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lab import effect

seconds = st.floats(1e-4, 10.0)


def test_trimmed_mean_is_that_of_scipy() -> None:
    """The 20 % trimmed mean equals SciPy's."""
    values = np.random.default_rng(1).lognormal(size=37)
    assert effect.trimmed_mean(values) == pytest.approx(float(stats.trim_mean(values, 0.2)))


@given(arrays(np.float64, st.integers(1, 40), elements=seconds), st.floats(0.1, 10.0))
def test_a_constant_ratio_is_found_exactly(reference: np.ndarray, ratio: float) -> None:
    """When every pair has one ratio, typical and total are its logarithm."""
    assert effect.typical(reference * ratio, reference) == pytest.approx(np.log(ratio), abs=1e-9)
    assert effect.total(reference * ratio, reference) == pytest.approx(np.log(ratio), abs=1e-9)


def test_the_total_sees_what_the_typical_request_does_not() -> None:
    """With 15 % of requests ten times slower the typical request moves little, the total does."""
    reference = np.full(100, 0.01)
    candidate = reference.copy()
    candidate[:15] *= 10
    assert effect.typical(candidate, reference) == 0.0
    assert effect.total(candidate, reference) == pytest.approx(np.log(2.35))


def test_t_interval_is_that_of_scipy() -> None:
    """A single effect's interval is the t interval over blocks."""
    values = np.array([0.01, 0.02, 0.015, 0.03, -0.01, 0.0, 0.02, 0.012])
    (estimate,) = effect.estimate(values[:, None], seed=1)
    assert estimate is not None
    expected = stats.t.interval(0.95, 7, loc=values.mean(), scale=stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_sign_flip_p_counts_every_change_of_sign() -> None:
    """With all of six blocks on one side, 2 of the 64 sign changes are as extreme."""
    assert effect.sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])) == pytest.approx(2 / 64)


def test_a_column_with_one_block_has_no_estimate() -> None:
    """One block gives no interval, and so no estimate; the others are not touched by it."""
    blocks = np.array([[0.1, np.nan], [0.12, 0.5], [0.11, np.nan]])
    first, second = effect.estimate(blocks, seed=1)
    assert first is not None
    assert first.blocks == 3
    assert second is None


@pytest.mark.parametrize("blocks", [2, 3])
def test_few_blocks_are_taken_for_independent(blocks: int) -> None:
    """With two or three blocks correlations cannot be told: eighteen intervals still hold together in 95 %."""
    random = np.random.default_rng(3)
    trials, misses = 100, 0
    for trial in range(trials):
        estimates = effect.estimate(random.standard_normal((blocks, 18)), seed=trial)
        misses += any(each is not None and not each.low <= 0 <= each.high for each in estimates)
    # 0.05 * 100 = 5; 14 or more has a probability below 0.1 %.
    assert misses < 14


@pytest.mark.parametrize("common", [0.0, 1.0])
def test_simultaneous_intervals_hold_together(common: float) -> None:
    """Over twelve effects, alike or not, some interval misses its truth in about 5 % of trials, not in 46 %."""
    random = np.random.default_rng(7)
    trials, misses = 120, 0
    for trial in range(trials):
        blocks = random.standard_normal((8, 12)) + common * random.standard_normal((8, 1))
        estimates = effect.estimate(blocks, seed=trial)
        misses += any(each is not None and not each.low <= 0 <= each.high for each in estimates)
    # 0.05 * 120 = 6; 15 or more has a probability below 0.1 %.
    assert misses < 15


@given(arrays(np.float64, (4, 8), elements=seconds))
def test_shapley_shares_sum_to_the_whole_way(table: np.ndarray) -> None:
    """The shares of three knobs add up to all-on less all-off, block by block."""
    knobs = ["a", "b", "c"]
    sets = [frozenset(k for bit, k in enumerate(knobs) if number >> bit & 1) for number in range(8)]
    values = {on: table[:, column] for column, on in enumerate(sets)}
    shares = effect.shapley(values, knobs=knobs)
    assert sum(shares.values()) == pytest.approx(values[frozenset(knobs)] - values[frozenset()])


def test_shapley_share_of_an_idle_knob_is_zero() -> None:
    """A knob that changes nothing gets nothing, and one that does all gets all."""
    values = {frozenset[str](): np.array([5.0]), frozenset({"a"}): np.array([2.0])}
    values |= {frozenset({"b"}): np.array([5.0]), frozenset({"a", "b"}): np.array([2.0])}
    shares = effect.shapley(values, knobs=["a", "b"])
    assert shares["a"] == pytest.approx([-3.0])
    assert shares["b"] == pytest.approx([0.0])
