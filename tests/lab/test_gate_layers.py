"""What could not be compared is never a pass, and a gate says so in its first line, its JUnit and its code."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from lab.experiment import Arm
from lab.findings import Cell
from lab.gate_findings import GateFindings, Growth, Lost
from lab.gate_junit import junit
from lab.gate_layers import _is_worse, _judged, _not_proven, _not_timed
from lab.gate_words import headline, lines, markdown
from lab.plan import PlannedCell
from lab.results import CellProof, ProofRecord
from tests.lab.test_counted import GATE, PLACE
from tests.reports.test_gate_page import CALL

PLACES = (("product_list", "rest"), ("product_detail", "rest"))
SAME = replace(CALL, operation="product_list", face="rest", kind="server", verdict="same", detail="")
ARM = Arm(server="base", face="rest", variant=(("cache", "off"),))


def cells(**reasons: str) -> list[Cell]:
    """A measured cell a place and side, but for those of `product_detail` whose side has a reason."""
    return [
        Cell(
            operation=operation, server=server, face=face, variant=(),
            state="void" if operation == "product_detail" and reasons.get(server) else "measured",
            reason=reasons.get(server, "") if operation == "product_detail" else "",
        )
        for operation, face in PLACES for server in ("base", "head")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reasons", "verdict", "code"),
    [
        ({"head": "3 answers were not the proven one"}, "worse", 1),
        ({"base": "3 answers were not the proven one"}, "unclear", 3),
        ({"base": "it is slow", "head": "it is slow"}, "unclear", 3),
        ({}, "unclear", 3),
    ],
)
def test_a_comparison_that_is_missing_is_no_pass(reasons: dict[str, str], verdict: str, code: int) -> None:
    """One place is the same, the other was not compared: the head's own fault is a regression, another is unclear."""
    lost = tuple(_not_timed(cells(**reasons), effects=[SAME]))
    assert [(each.operation, each.verdict) for each in lost] == [("product_detail", verdict)]
    found = _judged(replace(GATE, effects=(SAME,), lost=lost, places_counted=PLACES))
    assert found.code == code
    assert "product_detail, REST could not be compared" in headline(found)
    assert lost[0].reason in markdown(found)
    assert any("not compared" in line for line in lines(found))
    suite = next(each for each in ET.fromstring(junit(found)) if each.get("name") == "time")  # noqa: S314
    assert (suite.get("failures"), suite.get("errors")) == (("1", "0") if code == 1 else ("0", "1"))


def test_all_that_was_compared_is_a_pass() -> None:
    """No place is missing."""
    effects = [SAME, replace(SAME, operation="product_detail")]
    assert not list(_not_timed(cells(), effects=effects))
    assert _judged(replace(GATE, effects=tuple(effects))).code == 0


@pytest.mark.parametrize(
    ("base", "head", "is_lost"), [("", "slow", True), ("slow", "slow", False), ("slow", "", False)]
)
def test_what_the_head_alone_cannot_answer_in_time_is_worse(base: str, head: str, *, is_lost: bool) -> None:
    """At any setting: what nobody can measure there is no difference between the commits."""
    arms = [ARM, replace(ARM, server="head")]
    planned = [
        PlannedCell(index=number, operation="product_list", face="rest", arm=arm, seconds=0.0)
        for number, arm in enumerate(arms)
    ]
    proofs = tuple(
        CellProof(cell=number, seconds=9.0, answers=(), void=void) for number, void in enumerate((base, head))
    )
    lost = tuple(_not_proven(ProofRecord(cells=proofs, proofs=()), planned))
    assert bool(lost) == is_lost
    assert _is_worse(replace(GATE, lost=lost)) == is_lost


def grown(**changes: Any) -> GateFindings:
    growth = Growth(place=PLACE, metric="statements", sizes=(10, 40), base=(3, 3), head=(13, 43), verdict="worse")
    return replace(
        GATE, verdict="regression", stopped="counts", growths=(growth,),
        places_counted=((PLACE.operation, PLACE.face),), **changes,
    )  # fmt: skip


def test_growth_alone_is_told_as_what_it_is() -> None:
    """The first line names it, and JUnit has a failure."""
    assert headline(grown()).endswith("REGRESSION: SQL statements of product_list, REST grow with the page")
    suite = next(each for each in ET.fromstring(junit(grown())) if each.get("name") == "counts")  # noqa: S314
    assert suite.get("failures") == "1"
    assert "3 to 3 before, 13 to 43 now" in ET.tostring(suite, encoding="unicode")


def test_what_is_lost_of_benchmarks_hides_nothing() -> None:
    """A slower operation stays a regression when benchmarks could not run."""
    lost = (Lost(operation="benchmarks", face="", reason="they failed", verdict="unclear"),)
    assert _judged(replace(GATE, effects=(replace(SAME, verdict="slower"),), lost=lost)).code == 1
    assert _judged(replace(GATE, effects=(SAME,), lost=lost)).code == 3


def test_notes_are_told() -> None:
    """In the console's lines and in the summary."""
    found = replace(GATE, notes=("bytes vary",), effects=(SAME,))
    assert "note: bytes vary" in lines(found)
    assert "Note: bytes vary." in markdown(found)
