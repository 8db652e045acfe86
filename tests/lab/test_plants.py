"""Mistakes are planted where the source has them, and what gates say of them is summed up with its bound."""

import ast
import shutil
import subprocess
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, NoReturn

import pytest

from lab.calibrate_door import parser_for, within
from lab.calibrate_gate import check, wanted_gates
from lab.errors import LabError
from lab.gate_bench import WHOLE_SECONDS, GateBench
from lab.gate_findings import GateFindings
from lab.gate_power import alarms_bound
from lab.gate_tries import WHOLE, Try
from lab.json_files import write
from lab.plants import FATTER, MIGRATION, PLANTS, SLOWED, Plant, slowed
from tests.lab.tree import CHECKOUT
from tests.lab.waiting import read_when_there, wait_gone

ChildLab = Callable[..., "subprocess.Popen[bytes]"]

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
    for slow in ("+4 %=1", "+3 %=²", "+3 %=-1", "+3 %"):
        with pytest.raises(LabError, match="is none"):
            wanted_gates(whole=0, unchanged=0, mistakes=0, slow=slow)


class Words(ArgumentParser):
    """Words that are not understood are an error, as the lab's door has it."""

    def error(self, message: str) -> NoReturn:
        """Raises LabError."""
        raise LabError(message, hint="")


@pytest.mark.parametrize(
    "word",
    ["--tolerance=abc", "--tolerance=nan%", "--tolerance=60%", "--tolerance=1", "--whole=-1", "--unchanged=-1",
     "--mistakes=-1", "--tries=-1", "--whole=1.5"],
)  # fmt: skip
def test_words_that_say_nothing_are_refused(word: str) -> None:
    """Before a gate is tried: none would end with anything but 2."""
    with pytest.raises(LabError, match="invalid"):
        parser_for(Words).parse_args(["gate", word])


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"dataset": "nope"}, "no dataset 'nope'"), ({"budget": "x"}, "is no time"), ({"budget": "1s"}, "is no time"),
     ({"budget": "24h"}, "too long"), ({"ledger": Path("nowhere/ledger.jsonl")}, "no folder")],
)  # fmt: skip
def test_what_no_gate_could_be_tried_with_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, and no ledger is begun."""
    monkeypatch.chdir(tmp_path)
    ledger = tmp_path / "ledger.jsonl"
    order: dict[str, Any] = {"dataset": "small", "budget": "50s", "seed": 1, "ledger": ledger}
    with pytest.raises(LabError, match=said):
        check(**order | changes)
    assert not ledger.exists()
    check(**order)
    ledger.write_text("{}\n", encoding="utf-8")
    with pytest.raises(LabError, match="line 1"):
        check(**order)


def test_only_what_was_not_asked_for_ends_by_the_clock() -> None:
    """The short form has ten minutes; who names a count has the time for it, and --within says it of either."""

    def seconds(*words: str) -> float:
        return within(parser_for(Words).parse_args(["gate", *words]))

    assert seconds() == seconds("--ledger", "else.jsonl") == 600.0
    assert seconds("--unchanged", "4") == inf
    assert seconds("--within", "1h") == seconds("--unchanged", "4", "--within", "1h") == 3600.0
    with pytest.raises(LabError, match="--within"):
        seconds("--within", "soon")


GATE = """
import os, subprocess, sys, time
from pathlib import Path
with open("words", "a") as file:
    print(*sys.argv[1:], file=file)
manner = Path("manner").read_text()
if manner == "crash":
    raise SystemExit("a crash")
if manner == "findings":
    run = Path("results/gate/run")
    run.mkdir(parents=True)
    (run / "gate.json").write_text(Path("found.json").read_text())
    print("def against abc: REGRESSION: 3 changed answers")
    sys.exit(1)
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.readline()
Path("pids").write_text(f"{os.getpid()}\\n{child.pid}\\n")
time.sleep(60)
"""
"""A gate that ends as `manner` says, or does not end and has a child that no signal but SIGKILL ends."""

BENCH = """
import sys
from pathlib import Path
from lab.gate_bench import GateBench
from lab.gate_tries import WHOLE
asked = {"dataset": "small", "budget": "10s", "tolerance": "1%", "seed": 1}
bench = GateBench(scratch=Path(sys.argv[1]), commit="", note=print, **asked)
next(bench.tries({WHOLE: 1}))
"""


def gates(folder: Path, *, manner: str, door: str = '"--plan-seed"', longest: float = 60.0) -> GateBench:
    """A bench whose checkout has a gate of this manner, and the text of a door."""
    (folder / "lab").mkdir(parents=True)
    for name, text in (
        ("lab/__init__.py", ""),
        ("lab/__main__.py", GATE),
        ("lab/gate_door.py", door),
        ("manner", manner),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return GateBench(
        scratch=folder, commit="abc", dataset="small", budget="10s", tolerance="1%", seed=1, note=print, longest=longest
    )


def test_a_gate_that_crashes_has_not_compared(tmp_path: Path) -> None:
    """An exit code of 1 without findings is a 2, and the calibration goes on; what it said is kept."""
    found = list(gates(tmp_path, manner="crash").tries({WHOLE: 2}))
    assert [(one.code, one.layer, one.said) for one in found] == [(2, "none", "a crash")] * 2


@pytest.mark.parametrize(("stopped", "layer"), [("answers", "answers"), ("", "lost")])
def test_a_gate_is_told_by_what_it_found(stopped: str, layer: str, tmp_path: Path) -> None:
    """Its code, the layer that decided, its verdict; and each try has a seed of its own beside the dataset's.

    An alarm at the layer of time where nothing is slower was not one of time.
    """
    findings = GateFindings(
        verdict="regression", base="abc", head="def", instrument="", stopped=stopped, answers=(), accepted=(),
        changes=(), budgets=(), effects=(), places=1, places_counted=(), command="",
    )  # fmt: skip
    write(findings, tmp_path / "found.json")
    found = list(gates(tmp_path, manner="findings").tries({WHOLE: 2}))
    assert [(one.code, one.layer, one.said) for one in found] == [(1, layer, "REGRESSION: 3 changed answers")] * 2
    assert [one.plan_seed for one in found] == [1, 2]
    words = (tmp_path / "words").read_text().splitlines()
    assert all("--seed 1 " in line for line in words)
    assert [line.split()[-1] for line in words] == ["1", "2"]


def test_a_gate_from_before_plan_seeds_is_asked_for_none(tmp_path: Path) -> None:
    """It would refuse the word; the ledger says that the dataset's seed drew the orders."""
    [one] = gates(tmp_path, manner="crash", door="").tries({WHOLE: 1})
    assert one.plan_seed == 0
    assert "--plan-seed" not in (tmp_path / "words").read_text()


def test_a_gate_that_takes_too_long_ends_with_all_its_own(tmp_path: Path) -> None:
    """It has not compared; nothing of it is left to disturb the next."""
    [one] = gates(tmp_path, manner="hang", longest=3.0 - WHOLE_SECONDS).tries({WHOLE: 1})
    assert (one.code, one.said) == (2, "given up after 3 s")
    wait_gone(map(int, (tmp_path / "pids").read_text().split()))


def test_a_calibration_that_is_killed_leaves_no_gate(tmp_path: Path, child_lab: ChildLab) -> None:
    """Nor what the gate started, within the five seconds that the lab promises."""
    scratch = tmp_path / "scratch"
    gates(scratch, manner="hang")
    calibration = child_lab(BENCH, scratch)
    pids = [int(line) for line in read_when_there(scratch / "pids", lines=2)]
    calibration.kill()
    wait_gone(pids)
