"""Yields the charts and the tables of a study, as text and SVG. It draws none itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.findings import Interval
from lab.study_findings import Column, Curve, Line, StudyFindings, Table, Unit, Value
from lab.wording import face_name
from reports import format as text
from reports.chart import Chart
from reports.charts import curves

FACES: Final = ("rest", "graphql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a table shows in one place, and the number that it is sorted by."""

    text: str
    sort: float | str


def charts(found: StudyFindings) -> tuple[Chart, ...]:
    """Every curve that has points."""
    return tuple(
        _chart(curve, at=f"study.json#/curves/{number}")
        for number, curve in enumerate(found.curves)
        if any(line.points for line in curve.lines)
    )


def rows(table: Table) -> tuple[tuple[Shown, ...], ...]:
    """The rows of a table."""
    return tuple(
        tuple(shown(value, unit=column.unit) for value, column in zip(row, table.columns, strict=True))
        for row in table.rows
    )


def place_of(table: Table, row: Sequence[Value]) -> tuple[str, str]:
    """The operation and the face that a row is about, for the filter; each empty where it is about all."""
    named = {column.name.lower(): str(value) for column, value in zip(table.columns, row, strict=True)}
    faces = {face_name(face): face for face in FACES}
    return named.get("operation", ""), faces.get(named.get("face", ""), "")


def places(found: StudyFindings) -> tuple[tuple[str, str], ...]:
    """All operations and faces that curves and tables are about, once each."""
    curves_at = ((curve.operation, curve.face) for curve in found.curves)
    rows_at = (place_of(table, row) for table in found.tables for row in table.rows)
    return tuple(dict.fromkeys((*curves_at, *rows_at)))


def is_number(column: Column) -> bool:
    """Whether a column stands to the right."""
    return column.unit != "text"


def shown(value: Value, *, unit: Unit) -> Shown:
    """A value as people read it."""
    if value is None:
        return Shown(text=text.ABSENT, sort="")
    if isinstance(value, str):
        return Shown(text=value, sort=value)
    if isinstance(value, Interval) and value.low == value.high:
        return shown(value.estimate, unit=unit)  # It was counted.
    if isinstance(value, Interval):
        return Shown(text=_interval(value, unit=unit), sort=value.estimate)
    return Shown(text=_plain(value, unit=unit), sort=value)


def _plain(value: float, *, unit: Unit) -> str:
    if unit == "seconds":
        return text.duration(value)
    if unit == "bytes":
        return text.size(round(value))
    if unit == "share":
        return text.percent(value)
    if unit == "ratio":
        return text.ratio(value)
    if unit == "rate":
        return text.rate(value)
    return text.count(round(value)) if unit == "count" else text.number(value)


def _interval(value: Interval, *, unit: Unit) -> str:
    if unit == "seconds":
        return text.duration_interval(value)
    if unit == "ratio":
        return text.ratio_interval(value)
    if unit == "rate":
        return text.rate_interval(value)
    if unit == "share":
        return f"{text.percent(value.estimate)} [{value.low * 100:.1f}, {value.high * 100:.1f}]"
    if unit == "bytes":
        return f"{_plain(value.estimate, unit=unit)} [{_plain(value.low, unit=unit)}, {_plain(value.high, unit=unit)}]"
    return text.number_interval(value)


def _chart(curve: Curve, *, at: str) -> Chart:
    def reading(line: Line) -> str:
        """The last point: where the line ends."""
        return shown(line.points[-1].y, unit=curve.y.unit).text if line.points else text.ABSENT

    told = (
        f"{line.name}: {reading(line)} at {shown(line.points[-1].x, unit=curve.x.unit).text}"
        for line in curve.lines if line.points and not line.is_model
    )  # fmt: skip
    alternative = f"{curve.y.name} against {curve.x.name}. {'; '.join(told)}."
    return Chart(
        identifier=f"study-{curve.identifier}", title=curve.title, alternative=alternative,
        svg=curves.draw(curve, identifier=f"study-{curve.identifier}", alternative=alternative, reading=reading),
        header=("", curve.x.name, f"{curve.y.name} [95 %]"),
        rows=tuple(
            (
                f"{line.name} (model)" if line.is_model else line.name,
                shown(point.x, unit=curve.x.unit).text,
                shown(point.y.estimate if line.is_model else point.y, unit=curve.y.unit).text,
            )
            for line in curve.lines
            for point in line.points
        ),
        operation=curve.operation, face=curve.face,
        at=tuple(
            f"{at}/lines/{number}/points/{place}"
            for number, line in enumerate(curve.lines) for place in range(len(line.points))
        ),
    )  # fmt: skip
