"""Yields databases of a server's own: clones of those of the run, on the same PostgreSQL, and their end."""

import os
import subprocess
from collections.abc import Iterable
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import errors, sql

from lab.errors import LabError
from lab.postgres import measuring_settings
from lab.server import Build, plain_environment


def cloned(server_url: str, url: str, *, name: str) -> str:
    """The URL of a new database `name` that holds what the one at `url` holds; nobody may be connected to that.

    Raises LabError where the server's disk is full.
    """
    with closing(psycopg2.connect(server_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        source = urlsplit(url).path.lstrip("/")
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        try:
            cursor.execute(command)
        except errors.DiskFull as error:
            raise LabError(
                f"no room for a copy of the database {source}", hint="free some disk space on the server"
            ) from error
    measuring_settings(server_url, name)
    return _with_database(url, name)


def renamed(server_url: str, url: str, *, name: str) -> str:
    """The URL of the database at `url` under another name; nobody may be connected to it."""
    with closing(psycopg2.connect(server_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        source = urlsplit(url).path.lstrip("/")
        cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(source), sql.Identifier(name)))
    return _with_database(url, name)


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    # A socket's URL has an empty host, which urlunsplit would drop together with its slashes.
    return f"{parts.scheme}://{parts.netloc}{urlunsplit(('', '', '/' + name, parts.query, parts.fragment))}"


def dropped(server_url: str, names: Iterable[str], *, prefix: str = "") -> None:
    """Remove the databases of these names, and with a `prefix` all whose names begin with it, whoever is connected."""
    with closing(psycopg2.connect(server_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        found: list[str] = []
        if prefix:
            pattern = f"{prefix}%".replace("_", r"\_")
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern])
            found = [row[0] for row in cursor.fetchall()]
        for name in (*names, *found):
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def told(build: Build, *words: str, url: str, secret: str, what: str, hint: str) -> str:
    """What a command of the target prints, on the database at `url`. Raises LabError with its last words."""
    environment = {**plain_environment(build.tree), "SECRET_KEY": secret, "DATABASE_URL": url, "CACHE_URL": ""}
    done = subprocess.run(
        [build.python, "-m", "targets", *words], cwd=build.tree, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(f"{what}: {said[-1]}", hint=hint)
    return done.stdout


def throwaway_secret() -> str:
    """A secret for a command that signs nothing."""
    return os.urandom(32).hex()
