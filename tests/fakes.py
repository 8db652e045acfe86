"""Yields complete run folders with planted service times, in milliseconds and without servers.

The plan, the request lists and the sample files are made by the lab's own code; only times and sensors are made up.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lab.derive import planned_cells
from lab.experiment import Arm, Experiment, Knob, Server
from lab.findings import Evidence, Proof, Stage, Statement
from lab.json_files import write
from lab.plan import Plan, PlannedCell, plan_block, plan_run
from lab.recorder import Fault, Recorder
from lab.results import CellProof, Manifest, ProofRecord, ProvenAnswer, RunFolder
from lab.script import Report

SERVERS = Experiment(
    name="null", question="Does the lab see a difference between two servers?", operations=("fake:LIST",),
    faces=("rest",), servers=(Server(name="a"), Server(name="b")), variant=(("cache", "off"),), keys=4,
)  # fmt: skip
"""Two servers, one operation, one face: two cells and a floor."""

KNOBS = Experiment(
    name="toggles", question="What does each knob buy?", operations=("fake:LIST", "fake:SEARCH", "fake:DETAIL"),
    knobs=(
        Knob(name="select_related"), Knob(name="prefetch_related"), Knob(name="indexes"),
        Knob(name="cache", levels=("off", "query", "view", "both")),
    ),
)  # fmt: skip
"""The design of `toggles`: 96 cells and six floors."""

FLOOR = 0.0005


@dataclass(frozen=True, kw_only=True)
class FakeRun:
    """What a fake run is planted with; `make` writes it.

    `seconds` gives each cell's true service time. `noise` is the standard deviation of a request's logarithm,
    `block_noise` that of a cell's in one block, `drift` that of a pass, which all its cells share. `wrong` names cells
    whose answers are not the proven ones, `sensors` what the sensors of a block read, `proof_void` why a cell is void,
    and `fresh` the cells' true times in the blocks of a confirmation.
    """

    experiment: Experiment
    seconds: Callable[[PlannedCell], float]
    noise: float = 0.02
    block_noise: float = 0.002
    drift: float = 0.05
    rounds: int = 16
    seed: int = 1
    wrong: frozenset[int] = frozenset()
    proof_void: Mapping[int, str] = field(default_factory=dict)
    sensors: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    spares: tuple[int, ...] = ()
    fresh: Callable[[PlannedCell], float] | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations' names, as loading them would give."""
        return tuple(dotted.partition(":")[2].lower() for dotted in self.experiment.operations)

    @property
    def cells(self) -> tuple[PlannedCell, ...]:
        """Every cell, then the floors, with their true times."""
        cells = planned_cells(self.experiment, operations=self.operations)
        return tuple(replace(cell, seconds=self.seconds(cell)) for cell in cells)

    def number(self, **wanted: str) -> int:
        """The index of the one cell with these words: operation, server, face, or a knob's level."""
        (found,) = (cell.index for cell in self.cells if cell.arm and wanted.items() <= words(cell).items())
        return found

    def make(self, path: Path) -> RunFolder:
        """Writes the whole run to a new folder at `path`."""
        path.mkdir(parents=True)
        folder = RunFolder(path)
        folder.samples.mkdir()
        folder.blocks.mkdir()
        folder.save("manifest", self._manifest(path.name))
        folder.save("proof", self._proof())
        plan = self.plan()
        folder.save("plan", plan)
        for index in (*range(plan.blocks), *map(plan.spare, self.spares), *(plan.confirming if self.fresh else ())):
            self._block(folder, plan=plan, index=index)
        folder.save("stages", (Stage(name="services", seconds=1.5), Stage(name="measuring", seconds=20.0, budget=18.0)))
        return folder

    def plan(self) -> Plan:
        """The lab's own plan, with as many rounds as the fake was asked for."""
        timed = [cell for cell in self.cells if cell.index not in self.proof_void]
        experiment = self.experiment
        plan = plan_run(
            timed, budget=90.0, blocks=experiment.blocks, boot_seconds=2.0, keys=experiment.keys, seed=self.seed
        )
        return replace(plan, rounds=self.rounds)

    def _manifest(self, run: str) -> Manifest:
        return Manifest(
            experiment=self.experiment, run=run, started="2026-01-02T03:04:05+00:00", command="./noxw -s lab",
            dataset=(("size", "small"), ("seed", "1"), ("rows", "12,340"), ("fingerprint", "0123456789abcdef")),
            operations=self.operations, environment=(("commit", "abc123"), ("cores", "2")), settings=(("jit", "off"),),
            budget=90.0, seed=self.seed,
        )  # fmt: skip

    def _proof(self) -> ProofRecord:
        keys = self.experiment.keys
        arms = len(self.experiment.arms)
        return ProofRecord(
            cells=tuple(self._cell_proof(cell) for cell in self.cells),
            proofs=tuple(
                Proof(operation=name, answers=arms * (keys + 1), cells=arms, parameters=keys)
                for name in self.operations
            ),
        )

    def _cell_proof(self, cell: PlannedCell) -> CellProof:
        void = self.proof_void.get(cell.index, "")
        body = answer(cell)
        proven = ProvenAnswer(key=0, status=200, length=len(body), checksum=zlib.crc32(body))
        answers = () if void else tuple(replace(proven, key=key) for key in range(self.experiment.keys))
        if cell.arm is None:
            return CellProof(cell=cell.index, seconds=cell.seconds, answers=answers)
        cold, warm = evidence(cell.arm, hit=False), evidence(cell.arm, hit=dict(cell.arm.variant)["cache"] != "off")
        return CellProof(
            cell=cell.index, seconds=cell.seconds, answers=answers, cold=cold, warm=None if void else warm, void=void
        )

    def _block(self, folder: RunFolder, *, plan: Plan, index: int) -> None:
        random = np.random.default_rng((self.seed, index))
        true = self.fresh if self.fresh and plan.is_confirming(index) else self.seconds
        luck = random.normal(0.0, self.block_noise, len(self.cells))
        usual = np.array([true(cell) for cell in self.cells]) * np.exp(luck)
        lengths = [len(answer(cell)) for cell in self.cells]
        # Small frames: a file that is cut keeps most of them.
        block, recorder, clock = plan_block(plan, index=index), Recorder(folder.sample_file(index), every=16), 10**9
        passes = [(True, number, asks) for number, asks in enumerate(block.warm)]
        passes += [(False, number, asks) for number, asks in enumerate(block.passes)]
        failures = 0
        for warm, number, asks in passes:
            noise = np.exp(random.normal(0.0, self.drift) + random.normal(0.0, self.noise, len(asks)))
            for ask, factor in zip(asks, noise, strict=True):
                sent, fault = clock, Fault.CONTENT if ask.cell in self.wrong else Fault.NONE
                clock += round(usual[ask.cell] * factor * 1e9)
                failures += bool(fault)
                recorder.add((ask.cell, ask.key, number, 200, fault, warm, lengths[ask.cell], sent, sent, clock, 0))
        recorder.close()
        report = Report(
            requests=recorder.written, failures=failures, seconds=clock / 1e9, passes_done=len(block.passes),
            passes_planned=len(block.passes), kernels=tuple(1_000_000 + 1_000 * (n % 7) for n in range(20)),
            generator_share=0.2, steal=0.0, pressure=0.01,
        )  # fmt: skip
        write(replace(report, **self.sensors.get(index, {})), folder.report_file(index))


