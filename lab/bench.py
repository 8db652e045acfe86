"""Yields a bench to measure on: services, a dataset, and what servers share, open until the end of a block."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import environment
from lab.dataset import Dataset, prepare_dataset
from lab.errors import LabError
from lab.findings import Stage
from lab.postgres import claimed
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.server import FOLDER_VARIABLE, TREE, Build, Surroundings, new_token
from lab.services import Services, open_services
from lab.valkey import forget

FOLDER: Final = Path(os.environ.get(FOLDER_VARIABLE) or TREE / ".lab")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a run measures on: services, a dataset, what servers share, and what the manifest says of the machine."""

    supervisor: Supervisor
    services: Services
    dataset: Dataset
    surroundings: Surroundings
    machine: tuple[tuple[str, str], ...]


@contextmanager
def opened(*, size: str, seed: int, progress: Progresses) -> Iterator[Bench]:
    """Services and a dataset until the end of the block. Raises LabError; all that it started has ended then."""
    with ExitStack() as stack:
        with progress.stage("services"):
            supervisor = stack.enter_context(Supervisor())
            services = stack.enter_context(open_services(FOLDER, supervisor, environment=os.environ))
            stack.enter_context(claimed(services.postgres_url))
        with progress.stage("dataset", is_drawn=False):
            dataset = _dataset(services, size=size, seed=seed, supervisor=supervisor)
        progress.stages[-1:] = _seed_and_clones(progress.stages[-1], dataset=dataset)
        machine = (*environment.describe(TREE), *services.kinds)
        surroundings = _surroundings(services, dataset=dataset, commit=dict(machine)["commit"])
        stack.callback(forget, services.cache_url, prefix=surroundings.cache_prefix)
        yield Bench(
            supervisor=supervisor, services=services, dataset=dataset, surroundings=surroundings, machine=machine
        )


def pin(
    supervisor: Supervisor, *, what: str = "servers, generator and embedded services"
) -> tuple[tuple[str, str], ...]:
    """Keeps servers, database and generator on one CPU, the last, and says so for the manifest, in the words `what`.

    With one request in flight only one of them works at a time. On one CPU they hand over without waking another, and
    the spread between blocks was seen to fall from 4 % to 1 %.
    """
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cpus) < 2:
        return (("pinned to", "no CPU"),)
    supervisor.pin(cpus[-1])
    # The lab itself, which draws progress, keeps off it.
    os.sched_setaffinity(0, set(cpus[:-1]))
    return (("pinned to", f"CPU {cpus[-1]}: {what}"),)


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
        build=Build(commit=commit, database_url=dataset.indexed_url, bare_url=dataset.bare_url),
        cache_url=services.cache_url, cache_prefix=f"windtunnel:{secrets.token_hex(4)}", token=new_token(),
        dataset=dataset.identity, logs=FOLDER / "logs",
    )  # fmt: skip


def _seed_and_clones(stage: Stage, *, dataset: Dataset) -> list[Stage]:
    """The dataset's stage in its two parts, each with a budget of its own."""
    clones = Stage(name="clones", seconds=dataset.clone_seconds, budget=5.0)
    return [Stage(name="seed", seconds=stage.seconds - clones.seconds, budget=40.0), clones]
