"""Yields `Alone` and `Master`, which have trials run by this process's own user or by those of workers."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import gevent
import msgspec
from gevent.queue import Empty, Queue
from locust import log, runners
from locust.env import Environment
from locust.rpc import Message

from lab.client import counted
from lab.recorder import Recorder
from lab.trial import LoadScript, ShareReport, Trial, sample_files, split_address
from lab.users import LOAD, LoadUser, Order
from lab.wire import share_token

LEAD: Final = 100_000_000
"""Nanoseconds between the order to begin a trial and its start, and what each of its arrivals adds to them."""

LEAD_PER_ARRIVAL: Final = 1_000

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")

# A worker that is not heard of counts as lost after two to four seconds.
runners.HEARTBEAT_LIVENESS = 2


class BrokenLoad(Exception):  # noqa: N818 - what happened, not an error of ours
    """The load is not what was asked for; `lost` names the workers that are gone, each with its share."""

    def __init__(self, what: str, *, lost: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.lost = tuple(lost)


class Conductor(Protocol):
    """Has trials run."""

    def run(self, number: int, trial: Trial) -> tuple[ShareReport, ...]:
        """Runs a trial to its end and returns each generator's share. Raises BrokenLoad."""

    def finish(self) -> int:
        """Ends the users and returns how many requests Locust counted."""


def lead_of(trial: Trial) -> int:
    """Nanoseconds in which every generator has its schedule ready."""
    arrivals = trial.arrivals
    return LEAD + (int(arrivals.rate * arrivals.seconds) * LEAD_PER_ARRIVAL if arrivals else 0)


def check_listeners() -> None:
    """Raises BrokenLoad when a listener failed: Locust goes on then, with less than it saw."""
    if log.unhandled_greenlet_exception:
        raise BrokenLoad("a listener failed; its traceback is in the generator's log")


class Alone:
    """Runs trials in this process."""

    def __init__(self, script: LoadScript, *, token: str) -> None:
        self.environment = Environment(user_classes=[LoadUser], catch_exceptions=False)
        LoadUser.prepare(script, token=token, recorder=Recorder(Path(script.samples)))
        self.runner = self.environment.create_local_runner()
        self.runner.start(1, spawn_rate=1)

    def run(self, number: int, trial: Trial) -> tuple[ShareReport, ...]:
        LoadUser.orders.put(Order(number=number, trial=trial, start=time.monotonic_ns() + lead_of(trial)))
        result = LoadUser.results.get()
        if isinstance(result, BaseException):
            raise BrokenLoad(f"a user failed: {result!r}")
        check_listeners()
        return (result,)

    def finish(self) -> int:
        LoadUser.recorder.close()
        LoadUser.orders.put(None)
        self.runner.user_greenlets.join(timeout=5)
        self.runner.quit()
        return counted(self.environment, name=LOAD)


class Master:
    """Has trials run by workers that come to its address, and writes down what they send."""

    def __init__(self, script: LoadScript, *, token: str, worker_token: str) -> None:
        self._script, self._count = script, script.workers
        self._shares: Queue[tuple[str, ShareReport | str]] = Queue()
        share_token(worker_token)
        host, port = split_address(script.bind)
        self.environment = Environment(user_classes=[LoadUser], catch_exceptions=False)
        self.runner = self.environment.create_master_runner(host, port)
        self._here: dict[str, None] = {}
        self._invited: set[str] = set()
        self._hear = self.runner.handle_message
        setattr(self.runner, "handle_message", self._on_message)  # noqa: B010 - a method is replaced, on purpose
        self.runner.register_message("here", self._on_here)
        self.runner.register_message("samples", self._on_samples)
        self.runner.register_message("share", self._on_share)
        self.workers = self._gather(token)

    def _gather(self, token: str) -> tuple[str, ...]:
        deadline = time.monotonic() + self._script.wait_seconds
        while len(self._here) < self._count:
            if time.monotonic() > deadline:
                came = f"{len(self._here)} of {self._count} workers"
                raise BrokenLoad(f"{came} came within {self._script.wait_seconds:g} s")
            gevent.sleep(0.02)
        workers = tuple(self._here)[: self._count]
        files = sample_files(self._script)
        self._files = {worker: file.open("xb", buffering=0) for worker, file in zip(workers, files, strict=True)}
        text = msgspec.json.encode(self._script).decode()
        for worker in workers:
            self.runner.send_message("script", {"script": text, "token": token}, client_id=worker)
        self.runner.start(self._count, spawn_rate=self._count)
        return workers

    def run(self, number: int, trial: Trial) -> tuple[ShareReport, ...]:
        order = {
            "number": number,
            "start": time.monotonic_ns() + lead_of(trial),
            "boot": boot_identity(),
            "workers": self._count,
        }
        for index, worker in enumerate(self.workers):
            self.runner.send_message("trial", {**order, "worker": index}, client_id=worker)
        found: dict[str, ShareReport] = {}
        deadline = time.monotonic() + trial.seconds + self._script.request_seconds + self._script.wait_seconds
        while len(found) < self._count:
            check_listeners()
            if time.monotonic() > deadline:
                raise BrokenLoad(f"{self._count - len(found)} of {self._count} workers do not report")
            if lost := [each for each in self.workers if each not in found and not self._is_here(each)]:
                raise self._loss(lost)
            try:
                worker, share = self._shares.get(timeout=0.1)
            except Empty:
                continue
            if isinstance(share, str):
                raise BrokenLoad(f"worker {self.workers.index(worker) + 1} of {self._count} failed: {share}")
            found[worker] = share
        return tuple(found[worker] for worker in self.workers)

    def _loss(self, lost: Sequence[str]) -> BrokenLoad:
        names = [f"worker {self.workers.index(each) + 1} of {self._count} ({each.rsplit('_', 1)[0]})" for each in lost]
        share = len(lost) / self._count
        what = f"{' and '.join(names)} went missing, and with it {share:.0%} of the arrivals"
        return BrokenLoad(what, lost=names)

    def _is_here(self, worker: str) -> bool:
        client = self.runner.clients.get(worker)
        return client is not None and client.state != runners.STATE_MISSING

    def finish(self) -> int:
        self.runner.quit()
        for file in getattr(self, "_files", {}).values():
            file.close()
        return counted(self.environment, name=LOAD)

    def _on_message(self, client_id: str, message: Any) -> None:
        """Sends away whoever comes when all are here: Locust would take the users from others and give them to it."""
        if message.type == "client_ready" and len(self._invited) < self._count:
            self._invited.add(client_id)
        if client_id in self._invited:
            self._hear(client_id, message)
        elif message.type == "client_ready":
            self.runner.server.send_to_client(Message("ack", {"index": -1}, client_id))
        elif message.type == "here":
            # Not before: a worker that is told to end while it begins does neither.
            self.runner.server.send_to_client(Message("quit", None, client_id))

    def _on_here(self, *, msg: Any, **_: object) -> None:
        self._here[msg.node_id] = None

    def _on_samples(self, *, msg: Any, **_: object) -> None:
        self._files[msg.node_id].write(msg.data["frame"])

    def _on_share(self, *, msg: Any, **_: object) -> None:
        error = msg.data["error"]
        self._shares.put((msg.node_id, error or msgspec.json.decode(msg.data["share"], type=ShareReport)))


def boot_identity() -> str:
    """What is the same for all processes that share a monotonic clock; empty where it is not known."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
