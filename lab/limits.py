"""Yields whether a limit ended a request before its cell could be measured, and what it had taken. It asks nothing."""

from dataclasses import dataclass
from typing import Final

from lab.http import Answer
from lab.operations import Operation

REQUEST_LIMIT: Final = 5.0
"""Seconds above which one request is too slow for its cell to be measured."""

TOO_SLOW: Final = "too_slow"
"""The code by which the target refuses what its database was not given the time for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A limit that was met: why the cell is void, and seconds that a request of it takes at the least."""

    reason: str
    seconds: float


def limit_met(operation: Operation, face: str, answer: Answer) -> Met | None:
    """The limit that an answer of `face` met; None for one that came in time, whatever it says."""
    try:
        refusal = getattr(operation.read(face, answer.status, answer.body), "code", "")
    except ValueError:
        refusal = ""
    if refusal == TOO_SLOW:
        return Met(
            reason=f"after {answer.seconds:.1f} s a statement met the time limit of the database",
            seconds=answer.seconds,
        )
    if answer.seconds > REQUEST_LIMIT:
        reason = f"one request took {answer.seconds:.1f} s, above the limit of {REQUEST_LIMIT:g} s"
        return Met(reason=reason, seconds=REQUEST_LIMIT)
    return None
