"""What is told of runs that were killed: each thing that is left behind makes its row fail."""

from dataclasses import replace

import pytest

from lab.calibrate_kills import rows
from lab.kills import Kill, kills

CLEAN = Kill(
    run="null", how="SIGKILL", at=3.0, ended=0.4, orphans=0, busy_ports=0, damaged=0, lost=0.3, resumed=True
)  # fmt: skip


def test_clean_ends_keep_every_bound() -> None:
    """The rows say how many ends there were, of which kind, and the worst that was seen."""
    found = rows([CLEAN, replace(CLEAN, how="SIGINT", ended=2.0, lost=None, resumed=None)])
    assert all(check.holds for check in found)
    assert "2 runs ended at random moments (1 by SIGKILL, 1 by SIGINT)" in found[0].what
    assert "all had ended after 2.00 s" in found[0].seen
    assert found[1].seen == "at most 300 ms, 1 ends"


@pytest.mark.parametrize(
    ("left", "row"),
    [({"orphans": 1}, 0), ({"busy_ports": 1}, 0), ({"damaged": 1}, 0), ({"lost": 1.1}, 1), ({"resumed": False}, 2)],
)
def test_whatever_is_left_fails_its_row(left: dict[str, float], row: int) -> None:
    """One of many is enough."""
    found = rows([CLEAN, replace(CLEAN, **left), CLEAN])  # type: ignore[arg-type]
    assert [check.holds for check in found] == [number != row for number in range(3)]


def test_no_kill_is_no_loss() -> None:
    """Where no end met a block that was being measured, that is said, and nothing is claimed."""
    assert rows([replace(CLEAN, lost=None)])[1].seen == "none was ended so"
    assert list(kills(0, resumes=0, seed=1, note=print)) == []
