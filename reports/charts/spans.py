"""Yields spans: one row per benchmark, its median with the middle half of its rounds, on a log axis of time."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.ticker import NullLocator

from lab.benchmark_findings import Benchmark
from reports import format as text
from reports.chart import padded
from reports.charts.scales import across
from reports.style import SMALL, TEXT, WIDTH, colour
from reports.svg import fitted, inline, new_figure, place_axes, styled

_ROW, _TOP, _BOTTOM, _SIDE = 36, 4, 36, 12


def draw(found: Sequence[Benchmark], *, identifier: str, alternative: str) -> Markup:
    """The plot: time across, a row each; dot the median, bar between the quartiles, tick the quickest."""
    height = _TOP + _ROW * len(found) + _BOTTOM
    with styled():
        figure = new_figure(width=WIDTH, height=height)
        axes = place_axes(figure, left=_SIDE, top=_TOP, width=WIDTH - 2 * _SIDE, height=_ROW * len(found))
        seconds = [value for each in found for value in (each.stats.min, each.stats.q1, each.stats.q3)]
        across(axes, padded(seconds), show=text.duration, most=5)
        axes.set_ylim(len(found), 0)
        axes.yaxis.set_major_locator(NullLocator())
        axes.spines["left"].set_visible(False)
        for row, each in enumerate(found):
            stats, at = each.stats, row + 0.7
            axes.axhline(at, color=colour("line"), linewidth=0.6, zorder=0)
            axes.plot([stats.q1, stats.q3], [at, at], color=colour("series2"), linewidth=4, solid_capstyle="butt")
            axes.plot([stats.min], [at], "|", color=colour("quiet"), markersize=9)
            axes.plot([stats.median], [at], "o", color=colour("ink"), markersize=4.5, zorder=3)
            name = fitted(each.name, pixels=WIDTH - 2 * _SIDE - 80, size=TEXT)
            across_axes = axes.get_yaxis_transform()
            axes.text(0, row + 0.3, name, fontsize=TEXT, va="center", transform=across_axes)
            axes.text(
                1, row + 0.3, text.duration(stats.median), fontsize=SMALL, va="center", ha="right",
                color=colour("quiet"), transform=across_axes,
            )  # fmt: skip
        return inline(figure, identifier=identifier, alternative=alternative)
