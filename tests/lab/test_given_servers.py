"""Servers that settings name: used as they are, changed in nothing, and told in one line where they do not suffice."""

import os
import socket
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from lab import postgres
from lab.errors import LabError
from lab.evidence import Witness
from lab.folder import home_of
from lab.postgres import measuring_settings
from lab.processes import Supervisor
from lab.services import open_services

given_postgres = pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="DATABASE_URL names no PostgreSQL")
given_cache = pytest.mark.skipif(not os.environ.get("CACHE_URL"), reason="CACHE_URL names no Redis")


def refusal(folder: Path, supervisor: Supervisor, **environment: str) -> LabError:
    """The error with which services refuse to open."""
    with pytest.raises(LabError) as caught:
        open_services(folder, supervisor, environment=environment).__enter__()
    return caught.value


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_dead_postgres_is_told_without_its_password(
    lab_folder: Path, supervisor: Supervisor, closed_port: int
) -> None:
    """One line names host and port, the hint says what to do; the password is in neither."""
    url = f"postgresql://someone:secret@127.0.0.1:{closed_port}/postgres"
    error = refusal(lab_folder, supervisor, DATABASE_URL=url)
    assert error.what == f"DATABASE_URL points at 127.0.0.1:{closed_port}, which does not answer"
    assert error.hint == "start it, or unset DATABASE_URL to use the embedded PostgreSQL"


def test_a_dead_cache_is_told_without_its_password(lab_folder: Path, supervisor: Supervisor, closed_port: int) -> None:
    """As for PostgreSQL; and nothing embedded was started before it was noticed."""
    error = refusal(lab_folder, supervisor, CACHE_URL=f"redis://:secret@127.0.0.1:{closed_port}/0")
    assert error.what == f"CACHE_URL points at 127.0.0.1:{closed_port}, which does not answer"
    assert error.hint == "start it, or unset CACHE_URL to use the embedded Valkey"
    assert not home_of(lab_folder.resolve()).exists()


@pytest.mark.slow
def test_servers_that_never_answer_are_given_up_soon(lab_folder: Path, supervisor: Supervisor) -> None:
    """A port that accepts and then says nothing is a server that does not answer, after some five seconds each."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        error = refusal(lab_folder, supervisor, DATABASE_URL=f"postgresql://u:secret@{place}/postgres")
        assert error.what == f"DATABASE_URL points at {place}, which does not answer"
        error = refusal(lab_folder, supervisor, CACHE_URL=f"redis://{place}/0")
        assert error.what == f"CACHE_URL points at {place}, which does not answer"


@pytest.mark.parametrize(
    ("setting", "url", "what"),
    [
        ("DATABASE_URL", "mysql://u:secret@h/d", "DATABASE_URL is no PostgreSQL URL"),
        ("DATABASE_URL", "secret", "DATABASE_URL is no PostgreSQL URL"),
        ("DATABASE_URL", "postgresql://u:sec%ret@h:x/d", "DATABASE_URL cannot be read as a URL"),
        ("DATABASE_URL", "postgresql://u:p@secret@h/d", "DATABASE_URL cannot be read as a URL"),
        ("CACHE_URL", "memcached://u:secret@h", "CACHE_URL is no Redis URL"),
        ("CACHE_URL", "redis://:secret@h/shop", "CACHE_URL names its database by a word"),
        ("CACHE_URL", "redis://h:secret/0", "CACHE_URL is no Redis URL"),
    ],
)
def test_what_is_no_url_is_told(lab_folder: Path, supervisor: Supervisor, setting: str, url: str, what: str) -> None:
    """Neither line repeats the URL, which may hold a password."""
    error = refusal(lab_folder, supervisor, **{setting: url})
    assert error.what == what
    assert "sec" not in error.what + error.hint


@pytest.mark.given_servers
@given_postgres
@given_cache
def test_given_servers_are_used_and_described(lab_folder: Path, supervisor: Supervisor) -> None:
    """Nothing embedded starts, and versions and settings are the servers' own."""
    environment = {name: os.environ[name] for name in ("DATABASE_URL", "CACHE_URL")}
    with open_services(lab_folder, supervisor, environment=environment) as services:
        assert (services.postgres_embedded, services.cache_embedded) == (False, False)
        assert int(services.postgres_version.split(".")[0]) >= 14
        assert services.cache_version.split()[0] in ("Redis", "Valkey")
        assert dict(services.settings).keys() >= {"shared_buffers", "jit", "fsync"}
        # The servers under test log there, whosever the services are.
        assert (lab_folder / "logs").is_dir()
        assert not home_of(lab_folder.resolve()).exists()


