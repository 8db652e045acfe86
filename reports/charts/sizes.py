"""Yields charts of service time against a number that operations differ in: how each arm grows. It fits no law."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.findings import Cell
from reports import format as text
from reports.chart import padded
from reports.charts.interaction import tick_text
from reports.charts.scales import KEY_ROW, ends, key, meet, series, upward, whisker
from reports.style import WIDTH
from reports.svg import inline, new_figure, place_axes, styled

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 210, 12, 36, 46, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An arm over the numbers, each with its cell there."""

    place: int
    name: str
    points: tuple[tuple[float, Cell], ...]

    @property
    def reading(self) -> str:
        """The statements from the least number to the greatest."""
        counts = [text.count(cell.cold.statement_count) for _, cell in self.points if cell.cold]
        return f"{' to '.join(dict.fromkeys((counts[0], counts[-1])))} statements" if counts else text.ABSENT


def header(what: str) -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("arm", what, "statements", "rows", "buffers", "service time [95 %]")


def data(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            line.name,
            text.level(number),
            text.count(cell.cold.statement_count if cell.cold else None),
            text.count(cell.cold.rows if cell.cold else None),
            text.count(cell.cold.shared_buffers if cell.cold else None),
            text.duration_interval(cell.service),
        )
        for line in lines
        for number, cell in line.points
    )


def draw(lines: Sequence[Line], *, what: str, identifier: str, alternative: str) -> Markup:
    """The chart: the number across, time up, both on log scales; the key above gives each arm's statements."""
    head = _TOP + KEY_ROW * len(lines)
    with styled():
        figure = new_figure(width=WIDTH, height=head + _PLOT + _BOTTOM)
        key(figure, [(series(line.place), line.name, line.reading) for line in lines])
        axes = place_axes(figure, left=_LEFT, top=head, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        numbers = sorted({number for line in lines for number, _ in line.points})
        axes.set_xscale("log")
        axes.set_xlim(*padded(numbers, by=0.05, at_least=1.2))
        axes.xaxis.set_major_locator(FixedLocator(numbers))
        axes.xaxis.set_major_formatter(FixedFormatter([text.level(number) for number in numbers]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"{what} (log)")
        times = [end for line in lines for _, cell in line.points if cell.service for end in ends(cell.service)]
        upward(axes, padded(times, by=0.08), show=tick_text)
        for row, (number, cell) in enumerate(point for line in lines for point in line.points):
            if cell.service:
                meet(axes, number, cell.service.estimate, row=row)
        for line in lines:
            mark = series(line.place)
            points = [(number, cell.service) for number, cell in line.points if cell.service]
            axes.plot([n for n, _ in points], [s.estimate for _, s in points], "o-", color=mark, linewidth=1.6, ms=4)
            for number, service in points:
                whisker(axes, service, at=number, mark=mark, upright=True)
        return inline(figure, identifier=identifier, alternative=alternative)
