"""Yields what a study of caches found, as values: hit rates, times by class, mixes, memory. It computes nothing.

Times are seconds, intervals None where fewer than two blocks count. A `level` is the cache's, as the knob names it.
"""

from dataclasses import dataclass

from lab.findings import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRate:
    """How many requests hit, by whom and how popular what they ask for is; `face` is empty for all faces together.

    `model` is what the closed form gives for the keys and rates that were asked, `replayed` what the requests hit in a
    cache without faults.
    """

    exponent: float
    level: str
    face: str
    requests: int
    measured: Interval | None
    share: float
    model: float
    replayed: float

    @property
    def apart(self) -> float:
        """Measured less model, as a share."""
        return self.share - self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTime:
    """Response times of a class of requests under the same load: `kind` is a key of `CLASSES`, or "no cache"."""

    level: str
    face: str
    kind: str
    requests: int
    share: Interval | None
    p50: Interval | None
    p99: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleTime:
    """Service times of keys that are asked for one by one: `kind` is "cold", "warm" or "no cache"."""

    level: str
    face: str
    kind: str
    requests: int
    mean: Interval | None
    p50: Interval | None
    p99: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Reads beside a share of writes: what hits, how long they take, and that over the time without a cache."""

    level: str
    face: str
    writes: float
    requests: int
    hits: Interval | None
    replayed: float | None
    mean: Interval | None
    p50: Interval | None
    p99: Interval | None
    ratio: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU seconds per request of a mix, reads and writes; PostgreSQL's None where it is a given one."""

    level: str
    writes: float
    server: Interval | None
    postgres: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """From which hit rate on a cache saves time, by its cold and warm times: `needed`.

    `writes` is the share of writes at which no more hit, by the model.
    """

    level: str
    face: str
    needed: Interval
    writes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an answer takes, in bytes on average: sent, stored, and of the server's memory."""

    level: str
    face: str
    answers: int
    entries: int
    body: float
    stored: float
    memory: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidTrial:
    """A trial that counts for nothing: which it was, and every reason. `face` is empty where all were asked at once."""

    block: int
    kind: str
    level: str
    face: str
    writes: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingFindings:
    """All of it; `rates` has each exponent and level, all faces together first, `exponents` those of all levels too."""

    operation: str
    rate: float
    lifetime: int
    usual: float
    keys: int
    part_keys: int
    shares: tuple[float, ...]
    levels: tuple[str, ...]
    faces: tuple[str, ...]
    exponents: tuple[HitRate, ...]
    rates: tuple[HitRate, ...]
    classes: tuple[ClassTime, ...]
    passes: tuple[SingleTime, ...]
    mixes: tuple[Mix, ...]
    costs: tuple[Cost, ...]
    worths: tuple[Worth, ...]
    memories: tuple[Memory, ...]
    voids: tuple[VoidTrial, ...]
    blocks: int
    blocks_done: int
    trials: int
    trials_counted: int
    answers: int
    notes: tuple[str, ...] = ()
