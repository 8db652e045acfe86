"""Yields the numbers that a page's tables show, and what a place of findings.json gives to show. It renders nothing."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any

from lab.findings import Interval
from reports import format as text

NUMBER = re.compile(r"[\u2212\d][\d,.]*(?:/s| [a-zµ]+)? \[[^\]]*\]|\d[\d,]*(?:\.\d+)?")
"""An interval with its estimate and unit as one, else a number alone."""
VOID = {"meta", "br", "img", "input", "link", "hr"}


@dataclass(frozen=True)
class Shown:
    """A number in a table: its text, the text around it, where its row says that it stands, and its section."""

    number: str
    around: str
    at: str
    section: str


class _Tables(HTMLParser):
    """Walks the cells of all tables with the nearest `data-at` around each."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str, str]] = [("", "", "")]
        self.cell: list[str] | None = None
        self.found: list[Shown] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given, (_, at, section) = dict(attrs), self.open[-1]
        section = (given.get("id") or "") if tag == "section" else section
        if tag not in VOID:
            self.open.append((tag, given.get("data-at") or at, section))
        if tag in {"td", "th"} and any(name == "tbody" for name, *_ in self.open):
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        _, at, section = self.open.pop()
        if tag in {"td", "th"} and self.cell is not None:
            around = " ".join(self.cell)
            self.found += [Shown(number, around, at, section) for number in NUMBER.findall(around)]
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)


def numbers(page: str) -> list[Shown]:
    """Every number in the body of every table of a page, in order."""
    parser = _Tables()
    parser.feed(page)
    return parser.found


def place(findings: Any, at: str) -> list[Any]:
    """What stands at each of the pointers."""
    found = []
    for pointer in at.split():
        value = findings
        for step in pointer.rpartition("#")[2].split("/")[1:]:
            value = value[int(step) if isinstance(value, list) else step]
        found.append(value)
    return found


def showable(value: Any) -> set[str]:
    """Every number that can be shown of a value of findings.json, rounded as the page rounds."""
    return {number for said in _said(value) for number in NUMBER.findall(said)}


def _said(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float():
            yield from _number(value)
        case list():
            yield str(len(value))
            for each in value:
                yield from _said(each)
        case dict():
            yield from _derived(value)
            for name, each in value.items():
                yield name
                # Block means are shown nowhere but in the chart of time within the run, over all cells.
                yield from () if name == "block_means" else _said(each)


def _number(value: float) -> Iterator[str]:
    yield from (text.duration(value), text.ratio(value), text.percent(value), text.number(value), text.rate(value))
    yield from (text.probability(value), text.level(value), f"p{value * 100:g}")
    yield from (text.speed(value),) if value > 0 else ()
    yield from (text.count(value), text.size(value), str(value)) if isinstance(value, int) else ()


def _derived(value: dict[str, Any]) -> Iterator[str]:
    """Intervals in one unit, and the sums that the page shows."""
    if {"estimate", "low", "high"} <= set(value):
        interval = Interval(**{"blocks": 0, **value})
        yield from (text.duration_interval(interval), text.ratio_interval(interval), text.points_interval(interval))
        yield from (text.rate_interval(interval), text.number_interval(interval))
        yield from (text.milliseconds_interval(interval), text.more(interval.estimate))
    if "steps" in value:
        totals = accumulate((step["seconds"]["estimate"] for step in value["steps"]), initial=value["start"])
        yield from map(text.duration, totals)
    if "statements" in value and "body_bytes" in value:
        statements = value["statements"]
        for name in ("count", "rows"):
            yield text.count(sum(each[name] for each in statements))
        plans = [(each["plan"], each["count"]) for each in statements if each["plan"]]
        yield text.count(sum((plan["shared_hit"] + plan["shared_read"]) * count for plan, count in plans))
        yield text.duration(value["seconds"] - value["database_seconds"])


def loaded(path: Any) -> Any:
    """findings.json as any program reads it."""
    return json.loads(path.read_text(encoding="utf-8"))
