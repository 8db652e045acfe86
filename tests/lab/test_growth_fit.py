"""Planted curves are found again, intervals hold as often as they say, and what cannot be told is not invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.effect import Array
from lab.growth_fit import Growth, growth

ROWS = np.array([12e3, 49e3, 247e3, 1.2e6, 3.7e6, 12e6])
FEW_EXAMPLES = settings(max_examples=30)
seeds = st.integers(0, 2**32 - 1)


def curve(*, fixed: float, grown: float, exponent: float) -> Array:
    """Seconds at each size: what is `fixed`, and what has `grown` to so much at the largest."""
    return fixed + grown * (ROWS / ROWS[-1]) ** exponent


def measured(true: Array, *, seed: int, blocks: int = 6, noise: float = 0.02, drift: float = 0.05) -> Array:
    """Blocks with relative noise of their own for each size, and a speed that a block's sizes share."""
    random = np.random.default_rng(seed)
    shared = random.normal(0.0, drift, (blocks, 1))
    return true * np.exp(shared + random.normal(0.0, noise, (blocks, len(true))))


def exponent_of(found: Growth) -> tuple[float, float, float]:
    """The exponent that there must be, as estimate, low, high."""
    assert found.exponent is not None, (found.word, found.reason)
    return found.exponent.estimate, found.exponent.low, found.exponent.high


@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.0, 1.5, 2.0])
def test_a_curve_without_noise_is_found_exactly(exponent: float) -> None:
    """Of a count there is one block: its exponent, and the curve itself, come back."""
    true = curve(fixed=0.004, grown=2.0, exponent=exponent)
    found = growth(ROWS, true[None, :])
    estimate, low, high = exponent_of(found)
    assert estimate == pytest.approx(exponent, abs=1e-3)
    assert high - low < 0.01
    assert found.model is not None
    assert found.model.at(ROWS) == pytest.approx(true, rel=1e-3)
    assert found.ends == (ROWS[0], ROWS[-1])


@FEW_EXAMPLES
@given(st.floats(0.001, 0.1), st.floats(5.0, 500.0), st.floats(0.3, 2.0), seeds)
def test_a_planted_exponent_is_inside_or_near(fixed: float, times: float, exponent: float, seed: int) -> None:
    """The estimate lies in its interval, and the truth no further from that than twice its width."""
    found = growth(ROWS, measured(curve(fixed=fixed, grown=fixed * times, exponent=exponent), seed=seed))
    estimate, low, high = exponent_of(found)
    assert low <= estimate <= high
    assert low - 2 * (high - low) <= exponent <= high + 2 * (high - low)


