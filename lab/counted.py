"""Yields what two commits' counted evidence differs in, with the SQL that explains it. It measures nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from lab.findings import Evidence, Statement
from lab.gate_findings import Change, GateFindings, Growth, Place
from lab.thresholds import RECORDED, Thresholds, Tolerance

METRICS: Final = ("statements", "rows", "buffers", "bytes", "cache_misses", "view_hits", "query_hits")
HITS: Final = ("view_hits", "query_hits")
"""Of these less is worse: a cache that is no longer asked, or forgets."""

Counts = Mapping[Place, Evidence]

NEGLIGIBLE_BUFFERS: Final = 8
"""Shared buffers that come and go with how full pages are: a difference up to so many is none."""


def counts(evidence: Evidence) -> dict[str, int]:
    """The counts of one request, by metric."""
    counted, hits = evidence.counted_by_database, dict(evidence.hits)
    return {
        # The database's own count where it has one: what the commit under test says of itself proves nothing.
        "statements": evidence.statement_count if counted is None else counted, "rows": evidence.rows,
        "buffers": evidence.shared_buffers, "bytes": evidence.body_bytes, "cache_misses": evidence.cache_misses,
        "view_hits": hits.get("view", 0), "query_hits": hits.get("query", 0),
    }  # fmt: skip


def compare(
    base: Mapping[Place, Evidence], head: Mapping[Place, Evidence], *, thresholds: Thresholds
) -> tuple[Change, ...]:
    """Every count that differs at a place which both have, worst verdicts first."""
    found = [
        change
        for place in base.keys() & head.keys()
        for change in _changes(place, base[place], head[place], tolerance=thresholds.of(place.operation))
    ]
    order = {"worse": 0, "other": 1, "better": 2}
    return tuple(sorted(found, key=lambda c: (order[c.verdict], METRICS.index(c.metric), repr(c.place))))


def over_budget(head: Mapping[Place, Evidence], *, thresholds: Thresholds) -> tuple[Change, ...]:
    """Every count of a cold request above its absolute budget, which stands as `base`."""
    found = []
    for place, evidence in head.items():
        budget = thresholds.budgets.get((place.operation, place.face), ())
        for metric, most in budget if place.state == "cold" and _is_budgeted(place) else ():
            seen = counts(evidence)[metric]
            # How full pages are is the machine's: there a budget has the slack that a comparison has.
            slack = _limit(metric, most, tolerance=thresholds.of(place.operation)) if metric == "buffers" else 0.0
            if seen > most + slack:
                found.append(Change(place=place, metric=metric, base=most, head=seen, limit=slack, verdict="worse"))
    return tuple(found)


def page_state(size: int) -> str:
    """The state of a place whose request asked for a page of so many items."""
    return f"cold, page of {size}"


def grown(
    base: Mapping[Place, Evidence], head: Mapping[Place, Evidence], *, sizes: tuple[int, int]
) -> tuple[Growth, ...]:
    """What grows otherwise with the page: statements that come once an item are an N+1, whatever is allowed on top."""
    found = []
    for small in base.keys() & head.keys():
        large = replace(small, state=page_state(sizes[1]))
        if small.state != page_state(sizes[0]) or large not in base or large not in head:
            continue
        place = replace(small, state="cold")
        for metric in ("statements", "rows"):
            before, after = ((counts(side[small])[metric], counts(side[large])[metric]) for side in (base, head))
            more = (after[1] - after[0]) - (before[1] - before[0])
            if more:
                verdict = "better" if more < 0 else "worse" if metric == "statements" else "other"
                found.append(
                    Growth(place=place, metric=metric, sizes=sizes, base=before, head=after, verdict=verdict)
                )  # fmt: skip
    return tuple(sorted(found, key=lambda each: (each.verdict != "worse", each.metric != "statements", repr(each))))


def budgets_of(head: Mapping[Place, Evidence]) -> dict[tuple[str, str], dict[str, int]]:
    """What the budgets would be if the head were what is allowed, by operation and face."""
    return {
        (place.operation, place.face): {metric: counts(evidence)[metric] for metric in RECORDED}
        for place, evidence in head.items()
        if place.state == "cold" and _is_budgeted(place)
    }


def telling(found: GateFindings) -> tuple[Place, ...]:
    """One place for each count of an operation and face that is worse, where it takes least: once more will do."""
    every: list[Change | Growth] = [*found.changes, *found.budgets, *found.growths]
    worse = sorted((each for each in every if each.verdict == "worse"), key=_size)
    places: dict[tuple[str, str, str], Place] = {}
    for each in worse:
        places.setdefault((each.place.operation, each.place.face, each.metric), each.place)
    return tuple(dict.fromkeys(places.values()))


def _size(each: Change | Growth) -> float:
    """The head's count: requests that do less are counted sooner."""
    return each.head if isinstance(each, Change) else float(sum(each.head))


