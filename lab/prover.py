"""Yields `Prover`, which asks every cell and holds each answer against the first arm's. It boots no server.

It takes no measurement that enters a result: its times only pilot the plan.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

from lab.asker import Asker, Subject
from lab.equivalence import first_difference, values_in
from lab.errors import LabError
from lab.evidence import EvidenceFile, Witness, read_evidence
from lab.experiment import Arm
from lab.findings import Evidence, Proof
from lab.gate_findings import AnswerChange
from lab.http import Answer
from lab.limits import Met, limit_met
from lab.plan import SLOW
from lab.progress import Advance
from lab.results import CellProof, ProofRecord, ProvenAnswer
from lab.server import floor_path
from lab.wording import variant_name

SERIALIZER: Final = "serializer"
"""The knob of which all levels must write the same bytes."""


@dataclass(kw_only=True)
class Prover:
    """Asks every cell for its keys, holds each answer against the first arm's, and counts what requests do.

    Servers of `candidates` may answer otherwise than the others, but not otherwise from arm to arm: what differs goes
    to `changed`, or for `accepted` operations to `waved`. `is_thorough` counts every key, and
    pages of other sizes at the arms in `paged`; with `has_counts` the database's statements are kept of every answer.
    Arms that differ in their serializer alone must give the same bytes. `values` is how many values answers have, by
    operation, face, paging and key.
    """

    asker: Asker
    files: Mapping[str, EvidenceFile]
    witnesses: Mapping[str, Witness]
    candidates: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    is_thorough: bool = False
    has_counts: bool = False
    paged: frozenset[Arm] = frozenset()
    changed: list[AnswerChange] = field(default_factory=list)
    waved: list[AnswerChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    references: dict[tuple[str, str, int], tuple[str, Any]] = field(default_factory=dict)
    values: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    _asked: int = 0
    _written: dict[tuple[str, Arm, int], tuple[str, bytes]] = field(default_factory=dict)
    _counts: dict[tuple[int, int], int | None] = field(default_factory=dict)

    def prove(self, subjects: Sequence[Subject], *, advance: Advance) -> ProofRecord:
        """The record over all `subjects`; `advance` is told after each.

        Raises LabError at the first answer that differs, with the path and both values.
        """
        cells: list[CellProof] = []
        answers: dict[str, int] = {}
        for subject in subjects:
            cell, compared = self._cell(subject)
            cells.append(cell)
            name = subject.keyed.operation.name
            answers[name] = answers.get(name, 0) + compared
            advance(done=len(cells), note=f"{name}, {describe(subject.arm)}")
        proofs = tuple(
            Proof(
                operation=name, answers=count, parameters=len(keys),
                cells=sum(subject.keyed.operation.name == name for subject in subjects),
            )
            for name, count in answers.items()
            for keys in (next(s.keyed.keys for s in subjects if s.keyed.operation.name == name),)
        )  # fmt: skip
        return ProofRecord(
            cells=tuple(cells),
            proofs=proofs,
            notes=tuple(dict.fromkeys(self.notes)),
            changed=tuple(self.changed),
            accepted=tuple(self.waved),
        )

    def floor(self, *, index: int, like: CellProof, server: str) -> CellProof:
        """The proof of the bare view, for the sizes of the answers that `like` proved."""
        found, times, witness = [], [], self.witnesses[server]
        for proven in like.answers:
            before = witness.statements_so_far() if self.has_counts else None
            headers = {"Accept": "application/json", "Lab-Token": self.asker.token}
            for _ in range(3):
                answer = self.asker.clients[server].send("GET", floor_path(proven.length), headers=headers)
                times.append(answer.seconds)
            after = witness.statements_so_far() if self.has_counts else None
            found.append(
                ProvenAnswer(
                    key=proven.key, status=answer.status, length=len(answer.body), checksum=zlib.crc32(answer.body),
                    statements=None if before is None or after is None else (after - before) // 3,
                )
            )  # fmt: skip
        return CellProof(cell=index, seconds=median(times), answers=tuple(found))

    def _cell(self, subject: Subject) -> tuple[CellProof, int]:
        bodies: dict[int, bytes] = {}
        first, cold = self._with_evidence(subject, key=0)
        if met := limit_met(subject.keyed.operation, subject.arm.face, first):
            return _void(subject, first, met, cold=cold), 0
        compared = self._compare(subject, key=0, answer=first, bodies=bodies)
        times: list[float] = []
        others: list[Evidence] = []
        # A cell as slow as this is measured with its first key alone, unless a cache makes it quick or it was a hiccup.
        slow = first.seconds > 2 * SLOW and not cold.cache_misses and self._ask(subject, key=0).seconds > 2 * SLOW
        for key in range(1, 2 if slow else len(subject.keyed.keys)):
            if self.is_thorough:
                answer, evidence = self._with_evidence(subject, key=key)
                others.append(evidence)
            else:
                answer = self._ask(subject, key=key)
            if met := limit_met(subject.keyed.operation, subject.arm.face, answer):
                return _void(subject, answer, met, cold=cold), compared
            times.append(answer.seconds)
            compared += self._compare(subject, key=key, answer=answer, bodies=bodies)
        again, warm = self._with_evidence(subject, key=0)
        if met := limit_met(subject.keyed.operation, subject.arm.face, again):
            return _void(subject, again, met, cold=cold), compared
        compared += self._compare(subject, key=0, answer=again, bodies=bodies)
        if warm.cache_hits:
            # The keys are primed now: what is timed, and what is proven last, is the hit.
            times = []
            for key in range(len(subject.keyed.keys)):
                answer = self._ask(subject, key=key)
                times.append(answer.seconds)
                compared += self._compare(subject, key=key, answer=answer, bodies=bodies)
        pages, wide = self._pages(subject)
        compared += wide
        proven = tuple(
            ProvenAnswer(
                key=key,
                status=200,
                length=len(body),
                checksum=zlib.crc32(body),
                statements=self._counts.get((subject.index, key)),
                then=self.asker.learnt(subject, key=key),
            )
            for key, body in bodies.items()
        )
        pilot = first.seconds if slow else median(times) if times else again.seconds
        return (
            CellProof(
                cell=subject.index, seconds=pilot, answers=proven, cold=cold, warm=warm, others=tuple(others),
                pages=pages,
            ),
            compared,
        )  # fmt: skip

    def _pages(self, subject: Subject) -> tuple[tuple[tuple[int, Evidence], ...], int]:
        """What pages of other sizes do, by their size, and how many answers that compared."""
        found = []
        for number, (size, _) in enumerate(subject.keyed.pages if subject.arm in self.paged else ()):
            key = len(subject.keyed.keys) + number
            answer, evidence = self._with_evidence(subject, key=key)
            self._compare(subject, key=key, answer=answer, bodies={})
            found.append((size, evidence))
        return tuple(found), len(found)

    def _ask(self, subject: Subject, *, key: int, mark: str = "") -> Answer:
        self.asker.prepare(subject, key=key)
        if not self.has_counts or mark:
            return self.asker.send(subject, key=key, mark=mark)
        witness = self.witnesses[subject.arm.server]
        before = witness.statements_so_far()
        answer = self.asker.send(subject, key=key)
        self._count(subject, key=key, before=before, after=witness.statements_so_far())
        return answer

    def _count(self, subject: Subject, *, key: int, before: int | None, after: int | None) -> int | None:
        """What the database counted meanwhile; of a key that is asked again the last time stays."""
        counted = after - before if before is not None and after is not None else None
        self._counts[subject.index, key] = counted
        return counted

    def _with_evidence(self, subject: Subject, *, key: int) -> tuple[Answer, Evidence]:
        self._asked += 1
        mark = f"proof-{self._asked}"
        # Before the database counts: what is only learnt is no part of it.
        self.asker.prepare(subject, key=key)
        witness = self.witnesses[subject.arm.server]
        before = witness.statements_so_far()
        answer = self._ask(subject, key=key, mark=mark)
        after = witness.statements_so_far()
        trips = self.asker.trips(subject, key=key)
        try:
            records = [self.files[subject.arm.server].record(f"{mark}.{number}") for number in range(trips)]
        except KeyError:
            raise LabError(
                f"{subject.keyed.operation.name} at {describe(subject.arm)} left no evidence (status {answer.status})",
                hint="is the disk full? If not, see the server's log under .lab/logs",
            ) from None
        counted = self._count(subject, key=key, before=before, after=after)
        evidence = read_evidence(records, witness=witness, counted=counted)
        # What came is what counts, and not what the target says that it sent.
        evidence = replace(evidence, body_bytes=len(answer.body))
        if counted is not None and counted != evidence.statement_count:
            self.notes.append(
                f"{subject.keyed.operation.name} at {describe(subject.arm)}: the target recorded "
                f"{evidence.statement_count} statements, PostgreSQL counted {counted}"
            )
        return answer, evidence

    def _compare(self, subject: Subject, *, key: int, answer: Answer, bodies: dict[int, bytes]) -> int:
        name, where = subject.keyed.operation.name, describe(subject.arm)
        hint = "mend the target: answers must be equal before they are timed"
        parameters = subject.keyed.asked(key)
        is_candidate = subject.arm.server in self.candidates
        try:
            value, is_known = self._read(subject, answer)
        except ValueError as error:
            if not is_candidate:
                raise LabError(f"{name} at {where} gave {error} for {parameters}", hint=hint) from error
            self._change(subject, parameters, f"it gave {error}", into=self.changed)
            bodies.setdefault(key, answer.body)
            return 1
        # A shape that nobody knows may be another in each face; a commit's own variants must agree all the same.
        own = subject.arm.server if is_known else f"{subject.arm.server} {subject.arm.face}"
        group = own if is_candidate else ""
        if is_candidate and ("", name, key) in self.references:
            across = first_difference(self.references["", name, key][1], value) if is_known else "its shape is another"
            if across:
                self._change(subject, parameters, across, into=self.waved if name in self.accepted else self.changed)
        origin, reference = self.references.setdefault((group, name, key), (where, value))
        if difference := first_difference(reference, value):
            raise LabError(f"{name} at {where} differs from {origin} for {parameters}: {difference}", hint=hint)
        if bodies.setdefault(key, answer.body) != answer.body:
            raise LabError(f"{name} at {where} gave two bodies for {parameters}", hint=hint)
        if other := self._other_writer(subject, key=key, body=answer.body):
            raise LabError(f"{name} at {where} has the values of {other}, in other bytes, for {parameters}", hint=hint)
        at = (name, subject.arm.face, subject.arm.paging, key)
        if at not in self.values:
            self.values[at] = values_in(answer.body)
        return 1

    def _other_writer(self, subject: Subject, *, key: int, body: bytes) -> str:
        """The arm that differs in its serializer alone and wrote other bytes, or ""."""
        arm, where = subject.arm, describe(subject.arm)
        if SERIALIZER not in dict(arm.variant):
            return ""
        rest = replace(arm, variant=tuple(pair for pair in arm.variant if pair[0] != SERIALIZER))
        origin, bytes_ = self._written.setdefault((subject.keyed.operation.name, rest, key), (where, body))
        return origin if bytes_ != body else ""

    def _read(self, subject: Subject, answer: Answer) -> tuple[Any, bool]:
        """The answer's value, and whether its shape is the operation's: an accepted change may have another.

        Raises ValueError for one that cannot be read, that is no success or that has GraphQL errors.
        """
        is_accepted = subject.arm.server in self.candidates and subject.keyed.operation.name in self.accepted
        value, is_known = None, True
        try:
            value = subject.keyed.operation.read(subject.arm.face, answer.status, answer.body)
        except ValueError as error:
            if not is_accepted:
                raise ValueError(f"an unreadable answer ({error})") from error
            value, is_known = json.loads(answer.body), False
            if isinstance(value, dict) and "errors" in value:
                raise ValueError(f"errors ({value['errors']})") from error
        if answer.status != 200:
            raise ValueError(f"status {answer.status} ({value})")
        return value, is_known

    def _change(self, subject: Subject, parameters: Any, difference: str, *, into: list[AnswerChange]) -> None:
        """Notes a changed answer: the first of an operation and face."""
        operation, face = subject.keyed.operation.name, subject.arm.face
        if not any((each.operation, each.face) == (operation, face) for each in into):
            change = AnswerChange(operation=operation, face=face, parameters=str(parameters), difference=difference)
            into.append(change)


def _void(subject: Subject, answer: Answer, met: Met, *, cold: Evidence) -> CellProof:
    """The proof of a cell that a limit ended."""
    return CellProof(
        cell=subject.index, seconds=answer.seconds, answers=(), cold=cold, void=met.reason, more_than=met.seconds
    )  # fmt: skip


def describe(arm: Arm) -> str:
    """An arm in one phrase, as in `rest, all off` or `graphql on server b, select_related + indexes`."""
    server = "" if arm.server == "target" else f" on server {arm.server}"
    return f"{arm.face}{server}, {variant_name(arm.variant)}"
