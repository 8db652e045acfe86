"""Arrivals are due where the profile says, by their seed alone, and workers' shares of them add up to all."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from lab.arrivals import KINDS, MOST, SHAPES, Arrivals, Segment, due_times, level, profile, share
from lab.errors import LabError

SECOND = 1_000_000_000
FEW_EXAMPLES = settings(max_examples=40)

segments = st.builds(
    Segment, seconds=st.floats(0.01, 20.0), begin=st.sampled_from([0.0, 0.5, 7.0, 100.0]), end=st.floats(0.1, 100.0)
)
profiles = st.lists(segments, min_size=1, max_size=5).map(tuple)
shapes = st.builds(profile, st.sampled_from(SHAPES), rate=st.floats(0.1, 500.0), seconds=st.floats(0.1, 10.0))
processes = st.builds(Arrivals, kind=st.sampled_from(KINDS), profile=profiles | shapes, seed=st.integers(0, 2**32 - 1))


def drawn(shape: str, *, kind: str = "constant", rate: float, seconds: float, seed: int = 0) -> NDArray[np.int64]:
    """The due times of a shape."""
    return due_times(Arrivals(kind=kind, profile=profile(shape, rate=rate, seconds=seconds), seed=seed))


def expected(levels: tuple[Segment, ...], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of a profile from its start to each of `at`, in seconds: trapezoids, written out once more."""
    total = np.zeros(len(at))
    start = 0.0
    for each in levels:
        inside = np.clip(at - start, 0.0, each.seconds)
        total += inside * (each.begin + (each.begin + (each.end - each.begin) * inside / each.seconds)) / 2
        start += each.seconds
    return total


@FEW_EXAMPLES
@given(arrivals=processes)
def test_due_times_ascend_inside_the_time(arrivals: Arrivals) -> None:
    """No arrival is due before the start, before the one ahead of it, or after the end, whatever the profile."""
    due = due_times(arrivals)
    assert due.dtype == np.int64
    assert (np.diff(due) >= 0).all()
    assert ((due >= 0) & (due <= round(arrivals.seconds * SECOND))).all()


@FEW_EXAMPLES
@given(levels=profiles | shapes)
def test_constant_arrivals_follow_the_integral_at_every_moment(levels: tuple[Segment, ...]) -> None:
    """Arrival k is due where the integral of the profile is k, to within the nanosecond that times are rounded to."""
    due = due_times(Arrivals(kind="constant", profile=levels, seed=0))
    highest = max(max(each.begin, each.end) for each in levels)
    off = expected(levels, due / SECOND) - np.arange(len(due))
    # Where the level is zero the integral stands still, and its inverse is known less well than to a nanosecond.
    assert np.abs(off).max(initial=0.0) <= highest * 1e-9 + 1e-7


