"""Yields the Locust users: one that replays a script to all arms, with one request in flight, and records each.

It runs inside Locust alone, and judges no answer beyond: is it the one that was proven?
"""

import gc
import time
import zlib
from collections.abc import Sequence
from typing import ClassVar

from locust import FastHttpUser, task
from locust.exception import StopUser

from lab.recorder import Recorder
from lab.script import Line, Script
from lab.sensors import Counters, read_counters, reference_kernel

FLUSH_NANOSECONDS = 500_000_000


class PairedUser(FastHttpUser):
    """Replays the script's passes; every request waits for the one before it.

    `script`, `token` and `recorder` are set before Locust spawns the one user there is.
    """

    host = "http://127.0.0.1"
    network_timeout = 60.0
    script: ClassVar[Script]
    token: ClassVar[str]
    recorder: ClassVar[Recorder]
    started_user: ClassVar["PairedUser | None"] = None

    def on_start(self) -> None:
        """Warms every arm with the same number of requests, then freezes the garbage of both sides."""
        PairedUser.started_user = self
        token = {"Lab-Token": self.token}
        self.headers = [dict(line.headers) | token for line in self.script.lines]
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
        response = self.client.request(line.method, line.url, data=line.body, headers=headers, name="paired")
        body = response.content or b""
        done = time.monotonic_ns()
        ok = response.status_code == line.status and len(body) == line.length and zlib.crc32(body) == line.checksum
        self.failures += not ok
        self.sent += 1
        row = (line.cell, line.key, number, response.status_code or 0, ok, warm, len(body), sent, sent, done)
        self.recorder.add(row)
        if done - getattr(self, "flushed", done) > FLUSH_NANOSECONDS:
            self.recorder.flush()
            self.flushed = done
