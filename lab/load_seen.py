"""Yields what the blocks of a run under load saw, load by load, and whether it counts. It estimates nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.connections import Connections, Taken, taken
from lab.json_files import read, read_if_there
from lab.latency import Latencies, asked, completed, merged, read_tape
from lab.load_plan import ArmLoad, LoadPlan
from lab.load_statements import Request, StatementCount, disagreement, held
from lab.results import RunFolder
from lab.trial import LoadReport, LoadScript, TrialReport, cut, sample_files
from lab.validity import void_trial
from lab.verdict import kernel_ratios


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One load in one block, with its throughput in right answers per second, and why it does not count.

    `connections` are those to the database that it took, None where that is not known; `damages` what is wrong with the
    block's samples.
    """

    latencies: Latencies
    trial: TrialReport
    throughput: float
    reasons: tuple[str, ...]
    connections: Taken | None = None
    damages: tuple[str, ...] = ()


def pilot_capacities(folder: RunFolder, loads: Sequence[ArmLoad]) -> dict[int, float]:
    """Right answers per second of each arm in the pilot, which had `loads`."""
    seen = seen_in(folder, None, loads) if loads else []
    return {load.arm: each.throughput for load, each in zip(loads, seen, strict=True)}


def plan_of(folder: RunFolder) -> LoadPlan | None:
    """The run's plan; None where it ended before there was one."""
    path = folder.path / "load-plan.json"
    return read_if_there(path, LoadPlan)


def started_blocks(folder: RunFolder, plan: LoadPlan) -> list[int]:
    """The blocks that any trial of was finished in."""
    return [index for index in range(plan.blocks) if folder.report_file(index).exists()]


def blocks_done(folder: RunFolder, plan: LoadPlan) -> int:
    """How many blocks came to their end."""
    return sum(
        read(folder.report_file(index), LoadReport).is_done(len(plan.loads)) for index in started_blocks(folder, plan)
    )


def seen_by_load(folder: RunFolder, plan: LoadPlan, *, due: Request) -> dict[ArmLoad, list[Seen | None]]:
    """Every load in every block; None where it did not come to its turn. `due` are a request's statements."""
    found: dict[ArmLoad, list[Seen | None]] = {load: [None] * plan.blocks for load in plan.loads}
    started = started_blocks(folder, plan)
    reports = {index: read(folder.report_file(index), LoadReport) for index in started}
    ratios = kernel_ratios(
        {index: [min(trial.kernels) for trial in report.trials] for index, report in reports.items()}
    )
    for index in started:
        loads = plan.block(index)
        seen = seen_in(folder, index, loads, kernel_ratio=ratios.get(index, 1.0))
        if why := _disagreement(folder, index, due=due):
            seen = [replace(each, reasons=(*each.reasons, why)) for each in seen]
        for load, each in zip(loads, seen, strict=False):
            found[load][index] = each
    return found


def statements_in(folder: RunFolder, plan: LoadPlan, *, due: Request) -> tuple[int, int] | None:
    """Statements that the database ran and those that were due, over the blocks that came to their end."""
    both = [
        held(_counted(folder, index), asked=asked(_tapes(folder, index)), due=due)
        for index in started_blocks(folder, plan)
    ]
    known = [each for each in both if each]
    return (sum(run for run, _ in known), sum(wanted for _, wanted in known)) if known else None


def _disagreement(folder: RunFolder, index: int, *, due: Request) -> str:
    return disagreement(_counted(folder, index), asked=asked(_tapes(folder, index)), due=due)


def _counted(folder: RunFolder, index: int) -> StatementCount:
    """The database's count of a block; one that was cut off has none."""
    path = folder.statements_file(index)
    return read_if_there(path, StatementCount) or StatementCount(counted=None)


def _tapes(folder: RunFolder, index: int | None) -> list[Path]:
    """The block's sample files. A run's folder may have been moved since its script was written."""
    script = read(folder.script_file(index), LoadScript)
    return sample_files(replace(script, samples=str(folder.sample_file(index))))


def seen_in(folder: RunFolder, index: int | None, loads: Sequence[ArmLoad], *, kernel_ratio: float = 1.0) -> list[Seen]:
    """What a block saw of its loads, of as many as it finished, in their order.

    `kernel_ratio` is that of the block: the few readings beside one trial tell of a neighbour's hiccup.
    """
    report = read(folder.report_file(index), LoadReport)
    files = _tapes(folder, index)
    windows = {
        number: (round(load.warm_seconds * 1e9), round((load.warm_seconds + load.seconds) * 1e9))
        for number, load in enumerate(loads)
    }
    tape, in_time = read_tape(files), completed(files, windows=windows)
    if not tape.damages and (damage := cut(folder.sample_file(index), samples=tape.samples, report=report)):
        tape.damages.append(damage)
    by_trial: dict[int, list[Latencies]] = {}
    for part, latencies in tape.parts.items():
        by_trial.setdefault(part >> 16, []).append(latencies)
    path = folder.connections_file(index)
    readings = read(path, Connections).readings if path.exists() else ()
    found = []
    for number, (load, trial) in enumerate(zip(loads, report.trials, strict=False)):
        latencies = merged(by_trial.get(number, ()))
        reasons = void_trial(
            trial, lateness=latencies.lateness.percentile(0.99), unsent=latencies.unsent, kernel_ratio=kernel_ratio
        )
        if report.lost:
            reasons = (*reasons, f"a worker was lost: {', '.join(report.lost)}")
        if tape.damages:
            reasons = (*reasons, tape.damages[0])
        throughput = in_time.get(number, 0) / load.seconds
        connections = taken(readings, began=trial.began, seconds=trial.seconds)
        found.append(
            Seen(
                latencies=latencies, trial=trial, throughput=throughput, reasons=reasons, connections=connections,
                damages=tuple(tape.damages),
            )
        )  # fmt: skip
    return found
