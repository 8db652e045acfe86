"""Yields a block's sample file and report: the process in which Locust runs one script.

`LAB_TOKEN=... python -m lab.generator SCRIPT`; ends 0 when the script was run, 1 when it was not, with the reason in
the report.
"""

# Locust patches the standard library when it is imported: it must come first.
from locust.env import Environment  # isort: skip

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

from lab.client import counted
from lab.json_files import read, write
from lab.recorder import Recorder
from lab.script import HEADERS_VARIABLE, TOKEN_VARIABLE, Report, Script
from lab.sensors import pressure_share, read_counters, steal_share
from lab.users import PAIRED, PairedUser

PATIENCE: Final = 60.0
"""Seconds in which the script has to come: the process may start while the servers do."""


def main(path: Path) -> int:
    """Runs the script at `path` under Locust, to its end, as soon as it is there."""
    logging.basicConfig(level=logging.WARNING)
    deadline = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    script = read(path, Script)
    PairedUser.script = script
    PairedUser.token = os.environ.get(TOKEN_VARIABLE, "")
    given = json.loads(os.environ.get(HEADERS_VARIABLE, "{}"))
    PairedUser.given = {int(cell): headers for cell, headers in given.items()}
    PairedUser.recorder = Recorder(Path(script.samples))
    environment = Environment(user_classes=[PairedUser], catch_exceptions=False)
    errors: list[str] = []
    environment.events.user_error.add_listener(lambda exception, **_: errors.append(repr(exception)))
    runner = environment.create_local_runner()
    try:
        runner.start(1, spawn_rate=1)
        # Spawning is a greenlet of its own: without the wait there would be no user to join.
        if runner.spawning_greenlet:
            runner.spawning_greenlet.join()
        runner.user_greenlets.join()
    finally:
        PairedUser.recorder.close()
    user = PairedUser.started_user
    if user is None or not user.finished:
        errors = errors or ["the user ended before its script did"]
    recorded, seen = PairedUser.recorder.written, counted(environment, name=PAIRED)
    if not errors and recorded != seen:
        errors.append(f"{recorded} requests recorded, {seen} counted by Locust")
    write(_report(user, script_passes=len(script.passes), error="; ".join(errors)), Path(script.report))
    return 1 if errors else 0


def _report(user: PairedUser | None, *, script_passes: int, error: str) -> Report:
    if user is None or not hasattr(user, "started"):
        return Report(
            requests=0, failures=0, seconds=0.0, passes_done=0, passes_planned=script_passes, kernels=(),
            generator_share=0.0, steal=None, pressure=None, error=error,
        )  # fmt: skip
    seconds = time.monotonic() - user.started
    counters = read_counters()
    kernel_seconds = sum(user.kernels) / 1e9
    return Report(
        requests=user.sent,
        failures=user.failures,
        seconds=seconds,
        passes_done=user.passes_done,
        passes_planned=script_passes,
        kernels=tuple(user.kernels),
        generator_share=max(time.process_time() - user.cpu_started - kernel_seconds, 0.0) / seconds,
        steal=steal_share(user.counters, counters),
        pressure=pressure_share(user.counters, counters, seconds=seconds),
        error=error,
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
