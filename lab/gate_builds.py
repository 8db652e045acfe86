"""Yields the builds of the two commits of a gate, each with databases under its own migrations. It boots no server."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from lab.benchmark_pairs import SUBJECT
from lab.errors import LabError
from lab.postgres import measuring_settings
from lab.run import Bench
from lab.server import Build, plain_environment
from lab.worktrees import Checkout

HEAD_DATABASES: Final = ("windtunnel_head_indexed", "windtunnel_head_bare")


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
        _drop(bench)
        stack.callback(_drop, bench)
        if _migrations(head.tree) != _migrations(base.tree):
            own = zip(first.databases.values(), HEAD_DATABASES, strict=True)
            urls = [_cloned(bench, url, name=name) for url, name in own]
            second = replace(second, database_url=urls[0], bare_url=urls[1])
            for url in urls:
                _migrate(second, url=url)
        yield first, second


def _migrations(tree: Path) -> dict[str, bytes]:
    """The source of every migration, by its place in the tree."""
    return {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.glob("targets/**/migrations/*.py"))}


def _cloned(bench: Bench, url: str, *, name: str) -> str:
    with closing(psycopg2.connect(bench.services.postgres_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        source = urlsplit(url).path.lstrip("/")
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source)))
    measuring_settings(bench.services.postgres_url, name)
    parts = urlsplit(url)
    # A socket's URL has an empty host, which urlunsplit would drop together with its slashes.
    return f"{parts.scheme}://{parts.netloc}{urlunsplit(('', '', '/' + name, parts.query, parts.fragment))}"


def _drop(bench: Bench) -> None:
    with closing(psycopg2.connect(bench.services.postgres_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{SUBJECT}%".replace("_", r"\_")])
        for name in (*HEAD_DATABASES, *(row[0] for row in cursor.fetchall())):
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _migrate(build: Build, *, url: str) -> None:
    """Raises LabError with the door's last words when head's migrations cannot be applied."""
    environment = {
        **plain_environment(build.tree), "SECRET_KEY": os.urandom(32).hex(), "DATABASE_URL": url, "CACHE_URL": ""
    }  # fmt: skip
    done = subprocess.run(
        [build.python, "-m", "targets", "migrate"], cwd=build.tree, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(
            f"head's migrations cannot be applied: {said[-1]}", hint="try them alone: python -m targets migrate"
        )
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("ANALYZE")
