"""Yields how fast a dataset is loaded beside what pgbench loads on the same server, in turns. It makes no row."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final, Self

import psutil
import psycopg2
from psycopg2 import sql
from rich.console import Console

from lab.bench import FOLDER
from lab.binaries import pgbench
from lab.calibrate_rows import told
from lab.clones import dropped
from lab.dataset import Dataset, prepare_dataset
from lab.errors import LabError
from lab.load_findings import Check
from lab.postgres import claimed
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.results import CALIBRATION, check_writable
from lab.server import plain_environment
from lab.services import open_services
from lab.units import seconds

SEED: Final = 20261127
"""Of a dataset that nobody else asks for: the kept templates stay as they are."""

SCALE_BYTES: Final = 13_000_000
"""Of the heap, for each unit of pgbench's scale."""

SPEED, STRETCH, MEMORY_BYTES, READY_SECONDS, KEPT_SECONDS = 0.8, 0.9, 600e6, 25.0, 4.0
_DATABASE: Final = "windtunnel_own_pgbench"
_GENERATED: Final = re.compile(r"client-side generate ([\d.]+) s")
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One load by each: bytes of heap per second from the first row to the commit; our seconds until all is ready."""

    pgbench: float
    ours: float
    ready: float
    kept: float

    @property
    def ratio(self) -> float:
        """Ours by pgbench's."""
        return self.ours / self.pgbench


def calibrate_loading(*, dataset: str, turns: int, console: Console) -> Path:
    """Loads so many times by each, in turns; returns the Markdown table. Raises LabError when a row does not hold."""
    check_writable()
    CALIBRATION.parent.mkdir(exist_ok=True)
    measured = datetime.now(tz=UTC).isoformat(timespec="seconds")
    with Supervisor() as supervisor, open_services(FOLDER, supervisor, environment=os.environ) as services:
        program = pgbench(is_embedded=services.postgres_embedded)
        if program is None:
            raise LabError("there is no pgbench on the PATH", hint="install PostgreSQL's client programs")
        with (
            claimed(services.postgres_url), _cleaned(services.postgres_url, dataset),
            Progresses(console).stage("loads", total=turns) as advance,
        ):  # fmt: skip
            found = []
            # Looking at memory takes time of its own, so the load that is looked at is timed by nobody.
            with _Memory() as memory:
                _loaded(services.postgres_url, dataset=dataset)
            for number in range(turns):
                found.append(_turn(services.postgres_url, dataset=dataset, program=program))
                advance(done=number + 1, note=f"{found[-1].ratio:.2f} of pgbench's speed")
    page = CALIBRATION.parent / f"loading-{dataset}.md"
    return told(rows(found, memory=memory.most, dataset=dataset), measured=measured, page=page, console=console)


def rows(found: list[Turn], *, memory: int, dataset: str) -> tuple[Check, ...]:
    """The rows of the table, over all turns."""
    ratios = sorted(turn.ratio for turn in found)
    ours, theirs = (median(getattr(turn, name) for turn in found) / 1e6 for name in ("ours", "pgbench"))
    ready, kept = (median(getattr(turn, name) for turn in found) for name in ("ready", "kept"))
    speed = Check(
        what=f"loading {dataset}: bytes of heap per second, beside pgbench -i -I dtg in the same minutes",
        bound=f"at least {SPEED} of pgbench's ({STRETCH} is the stretch)",
        seen=f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(found)} turns): "
        f"{ours:.0f} and {theirs:.0f} MB/s",
        holds=median(ratios) >= SPEED,
    )  # fmt: skip
    peak = Check(
        what=f"loading {dataset}: memory of all its processes", bound=f"at most {MEMORY_BYTES / 1e6:.0f} MB",
        seen=f"{memory / 1e6:.0f} MB", holds=memory <= MEMORY_BYTES,
    )  # fmt: skip
    if dataset != "medium":
        return (speed, peak)
    times = f"of {len(found)} turns, the middle one"
    return (
        speed,
        peak,
        Check(
            what="medium ready: loaded, indexed, frozen, both clones", bound=f"at most {seconds(READY_SECONDS)}",
            seen=f"{seconds(ready)}, {times}", holds=ready <= READY_SECONDS,
        ),
        Check(
            what="medium ready from the kept template", bound=f"at most {seconds(KEPT_SECONDS)}",
            seen=f"{seconds(kept)}, {times}", holds=kept <= KEPT_SECONDS,
        ),
    )  # fmt: skip


@contextmanager
def _cleaned(url: str, dataset: str) -> Iterator[None]:
    names = (f"windtunnel_template_{dataset}_{SEED}", f"windtunnel_template_{dataset}_{SEED}_building", _DATABASE)
    dropped(url, names)
    try:
        yield
    finally:
        dropped(url, names)


def _turn(url: str, *, dataset: str, program: Path) -> Turn:
    # What the kernel still writes of the load before would slow this one down.
    os.sync()
    began = time.perf_counter()
    made = _loaded(url, dataset=dataset)
    ready = time.perf_counter() - began
    kept = prepare_dataset(server_url=url, size=dataset, seed=SEED, folder=FOLDER)
    return Turn(
        pgbench=_by_pgbench(url, program=program, scale=max(1, round(made.heap_bytes / SCALE_BYTES))),
        ours=made.heap_bytes / made.copy_seconds,
        ready=ready,
        kept=kept.clone_seconds,
    )


def _loaded(url: str, *, dataset: str) -> Dataset:
    dropped(url, (f"windtunnel_template_{dataset}_{SEED}",))
    return prepare_dataset(server_url=url, size=dataset, seed=SEED, folder=FOLDER)


def _by_pgbench(url: str, *, program: Path, scale: int) -> float:
    """Bytes of heap per second of what pgbench itself says that generating took, its commit included."""
    dropped(url, (_DATABASE,))
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(_DATABASE)))
        own = connection.info.dsn_parameters | {"dbname": _DATABASE, "password": connection.info.password}
    dsn = psycopg2.extensions.make_dsn(**own)
    os.sync()
    words = [str(program), "--initialize", "--init-steps=dtg", f"--scale={scale}", "--quiet", dsn]
    done = subprocess.run(words, env=plain_environment(), capture_output=True, text=True, check=False)
    taken = _GENERATED.search(done.stderr)
    if done.returncode or taken is None:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise LabError(f"pgbench loaded nothing: {said[-1]}", hint="try it by hand: pgbench -i -I dtg")
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relname LIKE 'pgbench%' AND relkind = 'r'"
        )
        (heap_bytes,) = cursor.fetchone() or (0,)
    dropped(url, (_DATABASE,))
    return float(heap_bytes) / float(taken[1])


@dataclass
class _Memory:
    """The most memory that the door of the fixtures and its workers held at once, pages they share counted once."""

    most: int = 0
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            with suppress(psutil.Error):
                for child in psutil.Process().children():
                    if "fixtures" in child.cmdline():
                        family = [child, *child.children(recursive=True)]
                        self.most = max(self.most, sum(_held(each) for each in family))


def _held(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(found, "pss", found.uss))
