"""Yields what a gate finds of planted mistakes and of unchanged code: the table that `calibrate -- gate` makes.

Every try is a whole gate, in a process of its own, on a scratch checkout of the commit.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from scipy import stats

from lab import catalogue
from lab.asked import budget_seconds, narrowed
from lab.duel import Rival, duel
from lab.findings import Findings
from lab.gate_findings import GateFindings
from lab.json_files import read
from lab.plants import FATTER, HUNDREDTH_OF_REQUESTS, PLANTS, TENTH_OF_KEYS, Plant, slowed
from lab.server import FOLDER_VARIABLE, TREE
from lab.worktrees import checked_out, resolve, sweep

UNCHANGED: Final = "unchanged"
WHOLE: Final = "whole, unchanged"
SIZING: Final = "sizing"
MISTAKES: Final = "mistakes"
FATTER_PAYLOAD: Final = "fatter payload"
LONGEST: Final = 900.0
"""Seconds after which a gate is given up."""

SLOW_OPERATION: Final = "product_detail"
"""The quickest operation: of its requests a gate sees most, and of rare ones they are needed."""

REFERENCE: Final = ", reference"
REFERENCE_BLOCKS: Final = 48
DOSES: Final = {"+1 %": 0.01, "+2 %": 0.02, "+3 %": 0.03, "+5 %": 0.05, "+10 %": 0.10}
KEYS: Final = "10 % of keys twice as slow"
REQUESTS: Final = "1 % of requests 50 times slower"
SLOW_KINDS: Final = (*DOSES, KEYS, REQUESTS, *(f"{dose}{REFERENCE}" for dose in DOSES))
DEFAULT_TOLERANCE: Final = {"+10 %", KEYS, REQUESTS}
LOOPS: Final = 2_000_000
BLOCKS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One gate: what was planted, how it ended, after how many seconds, and by which layer; `right` when it had to be.

    `effects` are (face, ratio, low, high, verdict) of service times, head over base; `turns` the planted work by face,
    in turns of an empty loop; `rivals` what the field's common gates compare with their threshold.
    """

    kind: str
    where: str
    operation: str
    code: int
    layer: str
    seconds: float
    said: str
    wanted: str = ""
    tolerance: float = 0.02
    effects: tuple[tuple[str, float, float, float, str], ...] = ()
    blocks: int = 8
    turns: tuple[tuple[str, int], ...] = ()
    rivals: tuple[tuple[str, float], ...] = ()

    @property
    def is_unchanged(self) -> bool:
        """Whether base and head are the same code."""
        return self.kind in {UNCHANGED, WHOLE}

    @property
    def is_reference(self) -> bool:
        """Whether it is there to tell how much slower the planted work is, and not whether that is found."""
        return self.kind.endswith(REFERENCE)

    @property
    def is_right(self) -> bool:
        """Whether unchanged code passed, or a mistake was called one, by the layer that had to."""
        if self.is_unchanged:
            return self.code == 0
        if self.is_reference:
            return bool(self.effects)
        return self.code == 1 and self.layer == (self.wanted or self.layer)


