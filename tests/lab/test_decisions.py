"""The code that decides, on simulated blocks: how often it cries wolf, and how often its intervals hold the truth.

Requests drift together (a first-order autoregression common to both arms), some meet a spike that falls on either arm,
and their times have heavy tails; blocks are independent, as fresh processes are.
"""

from math import log

import numpy as np
import pytest

from lab.comparisons import Comparisons
from lab.derive import planned_cells
from lab.experiment import Experiment, Server
from lab.findings import Effect
from lab.summary import BlockTimes, cell_times

BLOCKS, PASSES = 12, 40
SERVICE = 0.008

pytestmark = pytest.mark.slow


def experiment(operations: int) -> Experiment:
    """Base and head, at one setting, through both faces."""
    return Experiment(
        name="gate", question="?", operations=tuple(f"x:OPERATION_{number}" for number in range(operations)),
        servers=(Server(name="base"), Server(name="head")),
    )  # fmt: skip


def block(random: np.random.Generator, *, index: int, cells: int, slower: dict[int, float]) -> BlockTimes:
    """One block: (passes, cells) of seconds; `slower` cells take so many times as long."""
    drift = np.zeros(PASSES)
    for number in range(1, PASSES):
        drift[number] = 0.9 * drift[number - 1] + random.normal(0, 0.02)
    own = random.normal(0, 0.007, cells)
    noise = 0.03 * random.standard_t(3, (PASSES, cells))
    spikes = np.where(random.random((PASSES, cells)) < 0.004, 4.0, 1.0)
    ratios = np.array([slower.get(cell, 1.0) for cell in range(cells)])
    seconds = SERVICE * np.exp(drift[:, None] + own + noise) * spikes * ratios
    return BlockTimes(index=index, seconds=seconds, failures=np.zeros(cells, dtype=np.int64))


def effects(random: np.random.Generator, *, operations: int, ratio: float, seed: int) -> tuple[Effect, ...]:
    """What a gate would say where the head takes `ratio` times as long, its confirmation included."""
    own = experiment(operations)
    names = tuple(f"operation_{number}" for number in range(operations))
    cells = [cell for cell in planned_cells(own, operations=names) if cell.arm]
    slower = {cell.index: ratio for cell in cells if cell.arm and cell.arm.server == "head"}
    blocks = [block(random, index=index, cells=len(cells), slower=slower) for index in range(BLOCKS + BLOCKS // 2)]
    return Comparisons(
        experiment=own, operations=names, blocks=blocks[:BLOCKS], confirming=blocks[BLOCKS:],
        numbers={(cell.operation, cell.arm): cell.index for cell in cells if cell.arm},
        times={cell.index: cell_times(blocks[:BLOCKS], cell=cell.index) for cell in cells},
        unusable=frozenset(), floors={}, seed=seed,
    ).effects()  # fmt: skip


@pytest.mark.parametrize(("gates", "most"), [(100, 2), pytest.param(200, 4, marks=pytest.mark.nightly)])
def test_unchanged_code_raises_no_alarm(gates: int, most: int) -> None:
    """Of 100 whole gates (six comparisons of three numbers) at most two call anything changed, at 2 %."""
    random = np.random.default_rng(1)
    alarms = 0
    for trial in range(gates):
        words = {effect.verdict for effect in effects(random, operations=3, ratio=1.0, seed=trial)}
        alarms += bool(words & {"slower", "faster"})
    assert alarms <= most


@pytest.mark.parametrize(
    ("ratio", "runs", "within"),
    [
        (1.0, 200, 0.035),
        *(pytest.param(ratio, 600, 0.02, marks=pytest.mark.nightly) for ratio in (1.0, 1.03)),
    ],
)
def test_intervals_hold_the_truth_in_95_of_100_runs(ratio: float, runs: int, within: float) -> None:
    """All intervals of a run at once, typical and total, hold the planted ratio in 95 % of runs, within chance."""
    random = np.random.default_rng(2)
    held = []
    for trial in range(runs):
        found = effects(random, operations=1, ratio=ratio, seed=trial)
        intervals = [each for effect in found for each in (effect.typical, effect.total) if each]
        assert len(intervals) == 4
        held.append(all(each.low <= ratio <= each.high for each in intervals))
    assert abs(np.mean(held) - 0.95) <= within


def test_a_slow_down_of_ten_percent_is_always_seen() -> None:
    """Fifty gates of one operation, fifty regressions, both faces."""
    random = np.random.default_rng(3)
    for trial in range(50):
        found = effects(random, operations=1, ratio=1.10, seed=trial)
        assert [effect.verdict for effect in found] == ["slower", "slower"]
        assert all(abs(log(effect.typical.estimate / 1.10)) < 0.03 for effect in found)
