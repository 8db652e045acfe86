"""Yields `Findings`, all that a run found, as one value that reports, console and gate read; and its JSON.

It computes nothing: the stages before it do. Durations are seconds, sizes bytes, ratios candidate / reference.
"""

from dataclasses import dataclass, field
from typing import Final

SCHEMA_VERSION: Final = 1

STEAL_LIMIT: Final = 0.05
"""Share of CPU time that the host may take from what is measured."""

KERNEL_LIMIT: Final = 0.15
"""Share by which the reference kernel may be off."""

GENERATOR_LIMIT: Final = 0.60
"""Share of a core that a generator may take."""

IN_DOUBT: Final = "too many void blocks"
"""The detail of comparisons from which nothing may be concluded."""

UNCONFIRMED: Final = "a difference that no fresh blocks have confirmed yet"
"""The detail of an alarm before its confirmation."""

UNDECIDED: Final = "fresh blocks may tell"
"""The detail of what is unclear before it was measured half as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval; `simultaneous` says over how many effects it holds at once."""

    estimate: float
    low: float
    high: float
    blocks: int
    simultaneous: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How PostgreSQL ran one statement: its tree as text lines, and what it counted."""

    lines: tuple[str, ...]
    rows: int
    shared_hit: int
    shared_read: int
    indexes: tuple[str, ...]
    sequential_scans: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One distinct statement of a request: how often it was issued, from which line, and its plan.

    `count` above one with different parameters is an N+1. `rows` and `seconds` are totals over the repeats.
    """

    fingerprint: str
    sql: str
    database: str
    count: int
    rows: int
    seconds: float
    line: str
    plan: Plan | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether the statement was issued more than once in one request: an N+1."""
        return self.count > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLevel:
    """What one level of the cache was asked, and what became of it: `misses` were not there when they were looked up.

    Of the misses so many were `recomputed`, and with so many the request `waited` for another that computed. `stored`
    are the bytes that the cache holds of what was found or kept there, and `plain` what they are unpacked.
    """

    level: str
    hits: int = 0
    misses: int = 0
    recomputed: int = 0
    waited: int = 0
    stored: int = 0
    plain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one request of a cell did, counted over its trips; `hits` are (level of the cache, hits there).

    `cache_away` are look-ups that were answered without the cache, since it did not answer.
    """

    statements: tuple[Statement, ...]
    body_bytes: int
    cache_hits: int
    cache_misses: int
    seconds: float
    database_seconds: float
    counted_by_database: int | None = None
    hits: tuple[tuple[str, int], ...] = ()
    trips: int = 1
    cache_away: int = 0
    levels: tuple[CacheLevel, ...] = ()

    @property
    def statement_count(self) -> int:
        """SQL statements that the request issued."""
        return sum(statement.count for statement in self.statements)

    @property
    def rows(self) -> int:
        """Rows that its statements returned."""
        return sum(statement.rows for statement in self.statements)

    @property
    def shared_buffers(self) -> int:
        """Shared buffers (8 KiB pages) that its statements touched: per distinct statement, plan times count."""
        return sum((s.plan.shared_hit + s.plan.shared_read) * s.count for s in self.statements if s.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One operation at one arm: its service times and its evidence; or void, with the reason.

    `service` is the mean over blocks of the block's mean, `quantiles` are (share, seconds) over all samples.
    `floor_ratio` is the median over the floor's; `net` the median less the floor's, in seconds. `ceiling_ratio` is its
    typical time over what PostgreSQL alone needs for the same answers. `body_bytes` are those of an
    answer where there is no evidence that tells them.
    """

    operation: str
    server: str
    face: str
    variant: tuple[tuple[str, str], ...]
    state: str
    reason: str = ""
    requests: int = 0
    service: Interval | None = None
    block_means: tuple[float, ...] = ()
    quantiles: tuple[tuple[float, float], ...] = ()
    floor_ratio: float | None = None
    net: float | None = None
    ceiling_ratio: Interval | None = None
    cold: Evidence | None = None
    warm: Evidence | None = None
    body_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What PostgreSQL alone needs for an operation's answers, which it writes as JSON: the mean over blocks.

    Pages are asked for in the way `paging`, where there is a choice.
    """

    operation: str
    service: Interval
    paging: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A comparison as a ratio of service times, with its verdict.

    `kind`: "conditional" (a knob at cache = off, over the settings of the others), "simple" (a knob at one
    full setting of the others), "whole" (all knobs on / all off), "main", "interaction" (a ratio of ratios),
    "face" (graphql / rest), "server" (candidate / reference), "benchmark" (likewise, of a call in process), "part" (two
    settings that differ in the subject alone).
    `given` names what is held fixed. `typical` is the trimmed mean of the paired log-ratios, `total` the ratio of the
    sums, `few` the difference in the share of requests above three times the reference's median. `dots` are the blocks'
    own ratios.
    """

    operation: str
    face: str
    kind: str
    subject: str
    given: str
    typical: Interval
    total: Interval | None = None
    few: Interval | None = None
    p: float | None = None
    verdict: str = "unclear"
    detail: str = ""
    dots: tuple[float, ...] = ()
    near_floor: bool = False
    net_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One knob's share of the way from all-off to all-on: seconds saved (negative) or added, with the interval."""

    knob: str
    seconds: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The Shapley shares of the knobs; `start` plus all steps is `end`, exactly."""

    operation: str
    face: str
    start: float
    end: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How many answers of one operation were compared with the reference answer, and over how many cells."""

    operation: str
    answers: int
    cells: int
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: how long it took, what the sensors saw, and why it is void if it is; `note` tells of damage."""

    index: int
    seconds: float
    requests: int
    void: str = ""
    note: str = ""
    steal: float | None = None
    pressure: float | None = None
    kernel_ratio: float | None = None
    generator_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of the pipeline: its wall time, and the time it should stay within."""

    name: str
    seconds: float
    budget: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that one run found. `environment` and `settings` are (name, value) pairs for people to read.

    `knobs` are those that the design varies, `held` the levels of those that it holds. `along` are operations
    that differ in a number alone, as (operation, number), and `along_what` is what it counts. `target` is empty for
    Windtunnel's own; a user's was `booted` in every block, or `running` already.
    """

    experiment: str
    run: str
    question: str
    answer: tuple[str, ...]
    dataset: tuple[tuple[str, str], ...]
    knobs: tuple[str, ...]
    held: tuple[tuple[str, str], ...]
    complete: bool
    cells: tuple[Cell, ...]
    effects: tuple[Effect, ...]
    waterfalls: tuple[Waterfall, ...]
    proofs: tuple[Proof, ...]
    blocks: tuple[Block, ...]
    stages: tuple[Stage, ...]
    environment: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    command: str = ""
    along: tuple[tuple[str, float], ...] = ()
    along_what: str = ""
    target: str = ""
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def wants_fresh_blocks(self) -> bool:
        """Whether a server looks faster or slower, which is to be confirmed, or whether it does is unclear as yet."""
        return any(effect.detail in {UNCONFIRMED, UNDECIDED} for effect in self.effects)
