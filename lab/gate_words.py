"""Yields a gate's sentences: for the console, and as the Markdown of a summary and of a comment. It decides nothing."""

from collections.abc import Iterator, Sequence

from lab.findings import Statement
from lab.gate_findings import Change, GateFindings, Growth
from lab.units import count
from lab.wording import place, times_interval, variant_name, verdict_phrase

METRICS = {
    "statements": "SQL statements", "rows": "rows", "buffers": "shared buffers", "bytes": "bytes",
    "cache_misses": "cache misses", "view_hits": "hits in the view cache", "query_hits": "hits in the query cache",
}  # fmt: skip
VERDICTS = {"pass": "passes", "regression": "REGRESSION", "unclear": "UNCLEAR"}
MOST_SHOWN = 10


def headline(found: GateFindings) -> str:
    """The verdict in one line, and what decided."""
    head = f"{found.head} against {found.base}: {VERDICTS[found.verdict]}"
    if found.answers:
        return f"{head}: {len(found.answers)} changed answers"
    if found.budgets:
        return f"{head}: {len(found.budgets)} counts above their budget"
    if found.worse:
        return f"{head}: {_causes(found.worse)}"
    if grown := [each for each in found.growths if each.verdict == "worse"]:
        where = place(grown[0].place.operation, grown[0].place.face)
        more = f" and {len(grown) - 1} more" if len(grown) > 1 else ""
        return f"{head}: {METRICS[grown[0].metric]} of {where} grow with the page{more}"
    if lost := sorted(found.lost, key=lambda each: each.verdict != "worse"):
        return f"{head}: {place(lost[0].operation, lost[0].face)} could not be compared: {lost[0].reason}"
    timed = (*found.effects, *found.benchmarks)
    slower = [effect for effect in timed if effect.verdict == "slower"]
    unclear = [effect for effect in timed if effect.verdict == "unclear"]
    if slower:
        return f"{head}: {place(slower[0].operation, slower[0].face)} is {times_interval(slower[0].typical)}"
    if unclear:
        return f"{head}: {len(unclear)} of {len(timed)} comparisons of time cannot be told; measure longer"
    return f"{head}: same answers, no count is worse, no operation is slower"


def lines(found: GateFindings) -> tuple[str, ...]:
    """What was found, for the console: at most a screen."""
    said = [headline(found), *_instrument(found)]
    said += [f"answer: {place(e.operation, e.face)}, {e.parameters}: {e.difference}" for e in found.answers]
    said += [f"accepted: {place(e.operation, e.face)}, {e.parameters}: {e.difference}" for e in found.changed]
    said += [f"not compared ({e.verdict}): {place(e.operation, e.face)}: {e.reason}" for e in found.lost]
    said += [f"note: {note}" for note in found.notes]
    shown = [_budget(change) for change in found.budgets]
    shown += [_changes(group) for group in _by_place(found.changes)]
    said += shown[:MOST_SHOWN]
    if len(shown) > MOST_SHOWN:
        said.append(f"... and {len(shown) - MOST_SHOWN} more; gate.json has them all")
    said += [_growth(each) for each in found.growths[:MOST_SHOWN] if each.verdict != "other"]
    said += [
        f"time: {place(effect.operation, effect.face)} {times_interval(effect.typical)}: {verdict_phrase(effect)}"
        for effect in found.effects
    ]
    said += [
        f"benchmark: {effect.operation} {times_interval(effect.typical)}: {verdict_phrase(effect)}"
        for effect in found.benchmarks
    ]
    if found.stopped:
        said.append(f"stopped at the {found.stopped}: time was not measured")
    return tuple(said)


