"""Yields the proof that all arms of a user's own target answer alike, before anything is timed.

Nothing is counted but time and bytes: of what such a service does inside, nobody tells.
"""

import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from lab.equivalence import first_difference
from lab.errors import LabError
from lab.experiment import Arm
from lab.findings import Proof
from lab.http import Client
from lab.own_target import OwnOperation, OwnTarget
from lab.plan import PlannedCell
from lab.progress import Advance
from lab.results import CellProof, ProofRecord, ProvenAnswer
from lab.server import Running

TRIES = 3
"""How often each key is asked for: what changes from answer to answer shows, and the times pilot the plan."""

HINT = 'mend the target, or say answers="may differ" in the request: then it is timed all the same'


@dataclass(kw_only=True)
class OwnProver:
    """Asks every cell for all keys of its operation, and holds each answer against the first arm's."""

    target: OwnTarget
    running: Mapping[str, Running]
    notes: dict[str, None] = field(default_factory=dict)
    _references: dict[tuple[str, int], tuple[str, Any]] = field(default_factory=dict)

    def prove(self, cells: Sequence[PlannedCell], *, advance: Advance) -> ProofRecord:
        """The record over all cells. Raises LabError at the first answer that differs, with path and both values."""
        proofs = []
        for cell in cells:
            assert cell.arm  # noqa: S101 - a user's target has no floors
            operation = self.target.operation(cell.operation)
            proofs.append(self._cell(cell, operation=operation, arm=cell.arm))
            advance(done=len(proofs), note=f"{cell.operation}, {arm_name(cell.arm)}")
        counts = Counter(cell.operation for cell in cells)
        asked = [self.target.operation(name) for name in counts]
        unlike = [
            f"{each.name}: its answers were not compared, as its request says." for each in asked if each.may_differ
        ]
        return ProofRecord(
            cells=tuple(proofs), notes=(*unlike, *self.notes),
            proofs=tuple(
                Proof(
                    operation=each.name, parameters=len(each.paths), cells=counts[each.name],
                    answers=counts[each.name] * TRIES * len(each.paths),
                )
                for each in asked
                if not each.may_differ
            ),
        )  # fmt: skip

    def _cell(self, cell: PlannedCell, *, operation: OwnOperation, arm: Arm) -> CellProof:
        url = self.running[self.target.process(arm.server, arm.variant)].url
        headers = own_headers(self.target, operation=operation, arm=arm)
        answers, times = [], []
        # A connection of its own: a server may have closed one that waited for the other arms.
        with closing(Client(url)) as client:
            for key, path in enumerate(operation.paths):
                bodies: list[bytes] = []
                for _ in range(TRIES):
                    answer = client.send(operation.method, path, headers=headers, body=operation.body)
                    self._check(operation, arm=arm, key=key, status=answer.status, body=answer.body)
                    if bodies:
                        # The first of a key fills caches and loads code: no request that is timed does.
                        times.append(answer.seconds)
                    bodies.append(answer.body)
                vary = len(set(bodies)) > 1
                if vary:
                    self.notes[
                        f"{operation.name}: the same request is not answered by the same bytes each time; "
                        "while it was timed, only the status was held against the proven one."
                    ] = None
                answers.append(
                    ProvenAnswer(
                        key=key, status=answer.status, length=len(answer.body), checksum=zlib.crc32(answer.body),
                        vary=vary,
                    )
                )  # fmt: skip
        return CellProof(cell=cell.index, seconds=median(times), answers=tuple(answers))

    def _check(self, operation: OwnOperation, *, arm: Arm, key: int, status: int, body: bytes) -> None:
        where, asked = arm_name(arm), f"{operation.method} {operation.paths[key]}"
        if status != operation.status:
            start = " ".join(body[:2000].decode(errors="replace").split())[:120]
            raise LabError(
                f"{operation.name} at {where}: {asked} was answered with {status}, not {operation.status}: {start}",
                hint="mend the request's path, or say status= in it",
            )
        if operation.may_differ:
            return
        origin, reference = self._references.setdefault((operation.name, key), (where, canonical(body)))
        if difference := first_difference(reference, canonical(body)):
            against = "an earlier answer of its own" if origin == where else origin
            raise LabError(f"{operation.name} at {where}: {asked} differs from {against}: {difference}", hint=HINT)


def canonical(body: bytes) -> Any:
    """A body as JSON says it, whatever the order of its keys; what is no JSON as text, or as bytes."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return tuple(text.splitlines())


def own_headers(target: OwnTarget, *, operation: OwnOperation, arm: Arm) -> dict[str, str]:
    """The headers with which the proof and the load alike ask: the request's, and those by which knobs are turned."""
    return {"Accept": "*/*", **dict(operation.headers), **dict(target.turned_headers(arm.variant))}


def arm_name(arm: Arm) -> str:
    """An arm in one phrase, as in `BOOKS_LOADING=lazy`, or its server's name."""
    return ", ".join(f"{knob}={level}" for knob, level in arm.variant) or arm.server
