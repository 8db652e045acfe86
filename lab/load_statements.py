"""Yields whether the database ran, under load, the statements that the proof says a request takes. It counts nothing.

A cache that lost its answers, a server that retries or one that answers from elsewhere shows here, whatever its times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lab.results import ProofRecord

STATEMENTS_LIMIT: Final = 0.01
"""Share by which the statements of a block may differ from those that are due."""


Request = Mapping[tuple[int, int], int]
"""Numbers by (cell, key)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCount:
    """Statements that the database ran for clients while a block was loaded; None where it does not count them."""

    counted: int | None


def statements_due(proof: ProofRecord) -> dict[tuple[int, int], int]:
    """Statements of one request by cell and key, as the proof saw it last: out of the cache where there is one."""
    return {
        (cell.cell, answer.key): answer.statements
        for cell in proof.cells
        for answer in cell.answers
        if answer.statements is not None
    }


def held(found: StatementCount, *, asked: Request, due: Request) -> tuple[int, int] | None:
    """Statements that were run and those that were due; None where one of them is not known.

    `asked` are requests that were sent, by cell and key, warm-up included.
    """
    if found.counted is None or not asked.keys() <= due.keys():
        return None
    return found.counted, sum(count * due[request] for request, count in asked.items())


def disagreement(found: StatementCount, *, asked: Request, due: Request) -> str:
    """Why a block does not count, or ""."""
    both = held(found, asked=asked, due=due)
    if both is None or abs(both[0] - both[1]) <= STATEMENTS_LIMIT * max(both[1], sum(asked.values())):
        return ""
    return f"the database ran {both[0]:,} statements where {both[1]:,} were due (limit {STATEMENTS_LIMIT:.0%})"
