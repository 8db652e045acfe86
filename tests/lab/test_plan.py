"""A plan shares its budget by precision, and its lists are balanced and the same for the same seed."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.experiment import Arm
from lab.plan import SLOW, Plan, PlannedCell, plan_block, plan_rounds, plan_run, seconds_of_block, turns


def cells(*times: float) -> list[PlannedCell]:
    """Cells of one operation with these pilot times, each of another variant."""
    arms = [Arm(server="target", face="rest", variant=(("knob", str(index)),)) for index in range(len(times))]
    return [
        PlannedCell(index=i, operation="list", face="rest", arm=arm, seconds=t)
        for i, (arm, t) in enumerate(zip(arms, times, strict=True))
    ]


def at_servers(*times: float) -> list[PlannedCell]:
    """Cells of one operation with these pilot times, each at another server."""
    arms = [Arm(server=str(place), face="rest", variant=()) for place in range(len(times))]
    return [replace(cell, arm=arm) for cell, arm in zip(cells(*times), arms, strict=True)]


def planned(*times: float, budget: float = 60.0, keys: int = 3) -> Plan:
    """A plan of eight blocks."""
    return plan_run(cells(*times), budget=budget, blocks=8, boot_seconds=2.0, keys=keys, seed=1)


def seconds_of(plan: Plan) -> float:
    """What the plan's measured passes take by the pilot times."""
    by_index = {cell.index: cell.seconds for cell in plan.cells}
    blocks = (plan_block(plan, index=index) for index in range(plan.blocks))
    return sum(by_index[ask.cell] for block in blocks for each in block.passes for ask in each)


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=30))
def test_a_plan_stays_within_its_budget(times: list[float]) -> None:
    """Measured passes take no more than the budget, or the least that a plan must do: two rounds a block."""
    plan = planned(*times)
    least = plan.rounds == 2
    assert seconds_of(plan) <= 60.0 or least


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=30))
def test_every_cell_is_measured_in_half_the_blocks_at_least(times: list[float]) -> None:
    """No cell is left out in silence: a slow one runs once a block, or in every second where slow ones take long."""
    plan = planned(*times)
    asked = Counter((i, ask.cell) for i in range(8) for each in plan_block(plan, index=i).passes for ask in each)
    slow = sum(cell.seconds for cell in plan.cells if cell.seconds > SLOW)
    assert plan.slow_every == (1 if slow <= 0.15 * plan.block_seconds else 2)
    for cell in plan.cells:
        blocks = {block for block, index in asked if index == cell.index}
        assert len(blocks) == (8 // plan.slow_every if cell.seconds > SLOW else 8)
        if cell.seconds > SLOW:
            assert all(asked[block, cell.index] == 1 for block in blocks)


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=20), st.integers(0, 7))
def test_any_two_cells_that_run_in_a_block_share_a_pass(times: list[float], index: int) -> None:
    """A comparison is made over passes in which both sides ran: there is always one."""
    passes = [{ask.cell for ask in each} for each in plan_block(planned(*times), index=index).passes]
    present = set().union(*passes)
    for pair in combinations(sorted(present), 2):
        assert any(set(pair) <= each for each in passes)


@pytest.mark.parametrize("times", [(0.01, 0.01, 0.01), (0.002, 0.01, 0.05, 0.2)])
def test_of_two_arms_each_is_first_as_often(times: tuple[float, ...]) -> None:
    """Orders come in pairs, there and back, for cells of any strides: what is left over is a pass or a few."""
    plan = planned(*times, budget=600.0)
    block = plan_block(plan, index=3)
    for one, other in combinations(range(len(times)), 2):
        met = [[ask.cell for ask in each] for each in block.passes if {one, other} <= {ask.cell for ask in each}]
        first = sum(cells.index(one) < cells.index(other) for cells in met)
        assert len(met) > 10
        assert abs(2 * first - len(met)) <= len(met).bit_length() + 1


@pytest.mark.parametrize("keys", [3, 4, 12])
def test_keys_take_turns(keys: int) -> None:
    """Every block replays every key about as often as any other."""
    plan = planned(0.01, 0.01, keys=keys)
    for index in range(8):
        passes = plan_block(plan, index=index).passes
        counts = Counter(each[0].key for each in passes)
        assert set(counts) == set(range(keys))
        assert max(counts.values()) - min(counts.values()) <= 2


def test_slow_cells_meet_one_key() -> None:
    """The one request of a slow cell has the same key in every block: keys that differ are no noise."""
    plan = planned(0.5, 0.01)
    asked = {ask.key for i in range(8) for each in plan_block(plan, index=i).passes for ask in each if ask.cell == 0}
    assert asked == {0}


