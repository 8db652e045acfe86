"""Planted curves are found again, intervals hold as often as they say, and what cannot be told is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lab import scalability
from lab.effect import Array
from lab.load_findings import Bound, Law
from lab.scalability import Capacity, Knee, Users, Usl

LADDER = np.array([1, 2, 4, 8, 16, 32, 64])
PLANTED = [(100.0, 0.05, 0.001), (3.0, 0.02, 1e-5), (2e4, 0.6, 0.0), (50.0, 0.0, 0.002), (800.0, 0.9, 0.3)]
FEW_EXAMPLES = settings(max_examples=25)

parameters = st.tuples(st.floats(1.0, 1e4), st.floats(0.01, 0.5), st.floats(1e-5, 1e-2))
seeds = st.integers(0, 2**32 - 1)


def curve(users: Users, *, rate: float, contention: float, coherency: float) -> Array:
    """The law, written out once more."""
    return rate * users / (1 + contention * (users - 1) + coherency * users * (users - 1))


def measured(planted: tuple[float, float, float], *, blocks: int, seed: int, noise: float = 0.02) -> Array:
    """Blocks of the planted law with relative noise."""
    rate, contention, coherency = planted
    random = np.random.default_rng(seed).standard_normal((blocks, len(LADDER)))
    return curve(LADDER, rate=rate, contention=contention, coherency=coherency) * np.exp(noise * random)


def law_of(fitted: Usl) -> Law:
    """The law of a ladder that must identify it."""
    assert fitted.law is not None, fitted.reason
    assert fitted.reason == ""
    return fitted.law


def flat(fitted: Usl) -> list[float]:
    """The law's parameters with their intervals, λ's first; empty when there is none."""
    law = fitted.law
    return [] if law is None else [x for b in (law.rate, law.contention, law.coherency) for x in bound(b)]


def bound(value: Bound) -> tuple[float, float, float]:
    """A bound as a tuple, to compare approximately."""
    return value.estimate, value.low, value.high


def test_capacity_is_the_highest_mean_with_its_t_interval() -> None:
    """The column is chosen on the mean over blocks, not on the highest value, and has SciPy's t interval."""
    throughput = np.array([[100.0, 300.0, 290.0], [110.0, 310.0, 340.0], [105.0, 305.0, 240.0]])
    found = scalability.capacity(throughput)
    assert found is not None
    assert found.column == 1
    values = throughput[:, 1]
    low, high = stats.t.interval(0.95, 2, loc=305.0, scale=stats.sem(values))
    assert bound(found.throughput) == pytest.approx((305.0, low, high))


def test_capacity_ignores_missing_blocks_and_lone_values() -> None:
    """Missing and empty blocks are left out of a mean, and a column with one value does not win."""
    throughput = np.array([[100.0, 300.0, 900.0], [110.0, np.nan, np.nan], [105.0, 310.0, 0.0]])
    found = scalability.capacity(throughput)
    assert found is not None
    assert found.column == 1
    assert found.throughput.estimate == 305.0


def test_one_block_has_no_capacity() -> None:
    """One block gives no interval, and so no capacity."""
    assert scalability.capacity(np.array([[100.0, 300.0]])) is None


def test_the_winners_curse_stays_within_its_bound() -> None:
    """On a flat top of seven equal steps the capacity is too high, by less than sqrt(2 ln 7) standard errors."""
    random = np.random.default_rng(5)
    excess = []
    for _ in range(300):
        found = scalability.capacity(100 + random.standard_normal((4, 7)))
        assert found is not None
        excess.append(found.throughput.estimate - 100)
    # A standard error is 1 / sqrt(4); the expected maximum of seven normal values is 1.352 of it.
    assert 0 < np.mean(excess) < np.sqrt(2 * np.log(7)) / 2
    assert np.mean(excess) == pytest.approx(1.352 / 2, abs=0.06)


@pytest.mark.parametrize("corner", [1, 4, 8, 32])
def test_the_knee_of_two_phases_is_where_they_meet(corner: int) -> None:
    """Throughput that grows in proportion up to a ceiling has its knee at the corner, whatever a block's speed."""
    speeds = np.array([[90.0], [100.0], [130.0]])
    found = scalability.knee(LADDER, speeds * np.minimum(LADDER, corner))
    assert found.users is not None
    assert bound(found.users) == pytest.approx((corner, corner, corner))


