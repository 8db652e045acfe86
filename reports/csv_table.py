"""Yields cells as CSV for other programs: a line each, every number as it was found. It rounds nothing."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Final

from lab.findings import Cell, Evidence, Interval
from lab.load_findings import Bound, LoadCell
from lab.mail_findings import MailCell

COUNTS: Final = (
    "statement_count", "rows", "shared_buffers", "body_bytes", "cache_hits", "cache_misses", "trips", "seconds",
    "database_seconds", "counted_by_database",
)  # fmt: skip
"""What is told of the evidence; statements and plans are no numbers, and stand in findings.json."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(cells: Sequence[Cell | LoadCell | MailCell]) -> str:
    """The cells in their order, under names such as `service`, `service_low`, `variant.indexes`, `quantiles.p95`."""
    rows = [dict(_columns(cell)) for cell in cells]
    # A void cell lacks columns: the fullest row gives their order.
    fullest = max(rows, key=len, default={})
    names = dict.fromkeys(name for row in (fullest, *rows) for name in row)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(names), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _columns(cell: object) -> Iterator[tuple[str, str]]:
    for field in fields(cell):  # type: ignore[arg-type]
        yield from _named(field.name, getattr(cell, field.name))


def _named(name: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case Interval() | Bound():
            yield name, repr(value.estimate)
            yield f"{name}_low", repr(value.low)
            yield f"{name}_high", repr(value.high)
            if isinstance(value, Interval):
                yield f"{name}_blocks", str(value.blocks)
        case Evidence():
            for count in COUNTS:
                yield from _named(f"{name}.{count}", getattr(value, count))
        case str():
            yield name, _harmless(value)
        case int() | float():
            yield name, repr(value)
        case tuple():
            yield from _several(name, value)


def _several(name: str, values: tuple[object, ...]) -> Iterator[tuple[str, str]]:
    """Pairs by their first half, as levels of knobs, quantiles and processes have one; plain numbers in one column."""
    plain = [repr(value) for value in values if isinstance(value, float)]
    if plain:
        yield name, " ".join(plain)
    for pair in values:
        match pair:
            case (float(share), value):
                yield from _named(f"{name}.p{share * 100:g}", value)
            case (str(key), value):
                yield from _named(f"{name}.{key}", value)


def _harmless(text: str) -> str:
    """Text that a spreadsheet takes for text, whoever gave it."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(_FORMULA) else line
