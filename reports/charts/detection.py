"""Yields the detection curve: how often planted work was called slower, by how much slower it made requests."""

from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.power_findings import Dose
from reports.chart import padded
from reports.charts.scales import meet
from reports.style import SMALL, WIDTH, colour
from reports.svg import inline, new_figure, place_axes, styled

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 220, 10, 40, 50, 26


def truth(dose: Dose) -> float | None:
    """By how much slower requests were in truth, as a share: the mean over faces of the long run, else of the gates."""
    ratios = [value.estimate for _, value in dose.truth] or [ratio for _, ratio in dose.ratios]
    return sum(ratios) / len(ratios) - 1 if ratios else None


def draw(doses: tuple[Dose, ...], *, identifier: str, alternative: str) -> Markup:
    """The curve: slow-down across, share of gates that called it slower up, with the interval of each share.

    `doses` are in the order of what they made slower.
    """
    points = [(at, dose.found) for dose in doses if (at := truth(dose) or 0.0) > 0]
    with styled():
        figure = new_figure(width=WIDTH, height=_HEIGHT)
        axes = place_axes(figure, left=_LEFT, top=_TOP, width=WIDTH - _LEFT - _RIGHT, height=_HEIGHT - _TOP - _BOTTOM)
        axes.set_ylim(-0.04, 1.04)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.yaxis.set_major_formatter(FixedFormatter(["0", "25 %", "50 %", "75 %", "all"]))
        for share in (0, 0.25, 0.5, 0.75, 1):
            axes.axhline(share, color=colour("line"), linewidth=0.6, zorder=0)
        axes.set_xscale("log")
        axes.set_xlim(padded([at for at, _ in points], at_least=1.25))
        axes.set_xlabel("requests slower by so many %, in truth (log)")
        ticks = [at for at, _ in points]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{at * 100:.1f}" for at in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        shares = [found.count / found.of for _, found in points]
        axes.plot(ticks, shares, "o-", color=colour("series2"), linewidth=1.6, markersize=5)
        for row, ((at, found), share) in enumerate(zip(points, shares, strict=True)):
            meet(axes, at, share, row=row)
            axes.plot([at, at], [found.low, found.high], color=colour("series2"), linewidth=1)
            axes.annotate(
                f"{found.count}/{found.of}", (at, share), xytext=(6, -11 if share > 0.5 else 6),
                textcoords="offset points", fontsize=SMALL, color=colour("quiet"),
            )  # fmt: skip
        return inline(figure, identifier=identifier, alternative=alternative)
