"""Yields checks of the load instrument against queues whose answer is known. It decides no bound while it measures.

A truth server says by its options, or by a signal that is sent here, when it serves; what its clients must then see
follows from when their requests were due. Limits of speed and memory are checked in `lab/clock_limits.py`.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy import stats

from lab.clock_bench import SECOND, Bench, Nanoseconds, open_trial, percentile, schedule
from lab.histogram import Histogram
from lab.latency import completed
from lab.load_findings import Check
from lab.units import seconds as shown

SERVICE: Final = 0.001
"""Seconds that each request takes of a truth server that queues."""

RATE: Final = 200.0
"""Requests per second of the loads on a queue: a fifth of what it can serve."""

SIGNIFICANCE: Final = 0.01
"""A Kolmogorov-Smirnov test is passed at a p-value of at least this."""

SHARES: Final = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999)
"""Percentiles at which histograms are held against raw samples."""


def lindley(due: Nanoseconds, *, service: int, freezes: Sequence[tuple[int, int]]) -> Nanoseconds:
    """When requests are done at one server, first come first served, whose work stands still in each (begin, end).

    start_k = max(due_k, done_{k-1}): Lindley, "The theory of queues with a single server", Proc. Camb. Phil. Soc. 48
    (1952) 277-289. All in nanoseconds of one clock; `freezes` are in order.
    """
    done, free = np.empty_like(due), np.iinfo(np.int64).min
    for number, at in enumerate(due.tolist()):
        start = max(at, free)
        free = start + service
        for begin, end in freezes:
            if start < end and (free > begin or start == begin):
                free += end - max(start, begin)
        done[number] = free
    return done


def frozen_in_turns(bench: Bench) -> Iterator[Check]:
    """A server that stands still for 0.5 s in every 5 s: the tail is that of the queue, not of a client that waits."""
    freeze, every, seconds = 0.5, 5.0, 20.0
    log = bench.folder / "frozen.txt"
    words = ("queue", "--service", SERVICE, "--freeze", freeze, "--every", every, "--log", log)
    with bench.truth(*words) as truth:
        load = bench.run(open_trial(kind="constant", rate=RATE, seconds=seconds), url=truth.url, name="frozen")
    due = load.rows["due"].copy()
    # The server counts its periods from the first request that it reads.
    origin, period = int(due[0]), round(every * SECOND)
    ends = [origin + number * period for number in range(1, int(seconds / every) + 2)]
    freezes = [(end - round(freeze * SECOND), end) for end in ends]
    theory = lindley(due, service=round(SERVICE * SECOND), freezes=freezes) - due
    # By its log the server answers somewhat later than it means to: that is its doing, and the client must see it.
    _, needs, begins, answered = np.loadtxt(log, dtype=np.int64, ndmin=2).T
    slack = int(np.median(answered - begins - needs))
    theory += slack
    seen, holds = [], len(load.response) == len(due)
    for share in (0.5, 0.95, 0.99):
        want, got = percentile(theory, share), percentile(load.response, share)
        holds &= abs(got - want) <= max(0.05 * want, 500_000)
        seen.append(f"p{share * 100:g} {_shown(got)}, theory {_shown(want)}")
    lateness = percentile(load.rows["sent"] - due, 0.5)
    seen.append(f"of it {_shown(slack)} the server's own by its log; sent {_shown(lateness)} late at the median")
    yield Check(
        what="server frozen for 0.5 s in every 5 s, 200/s for 20 s: response time against Lindley's recursion",
        bound="p50, p95, p99 within 5 % or 0.5 ms", seen="; ".join(seen), holds=holds,
    )  # fmt: skip


def stopped_once(bench: Bench) -> Iterator[Check]:
    """A server that is stopped by a signal for 2 s: all who came meanwhile have waited."""
    seconds, stop_at, stop_for = 10.0, 4.0, 2.0
    log = bench.folder / "stopped.txt"
    moments: list[int] = []
    with bench.truth("queue", "--service", SERVICE, "--log", log) as truth:

        def show(samples: int) -> None:
            if not moments and samples > RATE * stop_at:
                moments.append(time.monotonic_ns())
                os.kill(truth.process.pid, signal.SIGSTOP)
            elif len(moments) == 1 and time.monotonic_ns() - moments[0] >= stop_for * SECOND:
                os.kill(truth.process.pid, signal.SIGCONT)
                moments.append(time.monotonic_ns())

        trial = open_trial(kind="constant", rate=RATE, seconds=seconds)
        load = bench.run(trial, url=truth.url, name="stopped", show=show)
    # The server's clock is the generator's but for the trial's start: what arrived soonest after it was sent tells.
    early = load.rows[: int(RATE * stop_at / 2)]
    arrived = np.loadtxt(log, dtype=np.int64, ndmin=2)[: len(early), 0]
    start = int((arrived - early["sent"]).min())
    due = load.rows["due"].copy()
    freeze = (moments[0] - start, moments[1] - start)
    theory = lindley(due, service=round(SERVICE * SECOND), freezes=[freeze]) - due
    want, got, most = percentile(theory, 0.99), percentile(load.response, 0.99), int(load.response.max())
    what = f"server stopped by SIGSTOP for {stop_for:g} s of {seconds:g} s at {RATE:g}/s"
    holds = len(load.response) == len(due) and abs(got - want) <= 0.1 * want
    yield Check(
        what=f"{what}: p99 of response time against Lindley's recursion", bound="within 10 %",
        seen=f"{_shown(got)}, theory {_shown(want)} ({got / want - 1:+.1%})", holds=holds,
    )  # fmt: skip
    yield Check(
        what=f"{what}: longest response time", bound="at least 2 s",
        seen=f"{_shown(most)}, stopped for {_shown(freeze[1] - freeze[0])}", holds=most >= 2 * SECOND,
    )  # fmt: skip


def kept_schedules(bench: Bench) -> Iterator[Check]:
    """Below saturation the rate is the one that was asked for, and so are the gaps."""
    rate, seconds, loads = 400.0, 20.0, {}
    with bench.truth("fixed") as truth:
        for kind in ("constant", "poisson"):
            bench.note(kind)
            trial = open_trial(kind=kind, rate=rate, seconds=seconds)
            loads[kind] = (trial, bench.run(trial, url=truth.url, name=kind))
        bench.note("poisson, slower")
        slow = open_trial(kind="poisson", rate=rate / 4, seconds=seconds)
        slower = bench.run(slow, url=truth.url, name="poisson, slower").rows
    off = {}
    for kind, (trial, load) in loads.items():
        answered = completed(load.files, windows={0: (0, round(seconds * SECOND))})[0]
        off[kind] = answered / len(schedule(trial)) - 1
    yield Check(
        what=f"achieved over offered rate at {rate:g}/s, far below saturation", bound="within 1 %",
        seen=", ".join(f"{kind} {value:+.3%}" for kind, value in off.items()),
        holds=all(abs(value) <= 0.01 for value in off.values()),
    )  # fmt: skip
    drawn, constant = loads["poisson"][1].rows, loads["constant"][1].rows
    tests = {
        f"{name} at {len(rows) / seconds:,.0f}/s": _exponential(np.sort(rows[name]), rate=own)
        for rows, own in ((drawn, rate), (slower, rate / 4))
        for name in ("due", "sent")
    }
    by_due, in_rush, _, by_sent = tests.values()
    yield Check(
        what=f"gaps between Poisson arrivals are exponential (Kolmogorov-Smirnov, {len(drawn):,} and {len(slower):,})",
        bound=f"p at least {SIGNIFICANCE:g} as due, and as sent at {rate / 4:g}/s; D at most 0.1 as sent at {rate:g}/s",
        seen=", ".join(f"p {p:.3f} (D {far:.3f}) as {name}" for name, (p, far) in tests.items()),
        holds=min(by_due[0], by_sent[0]) >= SIGNIFICANCE and in_rush[1] <= 0.1,
    )  # fmt: skip
    errors = np.abs(np.diff(constant["sent"]) - round(SECOND / rate))
    error = percentile(errors, 0.99)
    yield Check(
        what=f"gaps between constant arrivals as sent, at {rate:g}/s", bound="p99 of the error at most 2 ms",
        seen=f"p99 {_shown(error)}, most {_shown(int(errors.max()))}", holds=error <= 2_000_000,
    )  # fmt: skip


def exact_percentiles(bench: Bench) -> Iterator[Check]:
    """Histograms give the percentiles of the raw samples, of every load that was run so far."""
    worst, where, checked = 0.0, "", 0
    for name, durations in bench.durations:
        histogram = Histogram()
        histogram.add(durations)
        for share in SHARES:
            exact = percentile(durations, share)
            off = abs(histogram.percentile(share) * SECOND / exact - 1)
            checked += 1
            if off >= worst:
                worst, where = off, f"p{share * 100:g} of {name}"
    count = sum(len(durations) for _, durations in bench.durations)
    yield Check(
        what=f"percentiles of histograms against raw samples, p50 to p99.9 of {len(bench.durations)} loads",
        bound="within 0.1 %", seen=f"{worst:.3%} at worst ({where}), {checked} percentiles of {count:,} samples",
        holds=worst <= 0.001,
    )  # fmt: skip


def _exponential(times: Nanoseconds, *, rate: float) -> tuple[float, float]:
    """Of gaps between `times` and exponential ones of this rate: the p-value of being equal, and how far they are."""
    found = stats.kstest(np.diff(times) / SECOND, "expon", args=(0, 1 / rate))
    return float(found.pvalue), float(found.statistic)


def _shown(nanoseconds: int) -> str:
    return shown(nanoseconds / SECOND)
