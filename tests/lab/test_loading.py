"""What is told of loads beside pgbench: the middle ratio counts, and each bound that is missed fails its row."""

import pytest

from lab.calibrate_loading import Turn, rows


def turn(ratio: float, *, ready: float = 9.0, kept: float = 1.0) -> Turn:
    """A turn in which pgbench loaded 200 MB/s."""
    return Turn(pgbench=200e6, ours=ratio * 200e6, ready=ready, kept=kept)


def test_the_middle_turn_is_told_with_the_range() -> None:
    """Ratio and speeds are medians; the slowest and the fastest turn stand beside them."""
    speed, memory, ready, kept = rows([turn(0.7), turn(0.9), turn(1.1)], memory=300_000_000, dataset="medium")
    assert speed.seen == "0.90 (0.70 to 1.10 in 3 turns): 180 and 200 MB/s"
    assert memory.seen == "300 MB"
    assert (ready.seen, kept.seen) == ("9.00 s, of 3 turns, the middle one", "1.00 s, of 3 turns, the middle one")
    assert all(check.holds for check in (speed, memory, ready, kept))
    assert len(rows([turn(0.9)], memory=1, dataset="large")) == 2


@pytest.mark.parametrize(
    ("found", "memory", "row"),
    [
        (turn(0.79), 1, 0), (turn(0.9), 600_000_001, 1), (turn(0.9, ready=25.1), 1, 2), (turn(0.9, kept=4.1), 1, 3),
    ],
)  # fmt: skip
def test_each_bound_that_is_missed_fails_its_row(found: Turn, memory: int, row: int) -> None:
    """Speed, memory, and both times are judged apart."""
    held = [check.holds for check in rows([found], memory=memory, dataset="medium")]
    assert held == [number != row for number in range(4)]
