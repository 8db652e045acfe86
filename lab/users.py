"""Yields the Locust users: one that replays a script to all arms in pairs, one that runs trials; each records all.

They run inside Locust alone, and judge no answer beyond: is it the one that was proven?
"""

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import gevent
from gevent.queue import Queue
from locust import FastHttpUser, task
from locust.exception import StopUser

from lab.arrivals import due_times, level, share
from lab.client import Answered, Sending, ask, connect, keep_to_one_request, prepare
from lab.recorder import Fault, Recorder, Told
from lab.script import Line, Script
from lab.sensors import Counters, Meter, read_counters, reference_kernel
from lab.tally import Tally
from lab.timer import Timer, wait_until
from lab.trial import LoadScript, ShareReport, Trial

FLUSH_NANOSECONDS: Final = 500_000_000
BEAT_SECONDS: Final = 0.2
PAIRED: Final = "paired"
LOAD: Final = "load"
"""The names by which Locust counts what is recorded."""

SECOND: Final = 1_000_000_000


class PairedUser(FastHttpUser):
    """Replays the script's passes; every request waits for the one before it.

    `script`, `token`, `recorder`, and the headers `given` for some cells, are set before Locust spawns the one user.
    """

    host = "http://127.0.0.1"
    network_timeout = 60.0
    script: ClassVar[Script]
    token: ClassVar[str]
    recorder: ClassVar[Recorder]
    given: ClassVar[Mapping[int, Mapping[str, str]]] = {}
    started_user: ClassVar["PairedUser | None"] = None

    def on_start(self) -> None:
        """Warms every arm with the same number of requests, then freezes the garbage of both sides."""
        PairedUser.started_user = self
        # What one arm answers must lead to no other request, and be sent to no other arm.
        keep_to_one_request(self.client)
        token = {"Lab-Token": self.token} if self.token else {}
        self.headers = [dict(line.headers) | token | dict(self.given.get(line.cell, {})) for line in self.script.lines]
        self.kernels: list[int] = []
        self.passes_done = 0
        self.failures = 0
        self.sent = 0
        self.finished = False
        deadline = time.monotonic() + self.script.warm_seconds
        for indices in self.script.warm:
            self._replay(indices, number=0, warm=True)
            if time.monotonic() > deadline:
                break
        for url in self.script.settle:
            self.client.post(url, headers=token, name="settle")
        gc.collect()
        gc.freeze()
        self.counters: Counters = read_counters()
        self.started = time.monotonic()
        self.cpu_started = time.process_time()
        self.flushed = time.monotonic_ns()

    @task
    def replay(self) -> None:
        """One pass: one operation with one key, at all its arms."""
        if self.passes_done == len(self.script.passes) or time.monotonic() - self.started > self.script.seconds:
            self.finished = True
            raise StopUser
        self.kernels.append(reference_kernel())
        self._replay(self.script.passes[self.passes_done], number=self.passes_done, warm=False)
        self.passes_done += 1

    def _replay(self, indices: Sequence[int], *, number: int, warm: bool) -> None:
        for index in indices:
            self._send(self.script.lines[index], headers=self.headers[index], number=number, warm=warm)

    def _send(self, line: Line, *, headers: dict[str, str], number: int, warm: bool) -> None:
        sent = time.monotonic_ns()
        found = ask(self.client, line, headers=headers, name=PAIRED)
        done = found.done
        self.failures += found.fault != Fault.NONE
        self.sent += 1
        row = (line.cell, line.key, number, found.status, found.fault, warm, found.size, sent, sent, done, found.cache)
        self.recorder.add(row)
        if done - getattr(self, "flushed", done) > FLUSH_NANOSECONDS:
            self.recorder.flush()
            self.flushed = done


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One generator's part in a trial: as number `worker` of `workers`, from `start`, ns of its monotonic clock."""

    number: int
    trial: Trial
    start: int
    worker: int = 0
    workers: int = 1