def words(cell: PlannedCell) -> dict[str, str]:
    """A cell's operation, server, face and levels by name; a floor has no server."""
    arm = {"server": cell.arm.server, **dict(cell.arm.variant)} if cell.arm else {}
    return {"operation": cell.operation, "face": cell.face, **arm}


def answer(cell: PlannedCell) -> bytes:
    """What a cell is said to answer: the same for all arms of an operation."""
    return f"an answer of {cell.operation}".encode()


def evidence(arm: Arm, *, hit: bool) -> Evidence:
    """What a request is said to have done: 41 statements lazily, 20 saved by each of two knobs, none at a hit."""
    levels = dict(arm.variant)
    repeats = 41 - 20 * (levels.get("select_related") == "on") - 20 * (levels.get("prefetch_related") == "on")
    statement = Statement(
        fingerprint="0123456789ab", sql="SELECT id FROM product WHERE id = %s", database="default", count=repeats,
        rows=repeats, seconds=0.0001 * repeats, line="targets/catalog/loaders.py:1 product_of",
    )  # fmt: skip
    cached = levels.get("cache", "off") != "off"
    return Evidence(
        statements=() if hit else (statement,), body_bytes=18, cache_hits=int(hit),
        cache_misses=int(cached and not hit), seconds=0.01, database_seconds=0.005,
        counted_by_database=0 if hit else repeats,
    )  # fmt: skip


def by_knobs(
    start: float, *, ratios: Mapping[str, float], hit: float = 0.002, floor: float = FLOOR
) -> Callable[[PlannedCell], float]:
    """True times: `start` seconds times the ratio of each knob that is on, `hit` seconds where the cache is.

    `ratios` may hold `graphql`, which is a ratio to REST.
    """

    def seconds(cell: PlannedCell) -> float:
        if cell.arm is None:
            return floor
        levels = dict(cell.arm.variant)
        face = ratios.get(cell.face, 1.0)
        if levels.get("cache", "off") != "off":
            return hit * face
        return start * face * float(np.prod([ratios.get(knob, 1.0) for knob, level in levels.items() if level == "on"]))

    return seconds


def by_server(start: float, *, ratio: float, floor: float = FLOOR) -> Callable[[PlannedCell], float]:
    """True times of two servers: `start` seconds for a, and `ratio` times as many for b."""
    return lambda cell: floor if cell.arm is None else start * (ratio if cell.arm.server == "b" else 1.0)
