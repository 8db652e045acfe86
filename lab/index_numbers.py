"""Yields what each index saves, as numbers with intervals, from a run folder alone. It words nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from lab import effect as statistics
from lab.derive import Derivation
from lab.experiment import Arm
from lab.findings import Cell, Findings, Interval
from lab.index_costs import Cost, costs, together
from lab.index_list import Listed
from lab.index_writes import TableWrites
from lab.indexes import EVERYTHING, READS
from lab.json_files import read_if_there
from lab.results import RunFolder
from lab.scatter import ratio_of
from lab.wording import varied_levels

BESIDE: Final = 0
ALONE: Final = 1
"""The numbers of the variants: all indexes or all but one, and none or one alone."""

Variant = tuple[tuple[str, str], ...]
Cells = Mapping[tuple[str, str, str, Variant], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What an index does to an operation at a face: the time with it over that without it, and the buffers of both.

    It stands beside all others, or `is_alone`. None is what was not measured.
    """

    index: str
    operation: str
    face: str
    is_alone: bool
    ratio: Interval | None
    seconds: tuple[Interval | None, Interval | None]
    buffers: tuple[int | None, int | None]


@dataclass(frozen=True)
class Weighed:
    """All that a study of indexes measured, from its folder; parts that the run did not come to are empty."""

    folder: RunFolder

    @cached_property
    def listed(self) -> Listed:
        """The indexes, and what uses each."""
        path = self.folder.path / "indexes.json"
        return read_if_there(path, Listed) or Listed(indexes=(), beside=(), alone=())

    @cached_property
    def writes(self) -> tuple[TableWrites, ...]:
        """The inserts of every table."""
        path = self.folder.path / "writes.json"
        return read_if_there(path, tuple[TableWrites, ...]) or ()

    @cached_property
    def costs(self) -> dict[str, Cost]:
        """What each index costs a row."""
        return costs(self.listed.indexes, self.writes, seed=self.folder.manifest.seed)

    @cached_property
    def together_costs(self) -> dict[str, Interval]:
        """What all indexes of a table cost its rows."""
        return together(self.writes)

    @cached_property
    def reads(self) -> Derivation | None:
        """The part in which reads were timed."""
        folder = RunFolder(self.folder.path / READS)
        return Derivation(folder) if (folder.path / "manifest.json").exists() else None

    @cached_property
    def found(self) -> Findings | None:
        """What that part found by itself."""
        return self.reads.findings() if self.reads else None

    @cached_property
    def _cells(self) -> Cells:
        return {(c.operation, c.face, c.server, c.variant): c for c in (self.found.cells if self.found else ())}

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Every operation and face."""
        return tuple(dict.fromkeys((operation, face) for operation, face, _, _ in self._cells))

    @cached_property
    def savings(self) -> tuple[Saving, ...]:
        """Every index that is used, at every operation and face: beside all others, then alone."""
        if self.found is None or self.reads is None:
            return ()
        variants = self.reads.manifest.experiment.variants
        effects = {(e.operation, e.face, e.subject, e.given): e.typical for e in self.found.effects}
        found = []
        for index in (each.name for each in self.listed.used):
            for operation, face in self.places:
                for number, variant in enumerate(variants):
                    given = varied_levels(variant, among=variants)
                    typical = effects.get((operation, face, f"{index} / {EVERYTHING}", given))
                    own = self._cells.get((operation, face, index, variant))
                    other = self._cells.get((operation, face, EVERYTHING, variant))
                    # Beside all others the index's own server is the one that lacks it.
                    sides = (own, other) if number == ALONE else (other, own)
                    ratio = typical if number == ALONE or typical is None else inverse(typical)
                    found.append(_saving(index, operation, face, sides, ratio=ratio, is_alone=number == ALONE))
        return tuple(found)

    @cached_property
    def together(self) -> tuple[Saving, ...]:
        """All indexes against none, at every operation and face."""
        if self.reads is None:
            return ()
        found = []
        for operation, face in self.places:
            arms = [
                Arm(server=EVERYTHING, face=face, variant=variant)
                for variant in self.reads.manifest.experiment.variants
            ]
            sides = [self._cells.get((operation, face, EVERYTHING, arm.variant)) for arm in arms]
            numbers = [self.reads.numbers[operation, arm] for arm in arms]
            pairs = [block.pairs(numbers[BESIDE], numbers[ALONE]) for block in self.reads.blocks]
            logs = np.array([statistics.typical(*each) for each in pairs if len(each[0])])
            ratio = ratio_of(logs) if len(logs) > 1 else None
            found.append(
                _saving(EVERYTHING, operation, face, (sides[BESIDE], sides[ALONE]), ratio=ratio, is_alone=False)
            )
        return tuple(found)


def inverse(ratio: Interval) -> Interval:
    """The ratio the other way round."""
    return Interval(
        estimate=1 / ratio.estimate, low=1 / ratio.high, high=1 / ratio.low, blocks=ratio.blocks,
        simultaneous=ratio.simultaneous,
    )  # fmt: skip


def _saving(
    index: str, operation: str, face: str, sides: tuple[Cell | None, Cell | None], *, ratio: Interval | None,
    is_alone: bool,
) -> Saving:  # fmt: skip
    """`sides` are the cells with the index and without it."""
    with_it, without = sides
    return Saving(
        index=index, operation=operation, face=face, is_alone=is_alone, ratio=ratio,
        seconds=(_service(with_it), _service(without)), buffers=(_buffers(with_it), _buffers(without)),
    )  # fmt: skip


def _service(cell: Cell | None) -> Interval | None:
    return cell.service if cell else None


def _buffers(cell: Cell | None) -> int | None:
    return cell.warm.shared_buffers if cell and cell.warm else None
