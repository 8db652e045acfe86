"""Yields the course of a load over time: median, p99 and maximum per slice, and where arrivals failed. It cuts none."""

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from lab.load_findings import Moment
from reports import format as text
from reports.chart import padded
from reports.charts.scales import KEY_ROW, inline_key, series, upward
from reports.style import WIDTH, colour
from reports.svg import inline, new_figure, place_axes, styled

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 200, 24, 36, 50, 10
_LINES: tuple[tuple[str, int, Callable[[Moment], float]], ...] = (
    ("median", 1, lambda moment: moment.median),
    ("p99", 5, lambda moment: moment.p99),
)


def header() -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("from", "offered", "right", "failed", "median", "p99", "max")


def data(moments: Sequence[Moment]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            text.duration(moment.at),
            text.count(moment.offered),
            text.count(moment.right),
            text.count(moment.failed),
            *((text.duration(each) if moment.right else text.ABSENT) for each in _times(moment)),
        )
        for moment in moments
    )


def draw(moments: Sequence[Moment], *, identifier: str, alternative: str) -> Markup:
    """The chart: time of the load across, response time up; a cross above where arrivals failed."""
    failed = [moment for moment in moments if moment.failed]
    with styled():
        figure = new_figure(width=WIDTH, height=_TOP + KEY_ROW + _PLOT + _BOTTOM)
        entries = [(series(place), "o", name) for name, place, _ in _LINES] + [(series(0), "^", "max")]
        inline_key(figure, [*entries, (colour("alarm"), "X", "failed")] if failed else entries)
        axes = place_axes(figure, left=_LEFT, top=_TOP + KEY_ROW, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        answered = [moment for moment in moments if moment.right]
        times = [each for moment in answered for each in _times(moment)]
        upward(axes, padded(times, by=0.08), show=text.axis_duration)
        first, last = moments[0].at, moments[-1].at
        spare = (last - first) * 0.02 or 0.5
        axes.set_xlim(first - spare, last + spare)
        ticks = MaxNLocator(6).tick_values(first, last)
        axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if first <= tick <= last]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axes.set_xlabel("seconds since the load began to count")
        for _, place, value in _LINES:
            _line(axes, moments, value, mark=series(place))
        highest = [(moment.at, moment.most) for moment in answered if moment.most > 0]
        axes.plot(
            [at for at, _ in highest], [most for _, most in highest], "^", color=series(0), markersize=5,
            markeredgewidth=0, zorder=1.8,
        )  # fmt: skip
        axes.plot(
            [moment.at for moment in failed], [1.05] * len(failed), "X", color=colour("alarm"), markersize=5.5,
            markeredgewidth=0, transform=axes.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
        return inline(figure, identifier=identifier, alternative=alternative)


def _line(axes: Axes, moments: Sequence[Moment], value: Callable[[Moment], float], *, mark: str) -> None:
    """A line that breaks where nothing was answered."""
    times = [value(moment) if moment.right and value(moment) > 0 else math.nan for moment in moments]
    style = "o-" if len(moments) <= 60 else "-"
    axes.plot([m.at for m in moments], times, style, color=mark, linewidth=1.4, markersize=2.6, markeredgewidth=0)


def _times(moment: Moment) -> tuple[float, float, float]:
    return moment.median, moment.p99, moment.most
