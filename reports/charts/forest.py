"""Yields forest plots: one ratio per row with its interval and the dots of its blocks, on a log axis.

It judges nothing: colours follow the verdicts of the findings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.findings import Effect
from reports import format as text
from reports.chart import log_ticks, padded
from reports.style import SMALL, TEXT, WIDTH, colour, verdict_colour
from reports.svg import fitted, inline, label, new_figure, place_axes, pointed, styled, width_of

TOLERANCE = 0.02
IN_WORDS = "in words"
"""The column that calls a ratio faster or slower."""
_FARTHEST = 100.0
_ROW, _LINE, _TOP, _BOTTOM, _SIDE = 38, 14, 4, 36, 12
_WIDTH = WIDTH - 2 * _SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An effect under the name that the chart gives it."""

    name: str
    effect: Effect


def header() -> tuple[str, ...]:
    """The columns of the data table beside a forest plot."""
    return ("", "ratio [95 %]", IN_WORDS, "verdict", "p", "blocks", "ratio of each block")


def data(rows: Sequence[Row]) -> tuple[tuple[str, ...], ...]:
    """The numbers that a forest plot shows, as text."""
    return tuple(
        (
            row.name,
            text.ratio_interval(row.effect.typical),
            text.speed(row.effect.typical.estimate),
            row.effect.verdict,
            text.probability(row.effect.p),
            str(row.effect.typical.blocks),
            ", ".join(text.ratio(dot) for dot in row.effect.dots),
        )
        for row in rows
    )


def draw(rows: Sequence[Row], *, axis: str, identifier: str, alternative: str) -> Markup:
    """The plot. `axis` names the two sides of the ratio, such as "time with / time without"."""
    tops = list(accumulate((_ROW + _head(row) for row in rows), initial=0))
    with styled():
        figure = new_figure(width=WIDTH, height=_TOP + tops[-1] + _BOTTOM)
        axes = place_axes(figure, left=_SIDE, top=_TOP, width=_WIDTH, height=tops[-1])
        low, high = _reach(rows)
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(tops[-1], 0)
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_major_locator(NullLocator())
        ticks = log_ticks(low, high)
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(label(axis))
        for index, row in enumerate(rows):
            _row(axes, row, top=tops[index])
            pointed(axes.axhspan(tops[index], tops[index + 1], facecolor="none"), row=index)
        return inline(figure, identifier=identifier, alternative=alternative)


def _reach(rows: Sequence[Row]) -> tuple[float, float]:
    """All estimates and dots, and the intervals as far as they tell something: few blocks may bound nothing."""
    values = [1.0, 1 - TOLERANCE, 1 + TOLERANCE]
    for row in rows:
        interval = row.effect.typical
        ends = (max(interval.low, interval.estimate / _FARTHEST), min(interval.high, interval.estimate * _FARTHEST))
        values += [interval.estimate, *ends, *row.effect.dots]
    return padded(values)


def _reading(row: Row) -> str:
    return f"{text.ratio_interval(row.effect.typical)} {row.effect.verdict}"


def _head(row: Row) -> int:
    """The height of a line for the name alone, where it does not stand beside its numbers."""
    taken = width_of(label(row.name), size=TEXT) + width_of(_reading(row), size=SMALL)
    return 0 if taken <= _WIDTH else _LINE


def _row(axes: Axes, row: Row, *, top: float) -> None:
    effect, mark = row.effect, verdict_colour(row.effect.verdict)
    across = axes.get_yaxis_transform()
    if top:
        axes.plot([0, 1], [top, top], transform=across, color=colour("line"), linewidth=0.6)
    axes.text(0, top + 14, fitted(row.name, pixels=_WIDTH, size=TEXT), transform=across, fontsize=TEXT)
    top += _head(row)
    axes.text(1, top + 14, label(_reading(row)), transform=across, ha="right", fontsize=SMALL, color=mark)
    # The reference stays out of the line of text above.
    zone = [top + 18, top + _ROW]
    axes.fill_betweenx(zone, 1 - TOLERANCE, 1 + TOLERANCE, color=colour("band"), linewidth=0)
    axes.plot([1, 1], zone, color=colour("quiet"), linewidth=0.9, dashes=(3, 2))
    middle = top + 27
    dots = [dot for dot in effect.dots if dot > 0]
    axes.plot(dots, [middle + 5.5] * len(dots), "o", color=mark, markersize=2.6, alpha=0.55, markeredgewidth=0)
    interval, (left, right) = effect.typical, axes.get_xlim()
    ends = [max(interval.low, left), min(interval.high, right)]
    axes.plot(ends, [middle - 1] * 2, color=mark, linewidth=2.4, solid_capstyle="butt")
    for end in (interval.low, interval.high):
        if left <= end <= right:
            axes.plot([end, end], [middle - 4, middle + 2], color=mark, linewidth=1)
    axes.plot([interval.estimate], [middle - 1], "D", color=mark, markersize=4.6, markeredgewidth=0)
