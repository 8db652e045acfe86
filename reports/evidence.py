"""Yields the evidence as the page shows it: per cell what was counted, and one catalogue of statements and plans.

Cells share most statements, so a statement and a plan stand once in the catalogue and cells refer to them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lab.findings import CacheLevel, Cell, Evidence, Findings, Plan, Statement
from reports import format as text

_SHORT = 96
_COLUMNS = re.compile(r"SELECT .*? FROM")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """A plan under its anchor."""

    identifier: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEntry:
    """A statement of one database under its anchor, with each different plan that it had."""

    identifier: str
    statement: Statement
    plans: tuple[PlanEntry, ...]
    cells: int

    @property
    def short(self) -> str:
        """The statement's beginning, without its columns."""
        return _shortened(self.statement.sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One counted request of a cell, cold or warm."""

    name: str
    evidence: Evidence

    @property
    def agreement(self) -> str:
        """Whether the database counted as many statements."""
        counted = self.evidence.counted_by_database
        if counted is None:
            return "not verified by the database"
        if counted == self.evidence.statement_count:
            return "PostgreSQL counted as many"
        return f"PostgreSQL counted {text.count(counted)}: does not agree"

    @property
    def cache(self) -> str:
        """What the cache was asked, level by level, in words."""
        seen = self.evidence
        if not seen.levels and seen.cache_hits + seen.cache_misses:
            # Of a run of an older version, which did not tell levels apart.
            return f"{_times(seen.cache_hits, 'hit', 'hits')}, {_times(seen.cache_misses, 'miss', 'misses')}"
        return "; ".join(map(_level, seen.levels)) or "not asked"

    @property
    def python_seconds(self) -> float:
        """The part of the request outside the database."""
        return self.evidence.seconds - self.evidence.database_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A statement as one pass used it, or several alike; `seconds` are those of each."""

    statement: Statement
    entry: str
    plan: str
    short: str
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Passes that issued the same statements, in the same order."""

    passes: tuple[Pass, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEvidence:
    """The counted requests of one cell; `groups` is empty when none was counted."""

    cell: Cell
    groups: tuple[Alike, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All statements of a run, and every cell's use of them."""

    statements: tuple[StatementEntry, ...]
    cells: tuple[CellEvidence, ...]


def catalogue_of(findings: Findings) -> Catalogue:
    """The catalogue, in order of first use."""
    anchors: dict[tuple[str, str], str] = {}
    plans: dict[tuple[str, str], dict[Plan, str]] = {}
    first: dict[tuple[str, str], Statement] = {}
    users: dict[tuple[str, str], set[int]] = {}
    for number, cell in enumerate(findings.cells):
        for statement in _statements(cell):
            key = (statement.fingerprint, statement.database)
            anchor = anchors.setdefault(key, f"statement-{len(anchors) + 1}")
            first.setdefault(key, statement)
            users.setdefault(key, set()).add(number)
            known = plans.setdefault(key, {})
            if statement.plan:
                known.setdefault(statement.plan, f"{anchor}-plan-{len(known) + 1}")

    def used(statement: Statement, *others: Statement) -> Use:
        key = (statement.fingerprint, statement.database)
        return Use(
            statement=statement,
            entry=anchors[key],
            plan=plans[key][statement.plan] if statement.plan else "",
            short=_shortened(statement.sql),
            seconds=tuple(each.seconds for each in (statement, *others)),
        )

    def groups(cell: Cell) -> tuple[Alike, ...]:
        passes = tuple(Pass(name=name, evidence=e) for name, e in (("Cold", cell.cold), ("Warm", cell.warm)) if e)
        alike = len(passes) > 1 and _issued(passes[0]) == _issued(passes[1])
        together = [passes] if alike else [(each,) for each in passes]
        return tuple(
            Alike(passes=each, uses=tuple(map(used, *(counted.evidence.statements for counted in each))))
            for each in together
        )

    return Catalogue(
        statements=tuple(
            StatementEntry(
                identifier=anchor,
                statement=first[key],
                plans=tuple(PlanEntry(identifier=i, plan=plan) for plan, i in plans[key].items()),
                cells=len(users[key]),
            )
            for key, anchor in anchors.items()
        ),
        cells=tuple(CellEvidence(cell=cell, groups=groups(cell)) for cell in findings.cells),
    )


def _statements(cell: Cell) -> Iterable[Statement]:
    for evidence in (cell.cold, cell.warm):
        if evidence:
            yield from evidence.statements


def _issued(counted: Pass) -> list[Statement]:
    """What was issued, without the time that it took."""
    return [replace(statement, seconds=0.0) for statement in counted.evidence.statements]


def _level(seen: CacheLevel) -> str:
    """A level in a phrase, as in "query 1 hit, 3 misses (2 computed, 1 waited), 12.4 kB stored of 40.1 kB"."""
    parts = [_times(seen.hits, "hit", "hits")] if seen.hits else []
    if seen.misses:
        waits = f", {text.count(seen.waited)} waited" if seen.waited else ""
        parts.append(f"{_times(seen.misses, 'miss', 'misses')} ({text.count(seen.recomputed)} computed{waits})")
    if seen.stored:
        packed = f" of {text.size(seen.plain)}" if seen.stored < seen.plain else ""
        parts.append(f"{text.size(seen.stored)} stored{packed}")
    return f"{seen.level} {', '.join(parts) or 'away'}"


def _times(count: int, one: str, many: str) -> str:
    return f"{text.count(count)} {one if count == 1 else many}"


def _shortened(sql: str) -> str:
    line = _COLUMNS.sub("SELECT \u2026 FROM", " ".join(sql.split()).replace('"', ""), count=1)
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
