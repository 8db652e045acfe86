"""Yields what a study found, as values: tables and curves of measured numbers. It computes nothing.

A study is an experiment that does not compare arms request by request: it counts, or follows a number as work grows.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from lab.findings import Interval

STUDY_VERSION: Final = 1

Unit = Literal["text", "count", "number", "seconds", "bytes", "share", "ratio", "rate"]
Value = Interval | int | float | str | None
"""What stands in a table: None where there is no such number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name as people read it, and what its numbers are; an interval has the unit of its ends."""

    name: str
    unit: Unit = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of measured numbers; `lead` says in a sentence or two what they are."""

    identifier: str
    title: str
    lead: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis: what it measures, in which unit, and whether equal steps are equal ratios."""

    name: str
    unit: Unit
    is_log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A measured number at a place of the horizontal axis."""

    x: float
    y: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was measured of one thing, from left to right; a `model` is computed, and drawn dashed without intervals."""

    name: str
    points: tuple[Point, ...]
    is_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Lines over one pair of axes; `title` states what they say. A model has the colour of the line before it."""

    identifier: str
    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    operation: str = ""
    face: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFindings:
    """All that a study found: `reading` says how its curves are read, `method` how it was measured, by paragraphs."""

    answer: tuple[str, ...]
    tables: tuple[Table, ...]
    curves: tuple[Curve, ...]
    reading: str
    method: tuple[str, ...]
    complete: bool
    notes: tuple[str, ...] = ()
    schema_version: int = field(default=STUDY_VERSION)
