"""Yields a gate's findings: two commits side by side on one dataset, counted first and then timed.

It stops at the first layer that finds a regression: answers, counts, service time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from lab.benchmark_effects import benchmark_effects
from lab.benchmark_pairs import ALL, PairedTimes, Pairing
from lab.conclude import conclude
from lab.counted import budgets_of, compare, grown, over_budget, page_state
from lab.derive import derive, planned_cells
from lab.experiment import Experiment, Server
from lab.findings import UNCONFIRMED, Effect, Evidence
from lab.gate_builds import builds_of
from lab.gate_findings import GateFindings, Place
from lab.gate_power import published
from lab.load import Loader
from lab.operations import load_operations, names
from lab.plan import PlannedCell
from lab.progress import Progresses
from lab.proof import prove
from lab.results import REPORT_STAGE, Manifest, ProofRecord, RunFolder, check_writable, new_run
from lab.run import Bench, Order, installed, one_by_one, opened, pin
from lab.thresholds import Thresholds, with_budgets
from lab.worktrees import Checkout

BASE: Final = "base"
HEAD: Final = "head"

BUDGETED_ON: Final = ("medium", 1)
"""The dataset and the seed that budgets are of."""

COUNTED_KEYS: Final = 6
TIMED_KEYS: Final = 48
PAGE_SIZES: Final = (10, 40)

BENCHMARK_BLOCKS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOrder:
    """What a gate was asked: two checkouts, the experiment whose operations and knobs it takes, and what may pass.

    `update` is a file of thresholds in which the head's counts become the budgets, or empty. `benchmarks` are calls in
    process that are paired too, `all` of them or some by name.
    """

    base: Checkout
    head: Checkout
    experiment: Experiment
    thresholds: Thresholds
    dataset: str
    budget: float
    blocks: int
    seed: int
    instrument: str
    command: str
    update: str = ""
    benchmarks: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Operations whose answers may differ."""
        return tuple(name for name, own in self.thresholds.operations.items() if own.accept_answer)

    @property
    def counted(self) -> Experiment:
        """What is counted: both commits at all knobs on, all off, and each one alone off."""
        knobs = self.experiment.knobs
        on = {knob.name: knob.on for knob in knobs}
        settings = [on, {knob.name: knob.off for knob in knobs}, *(on | {knob.name: knob.off} for knob in knobs)]
        variants = tuple(dict.fromkeys((*self.experiment.variant, *setting.items()) for setting in settings))
        return replace(self._both, variants=variants, keys=COUNTED_KEYS, page_sizes=PAGE_SIZES)

    @property
    def timed(self) -> Experiment:
        """What is timed: both commits with every knob on but the cache."""
        own = tuple((knob.name, knob.off if knob.name == "cache" else knob.on) for knob in self.experiment.knobs)
        tolerances = tuple(
            (name, self.thresholds.of(name).service_time, self.thresholds.of(name).must_catch)
            for name in (dotted.partition(":")[2].lower() for dotted in self.experiment.operations)
        )
        return replace(
            self._both, variant=(*self.experiment.variant, *own), keys=TIMED_KEYS, budget=self.budget,
            blocks=self.blocks, tolerances=tolerances,
        )  # fmt: skip

    @property
    def _both(self) -> Experiment:
        return replace(
            self.experiment, name="gate", question=f"Is {self.head.commit} as good as {self.base.commit}?", knobs=(),
            variant=(), load=None, servers=(Server(name=BASE), Server(name=HEAD)),
        )  # fmt: skip


