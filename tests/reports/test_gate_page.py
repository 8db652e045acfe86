"""The page of a gate: what differs, growth, benchmarks, and how honest the gate is; whatever their texts are."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lab.findings import Effect, Statement
from lab.gate_findings import AnswerChange, Change, GateFindings, Growth, Place
from lab.gate_power import gate_power
from reports.format import ratio_interval
from reports.html import render
from tests.lab.test_gate_power import SAME, SLOWER, ledger
from tests.reports import sample
from tests.reports.test_page import PAYLOADS, Outline, outline

PLACE = Place(operation="product_list", face="rest", variant=(("cache", "off"),), state="cold")
NEW = Statement(
    fingerprint="f1", sql="SELECT <tag>", database="default", count=20, rows=20, seconds=0.01,
    line="targets/catalog/selectors.py:1 found",
)  # fmt: skip
CALL = Effect(
    operation="serializer", face="", kind="benchmark", subject="head / base", given="",
    typical=sample.around(1.05, by=0.02), verdict="slower", dots=(1.04, 1.06),
)  # fmt: skip


def gate(**changes: Any) -> GateFindings:
    """A gate that found something of everything."""
    found = GateFindings(
        verdict="regression", base="abc", head="def", instrument="the base's", stopped="counts",
        answers=(AnswerChange(operation="product_list", face="rest", parameters="{}", difference="a is 1, not 2"),),
        accepted=(), budgets=(),
        changes=(Change(place=PLACE, metric="statements", base=3, head=23, limit=3, verdict="worse", new=(NEW,)),),
        growths=(
            Growth(place=PLACE, metric="statements", sizes=(10, 40), base=(3, 3), head=(13, 43), verdict="worse"),
        ),
        effects=(), benchmarks=(CALL,), places=36, places_counted=(("product_list", "rest"),), command="./noxw",
    )  # fmt: skip
    return replace(found, **changes)


def test_all_that_a_gate_found_is_on_its_page() -> None:
    """Answers, counts with their SQL, growth, benchmarks block by block."""
    page = render(sample.null(), gate=gate())
    for said in (
        "a is 1, not 2", "SELECT &lt;tag&gt;", "Growth with the page", "13 → 43", "serializer",
        ratio_interval(CALL.typical), "1.040, 1.060", "stopped at the counts",
    ):  # fmt: skip
        assert said in page, said


def test_a_gate_tells_how_honest_gates_are() -> None:
    """From the ledger that is kept with the code; without one there is no such section."""
    power = gate_power(ledger(SAME, SLOWER))
    page = render(sample.null(), gate=gate(), power=power)
    assert 'id="power"' in page
    assert "0 false alarms in 1 gates of unchanged code (a rate of at most 95.0% at 95 %)" in page
    assert 'id="power"' not in render(sample.null(), gate=gate())


@cache
def usual() -> Outline:
    """The page of a gate with plain texts, as it nests."""
    return outline(render(sample.null(), gate=gate()))


@pytest.mark.parametrize("words", PAYLOADS)
def test_no_text_of_a_commit_gets_out_of_its_place(words: str) -> None:
    """Names, SQL and differences may be anything: the page nests as before."""
    place = replace(PLACE, operation=words, state=words)
    found = gate(
        base=words, head=words, instrument=words,
        answers=(AnswerChange(operation=words, face="rest", parameters=words, difference=words),),
        changes=(
            Change(
                place=place, metric="statements", base=3, head=23, limit=3, verdict="worse",
                new=(replace(NEW, sql=words, line=words),),
            ),
        ),
        growths=(Growth(place=place, metric=words, sizes=(10, 40), base=(3, 3), head=(13, 43), verdict="worse"),),
        benchmarks=(replace(CALL, operation=words, detail=words),), command=words,
    )  # fmt: skip
    other = outline(render(sample.null(), gate=found))
    assert [name for name, _ in other.elements] == [name for name, _ in usual().elements]
