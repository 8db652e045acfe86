"""Yields dot charts: p50, p95 and p99 of the response time, a row per arm at one load. It takes no percentile."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lab.findings import Interval
from lab.load_findings import LoadCell
from reports import format as text
from reports.arms import is_void
from reports.charts import dots

_MARKS = (("series2", "o", "p50"), ("series5", "s", "p95"), ("series6", "D", "p99"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell under the name of its arm."""

    name: str
    cell: LoadCell

    @property
    def times(self) -> tuple[Interval, ...]:
        """The three percentiles; none where the cell gives no time."""
        found = tuple(each for each in (self.cell.p50, self.cell.p95, self.cell.p99) if each)
        return found if len(found) == len(_MARKS) and all(each.estimate > 0 for each in found) else ()

    @property
    def reading(self) -> str:
        """The three percentiles as text, or why there are none."""
        if self.times:
            return text.durations(tuple(each.estimate for each in self.times))
        return "void" if is_void(self.cell) else "no time"


def header() -> tuple[str, ...]:
    """The columns of the data table beside such a chart."""
    return ("arm", "offered", "p50 [95 %]", "p95 [95 %]", "p99 [95 %]", "requests", "state")


def data(rows: Sequence[Row]) -> tuple[tuple[str, ...], ...]:
    """The numbers that such a chart shows, as text."""
    return tuple(
        (
            row.name,
            text.rate(row.cell.offered or None),
            *(text.duration_interval(each) for each in (row.cell.p50, row.cell.p95, row.cell.p99)),
            text.count(row.cell.requests),
            ": ".join(filter(None, (row.cell.state, row.cell.reason))),
        )
        for row in rows
    )


def draw(rows: Sequence[Row], *, identifier: str, alternative: str) -> Markup:
    """The chart: an arm per row, response time across on a log scale."""
    shown = [dots.Row(name=row.name, times=row.times, reading=row.reading, reason=row.cell.reason) for row in rows]
    return dots.draw(shown, marks=_MARKS, axis="response time (log)", identifier=identifier, alternative=alternative)
