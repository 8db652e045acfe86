"""Findings say what was planted in the samples of a whole run, cell by cell and effect by effect."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.derive import derive
from lab.findings import Effect, Findings
from lab.plan import PlannedCell
from lab.results import RunFolder
from tests.fakes import FLOOR, KNOBS, SERVERS, FakeRun, by_knobs, by_server

RATIOS = {"select_related": 0.5, "prefetch_related": 1.25, "indexes": 1.0, "graphql": 1.1}
ONE = replace(KNOBS, operations=("fake:LIST",), faces=("rest",))
"""The four knobs at one operation and one face: 16 cells and a floor."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Findings]:
    """A whole run of the four-knob design, with known ratios."""
    folder = FakeRun(experiment=KNOBS, seconds=by_knobs(0.02, ratios=RATIOS)).make(tmp_path_factory.mktemp("run") / "r")
    return folder, derive(folder)


def servers(path: Path, *, ratio: float, **options: object) -> Findings:
    """Findings of a run in which server b takes `ratio` times as long as server a."""
    fields: dict[str, Any] = {"block_noise": 0.005, "rounds": 60, **options}
    return derive(FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=ratio), **fields).make(path / "run"))


def kinds(findings: Findings, kind: str, *, subject: str = "") -> list[Effect]:
    """The effects of one kind, and of one subject if it is named."""
    return [each for each in findings.effects if each.kind == kind and subject in {"", each.subject}]


def test_every_cell_is_there_and_measured(planted: tuple[RunFolder, Findings]) -> None:
    """Three operations, two faces and sixteen variants are 96 cells: each measured in all blocks, none twice."""
    _, findings = planted
    assert findings.complete
    assert findings.notes == ()
    assert len({(c.operation, c.face, c.variant) for c in findings.cells}) == len(findings.cells) == 96
    assert {cell.state for cell in findings.cells} == {"measured"}
    assert {len(cell.block_means) for cell in findings.cells} == {8}
    assert [block.void for block in findings.blocks] == [""] * 8


def test_service_time_is_the_planted_one(planted: tuple[RunFolder, Findings]) -> None:
    """A cell's mean over blocks is its true time, within 2 %; evidence stands beside it."""
    true = by_knobs(0.02, ratios=RATIOS)
    fake = FakeRun(experiment=KNOBS, seconds=true)
    for planned, cell in zip([c for c in fake.cells if c.arm], planted[1].cells, strict=True):
        assert planned.arm is not None
        assert (planned.operation, planned.face, planned.arm.variant) == (cell.operation, cell.face, cell.variant)
        assert cell.service is not None
        assert cell.cold is not None
        assert cell.service.estimate == pytest.approx(true(planned), rel=0.04)


@pytest.mark.parametrize(
    ("knob", "ratio", "verdict"),
    [("select_related", 0.5, "faster"), ("prefetch_related", 1.25, "slower"), ("indexes", 1.0, "same")],
)
def test_a_planted_knob_is_recovered(
    planted: tuple[RunFolder, Findings], knob: str, ratio: float, verdict: str
) -> None:
    """At each operation and face its conditional interval holds the true ratio, and its verdict is the true one."""
    effects = kinds(planted[1], "conditional", subject=knob)
    assert len(effects) == 6
    for effect in effects:
        assert effect.typical.low <= ratio <= effect.typical.high
        assert effect.typical.high / effect.typical.low < 1.1
        assert effect.verdict == verdict
        assert len(effect.dots) == effect.typical.blocks == 8


def test_independent_knobs_have_interactions_of_one(planted: tuple[RunFolder, Findings]) -> None:
    """Where knobs multiply, every ratio of ratios without the cache holds 1."""
    effects = [effect for effect in kinds(planted[1], "interaction") if effect.given == "cache = off"]
    assert len(effects) == 24
    assert all(effect.typical.low <= 1 <= effect.typical.high for effect in effects)


def test_a_warm_hit_hides_the_other_knobs(planted: tuple[RunFolder, Findings]) -> None:
    """Half of a main effect is 1 exactly; the interaction with the cache takes the whole effect back."""
    for effect in kinds(planted[1], "main", subject="select_related"):
        assert effect.typical.low <= 0.5**0.5 <= effect.typical.high
    for effect in kinds(planted[1], "interaction", subject="select_related x cache"):
        assert effect.typical.low <= 2.0 <= effect.typical.high


