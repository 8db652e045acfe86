"""Yields what `serve`, `shell` and `psql` do: the developer's seat, and two ways into its databases."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NoReturn

from psycopg2.extensions import parse_dsn
from rich.console import Console

from lab.asked import seed_number
from lab.binaries import psql_client
from lab.errors import LabError
from lab.progress import Progresses
from lab.seat import FOLDER, Seat, opened_seat, running_seat
from lab.seat_server import SeatServer
from lab.server import TREE
from lab.units import seconds

PAGES: Final = (("REST", "/"), ("GraphiQL", "/graphiql"), ("Swagger UI", "/swagger"), ("admin", "/admin/"))
LIBPQ: Final = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
}  # fmt: skip


def parser_for(kind: Callable[..., ArgumentParser]) -> ArgumentParser:
    """The words that `serve` understands."""
    parser = kind(prog="./noxw -s serve --", description="Serve the API to look at, on this machine's loopback alone.")
    parser.add_argument("--port", type=int, default=8000, help="where it listens (default: 8000)")
    parser.add_argument(
        "--dataset", default="", help="small, x4, x20, medium, x300 or large (default: as last, or small)"
    )
    parser.add_argument("--seed", type=seed_number, help="another seed draws other rows (default: as last, or 1)")
    parser.add_argument("--fresh", action="store_true", help="make the databases anew; what was edited in them is lost")
    return parser


def serve(asked: Namespace, *, console: Console) -> NoReturn:
    """Serves until Ctrl-C, which ends all that was started. Raises LabError, also when a service dies meanwhile."""
    began = time.monotonic()
    _check_port(asked.port)
    opening = opened_seat(size=asked.dataset, seed=asked.seed, fresh=asked.fresh, progress=Progresses(console))
    with opening as (supervisor, seat):
        server = SeatServer(
            supervisor, environment=seat.environment(), port=asked.port, log=FOLDER / "logs" / "api.log"
        )
        with Progresses(console).stage("server"):
            server.start()
            server.wait_ready()
        for line in _greeting(seat, port=asked.port, taken=time.monotonic() - began):
            console.print(line, highlight=False)
        server.follow()


def enter(program: str, words: Sequence[str]) -> int:
    """The exit code of `shell` or `psql` on the databases of the open seat, or of one open until its end."""
    seat = running_seat()
    with ExitStack() as stack:
        if seat is None:
            progress = Progresses(Console(stderr=True, soft_wrap=True))
            _, seat = stack.enter_context(opened_seat(progress=progress))
        if program == "shell":
            return _attached([sys.executable, "-m", "targets", "shell", *words], environment=seat.environment())
        parts = parse_dsn(seat.indexed_url)
        # Not as arguments, which everybody on this machine may read.
        named = {LIBPQ[name]: str(value) for name, value in parts.items() if name in LIBPQ}
        return _attached([psql_client(), *words], environment={**os.environ, **named})


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise LabError(
                f"port {port} cannot be had: {said}", hint="name another one: ./noxw -s serve -- --port 8123"
            ) from None


def _greeting(seat: Seat, *, port: int, taken: float) -> list[str]:
    return [
        f"ready in {seconds(taken)}: dataset {seat.size}, seed {seat.seed}, {seat.rows:,} rows; DEBUG is on",
        *(f"  {name:<11} http://127.0.0.1:{port}{path}" for name, path in PAGES),
        f"admin: {seat.email}, password {seat.password}",
        "beside it: ./noxw -s shell, ./noxw -s psql. When targets/ changes, the server restarts. Ctrl-C ends it all.",
    ]


def _attached(command: Sequence[str | Path], *, environment: Mapping[str, str]) -> int:
    """The exit code of a program on this terminal. Ctrl-C is its own business."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    program = subprocess.Popen(command, env=environment, cwd=TREE)
    try:
        return program.wait()
    except KeyboardInterrupt:  # SIGTERM
        program.terminate()
        program.wait()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
