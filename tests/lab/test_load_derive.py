"""Findings of a load say what was planted in the samples of a whole run, arm by arm and step by step."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.conclude import conclude
from lab.experiment import Arm, LoadDesign
from lab.findings import Interval
from lab.json_files import read
from lab.load_derive import derive_load, load_summary
from lab.load_findings import LoadCell, LoadFindings
from lab.load_plan import LoadPlan
from lab.recorder import MAGIC, Fault, frame, read_samples
from lab.results import CellProof, ProofRecord, ProvenAnswer
from lab.trial import ShareReport
from tests.fake_load import CAPACITY, FakeLoad, law

PLAIN = law(40.0, contention=0.15, coherency=0.004)
CACHED = law(400.0, contention=0.15, coherency=0.004)


STEPS = ("1 user", "2 users", "4 users", "8 users", "16 users", "50 % of its own capacity")


def planted(arm: Arm, users: float) -> float:
    """Ten times as much with the view cache."""
    return (CACHED if dict(arm.variant)["cache"] == "view" else PLAIN)(users)


def found(path: Path, **options: Any) -> LoadFindings:
    """What is derived of a fake run."""
    return derive_load(FakeLoad(throughput=planted, **options).make(path / "run"))


def cell_of(findings: LoadFindings, step: str, *, face: str = "rest", cache: str = "off") -> LoadCell:
    """The one cell of an arm at a step."""
    (cell,) = (c for c in findings.cells if (c.face, dict(c.variant)["cache"], c.step) == (face, cache, step))
    return cell


def estimate(interval: Interval | None) -> float:
    """The estimate of an interval that is there, and in order."""
    assert interval
    assert interval.low <= interval.estimate <= interval.high
    return interval.estimate


def test_every_load_is_there_with_its_throughput_and_its_times(tmp_path: Path) -> None:
    """Two faces, two arms and six loads are 24 cells; each has the planted throughput, times and CPU per request."""
    findings = found(tmp_path)
    assert len(findings.cells) == 24
    assert {cell.state for cell in findings.cells} == {"measured"}
    for cell in findings.cells:
        arm = Arm(server="target", face=cell.face, variant=cell.variant)
        if cell.kind == "closed":
            assert estimate(cell.achieved) == pytest.approx(planted(arm, cell.level), rel=0.05)
            assert estimate(cell.p50) == pytest.approx(cell.level / planted(arm, cell.level), rel=0.05)
        else:
            assert estimate(cell.achieved) == pytest.approx(planted(arm, 8) / 2, rel=0.05)
            assert estimate(cell.p99) == pytest.approx(0.02, rel=0.01)
        assert {name: round(estimate(each), 4) for name, each in cell.cpu} == {"server": 0.01, "generator": 0.0001}


def test_the_law_and_the_gain_are_the_planted_ones(tmp_path: Path) -> None:
    """λ, σ and κ are found again, the capacity is the best step's, and the cache carries ten times as much."""
    findings = found(tmp_path)
    for each in findings.scalabilities:
        rate = 400.0 if dict(each.variant)["cache"] == "view" else 40.0
        assert each.law, each.reason
        assert each.law.rate.low < rate < each.law.rate.high
        assert each.law.contention.low < 0.15 < each.law.contention.high
        assert each.capacity
        arm = Arm(server="target", face=each.face, variant=each.variant)
        assert each.capacity.estimate == pytest.approx(planted(arm, each.users or 0), rel=0.05)
        assert each.limit == "server"
    assert [(gain.face, round(gain.ratio.estimate)) for gain in findings.gains] == [("rest", 10), ("graphql", 10)]
    assert all(gain.ratio.low < gain.ratio.estimate < gain.ratio.high < 11 for gain in findings.gains)


def test_a_load_is_void_where_sensors_say_so_in_all_but_one_block(tmp_path: Path) -> None:
    """One void block of four is left out; three leave one value, which has no interval: void, with the reason."""
    stolen = {"steal": 0.2}
    once = {(0, 0, "2 users"): stolen}
    often = {(block, 1, "2 users"): stolen for block in range(3)}
    findings = found(tmp_path, trial={**once, **often})
    kept = cell_of(findings, "2 users")
    assert kept.achieved
    assert (kept.state, kept.achieved.blocks) == ("measured", 3)
    void = cell_of(findings, "2 users", cache="view")
    assert (void.state, void.achieved) == ("void", None)
    assert void.reason == "1 of 4 blocks counted: the host took 20.0% of the CPU (limit 5%)"