def test_a_seed_draws_one_plan() -> None:
    """The same plan gives the same block; another block is another order."""
    plan = planned(0.01, 0.02, 0.03, 0.04)
    assert plan_block(plan, index=0) == plan_block(plan, index=0)
    assert plan_block(plan, index=0).passes != plan_block(plan, index=3).passes


def test_slower_cells_get_fewer_requests() -> None:
    """Requests go with one over the root of the time: sixteen times slower is asked a quarter as often."""
    plan = planned(0.002, 0.032)
    assert [cell.stride for cell in plan.cells] == [1, 4]


@given(st.lists(st.floats(0.001, 0.2), min_size=2, max_size=4), st.integers(0, 7))
def test_servers_are_asked_equally_often(times: list[float], index: int) -> None:
    """What differs in its server alone meets the same passes, whatever the pilots said: none stays warmer for it."""
    pilots = [
        PlannedCell(
            index=place, operation="list", face=face, seconds=seconds,
            arm=Arm(server=str(place % len(times)), face=face, variant=()),
        )
        for place, (face, seconds) in enumerate(
            [("rest", each) for each in times] + [("graphql", each) for each in reversed(times)]
        )
    ]  # fmt: skip
    plan = plan_run(pilots, budget=60.0, blocks=8, boot_seconds=2.0, keys=3, seed=1)
    asked = Counter(ask.cell for each in plan_block(plan, index=index).passes for ask in each)
    for face in (range(len(times)), range(len(times), 2 * len(times))):
        assert len({asked[place] for place in face}) == 1


@given(st.integers(1, 60), st.integers(2, 3), st.sampled_from([0.0002, 0.004]), st.integers(0, 7))
def test_floors_are_answered_by_all_servers_in_turn(keys: int, servers: int, seconds: float, index: int) -> None:
    """However many keys there are and however often the floor is asked, all servers answer it equally often."""
    names = [str(place) for place in range(servers)]
    pilots = at_servers(*[0.004] * servers)
    floor = PlannedCell(index=servers, operation="list", face="rest", arm=None, seconds=seconds)
    plan = plan_run([*pilots, floor], budget=60.0, blocks=8, boot_seconds=2.0, keys=keys, seed=1)
    asked_of = turns(plan.cells, servers=names, block=index)
    asked = [(ask.cell, asked_of(ask)) for each in plan_block(plan, index=index).passes for ask in each]
    counts = Counter(name for cell, name in asked if cell == floor.index)
    assert len(counts) == servers
    assert max(counts.values()) - min(counts.values()) <= 1
    assert all(name == names[cell] for cell, name in asked if cell != floor.index)


def test_what_is_slow_for_one_server_is_slow_for_all() -> None:
    """A cell that was proven by few keys is asked for those alone, at every server."""
    plan = plan_run(at_servers(0.01, 0.6), budget=60.0, blocks=8, boot_seconds=2.0, keys=3, seed=1)
    assert all(cell.is_slow for cell in plan.cells)


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20), st.integers(3, 30))
def test_a_plan_of_rounds_asks_slow_cells_in_every_block(times: list[float], rounds: int) -> None:
    """Once, with the first key; and its blocks have six times as long as the pilots say that they take."""
    plan = plan_rounds(cells(*times), rounds=rounds, blocks=4, keys=3, seed=1)
    for index in range(4):
        asked = [ask for each in plan_block(plan, index=index).passes for ask in each]
        for cell in plan.cells:
            keys = [ask.key for ask in asked if ask.cell == cell.index]
            assert keys == [0] if cell.is_slow else keys
            assert len(keys) == (1 if cell.is_slow else -(-rounds // cell.stride))
    by_index = {cell.index: cell.seconds for cell in plan.cells}
    block = plan_block(plan, index=1)
    taken = sum(by_index[ask.cell] for each in (*block.warm, *block.passes) for ask in each)
    # A round is whole: each quick cell may be asked once more than its share.
    more = sum(cell.seconds for cell in plan.cells if not cell.is_slow)
    assert taken <= seconds_of_block(plan) + more + 1e-9
    assert plan.block_seconds > 6 * seconds_of_block(plan)


def test_a_plan_of_enough_rounds_asks_every_key() -> None:
    """Also of cells that take part in every eighth round alone, since three keys and powers of two have no divisor."""
    plan = plan_rounds(cells(0.002, 0.2), rounds=24, blocks=2, keys=3, seed=1)
    assert [cell.stride for cell in plan.cells] == [1, 8]
    asked = {ask.key for each in plan_block(plan, index=0).passes for ask in each if ask.cell == 1}
    assert asked == {0, 1, 2}
