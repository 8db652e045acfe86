"""Yields `Bench`, on which the load instrument is checked: truth servers, loads on them and their raw samples.

It judges nothing: a `Check` says what was seen and whether a bound holds.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.arrivals import Arrivals, Segment, due_times, profile
from lab.errors import LabError
from lab.generate import generate
from lab.processes import Process, Supervisor
from lab.recorder import Fault, read_samples
from lab.script import Line
from lab.server import TREE, plain_environment
from lab.trial import LoadReport, LoadScript, Trial, TrialReport, sample_files

SECOND: Final = 1_000_000_000
TRUTH: Final = TREE / "tests" / "truth" / "server.py"
BOOT_SECONDS: Final = 10.0

Nanoseconds = NDArray[np.int64]


class NotHereError(LabError):
    """A property cannot be checked on this machine."""


@dataclass(kw_only=True)
class Bench:
    """Where checks are made: what serves, what generates, a folder for files, and what was collected on the way.

    Servers and generators have a supervisor each, so that each side can be kept on a CPU of its own.
    """

    servers: Supervisor
    generators: Supervisor
    folder: Path
    note: Callable[[str], None] = lambda _: None
    reports: list[TrialReport] = field(default_factory=list)
    durations: list[tuple[str, Nanoseconds]] = field(default_factory=list)
    loads: int = 0
    cpus: tuple[int, int] | None = None
    """The generator's CPU and that of all else, where each has its own."""

    def turn(self, side: int) -> None:
        """Puts the generators' supervisor on one of `cpus`: what it starts inherits it, and it itself must not disturb.

        Its answer to each poll was seen to keep a generator from their common CPU for 2 ms, ten times a second.
        """
        if self.cpus:
            os.sched_setaffinity(self.generators.pid, {self.cpus[side]})

    def run(
        self, trial: Trial, *, url: str, name: str, token: str = "", workers: int = 0,
        show: Callable[[int], None] = lambda _: None,
    ) -> "Load":  # fmt: skip
        """Runs one trial on `url`. Raises LabError as `generate` does; the samples are kept in `folder`."""
        load = self.prepare(trial, url=url, name=name, workers=workers)

        def watch(samples: int) -> None:
            self.turn(1)
            show(samples)

        self.turn(0)
        report = generate(
            load, supervisor=self.generators, script_file=self.folder / f"{Path(load.samples).stem}.json",
            logs=self.folder, token=token, show=watch,
        )  # fmt: skip
        self.reports.extend(report.trials)
        read = [read_samples(path) for path in sample_files(load)]
        if damage := next((damage for _, damage in read if damage), ""):
            raise LabError(damage, hint="free the disk, then start again")
        rows = np.concatenate([rows for rows, _ in read])
        rows = rows[np.argsort(rows["due"], kind="stable")]
        right = rows[(rows["fault"] == Fault.NONE) & (rows["warm"] == 0)]
        self.durations.append((name, right["done"] - right["due"]))
        return Load(report=report, rows=rows, files=tuple(sample_files(load)))

    def prepare(self, trial: Trial, *, url: str, name: str, workers: int = 0) -> LoadScript:
        """The script of one trial, with files of its own."""
        self.loads += 1
        stem = f"{self.loads:02d}-{name}"
        line = Line(cell=0, key=0, method="GET", url=url, headers=(), body=None, status=200, length=None, checksum=None)
        return LoadScript(
            samples=str(self.folder / f"{stem}.samples"), report=str(self.folder / f"{stem}.report.json"),
            lines=(line,), trials=(trial,), workers=workers,
        )  # fmt: skip

    @contextmanager
    def truth(self, *words: object) -> Iterator["Truth"]:
        """A truth server in the mode that `words` name, until the end of the block."""
        if not TRUTH.exists():
            raise NotHereError(f"{TRUTH} is missing", hint="calibrate in a whole checkout")
        log = self.folder / "truth.log"
        argv = [sys.executable, str(TRUTH), *map(str, words)]
        process = self.servers.spawn(name="truth", argv=argv, env=plain_environment(), cwd=TREE, log=log)
        try:
            self.servers.wait_ready("truth", ready=lambda: log.read_bytes().endswith(b"\n"), seconds=BOOT_SECONDS)
            port = json.loads(log.read_text())["port"]
            yield Truth(process=process, url=f"http://127.0.0.1:{port}/")
        finally:
            # One that was stopped by a signal would not hear the next one.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            self.servers.stop("truth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A truth server that listens."""

    process: Process
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load that was run: its report and its samples by due time, the warm-up included."""

    report: LoadReport
    rows: NDArray[np.void]
    files: tuple[Path, ...]

    @property
    def response(self) -> Nanoseconds:
        """From due to done, of right answers."""
        right = self.rows[self.rows["fault"] == Fault.NONE]
        durations: Nanoseconds = right["done"] - right["due"]
        return durations

    @property
    def lateness(self) -> float:
        """The 99th percentile of the time from due to sent, in seconds."""
        sent = self.rows[self.rows["fault"] != Fault.UNSENT]
        return percentile(sent["sent"] - sent["due"], 0.99) / SECOND


def open_trial(*, kind: str, rate: float, seconds: float, seed: int = 1) -> Trial:
    """Open arrivals at a steady rate."""
    arrivals = Arrivals(kind=kind, profile=profile("steady", rate=rate, seconds=seconds), seed=seed)
    return Trial(sequence=(0,), seconds=seconds, arrivals=arrivals)


def closed_trial(*, users: int, seconds: float, warm_seconds: float) -> Trial:
    """Users who each wait for their answer."""
    steady = (Segment(seconds=seconds, begin=users, end=users),)
    return Trial(sequence=(0,), seconds=seconds, users=steady, warm_seconds=warm_seconds)


def schedule(trial: Trial) -> Nanoseconds:
    """When each arrival of an open trial is due."""
    if trial.arrivals is None:
        raise LabError("a closed load has no schedule", hint="give it arrivals")
    return due_times(trial.arrivals)


def percentile(values: NDArray[np.int64], share: float) -> int:
    """The nearest rank: the ceil(share * n)-th smallest value."""
    return int(np.sort(values)[max(ceil(share * len(values) - 1e-9), 1) - 1])
