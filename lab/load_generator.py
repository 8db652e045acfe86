"""Yields a load's sample files and report: the process in which Locust runs trials, alone or as a master of workers.

`python -m lab.load_generator SCRIPT`; ends 0 when all trials were run, 1 when not, with the reason in the report.
"""

# Locust patches the standard library when it is imported: it must come first.
from lab.conduct import Alone, BrokenLoad, Conductor, Master  # isort: skip

import logging
import os
import sys
import time
from pathlib import Path

from lab.json_files import read, write
from lab.recorder import frames
from lab.script import TOKEN_VARIABLE, WORKER_TOKEN
from lab.sensors import cpu_seconds, open_many_files, pressure_share, read_counters, reference_kernel, steal_share
from lab.trial import LoadReport, LoadScript, Trial, TrialReport, sample_files

KERNELS = 5
"""Readings of the reference kernel before a trial and after it at the least; the best of them counts."""

KERNEL_GAP = 0.01
"""Seconds between two readings."""


def main(path: Path) -> int:
    """Runs the script at `path`, trial after trial; the report is written anew after each."""
    logging.basicConfig(level=logging.WARNING)
    open_many_files()
    script = read(path, LoadScript)
    report = LoadReport(trials=())
    conductor: Conductor | None = None
    try:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if script.workers:
            conductor = Master(script, token=token, worker_token=os.environ[WORKER_TOKEN])
        else:
            conductor = Alone(script, token=token)
        for number, trial in enumerate(script.trials):
            found = _conduct(conductor, number, trial, script=script)
            report = LoadReport(trials=(*report.trials, found))
            write(report, Path(script.report))
        counted = conductor.finish()
        recorded = sum(_requests_in(file) for file in sample_files(script))
        error = "" if recorded == counted else f"{recorded} requests recorded, {counted} counted by Locust"
        report = LoadReport(trials=report.trials, recorded=recorded, counted=counted, error=error)
    except (BrokenLoad, OSError) as broken:
        if conductor:
            conductor.finish()
        lost = broken.lost if isinstance(broken, BrokenLoad) else ()
        report = LoadReport(trials=report.trials, lost=lost, error=str(broken) or repr(broken))
    write(report, Path(script.report))
    return 1 if report.error else 0


def _conduct(conductor: Conductor, number: int, trial: Trial, *, script: LoadScript) -> TrialReport:
    kernels = [_best_kernel(script.kernel_seconds)]
    processes = {each.name: each.pid for each in script.observed}
    before = {name: cpu_seconds(pid) for name, pid in processes.items()}
    counters, started = read_counters(), time.monotonic()
    shares = conductor.run(number, trial)
    seconds, after = time.monotonic() - started, read_counters()
    cpu = [
        (name, now - then)
        for name, pid in processes.items()
        if (then := before[name]) is not None and (now := cpu_seconds(pid)) is not None
    ]
    kernels.append(_best_kernel(script.kernel_seconds))
    steals = [taken for taken in (steal_share(counters, after), *(each.steal for each in shares)) if taken is not None]
    return TrialReport(
        seconds=seconds, shares=shares, cpu=tuple(cpu), kernels=tuple(kernels), steal=max(steals, default=None),
        pressure=pressure_share(counters, after, seconds=seconds), began=started,
    )  # fmt: skip


def _best_kernel(seconds: float) -> int:
    """The best of readings over `seconds`: neighbours on a host slow a CPU by a quarter, from moment to moment."""
    end = time.monotonic() + seconds
    readings = [reference_kernel() for _ in range(KERNELS)]
    while time.monotonic() < end:
        time.sleep(KERNEL_GAP)
        readings.append(reference_kernel())
    return min(readings)


def _requests_in(path: Path) -> int:
    return sum(int((each["sent"] >= 0).sum()) for each in frames(path) if not isinstance(each, str))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