@pytest.mark.parametrize(("exponent", "blocks"), [(0.5, 6), (1.0, 6), (1.0, 4), (1.5, 8)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(exponent: float, blocks: int) -> None:
    """In 95 of 100 trials, of which chance leaves fewer than 88 three times in a thousand."""
    true = curve(fixed=0.005, grown=0.5, exponent=exponent)
    held = 0
    for seed in range(100):
        _, low, high = exponent_of(growth(ROWS, measured(true, seed=seed, blocks=blocks)))
        held += low <= exponent <= high
    assert held >= 88


def test_blocks_that_are_slow_as_wholes_widen_nothing() -> None:
    """A speed that all sizes of a block share is no noise of the exponent."""
    true = curve(fixed=0.005, grown=0.5, exponent=1.0)
    calm = exponent_of(growth(ROWS, measured(true, seed=1, drift=0.0)))
    moved = exponent_of(growth(ROWS, measured(true, seed=1, drift=0.5)))
    assert moved[2] - moved[1] == pytest.approx(calm[2] - calm[1], rel=0.05)


@pytest.mark.parametrize(
    ("true", "word"),
    [
        (np.full(6, 0.004), "O(1)"),
        (0.004 * (1 + 0.04 * np.log(ROWS / ROWS[0]) / np.log(1000)), "O(1)"),
        (0.004 + 0.002 * np.log(ROWS / ROWS[0]), "O(log n)"),
        (curve(fixed=0.004, grown=0.5, exponent=1.0), "O(n)"),
        (curve(fixed=0.004, grown=0.5, exponent=0.5), "between O(log n) and O(n)"),
        (curve(fixed=0.004, grown=5.0, exponent=2.0), "more than O(n)"),
    ],
)
def test_each_kind_of_growth_has_its_word(true: Array, word: str) -> None:
    """By the interval of the exponent; little growth is none."""
    found = growth(ROWS, measured(true, seed=3, noise=0.01))
    assert (found.word, found.reason) == (word, "")
    assert (found.exponent is None) == (word == "O(1)")
    assert found.slope is not None
    assert found.factor is not None


def test_constant_times_have_a_slope_of_nothing() -> None:
    """Also without any noise: no exponent is invented, and nothing divides by zero."""
    for values in (np.full((1, 6), 21.0), np.full((6, 6), 0.004)):
        found = growth(ROWS, values)
        assert found.word == "O(1)"
        assert found.exponent is None
        assert found.slope is not None
        assert (found.slope.low, found.slope.high) == (0.0, 0.0)
        assert found.factor is not None
        assert found.factor.estimate == 1.0


@pytest.mark.parametrize("sizes", [0, 1, 2, 3])
def test_few_sizes_are_not_enough(sizes: int) -> None:
    """Through three points goes a curve of every shape."""
    found = growth(ROWS[:sizes], measured(ROWS[:sizes] / 1e6, seed=1))
    assert found == Growth(reason=f"not enough sizes: {sizes} of at least 4")


def test_a_capped_size_is_left_out() -> None:
    """The others tell the exponent; of two that are left nothing is told."""
    values = measured(curve(fixed=0.004, grown=4.0, exponent=1.0), seed=5)
    values[:, -1] = np.nan
    found = growth(ROWS, values)
    assert found.word == "O(n)"
    assert found.ends == (ROWS[0], ROWS[-2])
    values[:, 2:] = np.nan
    assert growth(ROWS, values).reason == "not enough sizes: 2 of at least 4"


def test_a_block_without_a_size_is_left_out() -> None:
    """Blocks are compared whole; with one whole block there is no interval."""
    values = measured(curve(fixed=0.004, grown=4.0, exponent=1.0), seed=5, blocks=4)
    values[0, 0] = values[1, 3] = np.nan
    assert growth(ROWS, values).word == "O(n)"
    values[2, 1] = np.nan
    assert growth(ROWS, values).reason == "fewer than two blocks have all sizes"
    assert growth(ROWS, values[:0]).reason == "fewer than two blocks have all sizes"


def test_growth_that_may_be_none_has_no_exponent() -> None:
    """An interval from less than before to a third more says nothing, and is told as that."""
    found = growth(ROWS, measured(curve(fixed=0.004, grown=0.0004, exponent=1.0), seed=2, blocks=3, noise=0.2))
    assert found.word == ""
    assert "is not told from none" in found.reason
    assert found.exponent is None


def test_a_curve_that_no_power_follows_is_told_with_its_misfit() -> None:
    """Sizes that lie off the curve by more than the noise widen the interval: the noise alone would be too sure."""
    true = curve(fixed=0.004, grown=0.5, exponent=1.0)
    _, low, high = exponent_of(growth(ROWS, measured(true, seed=1, noise=0.005)))
    bent = true * np.array([1.0, 1.3, 0.8, 1.2, 0.9, 1.0])
    _, bent_low, bent_high = exponent_of(growth(ROWS, measured(bent, seed=1, noise=0.005)))
    assert bent_high - bent_low > 5 * (high - low)


@FEW_EXAMPLES
@given(st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6), st.integers(1, 5), seeds)
def test_whatever_was_measured_there_is_an_answer(values: list[float], blocks: int, seed: int) -> None:
    """Counts of zero, falling times, wild ones: a word or a reason, never an error."""
    found = growth(ROWS, measured(np.array(values), seed=seed, blocks=blocks))
    assert bool(found.word) != bool(found.reason)
    if found.exponent:
        assert 0 <= found.exponent.low <= found.exponent.estimate <= found.exponent.high <= 3


@pytest.mark.parametrize("exponent", [0.0, 2.0])
def test_nothing_is_flat_beyond_what_was_timed(exponent: float) -> None:
    """Where the largest sizes were cut, the same time at all others is a reason, and not O(1)."""
    true = curve(fixed=0.02, grown=0.1 if exponent else 1e-9, exponent=exponent or 1.0)
    values = measured(true, seed=1, noise=0.002, drift=0.0)
    values[:, -2:] = np.nan
    found = growth(ROWS, values)
    assert found.word == ""
    assert found.ends[1] == ROWS[-3]
    assert "not known beyond" in found.reason


def test_a_wide_interval_chooses_no_word() -> None:
    """An exponent between a half and the end of what is searched keeps its interval, and has no word."""
    true = curve(fixed=0.02, grown=0.02, exponent=1.0)
    wide = [found for seed in range(20) if (found := growth(ROWS[:4], measured(true, seed=seed)[:, :4])).exponent]
    for found in wide:
        assert found.exponent is not None
        is_wide = found.exponent.high - found.exponent.low > 0.5 or found.exponent.high >= 3.0
        assert (found.word == "") == is_wide
        assert ("unknown exponent" in found.reason) == is_wide
        assert found.short == ("growing" if is_wide else found.word)
    assert any(found.word == "" for found in wide)
