"""The budgets of thresholds.toml as plain tests: no load, no clock, seconds.

Statements do not depend on how much data there is, so they are held here on `small`. Rows and bytes are those of the
keys of `medium`: the gate holds them there.
"""

from random import Random

import pytest

from fixtures.sizes import SIZES
from lab.thresholds import read_thresholds
from scenarios.operations import catalog
from scenarios.operations.operation import Operation
from targets.variants import Variant
from tests.targets.subject import TargetClient
from tests.targets.test_statements import statements

pytestmark = pytest.mark.given_servers

OPERATIONS = {each.name: each for each in vars(catalog).values() if isinstance(each, Operation)}
BUDGETS = read_thresholds(known=tuple(OPERATIONS)).budgets
MOST_STATEMENTS = [(*place, most) for place, own in BUDGETS.items() for metric, most in own if metric == "statements"]


def test_every_operation_has_a_budget_through_both_faces() -> None:
    """An operation without one could grow for ever; a budget of no operation would hold nothing."""
    assert {(operation, face) for operation, face, _ in MOST_STATEMENTS} == {
        (operation, face) for operation in OPERATIONS for face in ("rest", "graphql")
    }


@pytest.mark.parametrize(("operation", "face", "most"), MOST_STATEMENTS)
def test_no_request_issues_more_statements_than_its_budget(
    target_client: TargetClient, operation: str, face: str, most: int
) -> None:
    """Cold, with every knob on but the cache: ten drawn requests, of which the costliest takes all of the budget."""
    random, wanted = Random(1), OPERATIONS[operation]
    counts = [
        statements(
            target_client, wanted, wanted.sample(random, SIZES["small"]), face=face, variant=Variant(cache="off")
        ).total()
        for _ in range(10)
    ]
    assert max(counts) == most
