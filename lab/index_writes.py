"""Yields what a row costs to insert with an index and without it: the raw times, blocks, WAL and buffers.

It derives nothing. Tables with the same rows stand side by side, each with another set of indexes; the newest rows of
the dataset are held back, and inserted into all of them in turn.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from lab.experiment import IndexDesign
from lab.index_list import SecondaryIndex

SCHEMA: Final = "windtunnel_rows"
HELD: Final = 0.2
"""The share of a table's rows that may be held back."""

FEWEST: Final = 5
"""Rows of a part below which a table has too few to tell."""

ALL: Final = ""
"""The table with all of its indexes; the others are named by the one that they lack."""

NONE: Final = "-"
"""The table without any secondary index."""

_DEFINITIONS: Final = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisunique
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = to_regclass(%s) ORDER BY c.oid
"""
_COLUMNS: Final = """
    SELECT quote_ident(attname) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """A statement that inserted `rows` rows into the table that lacks `without`, by PostgreSQL's clock and counts."""

    block: int
    part: int
    without: str
    rows: int
    seconds: float
    buffers: int
    wal_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWrites:
    """All inserts of a table in their order; `reason` is why there are none."""

    table: str
    inserts: tuple[Insert, ...] = ()
    reason: str = ""


def measure_writes(
    url: str, *, indexes: Sequence[SecondaryIndex], design: IndexDesign, seed: int, note: Callable[[str], None]
) -> tuple[TableWrites, ...]:
    """The inserts into every table that has indexes, on the database at `url`, which is the study's own."""
    tables: dict[str, list[SecondaryIndex]] = {}
    for index in indexes:
        tables.setdefault(index.table, []).append(index)
    found = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    for table, own in tables.items():
        note(table)
        found.append(_Rows(url=url, table=table, indexes=own, design=design, seed=seed).measured())
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of one table, and the tables beside it that they are inserted into."""

    url: str
    table: str
    indexes: Sequence[SecondaryIndex]
    design: IndexDesign
    seed: int

    @property
    def kinds(self) -> list[str]:
        """What the tables lack: nothing, each index, and with more than one index all of them."""
        names = [index.name for index in self.indexes]
        return [ALL, *names, *([NONE] if len(names) > 1 else [])]

    def measured(self) -> TableWrites:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(self.table)))
            [[there]] = cursor.fetchall()
            # One part more in each block, that warms its connection.
            parts = self.design.write_blocks * (self.design.parts + 1)
            rows = min(self.design.rows, int(there * HELD) // parts)
            if rows < FEWEST:
                return TableWrites(table=self.table, reason=f"{there:,} rows are too few to hold some back")
            self._make(cursor, parts=parts, rows=rows)
        inserts = [
            insert for block in range(self.design.write_blocks) for insert in self._block(block, columns=self._columns)
        ]
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for name in ("held", *map(self._name, self.kinds)):
                cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))
        return TableWrites(table=self.table, inserts=tuple(inserts))

    @cached_property
    def _columns(self) -> sql.SQL:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(_COLUMNS, [f"public.{self.table}"])
            return sql.SQL(", ".join(name for (name,) in cursor.fetchall()))

    def _name(self, kind: str) -> str:
        return f"rows_{self.kinds.index(kind)}"

    def _make(self, cursor: Any, *, parts: int, rows: int) -> None:
        """The held rows in parts, and a table with all others for each kind, indexed after it was filled."""
        source, held = sql.Identifier("public", self.table), sql.Identifier(SCHEMA, "held")
        # The last rows of a table that grew: an index by time meets them at its end, as it does in a shop.
        cursor.execute(
            sql.SQL(
                "CREATE TABLE {} AS SELECT t.*, t.ctid AS windtunnel_place, (row_number() OVER (ORDER BY t.ctid) - 1)"
                " / {} AS windtunnel_part FROM {} t WHERE t.ctid >= (SELECT min(ctid) FROM (SELECT ctid FROM {}"
                " ORDER BY ctid DESC LIMIT {}) AS last)"
            ).format(held, sql.Literal(rows), source, source, sql.Literal(parts * rows))
        )
        cursor.execute(sql.SQL("CREATE INDEX ON {} (windtunnel_part)").format(held))
        cursor.execute(_DEFINITIONS, [f"public.{self.table}"])
        definitions = cursor.fetchall()
        lacking = {index.name for index in self.indexes}
        for kind in self.kinds:
            table = sql.Identifier(SCHEMA, self._name(kind))
            like = sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)")
            cursor.execute(like.format(table, source))
            cursor.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE ctid < (SELECT min(windtunnel_place) FROM {})")
                .format(table, self._columns, self._columns, source, held)
            )  # fmt: skip
            left_out = lacking if kind == NONE else {kind}
            for name, definition, is_unique in definitions:
                if name not in left_out:
                    # All that follows the table's name is the same for its twin.
                    _, _, rest = definition.partition(" USING ")
                    unique = "UNIQUE " if is_unique else ""
                    cursor.execute(sql.SQL("CREATE {}INDEX ON {} USING {}").format(
                        sql.SQL(unique), table, sql.SQL(rest)
                    ))  # fmt: skip
            cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(table))
        cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(held))

    def _block(self, block: int, *, columns: sql.SQL) -> list[Insert]:
        """Every part into every table, on a connection of the block's own; the tables in drawn order in each part."""
        random = Random(f"{self.seed}/writes/{self.table}/{block}")
        found = []
        first = block * (self.design.parts + 1)
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for part in range(first, first + self.design.parts + 1):
                for kind in random.sample(self.kinds, len(self.kinds)):
                    insert = self._insert(cursor, block=block, part=part, kind=kind, columns=columns)
                    if part > first:
                        found.append(insert)
        return found

    def _insert(self, cursor: Any, *, block: int, part: int, kind: str, columns: sql.SQL) -> Insert:
        cursor.execute(
            sql.SQL(
                "EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON)"
                " INSERT INTO {} ({}) SELECT {} FROM {} WHERE windtunnel_part = {}"
            ).format(
                sql.Identifier(SCHEMA, self._name(kind)), columns, columns, sql.Identifier(SCHEMA, "held"),
                sql.Literal(part),
            )
        )  # fmt: skip
        [[[told]]] = cursor.fetchall()
        node = told["Plan"]
        return Insert(
            block=block, part=part, without=kind, rows=int(node["Plans"][0]["Actual Rows"]),
            seconds=told["Execution Time"] / 1e3,
            buffers=node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0),
            wal_bytes=node.get("WAL Bytes", 0),
        )  # fmt: skip
