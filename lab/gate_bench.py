"""Yields what a gate finds of planted mistakes and of unchanged code: the table that `calibrate -- gate` makes.

Every try is a whole gate, in a process of its own, on a scratch checkout of the commit. It ends with this one, of
whatever kind that end is.
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
from lab.processes import Supervisor
from lab.server import FOLDER_VARIABLE, TREE
from lab.worktrees import COMMIT_DIGITS, checked_out, git_environment, resolve, sweep

LONGEST: Final = 900.0
"""Seconds beside its budget after which a gate is given up."""

LOOK: Final = 0.25
"""Seconds between two looks at a gate: one that is looked at more often is disturbed."""

GRACE: Final = 15.0
"""Seconds that a gate has to put away what it made, once it is given up."""

NOT_COMPARED: Final = 2
ENDS: Final = {0, 1, 3}
"""Exit codes of a gate that leaves its findings."""

SLOW_OPERATION: Final = "product_detail"
"""The quickest operation: of its requests a gate sees most, and of rare ones they are needed."""

REFERENCE_BLOCKS: Final = 48
BLOCKS: Final = 12
REFERENCE_TIMES: Final = REFERENCE_BLOCKS // BLOCKS
"""How many times a gate's own budget a reference takes."""

WHOLE_SECONDS: Final = 165.0
"""What a gate of all operations may measure, so that it passes within six minutes, with the half again of what is
unclear, and tells 1 %: each of its six comparisons has more of it than one of a gate of one operation."""

PLAN_SEED: Final = '"--plan-seed"'
FACES: Final = ("rest", "graphql")
SIZING_TURNS: Final = 50_000