def test_the_kernel_is_held_against_the_runs_own(tmp_path: Path) -> None:
    """A trial beside which it was slow met a hiccup; a block in which it was slow all the time is void."""
    hiccups = {(block, 0, "1 user"): {"kernels": (150, 150)} for block in range(4)}
    slow = {(2, arm, step): {"kernels": (150, 150)} for arm in range(4) for step in STEPS}
    findings = found(tmp_path, trial={**hiccups, **slow})
    assert {cell.achieved.blocks for cell in findings.cells if cell.achieved} == {3}


@pytest.mark.parametrize(
    ("fault", "state"),
    [(Fault.CONTENT, "void"), (Fault.GRAPHQL_ERRORS, "void"), (Fault.TIME_OUT, "measured"), (Fault.RESET, "measured")],
)
def test_a_wrong_answer_voids_a_load_and_a_lost_one_is_counted(fault: Fault, state: str, tmp_path: Path) -> None:
    """What was not proven is not timed, in whichever block; what did not come is a failure of the load."""
    findings = found(tmp_path, fault={(2, 0, "8 users"): fault})
    cell = cell_of(findings, "8 users")
    assert cell.state == state
    assert "answers were not the proven one" in cell.reason if state == "void" else cell.failed > 0


def test_a_load_without_an_answer_in_a_block_is_void(tmp_path: Path) -> None:
    """A server that hung through one of four blocks has no throughput to be averaged; the reason says in how many."""
    void = cell_of(found(tmp_path, silent={(1, 0, "8 users")}), "8 users")
    assert (void.state, void.achieved) == ("void", None)
    assert void.reason == "in 1 of 4 blocks no right answer came in the time that counts"


def test_no_capacity_stands_on_a_void_step(tmp_path: Path) -> None:
    """The highest step gave a wrong answer in one block: the capacity is that of a step that counts."""
    highest = found(tmp_path / "whole").scalabilities[0].users
    assert highest
    cut = found(tmp_path / "cut", fault={(2, 0, f"{highest} users"): Fault.CONTENT}).scalabilities[0]
    assert cut.users
    assert cut.users != highest


def test_the_generators_limit_is_named(tmp_path: Path) -> None:
    """Steps that are void because the generator had no more to give end the ladder in its name, not the server's."""
    busy = ShareReport(requests=100, unsent=0, failures=0, cpu_seconds=9.0, response="", service="")
    fields = {"shares": (busy,), "seconds": 10.0}
    trial = {(block, 1, step): fields for block in range(4) for step in ("8 users", "16 users")}
    findings = found(tmp_path, trial=trial)
    limits = {(each.face, dict(each.variant)["cache"]): each.limit for each in findings.scalabilities}
    assert limits["rest", "view"] == "generator"
    assert limits["rest", "off"] == "server"
    assert "the generator used 90% of a core" in cell_of(findings, "16 users", cache="view").reason


def test_a_lost_worker_voids_its_block(tmp_path: Path) -> None:
    """The block whose worker went missing counts for nothing, and the notes name the worker."""
    findings = found(tmp_path, lost={1: ["worker 2 of 2"]})
    assert all(cell.achieved and cell.achieved.blocks == 3 for cell in findings.cells)
    assert any("worker 2 of 2" in note for note in findings.notes)


def test_an_interrupted_run_gives_what_it_has(tmp_path: Path) -> None:
    """Two blocks and a part of a third: all cells are there, the notes and the summary say that it is not whole."""
    folder = FakeLoad(throughput=planted, blocks=2, cut=5).make(tmp_path / "run")
    findings = derive_load(folder)
    assert len(findings.cells) == 24
    assert sorted({cell.achieved.blocks for cell in findings.cells if cell.achieved}) == [2, 3]
    assert "ended after 2 of 4 blocks" in findings.notes[0]
    assert not load_summary(folder, findings).complete


