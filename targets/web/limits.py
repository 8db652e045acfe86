"""Yields how often something happened within a window of time, counted in Redis, so that all processes count as one.

Where there is no Redis, or it is away, every process counts for itself: limits grow by the number of processes, and
never fall away.
"""

import time
from hashlib import blake2b

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.http import HttpRequest
from redis.exceptions import RedisError

from targets.web.errors import TooManyError
from targets.web.rate import Rate


def count(rate: Rate, *who: str) -> None:
    """Count one more. Raises TooManyError above the limit: what is refused is counted before anything is done."""
    key, left = _key(rate, who)
    if _counted(key, by=1, seconds=rate.seconds) > rate.limit:
        raise TooManyError(retry_after=left)


def discount(rate: Rate, *who: str) -> None:
    """Take one back that turned out to be none."""
    key, _ = _key(rate, who)
    _counted(key, by=-1, seconds=rate.seconds)


def address_of(request: HttpRequest) -> str:
    """The client's address, as the outermost of our own proxies saw it; without proxies that of the connection."""
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies][:45]
    return str(request.META.get("REMOTE_ADDR", ""))


def _key(rate: Rate, who: tuple[str, ...]) -> tuple[str, float]:
    """The counter of this window, and the seconds that are left of it; no key tells whom it counts."""
    window, spent = divmod(time.time(), rate.seconds)
    named = repr((who, rate.seconds, int(window))).encode("utf-8", "surrogatepass")
    return f"rate:{blake2b(named, digest_size=16).hexdigest()}", rate.seconds - spent


def _counted(key: str, *, by: int, seconds: int) -> int:
    try:
        return _add(caches["rates"], key, by=by, seconds=seconds)
    except RedisError:
        return _add(caches["own_rates"], key, by=by, seconds=seconds)


def _add(store: BaseCache, key: str, *, by: int, seconds: int) -> int:
    # The first of a window makes the counter, all others find it; adding is atomic in either store.
    store.add(key, 0, timeout=2 * seconds)
    return int(store.incr(key, by))
