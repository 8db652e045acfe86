"""A stampede study is derived from its folder alone: who computed, and when the answers were there."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lab.evidence import EvidenceFile, cache_levels
from lab.experiment import Experiment, StampedeDesign
from lab.findings import CacheLevel, Stage
from lab.json_files import write
from lab.recorder import Fault, Recorder
from lab.results import Manifest, RunFolder
from lab.server import Running
from lab.stampede import MEASURING, Expiry, KeySeen, Stampede, Stampedes, keys_seen, samples_of
from lab.stampede_derive import derive_stampedes
from lab.study import Assignment

MANY = 10
HELD = (("indexes", "off"),)
EXPERIMENT = Experiment(
    name="tiny", question="How many?", operations=("scenarios.operations.catalog:PRODUCT_LIST",), faces=("rest",),
    variants=tuple(
        (*HELD, ("cache", cache), ("refill", refill)) for cache in ("view", "both") for refill in ("all", "one")
    ),
    stampede=StampedeDesign(at_once=MANY, expiries=3),
)  # fmt: skip


def event(
    level: str, outcome: str, *, key: str = "k", waited: bool = False, computed: bool = False
) -> dict[str, object]:
    """A look-up, as the target writes it down."""
    return {
        "level": level, "outcome": outcome, "key": key, "waited": waited, "computed": computed, "bytes": 40_000,
        "stored": 9_000, "seconds": 0.001,
    }  # fmt: skip


def test_look_ups_are_counted_by_key_and_by_level() -> None:
    """A miss that found another's answer waited and computed nothing; what was away was missed."""
    events = [
        event("view", "miss", computed=True), event("view", "miss", waited=True), event("view", "hit"),
        event("query", "miss", key="q", computed=True), event("query", "away", key="r", computed=True),
    ]  # fmt: skip
    view = KeySeen(level="view", key="k", looked_up=3, missed=2, waited=1, computed=1, stored=9_000, plain=40_000)
    assert [(each.level, each.key, each.missed, each.computed) for each in keys_seen(events)] == [
        ("query", "q", 1, 1), ("query", "r", 1, 1), ("view", "k", 2, 1),
    ]  # fmt: skip
    assert keys_seen(events)[-1] == view
    assert cache_levels(events) == (
        CacheLevel(level="view", hits=1, misses=2, recomputed=1, waited=1, stored=27_000, plain=120_000),
        CacheLevel(level="query", misses=1, recomputed=1, stored=18_000, plain=80_000),
    )


def test_an_older_target_told_less() -> None:
    """Its misses were all computed, and nobody waited."""
    old = [{"level": "view", "outcome": "miss", "key": "k", "bytes": 0, "seconds": 0.1}]
    assert cache_levels(old) == (CacheLevel(level="view", misses=1, recomputed=1),)


def test_records_of_a_mark_are_read_once(tmp_path: Path) -> None:
    """All lines up to the end are read, those of another mark are passed over, and half a line waits for its rest."""
    path = tmp_path / "evidence.jsonl"
    path.write_text('{"request":"a","n":1}\n{"request":"b","n":2}\n{"request":"a","n":3}\n{"request":"a","n"')
    file = EvidenceFile(path)
    assert [record["n"] for record in file.records("a")] == [1, 3]
    with path.open("a") as more:
        more.write(":4}\n")
    assert [record["n"] for record in file.records("a")] == [4]


def a_run(folder: Path, *, computed: dict[int, int], late: float = 1.0, wrong: int = 0, expiries: int = 3) -> RunFolder:
    """A folder in which an arm computed so often per level; the last of its answers is there `late` times as late."""
    run = RunFolder(folder)
    run.samples.mkdir(parents=True)
    run.blocks.mkdir()
    run.save(
        "manifest",
        Manifest(
            experiment=EXPERIMENT, run="x", started="", command="", dataset=(), operations=("product_list",),
            environment=(), settings=(), budget=None, seed=0,
        ),
    )  # fmt: skip
    for expiry in range(expiries):
        stampedes = []
        for arm, each in enumerate(EXPERIMENT.arms):
            levels = ("view", "query") if dict(each.variant)["cache"] == "both" else ("view",)
            is_free = dict(each.variant)["refill"] == "all"
            count = computed[arm]
            keys = tuple(
                KeySeen(
                    level=level, key="k", looked_up=MANY, missed=MANY, waited=MANY - count if not is_free else 0,
                    computed=count, stored=9_000, plain=40_000,
                )
                for level in levels
            )  # fmt: skip
            stampedes.append(Stampede(arm=arm, expired=1, keys=keys, told=MANY, steal=0.0))
            recorder = Recorder(samples_of(run.samples, expiry=expiry, arm=arm))
            last = 1_000_000 * (10 if is_free else 10 * late)
            for number in range(MANY):
                fault = Fault.CONTENT if number < wrong else Fault.NONE
                done = round(last * (number + 1) / MANY)
                recorder.add((0, 0, 0, 200, fault, False, 40_000, 0, 1_000, done, 0))
            recorder.close()
        write(Expiry(stampedes=tuple(stampedes)), run.blocks / f"stampede-{expiry:02d}.json")
    return run


