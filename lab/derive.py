"""Yields the findings of a run from its folder alone: the same bytes in, the same findings out. It measures nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab import effect as statistics
from lab import wording
from lab.contrasts import Contrast, contrasts
from lab.effect import Estimate
from lab.experiment import Arm, Experiment
from lab.findings import Block, Cell, Effect, Findings, Interval, Step, Waterfall
from lab.json_files import read
from lab.plan import PlannedCell
from lab.recorder import read_samples
from lab.results import CellProof, Manifest, ProofRecord, RunFolder
from lab.script import Report
from lab.summary import BlockTimes, CellTimes, block_times, cell_times
from lab.verdict import VOID_LIMIT, Verdict, judge, void_reasons

NEAR_FLOOR: Final = 3.0
"""Times the floor below which a cell is marked: much of what it takes is what any answer takes."""

INTERRUPTED: Final = "the run ended before it was measured"


def derive(folder: RunFolder) -> Findings:
    """The findings of the run in `folder`, also of one that was interrupted. Raises LabError without a manifest."""
    return _Derivation(folder).findings()


def planned_cells(experiment: Experiment, *, operations: Sequence[str]) -> tuple[PlannedCell, ...]:
    """Every cell of the experiment in its one order, then the floor of each operation and face; times are zero."""
    cells = [(operation, arm.face, arm) for operation in operations for arm in experiment.arms]
    floors = [(operation, face, None) for operation in operations for face in experiment.faces]
    return tuple(
        PlannedCell(index=index, operation=operation, face=face, arm=arm, seconds=0.0)
        for index, (operation, face, arm) in enumerate([*cells, *floors])
    )


@dataclass
class _Derivation:
    """The intermediate values of one derivation, each made once."""

    folder: RunFolder

    @cached_property
    def manifest(self) -> Manifest:
        return self.folder.manifest

    @cached_property
    def cells(self) -> tuple[PlannedCell, ...]:
        return planned_cells(self.manifest.experiment, operations=self.manifest.operations)

    @cached_property
    def numbers(self) -> dict[tuple[str, Arm], int]:
        return {(cell.operation, cell.arm): cell.index for cell in self.cells if cell.arm}

    @cached_property
    def proof(self) -> ProofRecord:
        exists = (self.folder.path / "proof.json").exists()
        return self.folder.proof if exists else ProofRecord(cells=(), proofs=())

    @cached_property
    def proofs(self) -> dict[int, CellProof]:
        return {proof.cell: proof for proof in self.proof.cells}

    @cached_property
    def reports(self) -> dict[int, Report]:
        paths = sorted(self.folder.blocks.glob("block-*.report.json"))
        return {int(path.name.split("-")[1].split(".")[0]): read(path, Report) for path in paths}

    @cached_property
    def samples(self) -> dict[int, tuple[NDArray[np.void], str]]:
        paths = sorted(self.folder.samples.glob("block-*.samples"))
        return {int(path.stem.split("-")[1]): read_samples(path) for path in paths}

    @cached_property
    def voids(self) -> dict[int, str]:
        return void_reasons(self.reports)

    @cached_property
    def blocks(self) -> list[BlockTimes]:
        """The blocks that count, as tables."""
        return [
            block_times(rows, index=index, cells=len(self.cells))
            for index, (rows, _) in self.samples.items()
            if not self.voids.get(index)
        ]

    @cached_property
    def times(self) -> dict[int, CellTimes]:
        return {cell.index: cell_times(self.blocks, cell=cell.index) for cell in self.cells}

    @cached_property
    def failures(self) -> NDArray[np.int64]:
        zero = np.zeros(len(self.cells), dtype=np.int64)
        return np.sum([zero, *(block.failures for block in self.blocks)], axis=0)

    @cached_property
    def floors(self) -> dict[tuple[str, str], float]:
        """The floor's median in seconds by operation and face."""
        medians = {(c.operation, c.face): self.times[c.index].median for c in self.cells if c.arm is None}
        return {place: value for place, value in medians.items() if value is not None}

    def findings(self) -> Findings:
        manifest = self.manifest
        cells = tuple(self._cell(cell) for cell in self.cells if cell.arm)
        effects = self._effects()
        blocks = tuple(self._block(index) for index in sorted(self.samples))
        planned = self.folder.plan.blocks if (self.folder.path / "plan.json").exists() else None
        return Findings(
            experiment=manifest.experiment.name,
            run=manifest.run,
            question=manifest.experiment.question,
            answer=wording.answer(
                knobs=[knob.name for knob in manifest.experiment.knobs],
                cells=cells, effects=effects, proofs=self.proof.proofs, blocks=blocks,
            ),
            dataset=manifest.dataset,
            knobs=tuple(knob.name for knob in manifest.experiment.knobs),
            complete=planned is not None and len(self.reports) >= planned,
            cells=cells,
            effects=effects,
            waterfalls=self._waterfalls(),
            proofs=self.proof.proofs,
            blocks=blocks,
            stages=self.folder.stages,
            environment=manifest.environment,
            settings=manifest.settings,
            notes=self._notes(cells, planned=planned),
            command=manifest.command,
        )  # fmt: skip

    def _cell(self, cell: PlannedCell) -> Cell:
        assert cell.arm is not None  # noqa: S101 - floors are no cells of the findings
        proof, times = self.proofs.get(cell.index), self.times[cell.index]
        reason = ""
        if proof and proof.void:
            reason = proof.void
        elif self.failures[cell.index]:
            reason = f"{self.failures[cell.index]} answers were not the proven one"
        elif not times.requests:
            reason = INTERRUPTED if proof is None or not self.blocks else "no request of it came to its turn"
        if reason:
            times = CellTimes(requests=times.requests, block_means=(), service=None, quantiles=())
        floor = self.floors.get((cell.operation, cell.face))
        middle = times.median
        return Cell(
            operation=cell.operation, server=cell.arm.server, face=cell.face, variant=cell.arm.variant,
            state="void" if reason else "measured", reason=reason, requests=times.requests, service=times.service,
            block_means=times.block_means, quantiles=times.quantiles,
            floor_ratio=middle / floor if middle and floor else None,
            net=middle - floor if middle and floor else None,
            cold=proof.cold if proof else None, warm=proof.warm if proof else None,
        )  # fmt: skip

    def _block(self, index: int) -> Block:
        rows, damage = self.samples[index]
        report = self.reports.get(index)
        if report is None:
            return Block(index=index, seconds=0.0, requests=len(rows), void=damage)
        usual = float(np.median([np.median(each.kernels) for each in self.reports.values() if each.kernels] or [0.0]))
        return Block(
            index=index, seconds=report.seconds, requests=report.requests, void=self.voids[index] or damage,
            steal=report.steal, pressure=report.pressure, generator_share=report.generator_share,
            kernel_ratio=float(np.median(report.kernels)) / usual if report.kernels and usual else None,
        )  # fmt: skip

    def _effects(self) -> tuple[Effect, ...]:
        """Every contrast that can be estimated, all bounds simultaneous."""
        wanted = contrasts(self.manifest.experiment, operations=self.manifest.operations)
        columns: list[list[float]] = []
        for contrast in wanted:
            columns.append([self._typical(contrast, block) for block in self.blocks])
            if contrast.kind == "server":
                columns.append([self._pairwise(contrast, block, statistics.total) for block in self.blocks])
                columns.append([self._pairwise(contrast, block, statistics.few) for block in self.blocks])
        if not self.blocks or not columns:
            return ()
        values = np.array(columns).T
        estimates = iter(zip(statistics.estimate(values, seed=self.manifest.seed), values.T, strict=True))
        found: list[Effect] = []
        for contrast in wanted:
            typical, dots = next(estimates)
            total = few = None
            if contrast.kind == "server":
                (total, _), (few, _) = next(estimates), next(estimates)
            if typical is not None:
                found.append(self._effect(contrast, typical=typical, total=total, few=few, dots=dots))
        return tuple(found)

    def _typical(self, contrast: Contrast, block: BlockTimes) -> float:
        """The contrast's value in one block; NaN when one of its pairs never ran together there."""
        value = 0.0
        for pair in contrast.pairs:
            cells = self._pair(contrast, pair.candidate, pair.reference)
            candidate, reference = block.pairs(*cells)
            if not len(candidate) or self._is_void(cells):
                return float("nan")
            value += pair.weight * statistics.typical(candidate, reference)
        return value

    def _pairwise(self, contrast: Contrast, block: BlockTimes, number: object) -> float:
        (pair,) = contrast.pairs
        cells = self._pair(contrast, pair.candidate, pair.reference)
        candidate, reference = block.pairs(*cells)
        if not len(candidate) or self._is_void(cells):
            return float("nan")
        return float(number(candidate, reference))  # type: ignore[operator]

    def _pair(self, contrast: Contrast, candidate: Arm, reference: Arm) -> tuple[int, int]:
        return self.numbers[contrast.operation, candidate], self.numbers[contrast.operation, reference]

    def _is_void(self, cells: tuple[int, int]) -> bool:
        return any(self.failures[cell] for cell in cells)

    def _effect(
        self, contrast: Contrast, *, typical: Estimate, total: Estimate | None, few: Estimate | None, dots: NDArray[np.float64]
    ) -> Effect:
        verdict = judge(typical, total=total, few=few)
        if sum(map(bool, self.voids.values())) > VOID_LIMIT * max(len(self.samples), 1):
            verdict = Verdict(word="unclear", detail="because of void blocks")
        near, net = self._against_floor(contrast)
        return Effect(
            operation=contrast.operation, face=contrast.face, kind=contrast.kind, subject=contrast.subject,
            given=contrast.given, typical=_ratio(typical), total=_ratio(total) if total else None,
            few=Interval(
                estimate=few.mean, low=few.low, high=few.high, blocks=few.blocks, simultaneous=few.simultaneous
            ) if few else None,
            p=typical.p, verdict=verdict.word, detail=verdict.detail,
            dots=tuple(exp(value) for value in dots if np.isfinite(value)), near_floor=near, net_ratio=net,
        )  # fmt: skip

    def _against_floor(self, contrast: Contrast) -> tuple[bool, float | None]:
        """Whether a side is near the floor, and then the ratio with the floor subtracted from both sides."""
        logs, near = 0.0, False
        for pair in contrast.pairs:
            floor = self.floors.get((contrast.operation, pair.candidate.face))
            sides = [self.times[self.numbers[contrast.operation, arm]].median for arm in (pair.candidate, pair.reference)]
            if floor is None or None in sides:
                return False, None
            candidate, reference = (side for side in sides if side is not None)
            near = near or min(candidate, reference) < NEAR_FLOOR * floor
            if candidate <= floor or reference <= floor:
                return near, None
            logs += pair.weight * float(np.log((candidate - floor) / (reference - floor)))
        return near, exp(logs) if near and contrast.kind != "interaction" else None

    def _waterfalls(self) -> tuple[Waterfall, ...]:
        experiment = self.manifest.experiment
        if not experiment.knobs:
            return ()
        places = [(operation, face) for operation in self.manifest.operations for face in experiment.faces]
        return tuple(fall for place in places if (fall := self._waterfall(*place)) is not None)

    def _waterfall(self, operation: str, face: str) -> Waterfall | None:
        """Shapley shares from the passes in which all settings ran; None below two such blocks."""
        knobs = self.manifest.experiment.knobs
        arms = [arm for arm in self.manifest.experiment.arms if arm.face == face]
        columns = [self.numbers[operation, arm] for arm in arms]
        if any(self.failures[column] for column in columns):
            return None
        means = []
        for block in self.blocks:
            seconds = block.seconds[:, columns]
            whole = seconds[np.isfinite(seconds).all(axis=1)]
            if len(whole):
                means.append(whole.mean(axis=0))
        if len(means) < 2:  # noqa: PLR2004 - an interval needs two
            return None
        table = np.array(means)
        sets = [frozenset(k.name for k, (_, level) in zip(knobs, arm.variant, strict=True) if level == k.on) for arm in arms]
        values = {on: table[:, column] for column, on in enumerate(sets)}
        shares = statistics.shapley(values, knobs=[knob.name for knob in knobs])
        return Waterfall(
            operation=operation,
            face=face,
            start=float(values[frozenset()].mean()),
            end=float(values[frozenset(knob.name for knob in knobs)].mean()),
            steps=tuple(Step(knob=name, seconds=_seconds(share)) for name, share in shares.items()),
        )

    def _notes(self, cells: Sequence[Cell], *, planned: int | None) -> tuple[str, ...]:
        notes = list(self.proof.notes)
        if planned is None:
            notes.append("The run ended before anything was timed.")
        elif len(self.reports) < planned:
            notes.append(f"The run ended in block {len(self.samples)} of {planned}; what was measured until then is shown.")
        notes += [damage for _, damage in self.samples.values() if damage]
        if self.proof.cells and all(
            evidence.counted_by_database is None for proof in self.proof.cells for evidence in (proof.cold,) if evidence
        ):
            notes.append("Statements were not verified by the database: pg_stat_statements is not available there.")
        if void := [cell for cell in cells if cell.state == "void"]:
            notes.append(f"{len(void)} cells are void; the table of cells gives the reasons.")
        return tuple(notes)


def _ratio(estimate: Estimate) -> Interval:
    return Interval(
        estimate=exp(estimate.mean), low=exp(estimate.low), high=exp(min(estimate.high, 300.0)), blocks=estimate.blocks,
        simultaneous=estimate.simultaneous,
    )  # fmt: skip


def _seconds(values: NDArray[np.float64]) -> Interval:
    mean, half = float(values.mean()), statistics.interval_half_width(values)
    return Interval(estimate=mean, low=mean - half, high=mean + half, blocks=len(values))
