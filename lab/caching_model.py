"""Yields what a cache should do: hit rates by closed form, and by replaying requests. It measures nothing.

An answer that was computed is kept for a fixed time-to-live, which hits do not prolong, or until a write. Requests come
by Poisson arrivals, and each draws its key on its own.
"""

from bisect import bisect_right
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Keys = NDArray[np.int64]

_STEPS: Final = 60
"""Halvings of an interval of shares: beyond what a float tells apart."""


def zipf(count: int, *, exponent: float) -> Array:
    """The shares (count,) of keys by Zipf's law: the k-th comes up in proportion to 1 / k^exponent."""
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares: Array = weights / weights.sum()
    return shares


def lifetime_hits(rates: Array, *, ttl: float, compute: float = 0.0) -> Array:
    """The share of hits (n,) of keys that are asked for at `rates` (n,) a second, where answers live for `ttl` seconds.

    Renewal: a cycle begins with a miss, which computes for `compute` seconds; who asks meanwhile misses too, rate *
    compute of them; then come rate * ttl hits. Without `compute` it is rate * ttl / (1 + rate * ttl).
    """
    hits: Array = rates * ttl / (1 + rates * (ttl + compute))
    return hits


def replayed(
    keys: Keys, *, sent: Array, done: Array, ttl: float = np.inf, writes: Sequence[float] = ()
) -> NDArray[np.bool_]:
    """Which requests (n,) find an answer that is kept for `ttl` seconds from when it was `done`, or until a write.

    `sent`, `done` and the times at which `writes` were done are seconds of one clock. An answer whose request was sent
    before a write counts as of before it, whenever it was done: this is what version tokens make sure of.
    """
    hits = np.zeros(len(keys), dtype=np.bool_)
    ended = sorted(writes)
    kept: dict[int, tuple[float, int]] = {}
    coming: list[tuple[float, int, int]] = []
    for place in np.argsort(sent, kind="stable").tolist():
        now, key = float(sent[place]), int(keys[place])
        while coming and coming[0][0] <= now:
            at, other, before = heappop(coming)
            kept[other] = (at + ttl, before)
        version = bisect_right(ended, now)
        until, of = kept.get(key, (-np.inf, -1))
        hits[place] = now < until and of == version
        if not hits[place]:
            heappush(coming, (float(done[place]), key, version))
    return hits


def written_hits(shares: Array, *, writes: float, faces: int = 1) -> float:
    """The share of reads that hit where only writes end an answer, each of them all answers.

    `writes` is the share of writes in all requests, `shares` (n,) those of the keys in the reads, which `faces` with
    caches of their own have in equal parts. A read hits if the last of its own kind and the writes was one of its kind.
    """
    own = shares * (1 - writes) / faces
    return float((shares * own / (own + writes)).sum()) if writes else 1.0


def most_writes(shares: Array, *, needed: float, faces: int = 1) -> float:
    """The largest share of writes at which `written_hits` is `needed`: 1 where none is needed, 0 where all are."""
    if needed <= 0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if written_hits(shares, writes=middle, faces=faces) >= needed:
            low = middle
        else:
            high = middle
    return low
