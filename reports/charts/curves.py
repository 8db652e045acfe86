"""Yields charts of lines over two axes, log or linear: what a study followed. It fits nothing of its own."""

from collections.abc import Callable, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lab.study_findings import Axis, Curve, Line
from reports import format as text
from reports.chart import padded
from reports.charts.scales import KEY_ROW, across, ends, key, meet, series, upward, whisker
from reports.style import SMALL, WIDTH, colour
from reports.svg import inline, new_figure, place_axes, styled

_PLOT, _TOP, _BOTTOM, _LEFT, _RIGHT = 210, 12, 36, 58, 12
_SPARE = 0.06


def places(lines: Sequence[Line]) -> list[int]:
    """The colour's place of each line: a model shares that of the line before it."""
    found: list[int] = []
    for line in lines:
        found.append(max(found[-1], 0) if line.is_model and found else (found[-1] + 1 if found else 0))
    return found


def draw(curve: Curve, *, identifier: str, alternative: str, reading: Callable[[Line], str]) -> Markup:
    """The chart: what is varied across, what was measured up; the key above gives what `reading` says of each line."""
    marked = list(zip(curve.lines, places(curve.lines), strict=True))
    with styled():
        named = [(series(place), line.name, reading(line)) for line, place in marked if not line.is_model]
        head = _TOP + KEY_ROW * (len(named) + 1)
        figure = new_figure(width=WIDTH, height=head + _PLOT + _BOTTOM)
        key(figure, named)
        axes = place_axes(figure, left=_LEFT, top=head, width=WIDTH - _LEFT - _RIGHT, height=_PLOT)
        _across(axes, curve)
        _upward(axes, curve)
        for line, place in marked:
            _line(axes, line, mark=series(place))
        for row, (drawn, point) in enumerate((line, point) for line in curve.lines for point in line.points):
            if not drawn.is_model and (point.y.estimate > 0 or axes.get_yscale() == "linear"):
                meet(axes, point.x, point.y.estimate, row=row)
        return inline(figure, identifier=identifier, alternative=alternative)


def show(axis: Axis) -> Callable[[float], str]:
    """How a number of the axis is written."""
    if axis.unit == "seconds":
        return text.axis_duration
    if axis.unit == "bytes":
        return lambda value: text.size(round(value))
    if axis.unit == "share":
        return lambda value: f"{value * 100:g} %"
    if axis.unit == "count":
        return lambda value: f"{value / 1e6:g} M" if value >= 1e6 else f"{value:,.0f}" if value >= 1 else f"{value:g}"
    return lambda value: f"{value:,.6g}"


def _label(axis: Axis) -> str:
    return f"{axis.name} (log)" if axis.is_log else axis.name


def _across(axes: Axes, curve: Curve) -> None:
    values = [point.x for line in curve.lines for point in line.points]
    if curve.x.is_log:
        across(axes, padded(values, by=_SPARE, at_least=1.2), show=show(curve.x))
    else:
        low, high = min(values, default=0.0), max(values, default=1.0)
        spare = (high - low or 1.0) * _SPARE
        axes.set_xlim(low - spare, high + spare)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show(curve.x)(value)))
    axes.set_xlabel(_label(curve.x))


def _upward(axes: Axes, curve: Curve) -> None:
    if curve.y.is_log:
        values = [end for line in curve.lines for point in line.points for end in ends(point.y)]
        upward(axes, padded(values, by=_SPARE), show=show(curve.y))
    else:
        high = max((point.y.high for line in curve.lines for point in line.points), default=1.0)
        low = min((point.y.low for line in curve.lines for point in line.points), default=0.0)
        axes.set_ylim(min(low, 0.0), (high or 1.0) * (1 + _SPARE))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show(curve.y)(value)))
        axes.grid(visible=True, axis="y", color=colour("line"), linewidth=0.6)
        axes.set_axisbelow(True)
    # Above the axis and not along it: ticks differ in width, and would push it out of the drawing.
    axes.annotate(
        _label(curve.y), (0, 1), xycoords="axes fraction", xytext=(-_LEFT, 5), textcoords="offset points",
        fontsize=SMALL, color=colour("quiet"),
    )  # fmt: skip


def _line(axes: Axes, line: Line, *, mark: str) -> None:
    points = [point for point in line.points if point.y.estimate > 0 or axes.get_yscale() == "linear"]
    x, y = [point.x for point in points], [point.y.estimate for point in points]
    if line.is_model:
        axes.plot(x, y, color=mark, linewidth=0.8, dashes=(4, 2))
        return
    axes.plot(x, y, "o-", color=mark, linewidth=1.6, markersize=5)
    for point in points:
        whisker(axes, point.y, at=point.x, mark=mark, upright=True)
