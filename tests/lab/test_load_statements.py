"""Statements under load are held against those of the proof, and a block in which they differ does not count."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.derive import planned_cells
from lab.json_files import write
from lab.latency import asked
from lab.load_derive import derive_load, load_summary
from lab.load_statements import StatementCount, disagreement, statements_due
from lab.results import CellProof, ProvenAnswer, RunFolder
from tests.fake_load import FakeLoad
from tests.lab.test_load_derive import planted

DUE = {(0, 0): 3, (0, 1): 30, (1, 0): 0}

A, B, CACHED = (0, 0), (0, 1), (1, 0)


@pytest.mark.parametrize(
    ("counted", "sent", "differs"),
    [
        (300, {A: 100}, False),
        (303, {A: 100}, False),
        (304, {A: 100}, True),
        (296, {A: 100}, True),
        (3300, {A: 100, B: 100}, False),
        (3300, {A: 200}, True),
        # What is all in the cache runs nothing; one statement in a hundred requests is a start of a connection.
        (0, {CACHED: 1000}, False),
        (10, {CACHED: 1000}, False),
        (11, {CACHED: 1000}, True),
        (None, {A: 100}, False),
        (1, {(7, 7): 100}, False),
    ],
)
def test_a_hundredth_is_the_limit(counted: int | None, sent: dict[tuple[int, int], int], *, differs: bool) -> None:
    """Of the statements that are due, key by key, or of requests where none is; what was not counted says nothing."""
    assert bool(disagreement(StatementCount(counted=counted), asked=sent, due=DUE)) == differs


def counted(folder: RunFolder, *, factor: float) -> None:
    """Writes what the database would have counted, times a factor, for each block."""
    due = statements_due(folder.proof)
    for block in range(folder.manifest.experiment.blocks):
        expected = sum(count * due[request] for request, count in asked([folder.sample_file(block)]).items())
        assert expected > 0
        write(StatementCount(counted=round(expected * factor)), folder.statements_file(block))


def test_blocks_whose_statements_differ_are_void(tmp_path: Path) -> None:
    """Every load of them, with the numbers; where they agree all are measured."""
    fake = FakeLoad(throughput=planted)
    folder = fake.make(tmp_path / "run")
    planned = planned_cells(fake.experiment.under_load(), operations=("list",))
    answer = ProvenAnswer(key=0, status=200, length=100, checksum=0, statements=3)
    cells = tuple(CellProof(cell=cell.index, seconds=0.01, answers=(answer,)) for cell in planned if cell.arm)
    folder.save("proof", replace(folder.proof, cells=cells))
    counted(folder, factor=1.0)
    found = derive_load(folder)
    assert {cell.state for cell in found.cells} == {"measured"}
    assert found.statements
    assert found.statements[0] == found.statements[1] > 0
    said = f"PostgreSQL ran {found.statements[0]:,} statements under load where {found.statements[1]:,} were due."
    assert said in load_summary(folder, found).answer[-1]
    counted(folder, factor=1.5)
    for cell in derive_load(folder).cells:
        assert cell.state == "void"
        assert "the database ran" in cell.reason
