"""Two runs against each other: what was planted between them is found, what makes them unlike is named."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lab.compare import compare
from lab.compare_findings import CellPair, Comparison
from lab.derive import derive
from lab.effect import Estimate, welch
from lab.errors import LabError
from lab.json_files import read
from lab.results import RunFolder
from tests.fakes import FLOOR, KNOBS, SERVERS, FakeRun, by_knobs, by_server
from tests.lab.tree import Door, Tree

ONE = replace(KNOBS, operations=("fake:LIST",), faces=("rest",))
RATIOS = {"select_related": 0.5, "prefetch_related": 1.25, "indexes": 0.25}


def made(
    path: Path, *, ratios: dict[str, float] = RATIOS, start: float = 0.02, floor: float = FLOOR, **options: Any
) -> RunFolder:
    """A run of the four knobs at one operation and face."""
    seconds = by_knobs(start, ratios=ratios, floor=floor)
    return FakeRun(experiment=ONE, seconds=seconds, **options).make(path)


def compared(first: RunFolder, second: RunFolder, **changes: Any) -> Comparison:
    """The second run against the first, whose findings may be changed before."""
    before, after = derive(first), replace(derive(second), **changes)
    manifests, folders = (first.manifest, second.manifest), ("../a", "../b")
    return compare(before, after, manifests=manifests, folders=folders, although=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """Two runs, another seed each, of which in the second all is 10 % slower, and indexes help less."""
    path = tmp_path_factory.mktemp("runs")
    second = made(path / "second", start=0.022, ratios=RATIOS | {"indexes": 0.3}, seed=2, floor=1.1 * FLOOR)
    return made(path / "first"), second


def test_welch_is_that_of_scipy() -> None:
    """Difference, bounds and p are those of SciPy's t test with unequal variances; bounds of many are wider."""
    random = np.random.default_rng(4)
    first, second = random.normal(1.0, 0.1, 8), random.normal(1.2, 0.4, 5)
    found = welch(first, second)
    reference = stats.ttest_ind(first, second, equal_var=False)
    bounds = reference.confidence_interval(0.95)
    assert found
    assert (found.mean, found.low, found.high) == pytest.approx((first.mean() - second.mean(), bounds.low, bounds.high))
    assert found.p == pytest.approx(reference.pvalue)
    assert (found.blocks, found.simultaneous) == (13, 1)
    many = welch(first, second, simultaneous=10)
    wide = reference.confidence_interval(1 - 0.05 / 10)
    assert many
    assert (many.low, many.high) == pytest.approx((wide.low, wide.high))


def test_welch_covers_what_is_true() -> None:
    """Over 2,000 pairs of runs whose scatter differs threefold, 95 % intervals hold the truth in 93 to 97 %."""
    random = np.random.default_rng(6)
    hits = 0
    for _ in range(2000):
        found = welch(random.normal(0.05, 0.01, 8), random.normal(0.0, 0.03, 8))
        assert found
        hits += found.low <= 0.05 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_welch_needs_two_values_of_each() -> None:
    """One value has no scatter; equal values have none either, and their difference is known."""
    assert welch(np.array([1.0]), np.array([1.0, 2.0])) is None
    same = Estimate(mean=1.0, low=1.0, high=1.0, blocks=4, simultaneous=1, p=0.0)
    assert welch(np.array([2.0, 2.0]), np.array([1.0, 1.0])) == same


def test_what_was_planted_between_runs_is_found(runs: tuple[RunFolder, RunFolder]) -> None:
    """Every cell's ratio holds its true one; bounds of all cells hold at once."""
    found = compared(*runs)
    assert len(found.cells) == 16
    for cell in found.cells:
        levels = dict(cell.variant)
        true = 1.0 if levels["cache"] != "off" else 1.1 * (0.3 / 0.25 if levels["indexes"] == "on" else 1.0)
        assert cell.ratio
        assert cell.ratio.low <= true <= cell.ratio.high
        assert cell.ratio.simultaneous == 16
        assert cell.before
        assert cell.after
        assert cell.verdict == ("same" if true == 1 else "slower")
    assert (found.alone_before, found.alone_after, found.differences) == (0, 0, ())