def test_faces_are_set_against_each_other(planted: tuple[RunFolder, Findings]) -> None:
    """GraphQL is planted 10 % slower, cached or not."""
    effects = kinds(planted[1], "face")
    assert len(effects) == 12
    assert all(effect.typical.low <= 1.1 <= effect.typical.high for effect in effects)


def test_waterfall_sums_to_the_whole_way(planted: tuple[RunFolder, Findings]) -> None:
    """From all off to all on by four shares, exactly; an idle knob's share holds zero."""
    assert len(planted[1].waterfalls) == 6
    for fall in planted[1].waterfalls:
        assert [step.knob for step in fall.steps] == list(planted[1].knobs)
        shares = sum(step.seconds.estimate for step in fall.steps)
        assert shares == pytest.approx(fall.end - fall.start, rel=1e-12)
        (idle,) = [step.seconds for step in fall.steps if step.knob == "indexes"]
        assert idle.low - 1e-4 <= 0 <= idle.high + 1e-4


def test_findings_are_a_pure_function_of_the_folder(planted: tuple[RunFolder, Findings]) -> None:
    """Derived again, from another place, they are the same bytes."""
    folder, findings = planted
    folder.save("findings", findings)
    first = (folder.path / "findings.json").read_bytes()
    moved = RunFolder(folder.path.rename(folder.path.with_name("elsewhere")))
    moved.save("findings", derive(moved))
    again = (moved.path / "findings.json").read_bytes()
    moved.path.rename(folder.path)
    assert first == again
    assert folder.findings == findings


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (1.1, 0.005, "slower"),
        (1 / 1.1, 0.005, "faster"),
        (1.0, 0.005, "same"),
        (1.03, 0.02, "unclear"),
        (1.0, 0.1, "unclear"),
    ],
)
def test_a_planted_difference_between_servers_is_judged(
    tmp_path: Path, ratio: float, noise: float, verdict: str
) -> None:
    """Large, clear and confirmed is a change, nothing is the same, and what noise may hide is unclear."""
    findings = servers(tmp_path, ratio=ratio, block_noise=noise, fresh=by_server(0.02, ratio=ratio))
    (effect,) = findings.effects
    assert effect.verdict == verdict
    assert effect.typical.low <= ratio <= effect.typical.high
    assert effect.total is not None
    assert effect.few is not None
    assert not findings.wants_fresh_blocks


@pytest.mark.parametrize(("wrong", "others"), [("a", "b"), ("b", "a")])
def test_a_cell_with_a_wrong_answer_is_void(tmp_path: Path, wrong: str, others: str) -> None:
    """Its times are not shown, nothing is compared with it, and its neighbour stays."""
    fake = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0))
    number = fake.number(server=wrong)
    findings = derive(replace(fake, wrong=frozenset({number})).make(tmp_path / "run"))
    cells = {cell.server: cell for cell in findings.cells}
    assert cells[wrong].state == "void"
    assert cells[wrong].reason.endswith("answers were not the proven one")
    assert (cells[wrong].service, cells[wrong].block_means, cells[wrong].quantiles) == (None, (), ())
    assert cells[others].state == "measured"
    assert findings.effects == ()


def test_effects_of_a_void_cell_alone_are_left_out(tmp_path: Path) -> None:
    """What compares the void cell is gone, with the waterfall that needs it; what does not, stays."""
    fake = FakeRun(experiment=ONE, seconds=by_knobs(0.02, ratios=RATIOS))
    number = fake.number(select_related="on", prefetch_related="off", indexes="off", cache="off")
    whole = derive(fake.make(tmp_path / "whole"))
    holed = derive(replace(fake, wrong=frozenset({number})).make(tmp_path / "holed"))
    gone = {(e.kind, e.subject, e.given) for e in whole.effects} - {(e.kind, e.subject, e.given) for e in holed.effects}
    assert ("conditional", "select_related", "cache = off") in gone
    assert ("simple", "select_related", "cache = off, prefetch_related off, indexes off") in gone
    assert ("simple", "select_related", "cache = off, prefetch_related on, indexes on") not in gone
    assert ("simple", "cache", "the others off") not in gone
    assert (len(whole.waterfalls), len(holed.waterfalls)) == (1, 0)
    assert [cell.state for cell in holed.cells].count("void") == 1
    assert any("1 cell" in note for note in holed.notes)


