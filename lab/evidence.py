"""Yields what a request did, counted: its statements, their plans, its cache hits. It times nothing.

The target writes down what it asked; the plans and the count of statements come from the database itself.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from lab.findings import CacheLevel, Evidence, Plan, Statement

_IN_LIST: Final = re.compile(r"IN \((?:%s(?:, )?)+\)")
_SPACE: Final = re.compile(r"\s+")


def normalised(sql: str) -> str:
    """The statement with its white space folded and its IN lists of any length written as `IN (...)`."""
    return _IN_LIST.sub("IN (...)", _SPACE.sub(" ", sql).strip())


def fingerprint(sql: str) -> str:
    """Twelve hexadecimal digits that name the normalised statement."""
    return hashlib.sha256(normalised(sql).encode()).hexdigest()[:12]


class EvidenceFile:
    """The target's evidence file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def record(self, request: str) -> dict[str, Any]:
        """The record of `request`, which has been answered. Raises KeyError when the file has none, or a part of it."""
        for found in self._of(request):
            return found
        raise KeyError(request)

    def records(self, request: str) -> list[dict[str, Any]]:
        """The records of all that was asked as `request`, up to the end of the file, which is not read again."""
        return list(self._of(request))

    def _of(self, request: str) -> Iterator[dict[str, Any]]:
        """From where the last reader stopped: its records, until the reader stops again."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                record: dict[str, Any] = json.loads(line)
                if record["request"] == request:
                    yield record


class Witness:
    """PostgreSQL as a witness of its own: how it runs a statement, and how many it was sent."""

    def __init__(self, *, databases: Mapping[str, str], server_url: str, has_counter: bool) -> None:
        """`databases` are URLs by the aliases that evidence names; `server_url` is where pg_stat_statements is read."""
        self._urls = dict(databases)
        self._connections: dict[str, extensions.connection] = {}
        self._names = [extensions.parse_dsn(url)["dbname"] for url in databases.values()]
        self._server = psycopg2.connect(server_url) if has_counter else None
        if self._server:
            self._server.set_session(autocommit=True)
        self._plans: dict[tuple[str, str], Plan] = {}

    def statements_so_far(self) -> int | None:
        """Statements that the databases have run for clients, by pg_stat_statements; None where it is not available."""
        if self._server is None:
            return None
        with self._server.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements s"
                " JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = ANY(%s)",
                (self._names,),
            )
            row = cursor.fetchone()
        return int(row[0]) if row else None

    def plan(self, *, database: str, literal: str) -> Plan | None:
        """How `database` runs the literal statement, by EXPLAIN (ANALYZE, BUFFERS); None for what is no query."""
        if not literal.lstrip("( ").upper().startswith(("SELECT", "WITH")):
            return None
        if (database, literal) not in self._plans:
            # Made when it is needed: nobody may be connected to a database while it is cloned.
            if database not in self._connections:
                self._connections[database] = psycopg2.connect(self._urls[database])
                self._connections[database].set_session(readonly=True)
            connection = self._connections[database]
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {literal}")
                row = cursor.fetchone()
            connection.rollback()
            if row is None:
                return None
            self._plans[database, literal] = read_plan(row[0][0]["Plan"])
        return self._plans[database, literal]

    def close(self) -> None:
        """Closes all connections."""
        for connection in (*self._connections.values(), *([self._server] if self._server else [])):
            connection.close()


def read_plan(node: Mapping[str, Any]) -> Plan:
    """The plan whose root is `node`, of PostgreSQL's JSON format. Buffers are those of the root: it includes all."""
    lines: list[str] = []
    indexes: list[str] = []
    scans: list[str] = []
    _walk(node, depth=0, lines=lines, indexes=indexes, scans=scans)
    return Plan(
        lines=tuple(lines),
        rows=int(node["Actual Rows"] * node["Actual Loops"]),
        shared_hit=node.get("Shared Hit Blocks", 0),
        shared_read=node.get("Shared Read Blocks", 0),
        indexes=tuple(dict.fromkeys(indexes)),
        sequential_scans=tuple(dict.fromkeys(scans)),
    )


