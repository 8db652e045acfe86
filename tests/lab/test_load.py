import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from lab.arrivals import Arrivals, Segment, profile
from lab.errors import LabError
from lab.generate import LostWorkerError, generate
from lab.histogram import Histogram, merged
from lab.latency import merged as merged_latencies
from lab.latency import read_tape
from lab.processes import Supervisor
from lab.recorder import Fault, read_samples
from lab.script import Line, Trip
from lab.server import free_port
from lab.trial import LoadReport, LoadScript, Trial, sample_files
from tests.truth.running import truth_server
from tests.truth.theory import lindley, percentile


@pytest.fixture
def supervisor():
    with Supervisor() as each:
        yield each


def open_trial(*, rate: float = 200.0, seconds: float = 1.0) -> Trial:
    profiled = profile("steady", rate=rate, seconds=seconds)
    return Trial(sequence=(0,), seconds=seconds, arrivals=Arrivals(kind="poisson", profile=profiled, seed=1))


def script_for(url: str, tmp_path: Path, *trials: Trial, workers: int = 0, graphql: bool = False) -> LoadScript:
    line = Line(
        cell=0, key=0, method="GET", url=f"{url}/", headers=(), body=None, status=None, length=None, checksum=None,
        graphql=graphql,
    )  # fmt: skip
    return LoadScript(
        samples=str(tmp_path / "load.samples"), report=str(tmp_path / "report.json"), lines=(line,),
        trials=trials or (open_trial(),), request_seconds=3.0, workers=workers,
    )  # fmt: skip


def run(script: LoadScript, *, supervisor: Supervisor, tmp_path: Path, **options: Any) -> LoadReport:
    return generate(script, supervisor=supervisor, script_file=tmp_path / "script.json", logs=tmp_path, **options)


@pytest.mark.parametrize(
    ("mode", "faults"),
    [
        ("fixed", set()),
        ("chunked", set()),
        ("gzip", set()),
        ("continue", set()),
        ("continue --pause 0.02", set()),
        ("halfclose", set()),
        ("truncate", {Fault.TRUNCATED}),
        ("redirect", {Fault.STATUS}),
        ("halfclose --early", {Fault.RESET}),
        ("chunked --cut", {Fault.TRUNCATED}),
        ("gzip --damaged", {Fault.PROTOCOL}),
        ("garbled --coding br", {Fault.PROTOCOL}),
    ],
)
def test_what_a_server_does_is_named(mode, faults, supervisor, tmp_path):
    """Whole answers are right however they are framed; others are failures of the kind that they are."""
    with truth_server(*mode.split()) as server:
        script = script_for(server.url, tmp_path, open_trial(seconds=0.5))
        report = run(script, supervisor=supervisor, tmp_path=tmp_path)
    rows, damage = read_samples(Path(script.samples))
    assert damage == ""
    assert {Fault(fault) for fault in rows["fault"]} == (faults or {Fault.NONE})
    assert report.recorded == report.counted == len(rows) > 50


def test_further_trips_are_one_request_with_the_first(supervisor, tmp_path):
    """Three trips are one row with the bytes of all, and Locust's own count agrees; after a wrong one none is sent."""
    with truth_server("fixed") as server:
        script = script_for(server.url, tmp_path, open_trial(rate=50.0))
        [line] = script.lines
        trip = Trip(method="GET", url=f"{server.url}/", body=None)
        once = run(script, supervisor=supervisor, tmp_path=tmp_path)
        [size] = {int(row["bytes"]) for row in read_samples(Path(script.samples))[0]}
        Path(script.samples).unlink()
        script = replace(script, lines=(replace(line, status=200, length=3 * size, then=(trip, trip)),))
        thrice = run(script, supervisor=supervisor, tmp_path=tmp_path)
    rows, _ = read_samples(Path(script.samples))
    assert once.recorded == thrice.recorded == thrice.counted == len(rows)
    assert {int(row["bytes"]) for row in rows} == {3 * size}
    assert {Fault(fault) for fault in rows["fault"]} == {Fault.NONE}