def test_a_cell_that_the_proof_voids_keeps_its_reason(tmp_path: Path) -> None:
    """It was never timed; its evidence and its reason are there."""
    fake = FakeRun(experiment=ONE, seconds=by_knobs(0.02, ratios=RATIOS))
    reason = "one request took 6.0 s, above the limit of 5 s"
    number = fake.number(select_related="off", prefetch_related="off", indexes="off", cache="off")
    findings = derive(replace(fake, proof_void={number: reason}).make(tmp_path / "run"))
    assert findings.complete
    cell = findings.cells[number]
    assert (cell.state, cell.reason, cell.requests, cell.warm) == ("void", reason, 0, None)
    assert cell.cold is not None


def twice_the_floor(cell: PlannedCell) -> float:
    """Server a takes four times the floor, server b twice the floor."""
    return FLOOR if cell.arm is None else FLOOR * (2.0 if cell.arm.server == "b" else 4.0)


@pytest.mark.parametrize(
    ("seconds", "near", "ratios"),
    [(twice_the_floor, True, (4.0, 2.0)), (by_server(0.02, ratio=0.5), False, (40.0, 20.0))],
)
def test_what_is_near_the_floor_is_marked(
    tmp_path: Path, seconds: Callable[[PlannedCell], float], ratios: tuple[float, float], *, near: bool
) -> None:
    """Below three times the floor the ratio without the floor stands beside the raw one: (2 - 1) / (4 - 1)."""
    findings = derive(FakeRun(experiment=SERVERS, seconds=seconds, rounds=60).make(tmp_path / "run"))
    (effect,) = findings.effects
    assert effect.near_floor is near
    assert effect.net_ratio == (pytest.approx(1 / 3, rel=0.05) if near else None)
    for cell, ratio in zip(findings.cells, ratios, strict=True):
        assert cell.floor_ratio == pytest.approx(ratio, rel=0.05)
        assert cell.net == pytest.approx((ratio - 1) * FLOOR, rel=0.1)


@pytest.mark.parametrize(
    ("fresh", "verdict", "detail"), [(1.1, "slower", ""), (1.0, "unclear", "not confirmed by fresh blocks")]
)
def test_an_alarm_wants_fresh_blocks_that_agree(tmp_path: Path, fresh: float, verdict: str, detail: str) -> None:
    """Half the blocks again decide an alarm, which is unclear until then; the estimate stays that of the first ones."""
    alone = servers(tmp_path / "alone", ratio=1.1)
    findings = servers(tmp_path / "confirmed", ratio=1.1, fresh=by_server(0.02, ratio=fresh))
    (effect,) = findings.effects
    assert (effect.verdict, effect.detail) == (verdict, detail)
    assert effect.typical == alone.effects[0].typical
    assert len(findings.blocks) == 12
    assert (alone.effects[0].verdict, alone.wants_fresh_blocks, findings.wants_fresh_blocks) == ("unclear", True, False)


@pytest.mark.parametrize(
    ("ratio", "noise", "fresh", "verdict", "detail"),
    [
        (1.0, 0.045, 1.0, "same", ""),
        (1.0, 0.045, 1.5, "unclear", ""),
        (1.03, 0.02, 1.06, "unclear", "it looks slower, and no blocks are left to confirm it"),
    ],
)
def test_what_is_unclear_may_become_the_same_and_no_alarm(  # noqa: PLR0917 - pytest passes names
    tmp_path: Path, ratio: float, noise: float, fresh: float, verdict: str, detail: str
) -> None:
    """Half the blocks again are added to the first ones, all of which have been seen by then."""
    [alone] = servers(tmp_path / "alone", ratio=ratio, block_noise=noise).effects
    assert (alone.verdict, alone.detail, alone.typical.blocks) == ("unclear", "fresh blocks may tell", 8)
    findings = servers(tmp_path / "fresh", ratio=ratio, block_noise=noise, fresh=by_server(0.02, ratio=fresh))
    [effect] = findings.effects
    assert (effect.verdict, effect.detail, effect.typical.blocks) == (verdict, detail, 12)
    assert not findings.wants_fresh_blocks


def test_no_alarm_needs_no_confirmation(tmp_path: Path) -> None:
    """Fresh blocks that differ make no alarm where there was none."""
    findings = servers(tmp_path, ratio=1.0, fresh=by_server(0.02, ratio=1.2))
    assert [effect.verdict for effect in findings.effects] == ["same"]
    assert not servers(tmp_path / "alone", ratio=1.0).wants_fresh_blocks
