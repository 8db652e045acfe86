"""Yields percentile spectra: response and service time from the typical to the rarest request. It takes no percentile.

The axis stretches towards the rare: every step to the right is a tenth of the requests before (as HdrHistogram plots).
"""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from reports import format as text
from reports.chart import padded
from reports.charts.scales import KEY_ROW, key, series, upward
from reports.style import WIDTH
from reports.svg import inline, new_figure, place_axes, styled

Shares = Sequence[tuple[float, float]]

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 200, 14, 36, 50, 18
_MARKED = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


def name_of(share: float) -> str:
    """A percentile as people call it."""
    return {0.0: "min", 1.0: "max"}.get(share, f"p{share * 100:.6g}")


def points(shares: Shares, *, right: int) -> list[tuple[float, float]]:
    """Where (share, seconds) stand: one in how many, and the time; the maximum is one in all of `right` answers.

    A share that only the maximum can fill is left out: it would draw a level that nobody measured.
    """
    inside = [(1 / (1 - share), seconds) for share, seconds in shares if share < 1 and 1 / (1 - share) < right]
    return inside + [(float(max(right, 1)), seconds) for share, seconds in shares if share == 1]


def draw(response: Shares, service: Shares, *, right: int, identifier: str, alternative: str) -> Markup:
    """The chart: shares across, time up, response whole and service dashed."""
    kinds = (("response time", response, 5, ()), ("service time", service, 1, (4, 2)))
    with styled():
        head = _TOP + KEY_ROW * len(kinds)
        figure = new_figure(width=WIDTH, height=head + _PLOT + _BOTTOM)
        key(figure, [(series(place), name, _most(shares)) for name, shares, place, _ in kinds])
        axes = place_axes(figure, left=_LEFT, top=head, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        drawn = [(points(shares, right=right), place, dashes) for _, shares, place, dashes in kinds]
        far = max([x for each, _, _ in drawn for x, _ in each], default=10.0)
        axes.set_xscale("log")
        axes.set_xlim(1, max(far * 1.2, 10))
        ticks = [(1 / (1 - share), f"{share * 100:.6g} %") for share in _MARKED if 1 / (1 - share) <= far]
        axes.xaxis.set_major_locator(FixedLocator([x for x, _ in ticks]))
        axes.xaxis.set_major_formatter(FixedFormatter([said for _, said in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        upward(axes, padded([y for each, _, _ in drawn for _, y in each], by=0.08), show=text.axis_duration)
        axes.set_xlabel("share of the right answers within this time")
        for each, place, dashes in drawn:
            shown = [(x, y) for x, y in each if y > 0]
            across, upwards = [x for x, _ in shown], [y for _, y in shown]
            axes.plot(across, upwards, color=series(place), linewidth=1.7, dashes=dashes)
            axes.plot(across, upwards, "o", color=series(place), markersize=3.6, markeredgewidth=0)
        return inline(figure, identifier=identifier, alternative=alternative)


def _most(shares: Shares) -> str:
    found = dict(shares).get(1.0)
    return f"max {text.duration(found)}" if found is not None else text.ABSENT
