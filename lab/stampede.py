"""Yields the raw data of a stampede study: at every expiry, many requests at once for what each arm's cache just lost.

The servers write down what every request looked up and computed; it is counted, not timed. Arms take turns in drawn
order, and servers stay: what each of them had compiled and connected belongs to no expiry. It derives nothing.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from lab.arrivals import Arrivals, Segment
from lab.errors import LabError
from lab.evidence import EvidenceFile
from lab.experiment import Arm, StampedeDesign
from lab.generate import generate
from lab.http import Client
from lab.json_files import write
from lab.prover import describe
from lab.requests import request_headers
from lab.script import Line
from lab.server import Running, boot
from lab.study import Assignment
from lab.trial import LoadScript, Trial
from lab.valkey import expire

SPREAD: Final = 0.001
"""Seconds within which all requests of a stampede are due."""

REQUEST_SECONDS: Final = 60.0
WARM: Final = 4
"""Requests for each worker and arm before the first expiry."""

OVERHEAD: Final = 2.5
"""Seconds that a stampede takes beside its answers: a generator is started for each."""

MEASURING: Final = "measuring"
"""The stage that ends when there is no time for another expiry."""

LEAST: Final = 2
"""Expiries that a run has at the least, whatever its budget: below, there is no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySeen:
    """What one key of a level of the cache was asked in a stampede, in requests, as the servers wrote it down.

    `missed` did not find it at once; of these so many `waited` for another, and so many `computed` it.
    """

    level: str
    key: str
    looked_up: int
    missed: int
    waited: int
    computed: int
    stored: int
    plain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stampede:
    """What is kept of one stampede beside its samples, by the number of its arm; `reason` is why it does not count."""

    arm: int
    expired: int
    keys: tuple[KeySeen, ...]
    told: int
    steal: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """One stampede at every arm, in the order in which they were."""

    stampedes: tuple[Stampede, ...]


def run_stampedes(given: Assignment) -> None:
    """Runs every expiry, or as many as the budget has time for. Raises LabError; what was seen so far is on disk."""
    design = given.experiment.stampede
    assert design is not None  # noqa: S101 - only experiments with a stampede come here
    arms = given.experiment.arms
    budget = design.expiries * len(arms) * OVERHEAD if given.budget is None else given.budget
    evidence = given.folder.path / "evidence"
    evidence.mkdir(exist_ok=True)
    # A run that is gone on with has the evidence of its first processes too.
    part = len(list(evidence.glob(f"{design.server.name}*.jsonl")))
    file = evidence / f"{design.server.name}{f'-{part + 1}' if part else ''}.jsonl"
    with given.progress.stage("servers and warm-up", budget=20.0):
        [running] = boot(
            (design.server,), surroundings=given.surroundings, supervisor=given.supervisor,
            evidence={design.server.name: file},
        ).values()  # fmt: skip
    try:
        with given.progress.stage(MEASURING, total=budget, budget=budget) as advance:
            stampedes = Stampedes(given=given, design=design, running=running, evidence=EvidenceFile(file))
            stampedes.run(budget=given.budget, note=lambda done, note: advance(done=done, note=note))
    finally:
        given.supervisor.stop(running.process)


def samples_of(samples: Path, *, expiry: int, arm: int) -> Path:
    """The sample file of one stampede in the folder of them."""
    return samples / f"stampede-{expiry:02d}-{arm:02d}.samples"