def test_effects_are_compared_as_the_ratios_that_they_are(runs: tuple[RunFolder, RunFolder]) -> None:
    """A machine that is slower throughout changes no effect; the one that was planted otherwise is changed."""
    found = compared(*runs)
    verdicts = {effect.subject: effect.verdict for effect in found.effects if effect.kind == "conditional"}
    assert verdicts == {"select_related": "same", "prefetch_related": "same", "indexes": "changed"}
    (indexes,) = [effect for effect in found.effects if effect.subject == "indexes"]
    assert indexes.ratio.low <= 0.3 / 0.25 <= indexes.ratio.high
    assert indexes.before.estimate == pytest.approx(0.25, rel=0.03)
    assert indexes.after.estimate == pytest.approx(0.3, rel=0.03)


def test_the_floor_tells_how_far_the_machine_moved(runs: tuple[RunFolder, RunFolder]) -> None:
    """The bare view was planted 10 % slower: the answer says that differences up to there may be the machine's."""
    found = compared(*runs)
    (floor,) = found.floors
    assert floor.ratio == pytest.approx(1.1, rel=0.03)
    (told,) = [line for line in found.answer if "not paired" in line]
    assert f"differences up to {abs(floor.ratio - 1) * 100:.1f} %" in told
    assert "2 changed" in found.answer[0]
    assert "indexes" in found.answer[0]


def test_the_same_run_again_is_the_same(tmp_path: Path) -> None:
    """Nothing was planted: no effect changed, and no cell is faster or slower."""
    found = compared(made(tmp_path / "a", rounds=40), made(tmp_path / "b", rounds=40, seed=3))
    assert {effect.verdict for effect in found.effects} == {"same"}
    assert {cell.verdict for cell in found.cells} <= {"same", "unclear"}


def test_counts_that_changed_are_kept(runs: tuple[RunFolder, RunFolder]) -> None:
    """Only cells that did something else carry their evidence; times and lines of code are no difference."""
    first, second = runs
    cells = list(derive(second).cells)
    for number, changes in ((2, {"seconds": 9.0, "line": "moved:9"}), (3, {"count": 7})):
        cold = cells[number].cold
        assert cold
        (statement,) = cold.statements
        cells[number] = replace(cells[number], cold=replace(cold, statements=(replace(statement, **changes),)))
    found = compared(first, second, cells=tuple(cells))
    assert [number for number, cell in enumerate(found.cells) if cell.is_counted_otherwise] == [3]
    assert "1 of 16 cells did something else" in " ".join(found.answer)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("environment", ("cores", "64"), "cores 2, then 64"),
        ("environment", ("processor", "another"), "processor none, then another"),
        ("dataset", ("rows", "9"), "dataset rows 12,340, then 9"),
        ("dataset", ("fingerprint", "f"), "dataset fingerprint 0123456789abcdef, then f"),
    ],
)
def test_unlike_runs_are_refused_by_what_differs(
    runs: tuple[RunFolder, RunFolder], part: str, change: tuple[str, str], said: str
) -> None:
    """Another machine or dataset is named with both values; told to, they are compared, and it stays named."""
    first, second = runs
    changed = tuple((dict(getattr(derive(second), part)) | dict([change])).items())
    with pytest.raises(LabError) as caught:
        compared(first, second, **{part: changed})
    assert said in caught.value.what
    assert "--although" in caught.value.hint
    after = replace(derive(second), **{part: changed})  # type: ignore[arg-type]
    manifests, folders = (first.manifest, second.manifest), ("a", "b")
    found = compare(derive(first), after, manifests=manifests, folders=folders, although=True)
    assert [each.makes_unlike for each in found.differences] == [True]


