"""Two runs under load, with mails or of a study: number by number, with intervals that hold what was planted."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from lab.compare import compare
from lab.compare_findings import Comparison, NumberPair
from lab.compare_numbers import Numbers, against, compared, numbers_of
from lab.conclude import conclude
from lab.effect import welch
from lab.errors import LabError
from lab.findings import Interval
from lab.json_files import read
from lab.mail_findings import MailCell, MailFindings, MailGain
from lab.over_blocks import around, ratio_of
from lab.results import RunFolder
from lab.study_findings import Column, StudyFindings, Table, Value
from tests.fake_load import FakeLoad, law
from tests.lab.tree import Tree
from tests.reports import load_sample

FASTER = 1.3
"""What the second run carries over the first."""


def made(tree: Tree, name: str, *, rate: float, seed: int) -> RunFolder:
    """A run under load whose second arm carries twice as much as its first, concluded."""
    throughput = law(rate, contention=0.1, coherency=0.01)
    fake = FakeLoad(
        throughput=lambda arm, users: throughput(users) * (2 if dict(arm.variant)["cache"] == "view" else 1), seed=seed
    )
    folder = fake.make(tree.path / "results" / "capacity" / name)
    conclude(folder)
    return folder


def held(first: RunFolder, second: RunFolder) -> Comparison:
    """The second run against the first."""
    return compare(
        first.findings, second.findings, manifests=(first.manifest, second.manifest), folders=("a", "b"),
        although=False, beside=(numbers_of(load=first.load), numbers_of(load=second.load)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tree: Tree) -> tuple[RunFolder, RunFolder]:
    """Two runs, of which the second carries more at every step."""
    return made(tree, "a", rate=200, seed=1), made(tree, "b", rate=200 * FASTER, seed=2)


def test_a_ratio_of_intervals_is_that_of_their_blocks() -> None:
    """Where an interval was taken on logs, nothing is lost: difference, bounds and p are Welch's of the values."""
    random = np.random.default_rng(3)
    first, second = random.normal(1.0, 0.1, 8), random.normal(1.2, 0.3, 5)
    own, other = (ratio_of([(exp(value), 1.0) for value in values]) for values in (first, second))
    assert own
    assert other
    found, reference = against(own, other, of=7), welch(first, second, simultaneous=7)
    assert reference
    assert (found.mean, found.low, found.high, found.p) == pytest.approx(
        (reference.mean, reference.low, reference.high, reference.p)
    )
    assert (found.blocks, found.simultaneous) == (13, 7)


@pytest.mark.parametrize("spread", [0.02, 0.15])
def test_a_ratio_of_intervals_covers_what_is_true(spread: float) -> None:
    """Of 2,000 pairs of runs of four blocks each, whose intervals are symmetric, at least 94 % hold the true ratio."""
    random, hits, told = np.random.default_rng(5), 0, 0
    for _ in range(2000):
        after, before = random.normal(1.1, spread, 4), random.normal(1.0, spread / 2, 4)
        own, other = (around(float(values.mean()), values.tolist()) for values in (after, before))
        assert own
        assert other
        if own.low > 0 < other.low:
            found = against(own, other, of=1)
            told += 1
            hits += found.low <= log(1.1) <= found.high
    assert hits / told >= 0.94


def test_what_was_planted_between_loads_is_found(runs: tuple[RunFolder, RunFolder]) -> None:
    """Each arm's capacity and its rate at each step hold the planted ratio; gains were paired, and are the same."""
    found = held(*runs)
    rates = [number for number in found.numbers if number.of.what in {"capacity", "right answers"}]
    assert len(rates) == 4 + 4 * 5
    for number in rates:
        assert number.ratio
        assert number.ratio.low <= FASTER <= number.ratio.high
        assert number.verdict == "changed"
    gains = [number for number in found.numbers if number.of.what == "capacity over another arm's"]
    assert gains
    assert all(number.of.is_paired and number.ratio and number.ratio.low <= 1 <= number.ratio.high for number in gains)
    assert {number.ratio.simultaneous for number in rates if number.ratio} == {4, 20}


