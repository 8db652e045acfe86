"""Yields what the machine was doing during a block: stolen time, pressure, a reference kernel. It judges nothing."""

import contextlib
import time
from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import psutil

_KERNEL_INPUT = bytes(64 * 1024)


def reference_kernel() -> int:
    """Nanoseconds that a fixed piece of work took; a slower machine shows as a larger figure."""
    start = time.perf_counter_ns()
    for _ in range(4):
        sha256(_KERNEL_INPUT).digest()
    total = 0
    for number in range(4000):
        total += number * number
    return time.perf_counter_ns() - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Counters of the machine at one moment; None where the machine has no such counter."""

    total_ticks: int | None
    steal_ticks: int | None
    stalled_microseconds: int | None


def read_counters() -> Counters:
    """The machine's counters now (Linux: /proc/stat and /proc/pressure/cpu)."""
    total = steal = stalled = None
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        total, steal = sum(fields[:8]), fields[7]
    with contextlib.suppress(OSError, ValueError, IndexError):
        stalled = int(Path("/proc/pressure/cpu").read_text().split("\n", 1)[0].rsplit("total=", 1)[1])
    return Counters(total_ticks=total, steal_ticks=steal, stalled_microseconds=stalled)


def steal_share(before: Counters, after: Counters) -> float | None:
    """Share of all CPU time between two readings that the host took away; None where it is not counted."""
    if (
        before.total_ticks is None
        or after.total_ticks is None
        or before.steal_ticks is None
        or after.steal_ticks is None
    ):
        return None
    ticks = after.total_ticks - before.total_ticks
    return (after.steal_ticks - before.steal_ticks) / ticks if ticks else 0.0


def pressure_share(before: Counters, after: Counters, *, seconds: float) -> float | None:
    """Share of `seconds` in which some task waited for a CPU; None where it is not counted."""
    if before.stalled_microseconds is None or after.stalled_microseconds is None:
        return None
    return (after.stalled_microseconds - before.stalled_microseconds) / 1e6 / seconds if seconds else 0.0


def cpu_seconds(pid: int) -> float | None:
    """CPU seconds so far of a process, all that descend from it and its children that ended; None if it is gone."""
    try:
        root = psutil.Process(pid)
        spent = root.cpu_times()
        total = spent.user + spent.system + spent.children_user + spent.children_system
    except psutil.Error:
        return None
    for child in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            spent = child.cpu_times()
            total += spent.user + spent.system
    return float(total)


def open_many_files() -> None:
    """Lets this process open as many files as the system allows it: every connection is one."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Meter:
    """How much of one core this process takes, at its busiest; and what the host took meanwhile.

    An average over a load would hide a rush in it, and a last answer that hangs would thin it.
    """

    WINDOW: Final = 1.0

    def __init__(self) -> None:
        self._counters = read_counters()
        self._readings: deque[tuple[float, float]] = deque()
        self.busiest = 0.0
        self.steal: float | None = None
        self.read()

    def read(self) -> None:
        """Takes a reading; `busiest` is the largest share over a second or more between two of them."""
        now, spent = time.monotonic(), time.process_time()
        while len(self._readings) > 1 and now - self._readings[1][0] >= self.WINDOW:
            self._readings.popleft()
        self._readings.append((now, spent))
        if now - self._readings[0][0] >= self.WINDOW:
            self._compare()

    def sent(self) -> None:
        """All is sent: what went on until now is what counts of a load that is shorter than a second."""
        self.read()
        self.steal = steal_share(self._counters, read_counters())
        if not self.busiest:
            self._compare()

    def _compare(self) -> None:
        (begin, before), (end, after) = self._readings[0], self._readings[-1]
        self.busiest = max(self.busiest, (after - before) / (end - begin) if end > begin else 0.0)
