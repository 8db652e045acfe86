"""Yields dot charts: several times with their intervals, a row per arm, on one log axis. It computes no time."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from lab.findings import Interval
from reports import format as text
from reports.chart import padded
from reports.charts.scales import KEY_ROW, across, ends, inline_key, whisker
from reports.style import SMALL, TEXT, WIDTH, colour
from reports.svg import fitted, inline, new_figure, place_axes, pointed, styled

_ROW, _TOP, _BOTTOM, _SIDE = 41, 6, 36, 12
_AHEAD = {"o": -4.0, "s": 0.0, "D": 4.0}
"""How far the marks of a row stand above its line: intervals that overlap can be told apart."""

_CHARACTER = 0.52
"""Mean width of a character of a reading over the font size: digits are narrow."""

Marks = Sequence[tuple[str, str, str]]
"""Colour, marker and name of each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name, its times in the order of the marks, or none with the reason, and what stands at the right."""

    name: str
    times: tuple[Interval, ...]
    reading: str
    reason: str


def draw(rows: Sequence[Row], *, marks: Marks, axis: str, identifier: str, alternative: str) -> Markup:
    """The chart: an arm per row, time across on a log scale."""
    head = _TOP + KEY_ROW
    with styled():
        figure = new_figure(width=WIDTH, height=head + _ROW * len(rows) + _BOTTOM)
        inline_key(figure, [(colour(mark), marker, name) for mark, marker, name in marks])
        axes = place_axes(figure, left=_SIDE, top=head, width=WIDTH - 2 * _SIDE, height=_ROW * len(rows))
        across(axes, padded([end for row in rows for each in row.times for end in ends(each)]), show=text.axis_duration)
        axes.set_ylim(len(rows) * _ROW, 0)
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_major_locator(NullLocator())
        axes.set_xlabel(axis)
        for index, row in enumerate(rows):
            _row(axes, row, marks=marks, top=index * _ROW)
            pointed(axes.axhspan(index * _ROW, (index + 1) * _ROW, facecolor="none"), row=index)
        return inline(figure, identifier=identifier, alternative=alternative)


def _row(axes: Axes, row: Row, *, marks: Marks, top: float) -> None:
    head(axes, row.name, row.reading, top=top, mark="ink" if row.times else "alarm")
    middle = top + 28
    if not row.times:
        reason = fitted(row.reason, pixels=WIDTH - 2 * _SIDE, size=SMALL)
        axes.text(0, middle + 3, reason, transform=axes.get_yaxis_transform(), fontsize=SMALL, color=colour("quiet"))
        return
    axes.plot(axes.get_xlim(), [middle] * 2, color=colour("line"), linewidth=0.6, zorder=0)
    axes.plot([row.times[0].estimate, row.times[-1].estimate], [middle] * 2, color=colour("quiet"), linewidth=1)
    for (mark, marker, _), each in zip(marks, row.times, strict=True):
        ahead = _AHEAD[marker]
        whisker(axes, each, at=middle + ahead, mark=colour(mark), upright=False)
        axes.plot([each.estimate], [middle + ahead], marker, color=colour(mark), markersize=4.8, markeredgewidth=0)


def head(axes: Axes, name: str, reading: str, *, top: float, mark: str) -> None:
    """The line of text above a row: the name, and at the right its reading."""
    place = axes.get_yaxis_transform()
    if top:
        axes.plot([0, 1], [top, top], transform=place, color=colour("line"), linewidth=0.6)
    space = WIDTH - 2 * _SIDE - len(reading) * SMALL * _CHARACTER - 8
    axes.text(0, top + 13, fitted(name, pixels=space, size=TEXT), transform=place, fontsize=TEXT)
    shown = fitted(reading, pixels=WIDTH, size=SMALL)
    axes.text(1, top + 13, shown, transform=place, ha="right", fontsize=SMALL, color=colour(mark))
