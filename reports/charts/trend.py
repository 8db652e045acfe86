"""Yields trend plots: one ratio run after run with its intervals, and the levels between its change points.

It finds no change: levels are those of the findings.
"""

from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator

from lab.trend_findings import Series
from reports import format as text
from reports.chart import padded
from reports.charts.scales import ends, upward, whisker
from reports.style import SMALL, WIDTH, colour, verdict_colour
from reports.svg import inline, label, new_figure, place_axes, pointed, styled

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 190, 16, 36, 50, 12
_MOST_TICKS = 6


def header() -> tuple[str, ...]:
    """The columns of the data table beside a trend plot."""
    return ("measured", "commit", "ratio [95 %]", "verdict", "level", "machine", "run")


def data(series: Series) -> tuple[tuple[str, ...], ...]:
    """The numbers that a trend plot shows, as text."""
    levels = [level.ratio for level in series.levels for _ in range(level.start, level.end)]
    return tuple(
        (
            point.measured, point.commit, text.ratio_interval(point.ratio), point.verdict, text.ratio(level),
            point.machine, point.run,
        )
        for point, level in zip(series.points, levels, strict=True)
    )  # fmt: skip


def draw(series: Series, *, identifier: str, alternative: str) -> Markup:
    """The plot: runs across, ratio up; a bold line for each level, a thin upright one where a new level begins."""
    points = series.points
    with styled():
        figure = new_figure(width=WIDTH, height=_HEIGHT)
        width, height = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        axes = place_axes(figure, left=_LEFT, top=_TOP, width=width, height=height)
        axes.set_xlim(-0.6, len(points) - 0.4)
        upward(axes, padded([end for point in points for end in ends(point.ratio)]), show=lambda tick: f"{tick:g}")
        axes.axhline(1, color=colour("quiet"), linewidth=0.8, dashes=(3, 2))
        for place, point in enumerate(points):
            mark = verdict_colour(point.verdict)
            whisker(axes, point.ratio, at=place, mark=mark, upright=True)
            axes.plot([place], [point.ratio.estimate], "o", color=mark, markersize=4, zorder=3)
            pointed(axes.axvspan(place - 0.5, place + 0.5, facecolor="none"), row=place)
        for level in series.levels:
            reach = (level.start - 0.4, level.end - 0.6)
            axes.plot(reach, (level.ratio, level.ratio), color=colour("series2"), linewidth=2, zorder=1)
            if level.start:
                axes.axvline(level.start - 0.5, color=colour("alarm"), linewidth=0.9)
                said, top = label(points[level.start].commit[:7]), axes.get_ylim()[1]
                axes.annotate(
                    said, (level.start - 0.5, top), xytext=(0, 3), textcoords="offset points", ha="center",
                    fontsize=SMALL, color=colour("alarm"), annotation_clip=False,
                )  # fmt: skip
        step = -(-len(points) // _MOST_TICKS)
        ticks = list(range(0, len(points), step))
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([points[tick].measured[5:10] for tick in ticks]))
        axes.set_xlabel("run, by the day it was measured")
        return inline(figure, identifier=identifier, alternative=alternative)
