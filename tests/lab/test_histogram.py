"""Histograms give the percentiles of the raw samples, add up exactly, and are read by others."""

import base64
import struct
import zlib
from collections import Counter
from fractions import Fraction
from itertools import chain
from math import ceil

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.histogram import HIGHEST, Histogram, merged

SHARES = (0.0, 0.001, 0.07, 0.25, 0.5, 0.7, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
FAMILIES = ("exponential", "lognormal", "pareto", "uniform", "two peaks", "equal")
FEW_EXAMPLES = settings(max_examples=60)

durations = st.lists(st.integers(0, HIGHEST) | st.integers(0, 5000) | st.integers(0, 41).map(lambda power: 2**power))
families = st.builds(
    lambda family, scale, count, seed: sampled(family, scale=scale, count=count, seed=seed),
    st.sampled_from(FAMILIES),
    st.sampled_from([3.0, 1e3, 1e5, 4e6, 1e9, 1e11]),
    st.integers(1, 3000),
    st.integers(0, 2**32 - 1),
)


def sampled(family: str, *, scale: float, count: int, seed: int) -> NDArray[np.int64]:
    """Durations in nanoseconds, none above an hour; those of `pareto` have no variance, and nearly no mean."""
    random = np.random.default_rng(seed)
    values = {
        "exponential": random.exponential(size=count),
        "lognormal": random.lognormal(sigma=1.5, size=count),
        "pareto": random.pareto(1.1, size=count),
        "uniform": random.random(count),
        "two peaks": random.normal(np.where(random.random(count) < 0.97, 1, 300), 0.05),
        "equal": np.ones(count),
    }[family]
    return np.clip(values * scale, 0, HIGHEST).astype(np.int64)


def histogram(values: NDArray[np.int64] | list[int]) -> Histogram:
    """One that saw all `values` at once."""
    made = Histogram()
    made.add(np.array(values, dtype=np.int64))
    return made


def nearest_rank(ascending: NDArray[np.int64], share: float) -> int:
    """The percentile's definition: the value of rank ceil(share * n), where a share is the decimal that is written."""
    return int(ascending[max(ceil(Fraction(str(share)) * len(ascending)), 1) - 1])


def read(encoded: bytes) -> tuple[dict[str, int], Counter[int]]:
    """What an encoded histogram holds, by the format's description alone: its settings, and counts by bucket.

    HdrHistogram, V2: base64 of a cookie, a length and zlib; inside, a header and counts as ZigZag LEB128 where a
    negative number is so many empty buckets. The ninth byte of a number has eight bits.
    """
    outer = base64.b64decode(encoded, validate=True)
    cookie, length = struct.unpack(">II", outer[:8])
    assert (cookie & ~0xF0, length) == (0x1C849304, len(outer) - 8)
    inner = zlib.decompress(outer[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack(">IIIIQQd", inner[:40])
    assert (cookie & ~0xF0, length, offset, ratio) == (0x1C849303, len(inner) - 40, 0, 1.0)
    counts: Counter[int] = Counter()
    bucket = number = shift = 0
    for byte in inner[40:]:
        last = shift == 56 or byte < 0x80
        number |= (byte if shift == 56 else byte & 0x7F) << shift
        shift += 7
        if last:
            value = (number >> 1) ^ -(number & 1)
            if value > 0:
                counts[bucket] = value
            bucket += -value if value < 0 else 1
            number = shift = 0
    return {"digits": digits, "lowest": lowest, "highest": highest}, counts


def bucket_of(value: int) -> int:
    """The number of a value's bucket: below 2048 its own; above, 1024 for each doubling."""
    doubling = max(value.bit_length() - 11, 0)
    return doubling * 1024 + (value >> doubling)


def assert_percentiles(values: NDArray[np.int64] | list[int]) -> None:
    """Each percentile is within 0.1 % of that of the raw samples, and exact below 2048 ns."""
    ascending = np.sort(np.array(values, dtype=np.int64))
    for share, found in zip(SHARES, histogram(values).percentiles(SHARES), strict=True):
        exact = nearest_rank(ascending, share)
        assert found * 1e9 == pytest.approx(exact, rel=1e-12 if exact < 2048 else 0.001, abs=0)


@FEW_EXAMPLES
@given(values=families)
def test_percentiles_are_those_of_the_raw_samples(values: NDArray[np.int64]) -> None:
    """Within 0.1 % of the exact nearest-rank percentile, from one sample to thousands, heavy tails included."""
    assert_percentiles(values)


@FEW_EXAMPLES
@given(values=durations.filter(bool))
def test_percentiles_of_any_durations_are_right(values: list[int]) -> None:
    """The same for any list of durations from nothing to an hour, bucket boundaries included."""
    assert_percentiles(values)


@pytest.mark.parametrize("family", FAMILIES)
def test_percentiles_of_many_samples_are_right(family: str) -> None:
    """The same for a quarter of a million samples of some milliseconds."""
    assert_percentiles(sampled(family, scale=4e6, count=250_000, seed=5))


@pytest.mark.parametrize("count", [1, 10, 20, 100, 1000])
def test_ranks_are_exact(count: int) -> None:
    """Among the values 1 to n, a percentile is its rank: 7 % of 100 is the 7th, though 0.07 * 100 is above 7."""
    found = histogram(list(range(1, count + 1))).percentiles([each / 100 for each in range(101)])
    assert [round(each * 1e9) for each in found] == [max(-(-each * count // 100), 1) for each in range(101)]


def test_one_percentile_is_one_of_many() -> None:
    """`percentile` and `percentiles` agree, in whatever order shares are asked for."""
    made = histogram(sampled("lognormal", scale=1e6, count=500, seed=1))
    shares = (0.99, 0.5, 1.0, 0.5)
    assert made.percentiles(shares) == tuple(made.percentile(each) for each in shares)
    assert made.percentiles(()) == ()


@FEW_EXAMPLES
@given(parts=st.lists(durations, max_size=6))
def test_merged_parts_are_the_histogram_that_saw_all(parts: list[list[int]]) -> None:
    """However samples are divided, the sum of the parts' histograms is that of all, encoded and asked alike."""
    whole = histogram(list(chain(*parts)))
    sent = [Histogram(histogram(part).encode()) for part in parts]
    for each in (merged(map(histogram, parts)), merged(sent)):
        assert each == whole
        assert each.count == sum(map(len, parts))
        assert each.percentiles(SHARES) == whole.percentiles(SHARES)
        assert each.encode() == whole.encode()


@given(batches=st.lists(durations, max_size=6))
def test_samples_may_come_in_batches(batches: list[list[int]]) -> None:
    """Counted a batch at a time, samples make the same histogram as all at once, in whatever order."""
    made = Histogram()
    for batch in reversed(batches):
        made.add(np.array(batch, dtype=np.int64))
    assert made == histogram(list(chain(*batches)))


def test_a_merge_leaves_the_other_as_it_was() -> None:
    """Only the one that is merged into changes, and what it took does not change with the other later."""
    one, other = histogram([5, 7_000_000]), histogram([9_000])
    one.merge(other)
    other.add(np.array([1]))
    assert one == histogram([5, 7_000_000, 9_000])
    assert other == histogram([1, 9_000])


def test_histograms_of_other_samples_differ() -> None:
    """Equality is that of every bucket: another count or a value of the next bucket is another histogram."""
    assert histogram([5_000]) != histogram([5_000, 5_000])
    assert histogram([4_096]) != histogram([4_100])
    assert histogram([4_096]) == histogram([4_099])
    assert histogram([]) != 0


@FEW_EXAMPLES
@given(values=durations)
def test_what_is_encoded_is_decoded(values: list[int]) -> None:
    """Encoding and decoding is the identity, and the decoded one takes further samples as the first would."""
    made = histogram(values)
    decoded = Histogram(made.encode())
    assert decoded == made
    assert decoded.count == len(values)
    assert decoded.encode() == made.encode()
    for each in (made, decoded):
        each.add(np.array([1, HIGHEST], dtype=np.int64))
    assert decoded == made


@FEW_EXAMPLES
@given(values=durations)
def test_the_format_is_that_of_other_libraries(values: list[int]) -> None:
    """A reader written from the format's description finds every sample in its bucket, and nothing else."""
    header, counts = read(histogram(values).encode())
    assert header == {"digits": 3, "lowest": 1, "highest": HIGHEST}
    assert counts == Counter(map(bucket_of, values))


def test_large_counts_are_encoded() -> None:
    """A bucket may hold more than 32 bits count, as a long test's sum of many does."""
    made = histogram([1_000_000])
    for _ in range(40):
        made.merge(Histogram(made.encode()))
    assert made.count == 2**40
    assert read(made.encode())[1] == {bucket_of(1_000_000): 2**40}
    assert Histogram(made.encode()) == made
    assert made.percentile(0.5) == pytest.approx(0.001, rel=0.001)


@FEW_EXAMPLES
@given(values=families)
def test_hdrh_itself_agrees(values: NDArray[np.int64]) -> None:
    """The library decodes what it would have made of the samples one by one, to the byte."""
    alone = HdrHistogram(1, HIGHEST, 3)
    for value in values.tolist():
        alone.record_value(value)
    encoded = histogram(values).encode()
    assert encoded == alone.encode()
    decoded = HdrHistogram.decode(encoded)
    assert decoded.get_total_count() == len(values)
    assert sum(decoded.get_count_at_value(value) for value in range(2048)) == (values < 2048).sum()
    assert decoded.get_value_at_percentile(100) == alone.get_highest_equivalent_value(int(values.max()))


def test_hdrh_finds_the_same_percentiles() -> None:
    """Where both definitions of a rank agree (1000 samples), the library's percentile is in the same bucket."""
    made = histogram(sampled("pareto", scale=4e6, count=1000, seed=2))
    decoded = HdrHistogram.decode(made.encode())
    for share in (0.1, 0.5, 0.9, 0.99, 0.999, 1.0):
        theirs = decoded.get_value_at_percentile(share * 100)
        assert decoded.values_are_equivalent(theirs, int(made.percentile(share) * 1e9))


def test_an_empty_histogram_is_zero() -> None:
    """Of nothing every percentile is 0; empty ones are equal, encode, decode and merge."""
    empty = Histogram()
    empty.add(np.zeros(0, dtype=np.int64))
    assert empty.count == 0
    assert empty.percentiles(SHARES) == (0.0,) * len(SHARES)
    assert empty.percentile(0.5) == 0.0
    assert Histogram(empty.encode()) == empty == merged([]) == merged([empty, Histogram()])
    assert read(empty.encode())[1] == {}
    other = histogram([3_000])
    other.merge(empty)
    assert other == histogram([3_000]) == merged([empty, other])


@given(below=st.lists(st.integers(-(2**63), -1), min_size=1))
def test_below_zero_counts_as_zero(below: list[int]) -> None:
    """A clock that went back, by however much, is a duration of nothing, not a lost sample."""
    assert histogram(below) == histogram([0] * len(below))
    assert histogram(below).count == len(below)
    assert histogram(below).percentile(1.0) == 0.0


@given(above=st.lists(st.integers(HIGHEST, 2**63 - 1), min_size=1))
def test_above_an_hour_counts_as_an_hour(above: list[int]) -> None:
    """What is longer than an hour is an hour, to within 0.1 %, and is not lost either."""
    assert histogram(above) == histogram([HIGHEST] * len(above))
    assert histogram(above).count == len(above)
    assert histogram(above).percentile(0.5) == pytest.approx(3600, rel=0.001)


def test_samples_are_left_as_they_are() -> None:
    """What is added may be read-only memory, as a recorder's array is, and stays unchanged."""
    values = np.array([-1, 5_000, 2**62])
    values.flags.writeable = False
    Histogram().add(values)
    assert values.tolist() == [-1, 5_000, 2**62]
