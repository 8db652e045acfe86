"""Yields folders of studies of caches with planted times: requests are the plan's own, the cache is exact."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lab.arrivals import due_times
from lab.caching_plan import MIX, POPULAR, CachingBlock, CachingPlan, CachingTrial
from lab.caching_trials import Kept, block_name, part_name
from lab.experiment import CachingDesign, Experiment
from lab.findings import Proof
from lab.json_files import write
from lab.recorder import Fault, Recorder, Told
from lab.results import Manifest, ProofRecord, RunFolder
from lab.trial import LoadReport, ShareReport, TrialReport
from lab.valkey import Weight

MS = 1_000_000
OFF, HIT, MISS, WRITE = 4.0, 1.0, 5.0, 8.0
"""Milliseconds of a request without a cache, of a hit, a miss, a write."""

EXPERIMENT = Experiment(
    name="caching", question="What does a cache buy?", operations=("fake:DETAIL",), keys=40,
    variants=tuple((("cache", level),) for level in ("off", "query", "view", "both")),
    caching=CachingDesign(rate=80.0, seconds=20.0, mix_seconds=10.0, blocks=3),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FakeCaching:
    """What is planted. `blocks` are those that came to their end; `wrong` are (block, part) with a wrong answer.

    `slower` multiplies the times of a block's requests. Of `query` every tenth hit lacks something: a part.
    """

    experiment: Experiment = EXPERIMENT
    blocks: int = 3
    seed: int = 1
    wrong: frozenset[tuple[int, str]] = frozenset()
    slower: Mapping[int, float] = field(default_factory=dict)
    memory: int | None = 500

    @property
    def plan(self) -> CachingPlan:
        """The plan as it would be made."""
        design = self.experiment.caching
        assert design is not None
        return CachingPlan(
            design=design, keys=self.experiment.keys, faces=self.experiment.faces,
            variants=len(self.experiment.variants), pass_seconds=self.experiment.keys * OFF / 1e3, seed=self.seed,
        )  # fmt: skip

    def make(self, path: Path) -> RunFolder:
        """Writes the run's folder."""
        folder, plan = RunFolder(path), self.plan
        folder.samples.mkdir(parents=True)
        folder.blocks.mkdir()
        folder.save(
            "manifest",
            Manifest(
                experiment=self.experiment, run=path.name, started="2026-01-01T00:00:00+00:00", command="test",
                dataset=(("size", "small"),), operations=("detail",), environment=(("cores", "2"),), settings=(),
                budget=None, seed=self.seed,
            ),
        )  # fmt: skip
        proof = Proof(operation="detail", answers=640, parameters=plan.keys, cells=8)
        folder.save("proof", ProofRecord(cells=(), proofs=(proof,)))
        folder.save("caching-plan", plan)
        folder.save(
            "kept",
            tuple(
                Kept(
                    variant=variant, face=face, answers=40, body=40 * 300,
                    weight=Weight(
                        entries=40, stored=40 * 316, memory=None if self.memory is None else 40 * self.memory
                    ),
                )
                for face in plan.faces for variant in range(1, plan.variants)
            ),
        )  # fmt: skip
        for block in range(self.blocks):
            trials = [*plan.popular(block)]
            self._part(folder, block, POPULAR, trials)
            for variant in plan.order(block):
                own = plan.mixes(block, variant)
                self._part(folder, block, f"{MIX}-{variant}", own)
                trials += own
            write(CachingBlock(trials=tuple(trials)), folder.blocks / f"{block_name(block)}.json")
        return folder

    def _part(self, folder: RunFolder, block: int, part: str, trials: Sequence[CachingTrial]) -> None:
        cache = _Cache()
        recorder = Recorder(folder.samples / f"{part_name(block, part)}.samples")
        reports = []
        for what in trials:
            # Where answers live for a short time, the trials before are over by the time that this one counts.
            cache = _Cache() if what.kind == POPULAR else cache
            requests = 0
            for row in self._rows(block, what, cache=cache):
                is_wrong = (block, part) in self.wrong and requests == 0
                recorder.add((*row[:4], Fault.STATUS if is_wrong else Fault.NONE, *row[5:]))
                requests += 1
            share = ShareReport(
                requests=requests, unsent=0, failures=0, cpu_seconds=0.0001 * requests, response="", service=""
            )
            reports.append(
                TrialReport(
                    seconds=what.seconds, shares=(share,), kernels=(100, 100), steal=0.0, pressure=0.0,
                    cpu=(("server", 0.002 * requests), ("PostgreSQL", 0.001 * requests)),
                )
            )  # fmt: skip
        recorder.close()
        report = LoadReport(trials=tuple(reports), recorded=recorder.written, counted=recorder.written)
        write(report, folder.blocks / f"{part_name(block, part)}.report.json")

    def _rows(self, block: int, what: CachingTrial, *, cache: "_Cache") -> Iterator[tuple[int, ...]]:
        plan, writes = self.plan, 8 * self.plan.variants
        trial = plan.trial(block, what, writes=writes)
        life = plan.design.seconds_to_live * 1000 * MS if what.kind == POPULAR else 10**18
        scale = self.slower.get(block, 1.0)
        cache.now += 10**12
        due = due_times(trial.arrivals).tolist() if trial.arrivals else None
        at, place = 0, 0
        while place < len(due) if due is not None else at < what.seconds * 1e9:
            sent = due[place] if due is not None else at
            cell, key = self._asked(trial.sequence[place % len(trial.sequence)], writes=writes)
            if cell >= plan.variants * len(plan.faces):
                told, taken = Told.NOTHING, WRITE
            elif what.variant == 0:
                told, taken = Told.NOTHING, OFF
            else:
                told = cache.told((cell, key), at=cache.now + sent, taken=round(MISS * scale * MS), life=life)
                taken = HIT if told == Told.HIT else MISS
                told = Told.PART if what.variant == 1 and told == Told.HIT and place % 10 == 0 else told
            done = sent + round(taken * scale * MS)
            if cell >= plan.variants * len(plan.faces):
                cache.writes.append(cache.now + done)
            warm = sent < trial.warm_seconds * 1e9
            yield (cell, key, what.number, 200, 0, warm, 300, sent, sent, done, told)
            at, place = done, place + 1

    def _asked(self, line: int, *, writes: int) -> tuple[int, int]:
        """Cell and key of a line: the reads of all arms come first, then each variant's writes, face by face."""
        plan = self.plan
        arms = plan.variants * len(plan.faces)
        if line < arms * plan.keys:
            return divmod(line, plan.keys)
        own = writes // plan.variants
        variant, place = divmod(line - arms * plan.keys, own)
        return arms + place // (own // len(plan.faces)) * plan.variants + variant, place


@dataclass(kw_only=True)
class _Cache:
    """Answers by what was asked for: from when on and until when they are there, and after how many writes."""

    now: int = 0
    kept: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    writes: list[int] = field(default_factory=list)

    def told(self, what: tuple[int, int], *, at: int, taken: int, life: int) -> Told:
        """Whether it is there; if not, it will be after so many nanoseconds."""
        version = int(np.sum(np.array(self.writes) <= at)) if self.writes else 0
        begin, end, of = self.kept.get(what, (0, -1, -1))
        if begin <= at < end and of == version:
            return Told.HIT
        if not (begin > at and of == version):
            self.kept[what] = (at + taken, at + taken + life, version)
        return Told.MISS
