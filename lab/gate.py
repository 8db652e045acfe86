"""Yields a gate's findings: two commits side by side on one dataset, counted first and then timed.

It stops at the first layer that finds a regression: answers, counts, service time.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from rich.console import Console

from lab.bench import Bench, opened, pin
from lab.experiment import Experiment
from lab.gate_builds import builds_of
from lab.gate_layers import Layers
from lab.gate_order import BASE, HEAD, GateOrder
from lab.gate_power import published
from lab.operations import load_operations, names
from lab.progress import Progresses
from lab.results import Manifest, RunFolder, check_writable, new_run
from lab.run import concluded, installed


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
        layers = Layers(order=order, bench=bench, folder=folder, progress=progress)
        layers.check()
        found = layers.counted()
        if not found.stopped:
            found = layers.timed(found)
        if order.benchmarks and not found.stopped:
            found = layers.paired(found)
    folder.save("gate", found)
    return concluded(folder, progress=progress)


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
