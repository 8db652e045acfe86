"""A ledger of tried gates tells false alarms, detection, coverage and the duel, each with its bound."""

from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lab.errors import LabError
from lab.gate_power import LEDGER, OURS, OURS_REST, gate_power, proportion
from lab.gate_tries import REFERENCE, UNCHANGED, WHOLE, LedgerLine, Try, read_ledger
from lab.json_files import write
from lab.power_words import lead, markdown, tables
from lab.render import render_power
from lab.server import TREE

SAME = Try(
    kind=UNCHANGED, where="try 1", operation="product_detail", code=0, layer="time", seconds=50.0, said="passes",
    tolerance=0.01, effects=(("rest", 1.0, 0.99, 1.01, "same"),), blocks=12,
)  # fmt: skip
SLOWER = replace(SAME, kind="+3 %", code=1, effects=(("rest", 1.03, 1.02, 1.04, "slower"),), wanted="time")


def ledger(*tries: Try) -> tuple[LedgerLine, ...]:
    return tuple(
        LedgerLine(
            measured=f"2026-01-02T03:04:{second:02}+00:00", machine="2 cores", commit="abc123", dataset="medium",
            seed=1, tried=each,
        )
        for second, each in enumerate(tries)
    )  # fmt: skip


def test_unchanged_code_is_told_by_alarms_and_by_what_was_unclear() -> None:
    """A gate that is always unclear raises no alarm: both stand in the table, with the bound of the rate."""
    codes = (0, 0, 1, 3)
    found = gate_power(ledger(*(replace(SAME, code=code) for code in codes), replace(SAME, kind=WHOLE)))
    whole, single = found.alarms
    assert (whole.gates, whole.alarms, whole.passed) == (1, 0, 1)
    assert (single.gates, single.alarms, single.passed, single.unclear) == (4, 1, 2, 1)
    assert isclose(single.bound, 0.751, abs_tol=0.001)
    assert "1 false alarms in 5 gates of unchanged code" in lead(found)[0]


def test_a_gate_that_could_not_compare_detects_nothing() -> None:
    """Exit code 2 is neither a hit nor a miss of a dose; on unchanged code it did not pass."""
    found = gate_power(ledger(SLOWER, replace(SLOWER, code=2), replace(SLOWER, code=3), replace(SAME, code=2)))
    assert (found.doses[0].found.count, found.doses[0].found.of) == (1, 2)
    assert (found.alarms[0].passed, found.alarms[0].unclear, found.alarms[0].failed) == (0, 0, 1)
    assert "0 were unclear, 1 could not compare" in lead(found)[0]


def test_an_alarm_for_another_reason_detects_nothing() -> None:
    """Planted time must be found by time: counts or a crash find none of it. On unchanged code any alarm counts."""
    met = (("mean", 1.0),)
    others = [replace(SLOWER, layer=layer, rivals=met) for layer in ("counts", "none", "time")]
    found = gate_power(ledger(*others, replace(SAME, code=1, layer="none", rivals=met)))
    assert (found.doses[0].found.count, found.doses[0].found.of) == (1, 3)
    [ours] = [each for each in found.duel if each.name == OURS]
    assert {rate.kind: rate.alarms.count for rate in ours.rates} == {UNCHANGED: 1, "+3 %": 1}
    assert found.alarms[0].alarms == 1


def test_the_duel_also_tells_what_was_said_of_the_one_face_that_all_ask() -> None:
    """A slow-down that only GraphQL shows is no detection of REST's."""
    effects = (("rest", 1.0, 0.99, 1.01, "same"), ("graphql", 1.03, 1.02, 1.04, "slower in total"))
    found = gate_power(ledger(replace(SLOWER, effects=effects, rivals=(("mean", 1.0),))))
    rates = {each.name: each.rates[0].alarms.count for each in found.duel if each.threshold == 0.01}
    assert rates == {OURS: 1, OURS_REST: 0, "mean": 0}


def test_intervals_are_held_against_a_separate_long_run() -> None:
    """Of two gates one has the truth in its interval; unchanged code's truth is 1."""
    truth = replace(SLOWER, kind=f"+3 %{REFERENCE}", effects=(("rest", 1.035, 1.034, 1.036, "unclear"),), blocks=48)
    narrow = replace(SLOWER, effects=(("rest", 1.03, 1.028, 1.032, "slower"),))
    found = gate_power(ledger(SLOWER, narrow, truth, SAME))
    covered = found.doses[0].covered
    assert covered
    assert (covered.count, covered.of) == (1, 2)
    assert found.covered
    assert (found.covered.count, found.covered.of) == (2, 3)


