"""Yields the charts of a run with mails, and the words around them. It draws none itself."""

from lab.findings import Interval
from lab.mail_findings import MailCell, MailFindings
from lab.mail_words import when_it_pays
from reports import format as text
from reports.chart import Chart
from reports.charts import dots

_MARKS = (("series2", "o", "answered, p50"), ("series5", "s", "mail there, p50"), ("series6", "D", "mail there, p99"))

READING = (
    "A row is a server at a rate of orders. The circle is when an order was answered, from the moment at which it was "
    "due; the square and the diamond are when its mail was at the mail server, from the moment at which the order was "
    "written. Each mark has its interval over blocks. Time is on a log scale."
)
_METHOD = """
Every block ran every server once, in drawn order, on a database that was cloned for it, with processes of its own.
Orders came at random moments at a steady rate (Poisson arrivals), each by another customer in turn, and response time
runs from when an order was due. After each rate the run waited until no mail was pending.

The outbox says when an order was written and when the relay first took its mail up; the mail server writes down
when it has the whole of each mail. A time is the mean over blocks of the block's own median, or of its 99th percentile,
with a 95 % t interval over blocks; a ratio is taken within each block, on logs, and only where all orders of both
servers have their mails. These intervals hold one by one.

Sent twice counts mails that the mail server has more than once: a mail whose sender dies after handing it over is sent
again, under the same Message-ID.
"""
METHOD = tuple(" ".join(paragraph.split()) for paragraph in _METHOD.strip().split("\n\n"))
"""How mails are measured, a paragraph each, for a reader who was not there."""


def times(found: MailFindings) -> tuple[Chart, ...]:
    """When orders are answered and when their mails are there: one chart, a row per server and rate."""
    if not any(_times(cell) for cell in found.cells):
        return ()
    ordered = sorted(found.cells, key=lambda cell: cell.rate)
    rows = [
        dots.Row(
            name=f"{cell.server}, {text.rate(cell.rate)}", times=_times(cell), reason=cell.reason,
            reading=text.durations(tuple(each.estimate for each in _times(cell))) if _times(cell) else "void",
        )
        for cell in ordered
    ]  # fmt: skip
    alternative = "Dot chart. " + "; ".join(f"{row.name}: {row.reading}" for row in rows) + "."
    return (
        Chart(
            identifier="mails-0",
            title=when_it_pays(found),
            alternative=alternative,
            svg=dots.draw(rows, marks=_MARKS, axis="time (log)", identifier="mails-0", alternative=alternative),
            header=("server", "orders/s", "answered, p50 [95 %]", "mail there, p50 [95 %]", "mail there, p99 [95 %]"),
            rows=tuple(
                (
                    cell.server, text.rate(cell.rate), text.duration_interval(cell.request),
                    text.duration_interval(cell.delivery), text.duration_interval(cell.delivery_p99),
                )
                for cell in ordered
            ),
            at=tuple(f"mail.json#/cells/{found.cells.index(cell)}" for cell in ordered),
        ),
    )  # fmt: skip


def _times(cell: MailCell) -> tuple[Interval, ...]:
    found = tuple(each for each in (cell.request, cell.delivery, cell.delivery_p99) if each and each.estimate > 0)
    return found if len(found) == len(_MARKS) else ()