@dataclass(kw_only=True)
class GateBench:
    """A scratch checkout in which gates are tried. `tolerance` is that of unchanged code and of small doses.

    With `has_rivals` each gate of time is followed by what the field's common gates say of the same two trees.
    """

    scratch: Path
    dataset: str
    budget: str
    tolerance: str
    seed: int
    note: Callable[[str], None]
    has_rivals: bool = False
    service: dict[str, float] = field(default_factory=dict)
    turn: float = 0.0

    def tries(self, wanted: Mapping[str, int]) -> Iterator[Try]:
        """So many gates of each kind, spread evenly over the time that all of them take."""
        jobs = [((number + 0.5) / count, kind, number) for kind, count in wanted.items() for number in range(count)]
        for _, kind, number in sorted(jobs):
            yield self._try(kind, number)

    def _try(self, kind: str, number: int) -> Try:
        if kind == MISTAKES:
            return self._planted(PLANTS[number])
        if kind == FATTER_PAYLOAD:
            return self._planted(FATTER[number])
        if kind in SLOW_KINDS:
            return self._planted(self._slow(kind, number=number))
        operations = sorted({plant.operation for plant in PLANTS})
        operation = "" if kind == WHOLE else operations[number % len(operations)]
        return self._gate(kind=kind, where=f"try {number + 1}", operation=operation)

    def _slow(self, kind: str, *, number: int) -> Plant:
        """A plant of the kind, sized by what the operation takes and by what a turn of an empty loop does."""
        if not self.service:
            self.note("sizing the work")
            self.turn = _seconds_of_a_turn()
            self._gate(kind=SIZING, where="before all others", operation=SLOW_OPERATION)
        share, when = DOSES.get(kind.removesuffix(REFERENCE), 1.0), "True"
        if kind == KEYS:
            when = TENTH_OF_KEYS.format(salt=number)
        elif kind == REQUESTS:
            share, when = 49.0, HUNDREDTH_OF_REQUESTS
        loops = {face: round(share * seconds / self.turn) for face, seconds in self.service.items()}
        return slowed(kind, operation=SLOW_OPERATION, loops=loops, when=when, where=f"try {number + 1}")

    def _planted(self, plant: Plant) -> Try:
        before = _git(self.scratch, "rev-parse", "HEAD")
        try:
            if plant.accepted:
                self._accept(plant.operation)
            plant.put(self.scratch)
            found = self._gate(kind=plant.kind, where=plant.where, operation=plant.operation)
            return replace(found, wanted=plant.layer, turns=plant.turns)
        finally:
            _git(self.scratch, "reset", "--quiet", "--hard", before)
            _git(self.scratch, "clean", "--quiet", "-fd", "targets")

    def _accept(self, operation: str) -> None:
        """Commits, in the scratch checkout alone, that the operation's answers may change."""
        path = self.scratch / "thresholds.toml"
        path.write_text(f"{path.read_text()}\n[operations.{operation}]\naccept_answer = true\n")
        who = ("-c", "user.name=calibrate", "-c", "user.email=calibrate@localhost", "-c", "commit.gpgsign=false")
        _git(self.scratch, *who, "commit", "--quiet", "--no-verify", "--all", "--message", "Accept a changed answer")

    def _gate(self, *, kind: str, where: str, operation: str) -> Try:
        self.note(f"{kind}, {operation or 'all operations'}, {where}")
        is_reference = kind.endswith(REFERENCE)
        # Nothing is beyond a half, so that nothing is confirmed: a reference is measured once, for long.
        tolerance = "50%" if is_reference else "2%" if kind in DEFAULT_TOLERANCE else self.tolerance
        times = REFERENCE_BLOCKS // BLOCKS if is_reference else 1
        budget = f"{budget_seconds(self.budget) * times:g}s"
        words = ["--dataset", self.dataset, "--tolerance", tolerance, "--seed", str(self.seed)]
        words += ["--operations", operation, "--budget", budget, "--blocks", str(BLOCKS * times)] if operation else []
        # The base's lab judges, and makes the dataset: a planted migration must have no part in that.
        command = [sys.executable, "-P", "-m", "lab", "gate", "--base", "HEAD", *words]
        environment = {**os.environ, "PYTHONPATH": str(self.scratch), FOLDER_VARIABLE: str(TREE / ".lab")}
        begun = time.monotonic()
        done = subprocess.run(
            command, cwd=self.scratch, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        seconds = time.monotonic() - begun
        runs = sorted((self.scratch / "results" / "gate").glob("*"))
        found = read(runs[-1] / "gate.json", GateFindings) if done.returncode in {0, 1, 3} and runs else None
        if found and operation == SLOW_OPERATION and kind == SIZING and found.effects:
            cells = read(runs[-1] / "findings.json", Findings).cells
            self.service = {c.face: c.service.estimate for c in cells if c.server == "base" and c.service}
        said = next((line for line in done.stdout.splitlines() if " against " in line), done.stderr.strip()[-200:])
        shutil.rmtree(self.scratch / "results", ignore_errors=True)
        effects = found.effects if found else ()
        is_timed = bool(operation) and not is_reference and (kind == UNCHANGED or kind in SLOW_KINDS)
        rivals = self._rivals(operation) if self.has_rivals and is_timed else ()
        return Try(
            kind=kind, where=where, operation=operation or "all", code=done.returncode,
            layer=(found.stopped or "time") if found else "none", seconds=seconds, said=said.partition(": ")[2] or said,
            tolerance=float(tolerance.removesuffix("%")) / 100, blocks=BLOCKS * times,
            rivals=tuple((rival.name, rival.ratio) for rival in rivals),
            effects=tuple(
                (e.face, e.typical.estimate, e.typical.low, e.typical.high, f"{e.verdict} {e.detail}".strip())
                for e in effects
            ),
        )  # fmt: skip

    def _rivals(self, operation: str) -> tuple[Rival, ...]:
        """What the common gates say of the commit and of the scratch checkout as it is, in the same time a face."""
        self.note("the rivals")
        experiment = narrowed(catalogue.load("toggles"), faces="rest", operations=operation)
        with checked_out(self.scratch, "HEAD", folder=TREE / ".lab" / "worktrees") as base:
            return duel(
                base, self.scratch, experiment=experiment, dataset=self.dataset, seed=self.seed,
                seconds=budget_seconds(self.budget) / 4,
            )  # fmt: skip


def bench(
    *, dataset: str, budget: str, tolerance: str, seed: int, note: Callable[[str], None], stack: ExitStack,
    has_rivals: bool = False,
) -> GateBench:  # fmt: skip
    """A bench on a checkout of the commit, which is gone when `stack` ends."""
    folder = TREE / ".lab" / "worktrees"
    sweep(TREE, folder=folder)
    scratch = stack.enter_context(checked_out(TREE, resolve(TREE, "HEAD"), folder=folder))
    return GateBench(
        scratch=scratch,
        dataset=dataset,
        budget=budget,
        tolerance=tolerance,
        seed=seed,
        note=note,
        has_rivals=has_rivals,
    )


def alarms_bound(alarms: int, runs: int) -> float:
    """The upper end of the one-sided 95 % Clopper-Pearson interval of the rate of false alarms."""
    return float(stats.beta.ppf(0.95, alarms + 1, runs - alarms)) if runs > alarms else 1.0


def _seconds_of_a_turn() -> float:
    """What one turn of an empty loop takes, in the best of five processes."""
    code = (
        "import time; t = time.perf_counter()\n"
        f"def f():\n    for _ in range({LOOPS}): pass\n"
        "f(); print(time.perf_counter() - t)"
    )
    took = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    return min(took) / LOOPS


def _git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, capture_output=True, text=True, check=True).stdout.strip()
