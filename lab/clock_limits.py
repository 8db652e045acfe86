"""Yields checks of how much the load instrument bears: its ceiling, and what it says above and below it.

What it sees of a known queue is checked in `lab/clock.py`, what it keeps in `lab/clock_shares.py`.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from statistics import median
from typing import Final

import numpy as np

from lab import environment
from lab.clock_bench import SECOND, Bench, NotHereError, closed_trial, open_trial, percentile, schedule
from lab.dataset import prepare_dataset
from lab.errors import LabError
from lab.experiment import Server
from lab.findings import GENERATOR_LIMIT
from lab.load_findings import LATENESS_LIMIT, Check
from lab.postgres import claimed
from lab.recorder import Fault
from lab.script import TOKEN_VARIABLE
from lab.server import TREE, Build, Surroundings, boot, floor_path, new_token, plain_environment
from lab.services import open_services
from lab.trial import Trial
from lab.units import seconds as shown
from lab.validity import void_trial

USERS: Final = 16
ROUNDS: Final = 5
WARM_SECONDS: Final = 0.5
SECONDS: Final = 2.0
BODY_BYTES: Final = 1024

SLEEPER: Final = """
import json, sys, time
import numpy as np
late, start = [], time.monotonic_ns() + 100_000_000
for at in np.load(sys.argv[1]).tolist():
    time.sleep(max(start + at - time.monotonic_ns(), 0) / 1e9)
    late.append(time.monotonic_ns() - start - at)
print(json.dumps(late))
"""


def own_ceiling(bench: Bench) -> Iterator[Check]:
    """How many requests one core sends to a server that answers faster than it asks."""
    with bench.truth("fixed", "--bytes", BODY_BYTES) as truth, _own_cpus(bench) as pinned:
        _, check = _ceiling(bench, url=truth.url, token="", what=f"a server that only answers, {pinned}")
        yield check


def speed(bench: Bench) -> Iterator[Check]:
    """How many requests one core sends to the target, what is said above that, and how late they are at half of it."""
    with _target(bench) as (url, token), _own_cpus(bench) as pinned:
        ceiling, check = _ceiling(bench, url=url, token=token, what=f"the target's bare view, {pinned}")
        yield check
        bench.note("above the ceiling")
        yield _beyond(bench, url=url, token=token, ceiling=ceiling)
        late, floor = [], []
        for number in range(ROUNDS):
            bench.note(f"lateness, run {number + 1} of {ROUNDS}")
            trial = open_trial(kind="poisson", rate=ceiling / 2, seconds=2 * SECONDS, seed=number + 1)
            late.append(bench.run(trial, url=url, name="lateness", token=token).lateness)
            floor.append(_sleeper(bench, trial))
        yield Check(
            what=f"lateness at half of that ceiling, {ceiling / 2:,.0f}/s Poisson, median of {ROUNDS} runs",
            bound="p99 at most 2 ms",
            seen=f"{shown(median(late))} (of {', '.join(shown(each) for each in sorted(late))}), generator at "
            f"{median(report.generator_share for report in bench.reports[-ROUNDS:]):.0%} of the core; a process that "
            f"only sleeps until the same moments: {shown(median(floor))}",
            holds=median(late) <= 0.002,
        )  # fmt: skip


def _sleeper(bench: Bench, trial: Trial) -> float:
    """The 99th percentile, in seconds, by which a process that does nothing wakes after each arrival is due."""
    moments = bench.folder / "moments.npy"
    np.save(moments, schedule(trial))
    log = bench.folder / "sleeper.log"
    argv = [sys.executable, "-c", SLEEPER, str(moments)]
    bench.turn(0)
    bench.generators.spawn(name="sleeper", argv=argv, env=plain_environment(), cwd=TREE, log=log)
    bench.turn(1)
    if code := bench.generators.wait_exit("sleeper", seconds=60):
        raise bench.generators.death("sleeper", code=code)
    return percentile(np.array(json.loads(log.read_text()), dtype=np.int64), 0.99) / SECOND


@contextmanager
def _target(bench: Bench) -> Iterator[tuple[str, str]]:
    """The bare view of the real target on the small dataset, and its token."""
    with ExitStack() as stack:
        bench.note("services and dataset")
        try:
            services = stack.enter_context(open_services(TREE / ".lab", bench.servers, environment=os.environ))
            stack.enter_context(claimed(services.postgres_url))
        except LabError as error:
            raise NotHereError(error.what, hint=error.hint) from None
        dataset = prepare_dataset(server_url=services.postgres_url, size="small", seed=1, folder=TREE / ".lab")
        surroundings = Surroundings(
            build=Build(
                commit=environment.commit(TREE), database_url=dataset.indexed_url, bare_url=dataset.bare_url
            ),
            cache_url=services.cache_url, cache_prefix="windtunnel:calibrate", token=new_token(),
            dataset=dataset.identity, logs=bench.folder,
        )  # fmt: skip
        running = boot((Server(),), surroundings=surroundings, supervisor=bench.servers)["target"]
        try:
            yield running.url + floor_path(BODY_BYTES), surroundings.token
        finally:
            bench.servers.stop(running.process)


@contextmanager
def _own_cpus(bench: Bench) -> Iterator[str]:
    """Keeps servers on the first CPU and what is generated from now on on the last, until the end of the block."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cpus) < 2:
        raise NotHereError("it takes two CPUs and a system that keeps processes on them", hint="use another machine")
    bench.servers.pin(cpus[0])
    bench.cpus = (cpus[-1], cpus[0])
    os.sched_setaffinity(0, {cpus[0]})
    try:
        yield f"generator on CPU {cpus[-1]}, server on CPU {cpus[0]}"
    finally:
        bench.cpus = None
        for pid in (0, bench.servers.pid, bench.generators.pid):
            with suppress(OSError):
                os.sched_setaffinity(pid, cpus)