class LoadUser(FastHttpUser):
    """Runs the trials that are put into `orders`, until None is; puts the share of each, or an error, into `results`.

    One stands for all the users or arrivals of its process: each is a greenlet of its own. A request is sent once,
    whatever becomes of its connection, and is not sent on to where a redirect leads. Times are recorded in nanoseconds
    from the trial's start. `prepare` is called before Locust spawns the one user that there is.
    """

    host = "http://127.0.0.1"
    script: ClassVar[LoadScript]
    token: ClassVar[str]
    recorder: ClassVar[Recorder]
    orders: ClassVar["Queue[Order | None]"]
    results: ClassVar["Queue[ShareReport | BaseException]"]

    timer: Timer | None = None

    @classmethod
    def prepare(cls, script: LoadScript, *, token: str, recorder: Recorder) -> None:
        """What the user sends and where its samples go; `token` is the target's, or empty."""
        cls.script, cls.token, cls.recorder = script, token, recorder
        cls.orders, cls.results = Queue(), Queue()
        cls.network_timeout = cls.connection_timeout = script.request_seconds
        cls.concurrency = max(trial.most for trial in script.trials)

    def _prepare(self) -> Timer:
        self.pools = prepare(self.client, (line.url for line in self.script.lines))
        token = {"Lab-Token": self.token} if self.token else {}
        self.headers = [dict(line.headers) | token for line in self.script.lines]
        return Timer()

    def on_stop(self) -> None:
        """Gives the timer's file back."""
        if self.timer:
            self.timer.close()

    @task
    def serve(self) -> None:
        """One trial."""
        order = self.orders.get()
        if order is None:
            raise StopUser
        try:
            self.timer = self.timer or self._prepare()
            self.results.put(self._run(order, timer=self.timer))
        except (Exception, gevent.Timeout) as error:
            self.results.put(error)
            raise

    def _run(self, order: Order, *, timer: Timer) -> ShareReport:
        self.order, self.flying = order, 0
        self.broken: BaseException | None = None
        self.tally = Tally(self.recorder)
        planned = self._planned(order)
        connect(self.pools, -(-self.script.connections // order.workers))
        gc.collect()
        gc.freeze()
        timer.sleep_until(order.start)
        wait_until(order.start)
        cpu_started, meter = time.process_time(), Meter()
        beating = gevent.spawn(self._beat, meter)
        if order.trial.arrivals:
            self._open(order, planned=planned, timer=timer)
            meter.sent()
        else:
            self._closed(order)
        while self.flying and self.broken is None:
            gevent.sleep(0.001)
        beating.kill()
        if self.broken is not None:
            raise self.broken
        if not order.trial.arrivals:
            meter.sent()
        return self.tally.report(
            cpu_seconds=time.process_time() - cpu_started, busiest=meter.busiest, steal=meter.steal
        )  # fmt: skip

    def _beat(self, meter: Meter) -> None:
        """Has what was recorded written, however rarely anything is due."""
        while True:
            gevent.sleep(BEAT_SECONDS)
            self.tally.beat()
            meter.read()

    @staticmethod
    def _planned(order: Order) -> list[tuple[int, int]]:
        """This worker's arrivals: the number and the due time of each. Made before the start: it takes milliseconds."""
        if order.trial.arrivals is None:
            return []
        due = due_times(order.trial.arrivals)
        numbers = share(due, worker=order.worker, workers=order.workers)
        return list(zip(numbers.tolist(), due[numbers].tolist(), strict=True))

    def _open(self, order: Order, *, planned: Sequence[tuple[int, int]], timer: Timer) -> None:
        """Sends each arrival of this worker's share when it is due, however many are under way."""
        trial, start = order.trial, order.start
        sequence, length = trial.sequence, len(trial.sequence)
        for number, at in planned:
            timer.sleep_until(start + at)
            if self.broken is not None:
                return
            index = sequence[number % length]
            if self.flying >= trial.most:
                line = self.script.lines[index]
                warm = at < trial.warm_seconds * SECOND
                self.tally.add((line.cell, line.key, order.number, 0, Fault.UNSENT, warm, 0, at, -1, -1, Told.NOTHING))
                continue
            self.flying += 1
            gevent.spawn_raw(self._arrive, index, at)

    def _arrive(self, index: int, at: int) -> None:
        try:
            self._send(index, due=at)
        except BaseException as error:  # noqa: BLE001 - the trial ends by it, whatever it is
            self.broken = error
        finally:
            self.flying -= 1

    def _closed(self, order: Order) -> None:
        """Keeps as many users asking as the profile says, each waiting for its answer."""
        most = max(max(segment.begin, segment.end) for segment in order.trial.users)
        places = range(order.worker, int(most + 0.5), order.workers)
        self.position = order.worker
        self.flying = len(places)
        for place in places:
            gevent.spawn_raw(self._user, place)

    def _user(self, place: int) -> None:
        order, trial = self.order, self.order.trial
        end = order.start + int(trial.seconds * SECOND)
        steady = len({level for each in trial.users for level in (each.begin, each.end)}) == 1
        try:
            while (now := time.monotonic_ns()) < end and self.broken is None:
                if not steady and place >= int((level(trial.users, (now - order.start) / SECOND) or 0.0) + 0.5):
                    gevent.sleep(0.01)
                    continue
                index = trial.sequence[self.position % len(trial.sequence)]
                self.position += order.workers
                self._send(index, due=None)
        except BaseException as error:  # noqa: BLE001 - the trial ends by it, whatever it is
            self.broken = error
        finally:
            self.flying -= 1

    def _send(self, index: int, *, due: int | None) -> None:
        """One request; without `due` it is due when it is sent."""
        order, line = self.order, self.script.lines[index]
        timeout = gevent.Timeout.start_new(self.script.request_seconds)
        sending = Sending(due=0 if due is None else order.start + due)
        current: Any = gevent.getcurrent()
        current.sending = sending
        begun = time.monotonic_ns()
        try:
            found = ask(self.client, line, headers=self.headers[index], name=LOAD)
        except gevent.Timeout as over:
            if over is not timeout:
                raise
            found = Answered(status=0, size=0, fault=Fault.TIME_OUT, done=time.monotonic_ns())
        finally:
            timeout.close()
        sent = sending.sent or max(begun, sending.due)
        if found.fault == Fault.TRUNCATED and found.done - begun >= self.script.request_seconds * SECOND:
            # The client takes a body that we wait for no longer for one that was cut.
            found = replace(found, fault=Fault.TIME_OUT)
        sent -= order.start
        at = sent if due is None else due
        warm = at < order.trial.warm_seconds * SECOND
        done = found.done - order.start
        what = (line.cell, line.key, order.number, found.status, found.fault, warm, found.size)
        self.tally.add((*what, at, sent, done, found.cache))
