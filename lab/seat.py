"""Yields the developer's seat: services and a dataset, in a folder of its own, kept from one start to the next.

What is edited there stays, until another dataset is asked for, or migrations or the data's code changed. It starts no
API server, and measures nothing.
"""

import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psycopg2

from lab.bench import FOLDER as LAB_FOLDER
from lab.clones import dropped, renamed
from lab.dataset import prepare_dataset
from lab.errors import LabError
from lab.json_files import read, write
from lab.postgres import claimed
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.server import TREE
from lab.services import Services, open_services

FOLDER: Final = LAB_FOLDER.with_name(f"{LAB_FOLDER.name}-serve")
FILE: Final = FOLDER / "seat.json"
NAMES: Final = ("windtunnel_seat_indexed", "windtunnel_seat_bare")
SMALL: Final = "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where a seat's services and databases are, what is in them, and the admin's log-in. It holds secrets.

    `code` names the code that decides what the databases look like.
    """

    code: str
    server_url: str
    indexed_url: str
    bare_url: str
    size: str
    seed: int
    rows: int
    cache_url: str = ""
    email: str = ""
    password: str = ""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def environment(self) -> dict[str, str]:
        """What a process of the target gets: the user's own settings, and of the seat what makes it one."""
        return {
            "DATABASE_TIMEOUT_SECONDS": "10",
            "TASKS": "inline",
            **os.environ,
            "PYTHONPATH": str(TREE),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "targets.config.settings",
            "DEBUG": "on",
            "TARGET_SEAT": "on",
            "TARGET_INTERFACE": "wsgi",
            "TARGET_LAB_TOKEN": "",
            "TARGET_EVIDENCE": "",
            "HTTPS": "off",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": self.secret,
            "JWT_KEYS": "",
            "DATABASE_URL": self.indexed_url,
            "DATABASE_BARE_URL": self.bare_url,
            "CACHE_URL": self.cache_url,
            "CACHE_PREFIX": "windtunnel_seat",
        }


@contextmanager
def opened_seat(
    *, size: str = "", seed: int | None = None, fresh: bool = False, progress: Progresses
) -> Iterator[tuple[Supervisor, Seat]]:
    """A seat and who started its services, until the end of the block. What is not said is that of the last start.

    Raises LabError; all that it started has ended then.
    """
    with ExitStack() as stack:
        with progress.stage("services"):
            supervisor = stack.enter_context(Supervisor())
            services = stack.enter_context(open_services(FOLDER, supervisor, environment=os.environ))
        kept = None if fresh else _kept(services, size=size, seed=seed)
        seat = kept or _made(
            services, size=size or SMALL, seed=1 if seed is None else seed, supervisor=supervisor, progress=progress
        )
        seat = replace(seat, cache_url=services.cache_url)
        _keep(seat)
        yield supervisor, seat


def running_seat() -> Seat | None:
    """The seat that another process has open; None where nobody has."""
    try:
        descriptor = os.open(FOLDER / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read(FILE, Seat) if FILE.is_file() else None
    finally:
        os.close(descriptor)
    return None


def _kept(services: Services, *, size: str, seed: int | None) -> Seat | None:
    """The seat of an earlier start, if its databases are there and are what is asked for."""
    try:
        seat = read(FILE, Seat)
    except LabError:
        return None
    is_asked = size in {"", seat.size} and seed in {None, seat.seed}
    if not is_asked or seat.server_url != services.postgres_url or seat.code != _code():
        return None
    try:
        for url in (seat.indexed_url, seat.bare_url):
            with closing(psycopg2.connect(url)):
                pass
    except psycopg2.OperationalError:
        return None
    return seat


def _made(services: Services, *, size: str, seed: int, supervisor: Supervisor, progress: Progresses) -> Seat:
    """A seat on new databases. They are made where the lab makes its own, then renamed, and no lab touches them."""
    FILE.unlink(missing_ok=True)
    server_url = services.postgres_url
    with progress.stage("dataset", is_drawn=False), claimed(server_url):
        try:
            made = prepare_dataset(server_url=server_url, size=size, seed=seed, folder=FOLDER)
        except LabError:
            # Where a server died, its own last words say more.
            supervisor.check()
            raise
        dropped(server_url, NAMES)
        indexed, bare = (
            renamed(server_url, url, name=name)
            for url, name in zip((made.indexed_url, made.bare_url), NAMES, strict=True)
        )
    seat = Seat(
        code=_code(), server_url=server_url, indexed_url=indexed, bare_url=bare, size=size, seed=seed, rows=made.rows
    )
    with progress.stage("admin"):
        email, password = _prepared(seat)
        return replace(seat, email=email, password=password)


def _prepared(seat: Seat) -> tuple[str, str]:
    """The e-mail address and the password of the admin, once both databases have what the seat needs."""
    command = [sys.executable, "-m", "targets", "prepare_seat"]
    done = subprocess.run(command, cwd=TREE, env=seat.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(f"the seat's databases could not be prepared: {said[-1]}", hint="mend that, then start again")
    email, password = done.stdout.split()[-2:]
    return email, password


def _keep(seat: Seat) -> None:
    """It holds passwords: the file is its owner's alone from its first byte."""
    before = os.umask(0o077)
    try:
        write(seat, FILE)
    finally:
        os.umask(before)


def _code() -> str:
    """A hash of the code that decides what the databases look like."""
    digest = hashlib.sha256()
    own: list[Path] = [*TREE.glob("targets/seat/management/commands/*.py"), *TREE.glob("targets/*/migrations/*.py")]
    for path in sorted([*TREE.glob("fixtures/**/*.py"), *own]):
        digest.update(path.relative_to(TREE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
