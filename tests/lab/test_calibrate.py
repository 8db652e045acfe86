"""A calibration's rows count only where the host left the machine alone, whatever they say."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lab.calibrate import TRIES, _undisturbed
from lab.load_findings import Check


def measured(*, steals: Sequence[float], holds: bool) -> tuple[list[Check], int]:
    """What becomes of a row whose tries met so much steal each, and how many tries there were."""
    bench: Any = SimpleNamespace(reports=[])

    def measure(own: Any) -> Iterator[Check]:
        own.reports.append(SimpleNamespace(steal=steals[len(own.reports)]))
        yield Check(what="a row", bound="some", seen=f"try {len(own.reports)}", holds=holds)

    return _undisturbed(measure, bench=bench), len(bench.reports)


@pytest.mark.parametrize("holds", [True, False])
def test_a_disturbed_try_is_made_again_whatever_it_said(*, holds: bool) -> None:
    """The first try that was left alone counts, also where it does not hold."""
    [check], tries = measured(steals=(0.2, 0.01, 0.0), holds=holds)
    assert (check.seen, check.holds, tries) == ("try 2", holds, 2)


def test_a_row_that_was_always_disturbed_is_void() -> None:
    """It says neither yes nor no, and why."""
    [check], tries = measured(steals=(0.2, 0.3, 0.17), holds=True)
    assert (check.holds, tries) == (None, TRIES)
    assert check.seen == "try 3; void, the host took 17% of the CPU in one of its loads, and so in 3 tries"
