"""Yields the words around a load's tables and charts: titles that state the finding, alternative texts, how to read.

It says nothing that the findings do not hold.
"""

from collections.abc import Callable, Sequence

from lab.wording import face_name
from reports import format as text
from reports.charts import costs, growth, waiting
from reports.charts.percentiles import Row

GROWTH = (
    "Each line is one arm. Go to the right by the number of users, each of whom sends a request, waits for the answer "
    "and sends the next, then up to the requests per second that were answered right. Thin upright lines are 95 % "
    "intervals. The dashed curve is the Universal Scalability Law where one was fitted. The diamond is the knee: below "
    "so many users there is no need to queue, above it there is no way not to; the line through it is its interval. "
    "Hollow points show what the generator can send, not what the server can answer. Both scales are log: an arm that "
    "gains as much as users are added climbs evenly. The key gives each arm's capacity."
)
WAITING = (
    "Each arm has two lines: whole with circles is the median, dashed with triangles the 99th percentile of the "
    "response time, at the rate on the axis below. Requests are due by a schedule whatever became of those before, and"
    " the time runs from that moment, so a line that shoots up is a queue. Thin upright lines are 95 % intervals. A "
    "short bar on the axis marks an arm's own capacity; hollow points are limited by the generator. Both scales are "
    "log."
)
PERCENTILES = (
    "Each row is one arm at the load that the title names: the circle is the median, the square the 95th, the diamond "
    "the 99th percentile of the response time, counted from the moment at which a request was due. Thin lines are 95 %"
    " intervals; the numbers at the right are p50 / p95 / p99. Time is on a log scale. A long way from circle to "
    "diamond is a queue, or a few slow requests. Where each arm meets half of its own capacity the rates differ; at "
    "one common rate all arms do the same work."
)
COSTS = (
    "Each bar is one arm at the load that the title names: processor time that one request cost, added up from left to"
    " right over the processes in the key. The generator's part is what measuring costs and not the server's. Bars "
    "start at zero, the scale is linear; intervals stand in the data."
)
_METHOD = """
Every arm was booted alike and loaded by one generator at a time, block by block. A trial counts after its warm-up.

Closed loads are users who each wait for their answer before they send the next request: they tell how much can be
carried. Open loads are requests due by a schedule that was drawn before. Their response time runs from the moment at
which a request was due to its last byte, so it has in it every wait that the load itself causes; service time runs
from the sending.

Capacity is the highest mean throughput along the ladder of users. The knee is capacity over the throughput of one
user. The Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), is fitted where the ladder tells it;
where it does not, the reason stands in its place.

Percentiles are of all blocks' requests together, their 95 % intervals from the scatter of the blocks' own. A cell is
void where fewer than two blocks count, or where an answer was not the proven one: sensors void a load in a block when
the generator used too much of its core, sent late or not at all, when the host took processor time, or when the
reference kernel was off. They do not see what was measured.
"""
METHOD = tuple(" ".join(paragraph.split()) for paragraph in _METHOD.strip().split("\n\n"))
"""How loads are measured, a paragraph each, for a reader who was not there."""


def growth_title(face: str, lines: Sequence[growth.Line]) -> str:
    """Which arm carries most, and which least."""
    known = [(line, line.own, line.own.capacity) for line in lines if line.own and line.own.capacity]
    if not known:
        return f"{face_name(face)}: no capacity was found"
    (best, own, most), (worst, _, least) = (choose(known, key=lambda each: each[2].estimate) for choose in (max, min))
    users = f" at {own.users} users" if own.users is not None and own.users != 1 else ""
    said = f"{face_name(face)}: {best.name} carries {text.rate(most.estimate)}{users}"
    return said if best is worst else f"{said}, {worst.name} {text.rate(least.estimate)}"


def growth_alternative(lines: Sequence[growth.Line]) -> str:
    """The chart of throughput in words."""
    said = "; ".join(
        f"{line.name} "
        + ", ".join(f"{text.rate(c.achieved.estimate)} at {text.level(c.level)}" for c in line.cells if c.achieved)
        for line in lines
    )
    return f"Throughput against users, an arm per line. {said}."


def waiting_title(face: str, lines: Sequence[waiting.Line]) -> str:
    """How far the p99 grows from the lowest rate to the highest, least and most."""
    grown = [
        (ends[-1].p99.estimate / ends[0].p99.estimate, line)
        for line in lines
        if (ends := line.counted) and ends[0].p99 and ends[-1].p99 and len(ends) > 1
    ]
    if not grown:
        return f"{face_name(face)}: no two rates have a response time"
    most, least = (choose(grown, key=lambda each: each[0]) for choose in (max, min))
    said = f"{face_name(face)}: from the lowest rate to the highest, p99 grows {_times(most)}"
    return said if most is least else f"{said}, {_times(least)}"


def waiting_alternative(lines: Sequence[waiting.Line]) -> str:
    """The chart of response times in words."""
    said = "; ".join(
        f"{line.name} "
        + ", ".join(
            f"p50 {text.duration(c.p50.estimate)} and p99 {text.duration(c.p99.estimate)} at "
            f"{text.rate(waiting.rate_of(c))}"
            for c in line.counted
            if c.p50 and c.p99
        )
        for line in lines
    )
    return f"Response time against offered rate, two lines per arm. {said}."


def percentiles_title(face: str, step: str, rows: Sequence[Row]) -> str:
    """Between which arms the p99 lies."""
    return _reach(f"{face_name(face)}, {step}: p99", [row for row in rows if row.times], lambda r: r.times[-1].estimate)


def percentiles_alternative(rows: Sequence[Row]) -> str:
    """The dots in words."""
    return f"Dots of p50, p95 and p99 per arm. {'; '.join(f'{row.name} {row.reading}' for row in rows)}."


def costs_title(face: str, step: str, rows: Sequence[Row]) -> str:
    """Between which arms the CPU time lies."""
    return _reach(f"{face_name(face)}, {step}: CPU per request", [row for row in rows if row.cell.cpu], costs.total)


def costs_alternative(rows: Sequence[Row]) -> str:
    """The bars in words."""
    said = "; ".join(
        f"{row.name} " + ", ".join(f"{name} {text.duration(each.estimate)}" for name, each in row.cell.cpu)
        for row in rows
        if row.cell.cpu
    )
    return f"Stacked bars of CPU time per request, an arm per row. {said}."


def _reach(head: str, rows: Sequence[Row], value: Callable[[Row], float]) -> str:
    if not rows:
        return f"{head}: no arm has one"
    least, most = min(rows, key=value), max(rows, key=value)
    said = f"{head} {text.duration(value(least))} with {least.name}"
    return said if least is most else f"{said}, {text.duration(value(most))} with {most.name}"


def _times(grown: tuple[float, waiting.Line]) -> str:
    return f"{text.number(grown[0])}x with {grown[1].name}"