def test_the_knee_between_two_steps_has_the_t_interval_of_the_blocks_ratios() -> None:
    """The ratio is taken block by block; a block that lacks one of its ends has none."""
    throughput = np.array([[100.0, 200.0, 310.0], [100.0, 200.0, 330.0], [100.0, 200.0, np.nan], [100.0, 200.0, 320.0]])
    found = scalability.knee(np.array([1, 2, 3, 8]), np.column_stack([throughput, np.full(4, 300.0)]))
    assert found.users is not None
    low, high = stats.t.interval(0.95, 2, loc=3.2, scale=stats.sem([3.1, 3.3, 3.2]))
    assert bound(found.users) == pytest.approx((3.2, low, high))


@pytest.mark.parametrize(
    ("users", "block", "reason"),
    [
        ([2, 4, 8], [200.0, 300.0, 290.0], "no two valid blocks at concurrency 1"),
        ([1, 2, 4], [np.nan, 300.0, 290.0], "no two valid blocks at concurrency 1"),
        ([1, 2, 4], [100.0, 200.0, 221.0], "throughput still grows by 10% at the last step"),
        ([1, 2, 4], [100.0, 200.0, 400.0], "throughput still grows by 100% at the last step"),
        ([1, 2, 4], [100.0, np.nan, np.nan], "the ladder has one step"),
        ([1, 2, 4], [np.nan, np.nan, np.nan], "no step has two valid blocks"),
    ],
)
def test_no_knee_without_a_user_alone_or_a_ceiling(users: list[int], block: list[float], reason: str) -> None:
    """A ladder that does not begin at one user, or still grows at its end, has no knee and says why."""
    assert scalability.knee(np.array(users), np.array([block, block])) == Knee(reason=reason)


def test_a_last_step_that_grows_little_is_a_ceiling() -> None:
    """Growth of a tenth or less at the last step counts as saturated."""
    found = scalability.knee(np.array([1, 2, 4]), np.array([[100.0, 200.0, 219.0]] * 2))
    assert found.users == Bound(estimate=2.19, low=2.19, high=2.19)


def test_no_knee_when_no_blocks_have_both_ends() -> None:
    """Two blocks must have been measured at both concurrency 1 and the ceiling."""
    throughput = np.array([[100.0, np.nan], [100.0, np.nan], [np.nan, 105.0], [np.nan, 105.0]])
    found = scalability.knee(np.array([1, 2]), throughput)
    assert found == Knee(reason="no two blocks are valid at both concurrency 1 and the highest throughput")


@pytest.mark.parametrize("blocks", [2, 5])
@pytest.mark.parametrize("planted", PLANTED)
def test_a_law_without_noise_is_found_exactly(planted: tuple[float, float, float], blocks: int) -> None:
    """Without noise λ, σ and κ are the planted ones, bounds at 0 included, and no residual is left."""
    law = law_of(scalability.fit_usl(LADDER, measured(planted, blocks=blocks, seed=0, noise=0.0)))
    found = (law.rate.estimate, law.contention.estimate, law.coherency.estimate)
    assert found == pytest.approx(planted, rel=1e-9, abs=1e-12)
    assert law.rms == pytest.approx(0.0, abs=1e-9)
    assert law.refits == (blocks if blocks >= 4 else 0)


def test_the_peak_is_that_of_the_curve() -> None:
    """N* = sqrt((1 - σ) / κ), and no throughput of the curve is above the one there."""
    law = law_of(scalability.fit_usl(LADDER, measured((100.0, 0.05, 0.001), blocks=2, seed=0, noise=0.0)))
    assert law.peak_users == pytest.approx(np.sqrt(0.95 / 0.001))
    dense = curve(np.arange(1, 100), rate=100.0, contention=0.05, coherency=0.001)
    assert law.peak_throughput == pytest.approx(dense.max(), rel=1e-4)


def test_where_a_second_user_only_costs_the_peak_is_at_one() -> None:
    """With σ + κ above 1 throughput falls from the first user on."""
    law = law_of(scalability.fit_usl(LADDER, measured((800.0, 0.9, 0.3), blocks=2, seed=0, noise=0.0)))
    assert law.peak_users == 1.0
    assert law.peak_throughput == pytest.approx(800.0)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("blocks", [3, 6])
