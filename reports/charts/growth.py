"""Yields charts of throughput against users: how each arm takes more of them. It fits no law, it draws those given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.load_findings import Law, LoadCell, Scalability
from reports import format as text
from reports.arms import remarks
from reports.chart import padded
from reports.charts.scales import KEY_ROW, ends, key, meet, series, upward, whisker
from reports.style import WIDTH, colour
from reports.svg import inline, new_figure, place_axes, styled

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 210, 12, 36, 56, 10
_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An arm over its closed loads; `limited` are the levels where the generator was the limit."""

    place: int
    name: str
    cells: tuple[LoadCell, ...]
    limited: frozenset[float]
    own: Scalability | None

    @property
    def reading(self) -> str:
        """The capacity as text."""
        return text.rate_interval(self.own.capacity) if self.own else text.ABSENT


def header() -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("arm", "users", "throughput [95 %]", "fitted law", "remarks")


def data(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            line.name,
            text.level(cell.level),
            text.rate_interval(cell.achieved),
            text.rate(at(line.own.law, cell.level)) if line.own and line.own.law else text.ABSENT,
            remarks(cell, is_limited=cell.level in line.limited),
        )
        for line in lines
        for cell in line.cells
    )


def at(law: Law, users: float) -> float:
    """The throughput that the law gives so many users."""
    lost = law.contention.estimate * (users - 1) + law.coherency.estimate * users * (users - 1)
    return law.rate.estimate * users / (1 + lost)


def draw(lines: Sequence[Line], *, identifier: str, alternative: str) -> Markup:
    """The chart: users across, throughput up, both on log scales; the key above gives each arm's capacity."""
    head = _TOP + KEY_ROW * len(lines)
    with styled():
        figure = new_figure(width=WIDTH, height=head + _PLOT + _BOTTOM)
        key(figure, [(series(line.place), line.name, line.reading) for line in lines])
        axes = place_axes(figure, left=_LEFT, top=head, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        _users(axes, sorted({cell.level for line in lines for cell in line.cells if cell.level > 0}))
        rates = [end for line in lines for cell in line.cells if cell.achieved for end in ends(cell.achieved)]
        rates += [line.own.capacity.estimate for line in lines if line.own and line.own.capacity]
        upward(axes, padded(rates, by=0.08), show=lambda tick: f"{tick:,.6g}")
        axes.set_ylabel("requests per second (log)")
        for line in lines:
            _line(axes, line)
        for row, cell in enumerate(cell for line in lines for cell in line.cells):
            if cell.achieved and cell.achieved.estimate > 0:
                meet(axes, cell.level, cell.achieved.estimate, row=row)
        return inline(figure, identifier=identifier, alternative=alternative)


def _users(axes: Axes, levels: list[float]) -> None:
    axes.set_xscale("log", base=2)
    low, high = padded(list(levels), by=0.05, at_least=1.2)
    axes.set_xlim(low, high)
    kept = levels if len(levels) <= _MOST else levels[:: -(-len(levels) // _MOST)]
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FixedFormatter([text.level(level) for level in kept]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("users who each wait for their answer (log)")


def _line(axes: Axes, line: Line) -> None:
    mark = series(line.place)
    points = [(cell, cell.achieved) for cell in line.cells if cell.achieved and cell.achieved.estimate > 0]
    axes.plot([cell.level for cell, _ in points], [a.estimate for _, a in points], color=mark, linewidth=1.6)
    if line.own and line.own.law and points:
        users = np.geomspace(points[0][0].level, points[-1][0].level, 60)
        fitted = [at(line.own.law, float(each)) for each in users]
        axes.plot(users, fitted, color=mark, linewidth=0.8, dashes=(4, 2))
    for cell, achieved in points:
        whisker(axes, achieved, at=cell.level, mark=mark, upright=True)
        face = colour("paper") if cell.level in line.limited else mark
        axes.plot(
            [cell.level], [achieved.estimate], "o", color=mark, markersize=5, markerfacecolor=face, markeredgewidth=1.2
        )
    if line.own and line.own.knee and line.own.capacity:
        knee, highest = line.own.knee, line.own.capacity.estimate
        whisker(axes, knee, at=highest, mark=colour("ink"), upright=False)
        axes.plot([knee.estimate], [highest], "D", color=mark, markersize=6, markeredgecolor=colour("ink"), zorder=4)