@dataclass(kw_only=True)
class GateBench:
    """A scratch checkout of `commit`, in which gates are tried. `tolerance` is that of unchanged code and small doses.

    With `has_rivals` each gate of time is followed by what the field's common gates say of the same two trees. `seed`
    is the dataset's; a gate's keys and orders are drawn by its own number, where it can be asked for. One that takes
    `longest` seconds beside its budget is given up, as one that could not compare.
    """

    scratch: Path
    commit: str
    dataset: str
    budget: str
    tolerance: str
    seed: int
    note: Callable[[str], None]
    has_rivals: bool = False
    longest: float = LONGEST
    slope: dict[str, float] = field(default_factory=dict)
    gates: int = 0

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
        settings = ("user.name=calibrate", "user.email=calibrate@localhost", "commit.gpgsign=false")
        who = [word for setting in (*settings, "core.hooksPath=/dev/null") for word in ("-c", setting)]
        _git(self.scratch, *who, "commit", "--quiet", "--no-verify", "--all", "--message", "Accept a changed answer")

    def _gate(self, *, kind: str, where: str, operation: str) -> Try:
        self.note(f"{kind}, {operation or 'all operations'}, {where}")
        is_reference = kind.endswith(REFERENCE)
        # Nothing is beyond a half, so that nothing is confirmed: what is to be known is the ratio alone.
        tolerance = "50%" if is_reference or kind == SIZING else "2%" if kind in DEFAULT_TOLERANCE else self.tolerance
        times = REFERENCE_TIMES if is_reference else 1
        budget = budget_seconds(self.budget) * times if operation else WHOLE_SECONDS
        words = ["--dataset", self.dataset, "--tolerance", tolerance, "--seed", str(self.seed)]
        words += ["--budget", f"{budget:g}s", "--blocks", str(BLOCKS * times)]
        words += ["--operations", operation] if operation else []
        plan_seed = self._plan_seed()
        words += ["--plan-seed", str(plan_seed)] if plan_seed else []
        begun = time.monotonic()
        code, said = self._run(words, seconds=self.longest + budget)
        seconds = time.monotonic() - begun
        found = self._findings() if code in ENDS else None
        shutil.rmtree(self.scratch / "results", ignore_errors=True)
        effects = found.effects if found else ()
        is_timed = bool(operation) and not is_reference and (kind == UNCHANGED or kind in SLOW_KINDS)
        rivals: tuple[Rival, ...] = ()
        if self.has_rivals and is_timed:
            try:
                rivals = self._rivals(operation)
            except (LabError, subprocess.SubprocessError) as error:
                said = f"{said}; no rivals: {error}"
        return Try(
            kind=kind, where=where, operation=operation or "all",
            # A gate that leaves no findings has compared nothing, whatever its process ended with.
            code=code if found else NOT_COMPARED,
            layer=_layer(found) if found else "none", seconds=seconds, said=said,
            tolerance=float(tolerance.removesuffix("%")) / 100, blocks=BLOCKS * times, plan_seed=plan_seed,
            budget=budget, rivals=tuple((rival.name, rival.ratio) for rival in rivals),
            effects=tuple(
                (e.face, e.typical.estimate, e.typical.low, e.typical.high, f"{e.verdict} {e.detail}".strip())
                for e in effects
            ),
        )  # fmt: skip

    def _plan_seed(self) -> int:
        """The gate's number in the ledger; 0 where the gate is from before it could be asked for."""
        self.gates += 1
        door = self.scratch / "lab" / "gate_door.py"
        return self.gates if PLAN_SEED in door.read_text(encoding="utf-8") else 0

    def _run(self, words: list[str], *, seconds: float) -> tuple[int, str]:
        """A gate's exit code, and what it says in a line; 2 for one that takes longer, which is ended with its own."""
        # The base's lab judges, and makes the dataset: a planted migration must have no part in that.
        command = [sys.executable, "-P", "-m", "lab", "gate", "--base", "HEAD", *words]
        environment = {**os.environ, "PYTHONPATH": str(self.scratch), FOLDER_VARIABLE: str(TREE / ".lab")}
        log = self.scratch / "results" / "said.log"
        log.parent.mkdir(exist_ok=True)
        deadline = time.monotonic() + seconds
        # The supervisor ends the gate when this process ends, and the gate's own supervisors end with the gate.
        with Supervisor() as supervisor:
            supervisor.spawn(
                name="gate", argv=command, env=environment, log=log, cwd=self.scratch, grace=GRACE, settle=0.0
            )
            try:
                while (code := supervisor.poll("gate")) is None:
                    if time.monotonic() > deadline:
                        return NOT_COMPARED, f"given up after {seconds:g} s"
                    time.sleep(LOOK)
            finally:
                supervisor.stop("gate")
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
        verdict = next((line for line in lines if " against " in line), "")
        return code, verdict.partition(": ")[2] or verdict or lines[-1][-200:]

    def _findings(self) -> GateFindings | None:
        """What the newest gate in the scratch checkout found; None where it left nothing that can be read."""
        try:
            return read(max((self.scratch / "results" / "gate").glob("*")) / "gate.json", GateFindings)
        except (LabError, ValueError):
            return None

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
    has_rivals: bool = False, gates: int = 0,
) -> GateBench:  # fmt: skip
    """A bench on a checkout of the commit, which is gone when `stack` ends; `gates` are in the ledger already."""
    folder = TREE / ".lab" / "worktrees"
    sweep(TREE, folder=folder)
    commit = resolve(TREE, "HEAD")
    scratch = stack.enter_context(checked_out(TREE, commit, folder=folder))
    return GateBench(
        scratch=scratch, commit=commit[:COMMIT_DIGITS], dataset=dataset, budget=budget, tolerance=tolerance, seed=seed,
        note=note, has_rivals=has_rivals, gates=gates,
    )  # fmt: skip


def _layer(found: GateFindings) -> str:
    """Which layer decided: an alarm without anything slower was not one of time."""
    is_slower = any(effect.verdict == "slower" for effect in found.effects)
    return found.stopped or ("time" if is_slower or found.verdict != "regression" else "lost")


def _git(tree: Path, *words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=tree, env=git_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise LabError(f"git {words[0]} failed in {tree}: {said[-1]}", hint="free the disk, or mend it")
    return done.stdout.strip()