def test_the_answer_says_what_is_paired_and_what_is_not(runs: tuple[RunFolder, RunFolder]) -> None:
    """Ratios within runs come first; no sentence speaks of cells, since there are none."""
    found = held(*runs)
    assert found.answer[0].startswith("Of the 2 ratios that both runs took within themselves, ")
    assert found.answer[1].startswith("Of the ")
    assert "numbers that both runs have with an interval" in found.answer[1]
    assert "The runs are not paired: what the machine did between them is in every ratio of times." in found.answer
    assert not any("cell" in sentence for sentence in found.answer)


def test_open_loads_of_one_name_say_at_which_rate_they_were() -> None:
    """A share of what an arm carries may be another rate in the second run: both are told; users are as many."""
    load = load_sample.capacity()
    later = replace(load, cells=tuple(replace(cell, level=1.1 * cell.level) for cell in load.cells))
    pairs = compared(numbers_of(load=load), numbers_of(load=later))
    opened = [pair for pair in pairs if pair.of.of.endswith(" of its own capacity")]
    closed = [pair for pair in pairs if pair.of.of.endswith(" users")]
    assert opened
    assert closed
    assert all(pair.note.startswith("at ") and "/s, then at " in pair.note for pair in opened)
    assert not any(pair.note for pair in closed)


def test_no_arm_stands_for_another() -> None:
    """Arms that differ in the level of a cache alone, and whatever else a design has, keep each its own numbers."""
    load = load_sample.capacity()
    numbers = numbers_of(load=load)
    kinds = [measure.what for measure in numbers]
    assert kinds.count("capacity") == sum(each.capacity is not None for each in load.scalabilities) == 8
    assert kinds.count("capacity over another arm's") == len(load.gains) == 6
    assert kinds.count("median response time") == sum(cell.p50 is not None for cell in load.cells)


def _mails(*, request: float) -> Numbers:
    def near(value: float) -> Interval:
        return Interval(estimate=value, low=value * 0.98, high=value * 1.02, blocks=4)

    cell = MailCell(
        server="inline", rate=10.0, state="measured", orders=50, mails=50, request=near(request), delivery=near(0.05)
    )
    void = MailCell(server="Celery", rate=10.0, state="void", reason="no worker")
    gain = MailGain(server="Celery", reference="inline", rate=10.0, request=near(0.5), delivery=near(2.0))
    found = MailFindings(delay=0.03, workers=4, seconds=5.0, blocks=4, blocks_done=4, cells=(cell, void), gains=(gain,))
    return numbers_of(mail=found)


def test_mails_are_compared_by_server_and_rate() -> None:
    """What is void in a run has no number; what was paired within it is told apart."""
    pairs = compared(_mails(request=0.04), _mails(request=0.06))
    verdicts = {(pair.of.what, pair.of.of): pair.verdict for pair in pairs}
    assert verdicts == {
        ("an order answered, ratio", "Celery against inline, 10.0 orders/s"): "same",
        ("a mail delivered, ratio", "Celery against inline, 10.0 orders/s"): "same",
        ("an order answered, median", "inline, 10.0 orders/s"): "changed",
        ("a mail delivered, median", "inline, 10.0 orders/s"): "same",
    }
    assert [pair.of.is_paired for pair in pairs] == [True, True, False, False]


def _study(*rows: Sequence[Value]) -> Numbers:
    columns = (
        Column(name="face"), Column(name="grows as"), Column(name="computed", unit="count"),
        Column(name="time [95 %]", unit="seconds"),
    )  # fmt: skip
    block = Table(
        identifier="v", title="Void", lead="", columns=(Column(name="block", unit="count"), Column(name="why")),
        rows=((1, "damaged"),),
    )  # fmt: skip
    table = Table(identifier="t", title="Times", lead="", columns=columns, rows=tuple(tuple(row) for row in rows))
    return numbers_of(
        study=StudyFindings(answer=(), tables=(table, block), curves=(), reading="", method=(), complete=True)
    )


