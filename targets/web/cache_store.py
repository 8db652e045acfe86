"""Yields the store that both cache levels keep their answers in: byte strings in Redis that die by version.

An entry begins with the version tokens of the domains that it was computed from. A write gives its domain
a new token, which unmakes all older entries at once; an entry computed from older rows but stored later
carries the old token and is never served. A token that is lost or expired is replaced by a new random one, never by an
old one.

Redis is never needed: when it is away every look-up misses, and for a while nobody asks again. The one
staleness: a write whose new token could not be stored is seen after CACHE_SECONDS at the latest.
"""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from django.conf import settings
from django.core.cache import caches
from django.db import transaction
from redis.exceptions import RedisError, ResponseError

from targets.web import cache_breaker
from targets.web.current import current_face
from targets.web.evidence import note_cache
from targets.web.routing import current_database

_TOKEN_BYTES = 16
_SECONDS_IN_A_DAY = 86_400
_log = logging.getLogger(__name__)


class BytesSerializer:
    """Django's cache serializer for values that are bytes already; nothing is ever unpickled."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes) -> bytes:
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The payload, or None for a miss; and the stamp to keep a new payload under, None when there is no cache."""

    key: str
    payload: bytes | None
    stamp: bytes | None


def entry_key(*parts: object) -> str:
    """The key of what `parts` name for this request's face and database, as computed by this version of the code."""
    named = repr((_database_name(current_database()), settings.TARGET_COMMIT, current_face(), *parts))
    return blake2b(named.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def look_up(key: str, *, level: str, domains: Sequence[str]) -> Lookup:
    """What is kept under `key` and still true, in one round trip."""
    began = time.perf_counter()
    payload = stamp = None
    is_away = cache_breaker.is_resting()
    if not is_away:
        try:
            payload, stamp = _fetch(key, domains=domains)
        except ResponseError:
            # It is full, and quick to say so: what it holds can be read all the same.
            pass
        except RedisError:
            cache_breaker.rest()
            is_away = True
    note_cache(level=level, key=key, payload=payload, is_away=is_away, seconds=time.perf_counter() - began)
    return Lookup(key=key, payload=payload, stamp=stamp)


def keep(lookup: Lookup, *, payload: bytes) -> None:
    """Keep a payload that was computed after `lookup`."""
    if lookup.stamp is None or cache_breaker.is_resting():
        return
    try:
        with suppress(ResponseError):
            caches["default"].set(lookup.key, lookup.stamp + payload)
    except RedisError:
        cache_breaker.rest()


def changed(domain: str, *, using: str) -> None:
    """Unmake, once the transaction commits, all that was computed from `domain` in the database `using`."""

    def renew() -> None:
        keys = [_token_key(name, database=using) for name in (domain, EVERYTHING)]
        try:
            try:
                for key in keys:
                    caches["default"].set(key, os.urandom(_TOKEN_BYTES), timeout=_token_seconds())
            except ResponseError:
                # A full store takes nothing new, but forgets what it is told to: without its token no entry counts.
                caches["default"].delete_many(keys)
        except RedisError:
            _log.exception(
                "cached answers may be stale for %s s: no new version for %s", settings.CACHE_SECONDS, domain
            )
            cache_breaker.rest()

    transaction.on_commit(renew, using=using)


EVERYTHING = "*"
"""The domain that changes with every other one."""


def _fetch(key: str, *, domains: Sequence[str]) -> tuple[bytes | None, bytes | None]:
    store = caches["default"]
    token_keys = [_token_key(domain, database=current_database()) for domain in domains]
    found = store.get_many([*token_keys, key])
    if any(token_key not in found for token_key in token_keys):
        for token_key in token_keys:
            store.add(token_key, os.urandom(_TOKEN_BYTES), timeout=_token_seconds())
        found = store.get_many([*token_keys, key])
    try:
        stamp = b"".join(found[token_key] for token_key in token_keys)
    except KeyError:
        # A store that keeps nothing: DummyCache, or Redis without memory.
        return None, None
    entry = found.get(key)
    if entry is None or not entry.startswith(stamp):
        return None, stamp
    return entry[len(stamp) :], stamp


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