def run_gate(order: GateOrder, *, console: Console) -> RunFolder:
    """Compares two commits and returns the run's folder, which has `gate.json`.

    Raises LabError when it cannot compare; all processes have ended by then.
    """
    progress = Progresses(console, stages=installed())
    check_writable()
    with (
        opened(size=order.dataset, seed=order.seed, progress=progress) as opening,
        builds_of(order.base, order.head, bench=opening) as (base, head),
    ):
        folder = new_run("gate")
        if power := published():
            folder.save("power", power)
        progress.keep = partial(folder.save, "stages")
        bench = replace(opening, surroundings=replace(opening.surroundings, builds={BASE: base, HEAD: head}))
        pinned = pin(bench.supervisor)
        folder.save("manifest", _manifest(order, order.timed, bench=bench, folder=folder, pinned=pinned))
        found = _counted(order, bench=bench, folder=folder, progress=progress)
        if not found.stopped:
            found = _timed(order, found, bench=bench, folder=folder, progress=progress)
        if order.benchmarks and not found.stopped:
            found = _paired(order, found, bench=bench, folder=folder, progress=progress)
    folder.save("gate", found)
    with progress.stage(REPORT_STAGE, budget=8.0):
        conclude(folder)
    return folder


def _counted(order: GateOrder, *, bench: Bench, folder: RunFolder, progress: Progresses) -> GateFindings:
    """The first two layers: answers, and what requests do, counted."""
    loader = _loader(order, order.counted, bench=bench, folder=_inner(folder), has_floors=False)
    with progress.stage("answers and counts", total=len(loader.cells), budget=90.0) as advance:
        record = prove(
            loader, services=bench.services, advance=advance, candidates=(HEAD,), accepted=order.accepted,
            is_thorough=True,
        )  # fmt: skip
        folder.save("counted", record)
    before, after = (_evidence(record, loader.cells, server=server) for server in (BASE, HEAD))
    if order.update:
        path = Path(order.update)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(with_budgets(text, budgets_of(after)), encoding="utf-8")
    changes = compare(before, after, thresholds=order.thresholds)
    # Budgets are those of one dataset; on another, rows and buffers are others.
    budgets = over_budget(after, thresholds=order.thresholds) if (order.dataset, order.seed) == BUDGETED_ON else ()
    growths = grown(before, after, sizes=PAGE_SIZES)
    worse = bool(budgets) or "worse" in {each.verdict for each in changes} | {each.verdict for each in growths}
    return GateFindings(
        verdict="regression" if record.changed or worse else "pass",
        base=order.base.commit, head=order.head.commit, instrument=order.instrument,
        stopped="answers" if record.changed else "counts" if worse else "",
        answers=record.changed, accepted=order.accepted, changes=changes, budgets=budgets, growths=growths, effects=(),
        places=len(before), command=order.command, notes=record.notes,
        places_counted=tuple(dict.fromkeys((cell.operation, cell.face) for cell in loader.cells)),
    )  # fmt: skip


def _timed(
    order: GateOrder, found: GateFindings, *, bench: Bench, folder: RunFolder, progress: Progresses
) -> GateFindings:
    """The third layer: service time, in pairs."""
    loader = _loader(order, order.timed, bench=bench, folder=folder)
    with progress.stage("proof of what is timed", total=len(loader.cells), budget=30.0) as advance:
        record = prove(loader, services=bench.services, advance=advance, candidates=(HEAD,), accepted=order.accepted)
        folder.save("proof", record)
    if record.changed:
        return replace(found, verdict="regression", stopped="answers", answers=record.changed)
    timed = Order(
        experiment=order.timed, dataset=order.dataset, budget=order.budget, seed=order.seed, command=order.command
    )
    one_by_one(timed, loader=loader, record=record, progress=progress)
    effects = tuple(effect for effect in derive(folder).effects if effect.kind == "server")
    return replace(found, verdict=verdict_of(effects), effects=effects)


