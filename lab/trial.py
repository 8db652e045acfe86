"""Yields `LoadScript`, what a load generator has to send in trials, and `LoadReport`, what it saw. It sends nothing.

A trial is one load for a time: open arrivals by a schedule, or a number of closed users who each wait for their answer.
"""

from dataclasses import dataclass
from pathlib import Path

from lab.arrivals import Arrivals, Segment
from lab.script import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One load: `sequence` are indices into the script's lines, sent in turn, over and over.

    `arrivals` make it open; without them it is closed, and `users` is the profile of how many there are. The first
    `warm_seconds` are recorded as warm-up. An arrival that would make more than `most` requests in flight is not sent:
    `select`, by which the client looks at its connections, sees 1024 files.
    """

    sequence: tuple[int, ...]
    seconds: float
    arrivals: Arrivals | None = None
    users: tuple[Segment, ...] = ()
    warm_seconds: float = 0.0
    most: int = 960


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A process whose CPU time is read before and after each trial, with all that descend from it."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadScript:
    """What one generator sends, trial after trial.

    `samples` is the file of a single generator; a master writes one beside it for each of its `workers`, named
    `<stem>.worker-<number>.samples`. `request_seconds` is when a request without an answer counts as failed.
    The reference kernel is read for `kernel_seconds` before each trial and after it.
    At least `connections` are open, among all workers, before each trial begins; requests take them in turn.
    """

    samples: str
    report: str
    lines: tuple[Line, ...]
    trials: tuple[Trial, ...]
    observed: tuple[Observed, ...] = ()
    connections: int = 0
    kernel_seconds: float = 0.0
    request_seconds: float = 60.0
    workers: int = 0
    bind: str = "127.0.0.1:0"
    wait_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReport:
    """One generator's share of a trial: what it sent, what it took of one core, and its histograms, encoded.

    `busiest` is the largest share of a core that it took over a second; `steal` the share of CPU time that its host
    took until all was sent.
    """

    requests: int
    unsent: int
    failures: int
    cpu_seconds: float
    response: str
    service: str
    busiest: float = 0.0
    steal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """What was seen of one trial; None is 'not available'.

    `seconds` runs from the start to the last answer, the start being at `began` of the monotonic clock, 0 where it was
    not kept; `cpu` are seconds of each observed process in that time.
    `kernels` are nanoseconds of the reference kernel before and after.
    """

    seconds: float
    shares: tuple[ShareReport, ...]
    cpu: tuple[tuple[str, float], ...]
    kernels: tuple[int, ...]
    steal: float | None
    pressure: float | None
    began: float = 0.0

    @property
    def kernel_ratio(self) -> float:
        """The reference kernel after the trial over before it."""
        return self.kernels[-1] / self.kernels[0] if self.kernels else 1.0

    @property
    def generator_share(self) -> float:
        """The share of one core that the busiest generator took in its busiest second, or over all of the trial."""
        overall = max(share.cpu_seconds for share in self.shares) / self.seconds if self.seconds else 0.0
        return max(overall, *(share.busiest for share in self.shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What one generator saw: its trials in order, as many as it finished.

    `recorded` and `counted` are requests by the sample files and by Locust's own statistics. `lost` names workers that
    went missing, with their share; `error` is why the script was not run to its end.
    """

    trials: tuple[TrialReport, ...]
    recorded: int = 0
    counted: int = 0
    lost: tuple[str, ...] = ()
    error: str = ""

    def is_done(self, trials: int) -> bool:
        """Whether a script of so many trials need not be run again: it was run to its end, or lost a worker."""
        return bool(self.lost) or (len(self.trials) == trials and self.recorded == self.counted > 0)


def cut(path: Path, *, samples: int, report: LoadReport) -> str:
    """What is wrong with a file whose `samples` are fewer than were written: one that ends with a frame looks whole.

    A lost worker's samples may be there, and were never counted.
    """
    if report.lost or samples >= report.recorded:
        return ""
    return f"{path.name} has {samples} of the {report.recorded} samples that were written; they are used"


def worker_samples(samples: Path, worker: int) -> Path:
    """The sample file of one worker of a script whose own would be `samples`."""
    return samples.with_name(f"{samples.stem}.worker-{worker + 1}{samples.suffix}")


def sample_files(script: LoadScript) -> list[Path]:
    """The files that a script's samples go to."""
    path = Path(script.samples)
    return [worker_samples(path, number) for number in range(script.workers)] if script.workers else [path]


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, also of `[::1]:5557`. Raises ValueError."""
    host, separator, port = address.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is no address")
    return host.removeprefix("[").removesuffix("]"), int(port)
