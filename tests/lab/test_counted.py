"""What two commits' requests do is compared count by count; what differs is worse, better or other, with its SQL."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.counted import compare, counts, grown, over_budget, page_state, steady, telling
from lab.findings import Evidence, Plan, Statement
from lab.gate_findings import Change, GateFindings, Place
from lab.thresholds import Thresholds, Tolerance

PLAN = Plan(lines=("Index Scan",), rows=10, shared_hit=40, shared_read=0, indexes=("by_slug",), sequential_scans=())
SCAN = replace(PLAN, lines=("Seq Scan",), indexes=(), sequential_scans=("catalog_product",), shared_hit=4000)
LIST = Statement(
    fingerprint="a", sql="SELECT 1", database="default", count=1, rows=10, seconds=0.0, line="selectors.py:1", plan=PLAN
)
TAGS = replace(LIST, fingerprint="b", sql="SELECT 2", line="loaders.py:2")
BASE = Evidence(
    statements=(LIST, TAGS), body_bytes=1000, cache_hits=0, cache_misses=0, seconds=0.01, database_seconds=0.005
)
PLACE = Place(
    operation="product_list", face="rest", variant=(("indexes", "on"), ("cache", "off")), state="cold"
)  # fmt: skip

GATE = GateFindings(
    verdict="pass", base="abc", head="def", instrument="", stopped="", answers=(), accepted=(), changes=(), budgets=(),
    effects=(), places=1, places_counted=(), command="",
)  # fmt: skip


def differences(head: Evidence, *, tolerance: Tolerance | None = None) -> list[Change]:
    """What `head` differs in from the base."""
    thresholds = Thresholds(defaults=tolerance or Tolerance())
    return list(compare({PLACE: BASE}, {PLACE: head}, thresholds=thresholds))


def test_equal_evidence_differs_in_nothing() -> None:
    """Times and lines are no counts."""
    assert differences(replace(BASE, seconds=9.0, database_seconds=8.0)) == []
    assert differences(replace(BASE, statements=(TAGS, replace(LIST, line="elsewhere.py:3")))) == []


def test_an_n_plus_one_is_worse_and_names_its_line() -> None:
    """A statement that is issued oftener stands beside the count that it raises."""
    changes = differences(replace(BASE, statements=(LIST, replace(TAGS, count=20, rows=200))))
    assert [(change.metric, change.base, change.head, change.verdict) for change in changes] == [
        ("statements", 2, 21, "worse"), ("rows", 20, 210, "worse"), ("buffers", 80, 840, "worse"),
    ]  # fmt: skip
    assert [statement.line for statement in changes[0].new] == ["loaders.py:2"]


def test_a_lost_index_is_worse_by_its_buffers_and_its_plan() -> None:
    """The statement is the same; its plan is another, and stands in the change with the one before."""
    (change,) = differences(replace(BASE, statements=(replace(LIST, plan=SCAN), TAGS)))
    assert (change.metric, change.verdict) == ("buffers", "worse")
    assert change.new[0].plan == SCAN
    assert change.gone[0].plan == PLAN


def test_another_statement_in_place_of_one_is_other() -> None:
    """As many statements, but not the same: told, and no regression."""
    (change,) = differences(replace(BASE, statements=(LIST, replace(TAGS, fingerprint="c"))))
    assert (change.metric, change.verdict) == ("statements", "other")
    assert ([each.fingerprint for each in change.gone], [each.fingerprint for each in change.new]) == (["b"], ["c"])


@pytest.mark.parametrize(("bytes_more", "verdict"), [(-1, "better"), (1, "other"), (100, "other"), (101, "worse")])
def test_a_tolerance_is_what_may_be_more(bytes_more: int, verdict: str) -> None:
    """Up to it a count is other, beyond it worse, and below the base better."""
    (change,) = differences(replace(BASE, body_bytes=1000 + bytes_more), tolerance=Tolerance(bytes=100))
    assert (change.metric, change.verdict) == ("bytes", verdict)


def test_a_few_buffers_are_none() -> None:
    """How full pages are moves them by a few; a tenth, or eight, is no difference."""
    fuller = replace(LIST, plan=replace(PLAN, shared_hit=48))
    assert differences(replace(BASE, statements=(fuller, TAGS))) == []


def test_a_lost_cache_hit_is_worse() -> None:
    """A miss where there was none is one more than allowed."""
    (change,) = differences(replace(BASE, cache_misses=1))
    assert (change.metric, change.verdict) == ("cache_misses", "worse")


def test_a_budget_is_absolute() -> None:
    """Whatever the base had, a cold request as it is meant to be run may not take more."""
    thresholds = Thresholds(budgets={("product_list", "rest"): (("statements", 1), ("bytes", 1000))})
    (change,) = over_budget({PLACE: BASE, replace(PLACE, state="warm"): BASE}, thresholds=thresholds)
    assert (change.metric, change.base, change.head) == ("statements", 1, 2)
    off = replace(PLACE, variant=(("indexes", "off"), ("cache", "off")))
    assert over_budget({off: BASE}, thresholds=thresholds) == ()


@given(count=st.integers(1, 50), rows=st.integers(0, 500), size=st.integers(0, 5000), misses=st.integers(0, 3))
def test_worse_one_way_is_better_the_other(count: int, rows: int, size: int, misses: int) -> None:
    """Without tolerance, what is worse from base to head is better from head to base, count by count."""
    head = replace(BASE, statements=(LIST, replace(TAGS, count=count, rows=rows)), body_bytes=size, cache_misses=misses)
    strict = Thresholds(defaults=Tolerance(buffers=0.0))
    there = {c.metric: c.verdict for c in compare({PLACE: BASE}, {PLACE: head}, thresholds=strict)}
    back = {c.metric: c.verdict for c in compare({PLACE: head}, {PLACE: BASE}, thresholds=strict)}
    opposite = {"worse": "better", "better": "worse", "other": "other"}
    exact = [metric for metric in counts(BASE) if metric != "buffers"]
    assert {m: v for m, v in there.items() if m in exact} == {m: opposite[v] for m, v in back.items() if m in exact}


def pages(*, small: int, large: int) -> dict[Place, Evidence]:
    """Pages of 10 and of 40 whose tags take so many statements."""
    return {
        replace(PLACE, state=page_state(size)): replace(BASE, statements=(LIST, replace(TAGS, count=count, rows=10)))
        for size, count in ((10, small), (40, large))
    }


@pytest.mark.parametrize(
    ("small", "large", "verdict"), [(1, 1, None), (4, 4, None), (10, 40, "worse"), (1, 2, "worse"), (4, 3, "better")]
)
def test_statements_that_grow_with_the_page_are_worse(small: int, large: int, verdict: str | None) -> None:
    """More of them at every size is not growth; one an item is, whatever thresholds allow on top."""
    found = grown(pages(small=1, large=1), pages(small=small, large=large), sizes=(10, 40))
    assert [each.verdict for each in found] == ([verdict] if verdict else [])
    if found:
        assert (found[0].base, found[0].head) == ((2, 2), (small + 1, large + 1))


def test_a_lost_hit_in_a_cache_is_worse_whatever_the_other_level_does() -> None:
    """The view cache is gone, the query cache answers in its place: no statement more, and yet a regression."""
    warm = replace(PLACE, state="warm")
    base, head = replace(BASE, hits=(("view", 1),)), replace(BASE, hits=(("query", 1),))
    changes = compare({warm: base}, {warm: head}, thresholds=Thresholds())
    assert {(change.metric, change.verdict) for change in changes} == {("view_hits", "worse"), ("query_hits", "better")}


def test_the_databases_count_of_statements_goes_before_the_targets() -> None:
    """A commit that forgets to write some down is not better."""
    (change,) = differences(replace(BASE, counted_by_database=5))
    assert (change.metric, change.base, change.head, change.verdict) == ("statements", 2, 5, "worse")


@pytest.mark.parametrize(("again", "verdict"), [(21, "worse"), (2, "other"), (20, "other")])
def test_a_count_that_varies_between_runs_decides_nothing(again: int, verdict: str) -> None:
    """What is worse must be there in fresh processes too, to the statement; else it is told and demoted."""

    def head(statements: int) -> Evidence:
        return replace(BASE, statements=(LIST, replace(TAGS, count=statements - 1)))

    changes = compare({PLACE: BASE}, {PLACE: head(21)}, thresholds=Thresholds())
    found = steady(
        replace(GATE, changes=changes), first=({PLACE: BASE}, {PLACE: head(21)}),
        second=({PLACE: BASE}, {PLACE: head(again)}),
    )  # fmt: skip
    statements = next(change for change in found.changes if change.metric == "statements")
    assert statements.verdict == verdict
    assert bool(found.notes) == (verdict == "other")


def test_a_base_that_varies_decides_nothing_either() -> None:
    """The base did the same once: the head is not to blame."""
    other = replace(BASE, statements=(LIST, replace(TAGS, count=20)))
    changes = compare({PLACE: BASE}, {PLACE: other}, thresholds=Thresholds())
    found = steady(
        replace(GATE, changes=changes), first=({PLACE: BASE}, {PLACE: other}), second=({PLACE: other}, {PLACE: other})
    )
    assert {change.verdict for change in found.changes} == {"other"}


def test_of_what_is_worse_one_place_each_is_counted_again() -> None:
    """An N+1 shows at every setting: to see whether it stays, one of them will do for each count."""
    heavy = replace(BASE, statements=(LIST, replace(TAGS, count=20)))
    places = [replace(PLACE, state=state) for state in ("cold", "cold, key 2", "warm")]
    changes = compare(dict.fromkeys(places, BASE), dict.fromkeys(places, heavy), thresholds=Thresholds())
    found = replace(GATE, changes=changes)
    [place] = telling(found)
    kept = steady(found, first=({place: BASE}, {place: heavy}), second=({place: BASE}, {place: heavy}))
    assert kept == found
    lost = steady(found, first=({place: BASE}, {place: heavy}), second=({place: BASE}, {place: BASE}))
    assert {change.verdict for change in lost.changes} == {"other"}
    assert lost.notes


@pytest.mark.parametrize(("again", "verdict"), [(4000, "worse"), (3000, "worse"), (40, "other")])
def test_buffers_need_not_be_the_same_twice_but_worse_twice(again: int, verdict: str) -> None:
    """A lost index touches more pages in either run, if not as many."""

    def head(pages: int) -> Evidence:
        return replace(BASE, statements=(replace(LIST, plan=replace(SCAN, shared_hit=pages)), TAGS))

    changes = compare({PLACE: BASE}, {PLACE: head(4000)}, thresholds=Thresholds())
    found = steady(
        replace(GATE, changes=changes), first=({PLACE: BASE}, {PLACE: head(4000)}),
        second=({PLACE: BASE}, {PLACE: head(again)}),
    )  # fmt: skip
    assert [change.verdict for change in found.changes] == [verdict]
