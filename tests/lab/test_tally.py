"""A tally records every row, counts what was sent, and draws histograms of right answers after the warm-up alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.histogram import HIGHEST, Histogram
from lab.latency import read_tape
from lab.recorder import Fault, Recorder, read_samples
from lab.tally import FLUSH_NANOSECONDS, Tally
from lab.trial import ShareReport

NOTHING = Histogram().encode().decode()

times = st.integers(0, 10_000_000_000)
durations = st.integers(0, HIGHEST) | st.integers(0, 50_000_000)


@st.composite
def made_rows(draw: st.DrawFn) -> tuple[int, ...]:
    """One row as a generator makes it: an unsent arrival has neither status, bytes, `sent` nor `done`."""
    fault = draw(st.just(Fault.NONE) | st.sampled_from(Fault))
    warm, due = draw(st.integers(0, 1)), draw(times)
    if fault == Fault.UNSENT:
        return (1, 2, 3, 0, fault, warm, 0, due, -1, -1, 0)
    sent = due + draw(durations)
    return (1, 2, 3, 200, fault, warm, draw(st.integers(0, 10**6)), due, sent, sent + draw(durations), 0)


def row(*, fault: Fault = Fault.NONE, warm: int = 0, due: int = 0, sent: int = 0, done: int = 0) -> tuple[int, ...]:
    """A row of which nothing else matters."""
    return (0, 0, 0, 200, fault, warm, 10, due, sent, done, 0)


def tallied(path: Path, rows: list[tuple[int, ...]]) -> ShareReport:
    """What a tally reports of `rows`; what it recorded is at `path`."""
    path.unlink(missing_ok=True)
    recorder = Recorder(path, every=7)
    tally = Tally(recorder)
    for each in rows:
        tally.add(each)
    report = tally.report(cpu_seconds=0.25)
    recorder.close()
    return report


def encoded(values: NDArray[np.int64] | list[int]) -> str:
    """The histogram of `values`, as reports have it."""
    made = Histogram()
    made.add(np.array(values, dtype=np.int64))
    return made.encode().decode()


def test_response_runs_from_due_and_service_from_sent(tmp_path: Path) -> None:
    """Waiting to be sent is part of the response and not of the service."""
    report = tallied(tmp_path / "s", [row(due=1_000, sent=5_000_000, done=7_000_000), row(due=10, sent=10, done=2_000)])
    assert report == ShareReport(
        requests=2, unsent=0, failures=0, cpu_seconds=0.25,
        response=encoded([6_999_000, 1_990]), service=encoded([2_000_000, 1_990]),
    )  # fmt: skip


def test_warm_up_is_counted_and_in_no_histogram(tmp_path: Path) -> None:
    """A warm-up's requests, right and wrong, are recorded and counted; they are in neither histogram."""
    rows = [row(warm=1, done=9_000), row(warm=1, fault=Fault.STATUS, done=8_000), row(done=3_000)]
    report = tallied(tmp_path / "s", rows)
    assert (report.requests, report.failures, report.unsent) == (3, 1, 0)
    assert report.response == report.service == encoded([3_000])
    assert read_samples(tmp_path / "s")[0].tolist() == rows


@pytest.mark.parametrize("fault", [each for each in Fault if each not in (Fault.NONE, Fault.UNSENT)])
def test_a_failure_is_counted_and_in_no_histogram(tmp_path: Path, fault: Fault) -> None:
    """Whatever is wrong with it, an answer is recorded and counted as a failure; its time is no answer's time."""
    rows = [row(fault=fault, done=9_000)]
    report = tallied(tmp_path / "s", rows)
    assert (report.requests, report.failures, report.unsent) == (1, 1, 0)
    assert report.response == report.service == NOTHING
    assert read_samples(tmp_path / "s")[0].tolist() == rows


def test_what_was_never_sent_is_counted_apart(tmp_path: Path) -> None:
    """An arrival that was not sent is recorded, and is neither a request nor a failure, in the warm-up or after it."""
    rows = [row(fault=Fault.UNSENT, warm=warm, due=50, sent=-1, done=-1) for warm in (1, 0, 0)]
    report = tallied(tmp_path / "s", [*rows, row(done=3_000)])
    assert (report.requests, report.failures, report.unsent) == (1, 0, 3)
    assert report.response == report.service == encoded([3_000])
    assert read_samples(tmp_path / "s")[0]["fault"].tolist() == [Fault.UNSENT] * 3 + [Fault.NONE]