def test_a_share_of_resets_and_of_graphql_errors_are_failures(supervisor, tmp_path):
    """A reset counts once and is not asked again; a GraphQL answer of status 200 with `errors` is a failure."""
    with truth_server("reset", "--share", "0.3") as server:
        script = script_for(server.url, tmp_path)
        [trial] = run(script, supervisor=supervisor, tmp_path=tmp_path).trials
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert set(total.faults) == {Fault.RESET}
    assert 0.15 < total.faults[Fault.RESET] / total.sent < 0.45
    assert trial.shares[0].failures == total.failed
    Path(script.samples).unlink()
    with truth_server("graphql", "--errors-share", "0.5") as server:
        script = script_for(server.url, tmp_path, graphql=True)
        run(script, supervisor=supervisor, tmp_path=tmp_path)
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert set(total.faults) == {Fault.GRAPHQL_ERRORS}


def test_response_time_runs_from_the_due_time(supervisor, tmp_path):
    """A stop of 0.5 s shows in the response time of all that were due meanwhile; closed users hide it."""
    with truth_server("queue", "--service", "0.001", "--freeze", "0.5", "--every", "1.5") as server:
        waited = Trial(sequence=(0,), seconds=1.5, users=(Segment(seconds=1.5, begin=1, end=1),))
        script = script_for(server.url, tmp_path, open_trial(seconds=1.5), waited)
        run(script, supervisor=supervisor, tmp_path=tmp_path)
    parts = read_tape(sample_files(script)).parts
    opened, closed = (parts[number << 16] for number in (0, 1))
    assert opened.response.percentile(0.9) > 0.2
    assert opened.response.percentile(1.0) >= 0.4
    assert closed.response.percentile(0.9) < 0.1


def test_arrivals_above_the_bound_are_unsent(supervisor, tmp_path):
    """A server that does not answer has at most `most` requests under way; the others are counted as unsent."""
    with truth_server("queue", "--service", "5") as server:
        script = script_for(server.url, tmp_path, replace(open_trial(), most=10))
        script = replace(script, request_seconds=0.5)
        [trial] = run(script, supervisor=supervisor, tmp_path=tmp_path).trials
    [share] = trial.shares
    assert share.unsent > 100
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert (total.unsent, total.right, set(total.faults)) == (share.unsent, 0, {Fault.TIME_OUT})


def test_a_body_that_does_not_come_is_a_time_out(supervisor, tmp_path):
    """The client takes it for one that was cut; we waited for as long as we said."""
    with truth_server("stall", "--every", "20") as server:
        script = replace(script_for(server.url, tmp_path), request_seconds=0.5)
        run(script, supervisor=supervisor, tmp_path=tmp_path)
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert set(total.faults) == {Fault.TIME_OUT}
    assert total.right > 150


@pytest.mark.parametrize("distribution", ["exponential", "lognormal"])
def test_a_queue_is_seen_as_theory_has_it(distribution, supervisor, tmp_path):
    """No percentile of the response time is below that of Lindley's recursion on the due times and the drawn services.

    Nor is one far above it: how far is the machine's matter, which may be a busy one.
    """
    log = tmp_path / "queue.log"
    words = ("queue", "--service", "0.004", "--distribution", distribution, "--log", log)
    with truth_server(*words) as server:
        script = script_for(server.url, tmp_path, open_trial(rate=150.0, seconds=4.0))
        run(script, supervisor=supervisor, tmp_path=tmp_path)
    rows = read_samples(Path(script.samples))[0]
    rows = rows[np.argsort(rows["due"], kind="stable")]
    service = np.loadtxt(log, dtype=np.int64, ndmin=2)[: len(rows), 1]
    theory = lindley(rows["due"], service) - rows["due"]
    seen = merged_latencies(read_tape(sample_files(script)).parts.values()).response
    for share in (0.5, 0.9, 0.95):
        want = percentile(theory, share) / 1e9
        assert 0.99 * want <= seen.percentile(share) <= 2 * want + 0.05


def test_one_slow_request_in_a_hundred_is_seen(supervisor, tmp_path):
    """The share of the slow, and how slow they are, are the planted ones; the median knows nothing of them."""
    with truth_server("mixture", "--slow-share", "0.02", "--slow", "0.2", "--fast", "0.002") as server:
        script = script_for(server.url, tmp_path, open_trial(rate=400.0, seconds=3.0))
        run(script, supervisor=supervisor, tmp_path=tmp_path)
    rows = read_samples(Path(script.samples))[0]
    response = (rows["done"] - rows["due"]) / 1e9
    assert 0.005 < np.mean(response > 0.15) < 0.045
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert total.response.percentile(0.5) < 0.05
    assert total.response.percentile(1.0) == pytest.approx(response.max(), rel=0.001)
    assert response.max() >= 0.2


