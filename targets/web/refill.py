"""Yields whose turn it is to compute what the cache lacks: one of all who ask for it, while the others wait.

A turn is a lock in Redis, which one request of all processes has, and which ends with CACHE_REFILL_SECONDS at the
latest: an owner who died holds up nobody for longer, and nobody waits for longer in all. It is the turn to compute one
version of an answer, so whoever asks after a write never waits for somebody who began before it. Nobody waits
crosswise: who has the turn of a whole answer may wait for rows, and who has the turn of rows waits for nobody. Where
Redis is away or full, or where waiting would hold up an event loop, everybody computes.

Locks, looks and answers travel together: redis-py's own lock would be two round trips more for every miss.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from redis.exceptions import RedisError

from targets.web import cache_breaker

FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.02
"""Seconds between two looks of somebody who waits: at first, and at most, twice as long each time."""

_GIVE_BACK: Final = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '0' then redis.pcall('set', KEYS[2], '', 'px', ARGV[2]) end
return redis.call('del', KEYS[1])
"""
"""After its time a turn may be somebody else's, and a Redis that is full takes no sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to compute an answer. It must be given back; after its time it is anybody's again."""

    key: str
    secret: bytes

    @property
    def sign(self) -> str:
        """The key by which all are told to compute for themselves."""
        return f"{self.key}:alone"

    def give_back(self, *, key: str = "", entry: bytes | None = None) -> bool:
        """Keep `entry` under the cache's `key` and let the others read it, or compute where nothing is to be kept.

        Returns whether it is kept.
        """
        if cache_breaker.is_resting():
            return False
        try:
            with _client().pipeline(transaction=False) as pipe:
                if entry is None:
                    # Refusals and live answers are never kept: who waited for one would be served in single file.
                    self._end(pipe, alone=_milliseconds())
                else:
                    store: Any = caches["default"]
                    pipe.set(store.make_and_validate_key(key), entry, ex=store.get_backend_timeout())
                    self._end(pipe)
                told, *_ = pipe.execute(raise_on_error=False)
        except RedisError:
            cache_breaker.rest()
            return False
        return entry is not None and not isinstance(told, Exception)

    def end(self) -> None:
        """Let it be, since another has computed it. Raises RedisError."""
        self._end(_client())

    def _end(self, client: Any, *, alone: int = 0) -> None:
        client.eval(_GIVE_BACK, 2, self.key, self.sign, self.secret, alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """What came of a miss. With a turn the caller computes, without one too, unless another did meanwhile."""

    turn: Turn | None = None
    has_waited: bool = False


def refill(
    name: str, *, keys: Sequence[str], is_there: Callable[[Sequence[bytes | None]], bool], ends: float
) -> Refill:  # fmt: skip
    """Have one of all who miss `name` compute it; `is_there` is shown what the cache has under `keys`.

    Nobody waits beyond `ends`, by the monotonic clock. Raises RedisError when Redis leaves meanwhile, or is full.
    """
    if _is_in_event_loop():
        return Refill()
    store: Any = caches["default"]
    names = [store.make_and_validate_key(key) for key in keys]
    client = _client()
    turn = Turn(key=store.make_and_validate_key(f"refill:{name}"), secret=os.urandom(16))
    has_waited = False
    while True:
        with client.pipeline(transaction=False) as pipe:
            pipe.set(turn.key, turn.secret, nx=True, px=_milliseconds())
            # Somebody may have kept it between the caller's own look and this turn. Whose that is is read: of what is
            # sent again, since a connection broke, the second answer would say no.
            pipe.mget(turn.key, *names)
            _, (held, *values) = pipe.execute()
        is_ours = held == turn.secret
        if is_there(values):
            if is_ours:
                turn.end()
            return Refill(has_waited=True)
        if is_ours:
            return Refill(turn=turn, has_waited=has_waited)
        has_waited = True
        if not _is_over(client, turn, ends=ends):
            return Refill(has_waited=True)


def _is_over(client: Any, turn: Turn, *, ends: float) -> bool:
    """Wait for the end of somebody's turn; False where there is nothing to wait for, or the time is over."""
    pause = FIRST_PAUSE
    while True:
        held, alone = client.mget(turn.key, turn.sign)
        if alone is not None:
            return False
        if held is None:
            return True
        left = ends - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)


def _client() -> Any:
    """The client beneath Django's cache, whose own interface has no lock, and no time-out below a second."""
    store: Any = caches["default"]
    return store._cache.get_client(None, write=True)  # noqa: SLF001 - the reason stands above


def _milliseconds() -> int:
    return round(1000 * settings.CACHE_REFILL_SECONDS)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
