"""Yields what several carriers ask for a parcel: one after the other, by threads, or all at once in an event loop.

Whoever does not answer in time, or answers nonsense, is missing from the answer and named; the others count.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpx
from django.conf import settings

from targets.web.current import current_variant

TOO_SLOW: Final = "too slow"
NO_ANSWER: Final = "no answer"
MOST_THREADS: Final = 256
MOST_CONNECTIONS: Final = 2_000
MOST_BYTES: Final = 10_000
MOST_PRICE: Final = 100_000
MOST_DAYS: Final = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to be sent: to which country, and how heavy."""

    country: str
    grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a carrier asks, and how many days it takes."""

    carrier: str
    price: Decimal
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A carrier without a quote, and why."""

    carrier: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """The quotes, the cheapest first, and who is missing, by name."""

    quotes: Sequence[Quote]
    missing: Sequence[Missing]


def quote_list(*, parcel: Parcel) -> Quotes:
    """What the carriers ask, as the knob `fanout` says: in turn, or else by threads."""
    if current_variant().fanout == "sync":
        return _sorted([_asked(name, url, parcel) for name, url in settings.CARRIERS.items()])
    futures = [_threads().submit(_asked, name, url, parcel) for name, url in settings.CARRIERS.items()]
    return _sorted([future.result() for future in futures])


async def quote_list_async(*, parcel: Parcel) -> Quotes:
    """What the carriers ask, all at once, in this event loop."""
    return _sorted(await asyncio.gather(*(_asked_async(name, url, parcel) for name, url in settings.CARRIERS.items())))


def _asked(name: str, url: str, parcel: Parcel) -> Quote | Missing:
    deadline = time.monotonic() + settings.CARRIER_SECONDS
    try:
        body = bytearray()
        with _client(name).stream("GET", url, params=_question(parcel)) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                body += chunk
                # The client's own limit is for each read: a carrier that trickles would be listened to without end.
                if time.monotonic() > deadline:
                    return Missing(carrier=name, reason=TOO_SLOW)
                if len(body) > MOST_BYTES:
                    return Missing(carrier=name, reason=NO_ANSWER)
        return _read(name, bytes(body))
    except httpx.TimeoutException:
        return Missing(carrier=name, reason=TOO_SLOW)
    except httpx.HTTPError:
        return Missing(carrier=name, reason=NO_ANSWER)


async def _asked_async(name: str, url: str, parcel: Parcel) -> Quote | Missing:
    deadline = time.monotonic() + settings.CARRIER_SECONDS
    try:
        body = bytearray()
        async with _async_client(name).stream("GET", url, params=_question(parcel)) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                body += chunk
                if time.monotonic() > deadline:
                    return Missing(carrier=name, reason=TOO_SLOW)
                if len(body) > MOST_BYTES:
                    return Missing(carrier=name, reason=NO_ANSWER)
        return _read(name, bytes(body))
    except httpx.TimeoutException:
        return Missing(carrier=name, reason=TOO_SLOW)
    except httpx.HTTPError:
        return Missing(carrier=name, reason=NO_ANSWER)


def _question(parcel: Parcel) -> dict[str, str]:
    return {"country": parcel.country, "grams": str(parcel.grams)}


def _read(name: str, body: bytes) -> Quote | Missing:
    """A carrier's answer; what it is not sure to be is checked."""
    try:
        told: Any = json.loads(body)
        price, days = Decimal(told["price"]), told["days"]
        if not (price.is_finite() and 0 <= price <= MOST_PRICE and isinstance(days, int) and 0 <= days <= MOST_DAYS):
            return Missing(carrier=name, reason=NO_ANSWER)
        return Quote(carrier=name, price=price.quantize(Decimal("0.01")), days=days)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        return Missing(carrier=name, reason=NO_ANSWER)


def _sorted(found: Sequence[Quote | Missing]) -> Quotes:
    quotes = [each for each in found if isinstance(each, Quote)]
    missing = [each for each in found if isinstance(each, Missing)]
    return Quotes(
        quotes=sorted(quotes, key=lambda each: (each.price, each.carrier)),
        missing=sorted(missing, key=lambda each: each.carrier),
    )


# A client and its kept connections for each carrier, so that no pool is long: it is gone through for every request.
@cache
def _client(carrier: str) -> httpx.Client:
    return httpx.Client(timeout=settings.CARRIER_SECONDS, trust_env=False, limits=_LIMITS)


def _async_client(carrier: str) -> httpx.AsyncClient:
    """Those of the asynchronous kind belong to an event loop."""
    own = _async_clients.setdefault(asyncio.get_running_loop(), {})
    if carrier not in own:
        own[carrier] = httpx.AsyncClient(timeout=settings.CARRIER_SECONDS, trust_env=False, limits=_LIMITS)
    return own[carrier]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="carriers")


_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, httpx.AsyncClient]] = WeakKeyDictionary()
_LIMITS: Final = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=None)
