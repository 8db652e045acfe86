"""How far cells are from PostgreSQL alone is found again as it was planted, over the same keys and the same blocks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab import distance
from lab.derive import derive
from lab.distance_words import distances
from lab.experiment import PAGING, Server
from lab.findings import Ceiling, Cell, Findings, Interval
from lab.json_files import write
from lab.plan import PlannedCell
from lab.recorder import SAMPLE, Fault
from lab.results import AloneStatement, AloneTimes, RunFolder
from tests.fakes import FLOOR, KNOBS, SERVERS, FakeRun, by_knobs, by_server

ALONE = 0.002
ALONE_BY = {"offset": 0.02, "keyset": ALONE}
"""Seconds of PostgreSQL by the way of paging."""


def alone(operation: str, times: dict[int, float], *, count: int = 40) -> list[AloneTimes]:
    """Two runs of pgbench: each key as long as it says, but for three slow first times and a hiccup."""
    return [
        AloneTimes(
            operation=operation, key=key,
            microseconds=(*[50_000] * distance.FIRST, *[round(seconds * 1e6)] * count, 400_000),
        )
        for _ in ("before", "after")
        for key, seconds in times.items()
    ]  # fmt: skip


def with_alone(folder: RunFolder, *, times: Callable[[int], Sequence[AloneTimes]]) -> RunFolder:
    """The folder with what PostgreSQL alone took, by block."""
    for path in folder.blocks.glob("block-*.report.json"):
        index = int(path.name[len("block-") :][:2])
        write(tuple(times(index)), folder.alone_file(index))
    return folder


def test_typical_times_leave_out_first_runs_and_hiccups() -> None:
    """Each key's 20 % trimmed mean over both runs, without what a new connection has to learn."""
    assert distance.alone_typical(alone("list", {0: 0.002, 1: 0.004})) == {
        ("list", ""): {0: pytest.approx(0.002), 1: pytest.approx(0.004)}
    }
    few = [
        AloneTimes(operation="list", key=0, microseconds=(90, 10)),
        AloneTimes(operation="x", key=1, microseconds=()),
    ]
    assert distance.alone_typical(few) == {("list", ""): {0: pytest.approx(10e-6)}}


def test_of_samples_the_right_ones_count_that_are_no_warm_up() -> None:
    """By cell and key, whatever the order of the rows."""
    rows = np.zeros(6, dtype=SAMPLE)
    rows["cell"] = [1, 0, 1, 1, 0, 1]
    rows["key"] = [2, 0, 1, 2, 0, 2]
    rows["done"] = [10, 20, 30, 40, 50, 60]
    rows["warm"] = [0, 0, 0, 0, 1, 0]
    rows["fault"] = [0, 0, 0, 0, 0, Fault.CONTENT]
    assert distance.cells_typical(rows) == {
        0: {0: pytest.approx(20e-9)}, 1: {1: pytest.approx(30e-9), 2: pytest.approx(25e-9)},
    }  # fmt: skip
    assert distance.cells_typical(rows[:0]) == {}


def test_only_keys_that_both_were_asked_are_compared() -> None:
    """A slow cell is asked its first key alone, and set against PostgreSQL's time for that."""
    cell = PlannedCell(index=4, operation="list", face="rest", arm=None, seconds=0.0)
    blocks = [{4: {0: 0.010 * luck}} for luck in (1.0, 1.1)]
    theirs = [{("list", ""): {0: 0.002, 1: 1.0}}] * 2
    found = distance.ceiling_ratio(cell, cells=blocks, alone=theirs)
    assert found
    assert found.estimate == pytest.approx(5 * 1.1**0.5)
    assert found.low < found.estimate < found.high
    assert found.blocks == 2
    assert distance.ceiling_ratio(cell, cells=blocks[:1], alone=theirs[:1]) is None
    assert distance.ceiling_ratio(cell, cells=blocks, alone=[{("search", ""): {0: 0.1}}] * 2) is None
    assert distance.ceiling_ratio(cell, cells=[{4: {1: 0.1}}] * 2, alone=[{("list", ""): {0: 0.1}}] * 2) is None


