"""Yields a run folder from an experiment: the pipeline, stage by stage. It decides nothing that a stage decides."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from rich.console import Console

from lab.bench import Bench, opened, pin
from lab.binaries import pgbench
from lab.ceiling import Ceiling
from lab.conclude import conclude
from lab.derive import derive, planned_cells
from lab.equipment import equipped
from lab.errors import LabError
from lab.evidence import Witness
from lab.experiment import Experiment
from lab.findings import Stage
from lab.json_files import read
from lab.load import Loader
from lab.load_blocks import LoadBlocks
from lab.load_findings import Calibration
from lab.load_plan import LoadPlan, pilot_loads, plan_loads
from lab.load_seen import pilot_capacities
from lab.mail_trials import run_mails
from lab.operations import Visits, load_operations, load_walk, names
from lab.progress import Progresses
from lab.proof import prove
from lab.results import CALIBRATION, REPORT_STAGE, Manifest, ProofRecord, RunFolder, check_writable, new_run
from lab.seal import seal
from lab.studies import study_of
from lab.study import Assignment
from lab.trial import Observed

INSTALL_SECONDS: Final = "WINDTUNNEL_INSTALL_SECONDS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run was asked for: an experiment, a dataset, a time budget in seconds, and a seed.

    Under load the budget is None unless it was asked for. `resume` is a run that ended early, to be gone on with.
    """

    experiment: Experiment
    dataset: str
    budget: float | None
    seed: int
    command: str
    resume: RunFolder | None = None


def measure(order: Order, *, console: Console, on_folder: Callable[[RunFolder], None]) -> RunFolder:
    """Runs the pipeline and returns the run's folder, which `on_folder` is told as soon as it exists.

    Raises LabError when it cannot measure; all processes have ended by then, and what was measured is on disk.
    """
    experiment = order.experiment
    progress = Progresses(console, stages=installed())
    visits = None
    if experiment.load and experiment.load.walk:
        visits = load_walk(experiment, experiment.load, dataset=order.dataset, seed=order.seed)
    operations = visits.operations if visits else load_operations(experiment, dataset=order.dataset, seed=order.seed)
    check_writable()
    cells = planned_cells(experiment, operations=names(operations))
    study = study_of(experiment)
    for line in study.announce(experiment, order.dataset) if study else ():
        console.print(line, highlight=False)
    with ExitStack() as stack:
        bench = stack.enter_context(opened(size=order.dataset, seed=order.seed, progress=progress))
        supervisor, services = bench.supervisor, bench.services
        # Under load server, database and generator work at the same time.
        is_quiet = study.is_pinned if study else not (experiment.load or experiment.mail)
        pinned = pin(supervisor) if is_quiet else ()
        manifest = Manifest(
            experiment=experiment, run="", command=order.command, dataset=bench.dataset.facts,
            started=datetime.now(tz=UTC).isoformat(timespec="seconds"), operations=names(operations),
            environment=bench.machine, settings=(*services.settings, *pinned), budget=order.budget, seed=order.seed,
        )  # fmt: skip
        folder = _folder(order, manifest=manifest, progress=progress)
        on_folder(folder)
        surroundings = bench.surroundings
        if experiment.is_equipped:
            with progress.stage("databases and credentials", budget=30.0):
                own = equipped(
                    surroundings, experiment, server_url=services.postgres_url, supervisor=supervisor
                )  # fmt: skip
                surroundings = stack.enter_context(own)
        if experiment.mail:
            run_mails(
                experiment, surroundings=surroundings, services=services, supervisor=supervisor, folder=folder,
                seed=order.seed, progress=progress,
            )  # fmt: skip
            return concluded(folder, progress=progress)
        if study:
            study.run(
                Assignment(
                    experiment=experiment, operations=operations, dataset=bench.dataset, surroundings=surroundings,
                    services=services, supervisor=supervisor, folder=folder, seed=order.seed, budget=order.budget,
                    progress=progress,
                )
            )  # fmt: skip
            return concluded(folder, progress=progress)
        loader = Loader(
            experiment=experiment, operations=operations, cells=cells, supervisor=supervisor, folder=folder,
            surroundings=surroundings, ceiling=None if experiment.load else _ceiling(bench),
        )  # fmt: skip
        # Also of a run that is gone on with: it primes this run's caches.
        with progress.stage("proof and evidence", total=len(cells), budget=45.0) as advance:
            record = prove(loader, services=services, advance=advance, has_counts=visits is not None)
            folder.save("proof", record)
        if experiment.load:
            with closing(_witness(bench)) as witness:
                _under_load(
                    order, bench=bench, loader=loader, visits=visits, record=record, witness=witness, progress=progress
                )
        else:
            one_by_one(order, loader=loader, record=record, progress=progress)
    return concluded(folder, progress=progress)


