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

from lab import catalogue
from lab.asked import budget_seconds, narrowed
from lab.duel import Rival, duel
from lab.errors import LabError
from lab.gate_findings import GateFindings
from lab.gate_tries import (
    DEFAULT_TOLERANCE,
    DOSES,
    FATTER_PAYLOAD,
    KEYS,
    MISTAKES,
    REFERENCE,
    REQUESTS,
    SIZING,
    SLOW_KINDS,
    UNCHANGED,
    WHOLE,
    Try,
)
from lab.json_files import read
from lab.plants import FATTER, HUNDREDTH_OF_REQUESTS, PLANTS, TENTH_OF_KEYS, Plant, slowed
from lab.server import FOLDER_VARIABLE, TREE
from lab.worktrees import checked_out, resolve, sweep

LONGEST: Final = 900.0
"""Seconds after which a gate is given up."""

SLOW_OPERATION: Final = "product_detail"
"""The quickest operation: of its requests a gate sees most, and of rare ones they are needed."""

REFERENCE_BLOCKS: Final = 48
BLOCKS: Final = 12
FACES: Final = ("rest", "graphql")
SIZING_TURNS: Final = 50_000


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
    slope: dict[str, float] = field(default_factory=dict)

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
        """A plant of the kind, of as many turns as the wanted share of the operation's time takes."""
        if not self.slope:
            self.slope = self._sized()
        share, when = DOSES.get(kind.removesuffix(REFERENCE), 1.0), "True"
        if kind == KEYS:
            when = TENTH_OF_KEYS.format(salt=number)
        elif kind == REQUESTS:
            share, when = 49.0, HUNDREDTH_OF_REQUESTS
        loops = {face: round(share / slope) for face, slope in self.slope.items()}
        return slowed(kind, operation=SLOW_OPERATION, loops=loops, when=when, where=f"try {number + 1}")

    def _sized(self) -> dict[str, float]:
        """By which share one turn of an empty loop makes the operation slower, by face: what a gate sees of many."""
        loops = dict.fromkeys(FACES, SIZING_TURNS)
        found = self._planted(slowed(SIZING, operation=SLOW_OPERATION, loops=loops, where="before all others"))
        slopes = {face: (ratio - 1) / SIZING_TURNS for face, ratio, *_ in found.effects}
        if set(slopes) != set(FACES) or min(slopes.values()) <= 0:
            raise LabError(f"planted work cannot be sized: {found.said}", hint="measure again on a quiet machine")
        return slopes

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
        # Nothing is beyond a half, so that nothing is confirmed: what is to be known is the ratio alone.
        tolerance = "50%" if is_reference or kind == SIZING else "2%" if kind in DEFAULT_TOLERANCE else self.tolerance
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


def _git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, capture_output=True, text=True, check=True).stdout.strip()
