"""Yields the page of two runs against each other: its charts and its tables. It compares none and renders no HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lab.compare_findings import CellPair, Comparison, Difference, EffectPair, NumberPair
from lab.compare_words import cell_name
from lab.findings import Effect, Interval
from lab.wording import place
from reports import captions, study_drawings
from reports.chart import Chart
from reports.charts import forest
from reports.verdicts import changes

CELLS = (
    "Each row is a cell, a setting of the knobs, in both runs: its mean service time in the second over that in the "
    "first. Left of 1 the second run is faster. The interval is Welch's, on logs, over the blocks of both runs; all "
    "intervals of cells hold at once (Bonferroni). It knows how blocks scatter within a run, and nothing of what the "
    "machine did between the runs: hold it against the floor."
)
EFFECTS = (
    "Each row is an effect, a ratio of two arms that ran side by side: its ratio in the second run over that in the "
    "first. At 1 the effect is what it was; below 1 its ratio fell, so what was faster became faster still. A slow "
    "minute of the machine cancels in each effect, so this compares code better than times of cells do."
)
PAIRED = (
    "Each row is a ratio that a run took within itself, of what ran side by side: in the second run over that in the "
    "first. At 1 it is what it was. A slow minute of the machine cancels in each, so this compares code better than "
    "the numbers below do."
)
NUMBERS = (
    "Each row is a number of one arm, in the second run over that in the first. Left of 1 it is less: better of a "
    "time, worse of a rate or a capacity. The runs are independent: the scatter over blocks is taken back out of "
    "both intervals, on logs (Welch), and all intervals of one kind hold at once (Bonferroni). They know nothing of "
    "what the machine did between the runs."
)


@dataclass(frozen=True, kw_only=True)
class ComparePage:
    """What the template asks of a comparison."""

    found: Comparison

    @property
    def unlike(self) -> tuple[Difference, ...]:
        """What should have kept the runs apart."""
        return tuple(each for each in self.found.differences if each.makes_unlike)

    @cached_property
    def effect_charts(self) -> tuple[Chart, ...]:
        """A forest an operation and face."""
        charts: list[Chart] = []
        for operation, face in dict.fromkeys((e.operation, e.face) for e in self.found.effects):
            own = [e for e in self.found.effects if (e.operation, e.face) == (operation, face)]
            rows = [forest.Row(name=_effect_name(each), effect=_as_effect(each)) for each in own]
            changed = sum(each.verdict == "changed" for each in own)
            head = place(operation, face) or "all operations"
            charts.append(
                _chart(
                    rows, title=f"{head}: {changed or 'none'} of {len(own)} effects changed",
                    axis="ratio in the second run / in the first (log)", identifier=f"effect-{len(charts)}",
                    operation=operation, face=face, is_of_times=False,
                )
            )  # fmt: skip
        return tuple(charts)

    @property
    def paired(self) -> tuple[NumberPair, ...]:
        """The ratios that each run took within itself."""
        return tuple(each for each in self.found.numbers if each.of.is_paired)

    @property
    def unpaired(self) -> tuple[NumberPair, ...]:
        """All other numbers."""
        return tuple(each for each in self.found.numbers if not each.of.is_paired)

    @cached_property
    def paired_charts(self) -> tuple[Chart, ...]:
        """A forest a kind of ratio and face."""
        return _number_charts(self.paired, identifier="paired")

    @cached_property
    def number_charts(self) -> tuple[Chart, ...]:
        """A forest a kind of number and face."""
        return _number_charts(self.unpaired, identifier="number")

    @cached_property
    def cell_charts(self) -> tuple[Chart, ...]:
        """A forest an operation and face, of the cells that have a ratio."""
        charts: list[Chart] = []
        for operation, face in dict.fromkeys((c.operation, c.face) for c in self.found.cells):
            own = [c for c in self.found.cells if (c.operation, c.face) == (operation, face) and c.ratio]
            rows = [forest.Row(name=self.name(cell), effect=effect) for cell in own if (effect := _of_cell(cell))]
            if rows:
                title = captions.tally_title(place(operation, face), rows, what="the second run is")
                charts.append(
                    _chart(
                        rows, title=title, axis="time in the second run / in the first (log)",
                        identifier=f"cell-{len(charts)}", operation=operation, face=face,
                    )
                )  # fmt: skip
        return tuple(charts)

    @property
    def counted(self) -> tuple[tuple[CellPair, tuple[str, ...]], ...]:
        """The cells whose requests did something else, each with what."""
        return tuple((cell, said) for cell in self.found.cells if (said := because(cell)))

    def name(self, cell: CellPair) -> str:
        """A cell by its setting."""
        return cell_name(cell, cells=self.found.cells)


def because(cell: CellPair) -> tuple[str, ...]:
    """What the second run's request did differently, counted; nothing where that is the same."""
    if cell.evidence_before is None or cell.evidence_after is None:
        return ()
    said = changes(cell.evidence_before, cell.evidence_after)
    return ("other statements or plans, at the same counts",) if said == ("nothing counted changed",) else said


