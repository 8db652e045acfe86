"""Yields how often something happened within a while, counted in Redis, so that all processes count as one.

Where there is no Redis, or it is away, every process counts for itself: limits grow by the number of processes, and
never fall away.
"""

import time
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.http import HttpRequest
from redis.exceptions import RedisError

from targets.web import cache_breaker
from targets.web.errors import TooManyError
from targets.web.rate import Rate


def count(rate: Rate, *who: str) -> None:
    """Count one more. Raises TooManyError above the limit: what is refused is counted before anything is done.

    The window before counts too, by the part of it that is not a whole window ago: nobody gets twice the limit at the
    edge of two windows.
    """
    window, spent = divmod(time.time(), rate.seconds)
    left = rate.seconds - spent
    now, before = _counted(_key(who, rate, int(window)), before=_key(who, rate, int(window) - 1), by=1, rate=rate)
    if now + min(before, rate.limit) * left / rate.seconds > rate.limit:
        raise TooManyError(retry_after=left)


def discount(rate: Rate, *who: str) -> None:
    """Take one back that turned out to be none."""
    window = int(time.time() // rate.seconds)
    _counted(_key(who, rate, window), before="", by=-1, rate=rate)


def address_of(request: HttpRequest) -> str:
    """The client's network, as the outermost of our own proxies saw it; without proxies that of the connection.

    It is an IPv4 address, or the first 64 bits of an IPv6 one: whoever has those has all addresses below them.
    """
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    told = forwarded[-proxies] if proxies and len(forwarded) >= proxies else request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(told)
    except ValueError:
        return str(told)[:45]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network(f"{address}/64", strict=False))
    return str(address)


def _key(who: tuple[str, ...], rate: Rate, window: int) -> str:
    """The counter of a window; it does not tell whom it counts."""
    named = repr((who, rate.seconds, window)).encode("utf-8", "surrogatepass")
    return f"rate:{blake2b(named, digest_size=16).hexdigest()}"


def _counted(key: str, *, before: str, by: int, rate: Rate) -> tuple[int, int]:
    """What the counter says now, and what the one before said at last."""
    if not cache_breaker.is_resting():
        try:
            return _added(caches["rates"], key, before=before, by=by, rate=rate)
        except RedisError:
            cache_breaker.rest()
    return _added(caches["own_rates"], key, before=before, by=by, rate=rate)


def _added(store: BaseCache, key: str, *, before: str, by: int, rate: Rate) -> tuple[int, int]:
    # The first of a window makes the counter, all others find it; adding is atomic in either store.
    store.add(key, 0, timeout=2 * rate.seconds)
    earlier = int(store.get(before, 0)) if before else 0
    try:
        return int(store.incr(key, by)), earlier
    except ValueError:
        # It was thrown out meanwhile, by a store that is full.
        store.set(key, max(by, 0), timeout=2 * rate.seconds)
        return by, earlier
