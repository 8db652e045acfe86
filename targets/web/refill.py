"""Yields whose turn it is to compute what the cache lacks: one of all who ask for it, while the others wait.

A turn is a lock in Redis, which one request of all processes has, and which ends with CACHE_REFILL_SECONDS at the
latest: an owner who died holds up nobody for longer, and nobody waits for longer in all. It is the turn to compute one
version of an answer, so whoever asks after a write never waits for somebody who began before it. Nobody waits
crosswise: who has the turn of a whole answer may wait for rows, and who has the turn of rows waits for nobody. Where
Redis is away or full, or where waiting would hold up an event loop, everybody computes.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from redis.exceptions import LockError, RedisError, ResponseError
from redis.lock import Lock

from targets.web import cache_breaker

FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.02
"""Seconds between two looks of somebody who waits: at first, and at most, twice as long each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to compute an answer. It must be given back; after its time it is anybody's again."""

    lock: Lock
    sign: str

    def give_back(self, *, is_kept: bool) -> None:
        """Let the others go on: to read what is kept now, or to compute what is never going to be."""
        try:
            if not is_kept:
                # Refusals and live answers are not kept: waiting for one another they would be served in single file.
                with suppress(ResponseError):
                    self.lock.redis.set(self.sign, b"", px=_milliseconds())
            with suppress(LockError, ResponseError):
                self.lock.release()
        except RedisError:
            cache_breaker.rest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """What came of a miss. With a turn the caller computes, without one too, unless another did meanwhile."""

    turn: Turn | None = None
    has_waited: bool = False


def refill(name: str, *, is_there: Callable[[], bool]) -> Refill:
    """Have one of all who miss `name` compute it; `is_there` is asked when that may have happened.

    Raises RedisError when Redis leaves meanwhile, or is full.
    """
    if _is_in_event_loop():
        return Refill()
    store: Any = caches["default"]
    # Django's own interface has no lock, and no time-out below a second.
    client = store._cache.get_client(None, write=True)  # noqa: SLF001
    key = store.make_and_validate_key(f"refill:{name}")
    turn = Turn(lock=Lock(client, key, timeout=settings.CACHE_REFILL_SECONDS, thread_local=False), sign=f"{key}:alone")
    ends = time.monotonic() + settings.CACHE_REFILL_SECONDS
    has_waited = False
    while not turn.lock.acquire(blocking=False):
        has_waited = True
        if not _is_over(client, turn, ends=ends):
            return Refill(has_waited=True)
        if is_there():
            return Refill(has_waited=True)
    # Somebody may have kept it between the caller's own look and this turn.
    if is_there():
        turn.give_back(is_kept=True)
        return Refill(has_waited=True)
    return Refill(turn=turn, has_waited=has_waited)


def _is_over(client: Any, turn: Turn, *, ends: float) -> bool:
    """Wait for the end of somebody's turn; False where there is nothing to wait for, or the time is over."""
    pause = FIRST_PAUSE
    while True:
        held, alone = client.mget(turn.lock.name, turn.sign)
        if alone is not None:
            return False
        if held is None:
            return True
        left = ends - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)


def _milliseconds() -> int:
    return round(1000 * settings.CACHE_REFILL_SECONDS)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
