"""Yields the raw samples of a run under load: a pilot, then blocks of trials, each with a server of its own.

It looks at no sample.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from psycopg2.extensions import parse_dsn

from lab.clones import cloned, dropped
from lab.connections import ConnectionWatch
from lab.evidence import Witness
from lab.experiment import WRITES, LoadDesign
from lab.generate import LostWorkerError, generate
from lab.json_files import read, write
from lab.load import Loader
from lab.load_plan import ArmLoad, LoadPlan, trial_of
from lab.load_statements import StatementCount
from lab.operations import Visits
from lab.progress import Advance
from lab.results import CellProof, ProofRecord
from lab.script import Line
from lab.server import Surroundings, boot
from lab.trial import LoadReport, LoadScript, Observed
from lab.writes import lines_to, writes_of

CONNECTIONS: Final = 64
"""Connections that requests take in turn. The kernel deals them out to a server's workers by chance, and few of them so
unevenly that eight were seen to keep one of two workers idle for a whole block."""

OWN: Final = "windtunnel_own_"
"""What the names of databases begin with that are made for a block."""

Sequences = Mapping[ArmLoad, tuple[int, ...]]
"""By load, the lines that it sends in turn."""

REQUEST_SECONDS: Final = 10.0
"""When a request of a trial counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBlocks:
    """What pilot and blocks have in common: `observed` are processes beside the server whose CPU time is read.

    `witness` is the database, which counts the statements that it is sent, on the server at `server_url`.
    """

    loader: Loader
    design: LoadDesign
    visits: Visits | None
    proof: ProofRecord
    seed: int
    observed: tuple[Observed, ...]
    witness: Witness
    server_url: str

    @property
    def loadable(self) -> tuple[int, ...]:
        """The arms all of whose visits are proven, by number; of writes nothing can be proven beforehand."""
        if self.visits is None:
            return tuple(range(len(self.loader.experiment.arms)))
        proven = {(proof.cell, answer.key) for proof in self.proof.cells if not proof.void for answer in proof.answers}
        cells = {(cell.arm, cell.operation): cell.index for cell in self.loader.cells if cell.arm}
        return tuple(
            number
            for number, arm in enumerate(self.loader.experiment.arms)
            if all((cells[arm, operation], key) in proven for operation, key in self.visits.sequence)
        )

    def pilot(self, loads: Sequence[ArmLoad], *, advance: Advance) -> None:
        """Runs the pilot's loads in their order; none where no arm can be loaded."""
        if loads:
            self._block(None, loads, show=lambda samples: advance(note=f"{samples} requests"))

    def run(self, plan: LoadPlan, *, advance: Advance) -> None:
        """Runs every block that has no whole report yet. One that lost a worker is kept, and void.

        Raises LabError when a server or the generator fails; what was sampled until then is on disk.
        """
        started = time.monotonic()
        blocks = range(plan.blocks if plan.loads else 0)
        missing = [index for index in blocks if not self._is_done(index, trials=len(plan.loads))]
        for index in missing:

            def show(samples: int, *, block: int = index) -> None:
                advance(done=time.monotonic() - started, note=f"block {block + 1} of {plan.blocks}, {samples} requests")

            with suppress(LostWorkerError):
                self._block(index, plan.block(index), show=show)

    def _is_done(self, index: int, *, trials: int) -> bool:
        """Whether an earlier try at this run, if there was one, came to the block's end."""
        path = self.loader.folder.report_file(index)
        return path.exists() and read(path, LoadReport).is_done(trials)

    def _block(self, index: int | None, loads: Sequence[ArmLoad], *, show: Callable[[int], None]) -> None:
        loader = self.loader
        loader.folder.set_aside(index)
        with self._surroundings(index) as surroundings:
            self._loaded(index, loads, surroundings=surroundings, show=show)

    @contextmanager
    def _surroundings(self, index: int | None) -> Iterator[Surroundings]:
        """The run's, or for writes those of a block with a database of its own."""
        shared = self.loader.surroundings
        if self.visits is not None:
            yield shared
            return
        dropped(self.server_url, (), prefix=OWN)
        try:
            url = cloned(self.server_url, shared.build.database_url, name=f"{OWN}writes")
            build = replace(shared.build, database_url=url, bare_url=url, cache_space=f":writes{index}")
            yield replace(shared, build=build)
        finally:
            dropped(self.server_url, (), prefix=OWN)

    def _loaded(
        self, index: int | None, loads: Sequence[ArmLoad], *, surroundings: Surroundings, show: Callable[[int], None]
    ) -> None:
        loader = self.loader
        running = boot(loader.experiment.servers, surroundings=surroundings, supervisor=loader.supervisor)
        # On few cores the generator would wait for those that it measures, and be late.
        loader.supervisor.give_way()
        try:
            urls = {name: each.url for name, each in running.items()}
            if self.visits is None:
                lines, sequences = self._writes(loads, surroundings=surroundings, urls=urls)
            else:
                lines, sequences = self._lines(loads, visits=self.visits, urls=urls)
            script = LoadScript(
                samples=str(loader.folder.sample_file(index)), report=str(loader.folder.report_file(index)),
                lines=tuple(lines), connections=max(CONNECTIONS, *self.design.users, 0),
                request_seconds=REQUEST_SECONDS, workers=self.design.workers,
                observed=(*(Observed(name=name, pid=each.pid) for name, each in running.items()), *self.observed),
                trials=tuple(
                    trial_of(load, sequence=sequences[load], seed=f"{self.seed}/{index}/{load.step}")
                    for load in loads
                ),
            )  # fmt: skip
            names = [parse_dsn(url)["dbname"] for url in surroundings.build.databases.values()]
            watch = ConnectionWatch(self.server_url, names)
            before = self.witness.statements_so_far()

            def looked(samples: int) -> None:
                watch.look()
                show(samples)

            generate(
                script, supervisor=loader.supervisor, script_file=loader.folder.script_file(index),
                logs=loader.surroundings.logs, token=loader.surroundings.token, show=looked,
            )  # fmt: skip
            after = self.witness.statements_so_far()
            counted = None if before is None or after is None else after - before
            write(StatementCount(counted=counted), loader.folder.statements_file(index))
            write(watch.found(), loader.folder.connections_file(index))
        finally:
            for each in running.values():
                loader.supervisor.stop(each.process)

    def _writes(
        self, loads: Sequence[ArmLoad], *, surroundings: Surroundings, urls: Mapping[str, str]
    ) -> tuple[list[Line], Sequences]:
        """Requests that the target made ready, for each load its own."""
        lines: list[Line] = []
        sequences: dict[ArmLoad, tuple[int, ...]] = {}
        url = surroundings.build.database_url
        for number in sorted({load.arm for load in loads}):
            arm, own = self.loader.experiment.arms[number], [load for load in loads if load.arm == number]
            words = (dict(arm.variant)[WRITES], arm.face)
            made = lines_to(
                writes_of(surroundings, words=words, count=self.design.ready * len(own), url=url), url=urls[arm.server]
            )  # fmt: skip
            levels = (("Lab-Variant", arm.levels),)
            for place, load in enumerate(own):
                sequences[load] = tuple(range(len(lines), len(lines) + self.design.ready))
                part = made[place * self.design.ready : (place + 1) * self.design.ready]
                lines += [replace(line, cell=number, headers=(*line.headers, *levels)) for line in part]
        return lines, sequences

    def _lines(
        self, loads: Sequence[ArmLoad], *, visits: Visits, urls: Mapping[str, str]
    ) -> tuple[list[Line], Sequences]:
        """Every request of the visits at every arm, and by load the visits as indices into them."""
        arms = {load.arm for load in loads}
        lines: list[Line] = []
        sequences: dict[int, tuple[int, ...]] = {}
        proofs: Mapping[int, CellProof] = {proof.cell: proof for proof in self.proof.cells}
        for number in sorted(arms):
            arm, places = self.loader.experiment.arms[number], {}
            for cell in self.loader.cells:
                if cell.arm == arm:
                    for answer in proofs[cell.index].answers:
                        places[cell.operation, answer.key] = len(lines)
                        lines.append(
                            self.loader.line(cell, key=answer.key, proof=proofs[cell.index], url=urls[arm.server])
                        )
            sequences[number] = tuple(places[step] for step in visits.sequence)
        return lines, {load: sequences[load.arm] for load in loads}
