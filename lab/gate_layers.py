"""Yields what each layer of a gate finds: answers and counts, service time, calls in process. It orders none.

`lab/gate.py` asks them in turn and stops at the first that finds a regression.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lab.bench import Bench
from lab.benchmark_effects import benchmark_effects
from lab.benchmark_pairs import ALL, PairedTimes, Pairing
from lab.counted import budgets_of, compare, grown, over_budget, page_state, steady, telling
from lab.derive import derive, planned_cells
from lab.errors import LabError
from lab.experiment import Experiment
from lab.findings import UNCONFIRMED, Cell, Effect, Evidence
from lab.gate_findings import GateFindings, Lost, Place
from lab.gate_order import BASE, BENCHMARK_BLOCKS, BUDGETED_ON, HEAD, PAGE_SIZES, GateOrder
from lab.load import Loader
from lab.operations import load_operations, names
from lab.plan import PlannedCell
from lab.progress import Progresses
from lab.proof import prove
from lab.results import ProofRecord, RunFolder
from lab.run import Order, one_by_one
from lab.thresholds import write_budgets

Counted = dict[Place, Evidence]

WORSE: Final = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The layers of one gate, on its bench; each writes what it saw into the run's folder."""

    order: GateOrder
    bench: Bench
    folder: RunFolder
    progress: Progresses

    def check(self) -> None:
        """Raises LabError for a benchmark that there is not, before anything is measured."""
        if self.order.benchmarks:
            self._pairing.check(BASE)

    def counted(self) -> GateFindings:
        """The first two layers: answers, and what requests do, counted.

        What is worse is counted again on fresh processes: a count that varies in one commit decides nothing.
        """
        order = self.order
        record, loader = self._proof("counted")
        before, after = self._sides(record, loader)
        lost = tuple(_not_proven(record, loader.cells))
        is_whole = not record.changed and not lost
        if order.update and is_whole:
            write_budgets(Path(order.update), budgets_of(after))
        unrecorded = () if is_whole or not order.update else ("no budgets were recorded: not all answers are right",)
        found = GateFindings(
            verdict="pass", base=order.base.commit, head=order.head.commit, instrument=order.instrument, stopped="",
            answers=record.changed, accepted=order.accepted, changed=record.accepted, effects=(),
            lost=lost, places=len(before), command=order.command,
            places_counted=tuple(dict.fromkeys((cell.operation, cell.face) for cell in loader.cells)),
            notes=(*record.notes, *unrecorded), **self._compared(before, after),
        )  # fmt: skip
        if record.changed:
            return replace(found, verdict="regression", stopped="answers")
        if _is_worse(found) and not found.lost:
            again, _ = self._proof("counted-again", only=telling(found))
            found = steady(found, first=(before, after), second=self._sides(again, loader))
        return replace(found, verdict="regression", stopped="counts") if _is_worse(found) else found

    def timed(self, found: GateFindings) -> GateFindings:
        """The third layer: service time, in pairs."""
        order = self.order
        loader = self._loader(order.timed, folder=self.folder, seed=order.plan_seed)
        with self.progress.stage("proof of what is timed", total=len(loader.cells), budget=30.0) as advance:
            record = prove(
                loader, services=self.bench.services, advance=advance, candidates=(HEAD,), accepted=order.accepted
            )
            self.folder.save("proof", record)
        if record.changed:
            return replace(found, verdict="regression", stopped="answers", answers=record.changed)
        timed = Order(
            experiment=order.timed, dataset=order.dataset, budget=order.budget, seed=order.plan_seed,
            command=order.command,
        )  # fmt: skip
        one_by_one(timed, loader=loader, record=record, progress=self.progress)
        derived = derive(self.folder)
        effects = tuple(effect for effect in derived.effects if effect.kind == "server")
        lost = (*found.lost, *_not_timed(derived.cells, effects=effects))
        return _judged(replace(found, effects=effects, lost=lost))

    def paired(self, found: GateFindings) -> GateFindings:
        """The same layer, of calls in process. What the head cannot run is unclear, and hides nothing else."""
        first, fresh = range(BENCHMARK_BLOCKS), range(BENCHMARK_BLOCKS, BENCHMARK_BLOCKS + BENCHMARK_BLOCKS // 2)
        times: list[PairedTimes] = []
        confirming: list[PairedTimes] = []
        lost: tuple[Lost, ...] = ()
        effects: tuple[Effect, ...] = ()
        try:
            times = self._blocks("benchmarks", first)
            effects = self._effects(times, confirming=())
            if any(effect.detail == UNCONFIRMED for effect in effects):
                confirming = self._blocks("confirming benchmarks", fresh)
                effects = self._effects(times, confirming=confirming)
        except LabError as error:
            lost = (Lost(operation="benchmarks", face="", reason=error.what, verdict="unclear"),)
        self.folder.save("benchmarks", tuple(times + confirming))
        return _judged(replace(found, benchmarks=effects, lost=(*found.lost, *lost)))

    @property
    def _pairing(self) -> Pairing:
        order, bench = self.order, self.bench
        return Pairing(
            builds=bench.surroundings.builds, names=() if ALL in order.benchmarks else order.benchmarks,
            services=bench.services, supervisor=bench.supervisor, logs=bench.surroundings.logs, seed=order.seed,
        )  # fmt: skip

    def _blocks(self, stage: str, indices: range) -> list[PairedTimes]:
        seconds = self.order.budget / BENCHMARK_BLOCKS
        with self.progress.stage(stage, total=len(indices), budget=seconds * len(indices)) as advance:
            return list(self._pairing.blocks(indices, seconds=seconds, advance=advance))

    def _effects(self, times: Sequence[PairedTimes], *, confirming: Sequence[PairedTimes]) -> tuple[Effect, ...]:
        limits = self.order.thresholds.defaults
        return benchmark_effects(
            times, confirming=confirming, subject=f"{HEAD} / {BASE}", tolerance=limits.service_time,
            must_catch=limits.must_catch, seed=self.order.seed,
        )  # fmt: skip

    def _compared(self, before: Counted, after: Counted) -> dict[str, Any]:
        thresholds = self.order.thresholds
        # Budgets are those of one dataset; on another, rows and buffers are others.
        is_budgeted = (self.order.dataset, self.order.seed) == BUDGETED_ON
        return {
            "changes": compare(before, after, thresholds=thresholds),
            "budgets": over_budget(after, thresholds=thresholds) if is_budgeted else (),
            "growths": grown(before, after, sizes=PAGE_SIZES),
        }

    def _proof(self, name: str, *, only: Collection[Place] = ()) -> tuple[ProofRecord, Loader]:
        """Both commits' requests, each of them counted, in fresh processes; of `only` some places, or of all."""
        inner = RunFolder(self.folder.path / name)
        inner.path.mkdir()
        loader = self._loader(self.order.counted, folder=inner, seed=self.order.seed, has_floors=False)
        # What the run before left in the cache would be a hit here.
        around = replace(loader.surroundings, cache_prefix=f"{loader.surroundings.cache_prefix}:{name}")
        loader = replace(loader, surroundings=around)
        wanted = {(place.operation, place.face, place.variant) for place in only}
        if wanted:
            cells = (c for c in loader.cells if c.arm and (c.operation, c.face, c.arm.variant) in wanted)
            loader = replace(loader, cells=tuple(cells))
        stage = "answers and counts" if name == "counted" else "counts again"
        with self.progress.stage(stage, total=len(loader.cells), budget=90.0) as advance:
            record = prove(
                loader, services=self.bench.services, advance=advance, candidates=(HEAD,),
                accepted=self.order.accepted, is_thorough=True,
            )  # fmt: skip
            self.folder.save(name, record)
        return record, loader

    def _sides(self, record: ProofRecord, loader: Loader) -> tuple[Counted, Counted]:
        return _evidence(record, loader.cells, server=BASE), _evidence(record, loader.cells, server=HEAD)

    def _loader(self, experiment: Experiment, *, folder: RunFolder, seed: int, has_floors: bool = True) -> Loader:
        """What proves and loads the experiment's cells; counting needs no floors."""
        operations = load_operations(experiment, dataset=self.order.dataset, seed=seed)
        cells = planned_cells(experiment, operations=names(operations))
        cells = tuple(cell for cell in cells if cell.arm or has_floors)
        return Loader(
            experiment=experiment, operations=operations, cells=cells, supervisor=self.bench.supervisor, folder=folder,
            surroundings=self.bench.surroundings,
        )  # fmt: skip


def _judged(found: GateFindings) -> GateFindings:
    """With the verdict: one slower, or lost by the head, is a regression; one unclear, or none measured, is no pass."""
    words = {effect.verdict for effect in (*found.effects, *found.benchmarks)} | {each.verdict for each in found.lost}
    verdict = "regression" if words & {"slower", WORSE} else "pass"
    return replace(found, verdict="unclear" if verdict == "pass" and (not words or "unclear" in words) else verdict)


def _is_worse(found: GateFindings) -> bool:
    verdicts = {each.verdict for each in (*found.changes, *found.budgets)}
    return WORSE in verdicts | {each.verdict for each in found.growths} | {each.verdict for each in found.lost}


def _not_proven(record: ProofRecord, cells: Sequence[PlannedCell]) -> Iterator[Lost]:
    """The head's cells that cannot be measured where the base's can."""
    voids = {proof.cell: proof.void for proof in record.cells if proof.void}
    arms = {(c.operation, c.face, c.arm.variant, c.arm.server): voids.get(c.index, "") for c in cells if c.arm}
    for (operation, face, variant, server), why in arms.items():
        if server == HEAD and why and not arms[operation, face, variant, BASE]:
            yield Lost(operation=operation, face=face, reason=f"the head: {why}", verdict=WORSE)


def _not_timed(cells: Sequence[Cell], *, effects: Sequence[Effect]) -> Iterator[Lost]:
    """The places that were to be compared and are in no effect: worse where the head alone is to blame."""
    compared = {(effect.operation, effect.face) for effect in effects}
    sides: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in cells:
        sides.setdefault((cell.operation, cell.face), {})[cell.server] = cell
    for (operation, face), side in sides.items():
        if (operation, face) not in compared:
            base, head = side[BASE], side[HEAD]
            is_heads = head.state == "void" and base.state != "void"
            reason = head.reason if is_heads else base.reason or head.reason or "too few blocks"
            yield Lost(
                operation=operation, face=face, reason=f"the {HEAD if is_heads else BASE}: {reason}",
                verdict=WORSE if is_heads else "unclear",
            )  # fmt: skip


def _evidence(record: ProofRecord, cells: Sequence[PlannedCell], *, server: str) -> Counted:
    proofs = {proof.cell: proof for proof in record.cells}
    found: Counted = {}
    for cell in cells:
        if cell.arm and cell.arm.server == server and cell.index in proofs:
            proof = proofs[cell.index]
            others = {f"cold, key {number}": evidence for number, evidence in enumerate(proof.others, 2)}
            pages = {page_state(size): evidence for size, evidence in proof.pages}
            for state, evidence in {"cold": proof.cold, "warm": proof.warm, **others, **pages}.items():
                if evidence:
                    place = Place(operation=cell.operation, face=cell.face, variant=cell.arm.variant, state=state)
                    found[place] = evidence
    return found
