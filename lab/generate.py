"""Yields the report of a load: one generator process, or a master with its workers, runs one script."""

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.json_files import read, write
from lab.processes import Supervisor
from lab.recorder import samples_in
from lab.script import TOKEN_VARIABLE, WORKER_TOKEN
from lab.server import TREE, free_port, plain_environment
from lab.trial import LoadReport, LoadScript, sample_files

OVERTIME: Final = 60.0
"""Seconds that a load may take beyond its trials before it counts as hung."""

LOOPBACK: Final = "127.0.0.1"


class LostWorkerError(LabError):
    """A worker went missing in the middle of a load, and with it its share."""


def generate(
    script: LoadScript, *, supervisor: Supervisor, script_file: Path, logs: Path, token: str = "",
    show: Callable[[int], None] = lambda _: None, local: bool = True, worker_token: str = "",
) -> LoadReport:  # fmt: skip
    """Runs `script`, which is written to `script_file`, and returns its report; `show` is told of samples so far.

    With `script.workers` its bind address is ours to choose and its workers ours to start, unless `local` is False.
    Raises LabError when the load is not what was asked for, LostWorkerError when a worker is lost; samples are kept.
    """
    if script.workers and local:
        script = replace(script, bind=f"{LOOPBACK}:{free_port()}")
        worker_token = secrets.token_urlsafe(32)
    write(script, script_file)
    environment = plain_environment()
    given = {name: value for name, value in ((TOKEN_VARIABLE, token), (WORKER_TOKEN, worker_token)) if value}
    names = ["generator"]
    try:
        supervisor.spawn(
            name="generator", argv=[sys.executable, "-m", "lab.load_generator", str(script_file)],
            env={**environment, **given}, cwd=TREE, log=logs / "generator.log",
        )  # fmt: skip
        for number in range(1, script.workers + 1) if local else ():
            names.append(f"worker-{number}")
            supervisor.spawn(
                name=names[-1], argv=[sys.executable, "-m", "lab.load_worker", script.bind],
                env={**environment, WORKER_TOKEN: worker_token}, cwd=TREE, log=logs / f"{names[-1]}.log",
            )  # fmt: skip
        code = _wait(script, supervisor=supervisor, logs=logs, show=show)
    finally:
        for name in names:
            supervisor.stop(name)
    return _checked(script, code=code, supervisor=supervisor, logs=logs)


def _wait(script: LoadScript, *, supervisor: Supervisor, logs: Path, show: Callable[[int], None]) -> int:
    """The generator's exit code."""
    seconds = sum(trial.seconds + script.request_seconds for trial in script.trials)
    deadline = time.monotonic() + seconds + script.wait_seconds + OVERTIME
    files = sample_files(script)
    while (code := supervisor.poll("generator")) is None:
        show(sum(map(samples_in, files)))
        if time.monotonic() > deadline:
            raise LabError("the load hung", hint=f"see {logs}; then start again")
        time.sleep(0.1)
    return code


def _checked(script: LoadScript, *, code: int, supervisor: Supervisor, logs: Path) -> LoadReport:
    path = Path(script.report)
    if not path.exists():
        said = supervisor.log_tail("generator")
        raise LabError(f"the load generator failed: {said}", hint=f"see {logs}")
    report = read(path, LoadReport)
    if report.lost:
        raise LostWorkerError(report.error, hint="its samples are kept and so are the others'; start again")
    if report.error:
        raise LabError(f"the load generator failed: {report.error}", hint=f"see {logs}")
    if code or not report.is_done(len(script.trials)):
        # Killed between two trials, it had no time to say so: what it recorded was never held against Locust's counts.
        done = f"{len(report.trials)} of {len(script.trials)} loads"
        raise LabError(f"the load generator ended with code {code} after {done}", hint="start again")
    return report