def test_the_planted_distance_is_derived_from_a_folder(tmp_path: Path) -> None:
    """Server b takes twice as long as a, which takes ten times what PostgreSQL alone does; a block shifts both."""
    folder = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=2.0), rounds=40).make(tmp_path / "run")
    luck = {index: 1 + index / 200 for index in range(16)}
    with_alone(folder, times=lambda index: alone("list", dict.fromkeys(range(4), ALONE * luck[index])))
    findings = derive(folder)
    for cell, ratio in zip(findings.cells, (10.0, 20.0), strict=True):
        assert cell.ceiling_ratio
        assert cell.ceiling_ratio.low < ratio / 1.02 < cell.ceiling_ratio.high
        assert cell.ceiling_ratio.estimate == pytest.approx(ratio / 1.02, rel=0.02)
        assert cell.ceiling_ratio.blocks == 8
    [ceiling] = findings.ceilings
    assert ceiling.service.low < ALONE * 1.0175 < ceiling.service.high
    assert "list: PostgreSQL alone needs 2.0" in findings.answer[-2]


def test_each_way_of_paging_is_set_against_its_own(tmp_path: Path) -> None:
    """A page by cursor takes ten times what PostgreSQL takes by cursor, though by number that takes far longer."""
    variants = tuple((("cache", "off"), (PAGING, each)) for each in ALONE_BY)
    ways = replace(SERVERS, servers=(Server(),), variant=(), variants=variants)

    def seconds(cell: PlannedCell) -> float:
        return 10 * ALONE_BY[cell.arm.paging] if cell.arm else FLOOR

    def times(_: int) -> list[AloneTimes]:
        return [
            replace(each, paging=paging)
            for paging, took in ALONE_BY.items()
            for each in alone("list", dict.fromkeys(range(4), took))
        ]

    folder = FakeRun(experiment=ways, seconds=seconds, rounds=40).make(tmp_path / "run")
    findings = derive(with_alone(folder, times=times))
    assert [each.paging for each in findings.ceilings] == ["offset", "keyset"]
    assert [cell.ceiling_ratio.estimate for cell in findings.cells if cell.ceiling_ratio] == [
        pytest.approx(10.0, rel=0.05)
    ] * len(findings.cells)
    assert any(line.startswith("list by keyset: PostgreSQL alone needs 2.0") for line in findings.answer)


def test_a_face_that_answers_with_less_has_no_ratio(tmp_path: Path) -> None:
    """PostgreSQL writes whole products: what a document leaves out, it was not asked for."""
    fake = FakeRun(experiment=KNOBS, seconds=by_knobs(0.16, ratios={}), rounds=20)
    folder = with_alone(fake.make(tmp_path / "run"), times=lambda _: alone("list", {0: ALONE, 1: ALONE}))
    statement = AloneStatement(operation="list", key=0, sql="SELECT 1", seconds=ALONE, faces=("rest",))
    folder.save("proof", replace(folder.proof, alone=(statement,)))
    cells = [cell for cell in derive(folder).cells if cell.operation == "list"]
    assert {cell.face for cell in cells} == {"rest", "graphql"}
    assert {(cell.face, bool(cell.ceiling_ratio)) for cell in cells if cell.state == "measured"} == {
        ("rest", True), ("graphql", False),
    }  # fmt: skip


def test_blocks_that_do_not_count_have_no_part_in_it(tmp_path: Path) -> None:
    """What a void block says of PostgreSQL is left out with the block, and a damaged file is like none."""
    fake = FakeRun(
        experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=40, sensors={2: {"steal": 0.5}}
    )  # fmt: skip
    folder = with_alone(
        fake.make(tmp_path / "run"), times=lambda index: alone("list", {0: 9.0 if index == 2 else ALONE})
    )
    folder.alone_file(5).write_text("{")
    findings = derive(folder)
    assert {cell.ceiling_ratio.blocks for cell in findings.cells if cell.ceiling_ratio} == {6}
    assert findings.ceilings[0].service.high < 0.01