def steady(found: GateFindings, *, first: tuple[Counts, Counts], second: tuple[Counts, Counts]) -> GateFindings:
    """The same with what varies between two runs of one commit demoted: it decides nothing, and is told.

    `first` and `second` are (base, head) in two runs, each of fresh processes with other hash seeds; the second may
    have fewer places. A count of an operation and face that varies at one place is trusted at none.
    """
    varying: dict[tuple[str, str, str], None] = {}
    for one, other in zip(first, second, strict=True):
        for place in one.keys() & other.keys():
            before, after = counts(one[place]), counts(other[place])
            for metric in METRICS:
                if metric != "buffers" and after[metric] != before[metric]:
                    varying[place.operation, place.face, metric] = None
    base, head = second
    for each in (*found.changes, *found.budgets):
        # How many pages are touched is never quite the same: that it is worse must be seen again.
        if each.metric == "buffers" and each.verdict == "worse" and each.place in base.keys() & head.keys():
            than = each.base if each in found.budgets else counts(base[each.place])["buffers"]
            if counts(head[each.place])["buffers"] <= than + each.limit:
                varying[each.place.operation, each.place.face, "buffers"] = None
    demoted: dict[tuple[str, str, str], None] = {}

    def stands(each: Change | Growth) -> bool:
        key = (each.place.operation, each.place.face, each.metric)
        if each.verdict == "worse" and key in varying:
            demoted[key] = None
            return False
        return True

    changes = tuple(each if stands(each) else replace(each, verdict="other") for each in found.changes)
    growths = tuple(each if stands(each) else replace(each, verdict="other") for each in found.growths)
    budgets = tuple(each for each in found.budgets if stands(each))
    notes = (
        f"{metric} of {operation}, {face} vary from run to run in one commit" for operation, face, metric in demoted
    )
    told = tuple(f"{note}: they decide nothing" for note in notes)
    return replace(found, changes=changes, growths=growths, budgets=budgets, notes=(*found.notes, *told))


def _is_budgeted(place: Place) -> bool:
    """Budgets hold where every knob is on but the cache: what the API costs as it is meant to be run."""
    return all(level == ("off" if knob == "cache" else "on") for knob, level in place.variant)


def _changes(place: Place, base: Evidence, head: Evidence, *, tolerance: Tolerance) -> Iterator[Change]:
    gone, new = _moved(base.statements, head.statements), _moved(head.statements, base.statements)
    before, after, told = counts(base), counts(head), False
    for metric in METRICS:
        if metric in HITS:
            if before[metric] != after[metric]:
                verdict = "worse" if after[metric] < before[metric] else "better"
                yield Change(
                    place=place, metric=metric, base=before[metric], head=after[metric], limit=0, verdict=verdict
                )
            continue
        limit = _limit(metric, before[metric], tolerance=tolerance)
        same = before[metric] == after[metric] if metric != "buffers" else abs(after[metric] - before[metric]) <= limit
        if same:
            continue
        verdict = "worse" if after[metric] > before[metric] + limit else "better"
        if before[metric] < after[metric] <= before[metric] + limit:
            verdict = "other"
        told = told or metric in {"statements", "rows", "buffers"}
        yield Change(
            place=place, metric=metric, base=before[metric], head=after[metric], limit=limit, verdict=verdict,
            gone=gone if metric in {"statements", "rows", "buffers"} else (),
            new=new if metric in {"statements", "rows", "buffers"} else (),
        )  # fmt: skip
    if not told and (gone or new):
        yield Change(
            place=place, metric="statements", base=before["statements"], head=after["statements"], limit=0,
            verdict="other", gone=gone, new=new,
        )  # fmt: skip


def _limit(metric: str, base: float, *, tolerance: Tolerance) -> float:
    if metric == "buffers":
        return max(tolerance.buffers * base, NEGLIGIBLE_BUFFERS)
    return float(getattr(tolerance, metric))


def _moved(here: Sequence[Statement], there: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements that are here oftener than there, or run by another plan, by fingerprint and not by line."""
    elsewhere: dict[str, int] = {}
    plans: dict[str, set[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for each in there:
        elsewhere[each.fingerprint] = elsewhere.get(each.fingerprint, 0) + each.count
        if each.plan:
            plans.setdefault(each.fingerprint, set()).add((each.plan.indexes, each.plan.sequential_scans))
    found = []
    for each in here:
        other_plan = bool(
            each.plan
            and each.fingerprint in plans
            and (each.plan.indexes, each.plan.sequential_scans) not in plans[each.fingerprint]
        )
        if each.count > elsewhere.get(each.fingerprint, 0) or other_plan:
            found.append(each)
    return tuple(found)
