"""What the lab itself spends: drawing the dataset, estimating effects, counting latencies."""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from fixtures.population.tables import tables
from fixtures.sizes import SIZES
from lab import rare
from lab.effect import estimate
from lab.histogram import Histogram


def test_dataset_generator(benchmark: BenchmarkFixture) -> None:
    """All rows of `small`, drawn and in columns; nothing is sent."""
    assert benchmark(lambda: sum(1 for _ in tables(SIZES["small"], seed=1))) > 0


def test_effect_estimator(benchmark: BenchmarkFixture) -> None:
    """Twelve effects from eight blocks, their bounds holding at once."""
    blocks = np.random.default_rng(1).normal(0.0, 0.01, (8, 12))
    assert len(benchmark(lambda: estimate(blocks, seed=1))) == 12


def test_bounds_of_the_few(benchmark: BenchmarkFixture) -> None:
    """One comparison's exact bounds."""
    found = rare.Discordant(candidate=9, reference=1, pairs=1000)
    assert benchmark(lambda: rare.few(found, alpha=0.005, blocks=8, simultaneous=6))


def test_histogram(benchmark: BenchmarkFixture) -> None:
    """A hundred thousand durations."""
    durations = np.random.default_rng(1).integers(1_000_000, 500_000_000, 100_000)

    def counted() -> Histogram:
        histogram = Histogram()
        histogram.add(durations)
        return histogram

    assert benchmark(counted).percentile(0.5) > 0
