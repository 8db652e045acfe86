"""A run that followed growth is derived from its folder alone: words, numbers, tables and curves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.asked import grown_to
from lab.conclude import conclude
from lab.errors import LabError
from lab.experiment import Experiment, GrowthDesign
from lab.findings import Interval
from lab.growth_derive import derive_growth
from lab.growth_series import Series
from lab.growth_words import _statements
from lab.json_files import read
from lab.plan import PlannedCell
from lab.results import Manifest, ProofRecord, RunFolder
from lab.seal import seal
from lab.study_findings import StudyFindings
from tests.fakes import FLOOR, FakeRun

SIZES = {"a": 10_000, "b": 50_000, "c": 200_000, "d": 1_000_000}
ON = (("indexes", "on"), ("cache", "off"))
OFF = (("indexes", "off"), ("cache", "off"))

GROWING = Experiment(
    name="growth", question="How does it grow?", operations=("fake:LIST",), faces=("rest",), variants=(ON, OFF),
    growth=GrowthDesign(sizes=tuple(SIZES), arms=("indexes on", "indexes off"), blocks=4), keys=3,
)  # fmt: skip


def planted(rows: int) -> Callable[[PlannedCell], float]:
    """5 ms whatever the size with indexes, and 100 ns a row more without."""

    def seconds(cell: PlannedCell) -> float:
        if cell.arm is None:
            return FLOOR
        return 0.005 + (rows * 1e-7 if cell.arm.variant == OFF else 0.0)

    return seconds


def made(path: Path, *, sizes: tuple[str, ...] = tuple(SIZES)) -> RunFolder:
    """A study's folder with a part for each of the sizes."""
    folder = RunFolder(path)
    path.mkdir()
    folder.samples.mkdir()
    folder.blocks.mkdir()
    for name in sizes:
        plain = replace(GROWING, growth=None, blocks=4)
        part = FakeRun(experiment=plain, seconds=planted(SIZES[name]), seed=len(name)).make(path / name)
        facts = (("size", name), ("seed", "1"), ("rows", f"{SIZES[name]:,}"), ("fingerprint", "0123"))
        part.save("manifest", replace(part.manifest, dataset=facts))
    first = RunFolder(path / sizes[0]).manifest
    folder.save("manifest", replace(first, experiment=GROWING, run=path.name))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole study."""
    return made(tmp_path_factory.mktemp("growth") / "run")


def column(found: StudyFindings, table: str, name: str) -> list[object]:
    """A table's column, by names."""
    [wanted] = [each for each in found.tables if each.identifier == table]
    place = [each.name for each in wanted.columns].index(name)
    return [row[place] for row in wanted.rows]


def test_what_was_planted_is_found(folder: RunFolder) -> None:
    """The same with indexes at any size, linear without, by its interval; the times are those at the ends."""
    found = derive_growth(folder)
    assert found.complete
    assert column(found, "growth", "arm") == ["indexes on", "indexes off"]
    assert column(found, "growth", "grows as") == ["O(1)", "O(n)"]
    none, linear = column(found, "growth", "exponent c [95 %]")
    assert none is None
    assert isinstance(linear, Interval)
    assert linear.low <= 1 <= linear.high
    assert linear.high - linear.low < 0.2
    _, last = column(found, "growth", "time at 1,000,000 rows")
    assert isinstance(last, Interval)
    assert last.estimate == pytest.approx(0.105, rel=0.05)


def test_counts_have_tables_of_their_own(folder: RunFolder) -> None:
    """Statements are as many at every size, and the answer says so."""
    found = derive_growth(folder)
    assert column(found, "growth-statements", "grows as") == ["O(1)", "O(1)"]
    assert column(found, "growth-statements", "at 10,000 rows") == [41.0, 41.0]
    assert "Statements are as many at every size" in " ".join(found.answer)
    assert {each.identifier for each in found.tables} >= {"growth-shared-buffers", "growth-rows", "growth-bytes"}


def test_the_answer_begins_with_the_words(folder: RunFolder) -> None:
    """Arm by arm, then each operation and face with its ends and its exponent."""
    first, second, *_ = derive_growth(folder).answer
    assert first == "How time grows with rows, by operation and face: indexes on: 1 O(1); indexes off: 1 O(n)."
    assert second.startswith("list, REST, from 10,000 to 1,000,000 rows: indexes on ")
    assert "O(n), exponent " in second