@dataclass(frozen=True, kw_only=True)
class Stampedes:
    """Runs stampedes at one server."""

    given: Assignment
    design: StampedeDesign
    running: Running
    evidence: EvidenceFile

    def run(self, *, budget: float | None, note: Callable[[float, str], None]) -> None:
        """Warms every arm, then runs expiry after expiry."""
        arms = self.given.experiment.arms
        lines = [self._line(arm) for arm in arms]
        began = time.monotonic()
        missing = [number for number in range(self.design.expiries) if not self._file(number).exists()]
        for done, expiry in enumerate(missing):
            # One more would take as long as those before it.
            if budget is not None and expiry >= LEAST and done and (time.monotonic() - began) * (1 + 1 / done) > budget:
                break
            self._make_room(expiry)
            random = Random(f"{self.given.seed}/stampede/{expiry}")
            seen = []
            for arm in random.sample(range(len(arms)), len(arms)):
                seen.append(self._stampede(lines[arm], expiry=expiry, arm=arm))
                note(time.monotonic() - began, f"expiry {expiry + 1} of {self.design.expiries}, {describe(arms[arm])}")
            write(Expiry(stampedes=tuple(seen)), self._file(expiry))

    def _file(self, expiry: int) -> Path:
        return self.given.folder.blocks / f"stampede-{expiry:02d}.json"

    def _make_room(self, expiry: int) -> None:
        """What an expiry left that was interrupted is kept under other names."""
        for folder in (self.given.folder.samples, self.given.folder.blocks):
            for path in folder.glob(f"stampede-{expiry:02d}-*"):
                number = len(list(folder.glob(f"interrupted-*-{path.name}"))) + 1
                path.rename(path.with_name(f"interrupted-{number}-{path.name}"))

    def _line(self, arm: Arm) -> Line:
        """The arm's request, with the answer that every one of its answers must be: that of the arm without a cache."""
        [keyed, *_] = self.given.operations
        request = keyed.operation.request(arm.face, keyed.asked(0))
        around = self.given.surroundings
        bare = replace(arm, variant=tuple((knob, "off" if knob == "cache" else level) for knob, level in arm.variant))
        bodies = set()
        # By new connections, which go to any of the workers; the last keeps what is to expire.
        for each in (*[bare] * WARM * self.design.server.workers, arm):
            headers = request_headers(request, arm=each, credentials=around.credentials)
            with closing(Client(self.running.url)) as client:
                answer = client.send(
                    request.method, request.path, headers=headers | {"Lab-Token": around.token}, body=request.body
                )
            # Raises ValueError for an answer that is none.
            keyed.operation.read(arm.face, answer.status, answer.body)
            bodies.add((answer.status, answer.body))
        if len(bodies) != 1:
            raise LabError(
                f"{keyed.operation.name} at {describe(arm)} gave {len(bodies)} answers to one question",
                hint="mend the target: answers must be equal before they are timed",
            )
        [(status, body)] = bodies
        return Line(
            cell=0, key=0, method=request.method, url=self.running.url + request.path,
            headers=tuple(request_headers(request, arm=arm, credentials=around.credentials).items()),
            body=request.body, status=status, length=len(body), checksum=zlib.crc32(body),
        )  # fmt: skip

    def _stampede(self, line: Line, *, expiry: int, arm: int) -> Stampede:
        """What is kept expires, and many ask for it."""
        given, mark = self.given, f"stampede-{expiry:02d}-{arm:02d}"
        around = given.surroundings
        expired = expire(around.cache_url, prefix=around.cache_prefix, but=":version:")
        many = self.design.at_once
        script = LoadScript(
            samples=str(samples_of(given.folder.samples, expiry=expiry, arm=arm)),
            report=str(given.folder.blocks / f"{mark}.report.json"),
            lines=(replace(line, headers=(*line.headers, ("Lab-Request", mark))),),
            trials=(
                Trial(
                    sequence=(0,), seconds=SPREAD, most=max(many, 1),
                    arrivals=Arrivals(
                        kind="constant", profile=(Segment(seconds=SPREAD, begin=many / SPREAD, end=many / SPREAD),),
                        seed=0,
                    ),
                ),
            ),
            connections=many, request_seconds=REQUEST_SECONDS,
        )  # fmt: skip
        report = generate(
            script, supervisor=given.supervisor, script_file=given.folder.blocks / f"{mark}.script.json",
            logs=around.logs, token=around.token,
        )  # fmt: skip
        records = self.evidence.records(mark)
        reason = "" if expired else "there was nothing that could expire"
        if not reason and len(records) != many:
            reason = f"{len(records)} of {many} requests told what they did"
        return Stampede(
            arm=arm, expired=expired, keys=keys_seen(event for record in records for event in record["cache"]),
            told=len(records), steal=report.trials[0].steal, reason=reason,
        )  # fmt: skip


def keys_seen(events: Iterable[Mapping[str, Any]]) -> tuple[KeySeen, ...]:
    """What each key was asked, from the servers' records of their look-ups."""
    by_key: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in events:
        by_key.setdefault((event["level"], event["key"]), []).append(event)
    return tuple(
        KeySeen(
            level=level, key=key, looked_up=len(own),
            missed=sum(event["outcome"] != "hit" for event in own),
            waited=sum(event["waited"] for event in own),
            computed=sum(event["computed"] for event in own),
            stored=max(event["stored"] for event in own),
            plain=max(event["bytes"] for event in own),
        )
        for (level, key), own in sorted(by_key.items())
    )  # fmt: skip
