"""Yields the raw data of a study of caches: answers proven, what they take in the cache, and blocks of trials.

A block boots a server whose answers live for a short time, and then one whose answers live on, with a database of its
own. It derives nothing: samples carry what the cache had for each request, as the target says it (decision 0015).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from lab.caching_plan import MIX, POPULAR, CachingBlock, CachingPlan, CachingTrial, fitted
from lab.clones import cloned, dropped
from lab.derive import planned_cells
from lab.experiment import Arm
from lab.generate import generate
from lab.http import Client
from lab.json_files import read, write
from lab.load import Loader
from lab.operations import names
from lab.proof import prove
from lab.requests import request_headers
from lab.results import ProofRecord
from lab.script import Line
from lab.server import Running, Surroundings, boot
from lab.study import Assignment
from lab.trial import LoadScript, Observed
from lab.valkey import Weight, forget, weigh
from lab.writes import lines_to, writes_of

OWN: Final = "windtunnel_own_"
CONNECTIONS: Final = 64
REQUEST_SECONDS: Final = 10.0
SHOPPERS: Final = 32
TELL: Final = ("Lab-Tell", "Cache-Status")
NO_ANSWERS: Final = (":version:", ":refill:")
"""What the keys have in them that hold no answer: versions of domains, and turns to compute."""

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the answers take that a variant and face gave once each; `body` are the bytes of all of them."""

    variant: int
    face: str
    answers: int
    body: int
    weight: Weight


def run_caching(given: Assignment) -> None:
    """Proves, weighs and measures. Raises LabError; what was sampled until then is on disk, and blocks are kept."""
    experiment, folder = given.experiment, given.folder
    cells = [cell for cell in planned_cells(experiment, operations=names(given.operations)) if cell.arm]
    loader = Loader(
        experiment=experiment, operations=given.operations, cells=cells, supervisor=given.supervisor, folder=folder,
        surroundings=given.surroundings,
    )  # fmt: skip
    with given.progress.stage("proof and evidence", total=len(cells), budget=45.0) as advance:
        proof = prove(loader, services=given.services, advance=advance)
        folder.save("proof", proof)
    path = folder.path / "caching-plan.json"
    if not path.exists():
        folder.save("caching-plan", _planned(given, proof=proof))
    trials = CachingTrials(given=given, loader=loader, proof=proof, plan=read(path, CachingPlan))
    with given.progress.stage("memory", total=len(cells), budget=30.0) as advance:
        folder.save("kept", tuple(trials.kept(show=lambda done: advance(done=done))))
    plan, started = trials.plan, time.monotonic()
    with given.progress.stage("measuring", total=plan.total_seconds, budget=plan.total_seconds) as advance:
        for block in range(plan.design.blocks):

            def show(what: str, *, of: int = block) -> None:
                note = f"block {of + 1} of {plan.design.blocks}, {what}"
                advance(done=time.monotonic() - started, note=note)

            if not (folder.blocks / f"{block_name(block)}.json").exists():
                trials.run(block, show=show)


def block_name(block: int) -> str:
    """The name of what is known of a block that came to its end."""
    return f"block-{block:02d}.caching"


def part_name(block: int, part: str) -> str:
    """The name of a part's files, without what they end in."""
    return f"block-{block:02d}.{part}"


def _planned(given: Assignment, *, proof: ProofRecord) -> CachingPlan:
    experiment, design = given.experiment, given.experiment.caching
    assert design is not None  # noqa: S101 - only experiments with caches come here
    [keyed] = given.operations
    # The first variant of each face is the one without a cache.
    seconds = max(cell.seconds for cell in proof.cells[:: len(experiment.variants)])
    plan = CachingPlan(
        design=replace(design, rate=min(design.rate, design.busy / seconds)), keys=len(keyed.keys),
        faces=experiment.faces, variants=len(experiment.variants), pass_seconds=len(keyed.keys) * seconds,
        seed=given.seed,
    )  # fmt: skip
    return fitted(plan, budget=given.budget)


