"""Yields the findings of a run from its folder alone: the same bytes in, the same findings out. It measures nothing."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.answer_words import answer
from lab.comparisons import Comparisons
from lab.distance import Place, Typical, alone_typical, ceiling_ratio, ceilings, cells_typical, place_of
from lab.errors import LabError
from lab.experiment import Arm, Experiment
from lab.findings import IN_DOUBT, Block, Cell, Findings
from lab.json_files import read
from lab.plan import Plan, PlannedCell
from lab.recorder import SAMPLE, read_samples
from lab.results import REPORT_STAGE, AloneTimes, CellProof, Manifest, ProofRecord, RunFolder
from lab.script import Report
from lab.summary import BlockTimes, CellTimes, block_times, cell_times
from lab.verdict import VOID_LIMIT, kernel_ratios, void_reasons
from lab.wording import own_notes

INTERRUPTED: Final = "the run ended before it was measured"
INTERRUPTED_BLOCK: Final = "the run ended in it"
DAMAGED_REPORT: Final = "its report is damaged, so its sensors are not known"


def derive(folder: RunFolder) -> Findings:
    """The findings of the run in `folder`, also of one that was interrupted. Raises LabError without a manifest."""
    return Derivation(folder).findings()


def planned_cells(experiment: Experiment, *, operations: Sequence[str]) -> tuple[PlannedCell, ...]:
    """Every cell of the experiment in its one order, then the floor of each operation and face; times are zero.

    A user's own target has no floor.
    """
    cells = [(operation, arm.face, arm) for operation in operations for arm in experiment.arms]
    faces = () if experiment.own else experiment.faces
    floors = [(operation, face, None) for operation in operations for face in faces]
    return tuple(
        PlannedCell(index=index, operation=operation, face=face, arm=arm, seconds=0.0)
        for index, (operation, face, arm) in enumerate([*cells, *floors])
    )


@dataclass
class Derivation:
    """A run's intermediate values, each made once, from its folder alone; a part of a study is such a run too."""

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
    def plan(self) -> Plan | None:
        """The plan; None where the run ended before there was one."""
        return self.folder.plan if self.folder.has_plan else None

    @cached_property
    def proof(self) -> ProofRecord:
        return self.folder.proof

    @cached_property
    def proofs(self) -> dict[int, CellProof]:
        return {proof.cell: proof for proof in self.proof.cells}

    @cached_property
    def reports(self) -> dict[int, Report]:
        found: dict[int, Report] = {}
        for index, path in _numbered(self.folder.blocks, suffix=".report.json").items():
            # A damaged report is that of a block which was interrupted: its samples count, its sensors do not.
            with suppress(LabError):
                found[index] = read(path, Report)
        return found

    @cached_property
    def samples(self) -> dict[int, tuple[NDArray[np.void], str]]:
        """Each block's valid samples, and what is wrong with its file."""
        paths, count = _numbered(self.folder.samples, suffix=".samples"), len(self.cells)
        found: dict[int, tuple[NDArray[np.void], str]] = {}
        for index in sorted({*paths, *self.reports}):
            name, report = self.folder.sample_file(index).name, self.reports.get(index)
            rows, damage = read_samples(paths[index]) if index in paths else (np.zeros(0, SAMPLE), f"{name} is missing")
            if not damage and report and len(rows) != report.requests:
                # A file that ends with a whole frame looks whole.
                damage = f"{name} has {len(rows)} of the {report.requests} samples that were written; they are used"
            found[index] = (rows[rows["cell"] < count], damage)
        return found

    @cached_property
    def damages(self) -> list[str]:
        """What is wrong with sample files."""
        return [damage for _, damage in self.samples.values() if damage]

    @cached_property
    def kernels(self) -> dict[int, float]:
        return kernel_ratios({index: report.kernels for index, report in self.reports.items()})

    @cached_property
    def voids(self) -> dict[int, str]:
        return void_reasons(self.reports)

    @cached_property
    def tables(self) -> list[BlockTimes]:
        """Every block as a table, the void ones too."""
        count = len(self.cells)
        return [block_times(rows, index=index, cells=count) for index, (rows, _) in self.samples.items()]

    @cached_property
    def blocks(self) -> list[BlockTimes]:
        """The blocks that count."""
        return [block for block in self.tables if not self.voids.get(block.index)]

    @cached_property
    def times(self) -> dict[int, CellTimes]:
        return {cell.index: cell_times(self.blocks, cell=cell.index) for cell in self.cells}

    @cached_property
    def failures(self) -> NDArray[np.int64]:
        zero = np.zeros(len(self.cells), dtype=np.int64)
        return np.sum([zero, *(block.failures for block in self.tables)], axis=0)

    @cached_property
    def floors(self) -> dict[tuple[str, str], float]:
        """The floor's median in seconds by operation and face."""
        medians = {(c.operation, c.face): self.times[c.index].median for c in self.cells if c.arm is None}
        return {place: value for place, value in medians.items() if value is not None}

    @cached_property
    def alone(self) -> list[tuple[dict[int, Typical], dict[Place, Typical]]]:
        """Of the blocks that count and in which PostgreSQL alone was timed: what cells took, and what it took."""
        found = []
        for index, path in _numbered(self.folder.blocks, suffix=".alone.json").items():
            if any(block.index == index for block in self.blocks):
                with suppress(LabError):
                    times = read(path, tuple[AloneTimes, ...])
                    found.append((cells_typical(self.samples[index][0]), alone_typical(times)))
        return found

    @cached_property
    def unlike(self) -> set[tuple[str, str, str]]:
        """Operation, paging and face of cells that answer with other values than PostgreSQL writes: less, as a rule."""
        faces = self.manifest.experiment.faces
        return {(s.operation, s.paging, face) for s in self.proof.alone for face in faces if face not in s.faces}

    def findings(self) -> Findings:
        manifest = self.manifest
        cells = tuple(self._cell(cell) for cell in self.cells if cell.arm)
        effects = self.comparisons.effects()
        limits = ceilings([theirs for _, theirs in self.alone])
        blocks = tuple(self._block(index) for index in sorted(self.samples))
        planned = self.plan.blocks if self.plan else None
        return Findings(
            experiment=manifest.experiment.name,
            run=manifest.run,
            question=manifest.experiment.question,
            answer=answer(
                knobs=[knob.name for knob in manifest.experiment.knobs],
                held=manifest.experiment.variant,
                cells=cells, effects=effects, proofs=self.proof.proofs, blocks=blocks, ceilings=limits,
                along=manifest.experiment.along, along_what=manifest.experiment.along_what,
            ),
            dataset=manifest.dataset,
            knobs=tuple(knob.name for knob in manifest.experiment.knobs),
            held=manifest.experiment.variant,
            complete=planned is not None and len(self.reports) >= planned and not self.damages,
            cells=cells,
            effects=effects,
            waterfalls=self.comparisons.waterfalls(),
            proofs=self.proof.proofs,
            blocks=blocks,
            stages=tuple(stage for stage in self.folder.stages if stage.name != REPORT_STAGE),
            environment=manifest.environment,
            settings=manifest.settings,
            notes=self._notes(cells, planned=planned),
            ceilings=limits,
            command=manifest.command,
            along=manifest.experiment.along,
            along_what=manifest.experiment.along_what,
            target=manifest.experiment.own.kind if manifest.experiment.own else "",
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
            ceiling_ratio=None if reason or (*place_of(cell), cell.face) in self.unlike else ceiling_ratio(
                cell, cells=[ours for ours, _ in self.alone], alone=[theirs for _, theirs in self.alone]
            ),
            cold=proof.cold if proof else None, warm=proof.warm if proof else None,
            body_bytes=proof.answers[0].length if proof and proof.answers and not proof.cold else None,
        )  # fmt: skip

    def _block(self, index: int) -> Block:
        rows, damage = self.samples[index]
        report = self.reports.get(index)
        if report is None:
            lost = DAMAGED_REPORT if self.folder.report_file(index).exists() else INTERRUPTED_BLOCK
            return Block(index=index, seconds=0.0, requests=len(rows), note=damage or lost)
        return Block(
            index=index, seconds=report.seconds, requests=report.requests, void=self.voids[index],
            note=damage,
            steal=report.steal, pressure=report.pressure, generator_share=report.generator_share,
            kernel_ratio=self.kernels.get(index),
        )  # fmt: skip

    @cached_property
    def comparisons(self) -> Comparisons:
        plan = self.plan
        counted = [block for block in self.blocks if plan and not plan.is_confirming(block.index)]
        void = sum(map(bool, self.voids.values()))
        ended = plan is not None and len(self.reports) >= plan.blocks
        # A void block that was run again is made good; in a run that was interrupted none was.
        in_doubt = (
            len(counted) < (1 - VOID_LIMIT) * plan.blocks if plan and ended else void > VOID_LIMIT * len(self.voids)
        )
        return Comparisons(
            experiment=self.manifest.experiment, operations=self.manifest.operations,
            blocks=counted,
            confirming=[block for block in self.blocks if plan and plan.is_confirming(block.index)],
            numbers=self.numbers, times=self.times, floors=self.floors, seed=self.manifest.seed,
            unusable=frozenset(int(cell) for cell in np.flatnonzero(self.failures)),
            in_doubt=IN_DOUBT if in_doubt else "",
        )  # fmt: skip

    def _notes(self, cells: Sequence[Cell], *, planned: int | None) -> tuple[str, ...]:
        own = self.manifest.experiment.own
        notes = [*own_notes(own.kind if own else ""), *self.proof.notes]
        if planned is None:
            notes.append("The run ended before anything was timed.")
        elif len(self.reports) < planned:
            notes.append(
                f"The run ended early, or lost a part: {len(self.reports)} of {planned} blocks have the report that "
                "each writes at its end. What was measured is shown."
            )
        notes += self.damages
        evidence = [proof.cold for proof in self.proof.cells if proof.cold]
        if (evidence or (self.proof.cells and not own)) and all(each.counted_by_database is None for each in evidence):
            notes.append("Statements were not verified by the database: pg_stat_statements is not available there.")
        if void := [cell for cell in cells if cell.state == "void"]:
            notes.append(f"{len(void)} cells are void; the table of cells gives the reasons.")
        return tuple(notes)


def _numbered(folder: Path, *, suffix: str) -> dict[int, Path]:
    """The blocks' files in `folder` by block; files of other names are nobody's."""
    pattern = re.compile(rf"block-(\d+){re.escape(suffix)}")
    names = {path: pattern.fullmatch(path.name) for path in sorted(folder.glob("block-*"))}
    return {int(match[1]): path for path, match in names.items() if match}
