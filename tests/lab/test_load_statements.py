"""Statements under load are held against those of the proof, and a block in which they differ does not count."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.derive import planned_cells
from lab.json_files import write
from lab.latency import asked
from lab.load_derive import derive_load
from lab.load_statements import StatementCount, disagreement, statements_due
from lab.results import CellProof, RunFolder
from tests.fake_load import FakeLoad
from tests.fakes import evidence
from tests.lab.test_load_derive import planted

DUE = {0: 3, 1: 0}


@pytest.mark.parametrize(
    ("counted", "sent", "differs"),
    [
        (300, {0: 100}, False),
        (303, {0: 100}, False),
        (304, {0: 100}, True),
        (296, {0: 100}, True),
        # What is all in the cache runs nothing; one statement in a hundred requests is a start of a connection.
        (0, {1: 1000}, False),
        (10, {1: 1000}, False),
        (11, {1: 1000}, True),
        (None, {0: 100}, False),
    ],
)
def test_a_hundredth_is_the_limit(counted: int | None, sent: dict[int, int], *, differs: bool) -> None:
    """Of the statements that are due, or of the requests where none is; a database that does not count says nothing."""
    assert bool(disagreement(StatementCount(counted=counted), asked=sent, due=DUE)) == differs


def counted(folder: RunFolder, *, factor: float) -> None:
    """Writes what the database would have counted, times a factor, for each block."""
    due = statements_due(folder.proof)
    for block in range(folder.manifest.experiment.blocks):
        expected = sum(count * due.get(cell, 0) for cell, count in asked([folder.sample_file(block)]).items())
        assert expected > 0
        write(StatementCount(counted=round(expected * factor)), folder.statements_file(block))


def test_blocks_whose_statements_differ_are_void(tmp_path: Path) -> None:
    """Every load of them, with the numbers; where they agree all are measured."""
    fake = FakeLoad(throughput=planted)
    folder = fake.make(tmp_path / "run")
    cells = tuple(
        CellProof(
            cell=cell.index, seconds=0.01, answers=(), cold=evidence(cell.arm, hit=False),
            warm=evidence(cell.arm, hit=dict(cell.arm.variant)["cache"] != "off"),
        )
        for cell in planned_cells(fake.experiment.under_load(), operations=("list",)) if cell.arm
    )  # fmt: skip
    folder.save("proof", replace(folder.proof, cells=cells))
    counted(folder, factor=1.0)
    assert {cell.state for cell in derive_load(folder).cells} == {"measured"}
    counted(folder, factor=1.5)
    for cell in derive_load(folder).cells:
        assert cell.state == "void"
        assert "the database ran" in cell.reason
