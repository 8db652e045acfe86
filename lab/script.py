"""Yields `Script`, what one block's generator process has to send, and `Report`, what it saw. It sends nothing."""

from dataclasses import dataclass
from typing import Final

TOKEN_VARIABLE: Final = "LAB_TOKEN"  # noqa: S105 - a name, not a token
"""The environment variable by which a generator gets the run's token."""

HEADERS_VARIABLE: Final = "LAB_HEADERS"
"""The environment variable by which a generator gets headers that no script may keep: JSON, by the cell's number."""

WORKER_TOKEN: Final = "LAB_WORKER_TOKEN"  # noqa: S105 - a name, not a token
"""The environment variable by which master and workers get the token they share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One more request of a line, sent with the line's headers when the one before it is answered."""

    method: str
    url: str
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One concrete request with the answer that is right: its status, its length in bytes and its CRC-32.

    Where one of these is None, any will do, and any 2xx status; `graphql` asks for an answer without `errors`.
    With `then` the answer is that of all trips: each has the status, and their bodies count together.
    """

    cell: int
    key: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    status: int | None
    length: int | None
    checksum: int | None
    graphql: bool = False
    then: tuple[Trip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to send: `warm` and `passes` are lists of indices into `lines`.

    Warm-up ends after the pass in which `warm_seconds` are over, measuring after the pass in which `seconds`
    are over. `settle` are the URLs that are posted to between the two. The run's token is no part of it: a
    script stays in the run's folder, which people share.
    """

    samples: str
    report: str
    lines: tuple[Line, ...]
    warm: tuple[tuple[int, ...], ...]
    passes: tuple[tuple[int, ...], ...]
    warm_seconds: float
    seconds: float
    settle: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the generator saw of itself and of the machine while it measured; None is 'not available'.

    `kernels` are nanoseconds of the reference kernel, one a pass; `generator_share` is its share of one core.
    """

    requests: int
    failures: int
    seconds: float
    passes_done: int
    passes_planned: int
    kernels: tuple[int, ...]
    generator_share: float
    steal: float | None
    pressure: float | None
    error: str = ""
