"""Yields a history: a line for each comparison of each run, in a file that only grows. It judges nothing.

DIR/history.jsonl   the lines
    trend.json      what they show, derived again after each run
    trend.html      the page of it
"""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from lab.errors import LabError
from lab.findings import Effect, Interval
from lab.results import RunFolder

LINES: Final = "history.jsonl"
KINDS: Final = ("server", "benchmark", "conditional", "whole")
"""The kinds of effects that are worth following: interactions and single settings are parts of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One comparison of one run. `reference` is the commit that it is held against, or empty in an experiment."""

    measured: str
    run: str
    experiment: str
    commit: str
    reference: str
    machine: str
    dataset: str
    seed: int
    operation: str
    face: str
    subject: str
    given: str
    ratio: Interval
    verdict: str


def history_folder(path: Path) -> Path:
    """The folder, made where it is missing. Raises LabError where it cannot be; to be asked before measuring."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with (path / LINES).open("ab"):
            pass
    except OSError as error:
        raise LabError(
            f"the history {path} cannot be written: {error.strerror}", hint="name a folder that can"
        ) from None
    return path


def append(run: RunFolder, *, into: Path) -> int:
    """Adds the run's comparisons to the history; how many there were."""
    lines = [msgspec.json.encode(line) + b"\n" for line in _lines(run)]
    with (into / LINES).open("ab") as file:
        # Two runs may end at once.
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"".join(lines))
    return len(lines)


def read_history(folder: Path) -> tuple[HistoryLine, ...]:
    """Every line, in the order of the runs. Raises LabError without a history, and for a line that is none."""
    path, found = folder / LINES, []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"there is no history in {folder}: {error.strerror}", hint="make one: --history DIR") from None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=HistoryLine))
        except msgspec.MsgspecError as error:
            raise LabError(f"{path} line {number}: {error}", hint="mend or remove that line") from None
    return tuple(sorted(found, key=lambda line: line.measured))


def _lines(run: RunFolder) -> list[HistoryLine]:
    manifest, gate = run.manifest, run.gate
    facts, environment = dict(manifest.dataset), dict(manifest.environment)
    effects: tuple[Effect, ...] = (*gate.effects, *gate.benchmarks) if gate else run.findings.effects
    return [
        HistoryLine(
            measured=manifest.started, run=manifest.run, experiment=manifest.experiment.name,
            commit=gate.head if gate else environment.get("commit", ""), reference=gate.base if gate else "",
            machine=f"{environment.get('cores', '?')} cores of {environment.get('processor', '?')}",
            dataset=facts["size"], seed=manifest.seed, operation=effect.operation, face=effect.face,
            subject=effect.subject, given=effect.given, ratio=effect.typical, verdict=effect.verdict,
        )
        for effect in effects if effect.kind in KINDS
    ]  # fmt: skip