@pytest.mark.given_servers
@given_postgres
def test_a_missing_database_is_told(lab_folder: Path, supervisor: Supervisor) -> None:
    """A server that answers but refuses is told with its own reason."""
    base = os.environ["DATABASE_URL"].rpartition("/")[0]
    error = refusal(lab_folder, supervisor, DATABASE_URL=f"{base}/windtunnel_no_such_database")
    assert error.what.endswith('which refuses: database "windtunnel_no_such_database" does not exist')


@pytest.mark.given_servers
@given_postgres
def test_measuring_settings_hold_in_later_connections(lab_folder: Path, supervisor: Supervisor) -> None:
    """On a given server JIT and parallel workers are off in our own database, and in no other."""
    url, name = os.environ["DATABASE_URL"], f"windtunnel_test_{os.getpid()}"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SHOW jit")
        before = cursor.fetchone()
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            measuring_settings(url, name)
            with closing(psycopg2.connect(url, dbname=name)) as other, other.cursor() as asked:
                asked.execute("SELECT current_setting('jit'), current_setting('max_parallel_workers_per_gather')")
                assert asked.fetchone() == ("off", "0")
        finally:
            cursor.execute(f"DROP DATABASE {name}")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == before


@pytest.mark.given_servers
@given_postgres
def test_a_role_that_may_not_create_databases_is_told(lab_folder: Path, supervisor: Supervisor) -> None:
    """The line names the role, the hint the statement that helps."""
    url, role = os.environ["DATABASE_URL"], f"windtunnel_test_{os.getpid()}"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        parts = connection.get_dsn_parameters()
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        try:
            poor = f"postgresql://{role}:secret@{parts['host']}:{parts['port']}/{parts['dbname']}"
            error = refusal(lab_folder, supervisor, DATABASE_URL=poor)
        finally:
            cursor.execute(f"DROP ROLE {role}")
    assert error.what.startswith(f"the role {role} of DATABASE_URL on ")
    assert error.hint == f'let its owner run: ALTER ROLE "{role}" CREATEDB'


def test_statements_are_counted_where_the_view_is_there_or_ours_to_make(
    lab_folder: Path, supervisor: Supervisor
) -> None:
    """With pg_stat_statements loaded but not created a superuser creates it and counts; another role does neither."""
    with (
        open_services(lab_folder, supervisor, environment={}) as services,
        closing(psycopg2.connect(services.postgres_url)) as owner,
        owner.cursor() as cursor,
    ):
        owner.autocommit = True
        # template0: the embedded server's own template has the view.
        cursor.execute("CREATE DATABASE windtunnel_bare TEMPLATE template0")
        cursor.execute("CREATE ROLE poor LOGIN CREATEDB PASSWORD 'secret'")
        url = services.postgres_url.replace("@/postgres?", "@/windtunnel_bare?")
        poor = f"postgresql://poor:secret@{url.partition('@')[2]}"
        assert not postgres.given_postgres(poor).statement_counter
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as asked:
            asked.execute("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")
            assert asked.fetchone() == (0,)
        given = postgres.given_postgres(url)
        assert given.statement_counter
        databases = {"default": services.postgres_url}
        with closing(Witness(databases=databases, server_url=given.url, has_counter=True)) as witness:
            before = witness.statements_so_far()
            assert before is not None
            cursor.execute("SELECT 1 AS one")
            assert witness.statements_so_far() == before + 1
        # Whoever reads it need not be whoever made it.
        assert postgres.given_postgres(poor).statement_counter


@pytest.mark.given_servers
@given_postgres
def test_a_server_that_cannot_count_says_so_and_stays_as_it_is() -> None:
    """Without the module loaded its view would be of no use, and none is made."""
    url, name = os.environ["DATABASE_URL"], f"windtunnel_test_{os.getpid()}"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT count(*) FROM pg_settings WHERE name = 'pg_stat_statements.track'")
        if cursor.fetchone() != (0,):
            pytest.skip("this server has pg_stat_statements loaded")
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            own = f"{url.rpartition('/')[0]}/{name}"
            assert not postgres.given_postgres(own).statement_counter
            with closing(psycopg2.connect(own)) as other, other.cursor() as asked:
                asked.execute("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")
                assert asked.fetchone() == (0,)
        finally:
            cursor.execute(f"DROP DATABASE {name}")
