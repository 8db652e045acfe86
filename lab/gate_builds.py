"""Yields the builds of the two commits of a gate, each with databases under its own migrations. It boots no server."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from lab.bench import Bench
from lab.benchmark_pairs import SUBJECT
from lab.clones import cloned, dropped, throwaway_secret, told
from lab.server import Build
from lab.worktrees import Checkout

HEAD_DATABASES: Final = ("windtunnel_head_indexed", "windtunnel_head_bare")

_SHAPES: Final = """
    SELECT c.relname,
           (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
           || coalesce((SELECT string_agg(pg_get_indexdef(i.indexrelid), ', ' ORDER BY i.indexrelid)
                        FROM pg_index i WHERE i.indrelid = c.oid), '')
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""
_SECONDARY: Final = """
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisunique
"""


@contextmanager
def builds_of(base: Checkout, head: Checkout, *, bench: Bench) -> Iterator[tuple[Build, Build]]:
    """The builds of base and head until the end of the block.

    A head with other migrations gets databases of its own, which are dropped at the end.
    """
    shared = bench.surroundings.build
    first = Build(
        commit=base.commit, database_url=shared.database_url, bare_url=shared.bare_url, tree=base.tree,
        python=base.python, cache_space=":base",
    )  # fmt: skip
    second = replace(first, commit=head.commit, tree=head.tree, python=head.python, cache_space=":head")
    with ExitStack() as stack:
        clean = partial(dropped, bench.services.postgres_url, HEAD_DATABASES, prefix=SUBJECT)
        clean()
        stack.callback(clean)
        if _migrations(head.tree) != _migrations(base.tree):
            own = zip(first.databases.values(), HEAD_DATABASES, strict=True)
            urls = [cloned(bench.services.postgres_url, url, name=name) for url, name in own]
            second = replace(second, database_url=urls[0], bare_url=urls[1])
            for url, is_bare in zip(urls, (False, True), strict=True):
                _migrate(second, url=url, is_bare=is_bare)
        yield first, second


def _migrations(tree: Path) -> dict[str, bytes]:
    """The source of every migration, by its place in the tree."""
    return {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.glob("targets/**/migrations/*.py"))}


def _migrate(build: Build, *, url: str, is_bare: bool) -> None:
    """Raises LabError with the door's last words when head's migrations cannot be applied.

    A new secondary index is not for the bare database, which is there to lack them.
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        before, indexes = _shapes(cursor), _secondary_indexes(cursor)
    told(
        build, "migrate", url=url, secret=throwaway_secret(), what="head's migrations cannot be applied",
        hint="try them alone: python -m targets migrate",
    )  # fmt: skip
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        after = _shapes(cursor)
        # What the planner knows of all other tables stays as the base has it: another sample could plan otherwise.
        for table in sorted(table for table, shape in after.items() if shape != before.get(table)):
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        if is_bare:
            for index in sorted(_secondary_indexes(cursor) - indexes):
                cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))


def _shapes(cursor: Any) -> dict[str, str]:
    """What each table consists of: its columns and its indexes."""
    cursor.execute(_SHAPES)
    return dict(cursor.fetchall())


def _secondary_indexes(cursor: Any) -> set[str]:
    """The indexes that hold no constraint."""
    cursor.execute(_SECONDARY)
    return {name for (name,) in cursor.fetchall()}
