"""The embedded services, real ones in folders of the test's own: private, kept, unprivileged, and gone in time."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2
import pytest
import redis

from lab.errors import LabError
from lab.folder import ELSEWHERE, erase, home_of
from lab.postgres import measuring_settings
from lab.processes import Supervisor
from lab.services import Services, open_services
from tests.lab.waiting import family, read_when_there, wait_gone

# A lab that opens services, says where they are, and waits to be ended from outside.
LAB = """
import sys, time
from pathlib import Path
from typing import Any
from lab.processes import Supervisor
from lab.services import open_services
with Supervisor() as supervisor, open_services(Path(sys.argv[1]), supervisor, environment={}) as services:
    Path(sys.argv[2]).write_text(f"{supervisor.pid}\\n{services.postgres_url}\\n")
    time.sleep(60)
"""

CREATE_KEPT = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only as root do servers run as another user")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Services]]:
    """Embedded services that tests look at and do not change, with their lab folder."""
    folder = tmp_path_factory.mktemp("running") / ".lab"
    with Supervisor() as supervisor, open_services(folder, supervisor, environment={}) as services:
        yield folder, services
    erase(folder)


@pytest.fixture(scope="module")
def kept_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab folder that tests use one after the other, each leaving it as a later run may find it."""
    folder = tmp_path_factory.mktemp("kept") / ".lab"
    yield folder
    erase(folder)


