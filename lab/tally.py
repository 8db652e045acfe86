"""Yields `Tally`, by which one generator records a trial: each request's row, and the histograms of them all."""

import time
from array import array
from typing import Final

import numpy as np

from lab.histogram import Histogram
from lab.recorder import Fault, Recorder
from lab.trial import ShareReport

FLUSH_NANOSECONDS: Final = 500_000_000


class Tally:
    """Hands rows to a recorder and counts; warm-up and failures are recorded, but in no histogram."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._flushed = time.monotonic_ns()
        self._requests = self._unsent = self._failures = 0
        # Eight bytes a duration: a trial may have millions.
        self._response, self._service = array("q"), array("q")

    def add(self, row: tuple[int, ...]) -> None:
        """Takes one row of SAMPLE."""
        fault, warm, due, sent, done = row[4], row[5], row[7], row[8], row[9]
        self._recorder.add(row)
        if fault == Fault.UNSENT:
            self._unsent += 1
            return
        self._requests += 1
        if fault:
            self._failures += 1
        elif not warm:
            self._response.append(done - due)
            self._service.append(done - sent)

    def beat(self) -> None:
        """Flushes the recorder when half a second is over since this last did."""
        if (now := time.monotonic_ns()) - self._flushed > FLUSH_NANOSECONDS:
            self._flushed = now
            self._recorder.flush()

    def report(self, *, cpu_seconds: float, busiest: float = 0.0, steal: float | None = None) -> ShareReport:
        """Flushes, and returns what was counted."""
        self._recorder.flush()
        return ShareReport(
            requests=self._requests, unsent=self._unsent, failures=self._failures, cpu_seconds=cpu_seconds,
            response=_encoded(self._response), service=_encoded(self._service), busiest=busiest, steal=steal,
        )  # fmt: skip


def _encoded(durations: "array[int]") -> str:
    histogram = Histogram()
    histogram.add(np.frombuffer(durations, dtype=np.int64) if durations else np.zeros(0, dtype=np.int64))
    return histogram.encode().decode()
