"""Yields what a run with mails found, as values. It computes nothing."""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Interval

MAIL_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCell:
    """A server at a rate, over its blocks: times are seconds, None where the cell counts for nothing.

    `request` is the median of an order's response time, from when it was due, and `request_p99` its 99th percentile. Of
    an order's mail: `publish` is the median from the order to the relay's hint, `queue` from there to the sink,
    `delivery` from the order to the sink, `delivery_p99` its 99th percentile, `drain` how long the last mail came after
    the last order. `messages` were published for them, `tasks` run
    by workers, and `tries` made to send. `lost` orders have no mail at the
    sink, `extra` mails came more than once.
    """

    server: str
    rate: float
    state: str
    reason: str = ""
    orders: int = 0
    mails: int = 0
    messages: int = 0
    tasks: int = 0
    tries: int = 0
    failed: int = 0
    lost: int = 0
    extra: int = 0
    request: Interval | None = None
    request_p99: Interval | None = None
    publish: Interval | None = None
    queue: Interval | None = None
    delivery: Interval | None = None
    delivery_p99: Interval | None = None
    drain: Interval | None = None
    block_requests: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailGain:
    """A server against the first one at one rate, over the same blocks: ratios of medians, candidate / reference."""

    server: str
    reference: str
    rate: float
    request: Interval
    delivery: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFindings:
    """What a run with mails found: `delay` are the sink's seconds for a mail, `workers` those that Celery had.

    `damages` say what is wrong with samples, whose trials are left out whole.
    """

    delay: float
    workers: int
    seconds: float
    blocks: int
    blocks_done: int
    cells: tuple[MailCell, ...]
    gains: tuple[MailGain, ...]
    notes: tuple[str, ...] = ()
    damages: tuple[str, ...] = ()
    schema_version: int = field(default=MAIL_VERSION)
