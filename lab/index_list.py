"""Yields the secondary indexes that a database has, as the database itself names them. It changes nothing."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

import psycopg2

_INDEXES: Final = """
    SELECT c.relname, t.relname, pg_get_indexdef(c.oid), pg_relation_size(c.oid), t.reltuples::float8
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND NOT i.indisunique
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    ORDER BY t.relname, c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondaryIndex:
    """An index that no constraint needs: its definition as SQL, its bytes, and the rows of its table."""

    name: str
    table: str
    definition: str
    size: int
    rows: int


def secondary_indexes(url: str) -> tuple[SecondaryIndex, ...]:
    """Those of the database at `url`, by table and name: what can be dropped without another answer."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        return tuple(
            SecondaryIndex(name=name, table=table, definition=definition, size=size, rows=max(int(rows), 0))
            for name, table, definition, size, rows in cursor.fetchall()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The indexes there are, and the operations that use each: beside all others, and as the only one."""

    indexes: tuple[SecondaryIndex, ...]
    beside: tuple[tuple[str, tuple[str, ...]], ...]
    alone: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def used(self) -> tuple[SecondaryIndex, ...]:
        """The indexes that any operation uses."""
        names = {name for name, _ in (*self.beside, *self.alone)}
        return tuple(index for index in self.indexes if index.name in names)
