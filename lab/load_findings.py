"""Yields what was found under load, as values that console, report and gate read. It computes nothing.

Durations are seconds, rates requests per second, shares of one. Response time runs from the moment at which a request
was due to its last byte, service time from its sending; a closed user's request is due when it is sent.
"""

from dataclasses import dataclass, field
from typing import Final

from lab.findings import Interval

LOAD_VERSION: Final = 1

LATENESS_LIMIT: Final = 0.005
"""Seconds that the 99th percentile of the lateness may reach."""

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
"""Shares of the requests whose times are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """What was seen of the instrument and its machine; None is 'not available'.

    `generator_share` is the busiest generator's share of one core, `lateness` the 99th percentile of how late requests
    were sent, `kernel_ratio` the reference kernel after the load over before it.
    """

    generator_share: float
    lateness: float
    steal: float | None
    pressure: float | None
    kernel_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A slice of a load, `at` its start: arrivals due in it, what became of them, and their response times."""

    at: float
    offered: int
    right: int
    failed: int
    median: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlLoad:
    """What a load on one URL found. `state` is valid, or void for `reasons`.

    `offered` and `achieved` are rates: arrivals over the time asked for, right answers that came in it.
    `response` and `service` are (share, seconds) of right answers. `faults` are (name, count) of the others. `arrivals`
    is constant, poisson or closed; `level` the rate, or the users, that were asked for.
    """

    url: str
    method: str
    arrivals: str
    shape: str
    level: float
    seconds: float
    warm_seconds: float
    seed: int
    workers: int
    started: str
    command: str
    state: str
    reasons: tuple[str, ...]
    offered: float
    achieved: float
    requests: int
    right: int
    failed: int
    late: int
    unsent: int
    body_bytes: int
    faults: tuple[tuple[str, int], ...]
    response: tuple[tuple[float, float], ...]
    service: tuple[tuple[float, float], ...]
    sensors: Sensors
    moments: tuple[Moment, ...]
    environment: tuple[tuple[str, str], ...]
    samples: tuple[str, ...] = ()
    schema_version: int = field(default=LOAD_VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCell:
    """One arm at one load, over all blocks that count; void with its reason where none does.

    `kind` is open or closed, `step` names the load ("half of its own capacity", "8 users"), `level` is its rate per
    second or its users. Percentiles of the response time and of the service time are of all blocks' requests together,
    their intervals from the scatter of the blocks' own; `quantiles` are (share, seconds) of the response time. `cpu`
    are CPU seconds per request by process: `server`, `PostgreSQL`, `generator`. `opened` are database connections per
    request that were opened, `held` the most that were seen at once; None where the database did not tell.
    """

    face: str
    variant: tuple[tuple[str, str], ...]
    kind: str
    step: str
    level: float
    state: str
    reason: str = ""
    requests: int = 0
    failed: int = 0
    late: int = 0
    unsent: int = 0
    offered: float = 0.0
    achieved: Interval | None = None
    p50: Interval | None = None
    p95: Interval | None = None
    p99: Interval | None = None
    service_p50: Interval | None = None
    service_p99: Interval | None = None
    quantiles: tuple[tuple[float, float], ...] = ()
    cpu: tuple[tuple[str, Interval], ...] = ()
    generator_share: float = 0.0
    lateness: float = 0.0
    opened: Interval | None = None
    held: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An estimate with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The Universal Scalability Law: λ `rate` (requests/s of one user), σ `contention`, κ `coherency`, and its fit.

    `peak_users` and `peak_throughput` are None when κ's interval includes 0, which is no peak at all; a peak
    beyond the ladder is extrapolated. `rms` is the root mean square over steps of the mean ln(measured / fitted).
    `refits` counts the blocks whose scatter gave the intervals, 0 when the pooled fit's covariance did.
    """

    rate: Bound
    contention: Bound
    coherency: Bound
    peak_users: float | None
    peak_throughput: float | None
    rms: float
    refits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalability:
    """How one arm takes more users: its capacity in requests per second, and where it stops to gain.

    `users` are those at which the capacity was reached. `limit` says what ended the growth: `server`, `generator`, or
    empty where the ladder was too short. Without a law, `reason` says why none was fitted.
    """

    face: str
    variant: tuple[tuple[str, str], ...]
    capacity: Bound | None
    users: int | None
    knee: Bound | None
    knee_reason: str
    limit: str
    law: Law | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """One arm's capacity over another's, face by face, as a ratio over blocks: above one it carries more."""

    face: str
    candidate: tuple[tuple[str, str], ...]
    reference: tuple[tuple[str, str], ...]
    ratio: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a request costs an arm's server in CPU seconds, over what its face's bare view costs, block by block.

    `seconds` and `bare` are the two, `spent` the CPU seconds that the less busy of them took in all blocks that count.
    """

    face: str
    variant: tuple[tuple[str, str], ...]
    step: str
    ratio: Interval
    seconds: Interval
    bare: Interval
    spent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row: a property of the instrument, the bound it must keep, and what was seen; None is 'not available'."""

    what: str
    bound: str
    seen: str
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The rows, when and where they were measured, and the largest share of CPU time that the host took meanwhile."""

    measured: str
    environment: tuple[tuple[str, str], ...]
    steal: float | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFindings:
    """All that a run found under load: `walk` names the scenario, `server` says how its server was booted.

    `calibration` is the newest one of the instrument on this machine; None where there was none. `costs` are those
    beside a bare view, in a design that has one. `statements` are those that the database ran and those that were due,
    over all blocks; None where it does not count them. `damages` say what is wrong with samples, whose blocks are left
    out whole.
    """

    walk: str
    server: str
    cells: tuple[LoadCell, ...]
    scalabilities: tuple[Scalability, ...]
    gains: tuple[Gain, ...] = ()
    costs: tuple[Cost, ...] = ()
    notes: tuple[str, ...] = ()
    calibration: Calibration | None = None
    statements: tuple[int, int] | None = None
    damages: tuple[str, ...] = ()
    schema_version: int = field(default=LOAD_VERSION)