def test_nothing_is_an_empty_report(tmp_path: Path) -> None:
    """A share without a request has empty histograms, which decode, and a file without a sample."""
    report = tallied(tmp_path / "s", [])
    assert report == ShareReport(requests=0, unsent=0, failures=0, cpu_seconds=0.25, response=NOTHING, service=NOTHING)
    assert Histogram(report.response.encode()).count == 0
    read, damage = read_samples(tmp_path / "s")
    assert (len(read), damage) == (0, "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(made_rows(), max_size=60))
def test_a_report_says_what_the_file_says(tmp_path: Path, rows: list[tuple[int, ...]]) -> None:
    """Counts and histograms of any rows are those that are computed from the recorder's file, bucket by bucket."""
    report = tallied(tmp_path / "s", rows)
    read, damage = read_samples(tmp_path / "s")
    assert (read.tolist(), damage) == (rows, "")
    sent = read[read["fault"] != Fault.UNSENT]
    right = sent[(sent["fault"] == Fault.NONE) & (sent["warm"] == 0)]
    assert report == ShareReport(
        requests=len(sent), unsent=len(read) - len(sent), failures=int((sent["fault"] != Fault.NONE).sum()),
        cpu_seconds=0.25, response=encoded(right["done"] - right["due"]),
        service=encoded(right["done"] - right["sent"]),
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=st.lists(made_rows(), min_size=1, max_size=60))
def test_a_report_agrees_with_the_tape(tmp_path: Path, rows: list[tuple[int, ...]]) -> None:
    """What the instrument reads of the file after the trial has the report's histograms, one equal to the other."""
    report = tallied(tmp_path / "s", rows)
    tape = read_tape([tmp_path / "s"], by=lambda read: np.zeros(len(read), dtype=np.int64))
    assert tape.damages == []
    counted = [each for each in rows if not each[5]]
    assert len(tape.parts) == bool(counted)
    for part in tape.parts.values():
        assert part.response == Histogram(report.response.encode())
        assert part.service == Histogram(report.service.encode())
        assert part.sent + part.unsent == len(counted)


def test_trials_share_a_file_and_nothing_else(tmp_path: Path) -> None:
    """A second tally on the same recorder counts from nothing; the file has the rows of both, in order."""
    recorder = Recorder(tmp_path / "s")
    reports = []
    for done in (1_000, 2_000):
        tally = Tally(recorder)
        tally.add(row(done=done))
        reports.append(tally.report(cpu_seconds=0.0))
    recorder.close()
    assert [each.requests for each in reports] == [1, 1]
    assert [each.response for each in reports] == [encoded([1_000]), encoded([2_000])]
    assert read_samples(tmp_path / "s")[0]["done"].tolist() == [1_000, 2_000]


def test_a_report_may_be_asked_for_again(tmp_path: Path) -> None:
    """A report flushes, takes nothing away, and later rows add to it."""
    recorder = Recorder(tmp_path / "s")
    tally = Tally(recorder)
    tally.add(row(done=1_000))
    first = tally.report(cpu_seconds=0.0)
    assert len(read_samples(tmp_path / "s")[0]) == 1
    assert tally.report(cpu_seconds=0.0) == first
    tally.add(row(done=2_000))
    assert tally.report(cpu_seconds=0.0).response == encoded([1_000, 2_000])
    recorder.close()


def test_a_beat_flushes_when_it_is_time(tmp_path: Path) -> None:
    """A beat leaves rows where they are until half a second is over since the last flush, and then writes them."""
    recorder = Recorder(tmp_path / "s")
    tally = Tally(recorder)
    tally._flushed += 3600 * 1_000_000_000  # as if it had been in an hour: no machine is too slow for that
    tally.add(row(done=1_000))
    tally.beat()
    assert recorder.written == 0
    tally._flushed -= 3600 * 1_000_000_000 + FLUSH_NANOSECONDS + 1
    tally.beat()
    assert recorder.written == 1
    recorder.close()
