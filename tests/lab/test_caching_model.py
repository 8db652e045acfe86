"""The model of a cache gives what a simulated one does, and the replay is one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.caching_model import lifetime_hits, most_writes, replayed, written_hits, zipf

Array = NDArray[np.float64]
exponents = st.floats(min_value=0.0, max_value=3.0)
rates = st.floats(min_value=0.01, max_value=200.0)
lives = st.floats(min_value=0.1, max_value=60.0)


def arrivals(random: np.random.Generator, *, rate: float, seconds: float) -> Array:
    """Poisson arrivals from 0 on."""
    count = random.poisson(rate * seconds)
    return np.sort(random.uniform(0.0, seconds, count))


def plain(keys: list[int], times: Array, *, ttl: float) -> list[bool]:
    """A cache that computes in no time, in as few words as it takes."""
    until: dict[int, float] = {}
    hits = []
    for key, now in zip(keys, times, strict=True):
        hits.append(now < until.get(key, -1.0))
        if not hits[-1]:
            until[key] = now + ttl
    return hits


@given(count=st.integers(1, 500), exponent=exponents)
def test_zipf_shares_are_a_distribution_that_falls(count: int, exponent: float) -> None:
    """They sum to one, and the k-th is to the first as k^-exponent to one."""
    shares = zipf(count, exponent=exponent)
    assert shares.sum() == pytest.approx(1.0)
    assert shares / shares[0] == pytest.approx(np.arange(1, count + 1) ** -exponent)


@given(rate=rates, ttl=lives)
def test_more_requests_or_a_longer_life_hit_more(rate: float, ttl: float) -> None:
    """The share of hits lies between 0 and 1, grows with both, and computing lowers it."""
    here = lifetime_hits(np.array([rate, 2 * rate]), ttl=ttl)
    longer, slower = lifetime_hits(np.array([rate]), ttl=2 * ttl), lifetime_hits(np.array([rate]), ttl=ttl, compute=0.1)
    assert 0 < slower[0] < here[0] < here[1] < 1
    assert here[0] == pytest.approx(rate * ttl / (1 + rate * ttl))
    assert longer[0] == pytest.approx(here[1])


@pytest.mark.parametrize("exponent", [0.6, 0.8, 1.0, 1.2])
def test_the_closed_form_is_what_a_simulated_cache_does(exponent: float) -> None:
    """Over 200,000 requests for 50 keys both agree within half a point, whatever the popularity."""
    random = np.random.default_rng(7)
    shares, rate, ttl = zipf(50, exponent=exponent), 20.0, 1.0
    times = arrivals(random, rate=rate, seconds=10_000.0)
    keys = random.choice(50, size=len(times), p=shares)
    hits = plain(keys.tolist(), times, ttl=ttl)
    model = float((shares * lifetime_hits(shares * rate, ttl=ttl)).sum())
    assert float(np.mean(hits)) == pytest.approx(model, abs=0.005)


def test_computing_lowers_the_hit_rate_as_the_corrected_form_says() -> None:
    """Where a miss takes a fifth of the life, who asks meanwhile misses too."""
    random = np.random.default_rng(8)
    times = arrivals(random, rate=5.0, seconds=20_000.0)
    keys = np.zeros(len(times), dtype=np.int64)
    hits = replayed(keys, sent=times, done=times + 0.2, ttl=1.0)
    # Each of several misses begins the life anew, so that it ends a little later than after the first one.
    corrected = lifetime_hits(np.array([5.0]), ttl=1.0, compute=0.2)[0]
    assert corrected < float(hits.mean()) < corrected + 0.03
    assert float(hits.mean()) < lifetime_hits(np.array([5.0]), ttl=1.0)[0]


@pytest.mark.parametrize("exponent", [0.6, 1.2])
def test_the_model_of_short_trials_leans_to_neither_side(exponent: float) -> None:
    """Over 400 trials of ten lives, of which the first two are left out, it is right within half a point on average."""
    random = np.random.default_rng(9)
    shares, apart = zipf(40, exponent=exponent), []
    for _ in range(400):
        times = arrivals(random, rate=20.0, seconds=10.0)
        keys = random.choice(40, size=len(times), p=shares)
        late = times >= 2.0
        hits = np.array(plain(keys.tolist(), times, ttl=1.0))
        expected = lifetime_hits(len(times) / 10.0 * shares, ttl=1.0)[keys]
        apart.append(hits[late].mean() - expected[late].mean())
    assert abs(float(np.mean(apart))) < 0.005


@given(seed=st.integers(0, 2**32), ttl=lives, count=st.integers(1, 20))
def test_a_replay_without_computing_is_a_plain_cache(seed: int, ttl: float, count: int) -> None:
    """Any requests in any order: the same ones hit."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.exponential(0.5, 200))
    keys = random.integers(0, count, 200)
    expected = np.array(plain(keys.tolist(), times, ttl=ttl))
    order = random.permutation(200)
    hits = replayed(keys[order], sent=times[order], done=times[order], ttl=ttl)
    assert hits.tolist() == expected[order].tolist()


def test_a_write_ends_every_answer_that_was_asked_for_before_it() -> None:
    """Also one that comes later: it was computed of older rows."""
    keys = np.array([1, 1, 2, 2, 1, 1], dtype=np.int64)
    sent = np.array([0.0, 1.0, 1.4, 3.0, 3.1, 4.0])
    done = np.array([0.5, 1.1, 2.6, 3.5, 3.6, 4.1])
    hits = replayed(keys, sent=sent, done=done, writes=[2.0])
    assert hits.tolist() == [False, True, False, False, False, True]


@given(writes=st.floats(min_value=0.001, max_value=0.9), exponent=exponents, faces=st.integers(1, 2))
def test_writes_lower_the_hit_rate(writes: float, exponent: float, faces: int) -> None:
    """More of them, or sharing the reads with another face's cache, lower it; none at all leave every read a hit."""
    shares = zipf(30, exponent=exponent)
    here = written_hits(shares, writes=writes, faces=faces)
    assert 0 < here < 1
    assert written_hits(shares, writes=writes + 0.05, faces=faces) < here
    assert written_hits(shares, writes=writes, faces=faces + 1) < here
    assert written_hits(shares, writes=0.0, faces=faces) == 1.0


def test_the_hit_rate_under_writes_is_what_a_simulation_gives() -> None:
    """Of 200,000 requests a tenth are writes: both agree within half a point."""
    random = np.random.default_rng(10)
    shares = zipf(40, exponent=1.0)
    is_write = random.random(200_000) < 0.1
    times = np.arange(200_000, dtype=np.float64)
    keys = random.choice(40, size=200_000, p=shares).astype(np.int64)
    reads = ~is_write
    hits = replayed(keys[reads], sent=times[reads], done=times[reads] + 0.5, writes=times[is_write].tolist())
    assert float(hits.mean()) == pytest.approx(written_hits(shares, writes=0.1), abs=0.005)


@given(exponent=exponents, needed=st.floats(min_value=0.05, max_value=0.95))
def test_the_most_writes_give_just_the_hits_that_are_needed(exponent: float, needed: float) -> None:
    """Between none and all; at that share the hit rate is the one that is needed."""
    shares = zipf(30, exponent=exponent)
    most = most_writes(shares, needed=needed)
    assert 0 < most < 1
    assert written_hits(shares, writes=most) == pytest.approx(needed, abs=1e-6)
    assert most_writes(shares, needed=0.0) == 1.0
    assert most_writes(shares, needed=1.0) == pytest.approx(0.0, abs=1e-9)
