"""The lab's own theory of a queue is that of the tests."""

import numpy as np
import pytest

from lab.clock import lindley
from lab.clock_bench import percentile
from tests.truth import theory

MS = 1_000_000


@pytest.mark.parametrize("service", [0, 1 * MS, 7 * MS])
@pytest.mark.parametrize("seed", range(5))
def test_lindley_is_that_of_the_reference(seed, service):
    """Without freezes and with periodic ones, two derivations of the queue agree to the nanosecond."""
    due = np.cumsum(np.random.default_rng(seed).integers(0, 10 * MS, 2000))
    services = np.full(len(due), service)
    assert (lindley(due, service=service, freezes=[]) == theory.lindley(due, services)).all()
    freeze, every, origin = 50 * MS, 500 * MS, int(due[0])
    freezes = [(origin + (n + 1) * every - freeze, origin + (n + 1) * every) for n in range(60)]
    expected = theory.frozen(due, services, freeze=freeze, every=every, origin=origin)
    assert int(expected[-1]) < freezes[-1][1]
    assert (lindley(due, service=service, freezes=freezes) == expected).all()


def test_lindley_by_hand():
    """Work in service pauses for a freeze; what comes within one waits for its end."""
    due = np.array([0, 8, 12, 30])
    assert lindley(due, service=5, freezes=[(10, 20)]).tolist() == [5, 23, 28, 35]
    assert lindley(np.array([10, 19, 20]), service=0, freezes=[(10, 20)]).tolist() == [20, 20, 20]


@pytest.mark.parametrize("share", [0.001, 0.07, 0.5, 0.501, 0.99, 0.999, 1.0])
def test_percentile_is_that_of_the_reference(share):
    """Both are the nearest rank."""
    values = np.random.default_rng(1).integers(0, 10**9, 1000)
    assert percentile(values, share) == theory.percentile(values, share)
