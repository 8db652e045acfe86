"""Yields a run folder from an experiment on a user's own target: no dataset, no database, nothing counted inside it."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from lab import environment
from lab.bench import FOLDER, pin
from lab.derive import planned_cells
from lab.folder import locked
from lab.load import BOOT_SECONDS, Loader
from lab.own_proof import OwnProver, own_headers
from lab.own_servers import OwnServers
from lab.own_target import OwnTarget
from lab.plan import Ask, BlockPlan, PlannedCell
from lab.processes import Supervisor
from lab.progress import Advance, Progresses
from lab.results import CellProof, Manifest, ProofRecord, RunFolder, check_writable, new_run
from lab.run import Order, concluded, installed, one_by_one
from lab.script import HEADERS_VARIABLE, Line
from lab.server import TREE, Build, Running, Surroundings

PACKAGES: Final = ("locust", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTargetLoader(Loader):
    """The load on a user's target: its `servers` are booted by their own commands, and asked as its operations say."""

    servers: OwnServers
    target: OwnTarget

    def booted(self, block: BlockPlan) -> dict[str, Running]:
        return self.servers.booted(is_reversed=block.index % 2 == 1)

    def asked_of(self, block: BlockPlan) -> Callable[[Ask], str]:
        arms = {cell.index: cell.arm for cell in self.cells if cell.arm}
        names = {index: self.target.process(arm.server, arm.variant) for index, arm in arms.items()}
        return lambda ask: names[ask.cell]

    def settled(self, running: Mapping[str, Running]) -> tuple[str, ...]:
        return ()

    def environment(self) -> dict[str, str]:
        """Headers go around the script, which stays in the run's folder: they may hold secrets."""
        headers = {
            cell.index: own_headers(self.target, operation=self.target.operation(cell.operation), arm=cell.arm)
            for cell in self.cells
            if cell.arm
        }
        return {HEADERS_VARIABLE: json.dumps(headers)}

    def line(self, cell: PlannedCell, *, key: int, proof: CellProof, url: str) -> Line:
        operation = self.target.operation(cell.operation)
        proven = proof.answers[key % len(operation.paths)]
        return Line(
            cell=cell.index, key=key, method=operation.method, url=url + operation.paths[proven.key], headers=(),
            body=operation.body, status=proven.status, length=None if proven.vary else proven.length,
            checksum=None if proven.vary else proven.checksum,
        )  # fmt: skip


def measure_own(order: Order, *, console: Console, on_folder: Callable[[RunFolder], None]) -> RunFolder:
    """Runs the pipeline on the experiment's own target, as `lab.run.measure` does on Windtunnel's.

    Raises LabError when it cannot measure; all that it started has ended by then, and what was measured is on disk.
    """
    experiment = order.experiment
    assert experiment.own  # noqa: S101 - the door chose
    target = experiment.own
    operations = experiment.operation_names
    cells = planned_cells(experiment, operations=operations)
    progress = Progresses(console, stages=installed())
    check_writable()
    with ExitStack() as stack:
        logs = stack.enter_context(locked(FOLDER)) / "logs"
        supervisor = stack.enter_context(Supervisor())
        described = _described(target)  # Before a CPU is taken from the lab.
        pinned = pin(supervisor, what="the generator and what the lab boots")
        manifest = Manifest(
            experiment=replace(experiment, own=target.without_secrets()), run="", command=order.command, dataset=(),
            started=datetime.now(tz=UTC).isoformat(timespec="seconds"), operations=operations,
            environment=described, settings=(*_told(target), *pinned), budget=order.budget, seed=order.seed,
        )  # fmt: skip
        folder = new_run(experiment.name)
        folder.save("manifest", replace(manifest, run=folder.path.name))
        progress.keep = lambda stages: folder.save("stages", stages)
        on_folder(folder)
        arms = [(arm.server, arm.variant) for arm in experiment.arms]
        servers = OwnServers(processes=target.processes(arms), supervisor=supervisor, logs=logs)
        loader = OwnTargetLoader(
            experiment=experiment, operations=(), cells=cells, surroundings=_none(logs), supervisor=supervisor,
            folder=folder, servers=servers, target=target, boot_seconds=BOOT_SECONDS,
        )  # fmt: skip
        with progress.stage("boot and proof", total=len(cells)) as advance:
            seconds, record = _proven(loader, advance=advance)
            folder.save("proof", record)
        one_by_one(order, loader=replace(loader, boot_seconds=BOOT_SECONDS + seconds), record=record, progress=progress)
    return concluded(folder, progress=progress)


def _proven(loader: OwnTargetLoader, *, advance: Advance) -> tuple[float, ProofRecord]:
    """The proof, by servers of its own, and the seconds that they took to boot."""
    loader.servers.prepare()
    begun = time.monotonic()
    with loader.supervisor.unpinned():
        running = loader.servers.booted()
    seconds = time.monotonic() - begun
    try:
        record = OwnProver(target=loader.target, running=running).prove(loader.cells, advance=advance)
    finally:
        for each in running.values():
            loader.supervisor.stop(each.process)
    return seconds, record


def _described(target: OwnTarget) -> tuple[tuple[str, str], ...]:
    """The machine, and the commits of what is measured, where it was booted here, and of what measures."""
    folders = dict.fromkeys(server.folder for server in target.servers if server.command)
    commits = ", ".join(dict.fromkeys(environment.commit(Path(folder)) for folder in folders))
    return (
        ("commit", commits or "unknown"),
        ("Windtunnel", environment.commit(TREE)),
        *(fact for fact in environment.describe(TREE, packages=PACKAGES) if fact[0] != "commit"),
    )


def _told(target: OwnTarget) -> tuple[tuple[str, str], ...]:
    """Servers and knobs, for people to read."""
    servers = [(f"server {each.name}", each.url or each.command) for each in target.servers]
    knobs = [
        (
            f"{'header' if knob.is_header else 'environment'} {knob.name}",
            ", ".join(
                f"{level}: {'left out' if value is None else value}" if level != value else level
                for level, value in zip(knob.levels, knob.values, strict=True)
            ),
        )
        for knob in target.knobs
    ]
    return (*servers, *knobs)


def _none(logs: Path) -> Surroundings:
    """What a user's servers share with the lab: nothing but where their logs go."""
    build = Build(commit="", database_url="", bare_url="")
    return Surroundings(build=build, cache_url="", cache_prefix="", token="", dataset="", logs=logs)
