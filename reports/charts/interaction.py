"""Yields interaction plots: one knob off and on, once for each level of another. It measures no interaction itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lab.findings import Effect, Interval
from reports import format as text
from reports.chart import apart, log_ticks, padded
from reports.charts.scales import meet
from reports.style import SMALL, TEXT, WIDTH, colour
from reports.svg import inline, label, new_figure, place_axes, styled

_PANEL, _HEAD, _FOOT, _LEFT, _RIGHT = 150, 40, 22, 46, 132
_GAP = 13.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The service times along the levels of one knob while the other stays at `level`; None where the cell is void.

    `at` are the pointers of the cells.
    """

    level: str
    service: tuple[Interval | None, ...]
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Two knobs: `along` on the axis with its `levels`, one line per level of `other`; their interaction if known."""

    along: str
    levels: tuple[str, ...]
    other: str
    lines: tuple[Line, ...]
    effect: Effect | None

    @property
    def reading(self) -> str:
        """The interaction as text; a dash when the findings have none."""
        return text.ratio_interval(self.effect.typical) if self.effect else text.ABSENT


def header() -> tuple[str, ...]:
    """The columns of the data table beside interaction plots."""
    return ("setting", "service time [95 %]", "interaction [95 %]")


def data(panels: Sequence[Panel]) -> tuple[tuple[str, ...], ...]:
    """The numbers that interaction plots show, as text."""
    return tuple(
        (
            f"{panel.along} {level}, {panel.other} {line.level}",
            text.duration_interval(line.service[index]),
            panel.reading,
        )
        for panel in panels
        for line in panel.lines
        for index, level in enumerate(panel.levels)
    )


def draw(panels: Sequence[Panel], *, identifier: str, alternative: str) -> Markup:
    """The panels under each other, on one scale."""
    with styled():
        figure = new_figure(width=WIDTH, height=_PANEL * len(panels))
        times = [
            end
            for panel in panels
            for line in panel.lines
            for interval in line.service
            if interval
            for end in (interval.low, interval.estimate, interval.high)
        ]
        reach = padded(times, by=0.12)
        first = 0
        for index, panel in enumerate(panels):
            _panel(figure, panel, top=index * _PANEL, reach=reach, first=first)
            first += len(panel.lines) * len(panel.levels)
        return inline(figure, identifier=identifier, alternative=alternative)


def _panel(figure: Figure, panel: Panel, *, top: float, reach: tuple[float, float], first: int) -> None:
    height = _PANEL - _HEAD - _FOOT
    width = WIDTH - _LEFT - _RIGHT
    axes = place_axes(figure, left=_LEFT, top=top + _HEAD, width=width, height=height)
    axes.set_yscale("log")
    axes.set_ylim(*reach)
    axes.set_xlim(-0.25, len(panel.levels) - 0.75)
    axes.xaxis.set_major_locator(FixedLocator(list(range(len(panel.levels)))))
    axes.xaxis.set_major_formatter(FixedFormatter([label(f"{panel.along} {level}")[:24] for level in panel.levels]))
    _times(axes, reach)
    _heading(figure, panel, top=top)
    upper, lower = axes.transData.inverted(), axes.transData
    ends = [(line, line.service[-1]) for line in panel.lines]
    for number, line in enumerate(panel.lines):
        tint = colour(("series1", "series2", "series3", "series6")[number % 4])
        _line(axes, line, mark=tint, first=first + number * len(panel.levels))
    shown = [(number, line, end) for number, (line, end) in enumerate(ends) if end]
    places = apart([float(lower.transform((0, end.estimate))[1]) for _, _, end in shown], gap=_GAP)
    for (number, line, _), place in zip(shown, places, strict=True):
        at = float(upper.transform((0, place))[1])
        axes.text(
            len(panel.levels) - 0.75,
            at,
            label(f"{panel.other} {line.level}"),
            va="center_baseline",
            fontsize=SMALL,
            color=colour(("series1", "series2", "series3", "series6")[number % 4]),
        )


def _heading(figure: Figure, panel: Panel, *, top: float) -> None:
    height = figure.get_size_inches()[1] * 72
    figure.text(0, 1 - (top + 14) / height, label(f"{panel.along} with {panel.other}"), fontsize=TEXT)
    reading = label(f"interaction {panel.reading}")
    figure.text(0, 1 - (top + 28) / height, reading, fontsize=SMALL, color=colour("quiet"))


def _times(axes: Axes, reach: tuple[float, float]) -> None:
    ticks = log_ticks(*reach, most=4)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([tick_text(tick) for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())


def tick_text(seconds: float) -> str:
    """A round duration for an axis: "20 ms"."""
    scale, unit = text.unit_of(seconds * 1.0000001)
    return f"{seconds * scale:g} {unit}"


def _line(axes: Axes, line: Line, *, mark: str, first: int) -> None:
    points = [(x, interval) for x, interval in enumerate(line.service) if interval]
    axes.plot([x for x, _ in points], [i.estimate for _, i in points], "o-", color=mark, markersize=4, linewidth=1.6)
    for x, interval in points:
        axes.plot([x, x], [interval.low, interval.high], color=mark, linewidth=1.1, marker="_", markersize=6)
        meet(axes, x, interval.estimate, row=first + x)
