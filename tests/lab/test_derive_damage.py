"""What is left of a run that ended early, or whose blocks are void, is shown for what it is; nothing goes missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.derive import DAMAGED_REPORT, INTERRUPTED, derive
from lab.errors import LabError
from lab.findings import Findings
from lab.results import RunFolder
from tests.fakes import KNOBS, SERVERS, FakeRun, by_knobs, by_server

Damage = Callable[[RunFolder], None]


def whole(path: Path) -> RunFolder:
    """A whole run of two servers."""
    return FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0)).make(path / "run")


def before_the_proof(folder: RunFolder) -> None:
    """The run was killed when it had written its manifest alone."""
    (folder.path / "proof.json").unlink()
    before_the_plan(folder)


def before_the_plan(folder: RunFolder) -> None:
    """The run was killed when it had written the proof."""
    (folder.path / "plan.json").unlink()
    without_samples(folder)


def without_samples(folder: RunFolder) -> None:
    """The run was killed while it booted the first block."""
    after_blocks(folder, blocks=0)


def after_blocks(folder: RunFolder, *, blocks: int) -> None:
    """The run was killed when so many blocks had ended."""
    (folder.path / "stages.json").unlink()
    for index in range(blocks, 8):
        folder.sample_file(index).unlink()
        folder.report_file(index).unlink()


def in_the_first_block(folder: RunFolder) -> None:
    """The run was killed in the middle of a write to the first block's samples."""
    after_blocks(folder, blocks=1)
    cut(folder, block=0)


def after_three_blocks(folder: RunFolder) -> None:
    """The run was killed between two blocks."""
    after_blocks(folder, blocks=3)


def in_the_fourth_block(folder: RunFolder) -> None:
    """The run was killed in the middle of a write to the fourth block's samples."""
    after_blocks(folder, blocks=4)
    cut(folder, block=3)


def with_an_empty_file(folder: RunFolder) -> None:
    """The generator was killed before it wrote the first byte of the fourth block."""
    after_blocks(folder, blocks=3)
    folder.sample_file(3).touch()


def cut(folder: RunFolder, *, block: int) -> None:
    """Take the last ten bytes of a block's samples away, and its report."""
    path = folder.sample_file(block)
    path.write_bytes(path.read_bytes()[:-10])
    folder.report_file(block).unlink()


ALL: list[tuple[Damage, int]] = [
    (before_the_proof, 0),
    (before_the_plan, 0),
    (without_samples, 0),
    (in_the_first_block, 1),
    (after_three_blocks, 3),
    (in_the_fourth_block, 4),
    (with_an_empty_file, 3),
]


@pytest.mark.parametrize(("damage", "blocks"), ALL)
def test_an_interrupted_run_says_so_and_misses_no_cell(tmp_path: Path, damage: Damage, blocks: int) -> None:
    """It is not complete, a note says where it ended, and every cell is measured or void with a reason."""
    folder = whole(tmp_path)
    damage(folder)
    findings = derive(folder)
    assert not findings.complete
    assert any(note.startswith("The run ended") for note in findings.notes)
    assert len(findings.cells) == 2
    for cell in findings.cells:
        assert (cell.state, cell.reason) == (("measured", "") if blocks else ("void", INTERRUPTED))
        assert len(cell.block_means) == blocks
    assert len(findings.effects) == (blocks > 1)
    assert len(findings.answer) <= 10


@pytest.mark.parametrize("damage", [before_the_proof, before_the_plan, without_samples, in_the_first_block])
def test_an_interrupted_design_of_knobs_has_all_its_cells(tmp_path: Path, damage: Damage) -> None:
    """All 96 cells are in the findings of a run that hardly began."""
    folder = FakeRun(experiment=KNOBS, seconds=by_knobs(0.02, ratios={}), rounds=2).make(tmp_path / "run")
    damage(folder)
    findings = derive(folder)
    assert len(findings.cells) == 96
    assert all(cell.reason for cell in findings.cells if cell.state == "void")
    assert not findings.complete
    assert findings.effects == ()


