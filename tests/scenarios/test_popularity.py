"""Ranks follow Zipf's law with any exponent: their probabilities are known exactly."""

import math
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sizes import SIZES
from scenarios.operations.browsing import BROWSING, Walk
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, PRODUCT_SEARCH, DetailParameters
from scenarios.operations.popularity import MOST, rank, share

EXPONENTS = (0.0, 0.6, 0.8, 1.0, 1.2, 1.4)
exponents = st.sampled_from(EXPONENTS) | st.floats(min_value=0.0, max_value=MOST)


class Fixed(Random):
    """A generator whose next number is told."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.numbers = list(numbers)

    def random(self) -> float:
        return self.numbers.pop(0)


def integral(first: float, last: float, exponent: float) -> float:
    """Of x ** -exponent, by the textbook's formula."""
    if exponent == 1:
        return math.log(last / first)
    return (last ** (1 - exponent) - first ** (1 - exponent)) / (1 - exponent)


@given(count=st.integers(1, 300), exponent=exponents.filter(lambda a: a == 1 or abs(a - 1) > 1e-3))
def test_every_rank_has_its_share_of_the_numbers_from_0_to_1(count: int, exponent: float):
    """Of 2,000 evenly spread numbers each rank gets its exact share, to the one at either end."""
    steps = 2_000
    found = Counter(rank(Fixed((step + 0.5) / steps), count, exponent=exponent) for step in range(steps))
    for k in range(1, count + 1):
        expected = integral(k, k + 1, exponent) / integral(1, count + 1, exponent)
        assert share(k, count, exponent=exponent) == pytest.approx(expected, rel=1e-9)
        assert abs(found[k] - steps * expected) <= 1.001, k
    assert set(found) <= set(range(1, count + 1))


@given(number=st.floats(0.0, 1.0, exclude_max=True), count=st.integers(1, 1_000_000))
def test_the_usual_ranks_are_what_they_always_were(number: float, count: int):
    """With exponent 1 log-uniform: the keys of a seed stay, and what was measured with them can be measured again."""
    assert rank(Fixed(number), count) == min(count, int((count + 1) ** number))


@given(number=st.floats(0.0, 0.999), count=st.integers(1, 1_000))
def test_exponents_near_one_draw_as_one_does(number: float, count: int):
    """The law has no gap there: a hair's breadth beside it a rank is the same or its neighbour."""
    for exponent in (1 - 1e-12, 1 + 1e-12):
        assert abs(rank(Fixed(number), count, exponent=exponent) - rank(Fixed(number), count)) <= 1


@given(number=st.floats(0.0, 1.0, exclude_max=True), count=st.integers(1, 1_000_000))
def test_the_exponent_0_is_uniform(number: float, count: int):
    """Each of n things gets 1 / n of the numbers."""
    assert abs(rank(Fixed(number), count, exponent=0.0) - (int(number * count) + 1)) <= 1
    assert share(1, count, exponent=0.0) == pytest.approx(share(count, count, exponent=0.0)) == pytest.approx(1 / count)


def test_far_from_the_first_the_law_is_the_power_itself():
    """Ten times as far down a thing is asked for 10 ** exponent times less, within a percent."""
    for exponent in EXPONENTS:
        ratio = share(100, 50_000, exponent=exponent) / share(1_000, 50_000, exponent=exponent)
        assert ratio == pytest.approx(10**exponent, rel=0.01)


@given(count=st.integers(1, 5_000), exponent=exponents)
def test_shares_add_up_to_one(count: int, exponent: float):
    """Something is always asked for."""
    assert math.fsum(share(k, count, exponent=exponent) for k in range(1, count + 1)) == pytest.approx(1.0, rel=1e-9)


@given(number=st.floats(0.0, 1.0, exclude_max=True), count=st.integers(1, 5_000), exponent=exponents)
def test_a_rank_is_one_of_those_there_are(number: float, count: int, exponent: float):
    """From 1 to the count, also for the numbers at both ends."""
    assert 1 <= rank(Fixed(number), count, exponent=exponent) <= count
    assert rank(Fixed(0.0), count, exponent=exponent) == 1


@given(number=st.floats(0.0, 0.999), count=st.integers(1, 1_000), pair=st.tuples(exponents, exponents).map(sorted))
def test_the_more_unequal_the_lower_the_rank(number: float, count: int, pair: list[float]):
    """Of the same number a larger exponent makes the same rank or one nearer to the first."""
    flat, steep = pair
    assert rank(Fixed(number), count, exponent=steep) <= rank(Fixed(number), count, exponent=flat)


@given(seed=st.integers(min_value=0), exponent=exponents)
def test_a_rank_takes_one_number(seed: int, exponent: float):
    """What is drawn after it does not depend on the exponent."""
    drawn, beside = Random(seed), Random(seed)
    rank(drawn, 50, exponent=exponent)
    beside.random()
    assert drawn.random() == beside.random()


@pytest.mark.parametrize(("count", "exponent"), [(0, 1.0), (-3, 1.0), (5, -0.1), (5, MOST + 0.1), (5, math.nan)])
def test_what_is_no_law_is_refused(count: int, exponent: float):
    """No things, and exponents out of range: ValueError."""
    with pytest.raises(ValueError):
        rank(Random(1), count, exponent=exponent)


@pytest.mark.parametrize("place", [0, 6])
def test_a_place_that_there_is_not_has_no_share(place: int):
    """ValueError, and no share of nothing."""
    with pytest.raises(ValueError):
        share(place, 5)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_operations_draw_by_the_exponent_that_is_given(exponent: float):
    """Product 1 comes up in its share of 20,000 details, within five standard deviations."""
    rng, size, draws = Random(1), SIZES["small"], 20_000
    found = sum(PRODUCT_DETAIL.sample(rng, size, exponent=exponent).id == 1 for _ in range(draws))
    expected = share(1, size.products, exponent=exponent)
    assert abs(found / draws - expected) <= 5 * math.sqrt(expected * (1 - expected) / draws)


@pytest.mark.parametrize("exponent", [0.0, 1.4])
def test_a_walk_draws_all_its_steps_by_its_exponent(exponent: float):
    """The steps of a session are those that the operations' own samplers draw with it."""
    walk = Walk(name="any", steps=(PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL), exponent=exponent)
    random, size = Random(7), SIZES["small"]
    expected: list[tuple[Any, Any]] = [(step, step.sample(random, size, exponent=exponent)) for step in walk.steps]
    assert list(walk.session(Random(7), size)) == expected


def test_a_flat_walk_meets_more_products_than_a_steep_one():
    """An exponent is what decides how many things a cache has to hold."""
    met = {}
    for exponent in (0.0, 1.4):
        random = Random(3)
        walk = Walk(name="any", steps=BROWSING.steps, exponent=exponent)
        sessions = [dict(walk.session(random, SIZES["medium"])) for _ in range(300)]
        met[exponent] = {asked.id for session in sessions for asked in session.values()
                         if isinstance(asked, DetailParameters)}  # fmt: skip
    assert len(met[1.4]) * 2 < len(met[0.0])
