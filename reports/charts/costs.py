"""Yields bars of CPU seconds per request, a row per arm at one load, stacked by process. It attributes nothing."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from reports import format as text
from reports.charts.dots import head
from reports.charts.percentiles import Row
from reports.charts.scales import KEY_ROW, inline_key, series
from reports.style import WIDTH, colour
from reports.svg import inline, new_figure, place_axes, pointed, styled

_ROW, _TOP, _BOTTOM, _SIDE, _BAR = 34, 6, 36, 12, 9
_PLACES = (1, 4, 0, 3, 2, 5)
"""Which colour a process gets: server, PostgreSQL, generator, and what there may be further."""


def total(row: Row) -> float:
    """CPU seconds per request over all processes."""
    return sum(each.estimate for _, each in row.cell.cpu)


def header(processes: Sequence[str]) -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("arm", *(f"{name} [95 %]" for name in processes), "together")


def data(rows: Sequence[Row], *, processes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            row.name,
            *(text.duration_interval(dict(row.cell.cpu).get(name)) for name in processes),
            text.duration(total(row)) if row.cell.cpu else text.ABSENT,
        )
        for row in rows
    )


def draw(rows: Sequence[Row], *, processes: Sequence[str], identifier: str, alternative: str) -> Markup:
    """The chart: an arm per row, CPU time per request across, a segment per process."""
    top = _TOP + KEY_ROW
    with styled():
        figure = new_figure(width=WIDTH, height=top + _ROW * len(rows) + _BOTTOM)
        marks = {name: series(_PLACES[place % len(_PLACES)]) for place, name in enumerate(processes)}
        inline_key(figure, [(mark, "s", name) for name, mark in marks.items()])
        axes = place_axes(figure, left=_SIDE, top=top, width=WIDTH - 2 * _SIDE, height=_ROW * len(rows))
        most = max(map(total, rows), default=0.0) or 1e-6
        scale, unit = text.unit_of(most)
        axes.set_xlim(0, most * scale * 1.03)
        axes.set_ylim(len(rows) * _ROW, 0)
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_major_locator(NullLocator())
        ticks = [tick for tick in MaxNLocator(5).tick_values(0, most * scale) if 0 <= tick <= most * scale * 1.03]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        axes.set_xlabel(f"CPU time per request, {unit}")
        for index, row in enumerate(rows):
            _row(axes, row, marks, top=index * _ROW, scale=scale)
            pointed(axes.axhspan(index * _ROW, (index + 1) * _ROW, facecolor="none"), row=index)
        return inline(figure, identifier=identifier, alternative=alternative)


def _row(axes: Axes, row: Row, marks: dict[str, str], *, top: float, scale: float) -> None:
    reading = text.duration(total(row)) if row.cell.cpu else row.reading
    head(axes, row.name, reading, top=top, mark="ink" if row.cell.cpu else "alarm")
    left = 0.0
    for name, each in row.cell.cpu:
        width = max(each.estimate, 0.0) * scale
        axes.barh([top + 24], [width], left=left, height=_BAR, color=marks[name], linewidth=0)
        left += width
        if each.estimate * scale > axes.get_xlim()[1] / WIDTH * 4:
            axes.plot([left] * 2, [top + 24 - _BAR / 2, top + 24 + _BAR / 2], color=colour("paper"), linewidth=1)
