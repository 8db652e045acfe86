"""Yields charts of response time against offered rate: how the wait grows with the load. It takes no percentile."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes

from lab.findings import Interval
from lab.load_findings import LoadCell
from reports import format as text
from reports.arms import remarks
from reports.chart import padded
from reports.charts.scales import KEY_ROW, across, ends, key, meet, series, upward, whisker
from reports.style import SMALL, WIDTH, colour
from reports.svg import inline, new_figure, place_axes, styled

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 210, 12, 36, 50, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An arm over its open loads; `capacity` is its own, in requests per second, where it is known."""

    place: int
    name: str
    cells: tuple[LoadCell, ...]
    limited: frozenset[float]
    capacity: float | None

    @property
    def counted(self) -> tuple[LoadCell, ...]:
        """The cells that have a time and a rate."""
        return tuple(cell for cell in self.cells if cell.p99 and cell.p50 and rate_of(cell) > 0)

    @property
    def reading(self) -> str:
        """The p99 at both ends as text."""
        found = [cell.p99.estimate for cell in self.counted if cell.p99]
        return f"p99 {text.duration(found[0])} → {text.duration(found[-1])}" if found else text.ABSENT


def rate_of(cell: LoadCell) -> float:
    """The offered rate; the one asked for where none was counted."""
    return cell.offered or cell.level


def header() -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("arm", "load", "offered", "p50 [95 %]", "p99 [95 %]", "remarks")


def data(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            line.name,
            cell.step,
            text.rate(rate_of(cell)),
            text.duration_interval(cell.p50),
            text.duration_interval(cell.p99),
            remarks(cell, is_limited=cell.level in line.limited),
        )
        for line in lines
        for cell in line.cells
    )


def draw(lines: Sequence[Line], *, identifier: str, alternative: str) -> Markup:
    """The chart: offered rate across, response time up, both on log scales; p50 whole, p99 dashed."""
    head = _TOP + KEY_ROW * len(lines)
    with styled():
        figure = new_figure(width=WIDTH, height=head + _PLOT + _BOTTOM)
        key(figure, [(series(line.place), line.name, line.reading) for line in lines])
        axes = place_axes(figure, left=_LEFT, top=head, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        counted = [cell for line in lines for cell in line.counted]
        rates = [rate_of(cell) for cell in counted]
        times = [end for cell in counted for each in (cell.p50, cell.p99) if each for end in ends(each)]
        across(axes, padded(rates, by=0.05), show=lambda tick: f"{tick:,.6g}")
        upward(axes, padded(times, by=0.08), show=text.axis_duration)
        axes.set_xlabel("offered, requests per second (log)")
        for line in lines:
            _line(axes, line)
        for row, (drawn, cell) in enumerate((line, cell) for line in lines for cell in line.cells):
            for each in (cell.p50, cell.p99) if cell in drawn.counted else ():
                if each:
                    meet(axes, rate_of(cell), each.estimate, row=row)
        return inline(figure, identifier=identifier, alternative=alternative)


def _line(axes: Axes, line: Line) -> None:
    mark = series(line.place)
    cells = line.counted
    if not cells:
        return
    halves: tuple[tuple[str, list[tuple[LoadCell, Interval]], tuple[int, ...]], ...] = (
        ("o", [(cell, cell.p50) for cell in cells if cell.p50], ()),
        ("^", [(cell, cell.p99) for cell in cells if cell.p99], (4, 2)),
    )
    for marker, points, dashes in halves:
        places, times = [rate_of(cell) for cell, _ in points], [each.estimate for _, each in points]
        axes.plot(places, times, color=mark, linewidth=1.5, dashes=dashes)
        for cell, each in points:
            whisker(axes, each, at=rate_of(cell), mark=mark, upright=True)
            face = colour("paper") if cell.level in line.limited else mark
            axes.plot(
                [rate_of(cell)], [each.estimate], marker, color=mark, markersize=4.6, markerfacecolor=face,
                markeredgewidth=1.1,
            )  # fmt: skip
    low, high = axes.get_xlim()
    if line.capacity and low <= line.capacity <= high:
        bottom = axes.get_xaxis_transform()
        axes.plot([line.capacity] * 2, [0, 0.06], transform=bottom, color=mark, linewidth=2.4, zorder=3)
    end = cells[-1]
    if end.p50 and end.p99 and line.place == 0:
        for name, each in (("p50", end.p50), ("p99", end.p99)):
            spot = (rate_of(end), each.estimate)
            axes.annotate(
                name, spot, xytext=(0, 7), textcoords="offset pixels", ha="center", fontsize=SMALL, color=mark
            )
