"""Yields how many database connections a load opened and held, by the database's own count. It judges nothing.

PostgreSQL tells sessions ever opened and backends there now, by database; they are read again and again while a block
is loaded, and each trial takes the readings around it.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import psycopg2

PAUSE: Final = 0.2
"""Seconds between readings."""

_COUNT: Final = """
    SELECT sum(sessions)::bigint, sum(numbackends)::bigint FROM pg_stat_database WHERE datname = ANY(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """At a moment of the monotonic clock, in seconds: connections opened since the database was made, and held now."""

    at: float
    opened: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """What was read while a block was loaded; nothing where the database does not tell."""

    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Connections that were opened during a trial, and the most that were seen at once."""

    opened: int
    held: int


class ConnectionWatch:
    """Reads the counts of some databases of a server whenever it is asked to look, but no oftener than is worth it."""

    def __init__(self, server_url: str, names: Iterable[str]) -> None:
        self._connection = psycopg2.connect(server_url)
        self._connection.autocommit = True
        self._names = sorted(set(names))
        # PostgreSQL 13 does not count sessions.
        self._can_tell = self._connection.server_version >= 140_000
        self.readings: list[Reading] = []

    def look(self, *, at_once: bool = False) -> None:
        """Take a reading, unless the last one is fresh."""
        now = time.monotonic()
        if not self._can_tell or (not at_once and self.readings and now - self.readings[-1].at < PAUSE):
            return
        with self._connection.cursor() as cursor:
            cursor.execute(_COUNT, (self._names,))
            opened, held = cursor.fetchone() or (None, None)
        if opened is not None and held is not None:
            self.readings.append(Reading(at=now, opened=opened, held=held))

    def found(self) -> Connections:
        """All readings; it looks once more, and no more after."""
        with closing(self._connection):
            self.look(at_once=True)
        return Connections(readings=tuple(self.readings))


def taken(readings: Sequence[Reading], *, began: float, seconds: float) -> Taken | None:
    """What a trial took that began at a moment of the monotonic clock; None where no readings are around it."""
    before = [each for each in readings if each.at <= began]
    after = [each for each in readings if each.at >= began + seconds]
    if not before or not after or not began:
        return None
    inside = [each.held for each in readings if began <= each.at <= began + seconds]
    return Taken(opened=after[0].opened - before[-1].opened, held=max(inside, default=after[0].held))
