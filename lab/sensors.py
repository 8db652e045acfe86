"""Yields what the machine was doing during a block: stolen time, pressure, a reference kernel. It judges nothing."""

import contextlib
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

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