def markdown(found: GateFindings) -> str:
    """The summary for a job's page or a comment: the verdict, then what, by how much, why, and how to reproduce."""
    # One line tells both: a change of the instrument must not be overlooked, nor the verdict looked for.
    judge = f" (the instrument changed: {found.instrument})" if found.instrument else ""
    parts = [f"**Windtunnel gate: {headline(found)}**{judge}"]
    for what, answers in (("difference", found.answers), ("accepted difference", found.changed)):
        rows = [(place(each.operation, each.face), each.parameters, each.difference) for each in answers]
        if rows:
            parts.append(_table(("operation", "asked for", what), rows))
    if found.lost:
        rows = [(place(each.operation, each.face), each.reason, each.verdict) for each in found.lost]
        parts.append(_table(("operation", "not compared, because", "verdict"), rows))
    changes = [*found.budgets, *_distinct(found.changes)]
    if changes:
        cells = [
            (
                place(c.place.operation, c.place.face), variant_name(c.place.variant), METRICS[c.metric],
                f"{count(c.base)} → {count(c.head)}", c.verdict,
            )
            for c in changes
        ]  # fmt: skip
        parts.append(_table(("operation", "at", "count", "base → head", "verdict"), cells))
        parts += list(_statements(changes))
    if found.growths:
        sizes = found.growths[0].sizes
        grown = [
            (
                place(g.place.operation, g.place.face), variant_name(g.place.variant), METRICS[g.metric],
                " → ".join(map(count, g.base)), " → ".join(map(count, g.head)), g.verdict,
            )
            for g in found.growths
        ]  # fmt: skip
        header = ("operation", "at", f"from {sizes[0]} items to {sizes[1]}", "base", "head", "verdict")
        parts.append(_table(header, grown))
    for what, effects in (("operation", found.effects), ("benchmark", found.benchmarks)):
        rows = [(place(e.operation, e.face), times_interval(e.typical), verdict_phrase(e)) for e in effects]
        if rows:
            parts.append(_table((what, "service time, head against base [95 %]", "verdict"), rows))
    if found.stopped:
        parts.append(f"Stopped at the {found.stopped}: time was not measured.")
    parts += [f"Note: {note}." for note in found.notes]
    parts.append(f"Reproduce it: `{found.command}`")
    return "\n\n".join(parts) + "\n"


def _instrument(found: GateFindings) -> list[str]:
    return [f"instrument: {found.instrument}"] if found.instrument else []


def _causes(worse: Sequence[Change]) -> str:
    first = worse[0]
    more = f" and {len(worse) - 1} more" if len(worse) > 1 else ""
    return (
        f"{place(first.place.operation, first.place.face)} takes {count(first.head)} {METRICS[first.metric]} in place "
        f"of {count(first.base)} ({variant_name(first.place.variant)}){more}"
    )


def _growth(each: Growth) -> str:
    base, head = (" → ".join(map(count, values)) for values in (each.base, each.head))
    where = f"{place(each.place.operation, each.place.face)} ({variant_name(each.place.variant)})"
    return (
        f"{each.verdict}: {where}: from pages of {each.sizes[0]} to {each.sizes[1]} {METRICS[each.metric]} grow "
        f"{head}; the base's {base}"
    )


def _budget(change: Change) -> str:
    where = place(change.place.operation, change.place.face)
    return f"over budget: {where}: {count(change.head)} {METRICS[change.metric]} of {count(change.base)}"


def _by_place(changes: Sequence[Change]) -> list[list[Change]]:
    """Changes of one operation, face and verdict together, at the first setting that they show at."""
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        group = groups.setdefault((change.place.operation, change.place.face, change.verdict), [])
        if not group or group[0].place == change.place:
            group.append(change)
    return list(groups.values())


def _changes(group: Sequence[Change]) -> str:
    """What differs at one place, in one line, and the line of code that is new there."""
    at = group[0].place
    counted = ", ".join(f"{count(c.base)} → {count(c.head)} {METRICS[c.metric]}" for c in group)
    new = _telling(group[0])
    why = f"; {_often(new[0])} from {new[0].line}" if new else ""
    where = f"{place(at.operation, at.face)} ({variant_name(at.variant)}, {at.state})"
    return f"{group[0].verdict}: {where}: {counted}{why}"


def _often(statement: Statement) -> str:
    return f"{statement.count} times" if statement.count > 1 else "once"


def _telling(change: Change) -> list[Statement]:
    """The statements that are new, those first whose line of code had none before."""
    before = {statement.line for statement in change.gone}
    return sorted(change.new, key=lambda statement: statement.line in before)


def _distinct(changes: Sequence[Change]) -> list[Change]:
    """One change of each kind an operation and face: the others tell the same at another variant."""
    kept: dict[tuple[str, str, str, str], Change] = {}
    for change in changes:
        kept.setdefault((change.place.operation, change.place.face, change.metric, change.verdict), change)
    return list(kept.values())


def _statements(changes: Sequence[Change]) -> Iterator[str]:
    """The SQL that is new, and the plan that it gets, once each."""
    seen: set[str] = set()
    for statement in (each for change in changes for each in _telling(change)):
        if statement.fingerprint not in seen and len(seen) < MOST_SHOWN:
            seen.add(statement.fingerprint)
            plan = "\n".join(statement.plan.lines) if statement.plan else "no plan"
            sql = statement.sql if len(statement.sql) <= 1000 else f"{statement.sql[:1000]} ..."
            yield (
                f"<details><summary>{_often(statement)} from {statement.line}</summary>\n\n"
                f"```sql\n{sql}\n```\n\n```\n{plan}\n```\n\n</details>"
            )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *escaped])
