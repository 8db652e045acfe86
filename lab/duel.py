"""Yields what the field's common gates say of two checkouts: pytest-benchmark's compare, and two runs of Locust.

Each is used as people use it: the base is measured, then the head, in its own process and not in turn. They are
measured in the same minutes as the lab's own gate, on the same services, for the same time.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console

from lab.bench import opened
from lab.errors import LabError
from lab.experiment import Arm, Experiment, Server
from lab.gate_builds import builds_of
from lab.operations import load_operations
from lab.progress import Progresses
from lab.requests import request_headers
from lab.server import TREE, Build, Running, boot, plain_environment
from lab.worktrees import Checkout

PYTEST: Final = "pytest-benchmark, mean"
LOCUST: Final = "Locust, average response time"
RIVALS: Final = TREE / "benchmarks" / "rivals"
LONGEST: Final = 120.0
KEYS: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What one of them said of head over base: the ratio that it compares with its threshold."""

    name: str
    ratio: float


def duel(
    base: Path, head: Path, *, experiment: Experiment, dataset: str, seconds: float, seed: int
) -> tuple[Rival, ...]:
    """What both say of one operation through one face, each given so many seconds a commit.

    Raises LabError when one cannot measure.
    """
    progress = Progresses(Console(quiet=True))
    [face] = experiment.faces
    [keyed] = load_operations(replace(experiment, keys=KEYS), dataset=dataset, seed=seed)
    variant = tuple((knob.name, knob.off if knob.name == "cache" else knob.on) for knob in experiment.knobs)
    requests = [keyed.operation.request(face, key) for key in keyed.keys]
    headers = request_headers(requests[0], arm=Arm(server="", face=face, variant=(*experiment.variant, *variant)))
    checkouts = [Checkout(tree=tree, commit=name) for tree, name in ((base, "base"), (head, "head"))]
    with (
        opened(size=dataset, seed=seed, progress=progress) as bench,
        builds_of(*checkouts, bench=bench) as builds,
        TemporaryDirectory(prefix="windtunnel-") as folder,
    ):
        asked = {
            "headers": headers | {"Lab-Token": bench.surroundings.token},
            "paths": [each.path for each in requests],
        }

        def measured(build: Build, measure: Callable[..., float], name: str) -> float:
            surroundings = replace(bench.surroundings, builds={"target": build})
            [running] = boot([Server()], surroundings=surroundings, supervisor=bench.supervisor).values()
            try:
                return measure(asked, running, seconds=seconds, folder=Path(folder), name=name)
            finally:
                bench.supervisor.stop(running.process)

        found = []
        for rival, measure in ((PYTEST, _pytest_mean), (LOCUST, _locust_average)):
            first, second = (
                measured(build, measure, name) for build, name in zip(builds, ("base", "head"), strict=True)
            )
            found.append(Rival(name=rival, ratio=second / first))
        return tuple(found)


def _pytest_mean(asked: dict[str, Any], running: Running, *, seconds: float, folder: Path, name: str) -> float:
    path = folder / f"{name}.json"
    words = [
        "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-warmup=on", f"--benchmark-max-time={seconds:g}",
        f"--benchmark-json={path}", str(RIVALS / "one_request.py"),
    ]  # fmt: skip
    _run(words, asked=asked, running=running)
    return float(json.loads(path.read_text())["benchmarks"][0]["stats"]["mean"])


def _locust_average(asked: dict[str, Any], running: Running, *, seconds: float, folder: Path, name: str) -> float:
    words = [
        "locust", "-f", str(RIVALS / "locustfile.py"), "--headless", "-u", "1", "-r", "1", "-t", f"{round(seconds)}s",
        "--csv", str(folder / name), "--only-summary",
    ]  # fmt: skip
    _run(words, asked=asked, running=running)
    with (folder / f"{name}_stats.csv").open(encoding="utf-8", newline="") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    if int(total["Failure Count"]):
        raise LabError(f"Locust saw {total['Failure Count']} failures", hint="look at the target's log")
    return float(total["Average Response Time"])


def _run(words: list[str], *, asked: dict[str, Any], running: Running) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    ask = json.dumps({**asked, "host": host, "port": int(port)})
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=TREE, env={**plain_environment(), "RIVAL_ASK": ask, "PYTHONWARNINGS": ""},
        capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(f"{words[0]} failed: {said[-1]}", hint="it needs the requirements of the tests")
