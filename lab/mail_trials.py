"""Yields the raw data of a run with mails: in every block each server in turn, on a database of its own, at every rate.

It derives nothing: what the generator, the outbox and the sink saw is written down as it is.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg2

from lab.arrivals import Arrivals, profile
from lab.clones import cloned, dropped
from lab.experiment import Experiment, MailDesign, Server
from lab.generate import generate
from lab.json_files import write
from lab.mail_room import MailRoom, MailSink, Seen, open_sink, with_mail
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.results import RunFolder
from lab.script import Line
from lab.server import Surroundings, boot
from lab.services import Services
from lab.trial import LoadScript, Trial
from lab.writes import lines_to, writes_of

PREFIX: Final = "windtunnel_own_"
OVERHEAD: Final = 6.0
"""Seconds that a trial, or booting what it needs, takes beyond its orders."""

DRAIN_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 3.0
CONNECTIONS: Final = 64
SETTLE_SECONDS: Final = 1.0
WARM_ORDERS: Final = 20

_OUTBOX: Final = """
    SELECT id::text, extract(epoch FROM made_at)::float8, extract(epoch FROM published_at)::float8, state, published,
           attempts + CASE WHEN state = 'sent' THEN 1 ELSE 0 END
    FROM orders_mail WHERE order_id > %s ORDER BY made_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A mail as the outbox has it: seconds since the epoch, its state, how often it was published and tried."""

    id: str
    made_at: float
    published_at: float | None
    state: str
    published: int = 1
    tried: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTrial:
    """What is kept of one trial beside its samples: `tasks` are those that workers ran; `reason` is why it is void."""

    server: str
    rate: float
    outbox: tuple[OutboxRow, ...]
    seen: tuple[Seen, ...]
    reason: str = ""
    tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailBlock:
    """The trials of a block, in the order in which they were run."""

    trials: tuple[MailTrial, ...]


def run_mails(
    experiment: Experiment, *, surroundings: Surroundings, services: Services, supervisor: Supervisor,
    folder: RunFolder, seed: int, progress: Progresses,
) -> None:  # fmt: skip
    """Orders and their mails, server by server, in blocks. Raises LabError; what was seen until then is on disk."""
    design = experiment.mail
    assert design is not None  # noqa: S101 - only experiments with mails come here
    total = design.blocks * len(experiment.servers)
    budget = total * (len(design.rates) * (design.seconds + OVERHEAD) + OVERHEAD)
    with progress.stage("measuring", total=total, budget=budget) as advance:
        trials = MailTrials(
            design=design, servers=experiment.servers, surroundings=surroundings, services=services,
            supervisor=supervisor, folder=folder, seed=seed, note=lambda done, note: advance(done=done, note=note),
        )  # fmt: skip
        folder.save("missing", tuple(trials.missing.items()))
        trials.run()


@dataclass(frozen=True, kw_only=True)
class MailTrials:
    """Runs blocks, each server once in each, in drawn order."""

    design: MailDesign
    servers: tuple[Server, ...]
    surroundings: Surroundings
    services: Services
    supervisor: Supervisor
    folder: RunFolder
    seed: int
    note: Callable[[int, str], None]

    @property
    def missing(self) -> dict[str, str]:
        """The servers that cannot be had here, each with the reason."""
        return {server.name: fault for server in self.servers if server.broker == "given" and (fault := broker_fault())}

    def run(self) -> None:
        """Runs every block. Raises LabError; what was seen until then is on disk."""
        done = 0
        for block in range(self.design.blocks):
            random = Random(f"{self.seed}/mail/{block}")
            trials: list[MailTrial] = []
            present = [server for server in self.servers if server.name not in self.missing]
            for server in random.sample(present, len(present)):
                rates = random.sample(self.design.rates, len(self.design.rates))
                trials += self._served(server, block=block, rates=rates)
                done += 1
                self.note(done, f"block {block + 1} of {self.design.blocks}, {server.name}")
            write(MailBlock(trials=tuple(trials)), self.folder.blocks / f"mail-{block:02d}.json")

    def _served(self, server: Server, *, block: int, rates: list[float]) -> list[MailTrial]:
        """The trials of one server on a database of its own."""
        name, here = f"{PREFIX}mail", self.surroundings.build
        dropped(self.services.postgres_url, (), prefix=PREFIX)
        started: list[str] = []
        try:
            url = cloned(self.services.postgres_url, here.database_url, name=name)
            build = replace(here, database_url=url, bare_url=url, cache_space=f":mail{block}")
            folder = self.surroundings.logs
            sink = open_sink(self.supervisor, python=here.python, folder=folder, delay=self.design.delay)
            started.append("sink")
            broker = os.environ["BROKER_URL"] if server.broker == "given" else ""
            around = with_mail(
                replace(self.surroundings, build=build), broker_url=broker, sink=sink,
                queue=f"windtunnel-{self.folder.path.name}-{block}",
            )  # fmt: skip
            [running] = boot((server,), surroundings=around, supervisor=self.supervisor).values()
            started.append(running.process)
            room = MailRoom(surroundings=around, supervisor=self.supervisor, server=server.name)
            workers = self.design.workers if server.tasks == "celery" else 0
            if workers:
                started += [room.open_relay(pause=0.02).name]
                started += [room.open_worker(number).name for number in range(workers)]
            kit = writes_of(around, words=("orders", "rest"), count=self.design.shoppers, url=url)
            lines = lines_to(kit, url=running.url)
            place = self.servers.index(server)
            self._trial(
                lines, url=url, sink=sink, rate=WARM_ORDERS / SETTLE_SECONDS, seconds=SETTLE_SECONDS,
                name=f"warm-{block:02d}-{place}",
            )  # fmt: skip
            trials = []
            for rate in rates:
                run = room.tasks_run(workers)
                found = self._trial(
                    lines, url=url, sink=sink, rate=rate, seconds=self.design.seconds,
                    name=f"mail-{block:02d}-{place}-{rate:g}", seed=f"{self.seed}/{block}/{rate}",
                )  # fmt: skip
                trials.append(replace(found, server=server.name, tasks=room.tasks_run(workers) - run))
            return trials
        finally:
            for process in reversed(started):
                self.supervisor.stop(process)
            dropped(self.services.postgres_url, (), prefix=PREFIX)

    def _trial(
        self, lines: tuple[Line, ...], *, url: str, sink: MailSink, rate: float, seconds: float, name: str,
        seed: str = "",
    ) -> MailTrial:  # fmt: skip
        """Orders at a rate, and then the wait for their mails."""
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT coalesce(max(id), 0) FROM orders_order")
                [before] = cursor.fetchone() or (0,)
                known = len(sink.seen())
                order = Random(seed).sample(range(len(lines)), len(lines))
                arrivals = Arrivals(
                    kind="poisson", profile=profile("steady", rate=rate, seconds=seconds), seed=seed_of(seed)
                )
                script = LoadScript(
                    samples=str(self.folder.samples / f"{name}.samples"),
                    report=str(self.folder.blocks / f"{name}.report.json"), lines=lines, connections=CONNECTIONS,
                    request_seconds=DRAIN_SECONDS,
                    trials=(Trial(sequence=tuple(order), seconds=seconds, arrivals=arrivals),),
                )  # fmt: skip
                generate(
                    script, supervisor=self.supervisor, script_file=self.folder.blocks / f"{name}.script.json",
                    logs=self.surroundings.logs, token=self.surroundings.token,
                )  # fmt: skip
                reason = self._drained(cursor, after=before)
                cursor.execute(_OUTBOX, [before])
                rows = tuple(
                    OutboxRow(
                        id=row[0],
                        made_at=row[1],
                        published_at=row[2],
                        state=row[3],
                        published=row[4],
                        tried=row[5],
                    )
                    for row in cursor.fetchall()
                )
        return MailTrial(server="", rate=rate, outbox=rows, seen=sink.seen()[known:], reason=reason)

    @staticmethod
    def _drained(cursor: Any, *, after: int) -> str:
        """Wait until no mail is pending; why it is not over, or nothing."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            cursor.execute("SELECT count(*) FROM orders_mail WHERE order_id > %s AND state = 'pending'", [after])
            [left] = cursor.fetchone()
            if not left:
                return ""
            if time.monotonic() > deadline:
                return f"{left} mails were not sent {DRAIN_SECONDS:g} s after the last order"
            time.sleep(0.05)


def broker_fault() -> str:
    """Why the broker of BROKER_URL cannot be used, or nothing."""
    parts = urlsplit(os.environ.get("BROKER_URL", ""))
    if not parts.hostname:
        return "BROKER_URL names no broker"
    try:
        socket.create_connection((parts.hostname, parts.port or 5672), timeout=CONNECT_SECONDS).close()
    except OSError:
        return f"nothing answers at {parts.hostname}:{parts.port or 5672}, which BROKER_URL names"
    return ""


def seed_of(text: str) -> int:
    """A whole number that a text draws."""
    return Random(text).getrandbits(31)
