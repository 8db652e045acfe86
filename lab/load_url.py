"""Yields what a load on one URL found, whoever wrote what answers there. It prints nothing."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from lab import environment
from lab.arrivals import Arrivals, Segment, due_times, profile
from lab.errors import LabError
from lab.generate import generate
from lab.latency import Latencies, completed, merged, read_tape
from lab.load_findings import SHARES, Moment, Sensors, UrlLoad
from lab.processes import Supervisor
from lab.recorder import Fault
from lab.script import Line
from lab.server import TREE
from lab.trial import LoadReport, LoadScript, Trial, TrialReport, sample_files
from lab.validity import void_trial

KERNEL_SECONDS: Final = 1.5
"""How long the reference kernel is read before a load and after it."""

SLICES: Final = 60
"""Slices that a load is cut into for its course over time."""

CONNECT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlOrder:
    """A load on one URL: open arrivals at `rate`, or `closed` users; with `workers`, local ones or ours to wait for."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    kind: str
    shape: str
    rate: float
    closed: int
    seconds: float
    warm_seconds: float
    connections: int
    seed: int
    timeout: float
    status: int | None
    graphql: bool
    workers: int
    is_local: bool
    bind: str
    worker_token: str
    command: str

    @property
    def level(self) -> float:
        """The rate, or the users."""
        return self.closed or self.rate

    @property
    def trial(self) -> Trial:
        """The load as the generator runs it; the warm-up comes before the time that counts."""
        seconds = self.warm_seconds + self.seconds
        head = (Segment(seconds=self.warm_seconds, begin=self.level, end=self.level),) if self.warm_seconds else ()
        levels = (*head, *profile(self.shape, rate=self.level, seconds=self.seconds))
        if self.closed:
            return Trial(sequence=(0,), seconds=seconds, users=levels, warm_seconds=self.warm_seconds)
        arrivals = Arrivals(kind=self.kind, profile=levels, seed=self.seed)
        return Trial(sequence=(0,), seconds=seconds, arrivals=arrivals, warm_seconds=self.warm_seconds)


def check_url(url: str) -> None:
    """Raises LabError when `url` is none that can be asked, or when nobody listens there."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        host = parts.hostname or ""
    except (KeyError, ValueError):
        host = ""
    if not host:
        raise LabError(f"{url[:80]!r} is no http or https URL", hint="as in http://127.0.0.1:8000/path")
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS):
            pass
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise LabError(f"{host}:{port} cannot be reached: {said}", hint="start the service, or mend the URL") from error


def check_arrivals(order: UrlOrder) -> None:
    """Raises LabError where the schedule has no arrival after the warm-up, or too many to be kept."""
    if not order.closed and not _intended(order):
        raise LabError("no arrival would be due", hint="raise --rate or --duration")


def load_url(order: UrlOrder, *, folder: Path, show: Callable[[int], None]) -> UrlLoad:
    """Runs the load, its samples going to `folder`, and returns what it found; `show` is told of samples so far.

    Raises LabError when the load was not what was asked for; its samples are kept.
    """
    line = Line(
        cell=0, key=0, method=order.method, url=order.url, headers=order.headers, body=order.body, status=order.status,
        length=None, checksum=None, graphql=order.graphql,
    )  # fmt: skip
    script = LoadScript(
        samples=str(folder / "load.samples"), report=str(folder / "report.json"), lines=(line,), trials=(order.trial,),
        connections=order.connections, kernel_seconds=KERNEL_SECONDS, request_seconds=order.timeout,
        workers=order.workers, bind=order.bind, wait_seconds=30.0 if order.is_local else 120.0,
    )  # fmt: skip
    started = datetime.now(tz=UTC).isoformat(timespec="seconds")
    with ExitStack() as stack:
        # The script has headers that may be secret: it goes as soon as it has been read.
        private = Path(stack.enter_context(TemporaryDirectory(prefix="windtunnel-")))
        supervisor = stack.enter_context(Supervisor())
        script_file = private / "script.json"

        def shown(samples: int) -> None:
            if samples:
                script_file.unlink(missing_ok=True)
            show(samples)

        report = generate(
            script, supervisor=supervisor, script_file=script_file, logs=folder, show=shown,
            local=order.is_local, worker_token=order.worker_token,
        )  # fmt: skip
    return _found(order, script=script, report=report, started=started)


def _found(order: UrlOrder, *, script: LoadScript, report: LoadReport, started: str) -> UrlLoad:
    trial = report.trials[0]
    width = int(order.seconds * 1e9 / SLICES)
    begin = int(order.warm_seconds * 1e9)

    def slices(rows: NDArray[np.void]) -> NDArray[np.int64]:
        return np.clip((rows["due"] - begin) // width, 0, SLICES - 1)

    tape = read_tape(sample_files(script), by=slices)
    if tape.damages:
        raise LabError(tape.damages[0], hint="free the disk or mend it, then start again")
    total = merged(tape.parts.values())
    window = (begin, begin + round(order.seconds * 1e9))
    achieved = completed(sample_files(script), windows={0: window}).get(0, 0) / order.seconds
    offered = _intended(order) / order.seconds if not order.closed else total.offered / order.seconds
    reasons = void_trial(trial, lateness=total.lateness.percentile(0.99), unsent=total.unsent)
    return UrlLoad(
        url=order.url, method=order.method, arrivals="closed" if order.closed else order.kind,
        shape=order.shape, level=order.level, seconds=order.seconds, warm_seconds=order.warm_seconds, seed=order.seed,
        workers=order.workers, started=started, command=order.command,
        state="void" if reasons else "valid", reasons=reasons,
        offered=offered, achieved=achieved, requests=total.sent, right=total.right, failed=total.failed,
        late=total.late, unsent=total.unsent, body_bytes=total.body_bytes,
        faults=_faults(total),
        response=tuple(zip(SHARES, total.response.percentiles(SHARES), strict=True)) if total.right else (),
        service=tuple(zip(SHARES, total.service.percentiles(SHARES), strict=True)) if total.right else (),
        sensors=_sensors(trial, total=total),
        moments=tuple(_moment(number * width / 1e9, part) for number, part in sorted(tape.parts.items())),
        environment=environment.describe(TREE), samples=tuple(str(path) for path in sample_files(script)),
    )  # fmt: skip


def _intended(order: UrlOrder) -> int:
    arrivals = order.trial.arrivals
    return int((due_times(arrivals) >= order.warm_seconds * 1e9).sum()) if arrivals else 0


def _faults(total: Latencies) -> tuple[tuple[str, int], ...]:
    """What failed, by name; a wrong status by its number."""
    others = ((fault.name.lower(), count) for fault, count in sorted(total.faults.items()) if fault != Fault.STATUS)
    return (*((f"status_{status}", count) for status, count in sorted(total.statuses.items())), *others)


def _sensors(trial: TrialReport, *, total: Latencies) -> Sensors:
    return Sensors(
        generator_share=trial.generator_share, lateness=total.lateness.percentile(0.99), steal=trial.steal,
        pressure=trial.pressure, kernel_ratio=trial.kernel_ratio,
    )  # fmt: skip


def _moment(at: float, part: Latencies) -> Moment:
    median, p99, most = part.response.percentiles((0.5, 0.99, 1.0))
    return Moment(at=at, offered=part.offered, right=part.right, failed=part.failed, median=median, p99=p99, most=most)


def without_secrets(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
