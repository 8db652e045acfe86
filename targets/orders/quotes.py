"""Yields what several carriers ask for a parcel: one after the other, by threads, or all at once in an event loop.

Whoever does not answer in time, or answers nonsense, is missing from the answer and named; the others count.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

import httpx
from django.conf import settings

from targets.web.current import current_variant

TOO_SLOW: Final = "too slow"
NO_ANSWER: Final = "no answer"
MOST_THREADS: Final = 64


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
    """What the carriers ask, as the knob `fanout` says: in turn, or by threads."""
    if current_variant().fanout == "threads":
        futures = [_threads().submit(_asked, name, url, parcel) for name, url in settings.CARRIERS.items()]
        return _sorted([future.result() for future in futures])
    return _sorted([_asked(name, url, parcel) for name, url in settings.CARRIERS.items()])


async def quote_list_async(*, parcel: Parcel) -> Quotes:
    """What the carriers ask, all at once, in this event loop."""
    return _sorted(await asyncio.gather(*(_asked_async(name, url, parcel) for name, url in settings.CARRIERS.items())))


def _asked(name: str, url: str, parcel: Parcel) -> Quote | Missing:
    try:
        return _read(name, _client().get(url, params=_question(parcel)))
    except httpx.TimeoutException:
        return Missing(carrier=name, reason=TOO_SLOW)
    except httpx.HTTPError:
        return Missing(carrier=name, reason=NO_ANSWER)


async def _asked_async(name: str, url: str, parcel: Parcel) -> Quote | Missing:
    try:
        return _read(name, await _async_client(id(asyncio.get_running_loop())).get(url, params=_question(parcel)))
    except httpx.TimeoutException:
        return Missing(carrier=name, reason=TOO_SLOW)
    except httpx.HTTPError:
        return Missing(carrier=name, reason=NO_ANSWER)


def _question(parcel: Parcel) -> dict[str, str]:
    return {"country": parcel.country, "grams": str(parcel.grams)}


def _read(name: str, response: httpx.Response) -> Quote | Missing:
    """A carrier's answer; what it is not sure to be is checked."""
    try:
        told: Mapping[str, Any] = response.raise_for_status().json()
        return Quote(carrier=name, price=Decimal(told["price"]).quantize(Decimal("0.01")), days=int(told["days"]))
    except (httpx.HTTPStatusError, ValueError, TypeError, KeyError, InvalidOperation):
        return Missing(carrier=name, reason=NO_ANSWER)


def _sorted(found: Sequence[Quote | Missing]) -> Quotes:
    quotes = [each for each in found if isinstance(each, Quote)]
    missing = [each for each in found if isinstance(each, Missing)]
    return Quotes(
        quotes=sorted(quotes, key=lambda each: (each.price, each.carrier)),
        missing=sorted(missing, key=lambda each: each.carrier),
    )


# One client and its kept connections for the process; of the asynchronous kind one for each event loop.
@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=settings.CARRIER_SECONDS, trust_env=False, limits=_LIMITS)


@cache
def _async_client(loop: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=settings.CARRIER_SECONDS, trust_env=False, limits=_LIMITS)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="carriers")


_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=None)
