"""Yields the proof that all arms answer alike, and each cell's evidence, before anything is timed.

Its servers are its own, and gone at its end.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from shutil import rmtree

from lab.asker import Asker, Subject
from lab.ceiling import Known
from lab.evidence import EvidenceFile, Witness
from lab.experiment import Arm, Experiment
from lab.http import Client
from lab.load import Loader
from lab.plan import PlannedCell
from lab.progress import Advance
from lab.prover import Prover
from lab.results import CellProof, ProofRecord
from lab.server import boot
from lab.services import Services


def prove(
    loader: Loader, *, services: Services, advance: Advance, candidates: Collection[str] = (),
    accepted: Collection[str] = (), is_thorough: bool = False, has_counts: bool = False,
) -> ProofRecord:  # fmt: skip
    """Boots every server of the experiment with evidence on, proves every cell and its floor, and ends the servers.

    With `is_thorough` evidence is taken of every key, with `has_counts` the database's count of statements of every
    answer. The record's `changed` are answers of `candidates`, servers by name, that are not those of the others.
    """
    surroundings, evidence = loader.surroundings, loader.folder.path / "evidence"
    rmtree(evidence, ignore_errors=True)
    evidence.mkdir()
    keyed = {each.operation.name: each for each in loader.operations}
    files = {server.name: evidence / f"{server.name}.jsonl" for server in loader.experiment.servers}
    with ExitStack() as stack:
        running = boot(
            loader.experiment.servers, surroundings=surroundings, supervisor=loader.supervisor, evidence=files
        )
        clients: dict[str, Client] = {}
        for name, each in running.items():
            stack.callback(loader.supervisor.stop, each.process)
            clients[name] = stack.enter_context(closing(Client(each.url)))
        witnesses: dict[str, Witness] = {}
        for server in loader.experiment.servers:
            witness = Witness(
                databases=surroundings.of(server.name).databases, server_url=services.postgres_url,
                has_counter=services.statement_counter,
            )  # fmt: skip
            witnesses[server.name] = stack.enter_context(closing(witness))
        prover = Prover(
            asker=Asker(clients=clients, token=surroundings.token, credentials=surroundings.credentials),
            witnesses=witnesses,
            files={name: EvidenceFile(path) for name, path in files.items()},
            candidates=frozenset(candidates), accepted=frozenset(accepted), is_thorough=is_thorough,
            has_counts=has_counts,
            paged=frozenset(_ends(loader.experiment) if is_thorough else ()),
        )  # fmt: skip
        subjects = [
            Subject(index=c.index, keyed=keyed[c.operation], arm=c.arm)
            for c in loader.cells
            if c.arm and not c.arm.is_bare
        ]
        record = prover.prove(subjects, advance=advance)
        if loader.ceiling:
            known = Known(references=prover.references, values=prover.values, paths=_learnt(subjects, record=record))
            alone, notes = loader.ceiling.proven(loader.operations, surroundings=surroundings, known=known)
            record = replace(record, alone=alone, notes=(*record.notes, *notes))
        floors = [
            prover.floor(
                index=cell.index, like=_some_cell(cell, loader=loader, record=record), server=next(iter(clients))
            )
            for cell in loader.cells
            if cell.arm is None or cell.arm.is_bare
        ]
    return replace(record, cells=(*record.cells, *floors))


def _learnt(subjects: Sequence[Subject], *, record: ProofRecord) -> dict[tuple[str, str, int], str]:
    """What REST was asked, by operation, paging and key, where that was one GET that a client learns first."""
    found = {}
    for subject, cell in zip(subjects, record.cells, strict=True):
        for answer in cell.answers if subject.arm.face == "rest" else ():
            if len(answer.then) == 1 and answer.then[0][0] == "GET":
                found[subject.keyed.operation.name, subject.arm.paging, answer.key] = answer.then[0][1]
    return found


def _ends(experiment: Experiment) -> list[Arm]:
    """The first two arms of every server and face: all on and all off, where a gate counts."""
    arms: dict[tuple[str, str], list[Arm]] = {}
    for arm in experiment.arms:
        arms.setdefault((arm.server, arm.face), []).append(arm)
    return [arm for group in arms.values() for arm in group[:2]]


def _some_cell(floor: PlannedCell, *, loader: Loader, record: ProofRecord) -> CellProof:
    """The cell of the floor's operation and face that was proven with most keys: all of them have the same bodies."""
    same = {c.index for c in loader.cells if c.arm and (c.operation, c.face) == (floor.operation, floor.face)}
    return max((proof for proof in record.cells if proof.cell in same), key=lambda proof: len(proof.answers))
