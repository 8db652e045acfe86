"""Yields checks of what the load instrument keeps: workers' shares when merged, or when one is lost, and long tapes.

What it sees of a known queue is checked in `lab/clock.py`, how fast it is in `lab/clock_limits.py`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from lab.arrivals import share
from lab.clock_bench import SECOND, Bench, open_trial, schedule
from lab.generate import LostWorkerError, generate
from lab.histogram import Histogram, merged
from lab.latency import merged as merged_latencies
from lab.latency import read_tape
from lab.load_findings import Check
from lab.recorder import MAGIC, SAMPLE, frame, read_samples
from lab.server import TREE, plain_environment
from lab.trial import Trial, sample_files
from lab.units import seconds as shown
from lab.units import size

WORKERS: Final = 4
TAPE_ROWS: Final = 10_000_000
TAPE_FRAME: Final = 256

READ_TAPE: Final = """
import json, resource, sys, time
from pathlib import Path
from lab.latency import merged, read_tape
begun = time.monotonic()
total = merged(read_tape([Path(sys.argv[1])]).parts.values())
total.response.percentiles((0.5, 0.99))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": time.monotonic() - begun, "bytes": peak, "rows": total.offered}))
"""


def workers_merged(bench: Bench) -> Iterator[Check]:
    """What four workers report adds up to what one histogram says of all their samples."""
    with bench.truth("fixed") as truth:
        trial = open_trial(kind="poisson", rate=400.0, seconds=5.0)
        load = bench.run(trial, url=truth.url, name="workers", workers=WORKERS)
    total = merged_latencies(read_tape(load.files).parts.values())
    holds = len(load.rows) == len(schedule(trial)) and all(
        merged(Histogram(getattr(each, name).encode()) for each in load.report.trials[0].shares) == whole
        for name, whole in (("response", total.response), ("service", total.service))
    )
    spread = ", ".join(str(each.requests) for each in load.report.trials[0].shares)
    yield Check(
        what=f"histograms of {WORKERS} workers, merged, against one that saw all their samples", bound="equal",
        seen=f"{'equal' if holds else 'not equal'} in every bucket: {len(load.rows):,} samples ({spread})", holds=holds,
    )  # fmt: skip


def worker_killed(bench: Bench) -> Iterator[Check]:
    """A worker that is killed ends the load soon, and takes no sample of the others with it."""
    rate, seconds = 400.0, 12.0
    killed: list[tuple[int, int]] = []

    def show(samples: int) -> None:
        if not killed and samples >= rate * seconds / 3:
            found = psutil.Process(bench.generators.pid).children()
            pids = [each.pid for each in found if "lab.load_worker" in each.cmdline()]
            os.kill(pids[1], signal.SIGKILL)
            killed.append((time.monotonic_ns(), samples))

    raised, after = "", 0.0
    with bench.truth("fixed") as truth:
        trial = open_trial(kind="constant", rate=rate, seconds=seconds)
        script = bench.prepare(trial, url=truth.url, name="killed", workers=WORKERS)
        try:
            generate(
                script, supervisor=bench.generators, script_file=bench.folder / "killed.json", logs=bench.folder,
                show=show,
            )  # fmt: skip
        except LostWorkerError as lost:
            raised = lost.what
            after = (time.monotonic_ns() - killed[0][0]) / SECOND if killed else 0.0
    yield Check(
        what=f"one of {WORKERS} workers killed by SIGKILL under load: the load ends and says so", bound="within 5 s",
        seen=f"{shown(after)}: {raised}" if raised else "nothing was said",
        holds=bool(raised and killed) and after <= 5,
    )  # fmt: skip
    yield _others_kept(trial, files=sample_files(script), at_kill=killed[0][1] / rate if killed else 0.0)


def long_tape(bench: Bench) -> Iterator[Check]:
    """Ten million samples are read in little memory, by a process of its own."""
    path = bench.folder / "long.samples"
    bench.note("writing ten million samples")
    _write_tape(path)
    bench.note("reading them")
    log = bench.folder / "tape.log"
    bench.generators.spawn(
        name="tape", argv=[sys.executable, "-c", READ_TAPE, path], env=plain_environment(), cwd=TREE, log=log
    )
    code = bench.generators.wait_exit("tape", seconds=180)
    path.unlink()
    if code:
        raise bench.generators.death("tape", code=code)
    seen = json.loads(log.read_text())
    yield Check(
        what=f"analysis of {TAPE_ROWS:,} samples, a process of its own", bound="at most 30 s and 600 MB",
        seen=f"{shown(seen['seconds'])}, {size(seen['bytes'])} at its peak",
        holds=seen["rows"] == TAPE_ROWS and seen["seconds"] <= 30 and seen["bytes"] <= 600e6,
    )  # fmt: skip


def _others_kept(trial: Trial, *, files: list[Path], at_kill: float) -> Check:
    """Each worker's file is whole and holds its share of the arrivals without a gap, up to the kill or beyond it."""
    due, kept, holds, whole = schedule(trial), [], True, 0
    for number, path in enumerate(files):
        rows, damage = read_samples(path)
        got = np.sort(rows["due"])
        wanted = due[share(due, worker=number, workers=len(files))][: len(got)]
        is_whole = not damage and len(got) > 0 and bool(np.array_equal(got, wanted))
        kept.append(len(got))
        whole += is_whole and int(got[-1]) / SECOND >= at_kill - 0.5
        holds &= is_whole
    return Check(
        what="samples of the others, after that", bound="readable, without a gap, up to the kill or beyond",
        seen=f"{' + '.join(f'{count:,}' for count in kept)} samples; {whole} of {len(files)} files reach the kill, "
        f"at {at_kill:.1f} s by samples",
        holds=holds and whole >= len(files) - 1,
    )  # fmt: skip


def _write_tape(path: Path) -> None:
    """Three cells' samples, frame by frame: 400 MB."""
    random = np.random.default_rng(1)
    with path.open("xb") as file:
        file.write(MAGIC)
        for first in range(0, TAPE_ROWS, TAPE_FRAME):
            rows = np.zeros(min(TAPE_FRAME, TAPE_ROWS - first), dtype=SAMPLE)
            rows["cell"] = random.integers(0, 3, len(rows))
            rows["status"], rows["bytes"] = 200, 900
            rows["due"] = (np.arange(len(rows)) + first) * 100_000
            rows["sent"] = rows["due"] + random.exponential(3e5, len(rows)).astype(np.int64)
            rows["done"] = rows["sent"] + random.lognormal(15, 1, len(rows)).astype(np.int64)
            file.write(frame(rows))
