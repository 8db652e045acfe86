"""Yields what works beside a server: the sink that takes mails, the relay that publishes, the workers that send.

They are processes of the run's supervisor. It judges nothing: what the sink saw is read here, and counted elsewhere.
"""

import json
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from lab.processes import Process, Supervisor
from lab.server import Surroundings, free_port, listens, plain_environment, target_environment

READY_SECONDS: Final = 30.0
TASK_SECONDS: Final = 10.0
"""How long tasks are waited for that a worker has received and not ended."""

_RECEIVED: Final = re.compile(r"Task \S+\[\S+\] received")
_ENDED: Final = re.compile(r"Task \S+\[\S+\] (?:succeeded|raised|retry)")

RELAY: Final = "relay"
SINK: Final = "sink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event at the sink: when, in nanoseconds of the wall clock, what, of which mail, and the client's port."""

    ns: int
    what: str
    id: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSink:
    """A sink that listens, and the file in which it writes what it saw."""

    url: str
    log: Path
    pid: int

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have it answer no mail until the end of the block."""
        os.kill(self.pid, signal.SIGUSR1)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGUSR2)

    def seen(self) -> tuple[Seen, ...]:
        """All events until now; of a line that is being written nothing."""
        *lines, _ = self.log.read_text(encoding="utf-8").split("\n")
        return tuple(Seen(**json.loads(line)) for line in lines)


def open_sink(
    supervisor: Supervisor, *, python: str, folder: Path, delay: float = 0.0, refuse: float = 0.0, hang: float = 0.0,
    reject: float = 0.0, seed: int = 0,
) -> MailSink:  # fmt: skip
    """A sink of the run's own, ready. Raises LabError when it does not start."""
    port, log = free_port(), folder / "mails.jsonl"
    log.unlink(missing_ok=True)
    process = supervisor.spawn(
        name=SINK,
        argv=[
            python, "-m", "lab.mail_sink", port, log, "--delay", delay, "--refuse", refuse, "--hang", hang,
            "--reject", reject,
            "--seed", seed,
        ],
        env=plain_environment(), log=folder / "sink.log",
    )  # fmt: skip
    supervisor.wait_ready(SINK, ready=partial(listens, port), seconds=READY_SECONDS)
    return MailSink(url=f"smtp://127.0.0.1:{port}", log=log, pid=process.pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoom:
    """Relay and workers of a server in `surroundings`, which name the broker and where mails go."""

    surroundings: Surroundings
    supervisor: Supervisor
    server: str = "target"

    def open_relay(self, *, pause: float = 0.05) -> Process:
        """The relay, started."""
        return self._spawn(RELAY, "-m", "targets", "relay", "--pause", str(pause))

    def open_worker(self, number: int) -> Process:
        """A worker that does one thing at a time, started; it is told apart by its number."""
        return self._spawn(
            worker_name(number), "-m", "celery", "-A", "targets.web.background", "worker", "--pool", "solo",
            "--loglevel", "INFO", "--hostname", f"worker-{number}@localhost", "--without-gossip",
            "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def tasks_run(self, workers: int) -> int:
        """Tasks that so many workers have run to their end, by their own logs; those under way are waited for."""
        logs = [self.surroundings.logs / f"{worker_name(number)}.log" for number in range(workers)]
        deadline = time.monotonic() + TASK_SECONDS
        while True:
            text = "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)
            begun, ended = len(_RECEIVED.findall(text)), len(_ENDED.findall(text))
            if ended >= begun or time.monotonic() > deadline:
                return ended
            time.sleep(0.02)

    def _spawn(self, name: str, *words: str) -> Process:
        build = self.surroundings.of(self.server)
        environment: Mapping[str, str] = target_environment(self.surroundings, build=build)
        return self.supervisor.spawn(
            name=name, argv=[build.python, *words], env=environment, cwd=build.tree,
            log=self.surroundings.logs / f"{name}.log",
        )  # fmt: skip


def worker_name(number: int) -> str:
    """A worker's name for the supervisor."""
    return f"task-worker-{number}"


def with_mail(surroundings: Surroundings, *, broker_url: str, sink: MailSink, queue: str) -> Surroundings:
    """The surroundings with a broker and a sink; `queue` is the run's own on a broker that it shares."""
    return replace(surroundings, broker_url=broker_url, email_url=sink.url, queue=queue)
