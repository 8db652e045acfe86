"""Yields the table of verdicts: each knob's effect beside the counted evidence that explains it. It judges nothing."""

from dataclasses import dataclass

from lab.findings import Cell, Effect, Evidence, Findings
from reports import format as text
from reports.design import CACHE, Design, headlines, knobs_named, pairs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """An effect, what changed in the counted evidence, and the two cells where that was counted."""

    effect: Effect
    because: tuple[str, ...]
    cells: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictTable:
    """The rows of one operation."""

    operation: str
    rows: tuple[VerdictRow, ...]


def verdict_tables(findings: Findings, design: Design) -> tuple[VerdictTable, ...]:
    """One table per operation: the first effects of the knobs, or those of servers where no knob was turned."""
    tables = []
    for operation in design.operations:
        effects = headlines(findings, operation=operation) or pairs_of(findings, operation=operation)
        if effects:
            # Both faces of a knob under each other.
            order = list(dict.fromkeys((effect.subject, effect.given) for effect in effects))
            effects = tuple(sorted(effects, key=lambda effect: order.index((effect.subject, effect.given))))
            tables.append(VerdictTable(operation=operation, rows=tuple(_row(effect, design) for effect in effects)))
    return tuple(tables)


def changes(before: Evidence, after: Evidence) -> tuple[str, ...]:
    """What the second request did differently, most telling first; said as such when nothing counted changed."""
    pairs = (
        ("statements", before.statement_count, after.statement_count, text.count),
        ("rows", before.rows, after.rows, text.count),
        ("buffers", before.shared_buffers, after.shared_buffers, text.count),
        ("body", before.body_bytes, after.body_bytes, text.size),
        ("cache hits", before.cache_hits, after.cache_hits, text.count),
    )
    said = [f"{name} {show(old)} → {show(new)}" for name, old, new, show in pairs if old != new]
    repeated = {s.line: s.count for s in before.statements if s.is_repeated}
    remaining = {s.line for s in after.statements if s.is_repeated}
    gone = [f"{line} ({count}x)" for line, count in repeated.items() if line not in remaining]
    added = sorted(_indexes(after) - _indexes(before))
    if added:
        said.append(f"now through {', '.join(added)}")
    if gone:
        said.append(f"no more N+1 at {', '.join(gone)}")
    return tuple(said) or ("nothing counted changed",)


def _row(effect: Effect, design: Design) -> VerdictRow:
    if effect.kind in {"server", "part"}:
        return _pair_row(effect, design)
    named = knobs_named(effect.subject, design.knobs)
    if len(named) != 1:
        return VerdictRow(effect=effect, because=(), cells=())
    others = [knob for knob in design.knobs if knob not in named] if "others on" in effect.given else []
    off = design.cell(operation=effect.operation, face=effect.face, setting=design.setting(on=others))
    on = design.cell(operation=effect.operation, face=effect.face, setting=design.setting(on=(*others, *named)))
    if not off or not on:
        return VerdictRow(effect=effect, because=(), cells=())
    # A cached cell is measured warm, so its warm request explains its time; the others do the same work cold and warm.
    before, after = (off.warm or off.cold, on.warm or on.cold) if named == (CACHE,) else (off.cold, on.cold)
    because = changes(before, after) if before and after else ("no evidence was counted at these two cells",)
    return VerdictRow(effect=effect, because=because, cells=(("off", off), ("on", on)))


def _pair_row(effect: Effect, design: Design) -> VerdictRow:
    """The two cells that are compared: the first of each server, or those of the settings that a part is between."""
    told = effect.subject if effect.kind == "server" else effect.given
    names = told.split(" / ", 1)[::-1]
    own = [cell for key, cell in design.cells.items() if key[:2] == (effect.operation, effect.face)]
    cells = [
        next(
            (c for c in own if name == (c.server if effect.kind == "server" else design.variant_name(c.variant))), None
        )
        for name in names
    ]
    found = tuple((name, cell) for name, cell in zip(names, cells, strict=True) if cell)
    counted = [cell.cold for _, cell in found if cell.cold]
    return VerdictRow(effect=effect, because=changes(*counted) if len(counted) == 2 else (), cells=found)


def _indexes(evidence: Evidence) -> set[str]:
    return {index for statement in evidence.statements if statement.plan for index in statement.plan.indexes}