def test_curves_have_a_line_an_arm_and_its_model(folder: RunFolder) -> None:
    """What does not grow has no model."""
    [time, _] = derive_growth(folder).curves
    assert [(line.name, line.is_model) for line in time.lines] == [
        ("indexes on", False), ("indexes off", False), ("indexes off", True),
    ]  # fmt: skip
    assert [len(line.points) for line in time.lines][:2] == [4, 4]
    assert time.x.is_log
    assert time.y.is_log


def test_a_capped_size_is_told_as_more_than_what_it_took(tmp_path: Path) -> None:
    """It has no time and no place on the curve, and the note gives the reason."""
    folder = made(tmp_path / "run")
    part = RunFolder(folder.path / "d")
    record = part.proof
    number = next(cell for cell in range(len(record.cells)) if record.cells[cell].cell == 1)
    cut = replace(record.cells[number], void="after 2.0 s a statement met the limit", more_than=2.0, answers=())
    cells = (*record.cells[:number], cut, *record.cells[number + 1 :])
    part.save("proof", ProofRecord(cells=cells, proofs=record.proofs))
    found = derive_growth(folder)
    assert column(found, "growth", "time at 1,000,000 rows")[1] == "more than 2.00 s"
    assert column(found, "growth", "grows as")[1] == "not enough sizes: 3 of at least 4"
    assert "indexes off 6.0" in found.answer[1]
    assert "to more than 2.00 s, not enough sizes" in found.answer[1]
    assert any("at 1,000,000 rows: after 2.0 s a statement met the limit" in note for note in found.notes)


def test_a_study_that_ended_early_shows_what_there_is(tmp_path: Path) -> None:
    """With three sizes of four there are times and no exponent, and it is not complete."""
    found = derive_growth(made(tmp_path / "run", sizes=("a", "b", "c")))
    assert not found.complete
    assert found.answer == ("How it grows cannot be told: not enough sizes: 3 of at least 4.",)
    assert "ended after 12 of 16 blocks" in found.notes[0]


def test_a_study_without_a_size_has_an_answer_too(tmp_path: Path) -> None:
    """The run ended in its first minute: there is nothing to divide by."""
    folder = made(tmp_path / "run", sizes=("a",))
    (folder.path / "a" / "manifest.json").unlink()
    assert derive_growth(folder).answer == ("How it grows cannot be told: nothing was measured.",)


def test_a_page_is_drawn_of_it(folder: RunFolder) -> None:
    """Tables, curves and the answer; and a part can be drawn as a run of its own."""
    page = conclude(folder).read_text()
    assert "How time grows with rows" in page
    assert page.count("<svg") >= 2
    assert read(folder.path / "study.json", StudyFindings).complete
    assert "list" in conclude(RunFolder(folder.path / "a")).read_text()
    assert read(folder.path / "a" / "manifest.json", Manifest).experiment.growth is None


def test_growth_goes_up_to_the_dataset_that_is_asked_for() -> None:
    """The sizes above are left out; the smallest alone, or another, is refused with those there are."""
    narrowed = grown_to(GROWING, dataset="c").growth
    assert narrowed is not None
    assert narrowed.sizes == ("a", "b", "c")
    assert GROWING.dataset == "d"
    for name in ("a", "vast"):
        with pytest.raises(LabError, match=f"growth does not grow to the dataset '{name}'"):
            grown_to(GROWING, dataset=name)


@pytest.mark.parametrize("is_sealed", [True, False])
def test_a_damaged_size_makes_the_study_no_whole(tmp_path: Path, *, is_sealed: bool) -> None:
    """A cut file of samples of one size is told, with a seal and without: the page says that the run is not whole."""
    run = made(tmp_path / "run")
    conclude(run)
    assert run.findings.complete
    if is_sealed:
        seal(run)
    path = RunFolder(run.path / "b").sample_file(1)
    path.write_bytes(path.read_bytes()[:-7])
    conclude(run)
    assert any(path.name in note for note in run.findings.notes)
    assert not run.findings.complete


@pytest.mark.parametrize("counts", [[5.0, 50.0, 5.0], [10.0, 1.0, 10.0]])
def test_statements_that_differ_at_any_size_are_told(counts: list[float]) -> None:
    """Not from the first size to the last alone; and none at all are no ratio."""
    one = Series(
        operation="product_list", face="rest", arm="indexes on", rows=np.array([1e4, 1e5, 1e6]),
        seconds=np.zeros((0, 3)), counts={"statements": np.array(counts)}, more_than={}, reasons={},
    )  # fmt: skip
    assert _statements([one]) == "Statements differ between sizes: product_list, REST, indexes on 10.0x."
    none = replace(one, counts={"statements": np.zeros(3)})
    assert _statements([none]).startswith("Statements are as many at every size")
