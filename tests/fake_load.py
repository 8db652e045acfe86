"""Yields complete folders of runs under load with planted throughputs, in milliseconds and without servers.

The plan and the sample files are made by the lab's own code; only times and sensors are made up.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lab.derive import planned_cells
from lab.experiment import Arm, Experiment, LoadDesign
from lab.findings import Proof
from lab.json_files import write
from lab.load_plan import ArmLoad, LoadPlan, plan_loads
from lab.recorder import Fault, Recorder
from lab.results import Manifest, ProofRecord, RunFolder
from lab.trial import LoadReport, LoadScript, ShareReport, TrialReport

ARMS = ((("cache", "off"),), (("cache", "view"),))
CAPACITY = Experiment(
    name="capacity", question="How much load does it carry?", variants=ARMS,
    load=LoadDesign(walk="fake:WALK", users=(1, 2, 4, 8, 16), shares=(0.5,), blocks=4, enough=10**6),
)  # fmt: skip
"""Two arms through two faces: a ladder of five and one open rate."""


def law(rate: float, *, contention: float, coherency: float) -> Callable[[float], float]:
    """Throughput by users, as the Universal Scalability Law has it."""
    return lambda users: rate * users / (1 + contention * (users - 1) + coherency * users * (users - 1))


@dataclass(frozen=True, kw_only=True)
class FakeLoad:
    """What a fake run under load is planted with; `make` writes it.

    `throughput` gives an arm's requests per second by users. `trial` are fields of a trial's report by (block, arm,
    step), `fault` what is wrong with every tenth answer of such a load; `silent` loads have no answer at all. `blocks`
    is how many came to their end, and `cut` how many trials the one after them finished.
    """

    throughput: Callable[[Arm, float], float]
    experiment: Experiment = CAPACITY
    noise: float = 0.01
    seed: int = 1
    blocks: int = 4
    cut: int | None = None
    trial: Mapping[tuple[int, int, str], Mapping[str, Any]] = field(default_factory=dict)
    fault: Mapping[tuple[int, int, str], Fault] = field(default_factory=dict)
    lost: Mapping[int, Sequence[str]] = field(default_factory=dict)
    silent: Collection[tuple[int, int, str]] = ()

    @property
    def plan(self) -> LoadPlan:
        """The plan, by each arm's throughput of the pilot's users."""
        design = self.experiment.load
        assert design
        arms = self.experiment.under_load().arms
        capacities = {number: self.throughput(arm, design.pilot_users) for number, arm in enumerate(arms)}
        return plan_loads(design, capacities=capacities, arms=len(arms), seed=self.seed)

    def make(self, path: Path) -> RunFolder:
        """Writes the run's folder."""
        folder, experiment = RunFolder(path), self.experiment.under_load()
        folder.samples.mkdir(parents=True)
        folder.blocks.mkdir()
        manifest = Manifest(
            experiment=experiment, run=path.name, started="2026-01-01T00:00:00+00:00", command="test",
            dataset=(("size", "small"),), operations=("list",), environment=(("cores", "2"),), settings=(),
            budget=None, seed=self.seed,
        )  # fmt: skip
        folder.save("manifest", manifest)
        folder.save("proof", ProofRecord(cells=(), proofs=(Proof(operation="list", answers=8, parameters=2, cells=4),)))
        folder.save("load-plan", self.plan)
        for index in range(self.blocks + (self.cut is not None)):
            loads = self.plan.block(index)
            self._block(folder, index, loads if index < self.blocks else loads[: self.cut])
        return folder

    def _block(self, folder: RunFolder, index: int, loads: Sequence[ArmLoad]) -> None:
        arms = self.experiment.under_load().arms
        cells = planned_cells(self.experiment.under_load(), operations=("list",))
        random = np.random.default_rng((self.seed, index))
        recorder, trials = Recorder(folder.sample_file(index)), []
        for number, load in enumerate(loads):
            key = (index, load.arm, load.step)
            arm = arms[load.arm]
            cell = next(each.index for each in cells if each.arm == arm)
            rate = load.level if load.kind == "open" else self.throughput(arm, load.level)
            rate *= float(np.exp(random.normal(0, self.noise)))
            whole = load.warm_seconds + load.seconds
            done = ((np.arange(int(whole * rate + 1)) + random.random()) / rate * 1e9).astype(np.int64)
            done = done[done < whole * 1e9]
            took = np.int64(load.level / rate * 1e9 if load.kind == "closed" else 20e6)
            for place, end in enumerate(done.tolist()):
                fault = self.fault.get(key, Fault.NONE) if place % 10 == 0 else Fault.NONE
                fault = Fault.TIME_OUT if key in self.silent else fault
                sent = end - int(took)
                warm = sent < load.warm_seconds * 1e9
                recorder.add((cell, 0, number, 200, fault, warm, 100, sent, sent, end, 0))
            share = ShareReport(
                requests=len(done), unsent=0, failures=0, cpu_seconds=0.0001 * len(done), response="", service=""
            )
            fields: dict[str, Any] = {
                "seconds": whole, "shares": (share,), "cpu": (("server", 0.01 * len(done)),), "kernels": (100, 100),
                "steal": 0.0, "pressure": 0.0, **self.trial.get(key, {}),
            }  # fmt: skip
            trials.append(TrialReport(**fields))
        recorder.close()
        script = LoadScript(samples="elsewhere/x.samples", report="", lines=(), trials=())
        write(script, folder.script_file(index))
        lost = tuple(self.lost.get(index, ()))
        counted = recorder.written if len(loads) == len(self.plan.loads) else 0
        report = LoadReport(
            trials=tuple(trials), recorded=counted, counted=counted, lost=lost,
            error="lost" if lost else "",
        )  # fmt: skip
        write(report, folder.report_file(index))
