"""Yields the charts of a load, in reading order: which cells go into which drawing. It draws none itself."""

from collections.abc import Iterable

from lab.load_findings import LoadCell
from reports import load_captions as captions
from reports.arms import LINE, Arms
from reports.chart import Chart
from reports.charts import costs, growth, percentiles, waiting
from reports.places import places

_DOTS = 2
"""Arms from which a step is a comparison."""


def growths(arms: Arms) -> tuple[Chart, ...]:
    """Throughput against users, a chart per face, where the ladder has enough steps for a line."""
    charts: list[Chart] = []
    for face in arms.faces:
        if not arms.has_lines(face=face, kind="closed"):
            continue
        lines = []
        for place, variant in enumerate(arms.main(face)):
            cells = arms.along(variant, face=face, kind="closed")
            lines.append(
                growth.Line(
                    place=place,
                    name=arms.name(variant),
                    cells=cells,
                    limited=frozenset(cell.level for cell in cells if arms.is_generator_limited(cell)),
                    own=arms.scalability(variant, face=face),
                )
            )
        if not any(cell.achieved for line in lines for cell in line.cells):
            continue
        identifier, alternative = f"growth-{len(charts)}", captions.growth_alternative(lines)
        charts.append(
            Chart(
                identifier=identifier,
                title=captions.growth_title(face, lines),
                alternative=alternative,
                svg=growth.draw(lines, identifier=identifier, alternative=alternative),
                header=growth.header(),
                rows=growth.data(lines),
                face=face,
                at=_of_cells(arms, (cell for line in lines for cell in line.cells)),
            )
        )
    return tuple(charts)


def waits(arms: Arms) -> tuple[Chart, ...]:
    """Response time against offered rate, a chart per face, where there are enough rates for a line."""
    charts: list[Chart] = []
    for face in arms.faces:
        if not arms.has_lines(face=face, kind="open"):
            continue
        lines = []
        for place, variant in enumerate(arms.main(face)):
            cells = tuple(sorted(arms.along(variant, face=face, kind="open"), key=waiting.rate_of))
            own = arms.scalability(variant, face=face)
            lines.append(
                waiting.Line(
                    place=place,
                    name=arms.name(variant),
                    cells=cells,
                    limited=frozenset(cell.level for cell in cells if arms.is_generator_limited(cell)),
                    capacity=own.capacity.estimate if own and own.capacity else None,
                )
            )
        if not any(line.counted for line in lines):
            continue
        identifier, alternative = f"waiting-{len(charts)}", captions.waiting_alternative(lines)
        charts.append(
            Chart(
                identifier=identifier,
                title=captions.waiting_title(face, lines),
                alternative=alternative,
                svg=waiting.draw(lines, identifier=identifier, alternative=alternative),
                header=waiting.header(),
                rows=waiting.data(lines),
                face=face,
                at=_of_cells(arms, (cell for line in lines for cell in line.cells)),
            )
        )
    return tuple(charts)


def spreads(arms: Arms) -> tuple[Chart, ...]:
    """Percentiles arm by arm, a chart per face and step, where there are too few steps for lines."""
    charts: list[Chart] = []
    for face, step, rows in _compared(arms):
        if not any(row.times for row in rows):
            continue
        identifier, alternative = f"percentiles-{len(charts)}", captions.percentiles_alternative(rows)
        charts.append(
            Chart(
                identifier=identifier,
                title=captions.percentiles_title(face, step, rows),
                alternative=alternative,
                svg=percentiles.draw(rows, identifier=identifier, alternative=alternative),
                header=percentiles.header(),
                rows=percentiles.data(rows),
                face=face,
                at=_of_cells(arms, (row.cell for row in rows)),
            )
        )
    return tuple(charts)


def expenses(arms: Arms) -> tuple[Chart, ...]:
    """CPU time per request arm by arm, at the same steps."""
    charts: list[Chart] = []
    for face, step, rows in _compared(arms):
        if not any(row.cell.cpu for row in rows):
            continue
        identifier, alternative = f"costs-{len(charts)}", captions.costs_alternative(rows)
        charts.append(
            Chart(
                identifier=identifier,
                title=captions.costs_title(face, step, rows),
                alternative=alternative,
                svg=costs.draw(rows, processes=arms.processes, identifier=identifier, alternative=alternative),
                header=costs.header(arms.processes),
                rows=costs.data(rows, processes=arms.processes),
                face=face,
                at=_of_cells(arms, (row.cell for row in rows)),
            )
        )
    return tuple(charts)


def _of_cells(arms: Arms, cells: Iterable[LoadCell]) -> tuple[str, ...]:
    """Where each cell stands in load.json."""
    where = places(arms.load.cells, of="cells", file="load.json")
    return tuple(where[id(cell)] for cell in cells)


def _compared(arms: Arms) -> list[tuple[str, str, tuple[percentiles.Row, ...]]]:
    """Steps that several arms meet, of a kind that has fewer than `LINE` of them, face by face."""
    found = []
    for face, kind in ((face, kind) for face in arms.faces for kind in ("closed", "open")):
        steps = arms.steps(face=face, kind=kind)
        for step in steps if len(steps) < LINE else ():
            rows = tuple(
                percentiles.Row(name=arms.name(cell.variant), cell=cell)
                for cell in arms.at(face=face, kind=kind, step=step)
            )
            if len(rows) >= _DOTS:
                found.append((face, step, rows))
    return found