def test_without_coherency_there_is_no_peak(blocks: int, noise: float) -> None:
    """When κ's interval includes 0 the curve need not fall, and no peak is predicted."""
    law = law_of(scalability.fit_usl(LADDER, measured((100.0, 0.05, 0.0), blocks=blocks, seed=1, noise=noise)))
    assert law.coherency.low == 0.0
    assert law.peak_users is None
    assert law.peak_throughput is None


@pytest.mark.parametrize("blocks", [2, 4])
@pytest.mark.parametrize("planted", [(100.0, 0.05, 0.001), (100.0, 0.2, 0.0)])
def test_intervals_hold_the_planted_parameters(planted: tuple[float, float, float], blocks: int) -> None:
    """With 2 % noise each parameter lies in its 95 % interval in at least 88 % of trials; a refusal is a miss."""
    trials, held = 200, np.zeros(3)
    for seed in range(trials):
        law = scalability.fit_usl(LADDER, measured(planted, blocks=blocks, seed=seed)).law
        if law is not None:
            intervals = (law.rate, law.contention, law.coherency)
            held += [b.low <= value <= b.high for b, value in zip(intervals, planted, strict=True)]
    # 0.95 * 200 = 190; 175 or fewer has a probability below 0.01 %.
    assert (held >= 0.88 * trials).all()


def test_blocks_that_differ_as_wholes_widen_the_rates_interval() -> None:
    """From four blocks on, a speed that a whole block has widens λ's interval and leaves σ's and κ's alone."""
    alike = measured((100.0, 0.05, 0.001), blocks=6, seed=2)
    unlike = alike * np.exp(0.05 * np.array([[-1.0], [1.0], [-1.0], [1.0], [-1.0], [1.0]]))
    first, second = (law_of(scalability.fit_usl(LADDER, blocks)) for blocks in (alike, unlike))
    assert second.rate.high - second.rate.low > 1.5 * (first.rate.high - first.rate.low)
    assert bound(second.contention) == pytest.approx(bound(first.contention), rel=1e-4)
    assert bound(second.coherency) == pytest.approx(bound(first.coherency), rel=1e-4)


def test_missing_values_leave_an_exact_law_exact() -> None:
    """NaN, zero and infinity are points that are not there, wherever they stand; so is a step of nothing else."""
    throughput = measured((100.0, 0.05, 0.001), blocks=5, seed=0, noise=0.0)
    throughput[0, 6] = throughput[1, 0] = throughput[2, 3] = np.nan
    throughput[3, 5], throughput[4, 2] = 0.0, np.inf
    throughput[:, 1] = np.nan
    law = law_of(scalability.fit_usl(LADDER, throughput))
    found = (law.rate.estimate, law.contention.estimate, law.coherency.estimate)
    assert found == pytest.approx((100.0, 0.05, 0.001), rel=1e-9)
    assert law.refits == 5


def test_blocks_with_too_few_steps_are_not_refitted() -> None:
    """A block with four steps enters the pooled fit alone; three whole ones are too few for their scatter."""
    throughput = measured((100.0, 0.05, 0.001), blocks=4, seed=3)
    throughput[0, :3] = np.nan
    assert law_of(scalability.fit_usl(LADDER, throughput)).refits == 0


@pytest.mark.parametrize("blocks", [1, 4])
def test_linear_growth_identifies_no_law(blocks: int) -> None:
    """A ladder that never bends is refused, noise or none, for nothing tells its σ and κ from 0."""
    throughput = np.tile(100.0 * np.arange(1, 9), (blocks, 1))
    refused = Usl(reason="the ladder never bends: its last step is at 100% of linear growth")
    assert scalability.fit_usl(np.arange(1, 9), throughput) == refused


def test_a_sharp_knee_is_no_law_but_a_knee() -> None:
    """Two phases with a corner do not have the law's shape, and are told by their knee."""
    throughput = np.tile(100.0 * np.minimum(LADDER, 8), (4, 1))
    assert scalability.fit_usl(LADDER, throughput) == Usl(reason="the law misses the measured steps by 12%")
    assert scalability.knee(LADDER, throughput).users == Bound(estimate=8.0, low=8.0, high=8.0)


