"""Yields the page of a history: which ratios changed their level, when and by how much. It renders no HTML."""

from dataclasses import dataclass
from functools import cached_property

from lab.trend_findings import Series, Trend
from reports import format as text
from reports.chart import Chart
from reports.charts import trend

READING = (
    "Each dot is a run: the ratio of its comparison with the interval, in the colour of its verdict. The bold line is "
    "the level, the mean of the runs between two changes; an upright line says where a new one begins, and from which "
    "commit on. A level has three runs at least, so the newest change is known two runs after it came. Where a base is "
    "named, ratios are held against that same commit, measured in the same run, so another machine is no change; where "
    "none is, as in an experiment, what a knob buys depends on the machine too. The scale is a log one."
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
        return tuple(_change(series) for series in self.found.series if len(series.levels) > 1)

    @cached_property
    def charts(self) -> tuple[Chart, ...]:
        """A chart a series."""
        return tuple(_chart(series, f"trend-{number}") for number, series in enumerate(self.found.series))


def _name(series: Series) -> str:
    where = ", ".join(filter(None, (series.operation, {"rest": "REST", "graphql": "GraphQL"}.get(series.face, ""))))
    given = f" at {series.given}" if series.given else ""
    held = f", {series.held} held" if series.held else ""
    against = f" (base {series.reference})" if series.reference else ""
    return f"{where}: {series.subject}{given}{held}{against}"


def _change(series: Series) -> str:
    before, after = series.levels[-2:]
    point = series.points[after.start]
    moved = text.speed(after.ratio / before.ratio)
    return (
        f"{_name(series)} became {moved}: from {text.ratio(before.ratio)} to {text.ratio(after.ratio)} at commit "
        f"{point.commit}, {point.measured[:10]}"
    )


def _chart(series: Series, identifier: str) -> Chart:
    steady = f"{_name(series)} stays at {text.ratio(series.levels[0].ratio)}"
    title = _change(series) if len(series.levels) > 1 else steady
    alternative = f"{len(series.points)} runs. {title}."
    return Chart(
        identifier=identifier, title=title, alternative=alternative,
        svg=trend.draw(series, identifier=identifier, alternative=alternative), header=trend.header(),
        rows=trend.data(series), operation=series.operation, face=series.face,
    )  # fmt: skip