def test_a_run_that_ended_before_its_plan_can_be_drawn(tmp_path: Path) -> None:
    """Every arm has a void cell with the reason, and the page is made."""
    folder = FakeLoad(throughput=planted).make(tmp_path / "run")
    for path in (folder.path / "load-plan.json", folder.path / "proof.json"):
        path.unlink()
    findings = derive_load(folder)
    assert [cell.reason for cell in findings.cells] == ["the run ended before it was loaded"] * 4
    assert conclude(folder).stat().st_size > 10_000


def test_the_page_and_the_answer_say_what_is_carried(tmp_path: Path) -> None:
    """Each face's first sentence gives both capacities and the gain; findings and page are the same when made again."""
    folder = FakeLoad(throughput=planted, experiment=CAPACITY).make(tmp_path / "run")
    page = conclude(folder).read_bytes()
    first, second, trust = folder.findings.answer
    assert first.startswith("REST carries ")
    assert second.startswith("GraphQL carries ")
    assert "requests/s all off" in first
    assert "10." in first or "9." in first
    assert trust == "24 of 24 loads are valid; 8 answers compared before timing, all equal."
    assert conclude(folder).read_bytes() == page


def test_the_answer_names_both_ends_at_a_rate_that_they_share(tmp_path: Path) -> None:
    """Without a ladder the answer gives p50, p99 and CPU of the first arm and the last, the common rate first."""
    design = LoadDesign(walk="fake:WALK", shares=(0.5,), common=0.7, blocks=4, enough=10**6)
    folder = FakeLoad(throughput=planted, experiment=replace(CAPACITY, load=design)).make(tmp_path / "run")
    findings = derive_load(folder)
    common, own, *_ = load_summary(folder, findings).answer
    assert common.startswith("REST at one common rate of 98.5/s: all off p50 20.0 ms, p99 20.0 ms, 10.0 ms of CPU")
    assert own.startswith("REST at 50 % of its own capacity: all off at ")
    assert findings.scalabilities == ()


def test_an_arm_that_was_too_slow_to_be_proven_is_void_for_that(tmp_path: Path) -> None:
    """An arm that was asked with its first key alone in the proof, for it is slow, has no load and says why."""
    folder = FakeLoad(throughput=planted).make(tmp_path / "run")
    plan = read(folder.path / "load-plan.json", LoadPlan)
    folder.save("load-plan", replace(plan, loads=tuple(load for load in plan.loads if load.arm)))
    one, two = (tuple(ProvenAnswer(key=k, status=200, length=1, checksum=1) for k in range(n)) for n in (1, 2))
    cells = tuple(CellProof(cell=cell, seconds=1.0, answers=two if cell else one) for cell in range(4))
    folder.save("proof", ProofRecord(cells=cells, proofs=()))
    assert cell_of(derive_load(folder), "every load").reason.startswith("its requests are so slow")


def test_a_file_that_ends_with_a_whole_frame_is_held_against_its_report(tmp_path: Path) -> None:
    """Half of a block's samples look whole by themselves: their report says how many there were."""
    folder = FakeLoad(throughput=planted).make(tmp_path)
    path = folder.sample_file(2)
    rows, _ = read_samples(path)
    path.write_bytes(MAGIC + frame(rows[: len(rows) // 2]))
    load = derive_load(folder)
    assert load.damages == (
        f"{path.name} has {len(rows) // 2} of the {len(rows)} samples that were written; they are used",
    )
    assert {cell.achieved.blocks for cell in load.cells if cell.achieved} == {3}
    path.unlink()
    assert derive_load(folder).damages == (f"{path.name} is missing",)


def test_a_block_with_damaged_samples_is_left_out_and_told_of(tmp_path: Path) -> None:
    """Cut anywhere, a file of samples costs its block, the run is not whole, and page and summary say which file."""
    folder = FakeLoad(throughput=planted).make(tmp_path)
    path = folder.sample_file(2)
    path.write_bytes(path.read_bytes()[:1000])
    load = derive_load(folder)
    told = load_summary(folder, load)
    assert load.damages
    assert all(path.name in damage for damage in load.damages)
    assert not told.complete
    assert any(path.name in note for note in told.notes)
    assert {cell.achieved.blocks for cell in load.cells if cell.achieved} == {3}