def test_who_computed_stands_in_the_answer_and_in_the_table(tmp_path: Path) -> None:
    """Both levels count together; an arm's row has its own counts; times are ratios within an expiry."""
    found = derive_stampedes(a_run(tmp_path, computed={0: 8, 1: 1, 2: 8, 3: 1}, late=0.25))
    assert found.complete
    assert found.answer[0] == "With protection an expired key was computed once, at every expiry."
    assert "computed it 8 times without protection, 1 with" in found.answer[1]
    assert "computed its two keys, both together, 16 times without protection, 2 with" in found.answer[2]
    assert "4.00x faster" in found.answer[1]
    [table] = found.tables
    assert len(table.rows) == 4
    assert all(len(row) == len(table.columns) for row in table.rows)
    at = {column.name: number for number, column in enumerate(table.columns)}
    shown = ("Whole answers computed", "Rows computed", "An answer computed, at least", "At most")
    assert [tuple(row[at[name]] for name in shown) for row in table.rows] == [
        (8, None, 8, 8), (1, None, 1, 1), (8, 8, 16, 16), (1, 1, 2, 2),
    ]  # fmt: skip
    assert [curve.identifier for curve in found.curves] == ["rest-view", "rest-both"]
    last = found.curves[0].lines[1].points[-1]
    assert last.x == MANY
    assert last.y.estimate == pytest.approx(0.0025)


def test_protection_that_fails_is_told(tmp_path: Path) -> None:
    """One expiry at which two computed is enough to say so, and where."""
    found = derive_stampedes(a_run(tmp_path, computed={0: 8, 1: 2, 2: 8, 3: 1}))
    assert found.answer[0] == (
        "With protection an answer was computed up to 2 times, for 1 expired (REST, whole answers)."
    )


def test_a_wrong_answer_counts_for_nothing(tmp_path: Path) -> None:
    """Where an answer was not the proven one, nothing is concluded, and the note says why."""
    found = derive_stampedes(a_run(tmp_path, computed=dict.fromkeys(range(4), 1), wrong=1))
    assert found.answer == ("The question cannot be answered: no arm was measured at two expiries.",)
    assert found.notes[0] == (
        "expiry 1 at REST, whole answers, all who miss does not count: 1 of 10 requests were not answered as proven"
    )


def test_a_budget_completes_a_run_only_where_its_time_ran_out(tmp_path: Path) -> None:
    """Two expiries within a budget are a whole run if measuring ended by itself, and else one that was interrupted."""
    run = a_run(tmp_path, computed={0: 8, 1: 1, 2: 8, 3: 1}, expiries=2)
    run.save("manifest", replace(run.manifest, budget=60.0))
    assert not derive_stampedes(run).complete
    run.save("stages", (Stage(name=MEASURING, seconds=60.0, budget=60.0),))
    assert derive_stampedes(run).complete


def test_what_an_interrupted_expiry_left_makes_room(tmp_path: Path) -> None:
    """Gone on with, its samples and reports keep other names, twice too; whole expiries are not touched."""
    run = a_run(tmp_path, computed={0: 8, 1: 1, 2: 8, 3: 1}, expiries=2)
    given = cast("Assignment", SimpleNamespace(folder=run))
    stampedes = Stampedes(
        given=given,
        design=StampedeDesign(at_once=MANY, expiries=3),
        running=cast("Running", None),
        evidence=EvidenceFile(tmp_path),
    )
    whole = {path.name for path in run.samples.glob("stampede-00-*")}
    for again in (1, 2):
        (run.samples / "stampede-01-00.samples").write_bytes(b"cut")
        stampedes._make_room(1)
        assert not list(run.samples.glob("stampede-01-*"))
        assert len(list(run.samples.glob("interrupted-*-stampede-01-00.samples"))) == again
    assert {path.name for path in run.samples.glob("stampede-00-*")} == whole


def test_a_run_that_ended_early_is_not_complete(tmp_path: Path) -> None:
    """What is there is told all the same."""
    found = derive_stampedes(a_run(tmp_path, computed={0: 8, 1: 1, 2: 8, 3: 1}, expiries=2))
    assert not found.complete
    assert len(found.answer) == 5