def concluded(folder: RunFolder, *, progress: Progresses) -> RunFolder:
    """The run's folder, its findings and page made, and its raw files sealed."""
    with progress.stage(REPORT_STAGE, budget=8.0):
        conclude(folder)
    seal(folder)
    return folder


def one_by_one(order: Order, *, loader: Loader, record: ProofRecord, progress: Progresses) -> None:
    """Requests that wait for each other, at all arms in turn."""
    budget = order.budget or order.experiment.budget
    with progress.stage("measuring", total=budget, budget=budget) as advance:
        loader.run(record, budget=budget, seed=order.seed, advance=advance)
    if derive(loader.folder).wants_fresh_blocks:
        with progress.stage("fresh blocks", total=budget / 2, budget=budget / 2) as advance:
            loader.confirm(record, advance=advance)


def _under_load(
    order: Order,
    *,
    bench: Bench,
    loader: Loader,
    visits: Visits | None,
    record: ProofRecord,
    witness: Witness,
    progress: Progresses,
) -> None:
    """A pilot, unless an earlier try at this run had its plan from one, and the blocks that are missing."""
    design, folder = order.experiment.load, loader.folder
    assert design is not None  # noqa: S101 - only experiments with a load come here
    # A given one is no process of ours.
    postgres = loader.supervisor.child("postgres")
    blocks = LoadBlocks(
        loader=loader, design=design, visits=visits, proof=record, seed=order.seed, witness=witness,
        server_url=bench.services.postgres_url,
        observed=(Observed(name="PostgreSQL", pid=postgres),) if postgres else (),
    )  # fmt: skip
    path = folder.path / "load-plan.json"
    if not path.exists():
        loads = pilot_loads(design, arms=blocks.loadable)
        with progress.stage("pilot", budget=len(loads) * (design.pilot_seconds + 0.5)) as advance:
            blocks.pilot(loads, advance=advance)
        arms = len(order.experiment.arms)
        capacities = pilot_capacities(folder, loads)
        folder.save(
            "load-plan", plan_loads(design, capacities=capacities, arms=arms, seed=order.seed, budget=order.budget)
        )
        if CALIBRATION.exists():
            folder.save("calibration", read(CALIBRATION, Calibration))
    plan = read(path, LoadPlan)
    with progress.stage("measuring", total=plan.seconds, budget=plan.seconds) as advance:
        blocks.run(plan, advance=advance)


def _witness(bench: Bench) -> Witness:
    return Witness(
        databases=bench.surroundings.build.databases, server_url=bench.services.postgres_url,
        has_counter=bench.services.statement_counter,
    )  # fmt: skip


def _ceiling(bench: Bench) -> Ceiling:
    program = pgbench(is_embedded=bench.services.postgres_embedded)
    return Ceiling(
        program=program, url=bench.surroundings.build.database_url, supervisor=bench.supervisor,
        folder=bench.surroundings.logs,
    )  # fmt: skip


def _folder(order: Order, *, manifest: Manifest, progress: Progresses) -> RunFolder:
    """The run's folder: a new one, or the one that is gone on with, if it was run on the same things."""
    if order.resume is None:
        folder = new_run(order.experiment.name)
        folder.save("manifest", replace(manifest, run=folder.path.name))
        progress.keep = partial(folder.save, "stages")
        return folder
    folder, before = order.resume, order.resume.manifest
    for name in ("experiment", "operations", "dataset", "environment"):
        then, now = getattr(before, name), getattr(manifest, name)
        if then != now:
            what = _first_change(then, now) if name in {"dataset", "environment"} else f"another {name}"
            raise LabError(f"{folder.path.name} cannot be gone on with: {what}", hint="start a new run")
    earlier = folder.stages
    progress.keep = lambda stages: folder.save("stages", (*earlier, *stages))
    return folder


def _first_change(then: Sequence[tuple[str, str]], now: Sequence[tuple[str, str]]) -> str:
    before, after = dict(then), dict(now)
    name = next(name for name in (*before, *after) if before.get(name) != after.get(name))
    return f"its {name} was {before.get(name)}, now it is {after.get(name)}"


def installed() -> list[Stage]:
    """The stage before the first: what the session took to install, where it said so."""
    taken = os.environ.get(INSTALL_SECONDS)
    return [Stage(name="install", seconds=float(taken), budget=60.0)] if taken else []