def ask(url: str, statement: str) -> object:
    """The first value that a statement returns; None where it returns no rows."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def open_once(folder: Path, statement: str) -> object:
    """Open services, ask PostgreSQL one thing, close them."""
    with Supervisor() as supervisor, open_services(folder, supervisor, environment={}) as services:
        return ask(services.postgres_url, statement)


def modes(path: Path) -> list[tuple[str, int, int, int]]:
    """Mode and owner of a folder and all above it, and of what is in the folder itself."""
    paths = [path, *path.parents, *sorted(path.iterdir())]
    return [(str(p), s.st_mode, s.st_uid, s.st_gid) for p in paths for s in [p.lstat()]]


def test_both_services_answer(running: tuple[Path, Services]) -> None:
    """PostgreSQL 18 and Valkey 9 answer at the URLs given, and say so in the description."""
    _, services = running
    assert str(ask(services.postgres_url, "SHOW server_version_num")).startswith("18")
    assert services.postgres_version.startswith("18.")
    assert services.cache_version.startswith("Valkey 9.")
    assert (services.postgres_embedded, services.cache_embedded, services.statement_counter) == (True, True, True)
    with closing(redis.Redis.from_url(services.cache_url)) as cache:
        assert cache.set("key", b"value") is True
        assert cache.get("key") == b"value"


def test_settings_are_those_of_the_server(running: tuple[Path, Services]) -> None:
    """What the manifest says of the settings is what SHOW says, and they are right for measuring."""
    _, services = running
    assert [ask(services.postgres_url, f"SHOW {name}") for name, _ in services.settings] == [
        value for _, value in services.settings
    ]
    settings = dict(services.settings)
    expected = {"jit": "off", "autovacuum": "off", "max_parallel_workers_per_gather": "0", "track_io_timing": "off"}
    assert {name: settings[name] for name in expected} == expected
    assert settings["pg_stat_statements.track"] == "top"


def test_statements_are_counted_in_new_databases(running: tuple[Path, Services]) -> None:
    """A database made from template1 sees pg_stat_statements; names are sorted by code point in UTF-8."""
    _, services = running
    ask(services.postgres_url, "CREATE DATABASE windtunnel_counted")
    url = services.postgres_url.replace("/postgres?", "/windtunnel_counted?")
    assert ask(url, "SELECT count(*) >= 0 FROM pg_stat_statements") is True
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SELECT array_agg(x ORDER BY x) FROM unnest(array['é','z','B','a']) x") == ["B", "a", "z", "é"]
    assert ask(url, "SELECT upper('é')") == "É"
    ask(services.postgres_url, "DROP DATABASE windtunnel_counted")


def test_measuring_settings_are_made_on_own_databases_only(running: tuple[Path, Services]) -> None:
    """They hold for later connections to a windtunnel_* database; any other name is refused."""
    _, services = running
    ask(services.postgres_url, "CREATE DATABASE windtunnel_measured")
    made = measuring_settings(services.postgres_url, "windtunnel_measured")
    assert made == (("jit", "off"), ("max_parallel_workers_per_gather", "0"))
    stored = "SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON oid = setdatabase"
    assert ask(services.postgres_url, f"{stored} WHERE datname = 'windtunnel_measured'") == [
        "jit=off",
        "max_parallel_workers_per_gather=0",
    ]
    with pytest.raises(LabError, match="the database postgres is not the lab's own"):
        measuring_settings(services.postgres_url, "postgres")
    with pytest.raises(LabError, match="windtunnel_missing"):
        measuring_settings(services.postgres_url, "windtunnel_missing")
    ask(services.postgres_url, "DROP DATABASE windtunnel_measured")


def test_nothing_listens_on_a_port(running: tuple[Path, Services]) -> None:
    """No server process of the folder has an internet socket."""
    folder, services = running
    home = home_of(folder.resolve())
    servers = processes_in(home)
    assert {"postgres", "valkey-server"} <= {server["name"] for server in servers}
    internet = (socket.AF_INET, socket.AF_INET6)
    assert [c for server in servers for c in server["net_connections"] if c.family in internet] == []
    assert ask(services.postgres_url, "SHOW listen_addresses") == ""


def processes_in(folder: Path) -> list[dict[str, Any]]:
    """What psutil knows of the processes that work in a folder."""
    found = psutil.process_iter(["name", "cwd", "uids", "net_connections"])
    return [process.info for process in found if Path(process.info["cwd"] or "/").is_relative_to(folder)]


def test_folders_and_sockets_are_private(running: tuple[Path, Services]) -> None:
    """Data, sockets and their folder are the servers' alone; no file in them is open to others."""
    folder, _ = running
    home = home_of(folder.resolve())
    for path in (home, home / "data", home / "sockets", home / "sockets/.s.PGSQL.5432", home / "sockets/valkey.sock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (home / "password", home / "valkey.conf", folder / "lock", *(folder / "logs").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_wrong_password_is_refused(running: tuple[Path, Services]) -> None:
    """PostgreSQL wants the password by scram even on its socket, and Valkey wants it too."""
    _, services = running
    password = services.postgres_url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(services.postgres_url.replace(password, "wrong"))
    verifier = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'windtunnel'"
    assert ask(services.postgres_url, verifier) is True
    wrong = services.cache_url.replace(password, "wrong")
    with closing(redis.Redis.from_url(wrong)) as cache, pytest.raises(redis.AuthenticationError):
        cache.ping()


@pytest.mark.parametrize("command", ["CONFIG GET dir", "DEBUG JMAP", "MODULE LOAD /nonexistent/module.so"])
def test_dangerous_commands_are_off(running: tuple[Path, Services], command: str) -> None:
    """CONFIG is gone; DEBUG and loading of modules are refused."""
    _, services = running
    with closing(redis.Redis.from_url(services.cache_url)) as cache, pytest.raises(redis.ResponseError):
        cache.execute_command(command)  # type: ignore[no-untyped-call]


@as_root
def test_roots_servers_run_unprivileged(running: tuple[Path, Services]) -> None:
    """Their uid is the folder's owner, not root and no account of a system's PostgreSQL or Redis."""
    folder, _ = running
    home = home_of(folder.resolve())
    (uids,) = {process["uids"] for process in processes_in(home)}
    assert uids.real == uids.effective == uids.saved == home.stat().st_uid != 0
    assert (home.parent / "binaries").stat().st_uid == 0


def test_a_second_owner_is_refused(running: tuple[Path, Services]) -> None:
    """The error names the pid that owns the folder."""
    folder, _ = running
    with (
        Supervisor() as supervisor,
        pytest.raises(LabError) as caught,
        open_services(folder, supervisor, environment={}),
    ):
        pass
    assert caught.value.what == f"{folder.resolve()} is in use by another lab run, pid {os.getpid()}"
    assert caught.value.hint == f"wait for it to end, or stop it: kill {os.getpid()}"


def test_data_is_kept_and_the_cache_is_not(kept_folder: Path) -> None:
    """A table survives to the next run, keys do not; nothing runs in between."""
    with Supervisor() as supervisor, open_services(kept_folder, supervisor, environment={}) as services:
        pids = family(supervisor.pid)
        ask(services.postgres_url, CREATE_KEPT)
        with closing(redis.Redis.from_url(services.cache_url)) as cache:
            cache.set("key", "value")
    wait_gone(pids, seconds=1)
    with Supervisor() as supervisor, open_services(kept_folder, supervisor, environment={}) as services:
        assert ask(services.postgres_url, "SELECT answer FROM kept") == 42
        with closing(redis.Redis.from_url(services.cache_url)) as cache:
            assert cache.dbsize() == 0


def test_kill_9_leaves_nothing_and_the_next_run_starts_clean(kept_folder: Path, tmp_path: Path, child_lab) -> None:
    """PostgreSQL, its backends and Valkey end within five seconds; a run started at once finds committed rows."""
    lab = child_lab(LAB, kept_folder, tmp_path / "said")
    supervisor, url = read_when_there(tmp_path / "said", lines=2)
    ask(url, CREATE_KEPT)
    pids = family(int(supervisor))
    lab.kill()
    lab.wait()
    assert open_once(kept_folder, "SELECT answer FROM kept") == 42
    wait_gone(pids)


def test_ctrl_c_leaves_nothing(kept_folder: Path, tmp_path: Path, child_lab) -> None:
    """After SIGINT the lab has ended its services when it ends itself."""
    lab = child_lab(LAB, kept_folder, tmp_path / "said")
    pids = family(int(read_when_there(tmp_path / "said", lines=2)[0]))
    os.killpg(lab.pid, signal.SIGINT)
    lab.wait(timeout=10)
    wait_gone(pids, seconds=1)


def test_servers_left_by_a_killed_supervisor_are_no_obstacle(kept_folder: Path, tmp_path: Path, child_lab) -> None:
    """With lab and supervisor killed, PostgreSQL itself too, the next run recovers and starts."""
    lab = child_lab(LAB, kept_folder, tmp_path / "said")
    supervisor, url = read_when_there(tmp_path / "said", lines=2)
    ask(url, CREATE_KEPT)
    pids = family(int(supervisor))
    for pid in (lab.pid, *pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    lab.wait()
    assert open_once(kept_folder, "SELECT answer FROM kept") == 42
    wait_gone(pids)


def test_a_pid_file_that_names_a_stranger_harms_nobody(kept_folder: Path) -> None:
    """A stale postmaster.pid with the pid of a living process neither stops the start nor ends that process."""
    open_once(kept_folder, CREATE_KEPT)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        pid_file = home_of(kept_folder.resolve()) / "data/postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n", encoding="utf-8")
        assert open_once(kept_folder, "SELECT answer FROM kept") == 42
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("damage", ["half made", "another version", "no password"])
def test_data_that_cannot_be_used_is_made_again(kept_folder: Path, damage: str) -> None:
    """A folder that initdb left half made, one of another major version or without its password is replaced."""
    open_once(kept_folder, CREATE_KEPT)
    home = home_of(kept_folder.resolve())
    if damage == "half made":
        (home / "data.complete").unlink()
        (home / "data/global/pg_control").unlink()
    elif damage == "another version":
        (home / "data.complete").write_text("17", encoding="utf-8")
    else:
        (home / "password").unlink()
    assert open_once(kept_folder, "SELECT to_regclass('kept')") is None


@pytest.fixture
def long_folder(tmp_path: Path) -> Iterator[Path]:
    """A lab folder with a path too long for sockets; for root in a place that its servers can reach."""
    top = Path(tempfile.mkdtemp(dir=ELSEWHERE)) if os.geteuid() == 0 else tmp_path
    top.chmod(0o755)
    folder = top.joinpath(*["a-rather-long-name-of-a-folder"] * 4, ".lab")
    folder.parent.mkdir(parents=True)
    yield folder
    erase(folder)
    shutil.rmtree(top)


def test_a_long_path_moves_the_sockets_alone(long_folder: Path) -> None:
    """Sockets stand in a short private folder, which goes at the end; one that others planted there is refused."""
    with Supervisor() as supervisor, open_services(long_folder, supervisor, environment={}) as services:
        sockets = Path(str(ask(services.postgres_url, "SHOW unix_socket_directories")))
        assert len(str(sockets)) < 90
        assert not sockets.is_relative_to(long_folder)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert quote(str(sockets), safe="") in services.postgres_url
        assert (long_folder.resolve() / "servers").exists()
    assert not sockets.exists()
    sockets.mkdir()
    sockets.chmod(0o777)
    try:
        with Supervisor() as supervisor, pytest.raises(LabError, match="not a private folder"):
            open_services(long_folder, supervisor, environment={}).__enter__()
    finally:
        sockets.rmdir()


def test_modes_and_owners_around_the_folder_stay(tmp_path: Path) -> None:
    """Of the checkout, its parents and its other files no mode and no owner changes, wherever the servers live."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    opened = Path(tempfile.mkdtemp(dir=ELSEWHERE))
    opened.chmod(0o755)
    for checkout in (closed, opened):
        (checkout / "file").write_text("text", encoding="utf-8")
        (checkout / ".lab").mkdir(mode=0o750 if checkout is closed else 0o711)
        before, binaries = modes(checkout), modes(Path(sys.prefix))
        open_once(checkout / ".lab", "SELECT 1")
        assert modes(checkout) == before
        assert modes(Path(sys.prefix)) == binaries
        erase(checkout / ".lab")
        (checkout / "file").unlink()
    opened.rmdir()


@as_root
def test_folders_of_removed_checkouts_are_swept(kept_folder: Path, tmp_path: Path) -> None:
    """As root, what stands in /var/tmp for a lab folder that is gone goes with the next start of another."""
    first = tmp_path / "first"
    open_once(first, "SELECT 1")
    elsewhere = home_of(first.resolve()).parent
    assert elsewhere.parent == ELSEWHERE
    first.rename(tmp_path / "moved")
    open_once(kept_folder, "SELECT 1")
    assert not elsewhere.exists()
    assert home_of(kept_folder.resolve()).exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, supervisor: Supervisor) -> None:
    """A missing parent, or a file in the place of the folder, is one line with a hint."""
    with pytest.raises(LabError) as caught:
        open_services(tmp_path / "missing/.lab", supervisor, environment={}).__enter__()
    assert caught.value.what == f"the lab folder cannot be used: {tmp_path}/missing/.lab: No such file or directory"
    assert caught.value.hint == f"make the folder {tmp_path}/missing first"
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LabError, match="the lab folder cannot be used: .*Not a directory"):
        open_services(tmp_path / "file", supervisor, environment={}).__enter__()
