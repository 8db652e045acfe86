"""Yields what charts of loads share: log axes with round marks, a key of arms above the drawing, and whiskers."""

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from reports.chart import log_ticks
from reports.format import Bounds
from reports.style import SERIES, SMALL, WIDTH, colour
from reports.svg import HIT, fitted, pointed, width_of

KEY_ROW = 17.0
_MARK = 22.0
_CHARACTER = 0.57
"""Mean width of a character over the font size, in DejaVu Sans."""
_FARTHEST = 4.0


def series(place: int) -> str:
    """The mark of the arm at a place; arms of the same place look alike in all charts."""
    return colour(SERIES[place % len(SERIES)])


def across(axes: Axes, reach: tuple[float, float], *, show: Callable[[float], str], most: int = 6) -> None:
    """A log axis from left to right."""
    axes.set_xscale("log")
    axes.set_xlim(*reach)
    ticks = log_ticks(*reach, most=most)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([show(tick) for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    _keep_inside(axes, ticks, show=show)


def _keep_inside(axes: Axes, ticks: Sequence[float], *, show: Callable[[float], str]) -> None:
    """Turn a label at an end of the axis inwards that would leave the drawing, were it in the middle below its mark."""
    place, (low, high) = axes.get_position(), map(math.log, axes.get_xlim())
    for tick, said in zip(ticks, axes.get_xticklabels(), strict=True):
        at = WIDTH * (place.x0 + place.width * (math.log(tick) - low) / (high - low))
        half = width_of(show(tick), size=SMALL) / 2
        said.set_horizontalalignment("left" if at < half else "right" if at > WIDTH - half else "center")


def upward(axes: Axes, reach: tuple[float, float], *, show: Callable[[float], str], most: int = 6) -> None:
    """A log axis from below, with a thin line at each mark."""
    axes.set_yscale("log")
    axes.set_ylim(*reach)
    ticks = log_ticks(*reach, most=most)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([show(tick) for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    for tick in ticks:
        axes.axhline(tick, color=colour("line"), linewidth=0.6, zorder=0)


def key(figure: Figure, rows: Sequence[tuple[str, str, str]]) -> None:
    """A row per arm at the top of the drawing: (colour, name, reading at the right)."""
    height = figure.get_size_inches()[1] * 72
    for index, (mark, name, reading) in enumerate(rows):
        at = 1 - (index * KEY_ROW + 11) / height
        line = [0, 14 / WIDTH], [at + 3.5 / height] * 2
        figure.add_artist(_line(line, mark))
        space = WIDTH - _MARK - len(reading) * SMALL * _CHARACTER - 8
        figure.text(_MARK / WIDTH, at, fitted(name, pixels=space, size=SMALL), fontsize=SMALL)
        figure.text(1, at, fitted(reading, pixels=WIDTH, size=SMALL), fontsize=SMALL, ha="right", color=mark)


def inline_key(figure: Figure, entries: Sequence[tuple[str, str, str]]) -> None:
    """One row at the top of the drawing: (colour, marker, name) one after the other."""
    height = figure.get_size_inches()[1] * 72
    at, left = 1 - 11 / height, 0.0
    for mark, marker, name in entries:
        said = fitted(name, pixels=110, size=SMALL)
        figure.add_artist(_line(([(left + 4) / WIDTH], [at + 3.5 / height]), mark, marker=marker))
        figure.text((left + 12) / WIDTH, at, said, fontsize=SMALL, color=mark)
        left += 12 + len(said) * SMALL * _CHARACTER + 16


def meet(axes: Axes, across: float, up: float, *, row: int) -> None:
    """An unseen mark over a point, as large as a finger needs it, that tells a row of the chart's data."""
    pointed(axes.plot([across], [up], "o", color=colour("ink"), markersize=HIT, alpha=0)[0], row=row)


def whisker(axes: Axes, bounds: Bounds, *, at: float, mark: str, upright: bool) -> None:
    """An interval as a thin line through its estimate; what leaves a log axis ends there."""
    low, high = axes.get_ylim() if upright else axes.get_xlim()
    ends = [max(bounds.low, low), min(bounds.high, high)]
    places = [at, at]
    axes.plot(*((places, ends) if upright else (ends, places)), color=mark, linewidth=1.0, zorder=2)


def _line(points: tuple[list[float], list[float]], mark: str, *, marker: str = "") -> Line2D:
    return Line2D(*points, color=mark, linewidth=2, marker=marker or "None", markersize=5, markeredgewidth=0)


def ends(bounds: Bounds) -> tuple[float, float, float]:
    """An interval as far as a scale should follow it: few blocks may bound nothing."""
    return max(bounds.low, bounds.estimate / _FARTHEST), bounds.estimate, min(bounds.high, bounds.estimate * _FARTHEST)
