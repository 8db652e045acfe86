"""Yields quantile curves: which share of the requests was answered within which time. It takes no percentile itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.findings import Cell
from reports import format as text
from reports.chart import apart, log_ticks, padded
from reports.charts.interaction import tick_text
from reports.style import SERIES, SMALL, WIDTH, colour
from reports.svg import HIT, inline, new_figure, place_axes, pointed, squeezed, styled

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 250, 8, 36, 46, 138
_GAP = 13.0
_DASHES = ((), (), (5, 2), (5, 2), (2, 1.5), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One arm's quantiles under the name that the chart gives it; arms of the same `place` look alike in all charts."""

    place: int
    name: str
    cell: Cell


def header() -> tuple[str, ...]:
    """The columns of the data table beside quantile curves."""
    return ("arm", "requests", "percentile: service time")


def data(curves: Sequence[Curve]) -> tuple[tuple[str, ...], ...]:
    """The numbers that quantile curves show, as text."""
    return tuple(
        (
            curve.name,
            text.count(curve.cell.requests),
            ", ".join(f"p{share * 100:g}: {text.duration(seconds)}" for share, seconds in curve.cell.quantiles),
        )
        for curve in curves
    )


def draw(curves: Sequence[Curve], *, identifier: str, alternative: str) -> Markup:
    """The plot: share of requests across, time up, one labelled curve per arm."""
    with styled():
        figure = new_figure(width=WIDTH, height=_HEIGHT)
        width, height = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        axes = place_axes(figure, left=_LEFT, top=_TOP, width=width, height=height)
        reach = padded([seconds for curve in curves for _, seconds in curve.cell.quantiles], by=0.05)
        axes.set_yscale("log")
        axes.set_ylim(*reach)
        axes.set_xlim(0, 1)
        ticks = log_ticks(*reach)
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_major_formatter(FixedFormatter([tick_text(tick) for tick in ticks]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.xaxis.set_major_formatter(FixedFormatter(["0 %", "25 %", "50 %", "75 %", "100 %"]))
        axes.set_xlabel("share of requests within this time")
        for tick in ticks:
            axes.axhline(tick, color=colour("line"), linewidth=0.6, zorder=0)
        ends: list[float] = []
        for number, curve in enumerate(curves):
            shares, seconds = zip(*curve.cell.quantiles, strict=True)
            mark = colour(SERIES[curve.place % len(SERIES)])
            axes.plot(shares, seconds, color=mark, linewidth=1.6, dashes=_DASHES[curve.place % len(_DASHES)])
            pointed(axes.plot(shares, seconds, color=mark, linewidth=HIT, alpha=0)[0], row=number)
            ends.append(float(axes.transData.transform((0, seconds[-1]))[1]))
        back = axes.transData.inverted()
        for curve, place in zip(curves, apart(ends, gap=_GAP), strict=True):
            at = float(back.transform((0, place))[1])
            mark = colour(SERIES[curve.place % len(SERIES)])
            axes.text(
                1.03,
                at,
                squeezed(curve.name, pixels=_RIGHT - 8, size=SMALL),
                va="center_baseline",
                fontsize=SMALL,
                color=mark,
            )
        return inline(figure, identifier=identifier, alternative=alternative)
