"""Yields waterfalls: how the time goes from all-off to all-on, knob by knob.

It shares nothing out; the findings did.
"""

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from lab.findings import Step, Waterfall
from reports import format as text
from reports.style import SMALL, TEXT, WIDTH, colour
from reports.svg import inline, label, new_figure, place_axes, pointed, styled

_ROW, _TOP, _BOTTOM, _SIDE = 36, 4, 36, 12
_BAR = 11


def header() -> tuple[str, ...]:
    """The columns of the data table beside a waterfall."""
    return ("", "seconds saved or added [95 %]", "total after it")


def data(fall: Waterfall) -> tuple[tuple[str, ...], ...]:
    """The numbers that a waterfall shows, as text."""
    rows, total = [("all off", text.ABSENT, text.duration(fall.start))], fall.start
    for step in fall.steps:
        total += step.seconds.estimate
        rows.append((step.knob, text.duration_interval(step.seconds), text.duration(total)))
    return (*rows, ("all on", text.ABSENT, text.duration(fall.end)))


def draw(fall: Waterfall, *, identifier: str, alternative: str) -> Markup:
    """The plot: a bar from all-off, one hanging bar per knob with its interval, a bar for all-on."""
    count = len(fall.steps) + 2
    with styled():
        figure = new_figure(width=WIDTH, height=_TOP + _ROW * count + _BOTTOM)
        axes = place_axes(figure, left=_SIDE, top=_TOP, width=WIDTH - 2 * _SIDE, height=_ROW * count)
        low, high = _reach(fall)
        scale, unit = text.unit_of(max(abs(low), abs(high)))
        axes.set_xlim(low * scale, high * scale)
        axes.set_ylim(count * _ROW, 0)
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_major_locator(NullLocator())
        ticks = [t for t in MaxNLocator(5).tick_values(low * scale, high * scale) if low * scale <= t <= high * scale]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        axes.set_xlabel(f"mean service time, {unit}")
        axes.axvline(0, color=colour("line"), linewidth=0.8)
        _name(axes, "all off", text.duration(fall.start), top=0, mark="ink")
        axes.barh([_middle(0)], [fall.start * scale], height=_BAR, color=colour("series1"))
        total = fall.start
        for index, step in enumerate(fall.steps, start=1):
            _step(axes, step, top=index * _ROW, start=total, scale=scale)
            total += step.seconds.estimate
        last = (count - 1) * _ROW
        _name(axes, "all on", text.duration(fall.end), top=last, mark="ink")
        axes.barh([_middle(last)], [fall.end * scale], height=_BAR, color=colour("series1"))
        _link(axes, total * scale, top=last)
        for index in range(count):
            pointed(axes.axhspan(index * _ROW, (index + 1) * _ROW, facecolor="none"), row=index)
        return inline(figure, identifier=identifier, alternative=alternative)


def _middle(top: float) -> float:
    return top + 24.0


def _reach(fall: Waterfall) -> tuple[float, float]:
    ends, total = [0.0, fall.start, fall.end], fall.start
    for step in fall.steps:
        ends += [total + step.seconds.low, total + step.seconds.high]
        total += step.seconds.estimate
    spare = (max(ends) - min(ends)) * 0.02 or 1e-6
    return (min(ends) - spare if min(ends) < 0 else 0.0), max(ends) + spare


def _name(axes: Axes, name: str, reading: str, *, top: float, mark: str) -> None:
    across = axes.get_yaxis_transform()
    axes.text(0, top + 13, label(name), transform=across, fontsize=TEXT)
    axes.text(1, top + 13, label(reading), transform=across, ha="right", fontsize=SMALL, color=colour(mark))


def _link(axes: Axes, place: float, *, top: float) -> None:
    ends = [_middle(top - _ROW) + _BAR / 2, _middle(top) - _BAR / 2]
    axes.plot([place, place], ends, color=colour("quiet"), linewidth=0.7, dashes=(2, 2))


def _step(axes: Axes, step: Step, *, top: float, start: float, scale: float) -> None:
    interval = step.seconds
    mark = "faster" if interval.high < 0 else "slower" if interval.low > 0 else "unclear"
    _name(axes, step.knob, text.duration_interval(interval), top=top, mark=mark)
    axes.barh([_middle(top)], [interval.estimate * scale], left=start * scale, height=_BAR, color=colour(mark))
    ends = [(start + interval.low) * scale, (start + interval.high) * scale]
    axes.plot(ends, [_middle(top)] * 2, color=colour("ink"), linewidth=1.1)
    for end in ends:
        axes.plot([end, end], [_middle(top) - 3, _middle(top) + 3], color=colour("ink"), linewidth=1.1)
    _link(axes, start * scale, top=top)