def _number_charts(numbers: Sequence[NumberPair], *, identifier: str) -> tuple[Chart, ...]:
    charts: list[Chart] = []
    for what, face in dict.fromkeys((each.of.what, each.of.face) for each in numbers):
        own = [each for each in numbers if (each.of.what, each.of.face) == (what, face)]
        rows = [forest.Row(name=each.of.of, effect=effect) for each in own if (effect := _of_number(each))]
        if rows:
            charts.append(
                _chart(
                    rows, title=_number_title(place(what, face), rows),
                    axis="in the second run / in the first (log)", identifier=f"{identifier}-{len(charts)}",
                    operation="", face=face, is_of_times=False,
                )
            )  # fmt: skip
    return tuple(charts)


def _number_title(head: str, rows: Sequence[forest.Row]) -> str:
    """How many are surely other than they were, and otherwise how far they may be."""
    changed = sum(row.effect.verdict == "changed" for row in rows)
    if changed:
        return f"{head}: {changed} of {len(rows)} changed"
    same = sum(row.effect.verdict == "same" for row in rows)
    return f"{head}: none of {len(rows)} surely changed, {same or 'none'} surely the same"


def number_name(number: NumberPair) -> str:
    """A number by what it is of, and at which loads where those differ."""
    return ", ".join(filter(None, (number.of.of, number.note)))


def shown(value: Interval | float, number: NumberPair) -> study_drawings.Shown:
    """A number of either run as people read it."""
    return study_drawings.shown(value, unit=number.of.unit)


def _of_number(number: NumberPair) -> Effect | None:
    if number.ratio is None:
        return None
    return Effect(
        operation="", face=number.of.face, kind="number", subject=number.of.of, given="", typical=number.ratio,
        p=number.p, verdict=number.verdict,
    )  # fmt: skip


def _chart(
    rows: list[forest.Row], *, title: str, axis: str, identifier: str, operation: str, face: str,
    is_of_times: bool = True,
) -> Chart:  # fmt: skip
    """A forest and its data, in which only a ratio of times is faster or slower in words."""
    alternative = captions.forest_alternative(rows)
    kept = [n for n, name in enumerate(forest.header()) if is_of_times or name != forest.IN_WORDS]
    header, *data = (tuple(row[n] for n in kept) for row in (forest.header(), *forest.data(rows)))
    return Chart(
        identifier=identifier, title=title, alternative=alternative,
        svg=forest.draw(rows, axis=axis, identifier=identifier, alternative=alternative), header=header,
        rows=tuple(data), operation=operation, face=face,
    )  # fmt: skip


def _effect_name(pair: EffectPair) -> str:
    return f"{pair.subject}, {pair.given}" if pair.given else pair.subject


def _as_effect(pair: EffectPair) -> Effect:
    return Effect(
        operation=pair.operation, face=pair.face, kind=pair.kind, subject=pair.subject, given=pair.given,
        typical=pair.ratio, p=pair.p, verdict=pair.verdict,
    )  # fmt: skip


def _of_cell(cell: CellPair) -> Effect | None:
    if cell.ratio is None:
        return None
    return Effect(
        operation=cell.operation, face=cell.face, kind="cell", subject="second / first", given="", typical=cell.ratio,
        p=cell.p, verdict=cell.verdict,
    )  # fmt: skip