def _pair(before: Value, after: Value) -> list[NumberPair]:
    """What a table says of a time that was `before` and is `after`; its count stays."""
    one, two = _study(("REST", "n", 7, before)), _study(("REST", "n^2", 7, after))
    return list(compared(one, two))


def test_rows_of_a_study_are_told_apart_by_their_first_words() -> None:
    """A word that was found, and is another one now, is no part of a row's name; equal counts are not shown."""
    first, second = Interval(estimate=1, low=0.9, high=1.1, blocks=4), Interval(estimate=2, low=1.9, high=2.1, blocks=4)
    [pair] = _pair(first, second)
    assert (pair.of.what, pair.of.of, pair.verdict) == ("Times: time", "REST", "changed")
    both = _study(("REST", "n", 7, first), ("GraphQL", "n", 8, first))
    assert [(each.of.of, each.verdict) for each in compared(both, both)] == [
        ("REST", "unclear"),
        ("GraphQL", "unclear"),
    ]


REACHING = "no ratio: the interval of the"
NONE = Interval(estimate=1.0, low=1.0, high=1.0, blocks=1)
SURE = Interval(estimate=1.0, low=0.9, high=1.1, blocks=4)
WITHOUT: list[tuple[Value, Value, str]] = [
    (3, 4, "another number; it has no interval"),
    (NONE, replace(NONE, estimate=2.0, low=2.0, high=2.0), "another number; it has no interval"),
    (1.0, SURE, "one of the runs has no interval of it"),
    (SURE, replace(SURE, low=0.0), f"{REACHING} second run reaches 0"),
    (replace(SURE, low=-1.0), replace(SURE, low=0.0), f"{REACHING} first and the second run reaches 0"),
    (replace(SURE, blocks=1), SURE, "no ratio: its interval is not one over blocks"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "reason"), WITHOUT)
def test_without_two_intervals_above_zero_there_is_no_ratio(before: Value, after: Value, reason: str) -> None:
    """Both numbers are shown, with the reason."""
    [pair] = _pair(before, after)
    assert (pair.before, pair.after, pair.ratio, pair.reason) == (before, after, None, reason)


def test_runs_without_a_common_number_are_refused(runs: tuple[RunFolder, RunFolder]) -> None:
    """One line says what is missing."""
    first, second = runs
    manifests = (first.manifest, second.manifest)
    with pytest.raises(LabError, match="no cell in common, and no number"):
        compare(
            first.findings, second.findings, manifests=manifests, folders=("a", "b"), although=False,
            beside=(numbers_of(load=first.load), _mails(request=1.0)),
        )  # fmt: skip


def test_door_compares_two_loads(tree: Tree, runs: tuple[RunFolder, RunFolder]) -> None:
    """The page has charts of ratios and a row for every number, each with its place in the JSON; it is stable."""
    with tree.doors(tree.path) as door:
        done = door("report", "capacity/a", "capacity/b")
        assert (done.returncode, done.stderr) == (0, "")
        target = tree.path / "results" / "compare" / "capacity-a--capacity-b"
        page = (target / "comparison.html").read_bytes()
        assert door("report", "capacity/a", "capacity/b").returncode == 0
        assert (target / "comparison.html").read_bytes() == page
    found = read(target / "comparison.json", Comparison)
    assert page.count(b'data-at="comparison.json#/numbers/') == len(found.numbers) > 0
    assert b'id="paired-0"' in page
    assert b'id="number-0"' in page
    assert b'id="cells"' not in page
    assert b"faster" not in page.split(b"<main>")[1].split(b"</main>")[0]
