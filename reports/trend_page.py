"""Yields the page of a history: which ratios changed their level, when and by how much. It renders no HTML."""

from dataclasses import dataclass
from functools import cached_property

from lab.trend_findings import Series, Trend
from lab.units import factor
from lab.wording import place
from reports import format as text
from reports.chart import Chart
from reports.charts import trend

READING = (
    "Each dot is a run: the ratio of its comparison with the interval, in the colour of its verdict. The bold line is "
    "the level, the mean of the runs between two changes; an upright line says where a new one begins, and from which "
    "commit on. A level has three runs at least, so the newest change is known two runs after it came. Where a base is "
    "named, ratios are held against that same commit, measured in the same run, so another machine is no change; where "
    "none is, as in an experiment, what a knob buys depends on the machine too, and each has its own. The scale is "
    "a log one."
)


@dataclass(frozen=True, kw_only=True)
class TrendPage:
    """What the template asks of a trend."""

    found: Trend

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len({point.run for series in self.found.series for point in series.points})

    @property
    def changed(self) -> tuple[str, ...]:
        """The series whose level changed, each with its last change, in a sentence."""
        return tuple(_change(series, self._name(series)) for series in self.found.series if len(series.levels) > 1)

    @cached_property
    def charts(self) -> tuple[Chart, ...]:
        """A chart a series."""
        return tuple(
            _chart(series, self._name(series), identifier=f"trend-{number}")
            for number, series in enumerate(self.found.series)
        )

    @cached_property
    def _apart(self) -> tuple[str, ...]:
        """In what the series differ beside what they compare."""
        fields = ("experiment", "dataset", "machine")
        return tuple(name for name in fields if len({getattr(each, name) for each in self.found.series}) > 1)

    def _name(self, series: Series) -> str:
        where = place(series.operation, series.face)
        given = f" at {series.given}" if series.given else ""
        held = f", {series.held} held" if series.held else ""
        against = f" (base {series.reference})" if series.reference else ""
        told = [str(getattr(series, name)) for name in self._apart if getattr(series, name)]
        apart = f" [{'; '.join(told)}]" if told else ""
        return f"{where}: {series.subject}{given}{held}{against}{apart}"


def _change(series: Series, name: str) -> str:
    before, after = series.levels[-2:]
    point = series.points[after.start]
    ratio = after.ratio / before.ratio
    moved = text.speed(ratio) if series.is_time else f"{factor(ratio)} {'higher' if ratio > 1 else 'lower'}"
    return (
        f"{name} became {moved}: from {text.ratio(before.ratio)} to {text.ratio(after.ratio)} at commit "
        f"{point.commit}, {point.measured[:10]}"
    )


def _chart(series: Series, name: str, *, identifier: str) -> Chart:
    steady = f"{name} stays at {text.ratio(series.levels[0].ratio)}"
    title = _change(series, name) if len(series.levels) > 1 else steady
    alternative = f"{len(series.points)} runs. {title}."
    return Chart(
        identifier=identifier, title=title, alternative=alternative,
        svg=trend.draw(series, identifier=identifier, alternative=alternative), header=trend.header(),
        rows=trend.data(series), operation=series.operation, face=series.face,
    )  # fmt: skip