def _paired(
    order: GateOrder, found: GateFindings, *, bench: Bench, folder: RunFolder, progress: Progresses
) -> GateFindings:
    """The same layer, of calls in process."""
    pairing = Pairing(
        builds=bench.surroundings.builds, names=() if ALL in order.benchmarks else order.benchmarks,
        services=bench.services, supervisor=bench.supervisor, logs=bench.surroundings.logs, seed=order.seed,
    )  # fmt: skip
    seconds, first = order.budget / BENCHMARK_BLOCKS, range(BENCHMARK_BLOCKS)
    fresh = range(BENCHMARK_BLOCKS, BENCHMARK_BLOCKS + BENCHMARK_BLOCKS // 2)

    def judged(times: list[PairedTimes], confirming: list[PairedTimes]) -> tuple[Effect, ...]:
        folder.save("benchmarks", tuple(times + confirming))
        return benchmark_effects(
            times, confirming=confirming, subject=f"{HEAD} / {BASE}", tolerance=order.thresholds.defaults.service_time,
            must_catch=order.thresholds.defaults.must_catch, seed=order.seed,
        )  # fmt: skip

    with progress.stage("benchmarks", total=len(first), budget=order.budget) as advance:
        times = list(pairing.blocks(first, seconds=seconds, advance=advance))
    effects = judged(times, [])
    if any(effect.detail == UNCONFIRMED for effect in effects):
        with progress.stage("confirming benchmarks", total=len(fresh), budget=order.budget / 2) as advance:
            effects = judged(times, list(pairing.blocks(fresh, seconds=seconds, advance=advance)))
    return replace(found, verdict=verdict_of((*found.effects, *effects)), benchmarks=effects)


def verdict_of(effects: Sequence[Effect]) -> str:
    """The verdict on service times: one slower is a regression, one unclear, or none measured, is no pass."""
    words = {effect.verdict for effect in effects}
    return "regression" if "slower" in words else "unclear" if not words or "unclear" in words else "pass"


def _loader(
    order: GateOrder, experiment: Experiment, *, bench: Bench, folder: RunFolder, has_floors: bool = True
) -> Loader:
    """What proves and loads the experiment's cells; counting needs no floors."""
    operations = load_operations(experiment, dataset=order.dataset, seed=order.seed)
    cells = planned_cells(experiment, operations=names(operations))
    cells = tuple(cell for cell in cells if cell.arm or has_floors)
    return Loader(
        experiment=experiment, operations=operations, cells=cells, supervisor=bench.supervisor, folder=folder,
        surroundings=bench.surroundings,
    )  # fmt: skip


def _inner(folder: RunFolder) -> RunFolder:
    """Where the counting layer's evidence goes."""
    inner = RunFolder(folder.path / "counted")
    inner.path.mkdir()
    return inner


def _evidence(record: ProofRecord, cells: Sequence[PlannedCell], *, server: str) -> dict[Place, Evidence]:
    proofs = {proof.cell: proof for proof in record.cells}
    found: dict[Place, Evidence] = {}
    for cell in cells:
        if cell.arm and cell.arm.server == server:
            proof = proofs[cell.index]
            others = {f"cold, key {number}": evidence for number, evidence in enumerate(proof.others, 2)}
            pages = {page_state(size): evidence for size, evidence in proof.pages}
            for state, evidence in {"cold": proof.cold, "warm": proof.warm, **others, **pages}.items():
                if evidence:
                    place = Place(operation=cell.operation, face=cell.face, variant=cell.arm.variant, state=state)
                    found[place] = evidence
    return found


def _manifest(
    order: GateOrder, experiment: Experiment, *, bench: Bench, folder: RunFolder,
    pinned: tuple[tuple[str, str], ...],
) -> Manifest:  # fmt: skip
    operations = load_operations(experiment, dataset=order.dataset, seed=order.seed)
    commits = (("base", order.base.commit), ("head", order.head.commit), ("instrument", order.instrument))
    return Manifest(
        experiment=experiment, run=folder.path.name, command=order.command, dataset=bench.dataset.facts,
        started=datetime.now(tz=UTC).isoformat(timespec="seconds"), operations=names(operations),
        environment=(*commits, *bench.machine), settings=(*bench.services.settings, *pinned), budget=order.budget,
        seed=order.seed,
    )  # fmt: skip