def test_a_generator_that_is_killed_between_two_trials_is_no_success(supervisor, tmp_path):
    """Its report of the first was never held against Locust's counts, and the others never ran."""

    def kill(_samples: int) -> None:
        if (tmp_path / "report.json").exists():
            for process in psutil.Process(supervisor.pid).children(recursive=True):
                if "lab.load_generator" in process.cmdline():
                    process.kill()

    with truth_server("fixed") as server:
        script = script_for(server.url, tmp_path, *(open_trial(seconds=seconds) for seconds in (0.3, 5.0)))
        with pytest.raises(LabError, match="ended with code -9 after 1 of 2 loads"):
            run(script, supervisor=supervisor, tmp_path=tmp_path, show=kill)


def test_workers_send_the_schedule_of_one(supervisor, tmp_path):
    """Three workers' due times are those of one generator, and their histograms merge into that of all samples."""
    with truth_server("fixed") as server:
        script = script_for(server.url, tmp_path, workers=3)
        [trial] = run(script, supervisor=supervisor, tmp_path=tmp_path).trials
    rows = [read_samples(path)[0] for path in sample_files(script)]
    alone = tmp_path / "alone"
    alone.mkdir()
    with truth_server("fixed") as server:
        single = script_for(server.url, alone)
        run(single, supervisor=supervisor, tmp_path=alone)
    due = sorted(int(at) for each in rows for at in each["due"])
    assert due == sorted(read_samples(Path(single.samples))[0]["due"].tolist())
    total = merged_latencies(read_tape(sample_files(script)).parts.values())
    assert merged(Histogram(share.response.encode()) for share in trial.shares) == total.response


def test_a_lost_worker_is_named_and_the_samples_of_the_others_kept(supervisor, tmp_path):
    """A worker killed by SIGKILL in the middle ends the load, with its name and its share."""
    killed: list[int] = []

    def kill(samples: int) -> None:
        if samples > 50 and not killed:
            for process in psutil.Process(supervisor.pid).children(recursive=True):
                if "lab.load_worker" in process.cmdline() and not killed:
                    killed.append(process.pid)
                    os.kill(process.pid, signal.SIGKILL)

    with truth_server("fixed") as server:
        script = script_for(server.url, tmp_path, open_trial(seconds=20.0), workers=2)
        with pytest.raises(LostWorkerError, match="of 2 .* went missing, and with it 50%"):
            run(script, supervisor=supervisor, tmp_path=tmp_path, show=kill)
    kept = [read_samples(path) for path in sample_files(script)]
    assert killed
    assert all(len(rows) > 10 and damage == "" for rows, damage in kept)


def test_a_worker_too_many_is_sent_away(supervisor, tmp_path):
    """It is told so and ends; the load of those who came first goes on as if nothing had happened."""
    late: list[subprocess.Popen[str]] = []
    bind = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "lab.load_worker", bind]
    environment = {**os.environ, "LAB_WORKER_TOKEN": "ours"}

    def worker() -> subprocess.Popen[str]:
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def join(samples: int) -> None:
        if samples > 50 and not late:
            late.append(worker())

    first = worker()
    try:
        with truth_server("fixed") as server:
            script = replace(script_for(server.url, tmp_path, open_trial(seconds=4.0), workers=1), bind=bind)
            report = run(
                script, supervisor=supervisor, tmp_path=tmp_path, show=join, local=False, worker_token="ours"
            )  # fmt: skip
        assert report.recorded == report.counted > 600
        [stranger] = late
        assert "has all the workers that it expects" in stranger.communicate(timeout=20)[1]
        assert stranger.returncode == 2
    finally:
        for each in (first, *late):
            each.kill()
            each.communicate()


def test_a_worker_without_the_token_is_not_heard(supervisor, tmp_path):
    """Who does not know the master's token finishes no handshake: the master says how many came in time."""
    with truth_server("fixed") as server:
        script = script_for(server.url, tmp_path, workers=1)
        script = replace(script, bind=f"127.0.0.1:{free_port()}", wait_seconds=2.0)
        environment = {**os.environ, "LAB_WORKER_TOKEN": "another"}
        command = [sys.executable, "-m", "lab.load_worker", script.bind]
        with subprocess.Popen(command, env=environment) as stranger:
            try:
                with pytest.raises(Exception, match="0 of 1 workers came within 2 s"):
                    run(script, supervisor=supervisor, tmp_path=tmp_path, local=False, worker_token="right")
            finally:
                stranger.kill()