def test_a_folder_of_before_has_no_ceiling(tmp_path: Path) -> None:
    """It is derived as it was: nothing is said of PostgreSQL alone."""
    findings = derive(FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=20).make(tmp_path / "run"))
    assert findings.ceilings == ()
    assert {cell.ceiling_ratio for cell in findings.cells} == {None}
    assert not any("PostgreSQL alone" in line for line in findings.answer)


@pytest.fixture(scope="module")
def toggles(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The main job's design, with PostgreSQL alone at 2 ms for each operation."""
    seconds = by_knobs(0.16, ratios={"select_related": 0.5, "prefetch_related": 0.5, "indexes": 0.5, "graphql": 1.5})
    fake = FakeRun(experiment=KNOBS, seconds=seconds)
    folder = fake.make(tmp_path_factory.mktemp("toggles") / "run")
    names = ("list", "search", "detail")
    return derive(with_alone(folder, times=lambda _: [e for name in names for e in alone(name, {0: ALONE, 1: ALONE})]))


def test_where_knobs_are_turned_one_sentence_says_it(toggles: Findings) -> None:
    """All on but the cache, whose hits ask no database: three operations, two faces; ten lines hold the answer."""
    [line] = [line for line in toggles.answer if "PostgreSQL alone" in line]
    assert line.startswith("With all on but the cache the API beside PostgreSQL alone")
    assert line.count(" times that through REST, ") == 3
    assert "list (2.00 ms) 10." in line or "list (2.00 ms) 9." in line
    assert len(toggles.answer) <= 10


def cell(*, ratio: float, level: str, face: str = "rest", server: str = "target") -> Cell:
    """A cell at so many times what PostgreSQL needs."""
    around = Interval(estimate=ratio, low=ratio * 0.9, high=ratio * 1.1, blocks=8)
    return Cell(
        operation="list", server=server, face=face, variant=(("cache", "off"), ("serializer", level)),
        state="measured", ceiling_ratio=around,
    )  # fmt: skip


LIMIT = Ceiling(operation="list", service=Interval(estimate=0.0005, low=0.0004, high=0.0006, blocks=8))
NEEDS = "list: PostgreSQL alone needs 500 µs to write the same answer as JSON; the API takes "


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([cell(ratio=18.0, level="drf"), cell(ratio=2.5, level="database")],
         "2.500 [2.250, 2.750] times that with database, 18.0 [16.2, 19.8] with drf."),
        ([cell(ratio=0.5, level="drf")], "0.500 [0.450, 0.550] times that."),
        ([cell(ratio=4.0, level="drf", face="graphql"), cell(ratio=3.0, level="drf")],
         "3.000 [2.700, 3.300] times that through REST, 4.000 [3.600, 4.400] through GraphQL."),
        ([cell(ratio=4.0, level="drf", server="b"), cell(ratio=3.0, level="drf", server="a")],
         "3.000 [2.700, 3.300] times that on a, 4.000 [3.600, 4.400] on b."),
        ([cell(ratio=float(n), level=f"l{n}") for n in range(2, 10)],
         "2.000 [1.800, 2.200] times that with l2 to 9.000 [8.100, 9.900] with l9."),
    ],
)  # fmt: skip
def test_a_sentence_names_the_nearest_first(cells: list[Cell], said: str) -> None:
    """Each cell by what it differs in; of many the ends."""
    assert distances(knobs=(), cells=cells, ceilings=[LIMIT]) == [NEEDS + said]


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No ceiling, no cell with a ratio, or another operation's: no sentence."""
    known = cell(ratio=2.0, level="drf")
    assert distances(knobs=(), cells=[known], ceilings=[]) == []
    assert distances(knobs=(), cells=[replace(known, ceiling_ratio=None)], ceilings=[LIMIT]) == []
    assert distances(knobs=(), cells=[replace(known, operation="search")], ceilings=[LIMIT]) == []
