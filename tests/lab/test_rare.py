"""The few requests that take far longer: how they are counted, and what their counts can bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rare import Discordant, discordant, few, one_sided_p, swapped, two_sided_p

counts = st.builds(
    Discordant, candidate=st.integers(0, 40), reference=st.integers(0, 40), pairs=st.integers(100, 5000)
)  # fmt: skip


def test_pairs_in_which_one_side_alone_is_slow_are_counted() -> None:
    """A pair that is slow on both sides tells nothing; each block has a limit of its own, three times its median."""
    reference = np.full(100, 0.01)
    candidate = reference.copy()
    candidate[:3] *= 10
    reference[2:4] *= 10
    slow = np.full(100, 1.0)
    assert discordant([(candidate, reference), (slow, slow)]) == Discordant(candidate=2, reference=1, pairs=200)
    assert discordant([(np.zeros(0), np.zeros(0))]) == Discordant(candidate=0, reference=0, pairs=0)


def test_without_a_pair_there_is_no_estimate() -> None:
    """Nothing was asked, so nothing is bounded."""
    assert few(Discordant(candidate=0, reference=0, pairs=0), alpha=0.05, blocks=0, simultaneous=1) is None


def test_none_in_a_thousand_pairs_bounds_the_share() -> None:
    """No discordant pair is no proof that there are none: the bound is -ln(alpha / 2) / n."""
    found = few(Discordant(candidate=0, reference=0, pairs=1000), alpha=0.05, blocks=8, simultaneous=1)
    assert found
    assert (found.mean, found.p) == (0.0, 1.0)
    assert found.high == pytest.approx(-np.log(0.025) / 1000)
    assert found.low == -found.high


@given(counts, st.floats(0.001, 0.2))
def test_a_bound_beyond_zero_is_the_exact_test(found: Discordant, alpha: float) -> None:
    """The lower end is above 0 exactly where the one-sided binomial test is significant at half of alpha."""
    estimate = few(found, alpha=alpha, blocks=8, simultaneous=1)
    assert estimate
    assert (estimate.low > 0) == (one_sided_p(found) < alpha / 2)
    assert (estimate.high < 0) == (one_sided_p(swapped(found)) < alpha / 2)
    assert estimate.low <= estimate.mean <= estimate.high


@given(counts)
def test_sides_can_be_swapped(found: Discordant) -> None:
    """What is slower one way is faster the other way, by as much."""
    one, other = (few(each, alpha=0.05, blocks=8, simultaneous=1) for each in (found, swapped(found)))
    assert one
    assert other
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert two_sided_p(found) == pytest.approx(two_sided_p(swapped(found)))


def test_one_in_a_hundred_is_found_among_a_thousand() -> None:
    """With 1 % of a candidate's requests slow, 1,600 pairs bound it above 0 in nine of ten runs; nothing never is."""
    random = np.random.default_rng(3)

    def bounds(share: float) -> list[float]:
        reference, candidate = random.random((2, 400, 1600)) < np.array([0.0005, 0.0005 + share])[:, None, None]
        each = [
            Discordant(candidate=int((c & ~r).sum()), reference=int((r & ~c).sum()), pairs=1600)
            for c, r in zip(candidate, reference, strict=True)
        ]
        found = [few(one, alpha=0.05 / 6, blocks=8, simultaneous=6) for one in each]
        return [estimate.low for estimate in found if estimate]

    assert np.mean(np.array(bounds(0.01)) > 0) > 0.9
    assert np.mean(np.array(bounds(0.0)) > 0) < 0.01