@dataclass(frozen=True, kw_only=True)
class CachingTrials:
    """Asks the arms of a plan; `loader` knows their requests and `proof` the right answers."""

    given: Assignment
    loader: Loader
    proof: ProofRecord
    plan: CachingPlan

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm, in the order of the lines."""
        return self.given.experiment.arms

    def kept(self, *, show: Callable[[int], None]) -> Iterator[Kept]:
        """What the answers take, arm by arm, each beginning with nothing kept; of arms without a cache nothing."""
        around = self._around(space=":kept")
        [keyed] = self.given.operations
        with self._served(around) as running, closing(Client(running.url)) as client:
            for cell, arm in enumerate(self.arms):
                show(cell)
                warm = self.proof.cells[cell].warm
                if not (warm and warm.cache_hits):
                    continue
                forget(around.cache_url, prefix=_prefix(around))
                body = 0
                for parameters in keyed.keys:
                    request = keyed.operation.request(arm.face, parameters)
                    headers = request_headers(request, arm=arm) | {"Lab-Token": around.token}
                    body += len(client.send(request.method, request.path, headers=headers, body=request.body).body)
                weight = weigh(around.cache_url, prefix=_prefix(around), but=NO_ANSWERS)
                yield Kept(
                    variant=cell % self.plan.variants, face=arm.face, answers=len(keyed.keys), body=body, weight=weight
                )
        forget(around.cache_url, prefix=_prefix(around))

    def run(self, block: int, *, show: Show) -> None:
        """Both parts of a block, of which nothing is kept that was measured before it."""
        self.given.folder.set_aside(block)
        trials = (*self._popular(block, show=show), *self._mixed(block, show=show))
        write(CachingBlock(trials=trials), self.given.folder.blocks / f"{block_name(block)}.json")

    def _popular(self, block: int, *, show: Show) -> tuple[CachingTrial, ...]:
        """All variants one after the other: what one left in the cache is over when the next one counts."""
        life = (("CACHE_SECONDS", str(self.plan.design.seconds_to_live)),)
        around = self._around(space=f":popular{block}", settings=life)
        trials = self.plan.popular(block)
        with self._served(around) as running:
            self._generate(
                block, POPULAR, trials, lines=self._reads(running.url), running=running, around=around, show=show
            )
        forget(around.cache_url, prefix=_prefix(around))
        return trials

    def _mixed(self, block: int, *, show: Show) -> tuple[CachingTrial, ...]:
        """Variant by variant, each beginning with nothing kept, on a database that its writes change."""
        server_url, shared = self.given.services.postgres_url, self.given.surroundings.build
        dropped(server_url, (), prefix=OWN)
        found: list[CachingTrial] = []
        try:
            url = cloned(server_url, shared.database_url, name=f"{OWN}caching")
            around = self._around(space=f":mixed{block}", database=url)
            with self._served(around) as running:
                reads, writes = self._reads(running.url, is_checked=False), self._writes(running.url, around=around)
                for variant in self.plan.order(block):
                    forget(around.cache_url, prefix=_prefix(around))
                    trials = self.plan.mixes(block, variant)
                    self._generate(
                        block, f"{MIX}-{variant}", trials, lines=(*reads, *writes), writes=len(writes),
                        running=running, around=around, show=show,
                    )  # fmt: skip
                    found += trials
                forget(around.cache_url, prefix=_prefix(around))
        finally:
            dropped(server_url, (), prefix=OWN)
        return tuple(found)

    def _around(
        self, *, space: str, settings: tuple[tuple[str, str], ...] = (), database: str = ""
    ) -> Surroundings:  # fmt: skip
        """The run's surroundings with a part of the cache that nobody else has."""
        shared = self.given.surroundings
        build = replace(shared.build, cache_space=space)
        if database:
            build = replace(build, database_url=database, bare_url=database)
        return replace(shared, build=build, settings=(*shared.settings, *settings))

    @contextmanager
    def _served(self, around: Surroundings) -> Iterator[Running]:
        supervisor = self.given.supervisor
        [running] = boot(self.given.experiment.servers, surroundings=around, supervisor=supervisor).values()
        # On few cores the generator would wait for those that it measures, and be late.
        supervisor.give_way()
        try:
            yield running
        finally:
            supervisor.stop(running.process)

    def _reads(self, url: str, *, is_checked: bool = True) -> tuple[Line, ...]:
        """A line for each key at each arm, held against the proven answer unless writes change what is right."""
        lines = []
        for cell in self.loader.cells:
            for key in range(self.plan.keys):
                line = self.loader.line(cell, key=key, proof=self.proof.cells[cell.index], url=url)
                line = replace(line, headers=(*line.headers, TELL))
                if not is_checked:
                    line = replace(line, length=None, checksum=None, graphql=cell.face == "graphql")
                lines.append(line)
        return tuple(lines)

    def _writes(self, url: str, *, around: Surroundings) -> tuple[Line, ...]:
        """Orders by each face, for each variant the same ones; their cells are those of the arms, after the reads'."""
        made = {
            face: lines_to(
                writes_of(around, words=("orders", face), count=SHOPPERS, url=around.build.database_url), url=url
            )
            for face in self.plan.faces
        }
        return tuple(
            replace(line, cell=len(self.arms) + cell, headers=(*line.headers, ("Lab-Variant", arm.levels)))
            for variant in range(self.plan.variants)
            for cell, arm in enumerate(self.arms)
            if cell % self.plan.variants == variant
            for line in made[arm.face]
        )

    def _generate(
        self, block: int, part: str, trials: Sequence[CachingTrial], *, lines: tuple[Line, ...], running: Running,
        around: Surroundings, show: Show, writes: int = 0,
    ) -> None:  # fmt: skip
        folder, name = self.given.folder, part_name(block, part)
        postgres = self.given.supervisor.child("postgres")
        script = LoadScript(
            samples=str(folder.samples / f"{name}.samples"), report=str(folder.blocks / f"{name}.report.json"),
            lines=lines, connections=CONNECTIONS, request_seconds=REQUEST_SECONDS,
            trials=tuple(self.plan.trial(block, each, writes=writes) for each in trials),
            observed=(
                Observed(name="server", pid=running.pid),
                # A given one is no process of ours.
                *((Observed(name="PostgreSQL", pid=postgres),) if postgres else ()),
            ),
        )  # fmt: skip
        generate(
            script, supervisor=self.given.supervisor, script_file=folder.blocks / f"{name}.script.json",
            logs=around.logs, token=around.token, show=lambda samples: show(f"{part}: {samples} requests"),
        )  # fmt: skip


def _prefix(around: Surroundings) -> str:
    """What the keys of a server in these surroundings begin with."""
    return f"{around.cache_prefix}{around.build.cache_space}"