def _walk(node: Mapping[str, Any], *, depth: int, lines: list[str], indexes: list[str], scans: list[str]) -> None:
    name = node["Node Type"]
    index, relation = node.get("Index Name"), node.get("Relation Name")
    if index:
        indexes.append(index)
    if name == "Seq Scan" and relation:
        scans.append(relation)
    where = "".join((f" using {index}" if index else "", f" on {relation}" if relation else ""))
    removed = node.get("Rows Removed by Filter", 0)
    facts = [
        f"{node['Actual Rows']:g} rows",
        f"{node['Actual Loops']} loops" if node["Actual Loops"] > 1 else "",
        f"{removed:g} removed" if removed else "",
        f"{node.get('Shared Hit Blocks', 0)} hit",
        f"{node['Shared Read Blocks']} read" if node.get("Shared Read Blocks") else "",
    ]
    lines.append(f"{'  ' * depth}{name}{where} ({', '.join(filter(None, facts))})")
    for child in node.get("Plans", ()):
        _walk(child, depth=depth + 1, lines=lines, indexes=indexes, scans=scans)


def read_evidence(records: Sequence[Mapping[str, Any]], *, witness: Witness, counted: int | None) -> Evidence:
    """The evidence of one request from the target's records of its trips; equal ones of a trip and a line are grouped.

    A group's plan is that of its first statement. `counted` is the database's own count of its statements.
    """
    groups: dict[tuple[str, str, str, int], list[Mapping[str, Any]]] = {}
    cache = [event for record in records for event in record["cache"]]
    for trip, statement in ((trip, each) for trip, record in enumerate(records) for each in record["statements"]):
        place = (fingerprint(statement["sql"]), statement["database"], statement["line"], trip)
        groups.setdefault(place, []).append(statement)
    return Evidence(
        statements=tuple(_statement(key, group, witness=witness) for key, group in groups.items()),
        body_bytes=sum(record["bytes"] for record in records),
        cache_hits=sum(event["outcome"] == "hit" for event in cache),
        cache_misses=sum(event["outcome"] == "miss" for event in cache),
        seconds=sum(record["seconds"] for record in records),
        database_seconds=sum(record["database_seconds"] for record in records),
        counted_by_database=counted,
        hits=tuple(Counter(event["level"] for event in cache if event["outcome"] == "hit").items()),
        trips=len(records),
        cache_away=sum(event["outcome"] == "away" for event in cache),
        levels=cache_levels(cache),
    )


def cache_levels(events: Sequence[Mapping[str, Any]]) -> tuple[CacheLevel, ...]:
    """What each level of the cache was asked, in the order in which they were; of an older target less is known."""
    found = []
    for level in dict.fromkeys(event["level"] for event in events):
        own = [event for event in events if event["level"] == level]
        misses = [event for event in own if event["outcome"] == "miss"]
        found.append(
            CacheLevel(
                level=level,
                hits=sum(event["outcome"] == "hit" for event in own),
                misses=len(misses),
                recomputed=sum(event.get("computed", True) for event in misses),
                waited=sum(event.get("waited", False) for event in misses),
                stored=sum(event.get("stored", event["bytes"]) for event in own),
                plain=sum(event["bytes"] for event in own),
            )
        )
    return tuple(found)


def _statement(key: tuple[str, str, str, int], group: Sequence[Mapping[str, Any]], *, witness: Witness) -> Statement:
    mark, database, line, _ = key
    first = group[0]
    return Statement(
        fingerprint=mark, sql=normalised(first["sql"]), database=database, count=len(group),
        rows=sum(max(statement["rows"], 0) for statement in group),
        seconds=sum(statement["seconds"] for statement in group), line=line,
        plan=witness.plan(database=database, literal=first["literal"]),
    )  # fmt: skip
