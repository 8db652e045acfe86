"""A run under load is planned by capacities and a seed: all arms meet the same loads, each block's order is drawn."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.arrivals import due_times
from lab.experiment import LoadDesign
from lab.load_plan import LEAST_SECONDS, ROUNDS, pilot_loads, plan_loads, trial_of

DESIGN = LoadDesign(walk="a:B", users=(1, 8), shares=(0.5, 1.1), common=0.7)
rates = st.floats(min_value=0.5, max_value=5000.0)


@given(capacities=st.dictionaries(st.integers(0, 7), rates, min_size=1), seed=st.integers(0, 2**31))
def test_every_block_has_every_load_once_step_by_step(capacities: dict[int, float], seed: int) -> None:
    """A block is a permutation of all loads in which a step's arms follow each other; another block has another."""
    plan = plan_loads(DESIGN, capacities=capacities, arms=8, seed=seed)
    assert len(plan.loads) == len(capacities) * 5
    for index in range(plan.blocks):
        block = plan.block(index)
        assert sorted(map(repr, block)) == sorted(map(repr, plan.loads))
        assert block == plan.block(index)
        steps = [step for step, _ in groupby(block, key=lambda load: load.step)]
        assert len(steps) == len(set(steps)) == 5


@given(capacities=st.dictionaries(st.integers(0, 7), rates, min_size=1))
def test_levels_are_users_shares_and_one_common_rate(capacities: dict[int, float]) -> None:
    """Open loads are at shares of the arm's own capacity, and at one share of the slowest arm's."""
    plan = plan_loads(DESIGN, capacities=capacities, arms=8, seed=1)
    for load in plan.loads:
        capacity, slowest = capacities[load.arm], min(capacities.values())
        wanted = {
            "1 user": 1, "8 users": 8, "50 % of its own capacity": 0.5 * capacity,
            "110 % of its own capacity": 1.1 * capacity, "one common rate": 0.7 * slowest,
        }  # fmt: skip
        assert load.level == pytest.approx(wanted[load.step])
        assert load.seconds > 0


@given(capacity=rates)
def test_closed_users_are_answered_more_than_once(capacity: float) -> None:
    """Each user is answered at least `ROUNDS` times in the time that counts, and once before it."""
    for load in plan_loads(DESIGN, capacities={0: capacity}, arms=1, seed=1).loads:
        if load.kind == "closed":
            assert load.seconds * capacity >= ROUNDS * load.level * (1 - 1e-9)
            assert load.warm_seconds * capacity >= load.level * (1 - 1e-9)


def test_an_arm_without_a_capacity_has_no_load() -> None:
    """What answered nothing right in the pilot is not loaded, and does not set the common rate."""
    plan = plan_loads(DESIGN, capacities={0: 0.0, 1: 40.0}, arms=3, seed=1)
    assert plan.capacities == (0.0, 40.0, 0.0)
    assert {load.arm for load in plan.loads} == {1}
    assert plan.loads[-1].level == pytest.approx(28.0)


@pytest.mark.parametrize("budget", [60.0, 300.0])
def test_a_budget_sets_how_long_trials_are(budget: float) -> None:
    """With a budget the blocks take about so long, unless trials would be shorter than the least."""
    plan = plan_loads(
        LoadDesign(walk="a:B", shares=(0.5,), enough=10**6), capacities={0: 50.0, 1: 60.0}, arms=2, seed=1,
        budget=budget,
    )  # fmt: skip
    assert plan.seconds == pytest.approx(budget)
    short = plan_loads(DESIGN, capacities={0: 5000.0}, arms=1, seed=1, budget=1.0)
    assert min(load.seconds for load in short.loads) == LEAST_SECONDS


def test_arms_meet_the_same_arrivals() -> None:
    """Two arms at one rate are asked for the same things at the same times; another block draws others."""
    first, second = plan_loads(
        LoadDesign(walk="a:B", common=0.5), capacities={0: 100.0, 1: 100.0}, arms=2, seed=1
    ).loads  # fmt: skip
    one, two, other = (
        trial_of(load, sequence=tuple(range(10)), seed=seed)
        for load, seed in ((first, "0/x"), (second, "0/x"), (first, "1/x"))
    )
    assert one.arrivals
    assert two.arrivals
    assert other.arrivals
    assert one.sequence == two.sequence
    assert due_times(one.arrivals).tolist() == due_times(two.arrivals).tolist() != due_times(other.arrivals).tolist()
    assert sorted(one.sequence) == list(range(10))


def test_the_pilot_is_closed() -> None:
    """One load for every arm that can be loaded, all alike."""
    loads = pilot_loads(DESIGN, arms=(0, 2))
    assert [(load.arm, load.kind, load.level) for load in loads] == [(0, "closed", 8), (2, "closed", 8)]
    assert trial_of(loads[0], sequence=(0,), seed="x").arrivals is None
