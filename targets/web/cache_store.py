"""Yields the store that both cache levels keep their answers in: byte strings in Redis that die by version.

An entry begins with the version tokens of the domains that it was computed from. A write gives its domain
a new token, which unmakes all older entries at once; an entry computed from older rows but stored later
carries the old token and is never served. A token that is lost or expired is replaced by a new random one, never by an
old one.

Redis is never needed: when it is away every look-up misses, and for a while nobody asks again. The one
staleness: a write whose new token could not be stored, since Redis was away or the writer died just then, is seen after
CACHE_SECONDS at the latest.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.db import transaction
from redis.exceptions import RedisError, ResponseError

from targets.web import cache_breaker
from targets.web.current import current_face, current_variant
from targets.web.entries import pack, unpack
from targets.web.evidence import note_cache, note_kept
from targets.web.refill import Turn, refill
from targets.web.routing import current_database

_TOKEN_BYTES = 16
_SECONDS_IN_A_DAY = 86_400
_FORMAT: Final = 2
"""Of entries; other code, which may bear the same commit's name, looks elsewhere."""

_log = logging.getLogger(__name__)


class BytesSerializer:
    """Django's cache serializer for values that are bytes already; nothing is ever unpickled."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes) -> bytes:
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The payload, or None for a miss; the stamp to keep a new payload under, None when there is no cache.

    `turn` is the turn to compute the payload, where one of all who ask for it has it: use `computing`.
    """

    key: str
    payload: bytes | None
    stamp: bytes | None
    turn: Turn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one look into the store found, and how many bytes the store has of it."""

    payload: bytes | None = None
    stored: int = 0
    stamp: bytes | None = None


def entry_key(*parts: object) -> str:
    """The key of what `parts` name for this request's face and database, as computed by this version of the code."""
    named = repr((_FORMAT, _database_name(current_database()), settings.TARGET_COMMIT, current_face(), *parts))
    return blake2b(named.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def look_up(key: str, *, level: str, domains: Sequence[str]) -> Lookup:
    """What is kept under `key` and still true, in one round trip; where nothing is, as the knob `refill` says.

    What another computes meanwhile counts if they began no earlier than the last write that came before this look-up.
    """
    began = time.perf_counter()
    found = _Found()
    turn: Turn | None = None
    is_hit = has_waited = False
    is_away = cache_breaker.is_resting()
    if not is_away:
        try:
            asked = found = _fetch(key, domains=domains)
            is_hit = asked.payload is not None
            if asked.payload is None and asked.stamp is not None and current_variant().refill == "one":

                def is_there(values: Sequence[bytes | None]) -> bool:
                    nonlocal found
                    found = _read(values, asked=asked.stamp)
                    return found.payload is not None

                keys = _keys(key, domains=domains)
                came = refill(f"{key}:{asked.stamp.hex()}", keys=keys, is_there=is_there)
                turn, has_waited = came.turn, came.has_waited
        except ResponseError:
            # It is full, and quick to say so: what it holds can be read all the same.
            pass
        except RedisError:
            cache_breaker.rest()
            is_away = True
    note_cache(
        level=level, key=key, outcome="away" if is_away else "hit" if is_hit else "miss", has_waited=has_waited,
        is_computed=found.payload is None, plain=len(found.payload or b""), stored=found.stored,
        seconds=time.perf_counter() - began,
    )  # fmt: skip
    return Lookup(key=key, payload=found.payload, stamp=found.stamp, turn=turn)


@contextmanager
def computing(lookup: Lookup) -> Iterator[Callable[[bytes], None]]:
    """Compute what the look-up missed, and keep it by calling the value. Whoever waits for it waits until the end."""
    entry: bytes | None = None
    size = 0

    def keep_payload(payload: bytes) -> None:
        nonlocal entry, size
        if lookup.turn is None or lookup.stamp is None:
            keep(lookup, payload=payload)
        else:
            entry, size = pack(payload, stamp=lookup.stamp), len(payload)

    try:
        yield keep_payload
    finally:
        if lookup.turn is not None and lookup.turn.give_back(key=lookup.key, entry=entry):
            note_kept(key=lookup.key, plain=size, stored=len(entry or b""))


def keep(lookup: Lookup, *, payload: bytes) -> None:
    """Keep a payload that was computed after `lookup`, by whoever has no turn."""
    if lookup.stamp is None or cache_breaker.is_resting():
        return
    entry = pack(payload, stamp=lookup.stamp)
    try:
        caches["default"].set(lookup.key, entry)
    except ResponseError:
        return
    except RedisError:
        cache_breaker.rest()
        return
    note_kept(key=lookup.key, plain=len(payload), stored=len(entry))


def changed(*domains: str, using: str) -> None:
    """Unmake, once the transaction commits, all that was computed from any of `domains` in the database `using`."""

    def renew() -> None:
        keys = [_token_key(name, database=using) for name in (*domains, EVERYTHING)]
        try:
            try:
                for key in keys:
                    caches["default"].set(key, os.urandom(_TOKEN_BYTES), timeout=_token_seconds())
            except ResponseError:
                # A full store takes nothing new, but forgets what it is told to: without its token no entry counts.
                caches["default"].delete_many(keys)
        except RedisError:
            _log.exception(
                "cached answers may be stale for %s s: no new version for %s", settings.CACHE_SECONDS, domains
            )
            cache_breaker.rest()

    transaction.on_commit(renew, using=using)


EVERYTHING = "*"
"""The domain that changes with every other one."""


def _keys(key: str, *, domains: Sequence[str]) -> list[str]:
    """The keys that are looked at together: those of the domains' tokens, and the entry's."""
    return [*(_token_key(domain, database=current_database()) for domain in domains), key]


def _fetch(key: str, *, domains: Sequence[str]) -> _Found:
    """One look; tokens that nobody has yet are made."""
    store, keys = caches["default"], _keys(key, domains=domains)
    found = store.get_many(keys)
    if any(token_key not in found for token_key in keys[:-1]):
        for token_key in keys[:-1]:
            store.add(token_key, os.urandom(_TOKEN_BYTES), timeout=_token_seconds())
        found = store.get_many(keys)
    return _read([found.get(each) for each in keys])


def _read(values: Sequence[bytes | None], *, asked: bytes | None = None) -> _Found:
    """What was found under the keys; what counted when it was `asked` counts too, whatever was written since."""
    *tokens, entry = values
    if None in tokens:
        # A store that keeps nothing: DummyCache, or Redis without memory.
        return _Found()
    stamp = b"".join(filter(None, tokens))
    payload = unpack(entry, stamps=(stamp,) if asked is None else (stamp, asked))
    return _Found(payload=payload, stored=0 if payload is None else len(entry or b""), stamp=stamp)


def _token_seconds() -> int:
    """How long a token lives unless a write renews it: past all its entries, and past the end of any measurement."""
    return max(_SECONDS_IN_A_DAY, 10 * int(settings.CACHE_SECONDS))


@cache
def _token_key(domain: str, *, database: str) -> str:
    return f"version:{domain}:{_database_name(database)}"


@cache
def _database_name(alias: str) -> str:
    """A name for the database itself, since two processes may use one alias for two databases."""
    settings_of = settings.DATABASES[alias]
    named = repr([alias, *(settings_of[part] for part in ("HOST", "PORT", "NAME"))])
    return blake2b(named.encode(), digest_size=8).hexdigest()
