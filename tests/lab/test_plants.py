"""Mistakes are planted where the source has them, and what gates say of them is summed up with its bound."""

import ast
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lab.calibrate_gate import wanted_gates
from lab.errors import LabError
from lab.gate_power import alarms_bound
from lab.gate_tries import Try
from lab.plants import FATTER, MIGRATION, PLANTS, SLOWED, Plant, slowed
from tests.lab.tree import CHECKOUT

SLOWED_ALL = [slowed("+3 %", operation=name, loops={"rest": 10, "graphql": 20}) for name in SLOWED]


@pytest.mark.parametrize("plant", [*PLANTS, *FATTER, *SLOWED_ALL], ids=lambda plant: f"{plant.kind}, {plant.where}")
def test_every_plant_has_its_place_and_is_python(plant: Plant, tmp_path: Path) -> None:
    """The source is changed in one place, and can still be read: a plant that does not boot tells nothing."""
    path = tmp_path / plant.file
    path.parent.mkdir(parents=True)
    if plant.right:
        shutil.copy(CHECKOUT / plant.file, path)
    before = path.read_text(encoding="utf-8") if plant.right else ""
    plant.put(tmp_path)
    after = path.read_text(encoding="utf-8")
    assert after != before
    ast.parse(after)


def test_each_kind_is_planted_in_three_places() -> None:
    """Five kinds of mistakes, three places each; a dropped index is a migration."""
    kinds = Counter(plant.kind for plant in PLANTS)
    assert set(kinds.values()) == {3}
    assert len(kinds) == 5
    assert len({(plant.kind, plant.where) for plant in PLANTS}) == len(PLANTS)
    assert all((plant.kind == "dropped index") == (plant.file == MIGRATION) for plant in PLANTS)


def test_a_plant_without_its_place_is_refused(tmp_path: Path) -> None:
    """A source that has moved on is told, and not left as it is in silence."""
    plant = next(plant for plant in PLANTS if plant.right)
    path = tmp_path / plant.file
    path.parent.mkdir(parents=True)
    path.write_text("nothing of the kind\n")
    with pytest.raises(LabError, match="has no place for the plant"):
        plant.put(tmp_path)


@pytest.mark.parametrize(
    ("alarms", "runs", "bound"), [(0, 299, 0.00997), (0, 1, 0.95), (1, 10, 0.3942), (3, 3, 1.0), (0, 24, 0.1173)]
)
def test_the_bound_is_that_of_clopper_and_pearson(alarms: int, runs: int, bound: float) -> None:
    """299 clean runs bound the rate at 1 %; one alarm in ten at 39 %."""
    assert alarms_bound(alarms, runs) == pytest.approx(bound, abs=5e-4)


def test_a_mistake_must_be_found_by_its_layer() -> None:
    """A changed answer that only time notices was not found as it had to be."""
    found = Try(kind="fatter payload", where="", operation="", code=1, layer="answers", seconds=1.0, said="")
    assert replace(found, wanted="answers").is_right
    assert not replace(found, wanted="counts").is_right


def test_gates_are_asked_for_by_kind() -> None:
    """Doses of work are named as the table names them; another name is refused with those that there are."""
    wanted = wanted_gates(whole=6, unchanged=24, mistakes=0, slow="+3 %=20,1 % of requests 50 times slower=10")
    assert wanted == {
        "whole, unchanged": 6, "unchanged": 24, "mistakes": 0, "fatter payload": 0, "+3 %": 20,
        "1 % of requests 50 times slower": 10,
    }  # fmt: skip
    with pytest.raises(LabError, match="is none"):
        wanted_gates(whole=0, unchanged=0, mistakes=0, slow="+4 %=1")