@given(
    shape=st.sampled_from([("steady", 1, 1), ("ramp", 11, 20), ("spike", 7, 5), ("ladder", 3, 5)]),
    rate=st.integers(1, 2000),
    seconds=st.integers(1, 20),
)
def test_constant_arrivals_are_as_many_as_the_integral(shape: tuple[str, int, int], rate: int, seconds: int) -> None:
    """There is one arrival for each whole number from zero that is below the integral: its ceiling, exactly."""
    name, times, over = shape
    assert len(drawn(name, rate=rate, seconds=seconds)) == -(-rate * seconds * times // over)


def test_millions_of_arrivals_are_not_one_too_many() -> None:
    """Where rounding lifts the integral above a whole number, nothing is added at the very end."""
    spike = profile("spike", rate=11_300, seconds=464)
    assert sum(each.seconds * each.begin for each in spike) > 7_340_480
    assert len(due_times(Arrivals(kind="constant", profile=spike, seed=0))) == 7_340_480


@given(rate=st.integers(1, 50_000), seconds=st.integers(1, 3600))
def test_steady_constant_gaps_are_exact(rate: int, seconds: int) -> None:
    """Arrival k is due at k / rate rounded to 1 ns, an hour later too, and so every gap is within 1 ns of 1 / rate."""
    seconds = min(seconds, max(20_000 // rate, 1))
    due = drawn("steady", rate=rate, seconds=seconds)
    # In whole numbers: no rounding of the test's own.
    assert (2 * np.abs(due * rate - np.arange(rate * seconds) * SECOND) <= rate).all()
    assert (np.abs(np.diff(due) * rate - SECOND) <= rate).all()


@pytest.mark.parametrize(
    ("shape", "edges", "counts"),
    [
        ("steady", (0, 10, 20), (1000, 1000)),
        ("ramp", (0, 10, 20), (325, 775)),
        ("spike", (0, 8, 12, 20), (800, 1200, 800)),
        ("ladder", (0, 4, 8, 12, 16, 20), (80, 160, 240, 320, 400)),
    ],
)
def test_each_part_of_a_shape_has_its_density(shape: str, edges: tuple[int, ...], counts: tuple[int, ...]) -> None:
    """At 100/s for 20 s every part has its area: exactly with constant arrivals, within 4 sigma with Poisson ones."""
    marks = np.array(edges) * SECOND
    assert np.histogram(drawn(shape, rate=100, seconds=20), marks)[0].tolist() == list(counts)
    for seed in range(5):
        seen = np.histogram(drawn(shape, kind="poisson", rate=100, seconds=20, seed=seed), marks)[0]
        assert (np.abs(seen - counts) < 4 * np.sqrt(counts)).all()


@pytest.mark.parametrize("seed", range(4))
def test_poisson_gaps_are_exponential(seed: int) -> None:
    """The gaps of a steady Poisson process pass a Kolmogorov-Smirnov test, which constant arrivals fail."""
    gaps = np.diff(drawn("steady", kind="poisson", rate=1000, seconds=20, seed=seed)) / SECOND
    assert len(gaps) > 19_000
    assert stats.kstest(gaps, stats.expon(scale=1 / 1000).cdf).pvalue > 0.01
    assert stats.kstest(np.diff(drawn("steady", rate=1000, seconds=20)), stats.expon(scale=1e6).cdf).pvalue < 1e-9


@pytest.mark.parametrize("shape", SHAPES)
def test_poisson_arrivals_are_spread_as_the_profile(shape: str) -> None:
    """However many there are, they lie as draws from the profile do (Kolmogorov-Smirnov), within its parts too."""
    levels = profile(shape, rate=1000, seconds=10)
    due = due_times(Arrivals(kind="poisson", profile=levels, seed=11)) / SECOND
    assert stats.kstest(expected(levels, due) / expected(levels, np.array([10.0])), "uniform").pvalue > 0.01


def test_poisson_counts_vary_as_a_poisson_process_does() -> None:
    """Over seeds, the count in a second has its mean for variance, and knows nothing of the count in the next."""
    first, second = np.transpose([
        np.histogram(drawn("steady", kind="poisson", rate=40, seconds=2, seed=seed), np.arange(3) * SECOND)[0]
        for seed in range(600)
    ])  # fmt: skip
    # Standard errors: of a mean 0.26, of a variance ratio 0.06, of a correlation 0.04.
    assert np.mean(first) == pytest.approx(40, abs=1.0)
    assert np.var(first) / 40 == pytest.approx(1, abs=0.2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.16


@FEW_EXAMPLES
@given(arrivals=processes)
def test_the_seed_decides(arrivals: Arrivals) -> None:
    """The same process drawn twice, in whatever order, is the same to the nanosecond."""
    due = due_times(arrivals)
    due_times(Arrivals(kind="poisson", profile=arrivals.profile, seed=arrivals.seed + 1))
    assert np.array_equal(due, due_times(arrivals))


def test_another_seed_gives_other_poisson_times() -> None:
    """Twenty seeds give twenty first arrivals; constant arrivals have no use for a seed."""
    assert len({int(drawn("steady", kind="poisson", rate=100, seconds=10, seed=seed)[0]) for seed in range(20)}) == 20
    assert np.array_equal(drawn("ramp", rate=100, seconds=10, seed=1), drawn("ramp", rate=100, seconds=10, seed=2))


@given(count=st.integers(0, 400), workers=st.integers(1, 20))
def test_shares_are_disjoint_and_their_union_is_the_process(count: int, workers: int) -> None:
    """Every arrival is in exactly one worker's share, and no share is more than one longer than another."""
    due = np.arange(count) * 1_000
    shares = [share(due, worker=worker, workers=workers) for worker in range(workers)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all((np.diff(each) > 0).all() for each in shares)


def test_workers_send_what_one_would() -> None:
    """The due times of three workers' shares, put together, are those of the Poisson process that one would send."""
    due = drawn("spike", kind="poisson", rate=200, seconds=5, seed=3)
    parts = [due[share(due, worker=worker, workers=3)] for worker in range(3)]
    assert np.array_equal(np.sort(np.concatenate(parts)), due)


@pytest.mark.parametrize(
    ("shape", "levels"),
    [
        ("steady", {0.0: 10.0, 5.0: 10.0, 9.999: 10.0, 10.0: None}),
        ("ramp", {0.0: 1.0, 5.0: 5.5, 10.0: None, 11.0: None}),
        ("spike", {0.0: 10.0, 3.999: 10.0, 4.0: 30.0, 5.999: 30.0, 6.0: 10.0, 10.0: None}),
        ("ladder", {0.0: 2.0, 1.999: 2.0, 2.0: 4.0, 4.0: 6.0, 6.0: 8.0, 8.0: 10.0, 9.999: 10.0, 10.0: None}),
    ],
)
def test_the_level_at_a_boundary_is_that_of_what_begins(shape: str, levels: dict[float, float | None]) -> None:
    """A part has its beginning and not its end; at the end of the last one, and after it, there is no level."""
    parts = profile(shape, rate=10, seconds=10)
    assert {at: level(parts, at) for at in levels} == levels


def test_the_level_reaches_the_end_of_a_slope() -> None:
    """Just before its end a slope is at its end's level, whether it climbs or falls; a profile of nothing has none."""
    both = (Segment(seconds=2, begin=0, end=8), Segment(seconds=2, begin=8, end=0))
    assert [level(both, at) for at in (0, 1, 2, 3, 4)] == [0, 4, 8, 4, None]
    assert level(both, np.nextafter(2, 0)) == pytest.approx(8)
    assert level(both, np.nextafter(4, 0)) == pytest.approx(0)
    assert level((), 0.0) is None


@pytest.mark.parametrize(("shape", "mean"), [("steady", 100.0), ("ramp", 55.0), ("spike", 140.0), ("ladder", 60.0)])
def test_a_process_knows_its_length_and_mean_rate(shape: str, mean: float) -> None:
    """`rate` is arrivals per second over the whole of it: what a shape offers, not its usual level."""
    arrivals = Arrivals(kind="constant", profile=profile(shape, rate=100, seconds=20), seed=0)
    assert arrivals.seconds == pytest.approx(20)
    assert arrivals.rate == pytest.approx(mean)
    assert len(due_times(arrivals)) == mean * 20


def test_a_ladder_climbs_in_equal_steps() -> None:
    """Five rungs of equal time, each as much above the last, the fifth at the level that was asked for."""
    rungs = profile("ladder", rate=50, seconds=10)
    assert [each.begin for each in rungs] == [10, 20, 30, 40, 50]
    assert all(after.begin > before.end for before, after in pairwise(rungs))
    assert {each.seconds for each in rungs} == {2}


def test_an_unknown_shape_is_refused() -> None:
    """A shape that there is not is named, shortened, with those that there are."""
    with pytest.raises(LabError, match="there is no load shape 'wave'") as refused:
        profile("wave", rate=1, seconds=1)
    assert refused.value.hint == "choose one of steady, ramp, spike, ladder"
    with pytest.raises(LabError) as refused:
        profile("w" * 1000, rate=1, seconds=1)
    assert len(refused.value.what) < 80


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_arrivals_are_refused(kind: str) -> None:
    """A schedule that memory would not hold is refused before any of it is drawn."""
    with pytest.raises(LabError, match="50,000,001 arrivals are too many for one schedule"):
        drawn("steady", kind=kind, rate=MOST + 1, seconds=1)
    with pytest.raises(LabError) as refused:
        drawn("spike", kind=kind, rate=1e12, seconds=3600)
    assert refused.value.hint == "ask for less time or a lower rate"