def _ceiling(bench: Bench, *, url: str, token: str, what: str) -> tuple[float, Check]:
    """Requests per second of closed users, and how that compares with plain Locust, in turn on the same server."""
    ours, plain = [], []
    for number in range(ROUNDS):
        bench.note(f"ceiling, round {number + 1} of {ROUNDS}")
        ours.append(_closed(bench, url=url, token=token))
        plain.append(_plain(bench, url=url, token=token))
    (rate, core), (plain_rate, plain_core) = (tuple(map(median, zip(*each, strict=True))) for each in (ours, plain))
    check = Check(
        what=f"requests per second of {USERS} closed users on one core over those of plain FastHttpUser, at {what}; "
        f"medians of {ROUNDS} in turn",
        bound="at least 0.75",
        seen=f"{rate / plain_rate:.2f}: {rate:,.0f}/s with {core:.0%} of the core, plain {plain_rate:,.0f}/s with "
        f"{plain_core:.0%}",
        holds=rate / plain_rate >= 0.75,
    )  # fmt: skip
    return rate, check


def _closed(bench: Bench, *, url: str, token: str) -> tuple[float, float]:
    """Requests per second after the warm-up and the generator's share of its core, of this instrument."""
    trial = closed_trial(users=USERS, seconds=WARM_SECONDS + SECONDS, warm_seconds=WARM_SECONDS)
    load = bench.run(trial, url=url, name="closed", token=token)
    done = load.rows["done"][load.rows["fault"] == Fault.NONE]
    counted = (done >= WARM_SECONDS * SECOND) & (done < (WARM_SECONDS + SECONDS) * SECOND)
    return int(counted.sum()) / SECONDS, load.report.trials[0].generator_share


def _plain(bench: Bench, *, url: str, token: str) -> tuple[float, float]:
    """The same of plain Locust."""
    log = bench.folder / "plain.log"
    words = [url, USERS, WARM_SECONDS, SECONDS]
    argv = [sys.executable, "-m", "lab.plain_user", *map(str, words)]
    bench.turn(0)
    bench.generators.spawn(
        name="plain", argv=argv, env={**plain_environment(), TOKEN_VARIABLE: token}, cwd=TREE, log=log
    )
    bench.turn(1)
    if code := bench.generators.wait_exit("plain", seconds=60):
        raise bench.generators.death("plain", code=code)
    found: dict[str, float] = json.loads(log.read_text().splitlines()[-1])
    return found["rate"], found["share"]


def _beyond(bench: Bench, *, url: str, token: str, ceiling: float) -> Check:
    trial = open_trial(kind="poisson", rate=1.5 * ceiling, seconds=SECONDS)
    load = bench.run(trial, url=url, name="beyond", token=token)
    unsent = int((load.rows["fault"] == Fault.UNSENT).sum())
    report = load.report.trials[0]
    is_told = report.generator_share > GENERATOR_LIMIT or load.lateness > LATENESS_LIMIT or unsent > 0
    reasons = void_trial(report, lateness=load.lateness, unsent=unsent)
    return Check(
        what=f"offered 1.5 times that ceiling, {1.5 * ceiling:,.0f}/s: the trial is void, not wrong",
        bound="generator above 60 % of a core, p99 of lateness above 5 ms, or unsent arrivals",
        seen=f"generator {report.generator_share:.0%}, lateness {shown(load.lateness)}, {unsent:,} unsent of "
        f"{len(load.rows):,}; void: {'yes' if reasons else 'no'}",
        holds=is_told and bool(reasons) and len(load.rows) == len(schedule(trial)),
    )  # fmt: skip
