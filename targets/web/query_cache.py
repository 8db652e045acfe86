"""Yields the cache level `query`: the rows that a selector or loader read, kept in Redis."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connections
from django.db.models import Model

from targets.web.cache_store import computing, entry_key, look_up
from targets.web.current import current_variant
from targets.web.routing import current_database
from targets.web.rows import pack_rows, unpack_rows

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


def cached_rows(*domains: str) -> Callable[[Callable[P, list[M]]], Callable[P, list[M]]]:
    """Keep the rows that a function of keyword arguments reads from `domains`; each argument needs an exact repr.

    The function must call no other of its kind: whoever has the turn to read rows must not wait for other rows.
    """

    def decorate(read: Callable[P, list[M]]) -> Callable[P, list[M]]:
        name = f"{read.__module__}.{read.__qualname__}"

        @wraps(read)
        def rows(*args: P.args, **arguments: P.kwargs) -> list[M]:
            if args:
                # They would not be in the key, and a hit would never find that out.
                raise TypeError(f"{name} takes keyword arguments only")
            variant = current_variant()
            database = current_database()
            # Inside a transaction a read may see rows that are never committed, and hold what others wait for.
            if variant.cache not in {"query", "both"} or connections[database].in_atomic_block:
                return read(*args, **arguments)
            knobs = (variant.select_related, variant.prefetch_related)
            lookup = look_up(entry_key("query", name, sorted(arguments.items()), knobs), level="query", domains=domains)
            if lookup.payload is not None:
                return unpack_rows(lookup.payload, database=database)
            with computing(lookup) as keep:
                found = read(*args, **arguments)
                if lookup.stamp is not None:
                    keep(pack_rows(found))
            return found

        return rows

    return decorate
