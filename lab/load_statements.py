"""Yields whether the database ran, under load, the statements that the proof says a request takes. It counts nothing.

A cache that lost its answers, a server that retries or one that answers from elsewhere shows here, whatever its times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lab.results import ProofRecord

STATEMENTS_LIMIT: Final = 0.01
"""Share by which the statements of a block may differ from those that are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCount:
    """Statements that the database ran for clients while a block was loaded; None where it does not count them."""

    counted: int | None


def statements_due(proof: ProofRecord) -> dict[int, int]:
    """Statements of one request by cell: of a warm one, since the proof has asked for every key before."""
    found: dict[int, int] = {}
    for cell in proof.cells:
        # An arm without a cache has no other second request than the first.
        evidence = cell.warm or cell.cold
        if evidence:
            found[cell.cell] = evidence.statement_count
    return found


def disagreement(found: StatementCount, *, asked: Mapping[int, int], due: Mapping[int, int]) -> str:
    """Why a block does not count, or "": `asked` are requests that were sent, by cell, warm-up included."""
    expected = sum(count * due.get(cell, 0) for cell, count in asked.items())
    if found.counted is None or abs(found.counted - expected) <= STATEMENTS_LIMIT * max(expected, sum(asked.values())):
        return ""
    return f"the database ran {found.counted:,} statements where {expected:,} were due (limit {STATEMENTS_LIMIT:.0%})"
