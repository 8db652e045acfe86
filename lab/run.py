"""Yields a run folder from an experiment: the pipeline, stage by stage. It decides nothing that a stage decides."""

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from rich.console import Console

from lab import environment
from lab.dataset import Dataset, prepare_dataset
from lab.derive import REPORT_STAGE, derive, planned_cells
from lab.errors import LabError
from lab.experiment import Experiment
from lab.findings import Stage
from lab.load import Loader
from lab.operations import load_operations, names
from lab.postgres import claimed
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.proof import prove
from lab.render import render
from lab.results import Manifest, RunFolder, check_writable, new_run
from lab.server import TREE, Surroundings, new_token
from lab.services import Services, open_services
from lab.valkey import forget

FOLDER: Final = TREE / ".lab"

INSTALL_SECONDS: Final = "WINDTUNNEL_INSTALL_SECONDS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run was asked for: an experiment, a dataset, a time budget in seconds, and a seed."""

    experiment: Experiment
    dataset: str
    budget: float
    seed: int
    command: str


def measure(order: Order, *, console: Console, on_folder: Callable[[RunFolder], None]) -> RunFolder:
    """Runs the pipeline and returns the run's folder, which `on_folder` is told as soon as it exists.

    Raises LabError when it cannot measure; all processes have ended by then, and what was measured is on disk.
    """
    progress = Progresses(console, stages=_installed())
    operations = load_operations(order.experiment, dataset=order.dataset, seed=order.seed)
    check_writable()
    cells = planned_cells(order.experiment, operations=names(operations))
    with ExitStack() as stack:
        with progress.stage("services"):
            supervisor = stack.enter_context(Supervisor())
            services = stack.enter_context(open_services(FOLDER, supervisor, environment=os.environ))
            stack.enter_context(claimed(services.postgres_url))
        with progress.stage("dataset", is_drawn=False):
            dataset = _dataset(services, size=order.dataset, seed=order.seed, supervisor=supervisor)
        progress.stages[-1:] = _seed_and_clones(progress.stages[-1], dataset=dataset)
        machine = (*environment.describe(TREE), *services.kinds)
        settings = (*services.settings, *pin(supervisor))
        folder = new_run(order.experiment.name)
        on_folder(folder)
        progress.keep = partial(folder.save, "stages")
        manifest = Manifest(
            experiment=order.experiment, run=folder.path.name, command=order.command, dataset=dataset.facts,
            started=datetime.now(tz=UTC).isoformat(timespec="seconds"), operations=names(operations),
            environment=machine, settings=settings, budget=order.budget, seed=order.seed,
        )  # fmt: skip
        folder.save("manifest", manifest)
        surroundings = _surroundings(services, dataset=dataset, commit=dict(machine)["commit"])
        stack.callback(forget, services.cache_url, prefix=surroundings.cache_prefix)
        loader = Loader(
            experiment=order.experiment, operations=operations, cells=cells, supervisor=supervisor, folder=folder,
            surroundings=surroundings,
        )  # fmt: skip
        with progress.stage("proof and evidence", total=len(cells), budget=45.0) as advance:
            record = prove(loader, services=services, advance=advance)
            folder.save("proof", record)
        with progress.stage("measuring", total=order.budget, budget=order.budget) as advance:
            loader.run(record, budget=order.budget, seed=order.seed, advance=advance)
        if derive(folder).has_alarm:
            with progress.stage("confirming", total=order.budget / 2, budget=order.budget / 2) as advance:
                loader.confirm(record, advance=advance)
    with progress.stage(REPORT_STAGE, budget=8.0):
        folder.save("findings", derive(folder))
        render(folder)
    return folder


def pin(supervisor: Supervisor) -> tuple[tuple[str, str], ...]:
    """Keeps servers, database and generator on one CPU, the last, and says so for the manifest.

    With one request in flight only one of them works at a time. On one CPU they hand over without waking another, and
    the spread between blocks was seen to fall from 4 % to 1 %.
    """
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cpus) < 2:
        return (("pinned to", "no CPU"),)
    supervisor.pin(cpus[-1])
    # The lab itself, which draws progress, keeps off it.
    os.sched_setaffinity(0, set(cpus[:-1]))
    return (("pinned to", f"CPU {cpus[-1]}: servers, generator and embedded services"),)


def seed_dataset(*, size: str, seed: int, progress: Progresses) -> Dataset:
    """Makes a dataset's databases on the services of the settings, and ends what it started."""
    with ExitStack() as stack:
        with progress.stage("services"):
            supervisor = stack.enter_context(Supervisor())
            services = stack.enter_context(open_services(FOLDER, supervisor, environment=os.environ))
            stack.enter_context(claimed(services.postgres_url))
        with progress.stage("dataset", is_drawn=False):
            return _dataset(services, size=size, seed=seed, supervisor=supervisor)


def _dataset(services: Services, *, size: str, seed: int, supervisor: Supervisor) -> Dataset:
    try:
        return prepare_dataset(server_url=services.postgres_url, size=size, seed=seed, folder=FOLDER)
    except LabError:
        # Where a server died, its own last words say more.
        supervisor.check()
        raise


def _surroundings(services: Services, *, dataset: Dataset, commit: str) -> Surroundings:
    return Surroundings(
        database_url=dataset.indexed_url, bare_url=dataset.bare_url, cache_url=services.cache_url,
        cache_prefix=f"windtunnel:{secrets.token_hex(4)}", token=new_token(), commit=commit,
        dataset=dataset.identity, logs=FOLDER / "logs",
    )  # fmt: skip


def _seed_and_clones(stage: Stage, *, dataset: Dataset) -> list[Stage]:
    """The dataset's stage in its two parts, each with a budget of its own."""
    clones = Stage(name="clones", seconds=dataset.clone_seconds, budget=5.0)
    return [Stage(name="seed", seconds=stage.seconds - clones.seconds, budget=40.0), clones]


def _installed() -> list[Stage]:
    """The stage before the first: what the session took to install, where it said so."""
    taken = os.environ.get(INSTALL_SECONDS)
    return [Stage(name="install", seconds=float(taken), budget=60.0)] if taken else []
