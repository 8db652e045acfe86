"""Yields what a gate finds of planted mistakes and of unchanged code: the table that `calibrate -- gate` makes.

Every try is a whole gate, in a process of its own, on a scratch checkout of the commit.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scipy import stats

from lab.gate_findings import GateFindings
from lab.json_files import read
from lab.plants import PLANTS, Plant
from lab.server import FOLDER_VARIABLE, TREE
from lab.worktrees import checked_out, resolve, sweep

UNCHANGED: Final = "unchanged"
LONGEST: Final = 900.0
"""Seconds after which a gate is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One gate: what was planted, how it ended, after how many seconds, and by which layer."""

    kind: str
    where: str
    operation: str
    code: int
    layer: str
    seconds: float
    said: str

    @property
    def is_right(self) -> bool:
        """Whether unchanged code passed, or a mistake was called one."""
        return self.code == (0 if self.kind == UNCHANGED else 1)


def tries(*, unchanged: int, plants: int, dataset: str, budget: str, note: Callable[[str], None]) -> Iterator[Try]:
    """`unchanged` gates of each operation on unchanged code, and the first `plants` of the planted mistakes."""
    folder = TREE / ".lab" / "worktrees"
    sweep(TREE, folder=folder)
    with ExitStack() as stack:
        scratch = stack.enter_context(checked_out(TREE, resolve(TREE, "HEAD"), folder=folder))
        operations = sorted({plant.operation for plant in PLANTS})
        for number in range(unchanged):
            for operation in operations:
                note(f"unchanged, {operation}, {number + 1} of {unchanged}")
                words = ["--operations", operation, "--dataset", dataset, "--budget", budget, "--seed", "1"]
                yield _gate(scratch, words, kind=UNCHANGED, where=f"try {number + 1}", operation=operation)
        for plant in PLANTS[:plants]:
            note(f"{plant.kind}, {plant.where}")
            words = ["--operations", plant.operation, "--dataset", dataset, "--budget", budget]
            yield _planted(scratch, words, plant=plant)


def alarms_bound(alarms: int, runs: int) -> float:
    """The upper end of the one-sided 95 % Clopper-Pearson interval of the rate of false alarms."""
    return float(stats.beta.ppf(0.95, alarms + 1, runs - alarms)) if runs > alarms else 1.0


def _planted(scratch: Path, words: list[str], *, plant: Plant) -> Try:
    plant.put(scratch)
    try:
        return _gate(scratch, words, kind=plant.kind, where=plant.where, operation=plant.operation)
    finally:
        subprocess.run(["git", "checkout", "--quiet", "--", "targets"], cwd=scratch, check=True)
        subprocess.run(["git", "clean", "--quiet", "-fd", "targets"], cwd=scratch, check=True)


def _gate(scratch: Path, words: list[str], *, kind: str, where: str, operation: str) -> Try:
    # The base's lab judges, and makes the dataset: a planted migration must have no part in that.
    command = [sys.executable, "-P", "-m", "lab", "gate", "--base", "HEAD", *words]
    environment = {**os.environ, "PYTHONPATH": str(scratch), FOLDER_VARIABLE: str(TREE / ".lab")}
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    seconds = time.monotonic() - begun
    runs = sorted((scratch / "results" / "gate").glob("*"))
    found = read(runs[-1] / "gate.json", GateFindings) if done.returncode in {0, 1, 3} and runs else None
    said = next((line for line in done.stdout.splitlines() if " against " in line), done.stderr.strip()[-200:])
    shutil.rmtree(scratch / "results", ignore_errors=True)
    layer = (found.stopped or "time") if found else "none"
    return Try(
        kind=kind, where=where, operation=operation, code=done.returncode, layer=layer, seconds=seconds,
        said=said.partition(": ")[2] or said,
    )  # fmt: skip


def ledger_line(one: Try, *, measured: str, machine: str, commit: str) -> str:
    """One line of the ledger of all gates that were ever tried so."""
    return json.dumps(
        {
            "measured": measured, "machine": machine, "commit": commit, "kind": one.kind, "where": one.where,
            "operation": one.operation, "code": one.code, "layer": one.layer, "seconds": round(one.seconds, 1),
        }
    )  # fmt: skip
