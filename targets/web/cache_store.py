"""Yields the store that both cache levels keep their answers in: byte strings in Redis that die by version.

An entry begins with the version tokens of the domains that it was computed from. A write gives its domain
a new token, which unmakes all older entries at once; an entry computed from older rows but stored later
carries the old token and is never served. A token that is lost or expired is replaced by a new random one, never by an
old one.

Redis is never needed: when it is away every look-up misses, and for a while nobody asks again. A write whose new token
could not be stored, since Redis was away or the writer died just then, is seen after CACHE_SECONDS at the latest; so is
one of which a replica that lags behind did not know yet when it was read. A copy of a server's data files counts as
that server: it needs a CACHE_PREFIX of its own.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connections, transaction
from redis.exceptions import RedisError, ResponseError

from targets.web import cache_breaker
from targets.web.current import current_face, current_variant
from targets.web.entries import pack, unpack
from targets.web.evidence import note_cache, note_kept
from targets.web.refill import Turn, refill
from targets.web.routing import current_database

_TOKEN_BYTES = 16
_SECONDS_IN_A_DAY = 86_400
_CONNECT_SECONDS = 3
_FORMAT: Final = 3
"""Of entries; other code, which may bear the same commit's name, looks elsewhere."""

_IDENTITY: Final = """
SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()
"""
"""Which server's data it is, and which of its databases: neither depends on the way there, and no name comes again."""

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
            found = _fetch(key, domains=domains)
            is_hit = found.payload is not None
            if current_variant().refill == "one":
                found, turn, has_waited = _refilled(key, found=found, domains=domains)
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
    keys = [_token_key(name, database=using) for name in (*domains, EVERYTHING)]

    def renew() -> None:
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


def _refilled(key: str, *, found: _Found, domains: Sequence[str]) -> tuple[_Found, Turn | None, bool]:
    """What is there after all who miss `key` let one compute it, the turn to do so, and whether somebody waited.

    A turn is that to compute one version. Who gets it when a write has made another asks anew, and may have to wait for
    who computes that one.
    """
    ends, has_waited = time.monotonic() + settings.CACHE_REFILL_SECONDS, False

    def is_there(values: Sequence[bytes | None]) -> bool:
        nonlocal found
        found = _read(values, asked=asked.stamp)
        return found.payload is not None

    while found.payload is None and found.stamp is not None:
        asked = found
        came = refill(f"{key}:{found.stamp.hex()}", keys=_keys(key, domains=domains), is_there=is_there, ends=ends)
        has_waited = has_waited or came.has_waited
        if came.turn is None or found.stamp == asked.stamp or time.monotonic() > ends:
            return found, came.turn, has_waited
        came.turn.end()
    return found, None, has_waited


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
    """A name for the database itself: the same for all who come to it by one host or another, or through a pooler.

    Two processes may use one alias for two databases, and two aliases for one. Asked once, on a connection of its own:
    the request that happens to be the first has no part in it.
    """
    connection: Any = connections[alias]
    # A process that starts beside a database that is away must not wait for it.
    parameters = {"connect_timeout": _CONNECT_SECONDS, **connection.get_connection_params()}
    with connection.wrap_database_errors, closing(connection.Database.connect(**parameters)) as own:
        try:
            with own.cursor() as cursor:
                cursor.execute(_IDENTITY)
                named = repr(cursor.fetchone())
        except connection.Database.ProgrammingError:
            # Anybody may ask, unless an administrator took that away: then the way there must do for a name.
            named = repr([connection.settings_dict[part] for part in ("HOST", "PORT", "NAME")])
    return blake2b(named.encode(), digest_size=8).hexdigest()


def know_databases() -> None:
    """Learn the databases' names now, so that no request has to; one that is away is asked when it is needed."""
    for alias in connections if settings.CACHE_URL else ():
        with suppress(DatabaseError):
            _database_name(alias)
