"""Yields what pytest-benchmark wrote of a session of benchmarks, as values. It computes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds of one call over its rounds. `iterations` is how many calls a round has."""

    min: float
    max: float
    mean: float
    median: float
    q1: float
    q3: float
    iqr: float
    stddev: float
    rounds: int
    iterations: int
    ops: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark by its name and its test's full name."""

    name: str
    fullname: str
    stats: Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it ran."""

    machine: str
    python_version: str
    system: str
    release: str
    cpu: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """What git said of the tree."""

    id: str = "unknown"
    dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    """A session. The fields are those of pytest-benchmark's JSON, version 5; what is not named here is not read."""

    machine_info: Machine
    commit_info: CommitInfo
    benchmarks: tuple[Benchmark, ...]
    datetime: str
    version: str
