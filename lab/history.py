"""Yields a history: a line for each comparison of each run, in a file that only grows. It judges nothing.

DIR/history.jsonl   the lines
    trend.json      what they show, derived again after each run
    trend.html      the page of it
"""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from lab.compare_numbers import Numbers
from lab.conclude import numbers_in
from lab.errors import LabError
from lab.findings import IN_DOUBT, Effect, Interval
from lab.gate_findings import GateFindings
from lab.results import Manifest, RunFolder

LINES: Final = "history.jsonl"
KINDS: Final = ("server", "benchmark", "conditional", "whole", "part")
"""The kinds of effects that are worth following: interactions and single settings are parts of these. Faces are
followed where nothing else was compared."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One comparison of one run. `reference` is the commit that it is held against, or empty in an experiment.

    `held` are the knobs that an experiment held and at which level, as in `cache=off`: at another it is another line.
    `is_time` tells whether less is faster.
    """

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
    held: str = ""
    is_time: bool = True


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
    """Adds the run's comparisons to the history, but for those in doubt; how many there were."""
    lines = lines_of(run.manifest, gate=run.gate, effects=run.findings.effects, numbers=numbers_in(run))
    append_lines(into / LINES, lines)
    return len(lines)


def append_lines(path: Path, values: Sequence[object]) -> None:
    """Adds each value as a line of JSON. What a killed writer left of its last line stays a line of its own."""
    with path.open("a+b") as file:
        # Two runs may end at once.
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        cut = b"" if file.read(1) in {b"", b"\n"} else b"\n"
        file.write(cut + b"".join(msgspec.json.encode(value) + b"\n" for value in values))


def read_lines(path: Path, kind: type[T]) -> tuple[T, ...]:
    """The value of each line. Raises LabError for a line that is none, by its number, and OSError without a file."""
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            is_cut = not line.endswith(b"\n")
            raise LabError(
                f"{path} line {number}: {error}",
                hint="its writer was killed: remove that line" if is_cut else "mend or remove that line",
            ) from None
    return tuple(found)


def read_history(folder: Path) -> tuple[HistoryLine, ...]:
    """Every line, in the order of the runs. Raises LabError without a history, and for a line that is none."""
    try:
        found = read_lines(folder / LINES, HistoryLine)
    except OSError as error:
        raise LabError(f"there is no history in {folder}: {error.strerror}", hint="make one: --history DIR") from None
    return tuple(sorted(found, key=lambda line: line.measured))


def lines_of(
    manifest: Manifest, *, gate: GateFindings | None, effects: Sequence[Effect], numbers: Numbers
) -> list[HistoryLine]:
    """A line for each comparison of a run that is worth following: of a gate its own, else those of its findings.

    Of `numbers` these are the ratios of what ran side by side.
    """
    facts, environment = dict(manifest.dataset), dict(manifest.environment)
    compared = (*gate.effects, *gate.benchmarks) if gate else effects
    followed = [each for each in compared if each.kind in KINDS] or [each for each in compared if each.kind == "face"]
    # A gate holds what its design holds, and is told apart by its reference.
    held = "" if gate else ", ".join(f"{knob}={level}" for knob, level in sorted(manifest.experiment.variant))
    common = HistoryLine(
        measured=manifest.started, run=manifest.run, experiment=manifest.experiment.name,
        commit=gate.head if gate else environment.get("commit", ""), reference=gate.base if gate else "",
        machine=f"{environment.get('cores', '?')} cores of {environment.get('processor', '?')}",
        dataset=facts.get("size", ""), seed=manifest.seed, operation="", face="", subject="", given="",
        ratio=Interval(estimate=1.0, low=1.0, high=1.0, blocks=0), verdict="", held=held,
    )  # fmt: skip
    lines = [
        replace(
            common, operation=effect.operation, face=effect.face, ratio=effect.typical, verdict=effect.verdict,
            # What is given of a part are its two arms.
            subject=effect.given if effect.kind == "part" else effect.subject,
            given="" if effect.kind == "part" else effect.given,
        )
        for effect in followed if effect.detail != IN_DOUBT
    ]  # fmt: skip
    lines += [
        replace(
            common, operation=measure.what, face=measure.face, subject=measure.of, ratio=number.value, verdict="",
            is_time=False,
        )
        for measure, number in numbers.items() if measure.is_paired and isinstance(number.value, Interval)
    ]  # fmt: skip
    return [line for line in lines if _is_finite(line.ratio)]


def _is_finite(ratio: Interval) -> bool:
    """JSON has no word for the infinite: such a line could not be read again."""
    return all(map(isfinite, (ratio.estimate, ratio.low, ratio.high)))
