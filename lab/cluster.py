"""Yields what an embedded PostgreSQL runs on: its data folder and its settings for measuring. It starts no server."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from lab.binaries import Binaries
from lab.folder import ServerFolder
from lab.processes import Supervisor

ROLE: Final = "windtunnel"
LOCALE: Final = {"LANG": "C", "LC_ALL": "C", "TZ": "UTC"}
MEBIBYTE: Final = 1024**2


def data_folder(folder: ServerFolder, *, binaries: Binaries, supervisor: Supervisor) -> Path:
    """The data folder of an earlier run, or a new one where that is of another major version or was left half made."""
    version = _major_version(binaries, supervisor=supervisor, folder=folder)
    data, mark = folder.home / "data", folder.home / "data.complete"
    if mark.is_file() and mark.read_text(encoding="utf-8") == version and folder.has_password() and data.is_dir():
        # We hold the lock and no server runs in here (end_leftovers): a pid in that file is a stranger's by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        return data
    mark.unlink(missing_ok=True)
    if data.exists():
        shutil.rmtree(data)
    folder.make("data")
    password = folder.password()
    file = folder.write_private("initdb.password", password)
    supervisor.spawn(
        name="initdb",
        argv=[
            binaries.initdb,
            *("-D", data, "--username", ROLE, "--pwfile", file, "--auth=scram-sha-256", "--encoding=UTF8"),
            # The builtin provider sorts by code point and knows Unicode's cases on every platform, whatever its libc.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--no-sync", "--no-instructions", "--set", "log_timezone=UTC", "--set", "timezone=UTC"),
        ],
        env=LOCALE,
        log=folder.logs / "initdb.log",
        cwd=folder.home,
        uid=folder.account.uid,
        gid=folder.account.gid,
    )
    code = supervisor.wait_exit("initdb", seconds=60)
    file.unlink()
    if code != 0:
        raise supervisor.death("initdb", code=code)
    folder.write_private("data.complete", version)
    return data


def _major_version(binaries: Binaries, *, supervisor: Supervisor, folder: ServerFolder) -> str:
    """The major version of the program, asked from itself."""
    supervisor.spawn(name="version", argv=[binaries.postgres, "--version"], env={}, log=folder.logs / "version.log")
    if (code := supervisor.wait_exit("version", seconds=10)) != 0:
        raise supervisor.death("version", code=code)
    return supervisor.log_tail("version").rpartition(" ")[2].partition(".")[0]


def server_settings() -> dict[str, str]:
    """Settings for measuring. The data can be made again from its seed, so nothing here pays for durability.

    After a kill of the server the data is still whole (the kernel holds what was written); only a crash of the
    machine can break it. Planner costs stay PostgreSQL's own.
    """
    return {
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.track": "top",
        "pg_stat_statements.track_utility": "off",
        "pg_stat_statements.save": "off",
        "shared_buffers": f"{_shared_buffers() // MEBIBYTE}MB",
        "maintenance_work_mem": "256MB",
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "track_io_timing": "off",
        # 18's default keeps I/O processes that would share our few cores with what is measured.
        "io_method": "sync",
    }


def _shared_buffers() -> int:
    """An eighth of the memory that we may use, from 128 MiB to 1 GiB, in bytes."""
    memory = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # no control group, or its limit is the word "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return max(128 * MEBIBYTE, min(1024 * MEBIBYTE, memory // 8))