@pytest.mark.parametrize(
    "other",
    [{"machine": "4 cores"}, {"dataset": "small"}, {"turns": (("rest", 200),)}],
    ids=lambda each: next(iter(each)),
)
def test_a_reference_is_the_truth_of_the_same_work_alone(other: dict[str, Any]) -> None:
    """On another machine, on other data, or of as many other turns, a share of a request is another; not by commit."""
    turns = (("rest", 100),)
    truth = replace(SLOWER, kind=f"+3 %{REFERENCE}", effects=(("rest", 1.035, 1.034, 1.036, "unclear"),), turns=turns)
    same, reference = ledger(replace(SLOWER, turns=turns), truth)
    found = gate_power([same, replace(reference, commit="def456")])
    assert found.covered
    assert (found.covered.count, found.covered.of) == (1, 1)
    tried = replace(reference.tried, turns=other.pop("turns", turns))
    found = gate_power([same, replace(reference, tried=tried, **other)])
    assert found.covered is None
    assert (found.doses[0].truth, found.doses[0].covered) == ((), None)


def test_a_reference_is_no_dose() -> None:
    """It is there to tell the ratio, and called slower by nobody."""
    truth = replace(SLOWER, kind=f"+3 %{REFERENCE}", code=0)
    assert [dose.kind for dose in gate_power(ledger(SLOWER, truth)).doses] == ["+3 %"]


def test_doses_lie_on_a_line_or_the_distance_is_told() -> None:
    """Truths that grow with the planted turns are on it; one that does not is off by what it is off."""

    def truth(kind: str, turns: int, ratio: float) -> Try:
        effects = (("rest", ratio, ratio - 0.001, ratio + 0.001, "unclear"),)
        return replace(SLOWER, kind=f"{kind}{REFERENCE}", turns=(("rest", turns),), effects=effects)

    straight = [truth("+1 %", 100, 1.01), truth("+3 %", 300, 1.03), truth("+10 %", 1000, 1.10)]
    found = gate_power(ledger(*straight))
    assert found.line is not None
    assert found.line < 1e-9
    found = gate_power(ledger(*straight[:2], truth("+10 %", 1000, 1.2)))
    assert found.line is not None
    assert found.line > 0.01
    slow = [truth("+1 %", 50, 1.01), truth("+3 %", 150, 1.03), truth("+10 %", 500, 1.10)]
    lines = ledger(*straight, *slow)
    found = gate_power([*lines[:3], *(replace(line, machine="slower") for line in lines[3:])])
    assert found.line is not None
    assert found.line < 1e-9, "a turn takes another share on another machine"


def test_the_duel_counts_alarms_at_each_threshold() -> None:
    """What the others compare, against each threshold; ours by its exit code, at its tolerance."""
    met = (("mean", 1.06),)
    found = gate_power(ledger(replace(SAME, rivals=met), replace(SLOWER, rivals=(("mean", 1.015),)), SLOWER))
    rates = {(each.name, each.threshold): {r.kind: r.alarms.count for r in each.rates} for each in found.duel}
    assert rates[OURS, 0.01] == {UNCHANGED: 0, "+3 %": 1}
    assert rates["mean", 0.05] == {UNCHANGED: 1, "+3 %": 0}
    assert rates["mean", 0.01] == {UNCHANGED: 1, "+3 %": 1}


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_the_interval_of_a_rate_is_clopper_and_pearsons(hits: list[bool]) -> None:
    """As SciPy's exact test gives it, at both ends too."""
    found = proportion(hits)
    exact = stats.binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_a_broken_ledger_is_named_by_its_line(tmp_path: Path) -> None:
    """What was measured is not thrown away: the line is named, to be mended."""
    path = tmp_path / "ledger.jsonl"
    [line] = ledger(SAME)
    path.write_bytes(msgspec.json.encode(line) + b"\n{}\n")
    with pytest.raises(LabError, match="line 2"):
        read_ledger(path)


def test_a_ledger_of_before_is_read(tmp_path: Path) -> None:
    """The ledger is kept for years: a line without what came later has what was so then."""
    path = tmp_path / "ledger.jsonl"
    [line] = ledger(replace(SAME, plan_seed=7))
    text = msgspec.json.encode(line).decode()
    assert '"plan_seed":7' in text
    path.write_text(text.replace(',"plan_seed":7', "") + "\n", encoding="utf-8")
    assert read_ledger(path)[0].tried == SAME


def test_the_page_and_the_tables_say_the_same(tmp_path: Path) -> None:
    """Every table of the Markdown is on the page, and the detection curve beside them."""
    found = gate_power(ledger(SAME, SLOWER, replace(SLOWER, code=3), replace(SAME, kind=WHOLE)))
    write(found, tmp_path / "gate.json")
    render_power(tmp_path / "gate.json", page=tmp_path / "gate.html")
    page, text = (tmp_path / "gate.html").read_text(encoding="utf-8"), markdown(found)
    assert [each.title for each in tables(found)] == ["Unchanged code", "Planted work"]
    assert "1 of 2 [1%, 99%]" in text
    for table in tables(found):
        assert table.title in page
        assert table.title in text
    assert 'id="detection"' in page


def test_what_is_published_is_what_the_ledger_says() -> None:
    """The published summary and the tables of docs/method.md are those of the published ledger."""
    said = markdown(gate_power(read_ledger(LEDGER)))
    assert (LEDGER.parent / "calibration" / "summary.md").read_text(encoding="utf-8") == said
    assert said.strip() in (TREE / "docs" / "method.md").read_text(encoding="utf-8")