def test_cells_whose_turn_never_came_are_void(tmp_path: Path) -> None:
    """Cut in its middle, the only block has measured some cells; the others say why they were not."""
    folder = FakeRun(experiment=KNOBS, seconds=by_knobs(0.02, ratios={}), rounds=2).make(tmp_path / "run")
    after_blocks(folder, blocks=1)
    path = folder.sample_file(0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 8 // 10])
    folder.report_file(0).unlink()
    states = {cell.state: cell.reason for cell in derive(folder).cells}
    assert states == {"measured": "", "void": "no request of it came to its turn"}


def test_damage_in_a_file_is_named(tmp_path: Path) -> None:
    """The note says which file, and how many of its samples are used; the block keeps them."""
    folder = whole(tmp_path)
    cut(folder, block=7)
    findings = derive(folder)
    (note,) = [note for note in findings.notes if "block-07.samples" in note]
    assert "ends inside a frame" in note
    assert f"{findings.blocks[7].requests} samples before it are used" in note


def test_without_a_manifest_there_is_no_run(tmp_path: Path) -> None:
    """A folder that does not say what was asked is refused, with a hint."""
    folder = whole(tmp_path)
    (folder.path / "manifest.json").unlink()
    with pytest.raises(LabError) as caught:
        derive(folder)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["manifest.json", "proof.json", "plan.json", "stages.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b'{"a": 1}', b"\xff\xfe"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    """What cannot be read is an error that names the file, never a guess."""
    folder = whole(tmp_path)
    if (name, content) == ("stages.json", b"[]"):
        return  # No stages are stages.
    (folder.path / name).write_bytes(content)
    with pytest.raises(LabError) as caught:
        derive(folder)
    assert name in caught.value.what


VOID: dict[str, tuple[dict[str, Any], str]] = {
    "steal": ({"steal": 0.2}, "the host took 20.0% of the CPU"),
    "kernel": ({"kernels": (1_300_000,) * 20}, "the reference kernel was off by +30%"),
    "generator": ({"generator_share": 0.9}, "the generator used 90% of a core"),
}


def voided(path: Path, blocks: tuple[int, ...], *, change: dict[str, Any], spares: tuple[int, ...] = ()) -> Findings:
    """Findings of a run of a 10 % slower server, some blocks of which have sensors beyond their limits."""
    fake = FakeRun(
        experiment=SERVERS, seconds=by_server(0.02, ratio=1.1), sensors=dict.fromkeys(blocks, change), spares=spares,
        fresh=by_server(0.02, ratio=1.1),
    )  # fmt: skip
    return derive(fake.make(path / "run"))


@pytest.mark.parametrize("sensor", VOID)
def test_a_void_block_stays_in_the_file_and_out_of_the_numbers(tmp_path: Path, sensor: str) -> None:
    """Two of eight blocks are named with their reason; six are counted, and with four fresh ones conclude."""
    change, reason = VOID[sensor]
    findings = voided(tmp_path, (2, 5), change=change)
    assert [block.index for block in findings.blocks if block.void] == [2, 5]
    assert all(block.void.startswith(reason) for block in findings.blocks if block.void)
    assert {len(cell.block_means) for cell in findings.cells} == {10}
    (effect,) = findings.effects
    assert (effect.typical.blocks, effect.verdict) == (6, "slower")
    assert any("10 of 12 blocks" in line for line in findings.answer)


@pytest.mark.parametrize(("blocks", "verdict"), [((0, 1), "slower"), ((0, 1, 2), "unclear"), ((3, 4, 5, 6), "unclear")])
def test_above_thirty_percent_of_void_blocks_nothing_is_concluded(
    tmp_path: Path, blocks: tuple[int, ...], verdict: str
) -> None:
    """Three of eight are 38 %: a clear effect is unclear, and says why."""
    (effect,) = voided(tmp_path, blocks, change={"steal": 0.2}).effects
    assert effect.verdict == verdict
    assert effect.detail == ("too many void blocks" if verdict == "unclear" else "")


def test_a_spare_block_takes_a_void_ones_place(tmp_path: Path) -> None:
    """Three void blocks of which one was run again are two: the run concludes from six."""
    findings = voided(tmp_path, (0, 1, 2), change={"steal": 0.2}, spares=(1,))
    assert [block.index for block in findings.blocks] == [*range(8), 9, *range(16, 20)]
    assert [effect.verdict for effect in findings.effects] == ["slower"]


def test_all_blocks_void_leaves_cells_with_a_reason(tmp_path: Path) -> None:
    """Nothing counts, so nothing is compared; every cell says that it was not measured."""
    sensors = {block: {"steal": 0.2} for block in range(8)}
    fake = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.1), sensors=sensors)
    findings = derive(fake.make(tmp_path / "run"))
    assert findings.effects == ()
    assert {cell.state for cell in findings.cells} == {"void"}
    assert all(cell.reason for cell in findings.cells)


def test_files_that_are_nobodys_or_damaged_take_nothing_along(tmp_path: Path) -> None:
    """A damaged block report costs its sensors alone, and files of other names are not read."""
    folder = whole(tmp_path)
    folder.report_file(2).write_text("{")
    (folder.blocks / "block-xx.report.json").write_text("{}")
    (folder.samples / "block-xx.samples").write_text("")
    findings = derive(folder)
    assert [block.note for block in findings.blocks] == ["", "", DAMAGED_REPORT, *[""] * (len(findings.blocks) - 3)]
    assert not findings.complete
    assert all(cell.state == "measured" for cell in findings.cells)