def test_a_late_corner_does_not_pass_for_a_peak() -> None:
    """Two phases with a corner near the end fit best with σ below 0, which the law excludes."""
    throughput = np.tile(100.0 * np.minimum(LADDER, 32), (4, 1))
    refused = Usl(reason="the measured points have σ below 0, which the law excludes")
    assert scalability.fit_usl(LADDER, throughput) == refused


@pytest.mark.parametrize(
    ("steps", "blocks", "reason"),
    [
        (4, 9, "the ladder has 4 valid steps, fewer than 5"),
        (7, 1, "there are 7 valid points, fewer than 8"),
        (7, 0, "the ladder has 0 valid steps, fewer than 5"),
    ],
)
def test_too_few_points_identify_no_law(steps: int, blocks: int, reason: str) -> None:
    """Fewer than five steps or eight points are refused, whatever their values."""
    throughput = measured((100.0, 0.05, 0.001), blocks=blocks, seed=0)[:, :steps]
    assert scalability.fit_usl(LADDER[:steps], throughput) == Usl(reason=reason)


def test_wide_intervals_identify_no_law() -> None:
    """Points whose noise leaves σ open, and a ladder that begins too late to tell λ, are refused."""
    loud = measured((100.0, 1.0, 0.1), blocks=2, seed=1, noise=0.08)
    assert scalability.fit_usl(LADDER, loud).reason == "the interval of σ is wider than ±0.15"
    late = np.array([16, 24, 32, 48, 64])
    random = np.random.default_rng(0).standard_normal((2, 5))
    throughput = curve(late, rate=100.0, contention=0.2, coherency=0.001) * np.exp(0.04 * random)
    assert scalability.fit_usl(late, throughput).reason == "the interval of λ is wider than ±25 %"


def test_blocks_that_differ_too_much_identify_no_law() -> None:
    """Blocks of one shape are told by it, unless their speeds differ so much that λ is open."""
    exact = measured((100.0, 0.05, 0.001), blocks=4, seed=0, noise=0.0)
    speeds = np.exp([[-0.16], [0.16], [-0.16], [0.16]])
    assert scalability.fit_usl(LADDER, exact * speeds).reason == "the interval of λ is wider than ±25 %"
    found = scalability.fit_usl(LADDER, exact * np.sqrt(speeds)).law
    assert found
    assert found.contention.estimate == pytest.approx(0.05)
    assert found.rms == pytest.approx(0.0, abs=1e-6)


@FEW_EXAMPLES
@given(parameters, seeds, st.integers(2, 5), st.floats(1e-3, 1e3))
def test_the_unit_of_throughput_scales_the_rate_alone(
    planted: tuple[float, float, float], seed: int, blocks: int, factor: float
) -> None:
    """Throughput times c gives λ times c and leaves σ, κ and the knee as they are."""
    throughput = measured(planted, blocks=blocks, seed=seed)
    before, after = (flat(scalability.fit_usl(LADDER, values)) for values in (throughput, factor * throughput))
    assert after[:3] == pytest.approx([factor * value for value in before[:3]], rel=1e-6)
    assert after[3:] == pytest.approx(before[3:], rel=1e-4, abs=1e-7)
    first, second = (scalability.knee(LADDER, values).users for values in (throughput, factor * throughput))
    assert (first is None) == (second is None)
    if first and second:
        assert bound(second) == pytest.approx(bound(first))


@FEW_EXAMPLES
@given(parameters, seeds, st.integers(2, 5), st.permutations(range(len(LADDER))))
def test_the_order_of_the_ladder_changes_nothing(
    planted: tuple[float, float, float], seed: int, blocks: int, order: list[int]
) -> None:
    """Steps in any order give the same law and knee, and the capacity at the same number of users."""
    throughput = measured(planted, blocks=blocks, seed=seed)
    throughput[0, seed % len(LADDER)] = np.nan
    users, shuffled = LADDER[order], throughput[:, order]
    assert scalability.fit_usl(users, shuffled) == scalability.fit_usl(LADDER, throughput)
    assert scalability.knee(users, shuffled) == scalability.knee(LADDER, throughput)
    first, second = scalability.capacity(throughput), scalability.capacity(shuffled)
    assert first is not None
    assert second == Capacity(throughput=first.throughput, column=order.index(first.column))