def test_a_run_that_is_not_whole_is_compared_and_named(runs: tuple[RunFolder, RunFolder]) -> None:
    """The answer ends with which of the two, and with its notes."""
    found = compared(*runs, complete=False, notes=("block-03.samples ends inside a frame.",))
    assert found.answer[-1] == (
        f"The second run, {derive(runs[1]).run}, is not whole: it has what it has. "
        "block-03.samples ends inside a frame."
    )
    assert "not whole" not in " ".join(compared(*runs).answer)


def test_another_commit_is_what_runs_are_compared_for(runs: tuple[RunFolder, RunFolder]) -> None:
    """Commit, versions and settings are listed, and refuse nothing."""
    found = compared(*runs, environment=(("commit", "def456"), ("cores", "2")), settings=(("jit", "on"),))
    assert [(each.name, each.before, each.after) for each in found.differences] == [
        ("commit", "abc123", "def456"), ("jit", "off", "on"),
    ]  # fmt: skip


def test_cells_that_one_run_lacks_are_counted(runs: tuple[RunFolder, RunFolder], tmp_path: Path) -> None:
    """Void in one run: no ratio, and the reason; missing in one: counted; none in common: refused."""
    first, second = runs
    fake = FakeRun(experiment=ONE, seconds=by_knobs(0.02, ratios=RATIOS), wrong=frozenset({4}))
    found = compared(first, fake.make(tmp_path / "wrong"))
    (void,) = [cell for cell in found.cells if cell.verdict == "void"]
    assert isinstance(void, CellPair)
    assert void.reason.startswith("in the second run ")
    assert void.reason.endswith("answers were not the proven one")
    fewer = compared(first, second, cells=derive(second).cells[:10])
    assert (len(fewer.cells), fewer.alone_before, fewer.alone_after) == (10, 6, 0)
    assert "Not compared, since the other run lacks them: 6 cells of the first run." in fewer.answer
    with pytest.raises(LabError, match="no cell in common"):
        compared(first, FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0)).make(tmp_path / "other"))


@pytest.fixture(scope="module")
def door(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """`python -m lab` in a copy of the checkout."""
    with tree.doors(tmp_path_factory.mktemp("door")) as opened:
        yield opened


def test_door_compares_two_runs(tree: Tree, door: Door, tmp_path: Path) -> None:
    """The answer on the console; JSON and page in a folder of their own; runs that were never concluded are now."""
    for name in ("a", "b"):
        made(tree.path / "results" / "compared" / name, seed=ord(name))
    done = door("report", "compared/a", "compared/b")
    assert (done.returncode, done.stderr) == (0, "")
    target = tree.path / "results" / "compare" / "compared-a--compared-b"
    found = read(target / "comparison.json", Comparison)
    said = done.stdout.splitlines()
    assert list(found.answer) == said[:-1]
    assert said[-1] == "comparison: results/compare/compared-a--compared-b/comparison.html"
    page = target / "comparison.html"
    before = page.read_bytes()
    assert b'href="./../../compared/a/report.html"' in before
    assert (target / found.before.folder / "report.html").is_file()
    assert door("report", "compared/a", "compared/b").returncode == 0
    assert page.read_bytes() == before


REFUSED: list[tuple[list[str], str]] = [
    (["report"], "no run is named (name one, or two to compare them"),
    (["report", "a", "b", "c"], "3 runs are named (name one, or two to compare them"),
    (["report", "compared/a", "nowhere"], "there is no run 'nowhere'"),
    (["report", "compared/a", "compared/a"], "compared/a and compared/a are one run"),
    (["report", "compared/a", "--although"], "--although is for two runs that are compared"),
    (["report", "compared/a", "--site", "x"], "a site is of all runs (leave compared/a out, or --site)"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_door_refuses_in_one_line(tree: Tree, door: Door, words: list[str], said: str) -> None:
    """What cannot be compared is told with what to type next."""
    path = tree.path / "results" / "compared" / "a"
    if not path.exists():
        made(path)
    done = door(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert len(done.stderr.splitlines()) == 1
